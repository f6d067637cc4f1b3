"""Measures how well playlists fit, beside simple baselines: ``python -m recommender evaluate``.

Every recommender answers the same scenarios: a grid of moods and intents, each asked several times
with another seed. `MEASURES` lists what is measured; most figures are means over the playlists that
they apply to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from recommender.catalog.catalog import Catalog
from recommender.evaluation.baselines import CatalogRecommender, PlaylistRecommender, baselines
from recommender.evaluation.metrics import MEASURES, Answer, Scenario
from recommender.mood import CALM, COORDINATES, ENERGETIC
from recommender.request import Request
from recommender.types import INTENTS, Mood, Track

Figures = Mapping[str, float | None]


@dataclass(frozen=True, slots=True)
class Grid:
    """The scenarios, the seeds that each is asked with, and the number of tracks in a playlist."""

    scenarios: tuple[Scenario, ...]
    seeds: tuple[int, ...] = (1, 2, 3, 4)
    n: int = 20

    @property
    def playlists(self) -> int:
        """How many playlists each recommender makes."""
        return len(self.scenarios) * len(self.seeds)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where ours stands in one measure: its place, who is ahead of it, and which claims fail."""

    measure: str
    place: int
    of: int
    behind: tuple[str, ...]
    broken: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Figures of several recommenders on one catalogue.

    Attributes:
        tracks: how many the catalogue has.
        grid: what was asked.
        figures: recommender → measure → figure. Ours is the first.
        standings: where ours stands in each measure.
    """

    tracks: int
    grid: Grid
    figures: Mapping[str, Figures]
    standings: tuple[Standing, ...]


def default_grid(seeds: Sequence[int] = (1, 2, 3, 4), n: int = 20) -> Grid:
    """Return the grid of the recorded figures.

    The seven emotions as a face would be read, four corners and two places between them as set by
    hand, each with every intent; calm and energetic, to stay with.
    """
    felt = [(name, mood, {name: 1.0}) for name, mood in COORDINATES.items()]
    by_hand = [
        (f"{v:+.1f} {a:+.1f}", Mood(v, a), None)
        for v, a in ((-0.6, -0.6), (-0.6, 0.6), (0.6, -0.6), (0.6, 0.6), (0.0, -0.7), (0.0, 0.7))
    ]
    scenarios = [
        Scenario(name, mood, intent, emotions, name if intent == "match" else None)
        for name, mood, emotions in [*felt, *by_hand]
        for intent in INTENTS
    ]
    scenarios += [
        Scenario("calm", CALM, "match", None, "calm"),
        Scenario("energetic", ENERGETIC, "match", None, "energetic"),
    ]
    return Grid(tuple(scenarios), tuple(seeds), n)


def evaluate(
    catalog: Catalog,
    *,
    grid: Grid | None = None,
    recommenders: Sequence[PlaylistRecommender] | None = None,
) -> Evaluation:
    """Measure recommenders on one catalogue.

    Args:
        catalog: all of its tracks are read into memory for the baselines, about 1 kB each.
        grid: what is asked, `default_grid` by default.
        recommenders: ours first; by default ours and all of `baselines`.
    """
    grid = grid or default_grid()
    tracks = everything(catalog)
    figures: dict[str, dict[str, float | None]] = {}
    for each in recommenders or (CatalogRecommender(catalog), *baselines()):
        each.fit(tracks)
        figures[each.name] = measure(ask(each, grid), len(tracks))
    return Evaluation(len(tracks), grid, figures, standings(figures))


def everything(catalog: Catalog) -> list[Track]:
    """Return all tracks of a catalogue, in the order of ids."""
    return catalog.candidates(Mood(0.0, 0.0), limit=max(1, len(catalog)))


def ask(recommender: PlaylistRecommender, grid: Grid) -> list[Answer]:
    """Return what a recommender answers to every scenario of a grid."""
    return [
        Answer(
            scenario,
            tuple(
                recommender.answer(
                    Request(
                        scenario.mood,
                        intent=scenario.intent,
                        n=grid.n,
                        # A seed of its own for each scenario, or one draw would be counted many
                        # times.
                        seed=seed + 1000 * number,
                        emotions=scenario.emotions,
                    )
                )
                for seed in grid.seeds
            ),
        )
        for number, scenario in enumerate(grid.scenarios)
    ]


def measure(answers: Sequence[Answer], tracks: int) -> dict[str, float | None]:
    """Return every measure's figure for a recommender's answers."""
    return {each.name: each.of(answers, tracks) for each in MEASURES}


def standings(figures: Mapping[str, Figures]) -> tuple[Standing, ...]:
    """Return where the first of several recommenders stands in every measure."""
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
