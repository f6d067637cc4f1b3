"""The one call: a mood in, a playlist out."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from math import ceil
from statistics import median
from typing import Final

from recommender.catalog.catalog import EVERYTHING, Catalog
from recommender.genres import default_table, resolve
from recommender.journey import check_intent, plan, target_for
from recommender.mood import mood_of
from recommender.ranking.candidates import QUIET, WORDLESS, Weights, check_adventure
from recommender.ranking.ranking import Ranker, Wish, pooled
from recommender.taste.taste import Taste
from recommender.types import Filters, Intent, Mood, Pick, Playlist, Track

MOST: Final = 200
"""Tracks in the longest playlist."""

SHORTEST: Final = 5
"""Minutes of the shortest playlist that can be asked for in minutes."""

LONGEST: Final = 600
"""Minutes of the longest one."""

USUAL: Final = 3.5
"""Minutes that a track is taken to last where the lengths of nearly all are unknown."""

FEW: Final = 5
"""Known lengths from which on their median says how long a track of unknown length is."""

LOOKS: Final = 8
"""Around how many places of a journey the catalogue is searched."""
SPARE: Final = 40
"""How many more tracks than places are looked at around each of these at least."""

ENOUGH: Final = 400
"""How many tracks are looked at in all, so that staying in one place is no small world."""


class Recommender:
    """Chooses music for a mood. Keeps nothing between calls; safe to share between threads.

    Args:
        catalog: where the tracks come from, by default what `Catalog.open` opens.
        weights: what counts how much, by default what `python -m recommender evaluate` found best.

    Raises:
        CatalogError: no catalogue is given and the default one cannot be opened.
    """

    def __init__(self, catalog: Catalog | None = None, *, weights: Weights | None = None) -> None:
        self.catalog = Catalog.open() if catalog is None else catalog
        self.weights = weights or Weights()

    def recommend(
        self,
        mood: Mood,
        *,
        intent: Intent = "shift",
        n: int = 20,
        minutes: float | None = None,
        genres: Sequence[str] = (),
        filters: Filters = EVERYTHING,
        emotions: Mapping[str, float] | None = None,
        seed: int | None = None,
        exclude: Collection[str] = (),
        target: Mood | None = None,
        taste: Taste | None = None,
        adventure: float = 0.5,
        extra: Sequence[Track] = (),
    ) -> Playlist:
        """Return a playlist that meets a mood and, if asked, moves it.

        No track comes twice. Where the catalogue runs out, the playlist is shorter.

        Args:
            mood: where the listener is.
            intent: ``match`` stays, ``shift`` moves in even steps, ``lift`` goes there at once.
            n: how many tracks, 1 to `MOST`.
            minutes: fill about so many minutes instead, `SHORTEST` to `LONGEST`, with at most
                `MOST` tracks. One of unknown length counts as the median of the known ones
                among the candidates, or as `USUAL`.
            genres: families (or tags that mean one) of which every track has one; all if empty.
            filters: what else is let in; its own genres are added to `genres`.
            emotions: emotion → weight, what the listener feels; decides which genres suit.
                Guessed from the mood by default.
            seed: what to draw with; the same one draws the same from the same catalogue.
            exclude: ids of tracks to leave out, such as those already heard.
            target: where to end, `journey.target_for` by default.
            taste: what is known of the listener's taste.
            adventure: 0 familiar (well known, liked, usual genres) to 1 adventurous.
            extra: tracks from elsewhere, chosen from together with the catalogue's and held to
                the same filters. Of a song that both have, the measured recording stays.

        Raises:
            ValueError: a value is unknown or out of range; the message says which and what is
                allowed.
        """
        check_intent(intent)
        check_adventure(adventure)
        if isinstance(n, bool) or not isinstance(n, int) or not 1 <= n <= MOST:
            raise ValueError(f"Incorrect value for 'n' argument: {n!r}: 1 to {MOST}")
        if emotions is not None:
            mood_of(emotions)
        if minutes is not None:
            _check_minutes(minutes)
            n = min(MOST, ceil(minutes / USUAL))
        table = default_table()
        allowed = self.catalog.genres()
        wanted = (*genres, *filters.genres)
        asked = tuple(dict.fromkeys(resolve(genre, allowed, table) for genre in wanted))
        known = dict.fromkeys((*table.families, *allowed))
        unwanted = tuple(
            resolve(genre, known, table, name="without_genres") for genre in filters.without_genres
        )
        for decade in filters.decades:
            _check_decade(decade)
        languages = tuple(code.strip().lower() for code in filters.languages)
        filters = replace(filters, genres=asked, without_genres=unwanted, languages=languages)
        seed = secrets.randbits(32) if seed is None else seed
        end = mood if intent == "match" else target or target_for(mood, intent)
        slots = plan(mood, intent, n, target=end)
        places, limit = search(slots)
        tracks = self.catalog.candidates_along(
            places, filters=filters, limit=limit, exclude=exclude
        )
        left_out = set(exclude)
        welcome = [
            track for track in extra if track.id not in left_out and _lets_in(filters, track)
        ]
        ranker = Ranker(
            pooled(tracks, welcome),
            Wish(intent, emotions or {}, asked, taste, adventure),
            table,
            self.weights,
        )
        if minutes is None:
            picks = ranker.tell(ranker.order(slots, seed), slots)
        else:
            picks = _fill(ranker, minutes, mood, intent, end, seed)
        note = None if filters.explicit else unmarked(self.catalog, picks)
        return Playlist(
            mood=mood,
            target=end,
            intent=intent,
            picks=tuple(picks),
            seed=seed,
            notes=(note,) if note else (),
        )


def unmarked(catalog: Catalog, picks: Sequence[Pick]) -> str | None:
    """Return the sentence for those who want nothing explicit, where that cannot be promised.

    Args:
        catalog: what was chosen from.
        picks: what was chosen.

    Returns:
        ``None`` where all tracks are known not to be explicit.
    """
    unknown = sum(pick.track.explicit is None for pick in picks)
    if not catalog.marked and 0 < unknown == len(picks):
        return "This catalogue does not say which tracks are explicit, so none could be left out."
    if not unknown:
        return None
    those = "One" if unknown == 1 else f"{unknown}"
    verb = "is" if unknown == 1 else "are"
    return (
        f"{those} of {len(picks)} tracks {verb} not marked as explicit or clean, and may be either."
    )


def _fill(
    ranker: Ranker, minutes: float, mood: Mood, intent: Intent, end: Mood, seed: int
) -> list[Pick]:
    """Return the picks of the journey whose length comes nearest to some minutes.

    How many places it needs is only known once the tracks are, so it is planned again with
    one place more or less until it fits to half a track; three times settle it, since all but
    the last tracks stay much the same.
    """
    each_lasts = lengths(ranker.tracks)
    each = median(each_lasts) if each_lasts else USUAL
    n = round(minutes / each)
    tried: dict[int, tuple[float, list[int], tuple[Mood, ...]]] = {}
    for _ in range(4):
        n = max(1, min(MOST, n))
        if n in tried:
            break
        slots = plan(mood, intent, n, target=end)
        order = ranker.order(slots, seed)
        over = sum(each_lasts[row] for row in order) - minutes
        tried[n] = (abs(over), order, slots)
        if abs(over) <= each / 2 or len(order) < n:
            break
        n -= round(over / each)
    _, order, slots = min(tried.values(), key=lambda attempt: attempt[0])
    return ranker.tell(order, slots)


def lengths(tracks: Sequence[Track]) -> list[float]:
    """Return how many minutes each track lasts, or is taken to: as long as half of the others."""
    known = [track.duration_ms / 60_000 for track in tracks if track.duration_ms]
    usual = median(known) if len(known) >= FEW else USUAL
    return [track.duration_ms / 60_000 if track.duration_ms else usual for track in tracks]


def _check_minutes(minutes: float) -> None:
    number = isinstance(minutes, (int, float)) and not isinstance(minutes, bool)
    if not number or not SHORTEST <= minutes <= LONGEST:
        raise ValueError(
            f"Incorrect value for 'minutes' argument: {minutes!r}: {SHORTEST} to {LONGEST}"
        )


def _check_decade(decade: int) -> None:
    if isinstance(decade, bool) or not isinstance(decade, int) or decade % 10:
        raise ValueError(
            f"Incorrect value for 'decades' argument: {decade!r}: first years, such as 1980"
        )


def _lets_in(filters: Filters, track: Track) -> bool:
    """Whether a track from elsewhere passes, by the rules that the catalogue has for its own."""
    banned = {name.casefold() for name in filters.without_artists}
    return (
        (not filters.genres or bool(set(filters.genres) & set(track.genres)))
        and not set(filters.without_genres) & set(track.genres)
        and not any(name.casefold() in banned for name in track.artists)
        and (
            not filters.decades
            or (track.year is not None and track.year - track.year % 10 in filters.decades)
        )
        and (not filters.languages or track.language in filters.languages)
        and (filters.explicit or not track.explicit)
    )


def search(slots: Sequence[Mood]) -> tuple[list[Mood], int]:
    """Return around which moods of a journey to search, and for how many tracks around each.

    Not around every one: each search costs, and neighbouring places would find the same tracks.
    """
    step = max(1, len(slots) // LOOKS)
    calm = any(slot.valence > 0 and slot.arousal < -QUIET / 2 for slot in slots)
    moods = [*slots[::step], slots[-1], *([WORDLESS] if calm else [])]
    places = list(dict.fromkeys(moods))
    return places, max(SPARE + len(slots), ENOUGH // len(places))
