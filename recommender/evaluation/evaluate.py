"""Measures how well playlists fit, beside simple yardsticks: ``python -m recommender evaluate``.

Every chooser answers the same requests: a grid of moods and intents, each asked several times
with another seed. `MEASURES` says what is measured; each figure is the mean over the playlists
that it can be taken of.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from recommender.catalog.catalog import Catalog
from recommender.evaluation.baselines import Chooser, Ours, yardsticks
from recommender.evaluation.metrics import MEASURES, Answer, Request
from recommender.mood import CALM, COORDINATES, ENERGETIC
from recommender.types import Intent, Mood, Track

Figures = Mapping[str, float | None]


@dataclass(frozen=True, slots=True)
class Grid:
    """The requests, the seeds that each is asked with, and the tracks of a playlist."""

    requests: tuple[Request, ...]
    seeds: tuple[int, ...] = (1, 2, 3, 4)
    n: int = 20

    @property
    def playlists(self) -> int:
        """How many playlists each chooser makes."""
        return len(self.requests) * len(self.seeds)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where ours stands in one measure: its place among all, and which claims do not hold."""

    measure: str
    place: int
    of: int
    behind: tuple[str, ...]
    broken: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Figures of several choosers on one catalogue.

    Attributes:
        tracks: how many the catalogue has.
        grid: what was asked.
        figures: chooser → measure → figure. Ours is the first.
    """

    tracks: int
    grid: Grid
    figures: Mapping[str, Figures]
    standings: tuple[Standing, ...]


def default_grid(seeds: Sequence[int] = (1, 2, 3, 4), n: int = 20) -> Grid:
    """Return the grid that the recorded figures are of.

    The seven emotions as a face would be read, the four corners and the middles between them as
    set by hand, calm and energetic; each with every intent.
    """
    intents: tuple[Intent, ...] = ("match", "shift", "lift")
    felt = [(name, mood, {name: 1.0}) for name, mood in COORDINATES.items()]
    by_hand = [
        (f"{v:+.1f} {a:+.1f}", Mood(v, a), None)
        for v, a in ((-0.6, -0.6), (-0.6, 0.6), (0.6, -0.6), (0.6, 0.6), (0.0, -0.7), (0.0, 0.7))
    ]
    requests = [
        Request(name, mood, intent, emotions, name if intent == "match" else None)
        for name, mood, emotions in [*felt, *by_hand]
        for intent in intents
    ]
    requests += [
        Request("calm", CALM, "match", None, "calm"),
        Request("energetic", ENERGETIC, "match", None, "energetic"),
    ]
    return Grid(tuple(requests), tuple(seeds), n)


def evaluate(
    catalog: Catalog,
    *,
    grid: Grid | None = None,
    choosers: Sequence[Chooser] | None = None,
) -> Evaluation:
    """Measure choosers on one catalogue.

    Args:
        catalog: all of its tracks are read into memory for the yardsticks, about 1 kB each.
        grid: what is asked, `default_grid` by default.
        choosers: ours first; by default ours and all of `yardsticks`.
    """
    grid = grid or default_grid()
    tracks = everything(catalog)
    figures: dict[str, dict[str, float | None]] = {}
    for chooser in choosers or (Ours(catalog), *yardsticks()):
        chooser.fit(tracks)
        figures[chooser.name] = measure(ask(chooser, grid), len(tracks))
    return Evaluation(len(tracks), grid, figures, standings(figures))


def everything(catalog: Catalog) -> list[Track]:
    """Return all tracks of a catalogue, in the order of ids."""
    return catalog.candidates(Mood(0.0, 0.0), limit=max(1, len(catalog)))


def ask(chooser: Chooser, grid: Grid) -> list[Answer]:
    """Return what a chooser answers to every request of a grid."""
    return [
        Answer(
            request,
            tuple(
                chooser.recommend(
                    request.mood,
                    intent=request.intent,
                    n=grid.n,
                    # No two requests alike, or one draw would be counted many times.
                    seed=seed + 1000 * number,
                    emotions=request.emotions,
                )
                for seed in grid.seeds
            ),
        )
        for number, request in enumerate(grid.requests)
    ]


def measure(answers: Sequence[Answer], tracks: int) -> dict[str, float | None]:
    """Return every measure's figure for a chooser's answers."""
    return {each.name: each.of(answers, tracks) for each in MEASURES}


def standings(figures: Mapping[str, Figures]) -> tuple[Standing, ...]:
    """Return where the first of several choosers stands in every measure."""
    ours, *others = figures
    found = []
    for each in MEASURES:
        own = figures[ours][each.name]
        if own is None:
            continue
        gaps = {
            name: each.better * (value - own)
            for name in others
            if (value := figures[name][each.name]) is not None
        }
        behind = tuple(name for name, gap in gaps.items() if gap > 1e-9)
        level = tuple(name for name, gap in gaps.items() if abs(gap) <= 1e-9)
        lost = behind if each.level else (*behind, *level)
        broken = tuple(name for name in each.ahead if name in lost)
        found.append(Standing(each.name, 1 + len(behind), 1 + len(gaps), behind, broken))
    return tuple(found)
