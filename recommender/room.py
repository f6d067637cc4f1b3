"""One mood for several people, and how far they are apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import fsum
from typing import Final

from recommender.mood import describe, room_mood
from recommender.types import Mood

CLOSE_DISTANCE: Final = 0.25
"""People who are on average this near to the room's mood are close together: anger and fear are,
sadness and an even mood are not."""

FAR_DISTANCE: Final = 0.50
"""From this average distance on they are far apart."""

DIVIDED_DISTANCE: Final = 0.60
"""People are of two minds if the middles of two groups are at least this far apart, and each person
is at most half as far from the middle of their own group as the two middles are."""

_NUMBERS: Final = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


@dataclass(frozen=True, slots=True)
class Room:
    """Several people's moods as one.

    Attributes:
        mood: the weighted mean.
        apart: weighted mean distance to it, 0 (all alike) to 1.41.
        widest: the largest distance between any two who count, 0 to 2.83.
        groups: the moods that count, in one group or, if people are of two minds, in two, the
            larger first.
    """

    mood: Mood
    apart: float
    widest: float
    groups: tuple[tuple[Mood, ...], ...]

    @property
    def sentence(self) -> str:
        """How far apart they are, in words that name places on the plane and never a person.

        Empty for one person alone.
        """
        if sum(map(len, self.groups)) < 2:
            return ""
        if len(self.groups) == 2:
            first, second = ((len(group), describe(room_mood(group))) for group in self.groups)
            if first[1] != second[1]:
                return f"Your moods split in two: {_are(*first)}, {_are(*second)}."
        where = describe(self.mood)
        if self.apart <= CLOSE_DISTANCE:
            return f"You’re all in a similar mood: {where}."
        if self.apart < FAR_DISTANCE:
            return f"Your moods differ a little. In between: {where}."
        return f"Your moods are far apart. In between: {where}."


def room(moods: Sequence[Mood], weights: Sequence[float] | None = None) -> Room:
    """Return several people's moods as one, and how they lie around it.

    Args:
        moods: one per person, at least one.
        weights: how much each counts, 0 or more; all alike by default. A weight of 0 leaves a mood
            out of the distances too.

    Raises:
        ValueError: as `room_mood` does.
    """
    middle = room_mood(moods, weights)
    fractions = [1.0] * len(moods) if weights is None else [float(fraction) for fraction in weights]
    largest = max(fractions)
    counted = [
        (mood, fraction / largest)
        for mood, fraction in zip(moods, fractions, strict=True)
        if fraction > 0
    ]
    total = fsum(fraction for _, fraction in counted)
    there = [mood for mood, _ in counted]
    return Room(
        mood=middle,
        apart=fsum(mood.distance(middle) * fraction for mood, fraction in counted) / total,
        widest=max((one.distance(other) for one, other in combinations(there, 2)), default=0.0),
        groups=_groups(there),
    )


def _groups(moods: Sequence[Mood]) -> tuple[tuple[Mood, ...], ...]:
    """Split moods where they fall into two groups that are clearly apart.

    Every pair of moods is tried as the seeds of two groups, which is enough for the handful of
    people in a picture and, unlike k-means, does not depend on where one starts.
    """
    best: tuple[float, tuple[tuple[Mood, ...], ...]] = (0.0, (tuple(moods),))
    for left, right in combinations(moods, 2):
        sides = (
            tuple(mood for mood in moods if mood.distance(left) <= mood.distance(right)),
            tuple(mood for mood in moods if mood.distance(left) > mood.distance(right)),
        )
        if not all(sides):
            continue
        middles = [room_mood(side) for side in sides]
        between = middles[0].distance(middles[1])
        within = max(
            mood.distance(middle)
            for side, middle in zip(sides, middles, strict=True)
            for mood in side
        )
        if between >= DIVIDED_DISTANCE and within <= between / 2 and between - within > best[0]:
            best = (between - within, tuple(sorted(sides, key=len, reverse=True)))
    return best[1]


def _are(count: int, where: str) -> str:
    number = _NUMBERS[count] if count < len(_NUMBERS) else str(count)
    return f"{number} {'are' if count > 1 else 'is'} {where}"
