from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from recommender.spotify import Limits, SpotifyClient
from recommender.spotify.transport import Timeouts
from tests.recommender.spotify.server import SpotifyServer

QUICK = Timeouts(connect=0.5, read=0.4, total=0.6)
"""The waiting of a second, in tests of what happens when it is over."""


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "SPOTIPY_CLIENT_ID",
        "SPOTIPY_CLIENT_SECRET",
        "AFFECTUNE_SPOTIFY_API_URL",
        "AFFECTUNE_SPOTIFY_ACCOUNTS_URL",
        "AFFECTUNE_RECCOBEATS",
    ):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def spotify() -> Iterator[SpotifyServer]:
    with SpotifyServer() as server:
        yield server


@pytest.fixture
def make_client(spotify: SpotifyServer) -> Iterator[Callable[..., SpotifyClient]]:
    """Make a listener's client: make_client("ben", timeouts=QUICK)."""
    made: list[SpotifyClient] = []

    def make(user: str | None = "ann", **options: Any) -> SpotifyClient:
        token = options.pop("token", None) or spotify.token(user)
        values: dict[str, Any] = {"api_url": spotify.api_url, "limits": Limits()}
        made.append(SpotifyClient(lambda: token, **(values | options)))
        return made[-1]

    yield make
    for client in made:
        client.close()


@pytest.fixture
def client(make_client: Callable[..., SpotifyClient]) -> SpotifyClient:
    return make_client()
