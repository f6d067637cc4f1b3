"""What holds of every recommender and every baseline: each inherits the whole suite."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from recommender.catalog.catalog import Catalog
from recommender.evaluation.baselines import (
    Baseline,
    CatalogRecommender,
    InMemoryRecommender,
    NearestRank,
    NearestRaw,
    PlaylistRecommender,
    Popular,
    Quadrant,
    Random,
)
from recommender.evaluation.tune import CachedRecommender
from recommender.journey import plan, target_for
from recommender.mood import CALM
from recommender.request import Request
from recommender.types import INTENTS, Intent, Mood, Playlist

Row = Callable[..., dict[str, Any]]
Writer = Callable[..., Path]

TENSE = Mood(-0.4, 0.3)


class RecommenderContract(ABC):
    """The contract; a subclass says how to make the recommender that is held to it."""

    @classmethod
    @abstractmethod
    def make(cls, catalog: Catalog) -> PlaylistRecommender:
        """Return a recommender that has been fitted to all tracks of a catalogue."""

    @pytest.fixture(scope="class")
    @classmethod
    def recommender(cls, starter: Catalog) -> PlaylistRecommender:
        return cls.make(starter)

    @pytest.fixture
    def small(self, row: Row, write_csv: Writer) -> Any:
        """A recommender of four tracks."""
        with Catalog.open(write_csv([row(number) for number in range(4)])) as catalog:
            yield self.make(catalog)

    @pytest.mark.parametrize("intent", INTENTS)
    @pytest.mark.parametrize("n", [1, 15])
    def test_as_many_tracks_as_asked_along_the_journey(
        self, recommender: PlaylistRecommender, intent: Intent, n: int
    ) -> None:
        playlist = recommender.answer(Request(TENSE, intent=intent, n=n, seed=3))
        assert (playlist.mood, playlist.intent, playlist.seed) == (TENSE, intent, 3)
        assert playlist.target == target_for(TENSE, intent)
        assert playlist.journey == plan(TENSE, intent, n)

    def test_no_track_comes_twice(self, recommender: PlaylistRecommender) -> None:
        ids = _ids(recommender.answer(Request(TENSE, n=50, seed=3)))
        assert len(set(ids)) == len(ids) == 50

    def test_the_same_seed_gives_the_same_playlist(self, recommender: PlaylistRecommender) -> None:
        request = Request(TENSE, n=15, seed=3, emotions={"angry": 1.0})
        assert recommender.answer(request) == recommender.answer(request)

    def test_without_a_seed_it_draws_one_that_gives_the_same_again(
        self, recommender: PlaylistRecommender
    ) -> None:
        drawn = recommender.answer(Request(TENSE, n=5))
        assert recommender.answer(Request(TENSE, n=5, seed=drawn.seed)) == drawn

    def test_what_is_excluded_stays_out(self, recommender: PlaylistRecommender) -> None:
        first = _ids(recommender.answer(Request(TENSE, n=15, seed=3)))
        rest = _ids(recommender.answer(Request(TENSE, n=15, seed=3, exclude=first)))
        assert len(rest) == 15
        assert not set(rest) & set(first)

    def test_the_target_that_is_asked_for_is_the_end(
        self, recommender: PlaylistRecommender
    ) -> None:
        playlist = recommender.answer(Request(TENSE, n=5, seed=1, target=CALM))
        assert playlist.target == playlist.journey[-1] == CALM
        stays = recommender.answer(Request(TENSE, intent="match", n=5, seed=1, target=CALM))
        assert stays.target == TENSE

    def test_where_tracks_run_out_the_playlist_is_shorter(self, small: PlaylistRecommender) -> None:
        everything = small.answer(Request(Mood(0, 0), n=15, seed=1))
        assert len(everything.picks) == 4
        none = small.answer(Request(Mood(0, 0), n=15, seed=1, exclude=_ids(everything)))
        assert none.picks == ()


class BaselineContract(RecommenderContract):
    """A baseline is fitted to tracks."""

    baseline: type[Baseline]

    @classmethod
    def make(cls, catalog: Catalog) -> PlaylistRecommender:
        return _fitted(cls.baseline(), catalog)


class TestRandom(BaselineContract):
    baseline = Random


class TestPopular(BaselineContract):
    baseline = Popular


class TestQuadrant(BaselineContract):
    baseline = Quadrant


class TestNearestRaw(BaselineContract):
    baseline = NearestRaw


class TestNearestRank(BaselineContract):
    baseline = NearestRank


class TestInMemoryRecommender(RecommenderContract):
    @classmethod
    def make(cls, catalog: Catalog) -> PlaylistRecommender:
        return _fitted(InMemoryRecommender(), catalog)


class TestCatalogRecommender(RecommenderContract):
    @classmethod
    def make(cls, catalog: Catalog) -> PlaylistRecommender:
        return _fitted(CatalogRecommender(catalog), catalog)


class TestCachedRecommender(RecommenderContract):
    @classmethod
    def make(cls, catalog: Catalog) -> PlaylistRecommender:
        return _fitted(CachedRecommender(catalog), catalog)


def _fitted(recommender: PlaylistRecommender, catalog: Catalog) -> PlaylistRecommender:
    recommender.fit(catalog.candidates(Mood(0, 0), limit=len(catalog)))
    return recommender


def _ids(playlist: Playlist) -> Sequence[str]:
    return [pick.track.id for pick in playlist.picks]
