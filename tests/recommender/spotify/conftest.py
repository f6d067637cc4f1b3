from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from recommender.spotify import Limits, SpotifyClient, auth, playlists, profile, search
from recommender.spotify.transport import Timeouts
from tests.recommender.spotify.server import SpotifyServer

QUICK = Timeouts(connect=0.5, read=0.4, total=0.6)
"""The waiting of a second, in tests of what happens when it is over."""

AMPLE_SECONDS = 60.0
"""What a busy machine needs at most, in tests of anything else: they end on an answer, and no
deadline of real seconds decides them."""

find_tracks = partial(search.find_tracks, seconds=AMPLE_SECONDS)
read_profile = partial(profile.read_profile, seconds=AMPLE_SECONDS)
save = partial(playlists.save, seconds=AMPLE_SECONDS)

AMPLE = Timeouts(connect=AMPLE_SECONDS, read=AMPLE_SECONDS, total=AMPLE_SECONDS)


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


@pytest.fixture(autouse=True)
def _ample_time_for_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auth, "TOKEN_SECONDS", AMPLE_SECONDS)


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
        values: dict[str, Any] = {
            "api_url": spotify.api_url,
            "limits": Limits(),
            "timeouts": AMPLE,
        }
        made.append(SpotifyClient(lambda: token, **(values | options)))
        return made[-1]

    yield make
    for client in made:
        client.close()


@pytest.fixture
def client(make_client: Callable[..., SpotifyClient]) -> SpotifyClient:
    return make_client()
