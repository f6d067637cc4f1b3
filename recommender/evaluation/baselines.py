"""What a recommender has to beat: five simple ways to choose music for a mood.

Each of them gets our journey (which most apps do not have), so that only the choice differs,
and all of them have the same two verbs, `fit` and `recommend`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from recommender.catalog.catalog import Catalog
from recommender.genres import default_table
from recommender.journey import plan, target_for
from recommender.ranking.candidates import Weights
from recommender.ranking.ranking import Ranker, Wish
from recommender.recommender import Recommender
from recommender.types import Intent, Mood, Pick, Playlist, Track

Floats = NDArray[np.float64]

CUT: Final = 0.5
"""The cut-off of valence and of energy by which apps sort tracks into four quadrants."""


class Chooser(Protocol):
    """Something that chooses music for a mood."""

    name: str

    def fit(self, tracks: Sequence[Track]) -> None:
        """Take in the tracks to choose from."""
        ...

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
        """Return a playlist of up to `n` tracks along `journey.plan`."""
        ...


class Yardstick(ABC):
    """A simple way to choose: at each place the best free track by a cost of one's own."""

    name: str

    def fit(self, tracks: Sequence[Track]) -> None:
        """Take in the tracks to choose from, at least one."""
        self._tracks = tracks
        self._raw = np.array([(track.valence, track.energy) for track in tracks])
        self._ranks = np.array(
            [(track.position.valence, track.position.arousal) for track in tracks]
        )
        self._fame = np.array([track.popularity for track in tracks])

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
        """Return a playlist of up to `n` tracks along `journey.plan`; see `Chooser`."""
        left_out = set(exclude)
        free = np.array([track.id not in left_out for track in self._tracks])
        noise = np.random.default_rng(seed)
        slots = plan(mood, intent, n)
        picks: list[Pick] = []
        for slot in slots:
            if not free.any():
                break
            cost = np.where(free, self.cost(slot, noise), np.inf)
            best = int(np.argmin(cost))
            free[best] = False
            picks.append(Pick(self._tracks[best], slot, self.name))
        end = target_for(mood, intent)
        return Playlist(mood=mood, target=end, intent=intent, picks=tuple(picks), seed=seed)

    @abstractmethod
    def cost(self, slot: Mood, noise: np.random.Generator) -> Floats:
        """Return how little each track is wanted at a place, (tracks,)."""


class Random(Yardstick):
    """Any track, all alike."""

    name = "random"

    def cost(self, slot: Mood, noise: np.random.Generator) -> Floats:
        return noise.random(len(self._tracks))


class Popular(Yardstick):
    """The best known tracks, whatever the mood."""

    name = "popularity"

    def cost(self, slot: Mood, noise: np.random.Generator) -> Floats:
        return -self._fame


class Quadrant(Yardstick):
    """Any track of the quadrant that valence and energy are cut into at `CUT`: what most apps do.

    Where a quadrant is used up, any track will do.
    """

    name = "hard quadrant"

    def cost(self, slot: Mood, noise: np.random.Generator) -> Floats:
        wanted = np.array([slot.valence >= 0, slot.arousal >= 0])
        outside = ((self._raw >= CUT) != wanted).any(axis=1)
        return np.asarray(noise.random(len(self._tracks)) + outside)


class NearestRaw(Yardstick):
    """The nearest by valence and energy as they were measured, without ranks."""

    name = "nearest, raw"

    def cost(self, slot: Mood, noise: np.random.Generator) -> Floats:
        wanted = np.array([slot.valence + 1, slot.arousal + 1]) / 2
        return _far(self._raw, wanted)


class NearestRank(Yardstick):
    """The nearest by rank and nothing else: how near the catalogue comes at best."""

    name = "nearest, ranked"

    def cost(self, slot: Mood, noise: np.random.Generator) -> Floats:
        return _far(self._ranks, np.array([slot.valence, slot.arousal]))


class Ours:
    """What visitors get, `Recommender.recommend` on the catalogue itself."""

    name = "Affectune"

    def __init__(self, catalog: Catalog, weights: Weights | None = None) -> None:
        self._recommender = Recommender(catalog, weights=weights)

    def fit(self, tracks: Sequence[Track]) -> None:
        """Nothing: the catalogue has the tracks."""

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
        """Return a playlist of up to `n` tracks along `journey.plan`; see `Chooser`."""
        return self._recommender.recommend(
            mood, intent=intent, n=n, seed=seed, emotions=emotions, exclude=exclude
        )


class Ranked:
    """Our ranking on given tracks, all of which are candidates."""

    name = "Affectune"

    def __init__(self, weights: Weights | None = None) -> None:
        self._weights = weights
        self._tracks: Sequence[Track] = ()

    def fit(self, tracks: Sequence[Track]) -> None:
        """Take in the tracks to choose from."""
        self._tracks = tracks

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
        """Return a playlist of up to `n` tracks along `journey.plan`; see `Chooser`."""
        left_out = set(exclude)
        tracks = [track for track in self._tracks if track.id not in left_out]
        slots = plan(mood, intent, n)
        ranker = Ranker(tracks, Wish(intent, emotions or {}), default_table(), self._weights)
        order = ranker.order(slots, seed)
        picks = tuple(
            Pick(tracks[row], slot, self.name) for row, slot in zip(order, slots, strict=False)
        )
        end = target_for(mood, intent)
        return Playlist(mood=mood, target=end, intent=intent, picks=picks, seed=seed)


def _far(places: Floats, wanted: Floats) -> Floats:
    """Return how far places (N, 2) are from one (2,): (N,)."""
    return np.asarray(np.hypot(places[:, 0] - wanted[0], places[:, 1] - wanted[1]))


def yardsticks() -> tuple[Yardstick, ...]:
    """Return one of each, the simplest first."""
    return Random(), Popular(), Quadrant(), NearestRaw(), NearestRank()
