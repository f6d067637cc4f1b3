"""What a face shows over time: smoothed, named without flicker, held until it has settled.

Everything counts in seconds and not in frames, so that a slow machine reads the same moods as
a quick one, only less often.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from emotion.labels import EMOTIONS

SMOOTHING: Final = 0.3
"""Time constant of the exponential smoothing: 63 % of a change has come through after it."""
LEAD: Final = 0.08
DWELL: Final = 0.25
"""Another emotion takes over the name once it has led by `LEAD` for `DWELL` seconds."""
HOLD: Final = 2.0
"""A mood that has been steady for so many seconds has settled."""
DRIFT: Final = 0.25
"""Steady means that no more than this share of the probability has moved elsewhere."""
WARM_UP: Final = 0.5
"""The first moments of a face do not count: it may still be on its way into the picture."""


@dataclass(frozen=True, slots=True)
class Trace:
    """What a face, or a room, has shown so far. Immutable: `after` returns the next one.

    Attributes:
        since: when it began, in seconds on any clock.
        time: the last reading.
        readings: how many there were.
        probabilities: smoothed, in the order of `EMOTIONS`.
        emotion: the name that is shown.
        rival: who would take over, and since when it has been in the lead.
        anchor: the probabilities to which it has held, and since when.
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
            probabilities: seven, each 0-1, together 1.
            time: seconds on any clock that the later readings share.
        """
        first = tuple(map(float, probabilities))
        return cls(time, time, 1, first, _leading(first), None, (first, time + WARM_UP))

    def after(
        self, probabilities: Sequence[float], time: float, *, constant: float = SMOOTHING
    ) -> Trace:
        """Return the trace with one more reading.

        Args:
            probabilities: seven, each 0-1, together 1.
            time: of this reading. One that lies before the last counts as simultaneous.
            constant: the smoothing's time constant in seconds; 0 takes the reading as it is.
        """
        time = max(time, self.time)
        readings = self.readings + 1
        weight = 1.0
        if constant > 0:
            # The first readings count alike: one bad frame at the start would linger otherwise.
            weight = max(1 - math.exp((self.time - time) / constant), 1 / readings)
        smoothed = tuple(
            before + weight * (float(now) - before)
            for before, now in zip(self.probabilities, probabilities, strict=True)
        )
        emotion, rival = self._named(smoothed, time)
        held_to, held_since = self.anchor
        warming_up = time < held_since
        if warming_up:
            held_to = smoothed
        elif emotion != self.emotion or moved(held_to, smoothed) > DRIFT:
            held_to, held_since = smoothed, time
        return replace(
            self,
            time=time,
            readings=readings,
            probabilities=smoothed,
            emotion=emotion,
            rival=rival,
            anchor=(held_to, held_since),
        )

    @property
    def held(self) -> float:
        """For how many seconds it has been steady."""
        return max(0.0, self.time - self.anchor[1])

    def _named(
        self, smoothed: tuple[float, ...], time: float
    ) -> tuple[str, tuple[str, float] | None]:
        """Return the name to show, and the rival that may take it over."""
        leading = _leading(smoothed)
        lead = smoothed[EMOTIONS.index(leading)] - smoothed[EMOTIONS.index(self.emotion)]
        if leading == self.emotion or lead < LEAD:
            return self.emotion, None
        since = self.rival[1] if self.rival and self.rival[0] == leading else time
        if time - since >= DWELL:
            return leading, None
        return self.emotion, (leading, since)


def moved(before: Sequence[float], after: Sequence[float]) -> float:
    """Return the share of probability that lies elsewhere than before, 0-1."""
    return sum(abs(b - a) for b, a in zip(before, after, strict=True)) / 2


def mean(rows: Sequence[Sequence[float]]) -> tuple[float, ...]:
    """Return the mean of several faces' probabilities: the mood of a room."""
    return tuple(sum(column) / len(rows) for column in zip(*rows, strict=True))


def _leading(probabilities: Sequence[float]) -> str:
    return EMOTIONS[max(range(len(EMOTIONS)), key=probabilities.__getitem__)]
