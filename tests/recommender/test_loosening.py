"""How many tracks filters leave, and which one to loosen."""

from __future__ import annotations

from itertools import product

import pytest

from recommender.catalog.catalog import Catalog
from recommender.loosening import (
    FILTERS,
    Passing,
    active,
    filter_in_words,
    lifted,
    passing_in_words,
)
from recommender.mood import CALM
from recommender.recommender import Recommender
from recommender.types import EVERYTHING, Filters

SETTINGS = [
    EVERYTHING,
    Filters(decades=(1990,)),
    Filters(decades=(1960, 1970), languages=("en",)),
    Filters(genres=("jazz",), decades=(1990,)),
    Filters(genres=("jazz", "soul"), without_genres=("blues",), languages=("EN ", "zxx")),
    Filters(without_artists=("miles davis", "Queen", "Nobody of this name")),
    Filters(genres=("rock",), decades=(1970,), without_artists=("Queen", "Elton John")),
    Filters(explicit=False, decades=(2000,)),
    Filters(decades=(1800,)),
    Filters(languages=("xx",), genres=("jazz",)),
    Filters(genres=("jazz",), without_artists=("Queen",), languages=("ko",), decades=(1990,)),
]


def _count(catalog: Catalog, filters: Filters) -> int:
    return len(catalog.candidates(CALM, filters=filters, limit=len(catalog)))


@pytest.mark.parametrize("filters", SETTINGS)
def test_counts_are_those_of_the_search(starter: Catalog, filters: Filters) -> None:
    passing = starter.passing(filters)
    assert passing.tracks == _count(starter, filters)
    assert tuple(sorted(passing.without)) == tuple(sorted(active(filters)))
    for name, tracks in passing.without.items():
        assert tracks == _count(starter, lifted(filters, name)), name
    assert starter.passing(filters) is passing, "it is remembered"


def test_the_filter_that_adds_most_is_the_best(starter: Catalog) -> None:
    assert starter.passing(EVERYTHING).best is None
    narrow = Filters(genres=("k-pop",), decades=(1990,), without_artists=("Queen",))
    passing = starter.passing(narrow)
    assert passing.best is not None
    assert passing.without[passing.best] == max(passing.without.values())
    assert passing.without["without_artists"] == passing.tracks
    assert Passing(narrow, 5, {"genres": 5, "decades": 5}).best is None


def test_genres_are_understood_as_a_playlist_understands_them(starter: Catalog) -> None:
    recommender = Recommender(starter)
    by_tag, by_family = (
        recommender.passing(Filters(genres=(name,), decades=(1990,))) for name in ("rnb", "r&b")
    )
    assert by_tag == by_family
    assert 0 < by_tag.tracks < by_tag.without["decades"]
    with pytest.raises(ValueError, match="polka-step"):
        recommender.passing(Filters(genres=("polka-step",)))


def test_a_filter_that_is_lifted_is_not_set_any_more() -> None:
    everything_set = Filters(("jazz",), ("rock",), ("Queen",), (1990,), ("en",), explicit=False)
    assert active(everything_set) == FILTERS
    for name in FILTERS:
        assert set(active(everything_set)) - set(active(lifted(everything_set, name))) == {name}
    with pytest.raises(ValueError, match="'tempo'"):
        lifted(everything_set, "tempo")


@pytest.mark.parametrize(
    ("filters", "name", "words"),
    [
        (Filters(decades=(1990,)), "decades", "the 1990s filter"),
        (Filters(decades=(1990, 1980)), "decades", "the decade filters"),
        (Filters(genres=("jazz",)), "genres", "the jazz filter"),
        (Filters(languages=("ja",)), "languages", "the JA filter"),
        (Filters(without_artists=("Queen",)), "without_artists", "the artist you left out"),
        (Filters(without_genres=("a", "b")), "without_genres", "the genres you left out"),
        (Filters(explicit=False), "explicit", "the filter on explicit tracks"),
    ],
)
def test_filters_in_words(filters: Filters, name: str, words: str) -> None:
    assert filter_in_words(filters, name) == words


@pytest.mark.parametrize(
    ("tracks", "without", "sentence"),
    [
        (14, 320, "14 tracks match your filters. Without the 1990s filter there are 320."),
        (1, 1234567, "Only 1 track matches your filters. Without the 1990s filter there are "
            "1,234,567."),
        (0, 1, "No track matches your filters. Without the 1990s filter there is 1."),
        (0, 0, "No track matches your filters."),
    ],
)  # fmt: skip
def test_messages_about_loosening(tracks: int, without: int, sentence: str) -> None:
    passing = Passing(Filters(decades=(1990,)), tracks, {"decades": without})
    assert passing_in_words(passing) == sentence


def test_languages_keep_the_callers_names() -> None:
    passing = Passing(Filters(languages=("ja",)), 3, {"languages": 90})
    said = passing_in_words(passing, language_name=lambda code: {"ja": "Japanese"}[code])
    assert said == "3 tracks match your filters. Without the Japanese filter there are 90."


def test_every_pair_of_filters_is_counted_consistently(starter: Catalog) -> None:
    decades, genres = (1970, 1990), ("jazz", "metal")
    for decade, genre in product(decades, genres):
        passing = starter.passing(Filters(genres=(genre,), decades=(decade,)))
        assert passing.without["genres"] == starter.passing(Filters(decades=(decade,))).tracks
        assert passing.without["decades"] == starter.passing(Filters(genres=(genre,))).tracks
