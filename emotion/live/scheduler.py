"""How often the streams of one process may read, so that all of them stay fluent.

Reading a frame costs what it costs on this machine, with everything else that runs on it: that
is measured, and the readings of all streams together are kept to a share of the machine. The
rest is for decoding, drawing and encoding the pictures that people look at.
"""

from __future__ import annotations

import os
import threading
from typing import Final

SHARE: Final = 0.5
"""Of the processor, for the readings of all streams together."""
ALONE: Final = 0.6
"""Of its time, for the readings of one stream: what lies between them is shown without delay."""
DETECTING: Final = 0.25
"""Of the reading, for looking for faces; in between the known ones are followed."""
QUICKEST_LOOK: Final = 0.15
SLOWEST_LOOK: Final = 1.5
"""Seconds from one look for faces to the next."""
LEARNING: Final = 0.1
"""Weight of the last measurement in the running mean of the costs."""


class Pace:
    """Shares the machine between streams. Safe to call from several threads.

    Args:
        cores: processors to share; all of this machine, by default.
    """

    def __init__(self, *, cores: int | None = None) -> None:
        self.cores = cores or os.cpu_count() or 1
        self._lock = threading.Lock()
        self._seats: set[Seat] = set()
        # Streams that read at the same moment only slow one another down.
        self._places = threading.BoundedSemaphore(self.cores)

    def join(self) -> Seat:
        """Return a seat for one stream; it has to `Seat.leave` when it ends."""
        seat = Seat(self)
        with self._lock:
            self._seats.add(seat)
        return seat

    @property
    def streams(self) -> int:
        """How many streams share the machine just now."""
        return len(self._seats)

    def interval(self, seat: Seat) -> float:
        """Return the seconds from one reading of a stream to its next: the same for all."""
        with self._lock:
            total = sum(other.cost for other in self._seats)
        return max(seat.cost / ALONE, total / (SHARE * self.cores))

    def look_interval(self) -> float:
        """Return the seconds from one look for faces to the next, for every stream."""
        with self._lock:
            total = sum(other.look_cost for other in self._seats)
        wanted = total / (DETECTING * SHARE * self.cores)
        return min(SLOWEST_LOOK, max(QUICKEST_LOOK, wanted))


class Seat:
    """One stream's place in a `Pace`, used by that stream's thread."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self.cost = 0.0
        self.look_cost = 0.0
        self._next = float("-inf")

    def enter(self, now: float) -> bool:
        """Return whether a reading may start now; then `done` has to follow."""
        return now >= self._next and self._pace._places.acquire(blocking=False)

    def done(self, now: float, cost: float) -> None:
        """End a reading that took ``cost`` seconds and began at ``now``."""
        self._pace._places.release()
        self.cost = _learned(self.cost, cost)
        # A frame's width early, or a stream of 30 frames a second would skip every second one
        # whenever the interval is a hair longer than a frame.
        self._next = now + self._pace.interval(self) - 0.004

    def looked(self, cost: float) -> None:
        """Take note that a look for faces took ``cost`` seconds."""
        self.look_cost = _learned(self.look_cost, cost)

    @property
    def look_interval(self) -> float:
        """Seconds to let pass between two looks for faces."""
        return self._pace.look_interval()

    def leave(self) -> None:
        """Give the seat up. A second time changes nothing."""
        with self._pace._lock:
            self._pace._seats.discard(self)


def _learned(before: float, now: float) -> float:
    return now if not before else before + LEARNING * (now - before)
