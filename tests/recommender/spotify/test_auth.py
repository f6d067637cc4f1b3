"""Signing in, against a server that keeps to the protocol: once, soon, in the same browser."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import parse_qs, urlsplit
from urllib.request import HTTPRedirectHandler, build_opener

import pytest

from recommender.spotify import SpotifyClient, auth
from recommender.spotify.auth import (
    AUTHORIZATION_SECONDS,
    MAX_PENDING,
    REDIRECT,
    Authorization,
    Keys,
    PendingAuthorization,
    PendingAuthorizations,
    SignInRefused,
    cookie_of,
    keys_from,
)
from recommender.spotify.errors import KeysRefused, SignInNeeded, SpotifyError, Unreachable
from tests.recommender.spotify.server import (
    CLIENT_ID,
    REVOKED,
    SECRET,
    Fault,
    SpotifyServer,
    dropped,
    html_page,
    plain,
    slow,
    string_error,
    too_many,
)

SCOPES = ("user-top-read",)
TOKEN = "POST /api/token"


@pytest.fixture
def spotify() -> Iterator[SpotifyServer]:
    with SpotifyServer() as server:
        server.user = "ann"
        yield server


@pytest.fixture
def keys(spotify: SpotifyServer) -> Keys:
    return Keys(CLIENT_ID, REDIRECT, spotify.accounts_url)


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def agree(pending: PendingAuthorization) -> dict[str, str]:
    """Do what a browser does at Spotify, and return what the address says on the way back."""

    class Stay(HTTPRedirectHandler):
        def redirect_request(self, *_: Any) -> None:
            return None

    try:
        build_opener(Stay).open(pending.url, timeout=5)
    except HTTPError as answer:
        with answer:
            address = answer.headers["Location"]
    assert address.startswith(REDIRECT)
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}


def signed_in(keys: Keys, *, scopes: tuple[str, ...] = SCOPES) -> Authorization:
    pending_authorizations = PendingAuthorizations()
    pending = pending_authorizations.begin(keys, scopes)
    answer = agree(pending)
    back = pending_authorizations.claim(answer["state"], {pending.cookie: pending.proof})
    back.authorization.redeem(answer["code"])
    return back.authorization


def test_a_sign_in_gives_a_token_that_spotify_takes(keys: Keys, spotify: SpotifyServer) -> None:
    mine = signed_in(keys)
    assert mine.signed_in
    assert mine.scopes == set(SCOPES)
    client = SpotifyClient(mine.get_access_token, api_url=spotify.api_url)
    assert client.me().display_name


def test_state_payload_is_returned(keys: Keys) -> None:
    pending_authorizations = PendingAuthorizations()
    mood = object()
    pending = pending_authorizations.begin(keys, SCOPES, carry=mood)
    state = agree(pending)["state"]
    assert pending_authorizations.claim(state, {pending.cookie: pending.proof}).carry is mood


def test_state_is_valid_once(keys: Keys) -> None:
    pending_authorizations = PendingAuthorizations()
    pending = pending_authorizations.begin(keys, SCOPES)
    state, cookies = agree(pending)["state"], {pending.cookie: pending.proof}
    pending_authorizations.claim(state, cookies)
    with pytest.raises(SignInRefused, match="already used"):
        pending_authorizations.claim(state, cookies)


def test_state_is_valid_for_ten_minutes(keys: Keys) -> None:
    clock = Clock()
    pending_authorizations = PendingAuthorizations(clock)
    in_time, late = (
        pending_authorizations.begin(keys, SCOPES),
        pending_authorizations.begin(keys, SCOPES),
    )
    clock.now = AUTHORIZATION_SECONDS - 1
    pending_authorizations.claim(agree(in_time)["state"], {in_time.cookie: in_time.proof})
    clock.now = AUTHORIZATION_SECONDS
    with pytest.raises(SignInRefused, match="ten minutes"):
        pending_authorizations.claim(agree(late)["state"], {late.cookie: late.proof})


def test_state_payload_expires(keys: Keys) -> None:
    clock = Clock()
    pending_authorizations = PendingAuthorizations(clock)
    pending_authorizations.begin(keys, SCOPES, carry="a mood")
    assert len(pending_authorizations) == 1
    clock.now = AUTHORIZATION_SECONDS
    assert len(pending_authorizations) == 0


@pytest.mark.parametrize("state", ["", "made-up", "ä" * 40])
def test_forged_state_is_refused(keys: Keys, state: str) -> None:
    pending_authorizations = PendingAuthorizations()
    pending = pending_authorizations.begin(keys, SCOPES)
    with pytest.raises(SignInRefused, match="already used"):
        pending_authorizations.claim(state, {pending.cookie: pending.proof})


def test_state_of_another_browser_is_refused_and_kept(keys: Keys) -> None:
    pending_authorizations = PendingAuthorizations()
    mine, theirs = (
        pending_authorizations.begin(keys, SCOPES),
        pending_authorizations.begin(keys, SCOPES),
    )
    state = agree(mine)["state"]
    for cookies in (
        {},
        {theirs.cookie: theirs.proof},
        {mine.cookie: theirs.proof},
        {mine.cookie: ""},
    ):
        with pytest.raises(SignInRefused, match="another browser"):
            pending_authorizations.claim(state, cookies)
    pending_authorizations.claim(state, {mine.cookie: mine.proof})


def test_the_oldest_sign_in_gives_way_when_there_are_too_many(keys: Keys) -> None:
    pending_authorizations = PendingAuthorizations()
    first = pending_authorizations.begin(keys, SCOPES)
    others = [pending_authorizations.begin(keys, SCOPES) for _ in range(MAX_PENDING)]
    assert len(pending_authorizations) == MAX_PENDING
    with pytest.raises(SignInRefused):
        pending_authorizations.claim(agree(first)["state"], {first.cookie: first.proof})
    pending_authorizations.claim(agree(others[0])["state"], {others[0].cookie: others[0].proof})


def test_however_often_a_visitor_presses_others_keep_their_sign_in(keys: Keys) -> None:
    pending_authorizations = PendingAuthorizations()
    other = pending_authorizations.begin(keys, SCOPES)
    mine = None
    for _ in range(MAX_PENDING + 5):
        mine = pending_authorizations.begin(keys, SCOPES, carry="latest", instead_of=mine)
    assert mine is not None
    assert len(pending_authorizations) == 2
    pending_authorizations.claim(agree(other)["state"], {other.cookie: other.proof})
    back = pending_authorizations.claim(agree(mine)["state"], {mine.cookie: mine.proof})
    assert back.carry == "latest"


def test_pressing_twice_leads_to_one_place_and_begins_the_time_anew(keys: Keys) -> None:
    clock = Clock()
    pending_authorizations = PendingAuthorizations(clock)
    first = pending_authorizations.begin(keys, SCOPES)
    clock.now += AUTHORIZATION_SECONDS - 1
    assert pending_authorizations.begin(keys, SCOPES, instead_of=first) == first
    clock.now += AUTHORIZATION_SECONDS - 1
    pending_authorizations.claim(agree(first)["state"], {first.cookie: first.proof})
    # Once it is used, or late, another one begins.
    assert pending_authorizations.begin(keys, SCOPES, instead_of=first) != first


def test_another_wish_takes_the_place_of_the_first(keys: Keys) -> None:
    pending_authorizations = PendingAuthorizations()
    first = pending_authorizations.begin(keys, SCOPES)
    second = pending_authorizations.begin(keys, (*SCOPES, "more"), instead_of=first)
    assert len(pending_authorizations) == 1
    with pytest.raises(SignInRefused, match="already used"):
        pending_authorizations.claim(agree(first)["state"], {first.cookie: first.proof})
    pending_authorizations.claim(agree(second)["state"], {second.cookie: second.proof})
    pending_authorizations.forget(pending_authorizations.begin(keys, SCOPES))
    assert len(pending_authorizations) == 0


def test_every_sign_in_has_its_own_secrets(keys: Keys) -> None:
    pending_authorizations = PendingAuthorizations()
    queries = [
        parse_qs(urlsplit(pending_authorizations.begin(keys, SCOPES).url).query) for _ in range(20)
    ]
    for name in ("state", "code_challenge"):
        assert len({query[name][0] for query in queries}) == 20
    assert all(query["code_challenge_method"] == ["S256"] for query in queries)
    assert all(query["redirect_uri"] == [REDIRECT] for query in queries)


def test_what_comes_back_cannot_write_cookies_of_its_own() -> None:
    assert cookie_of("a;b=c, d\r\n" + "e" * 40) == "affectune-abcdeeeeee"
    assert cookie_of("") == "affectune-"


def test_a_code_is_worth_nothing_to_another_sign_in(keys: Keys) -> None:
    pending_authorizations = PendingAuthorizations()
    mine, theirs = (
        pending_authorizations.begin(keys, SCOPES),
        pending_authorizations.begin(keys, SCOPES),
    )
    code, state = agree(theirs)["code"], agree(mine)["state"]
    back = pending_authorizations.claim(state, {mine.cookie: mine.proof})
    with pytest.raises(SignInRefused, match="no longer accepts"):
        back.authorization.redeem(code)
    assert not back.authorization.signed_in


def test_a_code_is_asked_for_although_there_is_a_token(keys: Keys, spotify: SpotifyServer) -> None:
    mine = signed_in(keys)
    with pytest.raises(SignInRefused):
        mine.redeem("an old code")


FAULTS = {
    "dropped": dropped(),
    "slow": slow(6),
    "too many": too_many(86400),
    "broken": html_page(502),
    "plain": plain(500, "upstream connect error"),
    "string": string_error(400, "server_error"),
    "HTML for a token": Fault(200, "<html>Captive portal</html>", "text/html"),
    "list for a token": Fault(200, "[]"),
    "string for a token": Fault(200, '"welcome"'),
    "no token in it": Fault(200, '{"token_type": "Bearer"}'),
    "null for a token": Fault(200, "null"),
    "list for an error": Fault(400, "[]"),
    "dripping": Fault(trickle=0.2),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_failing_accounts_service_is_named_in_time(
    keys: Keys, spotify: SpotifyServer, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    pending_authorizations = PendingAuthorizations()
    pending = pending_authorizations.begin(keys, SCOPES)
    answer = agree(pending)
    back = pending_authorizations.claim(answer["state"], {pending.cookie: pending.proof})
    spotify.always(TOKEN, FAULTS[name])
    if name == "dripping":
        monkeypatch.setattr(auth, "TOKEN_SECONDS", 0.5)
    with pytest.raises(Unreachable):
        back.authorization.redeem(answer["code"])
    assert not back.authorization.signed_in
    assert len([r for r in spotify.account_requests if r.name == TOKEN]) == 1


def test_late_token_answer_does_not_sign_in(
    keys: Keys, spotify: SpotifyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    pending_authorizations = PendingAuthorizations()
    pending = pending_authorizations.begin(keys, SCOPES)
    answer = agree(pending)
    back = pending_authorizations.claim(answer["state"], {pending.cookie: pending.proof})
    # Some 150 bytes, 50 ms each: far longer than is waited for here.
    monkeypatch.setattr(auth, "TOKEN_SECONDS", 0.5)
    spotify.fault(TOKEN, Fault(trickle=0.05))
    with pytest.raises(Unreachable):
        back.authorization.redeem(answer["code"])
    for thread in threading.enumerate():
        if thread.name == "spotify":
            thread.join(15)
    assert not back.authorization.signed_in


def test_unreachable_accounts_service_is_reported(keys: Keys, spotify: SpotifyServer) -> None:
    nowhere = Keys(CLIENT_ID, REDIRECT, "http://127.0.0.1:9/")
    with pytest.raises(Unreachable):
        Authorization(nowhere, SCOPES).redeem("code")


def test_wrong_keys_are_named(keys: Keys, spotify: SpotifyServer) -> None:
    spotify.fault(TOKEN, Fault(400, json.dumps({"error": "invalid_client"})))
    with pytest.raises(KeysRefused):
        Authorization(keys, SCOPES).redeem("code")


def test_a_token_is_renewed_before_it_runs_out(keys: Keys, spotify: SpotifyServer) -> None:
    spotify.lifetime = 30.0  # less than the minute that a token has to be good for
    mine = signed_in(keys)
    spotify.lifetime = 3600.0
    first = mine.get_access_token()
    assert mine.get_access_token() == first
    renewals = [r for r in spotify.account_requests if b"refresh_token" in r.body]
    assert len(renewals) == 1
    assert mine.scopes == set(SCOPES)


def test_two_threads_renew_once(keys: Keys, spotify: SpotifyServer) -> None:
    spotify.lifetime = 30.0
    mine = signed_in(keys)
    spotify.lifetime = 3600.0
    spotify.fault(TOKEN, slow(0.2))
    tokens: list[str] = []
    threads = [
        threading.Thread(target=lambda: tokens.append(mine.get_access_token())) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(tokens) == 8
    assert len(set(tokens)) == 1


def test_a_refused_token_is_replaced_once(keys: Keys, spotify: SpotifyServer) -> None:
    mine = signed_in(keys)
    refused = mine.get_access_token()
    spotify.expire()
    mine.renew(refused)
    renewed = mine.get_access_token()
    assert renewed != refused
    mine.renew(refused)  # another thread that was refused with the old one
    assert mine.get_access_token() == renewed


def test_a_revoked_sign_in_is_forgotten(keys: Keys, spotify: SpotifyServer) -> None:
    mine = signed_in(keys)
    spotify.fault(TOKEN, REVOKED)
    with pytest.raises(SignInNeeded):
        mine.renew()
    assert not mine.signed_in
    with pytest.raises(SignInNeeded):
        mine.get_access_token()


def test_transient_renewal_failure_keeps_the_sign_in(keys: Keys, spotify: SpotifyServer) -> None:
    mine = signed_in(keys)
    spotify.fault(TOKEN, html_page(503))
    with pytest.raises(Unreachable):
        mine.renew()
    assert mine.signed_in
    mine.renew()


def test_forgetting_drops_an_answer_that_is_on_its_way(keys: Keys, spotify: SpotifyServer) -> None:
    mine = signed_in(keys)
    spotify.fault(TOKEN, slow(0.5))
    failures: list[Exception] = []

    def renew() -> None:
        try:
            mine.renew()
        except SpotifyError as error:
            failures.append(error)

    thread = threading.Thread(target=renew)
    thread.start()
    time.sleep(0.1)
    mine.forget()
    thread.join()
    assert not mine.signed_in
    assert isinstance(failures[0], SignInNeeded)


def test_sign_in_writes_no_file_and_prompts_for_nothing(
    keys: Keys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("spotipy wants to ask")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("builtins.input", refuse)
    monkeypatch.setattr("webbrowser.open", refuse)
    mine = signed_in(keys)
    mine.renew()
    mine.forget()
    with pytest.raises(SignInNeeded):
        mine.get_access_token()
    assert list(tmp_path.iterdir()) == []


def test_secrets_are_neither_logged_nor_shown(
    keys: Keys, spotify: SpotifyServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    pending_authorizations = PendingAuthorizations()
    pending = pending_authorizations.begin(keys, SCOPES, carry="a mood")
    answer = agree(pending)
    back = pending_authorizations.claim(answer["state"], {pending.cookie: pending.proof})
    back.authorization.redeem(answer["code"])
    back.authorization.renew()
    spotify.fault(TOKEN, html_page(500), REVOKED)
    said = [
        repr(pending),
        repr(back),
        repr(back.authorization),
        repr(keys),
    ]
    for _ in range(2):
        with pytest.raises(SpotifyError) as caught:
            back.authorization.renew()
        said += [repr(caught.value), str(caught.value), repr(caught.value.__context__)]
    text = caplog.text + "".join(said)
    for secret in (SECRET, pending.proof, answer["state"]):
        assert secret not in text


@pytest.mark.parametrize(
    ("address", "fine"),
    [
        ("http://127.0.0.1:8501/", True),
        ("http://[::1]:8501/", True),
        ("https://affectune.example/", True),
        ("http://localhost:8501/", False),
        ("https://localhost:8501/", False),
        ("http://affectune.example/", False),
        ("affectune.example", False),
        ("", False),
    ],
)
def test_a_redirect_address_that_spotify_refuses_is_named(address: str, fine: bool) -> None:
    assert (Keys("id", address).problem is None) is fine


def test_keys_come_from_the_environment() -> None:
    assert keys_from({}) is None
    assert keys_from({"SPOTIPY_CLIENT_ID": "  "}) is None
    found = keys_from({"SPOTIPY_CLIENT_ID": " id ", "SPOTIPY_CLIENT_SECRET": f"{SECRET}"})
    assert found == Keys("id", "http://127.0.0.1:8501/", "https://accounts.spotify.com/")
    assert SECRET not in repr(found)
    assert keys_from({"SPOTIPY_CLIENT_ID": "id", "SPOTIPY_REDIRECT_URI": "https://a.example/"}) == (
        Keys("id", "https://a.example/")
    )
