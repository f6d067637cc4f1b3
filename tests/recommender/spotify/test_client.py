from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from recommender.spotify import Device, SignInNeeded, SpotifyClient, SpotifyTrack
from tests.recommender.spotify.server import Fault, SpotifyServer, error, track

URI = "spotify:track:0000000000000000000001"


def test_search_returns_what_is_known_of_a_track(
    spotify: SpotifyServer, client: SpotifyClient
) -> None:
    spotify.anything = [track(7, name="Hey", artists=["A", "B"], explicit=True)]
    assert client.search("folk acoustic", limit=3, market="SE") == [
        SpotifyTrack(
            id="0000000000000000000007",
            title="Hey",
            artists=("A", "B"),
            isrc="XX0000000007",
            duration_ms=200_000,
            explicit=True,
            year=2004,
            url="https://open.spotify.com/track/0000000000000000000007",
        )
    ]
    (request,) = spotify.seen("GET /search")
    assert request.query == {
        "q": ["folk acoustic"], "limit": ["3"], "offset": ["0"], "type": ["track"],
        "market": ["SE"],
    }  # fmt: skip


@pytest.mark.parametrize(
    "odd",
    [
        None,
        "text",
        {},
        track(1, type="episode"),
        track(1, name=None),
        track(1) | {"artists": None},
        track(1) | {"id": None},
        track(1, id="not an id"),
    ],
)
def test_what_is_no_track_is_left_out(
    spotify: SpotifyServer, client: SpotifyClient, odd: Any
) -> None:
    spotify.anything = [odd, track(2)]
    assert [found.title for found in client.search("x")] == ["Song 2"]


@pytest.mark.parametrize("date", [None, "", "0000", "soon"])
def test_a_year_may_be_unknown(spotify: SpotifyServer, client: SpotifyClient, date: Any) -> None:
    spotify.anything = [track(1, album={"release_date": date}), track(2) | {"album": None}]
    assert [found.year for found in client.search("x")] == [None, None]


def test_account_and_taste(make_client: Callable[..., SpotifyClient]) -> None:
    ann, ben = make_client("ann"), make_client("ben")
    assert (ann.me().account_id, ann.me().display_name) == ("account-ann", "Ann Example")
    assert ben.me().account_id == "account-ben"
    assert [artist.name for artist in ann.top_artists("long_term")] == [
        "Nick Drake",
        "Joni Mitchell",
    ]
    assert ann.top_artists()[0].tags == ("british folk",)
    assert [found.title for found in ben.top_tracks("short_term")] == ["Battery"]
    assert [found.title for found in ben.recently_played()] == ["Battery"]


def test_a_playlist_is_private_and_filled_by_an_object(
    spotify: SpotifyServer, client: SpotifyClient
) -> None:
    made = client.create_playlist("Name", "Text")
    client.add_items(made.id, [URI, URI])
    assert client.playlist_items(made.id) == [URI, URI]
    assert client.own_playlists() == [made]
    assert spotify.playlists[made.id].public is False
    assert spotify.seen("POST /playlists/{id}/items")[0].json == {"uris": [URI, URI]}


def test_items_are_read_page_by_page_under_both_names(
    spotify: SpotifyServer, client: SpotifyClient
) -> None:
    made = client.create_playlist("Name", "Text")
    spotify.playlists[made.id].items = [f"spotify:track:{number:022d}" for number in range(120)]
    assert client.playlist_items(made.id) == spotify.playlists[made.id].items
    old = '{"items": [{"track": {"uri": "spotify:track:1"}}, {"item": null}, null], "next": null}'
    spotify.fault("GET /playlists/{id}/items", Fault(200, old))
    assert client.playlist_items(made.id) == ["spotify:track:1"]


def test_players(spotify: SpotifyServer, client: SpotifyClient) -> None:
    spotify.devices.insert(0, {"id": "d0", "name": "Car", "is_restricted": True})
    spotify.devices.insert(0, {"id": None, "name": "Ghost"})
    assert client.devices() == [
        Device("d1", "Kitchen", "Speaker", active=True, restricted=False),
        Device("d2", "Phone", "Smartphone", active=False, restricted=False),
    ]
    client.play("d2", [URI])
    client.play(None, [URI])
    client.queue(URI)
    assert spotify.played == [("ann", "d2", [URI]), ("ann", None, [URI])]
    assert spotify.queued == [("ann", URI)]


def test_a_command_answered_with_a_bare_text_is_done(
    spotify: SpotifyServer, client: SpotifyClient
) -> None:
    spotify.fault("PUT /me/player/play", Fault(200, "OK", carried_out=True))
    client.play("d1", [URI])
    assert len(spotify.played) == 1


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda c: c.search(" "), "'query'"),
        (lambda c: c.search("x", limit=11), "'limit' argument: 11"),
        (lambda c: c.search("x", limit=0), "'limit' argument: 0"),
        (lambda c: c.top_tracks("ever"), "'ever': one of short_term"),
        (lambda c: c.top_artists("ever"), "'time_range'"),
        (lambda c: c.add_items("../me", [URI]), "'playlist_id' argument: '../me'"),
        (lambda c: c.playlist_items("a?b"), "'playlist_id'"),
        (lambda c: c.add_items("a", []), "'uris' argument: 0"),
        (lambda c: c.add_items("a", [URI] * 101), "101 of them: 1 to 100"),
        (lambda c: c.queue("spotify:episode:1"), "'spotify:episode:1'"),
        (lambda c: c.play("a&b=c", [URI]), "'device_id'"),
    ],
)
def test_wrong_values_are_named_and_not_sent(
    spotify: SpotifyServer,
    client: SpotifyClient,
    ask: Callable[[SpotifyClient], Any],
    words: str,
) -> None:
    with pytest.raises(ValueError, match="Incorrect value for") as caught:
        ask(client)
    assert words in str(caught.value)
    assert spotify.requests == []


def test_without_a_token_nothing_is_sent(spotify: SpotifyServer) -> None:
    client = SpotifyClient(lambda: "", api_url=spotify.api_url)
    with pytest.raises(SignInNeeded):
        client.me()
    assert spotify.requests == []


def test_the_address_comes_from_the_environment(
    spotify: SpotifyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AFFECTUNE_SPOTIFY_API_URL", spotify.url)
    client = SpotifyClient(spotify.token)
    assert client.me().account_id == "account-ann"
    client.close()


def test_a_refused_token_is_renewed_once(spotify: SpotifyServer) -> None:
    refused: list[str] = []
    tokens = ["old"]

    def renew(token: str) -> None:
        refused.append(token)
        tokens.append(spotify.token("ann"))

    client = SpotifyClient(lambda: tokens[-1], api_url=spotify.api_url, renew=renew)
    assert client.me().account_id == "account-ann"
    assert client.with_deadline(5).create_playlist("Name", "Text").name == "Name"
    assert refused == ["old"]
    tokens.append("stale")
    made = client.with_deadline(5).create_playlist("Another", "Text")
    assert len(spotify.playlists) == 2
    assert made.id in spotify.playlists
    spotify.always("GET /me", error(401, "The access token expired"))
    with pytest.raises(SignInNeeded):
        client.me()
    assert refused == ["old", "stale", tokens[-2]]
    client.close()


def test_the_library_needs_no_streamlit_and_the_recommender_no_spotipy() -> None:
    code = (
        "import sys, recommender; assert 'spotipy' not in sys.modules; "
        "import recommender.spotify.search; assert 'streamlit' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_client_says_nothing_of_its_token(
    spotify: SpotifyServer, make_client: Callable[..., SpotifyClient]
) -> None:
    token = spotify.token("ann")
    client = make_client(token=token)
    assert token not in repr(client)
    assert token not in client.owner()
    assert client.owner() == make_client(token=token).owner() != make_client("ann").owner()
