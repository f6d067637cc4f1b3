"""What a recommender has to beat: five simple ways to choose music for a mood.

Each of them gets our journey (which most apps do not have), so that only the choice differs. All of
them, and ours, have the same two methods: `fit` and `answer`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from recommender.journey import plan
from recommender.ranking.candidates import CandidateSet
from recommender.ranking.ranking import rank
from recommender.ranking.scoring import Context
from recommender.ranking.weights import Weights
from recommender.recommender import Recommender
from recommender.request import Request
from recommender.types import Mood, Pick, Playlist, Track

Floats = NDArray[np.float64]

QUADRANT_THRESHOLD: Final = 0.5
"""The valence and energy at which apps split tracks into four quadrants."""


class PlaylistRecommender(Protocol):
    """Something that recommends music for a mood. One contract test covers each of them."""

    @property
    def name(self) -> str:
        """What the report calls it."""
        ...

    def fit(self, tracks: Sequence[Track]) -> None:
        """Take in the tracks to choose from."""
        ...

    def answer(self, request: Request) -> Playlist:
        """Return a playlist of up to `request.n` tracks along `journey.plan`."""
        ...


class Baseline(ABC):
    """A simple way to choose: in each slot the track of the lowest cost that is not taken yet."""

    name: str

    def fit(self, tracks: Sequence[Track]) -> None:
        """Take in the tracks to choose from, at least one."""
        self._tracks = tracks
        self._raw = np.array([(track.valence, track.energy) for track in tracks])
        self._ranks = np.array(
            [(track.position.valence, track.position.arousal) for track in tracks]
        )
        self._popularity = np.array([track.popularity for track in tracks])

    def answer(self, request: Request) -> Playlist:
        """Return a playlist of up to `request.n` tracks along `journey.plan`.

        Only mood, intent, n, target, exclude and seed of the request are used.
        """
        request = request.seeded()
        assert request.seed is not None
        excluded = set(request.exclude)
        free = np.array([track.id not in excluded for track in self._tracks])
        noise = np.random.default_rng(request.seed)
        picks: list[Pick] = []
        for slot in plan(request.mood, request.intent, request.n, target=request.end):
            if not free.any():
                break
            cost = np.where(free, self.cost(slot, noise), np.inf)
            best = int(np.argmin(cost))
            free[best] = False
            picks.append(Pick(self._tracks[best], slot, self.name))
        return _playlist(request, picks)

    @abstractmethod
    def cost(self, slot: Mood, noise: np.random.Generator) -> Floats:
        """Return the cost of each track in a slot, (tracks,); the lowest is chosen."""


class Random(Baseline):
    """Any track, all alike."""

    name = "random"

    def cost(self, slot: Mood, noise: np.random.Generator) -> Floats:
        return noise.random(len(self._tracks))


class Popular(Baseline):
    """The most popular tracks, for any mood."""

    name = "popularity"

    def cost(self, slot: Mood, noise: np.random.Generator) -> Floats:
        return -self._popularity


class Quadrant(Baseline):
    """Any track of the right quadrant of valence and energy.

    Quadrants are split at `QUADRANT_THRESHOLD`. If a quadrant is used up, any track will do.
    """

    name = "hard quadrant"

    def cost(self, slot: Mood, noise: np.random.Generator) -> Floats:
        wanted = np.array([slot.valence >= 0, slot.arousal >= 0])
        outside = ((self._raw >= QUADRANT_THRESHOLD) != wanted).any(axis=1)
        return np.asarray(noise.random(len(self._tracks)) + outside)


class NearestRaw(Baseline):
    """The nearest by valence and energy as they were measured, without ranks."""

    name = "nearest, raw"

    def cost(self, slot: Mood, noise: np.random.Generator) -> Floats:
        wanted = np.array([slot.valence + 1, slot.arousal + 1]) / 2
        return _distances(self._raw, wanted)


class NearestRank(Baseline):
    """The nearest by rank and nothing else: the best that the catalogue can do."""

    name = "nearest, ranked"

    def cost(self, slot: Mood, noise: np.random.Generator) -> Floats:
        return _distances(self._ranks, np.array([slot.valence, slot.arousal]))


class CatalogRecommender(Recommender):
    """What visitors get: `Recommender` on the catalogue itself."""

    def fit(self, tracks: Sequence[Track]) -> None:
        """Do nothing: the catalogue has the tracks."""


class InMemoryRecommender:
    """Our ranking on given tracks, all of which are candidates.

    Args:
        weights: of the ranking.
    """

    name: Final = "Affectune"

    def __init__(self, weights: Weights | None = None) -> None:
        self._weights = weights or Weights()
        self._tracks: Sequence[Track] = ()

    def fit(self, tracks: Sequence[Track]) -> None:
        """Take in the tracks to choose from."""
        self._tracks = tracks

    def answer(self, request: Request) -> Playlist:
        """Return a playlist of up to `request.n` tracks along `journey.plan`.

        Filters, minutes and extra tracks are ignored; `Recommender` handles them.
        """
        request = request.seeded()
        assert request.seed is not None
        excluded = set(request.exclude)
        candidates = CandidateSet([track for track in self._tracks if track.id not in excluded])
        slots = plan(request.mood, request.intent, request.n, target=request.end)
        context = Context(request.intent, request.emotions or {}, taste=request.taste)
        weights = self._weights.at(request.adventure)
        return _playlist(
            request, rank(candidates, slots, context, weights=weights, seed=request.seed)
        )


def baselines() -> tuple[Baseline, ...]:
    """Return one of each, the simplest first."""
    return Random(), Popular(), Quadrant(), NearestRaw(), NearestRank()


def _playlist(request: Request, picks: Sequence[Pick]) -> Playlist:
    assert request.seed is not None
    return Playlist(
        mood=request.mood,
        target=request.end,
        intent=request.intent,
        picks=tuple(picks),
        seed=request.seed,
    )


def _distances(places: Floats, wanted: Floats) -> Floats:
    """Return how far places (N, 2) are from one (2,): (N,)."""
    return np.asarray(np.hypot(places[:, 0] - wanted[0], places[:, 1] - wanted[1]))
