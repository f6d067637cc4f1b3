"""Chooses the weights of the ranking by what the evaluation measures.

A coordinate search: one weight after the other is tried at a few values, the best is kept, and
the round is repeated until nothing gets better. What is made better is `merit`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Final

from recommender.catalog.catalog import Catalog
from recommender.evaluation.baselines import Ours, yardsticks
from recommender.evaluation.evaluate import Figures, Grid, ask, default_grid, everything, measure
from recommender.evaluation.metrics import MEASURES
from recommender.genres import default_table
from recommender.journey import plan, target_for
from recommender.ranking.candidates import Weights
from recommender.ranking.ranking import Ranker, Wish
from recommender.recommender import search
from recommender.types import Intent, Mood, Pick, Playlist, Track

PARTS: Final[Mapping[str, float]] = {
    "distance": 3.0,
    "genre fit": 2.0,
    "outside labels": 1.5,
    "acoustic": 1.0,
    "wordless": 0.5,
    "diversity": 1.0,
    "novelty": 2.0,
    "fame": 1.0,
    "arrival": 1.5,
    "leap": 1.0,
    "radius": 1.0,
}
"""What each measure is worth in `merit`: to be near the mood first, then to fit and to be new."""

PERFECT: Final[Mapping[str, float]] = {"genre fit": 1.0, "novelty": 1.0}
"""What earns full marks where that is not what the best yardstick reaches."""

BY_HAND: Final = Weights(
    reach=0.12,
    quiet_reach=0.22,
    genre=2.0,
    fame=0.8,
    still=0.6,
    wordless=9.0,
    repeat=0.6,
    chance=0.4,
)
"""What had been set by hand before anything was measured: where a search begins."""

VALUES: Final[Mapping[str, tuple[float, ...]]] = {
    "reach": (0.08, 0.10, 0.12, 0.15, 0.18, 0.22),
    "quiet_reach": (0.10, 0.15, 0.22, 0.30),
    "genre": (1.0, 1.5, 2.0, 3.0, 4.0),
    "fame": (0.0, 0.4, 0.8, 1.2, 1.6),
    "still": (0.0, 0.6, 1.5, 2.5, 3.5),
    "wordless": (0.0, 0.3, 0.6, 1.0, 9.0),
    "repeat": (0.0, 0.3, 0.6, 0.9, 1.2),
    "chance": (0.2, 0.4, 0.6, 0.8, 1.0),
}
"""What is tried of each weight. `taste` is not: nobody in the grid has one."""

NOTICEABLE: Final = 0.001
"""A gain in merit below this is taken for luck, and the weight stays as it is."""

SEEDS: Final = (11, 12, 13, 14)
"""Other draws than those of the recorded figures, so that none of their luck is fitted to."""


@dataclass(frozen=True, slots=True)
class Trial:
    """Weights that were tried, what changed against the best before, and what came of it."""

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


class Prefetched(Ours):
    """Ours with the catalogue's answers kept, so that only the ranking is done again."""

    def __init__(self, catalog: Catalog) -> None:
        super().__init__(catalog)
        self._catalog = catalog
        self._found: dict[tuple[Mood, Intent, int], list[Track]] = {}
        self._ranker: tuple[object, Ranker] | None = None
        self.weights = Weights()

    def recommend(
        self,
        mood: Mood,
        *,
        intent: Intent,
        n: int,
        seed: int,
        emotions: Mapping[str, float] | None = None,
        exclude: Collection[str] = (),
    ) -> Playlist:
        """Return the tracks that `Recommender.recommend` would choose, without the reasons."""
        slots = plan(mood, intent, n)
        ranker = self._rank(slots, Wish(intent, emotions or {}), exclude)
        picks = tuple(
            Pick(ranker.tracks[row], slot, self.name)
            for row, slot in zip(ranker.order(slots, seed), slots, strict=False)
        )
        end = target_for(mood, intent)
        return Playlist(mood=mood, target=end, intent=intent, picks=picks, seed=seed)

    def _rank(self, slots: Sequence[Mood], wish: Wish, exclude: Collection[str]) -> Ranker:
        """Return the ranker, the last one if the request is the same with another seed."""
        key = (slots[0], wish.intent, len(slots))
        asked = (key, wish, self.weights, tuple(exclude))
        if self._ranker is None or self._ranker[0] != asked:
            if exclude or key not in self._found:
                places, limit = search(slots)
                self._found[key] = self._catalog.candidates_along(
                    places, limit=limit, exclude=exclude
                )
            ranker = Ranker(self._found[key], wish, default_table(), self.weights)
            self._ranker = (asked, ranker)
        return self._ranker[1]


def merit(own: Figures, others: Sequence[Figures]) -> float:
    """Return how good figures are in all, the mean of marks weighted by `PARTS`.

    A mark is 0 for what the worst of the others reaches and 1 for what the best does (or what
    `PERFECT` says); to be still better earns no more, so that no measure is bought dearly.

    Args:
        own: measure → figure.
        others: the yardsticks' figures.
    """
    total = 0.0
    worth = 0.0
    for each in MEASURES:
        value = own[each.name]
        known = [theirs for other in others if (theirs := other[each.name]) is not None]
        if each.name not in PARTS or value is None or not known:
            continue
        best = PERFECT.get(each.name, max(known) if each.better > 0 else min(known))
        worst = min(known) if each.better > 0 else max(known)
        mark = 1.0 if best == worst else (value - worst) / (best - worst)
        total += PARTS[each.name] * min(1.0, mark)
        worth += PARTS[each.name]
    return total / worth if worth else 0.0


def tune(
    catalog: Catalog,
    *,
    start: Weights | None = None,
    grid: Grid | None = None,
    values: Mapping[str, Sequence[float]] = VALUES,
    rounds: int = 3,
) -> Search:
    """Search for better weights.

    Args:
        catalog: what to play from.
        start: where to begin, by default `BY_HAND`.
        grid: what is asked, by default `default_grid` with `SEEDS`.
        values: weight → what is tried.
        rounds: how often each weight's turn comes at most.
    """
    grid = grid or default_grid(SEEDS)
    tracks = everything(catalog)
    others: list[Figures] = []
    for yardstick in yardsticks():
        yardstick.fit(tracks)
        others.append(measure(ask(yardstick, grid), len(tracks)))
    chooser = Prefetched(catalog)
    best = first = start or BY_HAND
    top = begin = _try(chooser, best, grid, len(tracks), others)[0]
    trials: list[Trial] = []
    for _ in range(rounds):
        before = top
        for name, value in _steps(values):
            changed = replace(best, **{name: value})  # type: ignore[arg-type]
            if changed == best:
                continue
            reached, figures = _try(chooser, changed, grid, len(tracks), others)
            kept = reached > top + NOTICEABLE
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
        stops: what is asked for between 0 and 1.
    """
    grid = grid or default_grid()
    chooser = Prefetched(catalog)
    found: dict[float, Figures] = {}
    for stop in stops:
        chooser.weights = Weights().at(stop)
        found[stop] = measure(ask(chooser, grid), len(catalog))
    return found


def _steps(values: Mapping[str, Sequence[float]]) -> Iterator[tuple[str, float]]:
    known = {field.name for field in fields(Weights)}
    for name, tried in values.items():
        if name not in known:
            allowed = ", ".join(sorted(known))
            raise ValueError(f"Incorrect value for 'values' argument: {name!r}: one of {allowed}")
        yield from ((name, value) for value in tried)


def _try(
    chooser: Prefetched, weights: Weights, grid: Grid, tracks: int, others: Sequence[Figures]
) -> tuple[float, Figures]:
    chooser.weights = weights
    figures = measure(ask(chooser, grid), tracks)
    return merit(figures, others), figures
