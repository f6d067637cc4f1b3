"""The only module that reaches into spotipy's private parts.

Written against spotipy 2.26 (``spotipy>=2.26,<3`` in ``pyproject.toml``): these parts may move in
any later version, and ``tests/recommender/spotify/test_compat.py`` fails when one of them is gone.
The sources are at https://github.com/spotipy-dev/spotipy/tree/2.26.0/spotipy, in

- ``client.py``: every method of `Spotify` ends in ``_internal_call``, which sleeps on a 429, logs
  the token and follows redirects; ``__del__`` closes the session it was handed
- ``oauth2.py``: the addresses of the accounts service are class attributes
- the modules' loggers, which write headers with the token
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

import requests
import spotipy
from spotipy.oauth2 import SpotifyAuthBase

from recommender.spotify.endpoints import endpoint_of
from recommender.spotify.errors import EndpointGone
from recommender.spotify.limits import Limits
from recommender.spotify.transport import Timeouts, refusal_of


class SpotipyCall(spotipy.Spotify):  # type: ignore[misc]  # spotipy carries no types
    """spotipy for one call, with its answers read here and two of its calls corrected.

    Args:
        token: the access token.
        api_url: address of the API, with ``/v1/`` at its end.
        session: what sends the request; it stays open.
        timeouts: of the socket.
        limits: where a 429 is recorded.
    """

    def __init__(
        self,
        token: str,
        *,
        api_url: str,
        session: requests.Session,
        timeouts: Timeouts,
        limits: Limits,
    ) -> None:
        super().__init__(
            auth=token,
            requests_session=session,
            requests_timeout=(timeouts.connect, timeouts.read),
        )
        self.prefix = api_url
        self._limits = limits

    def __del__(self) -> None:
        """Leave the session open: spotipy would close it, and it is the client's."""

    def me(self) -> Any:
        """GET /me. spotipy asks for ``me/``, which is not in Spotify's reference."""
        return self._get("me")

    def playlist_add_items(
        self, playlist_id: str, items: Collection[str], position: int | None = None
    ) -> Any:
        """POST the URIs in an object, as documented. spotipy posts a bare array."""
        payload: dict[str, Any] = {"uris": list(items)}
        if position is not None:
            payload["position"] = position
        return self._post(f"playlists/{playlist_id}/items", payload=payload)

    def _internal_call(self, method: str, url: str, payload: Any, params: Mapping[str, Any]) -> Any:
        endpoint = endpoint_of(method, url)
        if endpoint is None:
            raise EndpointGone
        response = self._session.request(
            method,
            self.prefix + url,
            headers=self._auth_headers() | {"Content-Type": "application/json"},
            data=json.dumps(payload) if payload else None,
            params=params,
            timeout=self.requests_timeout,
            allow_redirects=False,
        )
        if response.status_code == 429:
            raise self._limits.back_off(
                endpoint.kind,
                response.headers.get("Retry-After"),
                quota="QUOTA_EXCEEDED" in response.text[:4000],
            )
        if response.status_code >= 400:
            raise refusal_of(response.status_code, response.text, endpoint)
        try:
            return response.json() if response.content else None
        except ValueError:
            # The command was carried out: the player answers some with plain text.
            return None


def use_accounts_url(manager: SpotifyAuthBase, accounts_url: str) -> None:
    """Let one of spotipy's auth managers speak to another address of the accounts service.

    Args:
        manager: which one.
        accounts_url: with or without a slash at its end.
    """
    base = accounts_url.rstrip("/")
    manager.OAUTH_AUTHORIZE_URL = f"{base}/authorize"
    manager.OAUTH_TOKEN_URL = f"{base}/api/token"
