"""Settings, with a small Spotify of our own behind it: what the page says in every state."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from recommender.spotify import SHARED, SpotifyClient
from recommender.spotify.auth import REDIRECT, Authorization, keys_from
from recommender.spotify.search import SEARCHED
from recommender.types import Mood
from tests.recommender.spotify.server import (
    ALL_SCOPES,
    CLIENT_ID,
    CLIENT_SECRET,
    EXPIRED,
    NOT_ALLOWED,
    OWNER_NEEDS_PREMIUM,
    REVOKED,
    SECRET,
    SpotifyServer,
    dropped,
    html_page,
    slow,
    string_error,
    too_many,
)
from ui.spotify import lookup, sign_in
from ui.state import VisitorState

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def clean() -> Iterator[None]:
    SHARED.clear()
    sign_in._pending_authorizations.clear()
    lookup._app.clear()
    yield
    SHARED.clear()
    sign_in._pending_authorizations.clear()
    lookup._app.clear()


@pytest.fixture
def spotify(monkeypatch: pytest.MonkeyPatch) -> Iterator[SpotifyServer]:
    with SpotifyServer() as server:
        monkeypatch.setenv("SPOTIPY_CLIENT_ID", CLIENT_ID)
        monkeypatch.delenv("SPOTIPY_CLIENT_SECRET", raising=False)
        monkeypatch.delenv("SPOTIPY_REDIRECT_URI", raising=False)
        monkeypatch.setenv("AFFECTUNE_SPOTIFY_API_URL", server.api_url)
        monkeypatch.setenv("AFFECTUNE_SPOTIFY_ACCOUNTS_URL", server.accounts_url)
        yield server


@pytest.fixture
def settings(recognizer: Any, warm_server: None) -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.session_state["_navigate_to"] = "settings"
    return app


def connection(
    spotify: SpotifyServer, user: str = "ann", scopes: str = ALL_SCOPES
) -> sign_in.Connection:
    """What a sign-in leaves in a session."""
    keys = keys_from()
    assert keys is not None
    authorization = Authorization(keys, scopes.split())
    with spotify.lock:
        spotify._refresh[f"{SECRET}-refresh-{user}"] = (user, scopes)
    authorization._cache.save_token_to_cache(
        {
            "access_token": spotify.token(user, scopes),
            "refresh_token": f"{SECRET}-refresh-{user}",
            "scope": scopes,
            "expires_at": int(time.time()) + 3600,
        }
    )
    client = SpotifyClient(authorization.get_access_token, renew=authorization.renew)
    return sign_in.Connection(authorization, client)


def text(app: AppTest) -> str:
    """All that the page says."""
    kinds = ("title", "header", "subheader", "markdown", "caption", "info", "code", "toast")
    return "\n".join(str(element.value) for kind in kinds for element in app.get(kind))


def heading(app: AppTest) -> str:
    """Of the section about Spotify."""
    (only,) = (one.value for one in app.header if "Spotify" in one.value and "Conn" in one.value)
    return str(only)


def test_without_keys_it_says_how_to_get_some(
    settings: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SPOTIPY_CLIENT_ID", raising=False)
    settings.run()
    assert not settings.exception
    assert settings.title[0].value == "Settings"
    assert "You don’t need an account" in text(settings)
    assert not [button for button in settings.button if "onnect" in button.label]
    settings.switch_page("pages/spotify_key.py").run()
    assert not settings.exception
    assert settings.title[0].value == "How to get a Spotify key"
    assert settings.code[0].value == REDIRECT
    assert "never sent to Spotify" in text(settings)


def test_with_keys_it_offers_to_connect(settings: AppTest, spotify: SpotifyServer) -> None:
    settings.run()
    assert heading(settings) == "Connect Spotify, if you like"
    assert spotify.requests == []
    assert spotify.account_requests == []


def test_connecting_leaves_with_the_least_and_for_ten_minutes(
    settings: AppTest, spotify: SpotifyServer, sent_to: Any, button: Any
) -> None:
    settings.run()
    button(settings, "Connect Spotify").click().run()
    redirect = sent_to(settings, "oauth_redirect")
    assert redirect["leaving"] is True
    assert redirect["url"].startswith(f"{spotify.accounts_url}authorize?")
    assert "scope=user-read-recently-played+user-top-read&" in redirect["url"]
    assert redirect["seconds"] == 600
    assert len(redirect["value"]) >= 32


def test_pressing_often_is_one_sign_in(
    settings: AppTest, spotify: SpotifyServer, sent_to: Any, button: Any
) -> None:
    settings.run()
    before = len(sign_in._pending_authorizations())
    redirects = []
    for _ in range(6):
        button(settings, "Connect Spotify").click().run()
        redirects.append(sent_to(settings, "oauth_redirect"))
    assert len(sign_in._pending_authorizations()) == before + 1
    assert len({redirect["url"] for redirect in redirects}) == 1
    # And yet each press sends the browser there: it may have come back in between.
    assert [redirect["press"] for redirect in redirects] == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("address", ["http://localhost:8501/", "http://a.example/"])
def test_a_redirect_address_that_cannot_work_is_named(
    settings: AppTest, spotify: SpotifyServer, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setenv("SPOTIPY_REDIRECT_URI", address)
    settings.run()
    assert "SPOTIPY_REDIRECT_URI" in text(settings)
    assert not [button for button in settings.button if button.label == "Connect Spotify"]


def test_connected_it_says_who_what_and_how_to_end_it(
    settings: AppTest, spotify: SpotifyServer, button: Any
) -> None:
    mine = connection(spotify)
    settings.session_state[sign_in.CONNECTION_KEY] = mine
    settings.run()
    assert heading(settings) == "Connected to Spotify as Ann Example"
    said = text(settings)
    assert said.count("Allowed") == 3
    assert "Often heard: Nick Drake, Joni Mitchell" in said
    assert "No limit applies" in said
    asked = len(spotify.requests)
    settings.run()
    assert len(spotify.requests) == asked  # once is enough

    button(settings, "Disconnect and delete").click().run()
    assert heading(settings) == "Connect Spotify, if you like"
    assert "deleted" in settings.info[0].value
    assert sign_in.CONNECTION_KEY not in settings.session_state
    assert not mine.authorization.signed_in
    assert mine.kept == {}


def test_what_is_not_allowed_is_offered_and_not_read(
    settings: AppTest, spotify: SpotifyServer, sent_to: Any, button: Any
) -> None:
    settings.session_state[sign_in.CONNECTION_KEY] = connection(
        spotify, scopes="playlist-modify-private"
    )
    settings.run()
    assert text(settings).count("Allowed") == 0
    assert not spotify.seen("GET /me/top/artists")
    allow = [button for button in settings.button if button.label == "Allow"]
    assert len(allow) == 3
    allow[0].click().run()
    url = sent_to(settings, "oauth_redirect")["url"]
    assert "playlist-modify-private+user-read-recently-played+user-top-read" in url


DOWN = {
    "dropped": dropped(),
    "slow": slow(6),
    "broken": html_page(502),
    "string": string_error(500),
    "not on the list": NOT_ALLOWED,
    "owner without Premium": OWNER_NEEDS_PREMIUM,
    "too many": too_many(86400),
    "too many, unsaid": too_many(None),
}


@pytest.mark.parametrize("name", DOWN)
def test_with_the_api_down_the_page_says_so_and_stays(
    settings: AppTest, spotify: SpotifyServer, name: str, button: Any
) -> None:
    settings.session_state[sign_in.CONNECTION_KEY] = connection(spotify)
    spotify.always("*", DOWN[name])
    settings.run()
    assert not settings.exception
    assert heading(settings) == "Connected to Spotify"
    assert "Spotify" in settings.info[0].value
    assert settings.session_state[sign_in.CONNECTION_KEY].authorization.signed_in
    # The same answer is not waited for again.
    asked = len(spotify.requests)
    settings.run()
    assert len(spotify.requests) == asked
    assert button(settings, "Disconnect and delete")


def test_rate_limit_is_reported_with_its_duration(
    settings: AppTest, spotify: SpotifyServer
) -> None:
    settings.session_state[sign_in.CONNECTION_KEY] = connection(spotify)
    SHARED.back_off("search", str(3 * 86400))
    settings.run()
    (info,) = settings.info
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    assert info.value.startswith("Searches for new tracks are paused until ")
    assert f"{tomorrow.day} {tomorrow:%B}" in info.value


@pytest.mark.parametrize("how", ["revoked", "expired and revoked"])
def test_a_revoked_sign_in_is_forgotten_and_offered_again(
    settings: AppTest, spotify: SpotifyServer, how: str
) -> None:
    mine = connection(spotify)
    settings.session_state[sign_in.CONNECTION_KEY] = mine
    if how == "revoked":
        spotify.revoke("ann")
    else:
        spotify.always("GET /me", EXPIRED)
        spotify.always("POST /api/token", REVOKED)
    settings.run()
    assert not settings.exception
    assert heading(settings) == "Connect Spotify, if you like"
    assert "Spotify sign-in has expired" in settings.info[0].value
    assert sign_in.CONNECTION_KEY not in settings.session_state
    assert not mine.authorization.signed_in


def test_an_expired_token_is_renewed_unseen(settings: AppTest, spotify: SpotifyServer) -> None:
    settings.session_state[sign_in.CONNECTION_KEY] = connection(spotify)
    spotify.expire()
    settings.run()
    assert heading(settings) == "Connected to Spotify as Ann Example"


@pytest.mark.parametrize(
    "answer", ["code=c&state=s", "error=access_denied&state=s", "code=&state="]
)
def test_unsolicited_oauth_answer_is_refused(
    settings: AppTest, spotify: SpotifyServer, answer: str, button: Any
) -> None:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    for pair in answer.split("&"):
        name, _, value = pair.partition("=")
        app.query_params[name] = value
    app.run()
    assert not app.exception
    # In a browser the address has been tidied up by now; here nobody does it.
    button(app, "Continue").click().run()
    assert dict(app.query_params) == {}
    assert heading(app) == "Connect Spotify, if you like"
    assert "already used" in app.info[0].value
    assert not [r for r in spotify.account_requests if r.name == "POST /api/token"]


def test_without_keys_an_answer_is_just_an_address(
    settings: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SPOTIPY_CLIENT_ID", raising=False)
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.query_params["code"], app.query_params["state"] = "c", "s"
    app.run()
    assert app.title[0].value.startswith("Music that meets your mood")


def test_a_name_cannot_set_anything(settings: AppTest, spotify: SpotifyServer) -> None:
    mine = connection(spotify)
    mine.kept["account"] = (
        type("Account", (), {"display_name": ":red[Ann] # $x$ [a](b)"})(),
        float("inf"),
    )
    settings.session_state[sign_in.CONNECTION_KEY] = mine
    settings.run()
    assert heading(settings).endswith(r"\:red\[Ann\] \# \$x\$ \[a\]\(b\)")


def test_the_address_to_register_is_the_one_that_is_open(monkeypatch: pytest.MonkeyPatch) -> None:
    for here, register in {
        None: REDIRECT,
        "http://localhost:8501": REDIRECT,
        "http://127.0.0.1:8600/settings": "http://127.0.0.1:8600/",
        "https://music.example/settings": "https://music.example/",
        "http://192.168.1.7:8501": REDIRECT,
    }.items():
        monkeypatch.setattr(type(sign_in.st.context), "url", here)
        assert sign_in.redirect_uri_to_register() == register


def search(moods: list[tuple[float, float]]) -> None:
    """A page that asks for fresh tracks."""
    import streamlit as st

    from recommender.types import Mood
    from ui.spotify import lookup
    from ui.state import visitor_state

    slots = [Mood(*mood) for mood in moods]
    st.session_state["found"] = lookup.extra_tracks(visitor_state(), slots)
    st.session_state["why"] = lookup.why_no_extras()


@pytest.fixture
def fresh(spotify: SpotifyServer) -> AppTest:
    """A page for searching, with nothing found today yet."""
    SEARCHED.clear()
    return AppTest.from_function(search, args=([(0.5, 0.5)],), default_timeout=60)


def test_fresh_tracks_are_found_for_connected_visitors(
    fresh: AppTest, spotify: SpotifyServer
) -> None:
    fresh.run()
    assert not fresh.exception
    assert fresh.session_state["found"] == []
    assert spotify.requests == []
    fresh.session_state[sign_in.CONNECTION_KEY] = connection(spotify)
    fresh.run()
    assert fresh.session_state["found"]
    assert fresh.session_state["why"] is None


def test_client_secret_finds_fresh_tracks_for_every_visitor(
    fresh: AppTest, spotify: SpotifyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPOTIPY_CLIENT_SECRET", CLIENT_SECRET)
    fresh.run()
    assert fresh.session_state["found"]


@pytest.mark.parametrize("fault", [dropped(), too_many(86400), html_page(502), slow(5)])
def test_where_the_search_fails_there_is_a_line_and_no_second_wait(
    fresh: AppTest, spotify: SpotifyServer, fault: Any
) -> None:
    spotify.always("GET /search", fault)
    fresh.session_state[sign_in.CONNECTION_KEY] = connection(spotify)
    fresh.run()
    assert not fresh.exception
    assert fresh.session_state["found"] == []
    assert "Spotify" in fresh.session_state["why"]
    asked = len(spotify.seen("GET /search"))
    fresh.run()
    assert len(spotify.seen("GET /search")) == asked


def test_a_playlist_without_keys_knows_nothing_of_spotify(
    settings: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SPOTIPY_CLIENT_ID", raising=False)
    settings.session_state["_navigate_to"] = "playlist"
    settings.session_state["visitor"] = VisitorState(manual_mood=Mood(0.0, 0.0))
    settings.run()
    assert not settings.exception
    assert not [b for b in settings.button if "Spotify" in b.label or "device" in b.label]


def test_set_is_saved_once_and_faults_are_reported(
    settings: AppTest, spotify: SpotifyServer, button: Any
) -> None:
    settings.session_state["_navigate_to"] = "playlist"
    settings.session_state["visitor"] = VisitorState(manual_mood=Mood(0.0, 0.0))
    settings.session_state[sign_in.CONNECTION_KEY] = connection(spotify)
    settings.run()
    spotify.fault("POST /me/playlists", too_many(3600))
    button(settings, "Save to Spotify").click().run()
    assert "save playlists again in about 60 minutes" in text(settings)
    assert spotify.playlists == {}
    SHARED.clear()
    for _ in range(2):
        button(settings, "Save to Spotify").click().run()
        assert "Saved as a private playlist" in text(settings)
    assert len(spotify.playlists) == 1


@pytest.mark.parametrize("down", [False, True])
def test_a_set_is_drawn_with_a_few_searches_and_also_without(
    settings: AppTest, spotify: SpotifyServer, down: bool
) -> None:
    SEARCHED.clear()
    if down:
        spotify.always("GET /search", too_many(86400))
    settings.session_state["_navigate_to"] = "playlist"
    settings.session_state["visitor"] = VisitorState(manual_mood=Mood(0.0, 0.0))
    settings.session_state[sign_in.CONNECTION_KEY] = connection(spotify, scopes="")
    settings.run()
    assert not settings.exception
    queries = [request.query["q"][0] for request in spotify.seen("GET /search")]
    assert 1 <= len(queries) <= 3
    (drawn,) = settings.session_state["visitor"].sets.values()
    assert len(drawn.picks) >= 10


def devices() -> None:
    """The part of a page that plays a set on the visitor's devices."""
    import streamlit as st

    from recommender.request import Request
    from recommender.types import Mood
    from ui import services
    from ui.spotify import panel
    from ui.state import visitor_state

    if "playlist" not in st.session_state:
        st.session_state["playlist"] = services.recommend(Request(Mood(0.5, 0.5), "match", n=3))
    panel.play_section(visitor_state(), st.session_state["playlist"])


def test_a_set_is_played_on_the_device_that_was_chosen_last(
    warm_server: None, spotify: SpotifyServer
) -> None:
    app = AppTest.from_function(devices, default_timeout=60)
    app.session_state[sign_in.CONNECTION_KEY] = connection(spotify)
    app.run()
    app.button("spotify-find").click().run()
    phone = app.radio("spotify-device").options.index("Phone")
    app.radio("spotify-device").set_value(["d1", "d2"][phone])
    # Both in one run: the press was quicker than the run that the choice caused.
    app.button("spotify-play").click().run()
    assert not app.exception
    ((_, device, _),) = spotify.played
    assert device == "d2"
    assert any("Playing on Phone" in said.value for said in app.markdown)
