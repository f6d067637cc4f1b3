"""The private parts of spotipy that we reach into are still there, and do what we think."""

from __future__ import annotations

import inspect
import logging
from importlib.metadata import version

import pytest
import requests
import spotipy
from spotipy.oauth2 import SpotifyClientCredentials, SpotifyPKCE

from recommender.spotify._compat import SpotipyCall, use_accounts_url
from recommender.spotify.transport import SPOTIPY_LOGGERS


def test_installed_version_is_a_supported_one() -> None:
    major, minor = map(int, version("spotipy").split(".")[:2])
    assert (2, 26) <= (major, minor) < (3, 0)


@pytest.mark.parametrize("name", ["__del__", "_auth_headers", "playlist_add_items", "me"])
def test_what_is_overridden_or_called_is_there(name: str) -> None:
    assert callable(getattr(spotipy.Spotify, name))


@pytest.mark.parametrize("name", ["_get", "_post", "_put", "_delete"])
def test_every_method_ends_in_the_internal_call(name: str) -> None:
    assert "self._internal_call(" in inspect.getsource(getattr(spotipy.Spotify, name))


def test_the_internal_call_takes_what_we_take() -> None:
    ours = inspect.signature(SpotipyCall._internal_call).parameters
    assert list(ours) == list(inspect.signature(spotipy.Spotify._internal_call).parameters)


def test_a_client_keeps_what_it_was_handed() -> None:
    session = requests.Session()
    client = spotipy.Spotify(auth="token", requests_session=session, requests_timeout=(1, 2))
    assert client._session is session
    assert client.requests_timeout == (1, 2)
    assert client.prefix == "https://api.spotify.com/v1/"
    assert client._auth_headers() == {"Authorization": "Bearer token"}


@pytest.mark.parametrize(
    ("manager", "names"),
    [
        (SpotifyPKCE, ("OAUTH_AUTHORIZE_URL", "OAUTH_TOKEN_URL")),
        (SpotifyClientCredentials, ("OAUTH_TOKEN_URL",)),
    ],
)
def test_addresses_are_attributes_of_the_auth_managers(
    manager: type, names: tuple[str, ...]
) -> None:
    made = manager.__new__(manager)
    use_accounts_url(made, "http://127.0.0.1:9/")
    for name in names:
        assert getattr(manager, name).startswith("https://accounts.spotify.com/")
        assert getattr(made, name).startswith("http://127.0.0.1:9/")


def test_the_loggers_that_are_silenced_are_spotipys() -> None:
    for name in SPOTIPY_LOGGERS:
        assert name in logging.Logger.manager.loggerDict, name
