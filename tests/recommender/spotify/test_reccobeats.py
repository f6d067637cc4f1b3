from __future__ import annotations

from collections.abc import Iterator

import pytest

from recommender.catalog.catalog import Catalog
from recommender.spotify import Limits, SpotifyClient
from recommender.spotify.cache import DayCache
from recommender.spotify.reccobeats import Features, ReccoBeats, shared
from recommender.types import Mood
from tests.recommender.spotify import server as scripted
from tests.recommender.spotify.conftest import find_tracks
from tests.recommender.spotify.server import Fault, SpotifyServer

NAME = "GET /reccobeats/audio-features"


@pytest.fixture
def reccobeats(spotify: SpotifyServer) -> Iterator[ReccoBeats]:
    made = ReccoBeats(url=spotify.reccobeats_url, limits=Limits())
    yield made
    made.close()


def asked(spotify: SpotifyServer) -> list[list[str]]:
    return [r.query["ids"][0].split(",") for r in spotify.account_requests if r.name == NAME]


@pytest.mark.parametrize("value", [None, "", "0", "no"])
def test_it_is_off_unless_switched_on(monkeypatch: pytest.MonkeyPatch, value: str | None) -> None:
    if value is not None:
        monkeypatch.setenv("AFFECTUNE_RECCOBEATS", value)
    assert shared() is None


def test_there_is_one_for_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AFFECTUNE_RECCOBEATS", "1")
    switched_on = shared()
    assert switched_on is not None
    assert shared() is switched_on
    switched_on.close()


def test_known_and_unknown_features(spotify: SpotifyServer, reccobeats: ReccoBeats) -> None:
    spotify.features = {
        "a": {"valence": 0.2, "energy": 0.7, "tempo": 120, "danceability": 0.5},
        "b": {"valence": 1.2, "energy": 0.7},
        "c": {"valence": None, "energy": 0.7},
        "d": {"valence": True, "energy": 0.7},
    }
    known = {"a": Features(0.2, 0.7, danceability=0.5, tempo=120.0)}
    assert reccobeats.look_up(["a", "b", "c", "d", "e"]) == known
    # Also what it does not know is not asked for again.
    assert reccobeats.look_up(["e", "a", "b"]) == known
    assert asked(spotify) == [["a", "b", "c", "d", "e"]]


def test_forty_at_a_time(spotify: SpotifyServer, reccobeats: ReccoBeats) -> None:
    reccobeats.look_up([f"id{number}" for number in range(90)])
    assert [len(ids) for ids in asked(spotify)] == [40]
    reccobeats.look_up([])
    assert len(asked(spotify)) == 1


@pytest.mark.parametrize(
    "fault",
    [
        scripted.too_many(86400),
        scripted.too_many(None),
        scripted.html_page(500),
        scripted.plain(403, "No"),
        scripted.slow(30),
        Fault(200, "<html>"),
        Fault(200, "[]"),
        Fault(200, '{"content": null}'),
    ],
)
def test_backs_off_after_a_fault(spotify: SpotifyServer, fault: Fault) -> None:
    limits = Limits()
    reccobeats = ReccoBeats(url=spotify.reccobeats_url, limits=limits)
    spotify.features = {"a": {"valence": 0.2, "energy": 0.7}}
    spotify.fault(NAME, fault)
    assert reccobeats.look_up(["a"], seconds=0.3) == {}
    hits = len(asked(spotify))
    assert reccobeats.look_up(["a"], seconds=0.3) == {}
    assert len(asked(spotify)) == hits
    assert limits.backing_off().keys() == {"features"}
    limits.clear()
    assert reccobeats.look_up(["a"]) == {"a": Features(0.2, 0.7)}
    reccobeats.close()


def test_a_search_uses_it(
    spotify: SpotifyServer, client: SpotifyClient, reccobeats: ReccoBeats, starter: Catalog
) -> None:
    spotify.features = {f"{1:022d}": {"valence": 0.25, "energy": 0.75}}
    tracks = find_tracks(
        client, starter, [Mood(0.0, 0.0)], cache=DayCache(), reccobeats=reccobeats, seconds=5
    )
    assert find_tracks(client, starter, [Mood(0.0, 0.0)], cache=DayCache())[0].estimated
    measured = [track for track in tracks if not track.estimated]
    assert [(track.id, track.valence) for track in measured] == [(f"{1:022d}", 0.25)]
    assert len(tracks) == 10
