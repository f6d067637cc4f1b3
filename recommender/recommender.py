"""The one call: a mood in, a playlist out."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Final

from recommender.catalog import EVERYTHING, Catalog
from recommender.genres import default_table, resolve
from recommender.journey import check_intent, plan, target_for
from recommender.mood import mood_of
from recommender.ranking import choose
from recommender.types import Filters, Intent, Mood, Playlist

MOST: Final = 200
"""Tracks in the longest playlist."""

LOOKS: Final = 8
"""Around how many places of a journey the catalogue is searched."""


class Recommender:
    """Chooses music for a mood. Keeps nothing between calls; safe to share between threads.

    Args:
        catalog: where the tracks come from, by default what `Catalog.open` opens.

    Raises:
        CatalogError: no catalogue is given and the default one cannot be opened.
    """

    def __init__(self, catalog: Catalog | None = None) -> None:
        self.catalog = Catalog.open() if catalog is None else catalog

    def recommend(
        self,
        mood: Mood,
        *,
        intent: Intent = "shift",
        n: int = 20,
        genres: Sequence[str] = (),
        filters: Filters = EVERYTHING,
        emotions: Mapping[str, float] | None = None,
        seed: int | None = None,
        exclude: Collection[str] = (),
        target: Mood | None = None,
    ) -> Playlist:
        """Return a playlist that meets a mood and, if asked, moves it.

        No track comes twice. Where the catalogue runs out, the playlist is shorter.

        Args:
            mood: where the listener is.
            intent: ``match`` stays, ``shift`` moves in even steps, ``lift`` goes there at once.
            n: how many tracks, 1 to `MOST`.
            genres: families (or tags that mean one) of which every track has one; all if empty.
            filters: what else is let in; its own genres are added to `genres`.
            emotions: emotion → weight, what the listener feels; decides which genres suit.
                Guessed from the mood by default.
            seed: what to draw with; the same one draws the same from the same catalogue.
            exclude: ids of tracks to leave out, such as those already heard.
            target: where to end, `journey.target_for` by default.

        Raises:
            ValueError: a value is unknown or out of range; the message says which and what is
                allowed.
        """
        check_intent(intent)
        if isinstance(n, bool) or not isinstance(n, int) or not 1 <= n <= MOST:
            raise ValueError(f"Incorrect value for 'n' argument: {n!r}: 1 to {MOST}")
        if emotions is not None:
            mood_of(emotions)
        table = default_table()
        allowed = self.catalog.genres()
        wanted = (*genres, *filters.genres)
        asked = tuple(dict.fromkeys(resolve(genre, allowed, table) for genre in wanted))
        seed = secrets.randbits(32) if seed is None else seed
        end = mood if intent == "match" else target or target_for(mood, intent)
        slots = plan(mood, intent, n, target=end)
        tracks = self.catalog.candidates_along(
            _looked_at(slots), filters=replace(filters, genres=asked), limit=40 + n, exclude=exclude
        )
        picks = choose(
            tracks,
            slots,
            intent=intent,
            emotions=emotions or {},
            asked=asked,
            table=table,
            seed=seed,
        )
        return Playlist(mood=mood, target=end, intent=intent, picks=tuple(picks), seed=seed)


def _looked_at(slots: Sequence[Mood]) -> list[Mood]:
    """Return enough of a journey's moods for the catalogue to be searched around: each search
    costs, and neighbouring places would find the same tracks."""
    step = max(1, len(slots) // LOOKS)
    return [*slots[::step], slots[-1]]
