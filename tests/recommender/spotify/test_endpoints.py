"""What the code can reach, read from its source: nothing that Spotify took away."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import recommender.spotify
from recommender.spotify import EndpointGone, SpotifyClient
from recommender.spotify._compat import SpotipyCall
from recommender.spotify.endpoints import (
    ENDPOINTS,
    PLAY_SCOPES,
    REMOVED,
    SAVE_SCOPES,
    TASTE_SCOPES,
    endpoint_of,
)
from recommender.spotify.transport import new_session
from tests.recommender.spotify.server import SpotifyServer, pattern
from tests.recommender.spotify.test_faults import CALLS

PACKAGE = Path(recommender.spotify.__file__).parent
ROOT = PACKAGE.parents[1]

RIGHT = {
    "search",
    "me",
    "current_user_top_artists",
    "current_user_top_tracks",
    "current_user_recently_played",
    "current_user_playlists",
    "current_user_playlist_create",
    "playlist_items",
    "playlist_add_items",
    "devices",
    "start_playback",
    "add_to_queue",
}
"""The methods of spotipy's client that are right today, two of them in our words."""


def sources() -> list[Path]:
    return sorted(PACKAGE.glob("*.py"))


def calls_of(names: set[str], path: Path) -> set[str]:
    """Return the methods that a file calls on variables of some names."""
    return {
        node.func.attr
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id in names
    }


def test_only_methods_that_are_right_are_called_on_spotipy() -> None:
    called = set().union(*(calls_of({"api"}, path) for path in sources()))
    assert called == RIGHT


def test_spotipy_is_spoken_to_in_one_place_only() -> None:
    """Elsewhere only its sign-in is used: nothing else could reach an endpoint."""
    for path in [*sources(), *ROOT.glob("pages/*.py"), *ROOT.glob("ui/**/*.py"), ROOT / "app.py"]:
        text = path.read_text(encoding="utf-8")
        if path.name not in ("client.py", "_compat.py"):
            assert not re.search(r"spotipy\.Spotify\b|import .*\bSpotify\b", text), path


@pytest.mark.parametrize("name", sorted(ENDPOINTS))
def test_no_removed_endpoint_is_in_the_table(name: str) -> None:
    assert ENDPOINTS[name].path not in REMOVED


def test_no_removed_endpoint_is_written_anywhere() -> None:
    """A path in a text, with or without an id in it."""
    for path in sources():
        # One lists what is removed; the other asks a service that has endpoints of like names.
        if path.name in ("endpoints.py", "reccobeats.py"):
            continue
        texts = {
            node.value
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        }
        for text in texts:
            # Without a slash it is the name of a field in an answer.
            if "/" in text:
                assert f"/{text.strip('/')}" not in REMOVED, text


def test_every_entry_of_the_table_is_reached_by_its_method(
    spotify: SpotifyServer, client: SpotifyClient
) -> None:
    spotify.playlists["abc"] = recorded = type(
        "Kept", (), {"owner": "ann", "items": [], "name": "", "description": "", "public": False}
    )()
    for name, call in CALLS.items():
        spotify.requests.clear()
        call(client)
        assert {
            f"{ENDPOINTS[name].method} {pattern(ENDPOINTS[name].path)}".replace(
                "{playlist_id}", "{id}"
            )
        } == {request.name for request in spotify.requests}
    assert recorded.items


@pytest.mark.parametrize("method", ["_get", "_post", "_put", "_delete"])
def test_removed_endpoints_are_never_requested(
    spotify: SpotifyServer, client: SpotifyClient, method: str
) -> None:
    """Should it be called all the same, it is stopped before it leaves."""
    call = SpotipyCall(
        "token",
        api_url=client.api_url,
        session=new_session(),
        timeouts=client.timeouts,
        limits=client.limits,
    )
    for path in REMOVED:
        with pytest.raises(EndpointGone):
            getattr(call, method)(re.sub(r"\{[a-z_]+\}", "abc", path).strip("/"))
    assert spotify.requests == []


@pytest.mark.parametrize(
    ("method", "url", "name"),
    [
        ("GET", "me", "me"),
        ("GET", "/me/", "me"),
        ("get", "https://api.spotify.com/v1/search?q=x", "search"),
        ("POST", "playlists/abc/items", "add_items"),
        ("PUT", "me/player/play?device_id=d", "play"),
        ("DELETE", "me", None),
        ("GET", "playlists/a/b/items", None),
        ("GET", "playlists/abc/tracks", None),
        ("GET", "recommendations", None),
        ("GET", "search/../me", None),
    ],
)
def test_which_endpoint_a_request_goes_to(method: str, url: str, name: str | None) -> None:
    assert endpoint_of(method, url) is (ENDPOINTS[name] if name else None)


def test_scopes_are_as_few_as_the_calls_need() -> None:
    assert TASTE_SCOPES == ("user-top-read", "user-read-recently-played")
    assert SAVE_SCOPES == ("playlist-modify-private", "playlist-read-private")
    assert PLAY_SCOPES == ("user-read-playback-state", "user-modify-playback-state")
    every = {scope for endpoint in ENDPOINTS.values() for scope in endpoint.scopes}
    assert every == {*TASTE_SCOPES, *SAVE_SCOPES, *PLAY_SCOPES}
