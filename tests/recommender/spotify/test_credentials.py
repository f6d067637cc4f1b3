from __future__ import annotations

import pytest

from recommender.spotify import KeysRefused, SpotifyError, Unreachable
from recommender.spotify.credentials import AppToken, app_client
from tests.recommender.spotify import server as scripted
from tests.recommender.spotify.conftest import AMPLE_SECONDS
from tests.recommender.spotify.server import CLIENT_ID, CLIENT_SECRET, Fault, SpotifyServer

TOKEN = "POST /api/token"


def settings(spotify: SpotifyServer) -> dict[str, str]:
    return {
        "SPOTIPY_CLIENT_ID": CLIENT_ID,
        "SPOTIPY_CLIENT_SECRET": CLIENT_SECRET,
        "AFFECTUNE_SPOTIFY_API_URL": spotify.api_url,
        "AFFECTUNE_SPOTIFY_ACCOUNTS_URL": spotify.accounts_url,
    }


@pytest.mark.parametrize("missing", ["SPOTIPY_CLIENT_ID", "SPOTIPY_CLIENT_SECRET"])
def test_without_keys_there_is_no_client(spotify: SpotifyServer, missing: str) -> None:
    assert app_client({**settings(spotify), missing: " "}) is None
    assert app_client({}) is None


def test_the_app_searches_with_one_token(spotify: SpotifyServer) -> None:
    client = app_client(settings(spotify))
    assert client is not None
    assert client.search("folk")
    assert client.search("jazz")
    assert len(spotify.account_requests) == 1
    client.close()


def test_a_token_that_is_refused_is_fetched_anew(spotify: SpotifyServer) -> None:
    client = app_client(settings(spotify))
    assert client is not None
    client.search("folk")
    spotify.expire()
    assert client.search("jazz")
    assert len(spotify.account_requests) == 2
    client.close()


def test_wrong_keys_are_named(spotify: SpotifyServer) -> None:
    token = AppToken(CLIENT_ID, "wrong", accounts_url=spotify.accounts_url, seconds=AMPLE_SECONDS)
    with pytest.raises(KeysRefused, match="keys"):
        token()


@pytest.mark.parametrize(
    "fault",
    [
        scripted.html_page(500),
        scripted.plain(400, "No"),
        scripted.string_error(503, "temporarily_unavailable"),
        Fault(400, "[]"),
        Fault(200, "[]"),
        Fault(200, "{}"),
        Fault(200, "<html>"),
        Fault(429, "", headers={"Retry-After": "86400"}),
        scripted.dropped(),
        scripted.slow(30),
    ],
)
def test_an_accounts_service_in_trouble(spotify: SpotifyServer, fault: Fault) -> None:
    where = spotify.accounts_url
    token = AppToken(CLIENT_ID, CLIENT_SECRET, accounts_url=where, seconds=0.4, pause=0)
    spotify.fault(TOKEN, fault)
    with pytest.raises(SpotifyError) as caught:
        token()
    assert type(caught.value) is Unreachable
    assert CLIENT_SECRET not in repr(caught.value) + repr(token)
    spotify.heal()
    assert token()


def test_after_a_fault_the_accounts_service_is_left_alone(spotify: SpotifyServer) -> None:
    token = AppToken(CLIENT_ID, "wrong", accounts_url=spotify.accounts_url, seconds=AMPLE_SECONDS)
    for _ in range(3):
        with pytest.raises(KeysRefused):
            token()
    assert len(spotify.account_requests) == 1
