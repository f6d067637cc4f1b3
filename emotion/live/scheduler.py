"""The frame scheduler: how often each stream of a process may read a frame.

What reading a frame costs depends on the machine and on everything else that runs on it. So the
cost is measured, and the readings of all streams together are kept to a fraction of the machine.
The rest is left for decoding, drawing and encoding the frames that people look at.

Costs are processor time, which does not grow with the number of streams. The time that passes does:
streams wait for one another. Only where that is out of proportion to the work, because something
else holds the machine, does it count.
"""

from __future__ import annotations

import os
import threading
from typing import Final

READING_CPU_FRACTION: Final = 0.5
"""Fraction of all cores for the readings of all streams together."""
STREAM_TIME_FRACTION: Final = 0.6
"""Fraction of one stream's time for its readings: frames between two readings are shown at once."""
DETECTION_FRACTION: Final = 0.25
"""Fraction of the readings' time for detecting faces; between detections, known faces are
tracked."""
MIN_DETECTION_INTERVAL_SECONDS: Final = 0.15
MAX_DETECTION_INTERVAL_SECONDS: Final = 1.5
EARLY_SECONDS: Final = 0.004
"""A reading may start this much early. Without it a stream of 30 frames a second would skip every
second frame whenever its interval is a hair longer than a frame."""
HURRY_FRACTION: Final = 0.5
"""A reading out of turn comes no sooner than this fraction of the interval after the last."""
ELAPSED_WEIGHT: Final = 0.5
"""A cost is at least this fraction of the time that passed: if a thread waits longer than it works,
the machine has less to give than its number of cores suggests."""
COST_WEIGHT: Final = 0.1
"""Weight of the newest measurement in the running average of the costs."""


class FrameScheduler:
    """Shares the machine between streams. Safe to call from several threads.

    Args:
        cores: CPU cores to share; all of this machine's by default.
    """

    def __init__(self, *, cores: int | None = None) -> None:
        self.cores = cores or os.cpu_count() or 1
        self._processes = 1
        self._lock = threading.Lock()
        self._slots: set[StreamSlot] = set()
        self._readings = 0
        # Streams that read at the same moment only slow one another down.
        self._free_cores = threading.BoundedSemaphore(self.cores)

    def share_with(self, processes: int) -> None:
        """Leave room on the machine for other processes that read streams as well.

        Args:
            processes: how many there are, this one included; at least 1.

        Raises:
            ValueError: ``processes`` is less than 1.
        """
        if processes < 1:
            raise ValueError(f"Incorrect value for 'processes' argument: {processes!r}: 1 or more")
        self._processes = processes

    def join(self) -> StreamSlot:
        """Return the slot of a new stream, which must call `StreamSlot.leave` when it ends."""
        slot = StreamSlot(self)
        with self._lock:
            self._slots.add(slot)
        return slot

    @property
    def streams(self) -> int:
        """How many streams currently share the machine."""
        return len(self._slots)

    @property
    def readings(self) -> int:
        """How many readings all streams have made, including streams that have ended."""
        return self._readings

    @property
    def _reading_cores(self) -> float:
        """How many cores the readings of all streams of this process may use."""
        return READING_CPU_FRACTION * self.cores / self._processes

    def read_interval(self, slot: StreamSlot) -> float:
        """Return the seconds from one reading of a stream to its next."""
        with self._lock:
            total = sum(other.read_cost for other in self._slots)
        return max(slot.min_read_interval, total / self._reading_cores)

    def detection_interval(self) -> float:
        """Return the seconds from one detection to the next, the same for every stream."""
        with self._lock:
            total = sum(other.detection_cost for other in self._slots)
        wanted = total / (DETECTION_FRACTION * self._reading_cores)
        return min(MAX_DETECTION_INTERVAL_SECONDS, max(MIN_DETECTION_INTERVAL_SECONDS, wanted))


class StreamSlot:
    """One stream's part in a `FrameScheduler`, used by that stream's thread.

    Attributes:
        read_cost: running average of what a reading costs, in seconds of one processor.
        read_seconds: running average of the time that passes during a reading.
        detection_cost: running average of what a detection costs; it is part of some readings.
    """

    def __init__(self, scheduler: FrameScheduler) -> None:
        self._scheduler = scheduler
        self.read_cost = 0.0
        self.read_seconds = 0.0
        self.detection_cost = 0.0
        self._began = self._next_read = float("-inf")

    def try_begin(self, now: float) -> bool:
        """Return whether a reading may start now; if so, `end` must follow."""
        return now >= self._next_read and self._scheduler._free_cores.acquire(blocking=False)

    def end(self, began: float, seconds: float, cpu_seconds: float) -> None:
        """End a reading.

        Args:
            began: when it began, on the clock of `try_begin`.
            seconds: how much time has passed since.
            cpu_seconds: how much processor time it took.
        """
        self._scheduler._free_cores.release()
        with self._scheduler._lock:
            self._scheduler._readings += 1
        self.read_cost = _averaged(self.read_cost, _cost(seconds, cpu_seconds))
        self.read_seconds = _averaged(self.read_seconds, seconds)
        self._began = began
        self._next_read = began + self.read_interval - EARLY_SECONDS

    def hurry(self) -> None:
        """Let the next reading come out of turn: what is known is out of date.

        It still keeps to the detection interval, to the stream's own share of the time, and to
        `HURRY_FRACTION` of the read interval.
        """
        soon = max(
            self.min_read_interval,
            self.detection_interval,
            HURRY_FRACTION * self.read_interval,
        )
        self._next_read = min(self._next_read, self._began + soon - EARLY_SECONDS)

    def record_detection(self, seconds: float, cpu_seconds: float) -> None:
        """Record the time that passed during a detection, and its processor time."""
        self.detection_cost = _averaged(self.detection_cost, _cost(seconds, cpu_seconds))

    @property
    def read_interval(self) -> float:
        """Seconds from one reading to the next."""
        return self._scheduler.read_interval(self)

    @property
    def min_read_interval(self) -> float:
        """Seconds from one reading to the next if no other stream wanted to read."""
        return self.read_seconds / STREAM_TIME_FRACTION

    @property
    def detection_interval(self) -> float:
        """Seconds from one detection to the next."""
        return self._scheduler.detection_interval()

    def leave(self) -> None:
        """Leave the scheduler. A second call changes nothing."""
        with self._scheduler._lock:
            self._scheduler._slots.discard(self)


def _cost(seconds: float, cpu_seconds: float) -> float:
    return max(cpu_seconds, ELAPSED_WEIGHT * seconds)


def _averaged(average: float, measured: float) -> float:
    return average + COST_WEIGHT * (measured - average) if average else measured
