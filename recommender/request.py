"""What is asked of a recommender, as one object."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from recommender.journey import check_intent, target_for
from recommender.mood import mood_of
from recommender.ranking.weights import check_adventure
from recommender.taste.taste import Taste
from recommender.types import EVERYTHING, Filters, Intent, Mood, Track

MAX_TRACKS: Final = 200
"""Tracks in the longest playlist."""

MIN_MINUTES: Final = 5
"""Minutes of the shortest playlist that can be asked for in minutes."""

MAX_MINUTES: Final = 600
"""Minutes of the longest one."""


@dataclass(frozen=True, slots=True)
class Request:
    """A playlist that is asked for.

    Attributes:
        mood: where the listener is.
        intent: ``match`` stays, ``shift`` moves in even steps, ``lift`` goes there at once,
            ``wind_down`` eases into calm.
        n: how many tracks, 1 to `MAX_TRACKS`.
        minutes: how long it should last instead, `MIN_MINUTES` to `MAX_MINUTES`, with at most
            `MAX_TRACKS` tracks.
        filters: what is let in.
        emotions: emotion → weight, what the listener feels; decides which genres suit. Guessed
            from the mood by default.
        seed: of the draw; the same seed draws the same from the same catalogue. A random one by
            default.
        exclude: ids of tracks to leave out, such as those already heard.
        target: where to end, `journey.target_for` by default.
        slots: the moods to follow instead of a planned journey, one per track; `n` and `minutes`
            are then ignored. For the rest of a journey that has begun.
        taste: what is known of the listener's taste.
        adventure: 0 familiar (well known, liked, usual genres) to 1 adventurous.
        extra: tracks from elsewhere, chosen from together with the catalogue's and held to the
            same filters. Of a song that both have, the measured recording stays.

    Raises:
        ValueError: a value is unknown or out of range; the message says which and what is
            allowed.
    """

    mood: Mood
    intent: Intent = "shift"
    n: int = 20
    minutes: float | None = None
    filters: Filters = EVERYTHING
    emotions: Mapping[str, float] | None = None
    seed: int | None = None
    exclude: Collection[str] = ()
    target: Mood | None = None
    slots: Sequence[Mood] = ()
    taste: Taste | None = None
    adventure: float = 0.5
    extra: Sequence[Track] = ()

    def __post_init__(self) -> None:
        check_intent(self.intent)
        check_adventure(self.adventure)
        n = self.n
        if isinstance(n, bool) or not isinstance(n, int) or not 1 <= n <= MAX_TRACKS:
            raise ValueError(f"Incorrect value for 'n' argument: {n!r}: 1 to {MAX_TRACKS}")
        if len(self.slots) > MAX_TRACKS:
            raise ValueError(
                f"Incorrect value for 'slots' argument: {len(self.slots)} moods: "
                f"at most {MAX_TRACKS}"
            )
        if self.emotions is not None:
            mood_of(self.emotions)
        if self.minutes is not None:
            _check_minutes(self.minutes)
        for decade in self.filters.decades:
            _check_decade(decade)

    @property
    def end(self) -> Mood:
        """Where the journey ends; a ``match`` stays, whatever the target."""
        if self.intent == "match":
            return self.mood
        return self.target or target_for(self.mood, self.intent)

    def seeded(self) -> Request:
        """Return the request with a seed: its own, or a random one of 32 bits."""
        return self if self.seed is not None else replace(self, seed=secrets.randbits(32))


def _check_minutes(minutes: float) -> None:
    number = isinstance(minutes, (int, float)) and not isinstance(minutes, bool)
    if not number or not MIN_MINUTES <= minutes <= MAX_MINUTES:
        raise ValueError(
            f"Incorrect value for 'minutes' argument: {minutes!r}: {MIN_MINUTES} to {MAX_MINUTES}"
        )


def _check_decade(decade: int) -> None:
    if isinstance(decade, bool) or not isinstance(decade, int) or decade % 10:
        raise ValueError(
            f"Incorrect value for 'decades' argument: {decade!r}: first years, such as 1980"
        )
