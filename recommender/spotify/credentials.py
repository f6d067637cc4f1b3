"""The app's own token, with which it may search while no one is signed in."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import requests
from spotipy.cache_handler import MemoryCacheHandler
from spotipy.oauth2 import SpotifyClientCredentials, SpotifyOauthError

from recommender.spotify._compat import use_accounts_url
from recommender.spotify.client import SpotifyClient
from recommender.spotify.errors import KeysRefused, SpotifyError, Unreachable
from recommender.spotify.transport import call_with_timeout, fault_of, new_session, quiet_logs

ACCOUNTS_URL: Final = "https://accounts.spotify.com/"
"""Where Spotify hands out tokens."""

APP_TOKEN_SECONDS: Final = 1.5
"""Seconds for a token: a search that waits for it has two."""

BACK_OFF_SECONDS: Final = 30.0
"""Seconds for which the accounts service is left alone after it gave no token."""


class AppToken:
    """The app's token in memory, renewed when it is due. Call it to get one.

    Safe to share between threads and visitors: it opens no account.

    Args:
        client_id, client_secret: of the app.
        accounts_url: another address of the accounts service.
        seconds: how long to wait for an answer.
        pause: seconds to back off after a fault; until then the fault is raised again.
    """

    def __init__(
        self,
        client_id: str,
        client_secret: str,
        *,
        accounts_url: str | None = None,
        seconds: float = APP_TOKEN_SECONDS,
        pause: float = BACK_OFF_SECONDS,
    ) -> None:
        quiet_logs()
        self._seconds = seconds
        self._pause = pause
        self._fault: SpotifyError | None = None
        self._rests_until = 0.0
        self._lock = threading.Lock()
        self._manager = SpotifyClientCredentials(
            client_id,
            client_secret,
            requests_session=new_session(),
            requests_timeout=(seconds, seconds),
            cache_handler=MemoryCacheHandler(),
        )
        use_accounts_url(self._manager, accounts_url or ACCOUNTS_URL)

    def __repr__(self) -> str:
        return "AppToken()"

    def __call__(self) -> str:
        """Return a token that is valid for at least a minute.

        Raises:
            KeysRefused: Spotify does not know the keys.
            Unreachable: it does not answer.
        """
        with self._lock:
            return self._fetch(check_cache=True)

    def renew(self, refused: str) -> None:
        """Fetch another token in place of one that Spotify refused."""
        with self._lock:
            if self._fetch(check_cache=True) == refused:
                self._fetch(check_cache=False)

    def _fetch(self, *, check_cache: bool) -> str:
        if self._fault is not None and time.monotonic() < self._rests_until:
            raise self._fault.with_traceback(None)
        fault: SpotifyError
        try:
            token: Any = call_with_timeout(
                lambda: self._manager.get_access_token(as_dict=False, check_cache=check_cache),
                self._seconds,
            )
            if isinstance(token, str) and token:
                return token
            fault = Unreachable()
        except SpotifyError as error:
            fault = error
        except requests.RequestException as error:
            fault = fault_of(error)
        except SpotifyOauthError as error:
            known = error.error in ("invalid_client", "unauthorized_client")
            fault = KeysRefused() if known else Unreachable()
        except (AttributeError, TypeError, KeyError, ValueError):
            fault = Unreachable()
        self._fault, self._rests_until = fault, time.monotonic() + self._pause
        # Outside of `except`, and without the traceback: both hold the request with its secret.
        raise fault.with_traceback(None)


def app_client(
    settings: Mapping[str, str] = os.environ,
    *,
    wrap: Callable[..., SpotifyClient] = SpotifyClient,
) -> SpotifyClient | None:
    """Return a client that can search for the app itself, or ``None`` without both keys.

    Make one for the process and share it.

    Args:
        settings: where ``SPOTIPY_CLIENT_ID``, ``SPOTIPY_CLIENT_SECRET``,
            ``AFFECTUNE_SPOTIFY_API_URL`` and ``AFFECTUNE_SPOTIFY_ACCOUNTS_URL`` are looked up.
        wrap: what makes the client.
    """
    client_id = settings.get("SPOTIPY_CLIENT_ID", "").strip()
    client_secret = settings.get("SPOTIPY_CLIENT_SECRET", "").strip()
    if not client_id or not client_secret:
        return None
    token = AppToken(
        client_id,
        client_secret,
        accounts_url=settings.get("AFFECTUNE_SPOTIFY_ACCOUNTS_URL"),
    )
    return wrap(token, api_url=settings.get("AFFECTUNE_SPOTIFY_API_URL"), renew=token.renew)
