"""Chooses the weights of the ranking by what the evaluation measures.

A coordinate search: one weight after the other is tried at a few values, the best is kept, and
the round is repeated until nothing improves. What is maximised is `merit`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from statistics import fmean
from typing import Final

from recommender.catalog.catalog import Catalog
from recommender.evaluation.baselines import (
    CatalogRecommender,
    InMemoryRecommender,
    PlaylistRecommender,
    baselines,
)
from recommender.evaluation.evaluate import Figures, Grid, ask, default_grid, everything, measure
from recommender.evaluation.fit import CORNER_DEPTHS
from recommender.evaluation.labelled_like import LabelledSet, labelled_precision
from recommender.evaluation.listener_view import listener_view
from recommender.evaluation.listeners import Said
from recommender.evaluation.metrics import MEASURES
from recommender.journey import plan
from recommender.ranking.candidates import CandidateSet
from recommender.ranking.scoring import Context, Scores, score
from recommender.ranking.selection import select
from recommender.ranking.weights import Weights
from recommender.recommender import search_plan
from recommender.request import Request
from recommender.types import Pick, Playlist, Track

LISTENERS: Final = "listeners"
"""The name in `merit` of the precision at `CHOSEN_DEPTH` according to listeners, the mean of four
corners, on the validation split."""

LABELLED_LIKE: Final = "labelled moods"
"""The same for the moods of sets like the labelled tracks, see `labelled_like`."""

CHOSEN_DEPTH: Final = 20


@dataclass(frozen=True, slots=True)
class Outside:
    """Data from people that the choice may use as well.

    Attributes:
        tracks: in which rated songs are looked up.
        said: what listeners say of songs; their validation split counts.
        sets: sets of tracks like those that people labelled.
    """

    tracks: Sequence[Track]
    said: Sequence[Said]
    sets: Sequence[LabelledSet] = ()


PARTS: Final[Mapping[str, float]] = {
    LISTENERS: 1.5,
    LABELLED_LIKE: 4.0,
    "distance": 3.0,
    "genre fit": 3.0,
    "outside labels": 1.5,
    "acousticness": 2.0,
    "instrumentalness": 0.5,
    "diversity": 1.0,
    "novelty": 2.0,
    "popularity": 1.0,
    "arrival": 2.0,
    "leap": 1.0,
    "radius": 1.0,
}
"""What each measure is worth in `merit`: to be near the mood first, then to fit and to be new."""

PERFECT: Final[Mapping[str, float]] = {"genre fit": 1.0, "novelty": 1.0, LABELLED_LIKE: 1.0}
"""What earns full marks, if that is not the figure of the best baseline."""

BY_HAND: Final = Weights(
    bandwidth=0.12,
    quiet_bandwidth=0.22,
    genre=2.0,
    popularity=0.8,
    acousticness=0.6,
    instrumentalness=9.0,
    energy=0.0,
    repeat=0.6,
    temperature=0.4,
)
"""Set by hand before anything was measured: where a search begins."""

VALUES: Final[Mapping[str, tuple[float, ...]]] = {
    "bandwidth": (0.10, 0.12, 0.15),
    "instrumentalness": (0.3, 0.6, 1.0, 1.5),
    "energy": (3.0, 6.0, 10.0),
    "acousticness": (1.5, 2.5, 3.5),
    "temperature": (0.3, 0.4, 0.6),
    "quiet_bandwidth": (0.10, 0.15, 0.22),
    "genre": (1.5, 2.0, 3.0),
    "popularity": (0.4, 0.8, 1.2),
    "repeat": (0.6, 0.9),
}
"""Weight → values to try. With a lower bandwidth, the starter catalogue has too few tracks near a
place for genres to have a say. `taste` is not tried: no scenario of the grid has one."""

MIN_GAIN: Final = 0.001
"""A gain in merit below this is taken for chance, and the weight stays as it is."""

SEEDS: Final = (11, 12)
"""Not the seeds of the recorded figures, so that the search does not fit their luck."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A weight and the value that was tried for it, and what came of it."""

    changed: str
    value: float
    merit: float
    figures: Figures
    kept: bool = False


@dataclass(frozen=True, slots=True)
class Search:
    """A search through the weights.

    Attributes:
        start: where it began.
        first: the merit there.
        best: where it ended.
        last: the merit there.
        trials: all that was tried, in order.
    """

    start: Weights
    first: float
    best: Weights
    last: float
    trials: tuple[Trial, ...]

    @property
    def changes(self) -> dict[str, tuple[float, float]]:
        """Each weight that the search changed: before and after."""
        before, after = asdict(self.start), asdict(self.best)
        return {name: (before[name], after[name]) for name in before if before[name] != after[name]}


class CachedRecommender(CatalogRecommender):
    """`CatalogRecommender` that keeps candidates and scores: another draw costs the selection only.

    Picks carry no reasons. Only mood, intent, n, target, emotions, exclude and seed of a request
    are used.
    """

    def __init__(self, catalog: Catalog) -> None:
        super().__init__(catalog)
        self._candidates_along: dict[object, CandidateSet] = {}
        self._scored: tuple[object, Scores] | None = None

    def answer(self, request: Request) -> Playlist:
        """Return the tracks that `Recommender.answer` would choose, without the reasons."""
        request = request.seeded()
        assert request.seed is not None
        slots = plan(request.mood, request.intent, request.n, target=request.end)
        searched = slots, frozenset(request.exclude)
        if searched not in self._candidates_along:
            places, limit = search_plan(slots)
            found = self.catalog.candidates_along(places, limit=limit, exclude=request.exclude)
            self._candidates_along[searched] = CandidateSet(found)
        candidates = self._candidates_along[searched]
        context = Context(request.intent, request.emotions or {})
        key = (searched, context, self.weights)
        if self._scored is None or self._scored[0] != key:
            self._scored = key, score(candidates, slots, context, self.weights)
        scores = self._scored[1]
        rows = select(
            candidates,
            scores,
            slots,
            intent=request.intent,
            weights=self.weights,
            seed=request.seed,
        )
        picks = tuple(
            Pick(candidates.tracks[row], slot, self.name)
            for row, slot in zip(rows, slots, strict=False)
        )
        return Playlist(
            mood=request.mood,
            target=request.end,
            intent=request.intent,
            picks=picks,
            seed=request.seed,
        )


def merit(own: Figures, others: Sequence[Figures]) -> float:
    """Return how good figures are overall: the mean of marks, weighted by `PARTS`.

    A mark is 0 for what the worst of the others reaches and 1 for what the best does (or what
    `PERFECT` says); being better still earns no more, so that no measure is bought at the price of
    others.

    Args:
        own: measure → figure.
        others: the baselines' figures.
    """
    total = 0.0
    worth = 0.0
    better = {each.name: each.better for each in MEASURES} | {LISTENERS: 1, LABELLED_LIKE: 1}
    for name, part in PARTS.items():
        value = own.get(name)
        known = [theirs for other in others if (theirs := other.get(name)) is not None]
        if value is None or not known:
            continue
        best = PERFECT.get(name, max(known) if better[name] > 0 else min(known))
        worst = min(known) if better[name] > 0 else max(known)
        mark = 1.0 if best == worst else (value - worst) / (best - worst)
        total += part * min(1.0, mark)
        worth += part
    return total / worth if worth else 0.0


def tune(
    catalog: Catalog,
    *,
    start: Weights | None = None,
    grid: Grid | None = None,
    values: Mapping[str, Sequence[float]] = VALUES,
    rounds: int = 2,
    outside: Outside | None = None,
) -> Search:
    """Search for better weights.

    Args:
        catalog: what to play from.
        start: where to begin, by default `BY_HAND`.
        grid: what is asked, by default `default_grid` with `SEEDS`.
        values: weight → what is tried.
        rounds: how often each weight is tried, at most.
        outside: data from people, which then counts too.
    """
    grid = grid or default_grid(SEEDS)
    tracks = everything(catalog)
    others: list[Figures] = []
    for baseline in baselines():
        baseline.fit(tracks)
        baseline_figures = measure(ask(baseline, grid), len(tracks))
        others.append({**baseline_figures, **_from_outside(baseline, outside)})
    recommender = CachedRecommender(catalog)
    best = first = start or BY_HAND
    top = begin = _try(recommender, best, grid, len(tracks), others, outside)[0]
    trials: list[Trial] = []
    tried = {best}
    for _ in range(rounds):
        before = top
        for name, value in _steps(values):
            changed = replace(best, **{name: value})  # type: ignore[arg-type]
            if changed in tried:
                continue
            tried.add(changed)
            reached, figures = _try(recommender, changed, grid, len(tracks), others, outside)
            kept = reached > top + MIN_GAIN
            trials.append(Trial(name, value, reached, figures, kept))
            if kept:
                best, top = changed, reached
        if top == before:
            break
    return Search(first, begin, best, top, tuple(trials))


def slider(
    catalog: Catalog,
    *,
    grid: Grid | None = None,
    stops: Sequence[float] = (0.0, 0.25, 0.5, 0.75, 1.0),
) -> dict[float, Figures]:
    """Return our figures from familiar to adventurous: adventure → measure → figure.

    Args:
        catalog: what to play from.
        grid: what is asked, by default `default_grid`.
        stops: the values of adventure, 0 to 1.
    """
    grid = grid or default_grid()
    recommender = CachedRecommender(catalog)
    found: dict[float, Figures] = {}
    for stop in stops:
        recommender.weights = Weights().at(stop)
        found[stop] = measure(ask(recommender, grid), len(catalog))
    return found


def _steps(values: Mapping[str, Sequence[float]]) -> Iterator[tuple[str, float]]:
    known = {field.name for field in fields(Weights)}
    for name, tried in values.items():
        if name not in known:
            allowed = ", ".join(sorted(known))
            raise ValueError(f"Incorrect value for 'values' argument: {name!r}: one of {allowed}")
        yield from ((name, value) for value in tried)


def _try(
    recommender: CachedRecommender,
    weights: Weights,
    grid: Grid,
    tracks: int,
    others: Sequence[Figures],
    outside: Outside | None,
) -> tuple[float, Figures]:
    recommender.weights = weights
    figures: Figures = {
        **measure(ask(recommender, grid), tracks),
        **_from_outside(InMemoryRecommender(weights), outside),
    }
    return merit(figures, others), figures


def _from_outside(recommender: PlaylistRecommender, outside: Outside | None) -> Figures:
    if outside is None:
        return {}
    place = CORNER_DEPTHS.index(CHOSEN_DEPTH)
    view = listener_view(
        outside.tracks, outside.said, split="validation", recommenders=(recommender,)
    )
    found: dict[str, float | None] = {LISTENERS: view.mean(recommender.name)[place]}
    if outside.sets:
        moods = labelled_precision(outside.sets, recommender).values()
        found[LABELLED_LIKE] = fmean(precision[place] for precision in moods)
    return found
