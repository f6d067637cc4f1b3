"""What a face shows over time: smoothed, named without flicker, and for how long it is stable.

Everything is measured in seconds, not frames, so that a slow machine reads the same moods as a fast
one, only less often.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from emotion.labels import EMOTIONS

SMOOTHING_SECONDS: Final = 0.3
"""Time constant of the exponential smoothing, after which 63 % of a change has come through."""
SWITCH_LEAD: Final = 0.08
SWITCH_AFTER_SECONDS: Final = 0.25
"""The name changes to another emotion once that has led by the probability `SWITCH_LEAD` for
`SWITCH_AFTER_SECONDS`."""
SPARSE_AFTER_SECONDS: Final = 0.75
"""If readings are this far apart, the name changes at once: there is no flicker to suppress, and a
new expression, or another person, would keep the old name for one more reading."""
STABLE_AFTER_SECONDS: Final = 2.0
"""A mood that has not changed for this long is stable."""
STABLE_MAX_DISTANCE: Final = 0.25
"""A mood has not changed while its total variation distance from where it began is at most this."""
WARM_UP_SECONDS: Final = 0.5
"""The first moments of a face do not count as stable: it may still be moving into view."""


@dataclass(frozen=True, slots=True)
class Trace:
    """What a face, or a room, has shown so far. Immutable: `after` returns the next one.

    Attributes:
        since: when it began, in seconds on any clock.
        time: of the last reading.
        readings: how many there were.
        probabilities: smoothed, in the order of `EMOTIONS`.
        emotion: the name that is shown.
        rival: the emotion that may take over the name, and since when it has been in the lead.
        anchor: the probabilities from which a change is measured, and since when they have held.
    """

    since: float
    time: float
    readings: int
    probabilities: tuple[float, ...]
    emotion: str
    rival: tuple[str, float] | None
    anchor: tuple[tuple[float, ...], float]

    @classmethod
    def begin(cls, probabilities: Sequence[float], time: float) -> Trace:
        """Start with a first reading.

        Args:
            probabilities: seven, each 0-1, that sum to 1.
            time: seconds on any clock that the later readings share.
        """
        first = tuple(map(float, probabilities))
        return cls(
            since=time,
            time=time,
            readings=1,
            probabilities=first,
            emotion=_leading(first),
            rival=None,
            anchor=(first, time + WARM_UP_SECONDS),
        )

    def after(
        self,
        probabilities: Sequence[float],
        time: float,
        *,
        time_constant: float = SMOOTHING_SECONDS,
    ) -> Trace:
        """Return the trace with one more reading.

        Args:
            probabilities: seven, each 0-1, that sum to 1.
            time: of this reading. One before the last counts as simultaneous with it.
            time_constant: of the smoothing, in seconds; 0 takes the reading as it is.
        """
        time = max(time, self.time)
        readings = self.readings + 1
        weight = 1.0
        if time_constant > 0:
            # The first readings are averaged; otherwise one bad frame at the start would linger.
            weight = max(1 - math.exp((self.time - time) / time_constant), 1 / readings)
        smoothed = tuple(
            before + weight * (float(now) - before)
            for before, now in zip(self.probabilities, probabilities, strict=True)
        )
        emotion, rival = self._named(smoothed, time)
        anchor, anchored_at = self.anchor
        if time < anchored_at:  # still warming up
            anchor = smoothed
        elif (
            emotion != self.emotion
            or total_variation_distance(anchor, smoothed) > STABLE_MAX_DISTANCE
        ):
            anchor, anchored_at = smoothed, time
        return replace(
            self,
            time=time,
            readings=readings,
            probabilities=smoothed,
            emotion=emotion,
            rival=rival,
            anchor=(anchor, anchored_at),
        )

    @property
    def stable_for(self) -> float:
        """Seconds for which it has not changed."""
        return max(0.0, self.time - self.anchor[1])

    def _named(
        self, smoothed: tuple[float, ...], time: float
    ) -> tuple[str, tuple[str, float] | None]:
        """Return the name to show, and the rival that may take it over."""
        leading = _leading(smoothed)
        lead = smoothed[EMOTIONS.index(leading)] - smoothed[EMOTIONS.index(self.emotion)]
        if leading == self.emotion or lead < SWITCH_LEAD:
            return self.emotion, None
        since = self.rival[1] if self.rival and self.rival[0] == leading else time
        sparse = time - self.time >= SPARSE_AFTER_SECONDS
        if sparse or time - since >= SWITCH_AFTER_SECONDS:
            return leading, None
        return self.emotion, (leading, since)


def total_variation_distance(before: Sequence[float], after: Sequence[float]) -> float:
    """Return half the sum of the absolute differences of two distributions, 0-1."""
    return sum(abs(b - a) for b, a in zip(before, after, strict=True)) / 2


def mean_probabilities(rows: Sequence[Sequence[float]]) -> tuple[float, ...]:
    """Return the mean of several faces' probabilities: the mood of a room."""
    return tuple(sum(column) / len(rows) for column in zip(*rows, strict=True))


def _leading(probabilities: Sequence[float]) -> str:
    return EMOTIONS[max(range(len(EMOTIONS)), key=probabilities.__getitem__)]
