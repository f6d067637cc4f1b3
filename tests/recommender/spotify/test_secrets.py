"""No token, code or secret in anything that is logged, raised or shown."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable
from http.client import HTTPConnection
from urllib.parse import parse_qs, urlsplit

import pytest

from recommender.spotify import TASTE_SCOPES, Limits, SpotifyClient, SpotifyError
from recommender.spotify.auth import Authorization, Keys, PendingAuthorizations
from recommender.spotify.credentials import AppToken
from recommender.spotify.playlists import Saves, save
from recommender.spotify.profile import read_profile
from recommender.spotify.transport import quiet_logs, redacted
from recommender.types import Mood, Pick, Playlist, Track
from tests.recommender.spotify import server as scripted
from tests.recommender.spotify.conftest import QUICK
from tests.recommender.spotify.server import (
    CLIENT_ID,
    CLIENT_SECRET,
    SECRET,
    Fault,
    SpotifyServer,
)
from tests.recommender.spotify.test_faults import CALLS, FAULTS


def told(error: BaseException) -> str:
    """Return all that can be read off an error, and off what it came from."""
    texts = []
    waiting: list[BaseException | None] = [error]
    while waiting:
        found = waiting.pop()
        if found is not None:
            texts += [str(found), repr(found), *traceback.format_exception(found)]
            waiting += [found.__cause__, found.__context__]
            texts += [str(value) for value in vars(found).values()]
    return "\n".join(texts)


def sign_in(spotify: SpotifyServer) -> Authorization:
    pending_authorizations = PendingAuthorizations()
    pending = pending_authorizations.begin(
        Keys(CLIENT_ID, accounts_url=spotify.accounts_url), TASTE_SCOPES
    )
    # As a browser would: what the address bar shows is not ours to log.
    sent = HTTPConnection(urlsplit(spotify.url).netloc)
    sent.request("GET", pending.url.removeprefix(spotify.url.rstrip("/")))
    back = parse_qs(urlsplit(sent.getresponse().headers["Location"]).query)
    sent.close()
    returned = pending_authorizations.claim(back["state"][0], {pending.cookie: pending.proof})
    returned.authorization.redeem(back["code"][0])
    return returned.authorization


@pytest.fixture
def written(caplog: pytest.LogCaptureFixture) -> Callable[[], str]:
    caplog.set_level(logging.DEBUG)
    for name in ("spotipy", "urllib3", "requests", "recommender"):
        caplog.set_level(logging.DEBUG, logger=name)
    return lambda: "\n".join(
        f"{record.getMessage()} {record.args} {record.exc_text}" for record in caplog.records
    )


def test_full_run_writes_no_secret(
    spotify: SpotifyServer,
    make_client: Callable[..., SpotifyClient],
    track: Callable[..., Track],
    written: Callable[[], str],
    capfd: pytest.CaptureFixture[str],
) -> None:
    client = make_client()
    mood = Mood(0.0, 0.0)
    playlist = Playlist(mood, mood, "match", (Pick(track(1), mood, ""),), 0)
    saved = save(client, playlist, key="a", saves=Saves())
    profile = read_profile(client)
    for name in CALLS.keys() - {"playlist_items", "add_items"}:
        CALLS[name](client)
    token = AppToken(CLIENT_ID, CLIENT_SECRET, accounts_url=spotify.accounts_url)
    token()
    authorization = sign_in(spotify)
    authorization.renew()
    assert "/v1/me" in written(), "nothing was logged: this test sees nothing"
    shown = (
        f"{client!r} {client.with_deadline(1)!r} {saved!r} {profile!r} {token!r} {authorization!r}"
    )
    out, err = capfd.readouterr()
    for text in (written(), shown, out, err):
        assert SECRET not in text


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_reveal_no_secret(
    spotify: SpotifyServer,
    make_client: Callable[..., SpotifyClient],
    written: Callable[[], str],
    fault: str,
) -> None:
    """Not even where Spotify repeats the token in its answer."""
    said = FAULTS[fault][0]
    echo = f"{said.body} Bearer {SECRET}"
    for what in (said, Fault(said.status or 500, echo, "text/plain", said.headers)):
        for call in ("search", "create_playlist"):
            spotify.always("*", what)
            with pytest.raises(SpotifyError) as caught:
                CALLS[call](make_client(limits=Limits(), timeouts=QUICK))
            assert SECRET not in told(caught.value)
    assert SECRET not in written()


@pytest.mark.parametrize(
    "fault", [scripted.slow(5), scripted.html_page(500), scripted.string_error(400), Fault(200)]
)
def test_the_apps_secret_is_in_no_error(
    spotify: SpotifyServer, fault: Fault, written: Callable[[], str]
) -> None:
    spotify.fault("POST /api/token", fault)
    token = AppToken(CLIENT_ID, CLIENT_SECRET, accounts_url=spotify.accounts_url, seconds=0.3)
    with pytest.raises(SpotifyError) as caught:
        token()
    assert SECRET not in told(caught.value)
    assert SECRET not in written()


def test_errors_hold_no_request(spotify: SpotifyServer, client: SpotifyClient) -> None:
    """An error that somebody keeps must not keep a token in memory."""
    spotify.fault("GET /me", scripted.dropped(), scripted.dropped(), scripted.dropped())
    with pytest.raises(SpotifyError) as caught:
        client.me()
    assert caught.value.__context__ is None
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    "text",
    [
        f"Authorization: Bearer {SECRET}",
        f"'Authorization': 'Basic {SECRET}'",
        f"GET /?code={SECRET}&state={SECRET} HTTP/1.1",
        f"{{'access_token': '{SECRET}', 'refresh_token': '{SECRET}'}}",
        f'{{"client_secret": "{SECRET}", "code_verifier":"{SECRET}"}}',
    ],
)
def test_redacting(text: str, written: Callable[[], str]) -> None:
    assert SECRET not in redacted(text)
    quiet_logs()
    logging.getLogger("urllib3.connectionpool").warning("%s", text)
    logging.getLogger("spotipy.client").error(text)
    assert "[removed]" in written()
    assert SECRET not in written()


def test_harmless_text_is_not_redacted() -> None:
    for text in ('"GET /v1/search?q=basic+folk HTTP/1.1" 200', "in the state of things", "code 3"):
        assert redacted(text) == text
