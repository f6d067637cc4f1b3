"""When a frame was taken, and whether it comes late, by timestamps that cannot be trusted.

Cameras restart, clocks are set, tabs sleep: timestamps leap, fall back, or go on after a pause as
if there had been none. What is late must be told from that, or readings starve.
"""

from __future__ import annotations

from typing import Final

LATE: Final = 0.15
"""A frame that comes this many seconds later than it should is shown unread."""
CATCHING_UP: Final = 0.02
"""Seconds a second by which what counts as punctual may slip: clocks drift, routes change."""
ANOTHER_CLOCK: Final = 3.0
"""A delay of this many seconds is none: the timestamps have begun anew."""
BACK: Final = 0.5
"""Seconds by which timestamps fall back where they begin anew. By less, a frame is out of order."""
NOT_LATE: Final = 1.0
STEADY: Final = 0.15
"""Frames that have been late for this many seconds, and by the same delay give or take this, are
not late: the camera has paused, and its timestamps with it."""


class FrameClock:
    """One stream's sense of time. Not for use from several threads at once."""

    def __init__(self) -> None:
        # Of the last frame: its timestamp, the stream's time, and this machine's.
        self._last: tuple[float, float, float] | None = None
        self._offset = self._usual = 0.0
        self._late_since: tuple[float, float] | None = None

    def take(self, timestamp: float, now: float) -> tuple[float, bool]:
        """Take a frame's timestamp.

        Args:
            timestamp: when it was taken, in seconds on the camera's clock.
            now: seconds on this machine's.

        Returns:
            When it was taken, in seconds on a clock that never runs back, and whether it comes
            later than it should. Before the camera's clock first begins anew both clocks agree.
        """
        delay = now - timestamp
        if self._last is None:
            self._last, self._usual = (timestamp, timestamp, now), delay
            return timestamp, False
        before, moment, then = self._last
        if timestamp < before - BACK or abs(delay - self._usual) > ANOTHER_CLOCK:
            self._offset = moment + (now - then) - timestamp
            self._usual, self._late_since = delay, None
        moment = max(moment, timestamp + self._offset)
        self._last = timestamp, moment, now
        self._usual = min(delay, self._usual + CATCHING_UP * (now - then))
        return moment, self._is_late(delay, now)

    def _is_late(self, delay: float, now: float) -> bool:
        """Tell a frame that has waited somewhere, by the quickest way that frames have taken."""
        if delay - self._usual <= LATE:
            self._late_since = None
            return False
        if self._late_since is None or abs(delay - self._late_since[1]) > STEADY:
            self._late_since = now, delay
        if now - self._late_since[0] < NOT_LATE:
            return True
        self._usual, self._late_since = delay, None
        return False
