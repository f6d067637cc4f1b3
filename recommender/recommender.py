"""The one call: a mood in, a playlist out."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil
from statistics import median
from typing import Final

from recommender.catalog.catalog import Catalog
from recommender.genres import default_table, resolve
from recommender.journey import plan
from recommender.loosening import Passing
from recommender.ranking.candidates import CandidateSet, merge_candidates
from recommender.ranking.explanation import explain
from recommender.ranking.scoring import INSTRUMENTAL_CALM, QUIET_DEPTH, Context, Scores, score
from recommender.ranking.selection import select
from recommender.ranking.weights import Weights
from recommender.request import MAX_TRACKS, Request
from recommender.taste.taste import Taste
from recommender.types import EVERYTHING, Filters, Intent, Mood, Pick, Playlist, Track

TYPICAL_TRACK_MINUTES: Final = 3.5
"""How long a track of unknown length is taken to last; the median of the starter's known ones."""

MAX_SEARCHES: Final = 8
"""The catalogue is searched around about this many slots of a journey."""

MIN_SPARE_CANDIDATES: Final = 40
"""How many more tracks than slots each search looks at, at least."""

MIN_CANDIDATES: Final = 400
"""At least this many tracks are looked at in all, so that a journey that stays in one place has a
choice."""

MAX_PLANS: Final = 5
"""At most this many plans are tried to fill the minutes that were asked for."""


class Recommender:
    """Chooses music for a mood. Keeps nothing between calls; safe to share between threads.

    Args:
        catalog: where the tracks come from, by default what `Catalog.open` opens.
        weights: of the ranking, by default those that `python -m recommender evaluate --tune` found
            best.

    Raises:
        CatalogError: no catalogue is given and the default one cannot be opened.
    """

    name: Final = "Affectune"

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

        The same as `answer` with a `Request` of these values.

        Args:
            mood: where the listener is.
            intent, n, minutes, filters, emotions, seed, exclude, target, taste, adventure, extra:
                see `Request`.
            genres: families, or tags that belong to one; every track has at least one of them.
                Empty for any genre. The filters' own genres are added to them.

        Raises:
            ValueError: a value is unknown or out of range; the message says which and what is
                allowed.
        """
        return self.answer(
            Request(
                mood,
                intent=intent,
                n=n,
                minutes=minutes,
                filters=replace(filters, genres=(*genres, *filters.genres)),
                emotions=emotions,
                seed=seed,
                exclude=exclude,
                target=target,
                taste=taste,
                adventure=adventure,
                extra=extra,
            )
        )

    def answer(self, request: Request) -> Playlist:
        """Return the playlist for a request.

        No track comes twice. Where the catalogue runs out, the playlist is shorter. A track of
        unknown length counts as `TYPICAL_TRACK_MINUTES`.

        Raises:
            ValueError: its filters name a genre that the catalogue does not have.
        """
        request = replace(request, filters=self._resolved(request.filters)).seeded()
        n = request.n
        if request.minutes is not None:
            n = min(MAX_TRACKS, ceil(request.minutes / TYPICAL_TRACK_MINUTES))
        slots = tuple(request.slots) or plan(request.mood, request.intent, n, target=request.end)
        candidates = CandidateSet(self._candidates(request, slots))
        context = Context(
            request.intent, request.emotions or {}, request.filters.genres, request.taste
        )
        weights = self.weights.at(request.adventure)
        assert request.seed is not None
        if request.minutes is None or request.slots:
            draft = _draft(candidates, slots, context, weights, request.seed)
        else:
            draft = _fill(candidates, request, context, weights, request.seed)
        picks = explain(
            candidates, draft.rows, draft.scores, draft.slots, context=context, weights=weights
        )
        note = None if request.filters.explicit else unmarked(self.catalog, picks)
        return Playlist(
            mood=request.mood,
            target=request.end,
            intent=request.intent,
            picks=tuple(picks),
            seed=request.seed,
            notes=(note,) if note else (),
        )

    def passing(self, filters: Filters) -> Passing:
        """Count what passes filters, and what passes all but one of them.

        Raises:
            ValueError: they name a genre that the catalogue does not have.
        """
        return self.catalog.passing(self._resolved(filters))

    def _resolved(self, filters: Filters) -> Filters:
        """Return filters with each genre as the catalogue calls it."""
        table = default_table()
        allowed = self.catalog.genres()
        known = dict.fromkeys((*table.families, *allowed))
        genres = (resolve(genre, allowed, table) for genre in filters.genres)
        return replace(
            filters,
            genres=tuple(dict.fromkeys(genres)),
            without_genres=tuple(
                resolve(genre, known, table, name="without_genres")
                for genre in filters.without_genres
            ),
            languages=tuple(code.strip().lower() for code in filters.languages),
        )

    def _candidates(self, request: Request, slots: Sequence[Mood]) -> list[Track]:
        """Return the tracks to choose from, including those from elsewhere."""
        places, limit = search_plan(slots)
        tracks = self.catalog.candidates_along(
            places, filters=request.filters, limit=limit, exclude=request.exclude
        )
        excluded = set(request.exclude)
        extra = [
            track
            for track in request.extra
            if track.id not in excluded and _passes(request.filters, track)
        ]
        return merge_candidates(tracks, extra)


def unmarked(catalog: Catalog, picks: Sequence[Pick]) -> str | None:
    """Return a note if it cannot be promised that no track is explicit.

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


@dataclass(frozen=True, slots=True)
class _Draft:
    """A journey and what was selected for it: rows of a candidate set, with their scores."""

    slots: tuple[Mood, ...]
    scores: Scores
    rows: list[int]


def _draft(
    candidates: CandidateSet, slots: tuple[Mood, ...], context: Context, weights: Weights, seed: int
) -> _Draft:
    scores = score(candidates, slots, context, weights)
    rows = select(candidates, scores, slots, intent=context.intent, weights=weights, seed=seed)
    return _Draft(slots, scores, rows)


def _fill(
    candidates: CandidateSet, request: Request, context: Context, weights: Weights, seed: int
) -> _Draft:
    """Return the draft whose length comes nearest to the minutes of a request.

    How many slots it needs is only known once the tracks are, so it is planned again with a few
    slots more or less until it fits within half a track. Every slot moves a little with their
    number, so the next guess stays between what was too short and what was too long.
    """
    assert request.minutes is not None
    track_minutes = lengths_in_minutes(candidates.tracks)
    usual = median(track_minutes) if track_minutes else TYPICAL_TRACK_MINUTES
    n = max(1, min(MAX_TRACKS, round(request.minutes / usual)))
    too_short, too_long = 0, MAX_TRACKS + 1
    tried: list[tuple[float, _Draft]] = []
    for _ in range(MAX_PLANS):
        if too_long - too_short < 2:
            break
        if not too_short < n < too_long:
            n = (too_short + too_long) // 2
        slots = plan(request.mood, request.intent, n, target=request.end)
        draft = _draft(candidates, slots, context, weights, seed)
        excess = sum(track_minutes[row] for row in draft.rows) - request.minutes
        tried.append((abs(excess), draft))
        if abs(excess) <= usual / 2 or len(draft.rows) < n:
            break
        too_short, too_long = (too_short, n) if excess > 0 else (n, too_long)
        n -= round(excess / usual)
    return min(tried, key=lambda attempt: attempt[0])[1]


def lengths_in_minutes(tracks: Sequence[Track]) -> list[float]:
    """Return how many minutes each track lasts; `TYPICAL_TRACK_MINUTES` where that is not known.

    A guess from the other tracks would differ between a candidate set and the tracks chosen from
    it: a set that fills its time would be called too short.
    """
    return [
        track.duration_ms / 60_000 if track.duration_ms else TYPICAL_TRACK_MINUTES
        for track in tracks
    ]


def _passes(filters: Filters, track: Track) -> bool:
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


def search_plan(slots: Sequence[Mood]) -> tuple[list[Mood], int]:
    """Return around which moods of a journey to search, and for how many tracks around each.

    Not around every one: each search costs, and neighbouring slots would find the same tracks.
    """
    step = max(1, len(slots) // MAX_SEARCHES)
    calm = any(slot.valence > 0 and slot.arousal < -QUIET_DEPTH / 2 for slot in slots)
    moods = [*slots[::step], slots[-1], *([INSTRUMENTAL_CALM] if calm else [])]
    places = list(dict.fromkeys(moods))
    return places, max(MIN_SPARE_CANDIDATES + len(slots), MIN_CANDIDATES // len(places))
