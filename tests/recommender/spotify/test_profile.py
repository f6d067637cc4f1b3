from __future__ import annotations

from collections.abc import Callable

import pytest

from recommender.catalog.catalog import Catalog
from recommender.spotify import ScopeMissing, SpotifyClient, TooManyRequests, Unreachable
from tests.recommender.spotify import server as scripted
from tests.recommender.spotify.conftest import read_profile
from tests.recommender.spotify.server import USERS, SpotifyServer, artist, track


def test_two_listeners_two_tastes(make_client: Callable[..., SpotifyClient]) -> None:
    ann, ben = (read_profile(make_client(user)) for user in ("ann", "ben"))
    assert ann.artists == ("Nick Drake", "Joni Mitchell")
    assert ann.genres == ("folk",)
    assert [track.title for track in ann.tracks] == ["Pink Moon"]
    assert ben.artists[0] == "Metallica"
    assert ben.genres == ("metal",)
    assert ann.affinities.artists["nick drake"] == 1.0
    assert 0 < ann.affinities.artists["joni mitchell"] < 1
    assert ann.affinities.genres == {"folk": 1.0}
    assert ann.trouble is None


def test_three_times_and_the_last_plays_are_read_once(
    spotify: SpotifyServer, client: SpotifyClient
) -> None:
    read_profile(client)
    asked = sorted(
        (request.path, *request.query.get("time_range", [])) for request in spotify.requests
    )
    times = ["long_term", "medium_term", "short_term"]
    assert asked == [
        ("/me/player/recently-played",),
        *(("/me/top/artists", time) for time in times),
        *(("/me/top/tracks", time) for time in times),
    ]


def test_a_higher_place_counts_more(
    spotify: SpotifyServer, client: SpotifyClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = [artist(f"Artist {number}", "jazz" if number else "metal") for number in range(50)]
    monkeypatch.setitem(USERS["ann"], "artists", many)
    monkeypatch.setitem(USERS["ann"], "tracks", [])
    profile = read_profile(client)
    worths = [profile.affinities.artists[f"artist {number}"] for number in range(50)]
    assert worths == sorted(set(worths), reverse=True)
    assert worths[0] == 1.0
    assert worths[-1] > 0
    assert profile.genres == ("jazz", "metal")


def test_the_catalogue_says_genres_where_spotify_does_not(
    client: SpotifyClient, starter: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = starter.candidates(starter.place({"valence": 0.5, "energy": 0.5}), limit=1)[0]
    monkeypatch.setitem(USERS["ann"], "artists", [artist("Somebody")])
    played = track(1, name=known.title, artists=list(known.artists))
    monkeypatch.setitem(USERS["ann"], "tracks", [played])
    assert read_profile(client).genres == ()
    assert set(read_profile(client, catalog=starter).genres) == set(known.genres)


def test_a_part_is_better_than_nothing(spotify: SpotifyServer, client: SpotifyClient) -> None:
    spotify.always("GET /me/top/artists", scripted.html_page(500))
    profile = read_profile(client)
    assert profile.artists == ("Nick Drake",)
    assert isinstance(profile.trouble, Unreachable)


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (scripted.INSUFFICIENT_SCOPE, ScopeMissing),
        (scripted.too_many(60), TooManyRequests),
        (scripted.slow(30), Unreachable),
    ],
)
def test_nothing_is_an_error(
    spotify: SpotifyServer, client: SpotifyClient, fault: scripted.Fault, kind: type[Exception]
) -> None:
    spotify.always("*", fault)
    with pytest.raises(kind):
        read_profile(client, seconds=0.4)


def test_a_new_account_likes_nothing_yet(
    client: SpotifyClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(USERS["ann"], "artists", [])
    monkeypatch.setitem(USERS["ann"], "tracks", [])
    profile = read_profile(client)
    assert (profile.artists, profile.genres, profile.tracks) == ((), (), ())
    assert profile.affinities.artists == {}
