"""Every fault has a name, a sentence and an end, and nothing is done twice."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import pytest

from recommender.spotify import (
    EndpointGone,
    NoActiveDevice,
    NotAllowed,
    OwnerNeedsPremium,
    PremiumNeeded,
    Refused,
    ScopeMissing,
    SignInNeeded,
    SpotifyClient,
    SpotifyError,
    TooManyRequests,
    Unreachable,
)
from recommender.spotify.endpoints import ENDPOINTS
from recommender.spotify.errors import in_words
from recommender.spotify.playlists import SAVE_SECONDS
from recommender.spotify.search import SEARCH_SECONDS
from recommender.spotify.transport import Timeouts
from tests.recommender.spotify import server as scripted
from tests.recommender.spotify.conftest import QUICK
from tests.recommender.spotify.server import Fault, SpotifyServer

URI = "spotify:track:0000000000000000000001"
Ask = Callable[[SpotifyClient], Any]

CALLS: dict[str, Ask] = {
    "search": lambda client: client.search("folk"),
    "me": lambda client: client.me(),
    "top_artists": lambda client: client.top_artists(),
    "top_tracks": lambda client: client.top_tracks(),
    "recently_played": lambda client: client.recently_played(),
    "own_playlists": lambda client: client.own_playlists(),
    "create_playlist": lambda client: client.create_playlist("Name", "Text"),
    "playlist_items": lambda client: client.playlist_items("abc"),
    "add_items": lambda client: client.add_items("abc", [URI]),
    "devices": lambda client: client.devices(),
    "play": lambda client: client.play("d1", [URI]),
    "queue": lambda client: client.queue(URI),
}

FAULTS: dict[str, tuple[Fault, type[SpotifyError], str]] = {
    "expired": (scripted.EXPIRED, SignInNeeded, "connect again"),
    "revoked, as a string": (
        scripted.string_error(401, "invalid_token"),
        SignInNeeded,
        "connect again",
    ),
    "not allow-listed, as text": (scripted.NOT_ALLOWED, NotAllowed, "list of users"),
    "not allow-listed, as JSON": (
        scripted.error(403, "User not registered in the Developer Dashboard"),
        NotAllowed,
        "list of users",
    ),
    "owner without Premium": (scripted.OWNER_NEEDS_PREMIUM, OwnerNeedsPremium, "owner has Premium"),
    "scope": (scripted.INSUFFICIENT_SCOPE, ScopeMissing, "not allowed this yet"),
    "scope, the old way": (scripted.error(401, "Permissions missing"), ScopeMissing, "not allowed"),
    "removed": (scripted.REMOVED, EndpointGone, "no longer offers"),
    "removed, without a body": (Fault(403), EndpointGone, "no longer offers"),
    "gone": (scripted.error(410, "Gone"), EndpointGone, "no longer offers"),
    "too many, a day": (scripted.too_many(86400), TooManyRequests, "in about 24 hours"),
    "too many, soon": (scripted.too_many(2), TooManyRequests, "in a minute"),
    "too many, without a header": (scripted.too_many(None), TooManyRequests, "in a minute"),
    "too many, as text": (
        Fault(429, "Too many requests", "text/plain", {"Retry-After": "120"}),
        TooManyRequests,
        "in about 2 minutes",
    ),
    "bad request": (scripted.error(400, "Invalid limit"), Refused, "refused"),
    "bad request, as a string": (scripted.string_error(400), Refused, "refused"),
    "bad request, as a list": (Fault(400, "[]"), Refused, "refused"),
    "broken, as HTML": (scripted.html_page(500), Unreachable, "not answering"),
    "bad gateway, as HTML": (scripted.html_page(502), Unreachable, "not answering"),
    "unavailable": (scripted.error(503, "Service unavailable"), Unreachable, "not answering"),
    "unavailable with a day": (
        Fault(503, "", headers={"Retry-After": "86400"}),
        Unreachable,
        "not answering",
    ),
    "dropped": (scripted.dropped(), Unreachable, "not answering"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_every_call_meets_every_fault(
    spotify: SpotifyServer, make_client: Callable[..., SpotifyClient], fault: str
) -> None:
    what, kind, words = FAULTS[fault]
    spotify.always("*", what)
    for name, call in CALLS.items():
        spotify.requests.clear()
        with pytest.raises(SpotifyError) as caught:
            call(make_client())
        assert type(caught.value) is kind, name
        assert words in caught.value.sentence
        assert str(caught.value) == caught.value.sentence
        if ENDPOINTS[name].method != "GET":
            assert len(spotify.requests) == 1, name


def test_the_table_of_calls_is_whole() -> None:
    assert CALLS.keys() == ENDPOINTS.keys()


@pytest.mark.parametrize("call", ["play", "queue"])
@pytest.mark.parametrize(
    ("fault", "kind", "words"),
    [
        (scripted.PREMIUM_REQUIRED, PremiumNeeded, "accounts with Premium"),
        (scripted.NO_ACTIVE_DEVICE, NoActiveDevice, "Open Spotify on a phone"),
        (scripted.error(404, "Device not found"), NoActiveDevice, "Open Spotify"),
        (scripted.error(403, "Player command failed: Restriction violated"), Refused, "refused"),
    ],
)
def test_players_say_what_they_lack(
    spotify: SpotifyServer,
    client: SpotifyClient,
    call: str,
    fault: Fault,
    kind: type[SpotifyError],
    words: str,
) -> None:
    spotify.fault("*", fault)
    with pytest.raises(SpotifyError) as caught:
        CALLS[call](client)
    assert type(caught.value) is kind
    assert words in str(caught.value)
    assert spotify.played == []


def test_a_missing_playlist_is_no_removed_endpoint(client: SpotifyClient) -> None:
    with pytest.raises(Refused) as caught:
        client.playlist_items("nosuch")
    assert caught.value.status == 404


def test_a_removed_endpoint_that_answers_404(spotify: SpotifyServer, client: SpotifyClient) -> None:
    spotify.fault("GET /search", Fault(404))
    with pytest.raises(EndpointGone):
        client.search("x")


@pytest.mark.parametrize("body", ["", "null", "[]", '"text"', "<html></html>", "3", "{}", "{"])
def test_answers_that_make_no_sense(
    spotify: SpotifyServer, client: SpotifyClient, body: str
) -> None:
    spotify.always("*", Fault(200, body))
    for name, call in CALLS.items():
        if name in ("play", "queue", "add_items") and body not in ("[]", '"text"', "3"):
            call(client)  # done, whatever it said
            continue
        with pytest.raises(Unreachable):
            call(client)


@pytest.mark.parametrize("call", CALLS)
def test_slow_answers_are_not_waited_for(
    spotify: SpotifyServer, make_client: Callable[..., SpotifyClient], call: str
) -> None:
    # Were it waited for, the answer after half a minute would be a good one or another error.
    spotify.always("*", scripted.slow(30))
    with pytest.raises(Unreachable) as caught:
        CALLS[call](make_client(timeouts=QUICK))
    assert caught.value.pending
    if ENDPOINTS[call].method != "GET":
        assert len(spotify.requests) == 1


def test_an_answer_that_trickles_is_not_waited_for(
    spotify: SpotifyServer, make_client: Callable[..., SpotifyClient]
) -> None:
    # A byte in time keeps every timeout of a socket happy.
    spotify.fault("GET /me", Fault(200, '{"account_id": "x"}' + " " * 600, trickle=0.05))
    with pytest.raises(Unreachable):
        make_client(timeouts=QUICK).me()


def test_a_token_that_comes_late_leaves_less_time(
    spotify: SpotifyServer, make_client: Callable[..., SpotifyClient]
) -> None:
    with pytest.raises(Unreachable) as caught:
        make_client(timeouts=QUICK).with_deadline(0).me()
    assert not caught.value.sent
    assert spotify.requests == []


def test_unreachable_api_is_reported(make_client: Callable[..., SpotifyClient]) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        client = make_client(api_url=f"http://127.0.0.1:{free.getsockname()[1]}/v1/")
        for call in CALLS.values():
            with pytest.raises(Unreachable) as caught:
                call(client)
            assert not caught.value.sent
            assert not caught.value.pending


@pytest.mark.parametrize("fault", [scripted.dropped(), scripted.html_page(503)])
def test_reading_is_tried_again_and_writing_is_not(
    spotify: SpotifyServer, client: SpotifyClient, fault: Fault
) -> None:
    spotify.fault("GET /me", fault, fault)
    assert client.me().account_id == "account-ann"
    spotify.fault("POST /me/playlists", fault)
    with pytest.raises(Unreachable):
        client.create_playlist("Name", "Text")
    assert spotify.playlists == {}


def test_every_timeout_is_at_most_five_seconds() -> None:
    times = Timeouts()
    assert max(times.connect, times.read) <= times.total <= 5
    assert SAVE_SECONDS <= 5
    assert SEARCH_SECONDS <= 2


def test_redirects_are_not_followed_with_a_token(
    spotify: SpotifyServer, client: SpotifyClient
) -> None:
    away = Fault(302, headers={"Location": f"{spotify.api_url}me/top/artists"})
    spotify.fault("GET /me", away)
    with pytest.raises(Unreachable):
        client.me()
    assert [request.path for request in spotify.requests] == ["/me"]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-5, "in a minute"),
        (60, "in a minute"),
        (61, "in about 2 minutes"),
        (3600, "in about 60 minutes"),
        (5401, "in about 2 hours"),
        (86400, "in about 24 hours"),
    ],
)
def test_waiting_in_words(seconds: float, words: str) -> None:
    assert in_words(seconds) == words
