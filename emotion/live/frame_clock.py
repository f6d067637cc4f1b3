"""When a frame was captured, and whether it is late, from timestamps that cannot be trusted.

Cameras restart, clocks are set, tabs sleep: timestamps jump, fall back, or go on after a pause as
if there had been none. A late frame must be told apart from that, or readings stop.
"""

from __future__ import annotations

from typing import Final

LATE_SECONDS: Final = 0.15
"""A frame that arrives this much later than it should is shown without being read."""
DRIFT_PER_SECOND: Final = 0.02
"""Seconds by which the usual delay may grow per second: clocks drift, network routes change."""
RESTART_DELAY_SECONDS: Final = 3.0
"""When the delay changes by more than this, the timestamps have started over."""
RESTART_FALLBACK_SECONDS: Final = 0.5
"""Likewise when timestamps fall back by more than this. By less, a frame is out of order."""
MAX_LATE_SECONDS: Final = 1.0
STEADY_DELAY_SECONDS: Final = 0.15
"""Frames that have been late for `MAX_LATE_SECONDS`, by a delay that varies by no more than
`STEADY_DELAY_SECONDS`, are not late: the camera has paused, and its timestamps with it."""


class FrameClock:
    """Corrects one stream's timestamps. Not safe to call from several threads at once."""

    def __init__(self) -> None:
        # Of the last frame: the camera's timestamp, the stream's time, and this machine's.
        self._last: tuple[float, float, float] | None = None
        self._offset = self._usual_delay = 0.0
        self._late_since: tuple[float, float] | None = None

    def update(self, timestamp: float, now: float) -> tuple[float, bool]:
        """Take a frame's timestamp.

        Args:
            timestamp: when the frame was captured, in seconds on the camera's clock.
            now: seconds on this machine's clock.

        Returns:
            When the frame was captured, in seconds on a clock that never runs back, and whether
            it is late. Until the camera's clock first starts over, both clocks agree.
        """
        delay = now - timestamp
        if self._last is None:
            self._last, self._usual_delay = (timestamp, timestamp, now), delay
            return timestamp, False
        last_timestamp, time, last_now = self._last
        if (
            timestamp < last_timestamp - RESTART_FALLBACK_SECONDS
            or abs(delay - self._usual_delay) > RESTART_DELAY_SECONDS
        ):
            self._offset = time + (now - last_now) - timestamp
            self._usual_delay, self._late_since = delay, None
        time = max(time, timestamp + self._offset)
        self._last = timestamp, time, now
        self._usual_delay = min(delay, self._usual_delay + DRIFT_PER_SECOND * (now - last_now))
        return time, self._is_late(delay, now)

    def _is_late(self, delay: float, now: float) -> bool:
        """Return whether a frame is late, compared with the shortest delay so far."""
        if delay - self._usual_delay <= LATE_SECONDS:
            self._late_since = None
            return False
        if self._late_since is None or abs(delay - self._late_since[1]) > STEADY_DELAY_SECONDS:
            self._late_since = now, delay
        if now - self._late_since[0] < MAX_LATE_SECONDS:
            return True
        self._usual_delay, self._late_since = delay, None
        return False
