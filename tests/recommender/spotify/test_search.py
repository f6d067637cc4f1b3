from __future__ import annotations

import re
import threading
from collections.abc import Callable
from datetime import date
from itertools import product

import pytest

from recommender.catalog.catalog import Catalog
from recommender.journey import plan
from recommender.mood import COORDINATES
from recommender.recommender import Recommender
from recommender.spotify import Limits, SpotifyClient, TooManyRequests, Unreachable
from recommender.spotify.cache import DayCache
from recommender.spotify.search import MAX_SEARCHES_PER_SET, Searches, queries
from recommender.spotify.transport import Timeouts
from recommender.types import INTENTS, Filters, Mood
from tests.recommender.spotify import server as scripted
from tests.recommender.spotify.conftest import find_tracks
from tests.recommender.spotify.server import SpotifyServer

ONE_TRY = Timeouts(connect=0.5, read=5.0, total=0.5)
SAD = Mood(-0.6, -0.3)
SLOTS = plan(SAD, "shift", 10)
FEELINGS = {*COORDINATES, "anger", "fearful", "sadness", "happiness", "joy", "calm", "lonely",
            "depressed", "anxious", "mood", "emotion", "cry", "person"}  # fmt: skip


@pytest.fixture
def cache() -> Searches:
    return DayCache()


@pytest.mark.parametrize(("intent", "seed"), [*zip(INTENTS, range(len(INTENTS)), strict=True)])
def test_queries_are_musical_words_everywhere_on_the_plane(
    starter: Catalog, intent: str, seed: int
) -> None:
    for valence, arousal in product((-0.9, 0.0, 0.9), repeat=2):
        asked = queries(starter, plan(Mood(valence, arousal), intent, 9), seed=seed)  # type: ignore[arg-type]
        assert 1 <= len(asked) <= MAX_SEARCHES_PER_SET
        for query in asked:
            assert not FEELINGS & set(re.findall(r"[a-z]+", query.text.lower())), query.text
            assert query.family in starter.genres()
            # More than a genre, so that an empty genre: filter is not all there is.
            assert re.sub(r'genre:"[^"]+"|year:\S+', "", query.text).strip()
        assert sum("genre:" in query.text for query in asked) <= 1


def test_queries_keep_to_genres_and_decades(starter: Catalog) -> None:
    filters = Filters(genres=("Folk",), decades=(1970, 1980))
    for seed in range(5):
        for query in queries(starter, SLOTS, filters=filters, seed=seed):
            assert query.family == "folk"
            assert re.search(r"year:(1970-1979|1980-1989)$", query.text)
    filters = Filters(without_genres=starter.genres()[1:])
    assert {query.family for query in queries(starter, SLOTS, filters=filters)} == {
        starter.genres()[0]
    }
    assert queries(starter, SLOTS, filters=Filters(without_genres=starter.genres())) == []


def test_one_search_looks_at_the_last_years(starter: Catalog) -> None:
    asked = queries(starter, SLOTS, today=date(2026, 11, 25))
    assert [("year:2021-2026" in query.text) for query in asked] == [False, False, True]


def test_the_same_seed_asks_the_same_and_others_vary(starter: Catalog) -> None:
    assert queries(starter, SLOTS, seed=3) == queries(starter, SLOTS, seed=3)
    assert (
        len({query.text for seed in range(8) for query in queries(starter, SLOTS, seed=seed)}) > 8
    )


def test_wrong_values(starter: Catalog) -> None:
    with pytest.raises(ValueError, match="'slots'"):
        queries(starter, ())


def test_a_genre_that_could_not_be_placed_is_not_searched(starter: Catalog) -> None:
    assert queries(starter, SLOTS, filters=Filters(genres=("polka",))) == []
    both = queries(starter, SLOTS, filters=Filters(genres=("polka", "jazz")))
    assert {query.family for query in both} == {"jazz"}


def test_at_most_three_searches_and_none_twice_a_day(
    spotify: SpotifyServer, client: SpotifyClient, starter: Catalog, cache: Searches
) -> None:
    first = find_tracks(client, starter, SLOTS, seed=1, cache=cache)
    asked = len(spotify.seen("GET /search"))
    assert 1 <= asked <= 3
    assert all(request.query["limit"] == ["10"] for request in spotify.seen("GET /search"))
    spotify.always("*", scripted.html_page(500))
    assert find_tracks(client, starter, SLOTS, seed=1, cache=cache) == first
    assert len(spotify.seen("GET /search")) == asked


def test_another_country_is_another_search(
    spotify: SpotifyServer, client: SpotifyClient, starter: Catalog, cache: Searches
) -> None:
    find_tracks(client, starter, SLOTS, seed=1, cache=cache)
    find_tracks(client, starter, SLOTS, seed=1, cache=cache, market="SE")
    assert [r.query.get("market") for r in spotify.seen("GET /search")][-1] == ["SE"]


def test_nothing_but_the_question_is_sent(
    spotify: SpotifyServer, client: SpotifyClient, starter: Catalog, cache: Searches
) -> None:
    find_tracks(client, starter, SLOTS, cache=cache)
    for request in spotify.requests:
        assert request.name == "GET /search"
        assert request.query.keys() <= {"q", "limit", "offset", "type"}
        assert request.body == b""


def test_searches_run_at_the_same_time(
    spotify: SpotifyServer,
    make_client: Callable[..., SpotifyClient],
    starter: Catalog,
    cache: Searches,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """None is answered before all three have come in."""
    all_in = threading.Barrier(3, timeout=3)
    client = make_client(timeouts=Timeouts(connect=2, read=9, total=9))
    next_fault = spotify.next_fault

    def wait_for_all(name: str) -> scripted.Fault:
        all_in.wait()
        return next_fault(name)

    monkeypatch.setattr(spotify, "next_fault", wait_for_all)
    assert find_tracks(client, starter, SLOTS, seed=1, cache=cache, seconds=9)
    assert not all_in.broken


def test_searches_completed_in_time_are_used(
    spotify: SpotifyServer,
    make_client: Callable[..., SpotifyClient],
    starter: Catalog,
    cache: Searches,
) -> None:
    spotify.fault("GET /search", scripted.slow(30), scripted.error(400, "Bad"))
    assert find_tracks(make_client(timeouts=ONE_TRY), starter, SLOTS, seed=1, cache=cache)
    # What failed is not remembered as an empty answer.
    assert len(cache) == 1


@pytest.mark.parametrize(
    ("fault", "kind"),
    [(scripted.slow(30), Unreachable), (scripted.too_many(86400), TooManyRequests)],
)
def test_without_an_answer_the_fault_is_named(
    spotify: SpotifyServer,
    client: SpotifyClient,
    starter: Catalog,
    cache: Searches,
    fault: scripted.Fault,
    kind: type[Exception],
) -> None:
    spotify.always("GET /search", fault)
    with pytest.raises(kind):
        find_tracks(client, starter, SLOTS, seconds=0.3, cache=cache)


def test_a_token_that_is_slow_to_come_is_not_waited_for(
    spotify: SpotifyServer, starter: Catalog, cache: Searches
) -> None:
    release, came = threading.Event(), []

    def token() -> str:
        release.wait(20)
        came.append(True)
        return spotify.token("ann")

    client = SpotifyClient(token, api_url=spotify.api_url, limits=Limits())
    with pytest.raises(Unreachable):
        find_tracks(client, starter, SLOTS, seconds=0.3, cache=cache)
    assert not came
    assert spotify.requests == []
    release.set()
    client.close()


def test_no_request_while_search_is_rate_limited(
    spotify: SpotifyServer, client: SpotifyClient, starter: Catalog, cache: Searches
) -> None:
    client.limits.back_off("search", "86400")
    with pytest.raises(TooManyRequests):
        find_tracks(client, starter, SLOTS, cache=cache)
    assert spotify.requests == []


def test_what_was_found_is_ranked_with_the_catalogue(
    spotify: SpotifyServer, client: SpotifyClient, starter: Catalog, cache: Searches
) -> None:
    extra = find_tracks(client, starter, [SAD] * 5, cache=cache)
    assert extra
    assert all(found.estimated for found in extra)
    here = extra[0].position
    picked = Recommender(starter).recommend(here, intent="match", n=20, extra=extra, seed=1)
    reasons = {pick.track.id: pick.reason for pick in picked.picks}
    fresh = reasons.keys() & {found.id for found in extra}
    assert 0 < len(fresh) < len(reasons) == 20


def test_a_cache_is_bounded_in_number_and_time() -> None:
    now = [0.0]
    cache: DayCache[str] = DayCache(2, seconds=10, clock=lambda: now[0])
    cache.put("a", "A")
    cache.put("b", "B")
    assert cache.get("a") == "A"
    cache.put("c", "C")
    assert (cache.get("b"), cache.get("a"), len(cache)) == (None, "A", 2)
    now[0] = 10.0
    assert cache.get("a") is None
    assert len(cache) == 1
    cache.clear()
    assert len(cache) == 0
