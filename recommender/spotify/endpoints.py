"""The one place that knows which of Spotify's endpoints this package may reach.

The client sends nothing that is not in this table. Each entry is in Spotify's description of what
an app in development mode may call (2026); the removed ones are listed so that a test can rule them
out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal
from urllib.parse import urlsplit

Kind = Literal["search", "account", "taste", "playlists", "player"]


@dataclass(frozen=True)
class Endpoint:
    """A call that Spotify offers.

    Attributes:
        method: HTTP method.
        path: path below ``/v1``, with ``{…}`` for an id.
        kind: calls of one kind back off together after a 429.
        scopes: what the listener must have granted; empty where nothing is needed.
    """

    method: str
    path: str
    kind: Kind
    scopes: tuple[str, ...] = ()

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Matches the paths of this endpoint."""
        return re.compile(re.sub(r"\{[a-z_]+\}", "[0-9A-Za-z]+", self.path))

    @property
    def has_id(self) -> bool:
        """Whether the path names one thing, which may be missing though the endpoint exists."""
        return "{" in self.path


_TOP: Final = ("user-top-read",)
_WRITE: Final = ("playlist-modify-private",)
_READ: Final = ("playlist-read-private",)

ENDPOINTS: Final[dict[str, Endpoint]] = {
    "search": Endpoint("GET", "/search", "search"),
    "me": Endpoint("GET", "/me", "account"),
    "top_artists": Endpoint("GET", "/me/top/artists", "taste", _TOP),
    "top_tracks": Endpoint("GET", "/me/top/tracks", "taste", _TOP),
    "recently_played": Endpoint(
        "GET", "/me/player/recently-played", "taste", ("user-read-recently-played",)
    ),
    "own_playlists": Endpoint("GET", "/me/playlists", "playlists", _READ),
    "create_playlist": Endpoint("POST", "/me/playlists", "playlists", _WRITE),
    "playlist_items": Endpoint("GET", "/playlists/{playlist_id}/items", "playlists", _READ),
    "add_items": Endpoint("POST", "/playlists/{playlist_id}/items", "playlists", _WRITE),
    "devices": Endpoint("GET", "/me/player/devices", "player", ("user-read-playback-state",)),
    "play": Endpoint("PUT", "/me/player/play", "player", ("user-modify-playback-state",)),
    "queue": Endpoint("POST", "/me/player/queue", "player", ("user-modify-playback-state",)),
}
"""Everything that the code can reach, by the name of the client's method."""

REMOVED: Final[tuple[str, ...]] = (
    "/recommendations",
    "/recommendations/available-genre-seeds",
    "/audio-features",
    "/audio-features/{id}",
    "/audio-analysis/{id}",
    "/artists/{id}/related-artists",
    "/artists/{id}/top-tracks",
    "/browse/new-releases",
    "/browse/featured-playlists",
    "/browse/categories",
    "/markets",
    "/tracks",
    "/artists",
    "/albums",
    "/users/{user_id}",
    "/users/{user_id}/playlists",
    "/playlists/{playlist_id}/tracks",
    "/playlists/{playlist_id}/followers",
)
"""Paths that Spotify took from new apps between November 2024 and February 2026."""


def _scopes(*names: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(scope for name in names for scope in ENDPOINTS[name].scopes))


TASTE_SCOPES: Final = _scopes("top_artists", "top_tracks", "recently_played")
"""What reading the listener's taste needs."""

SAVE_SCOPES: Final = _scopes("create_playlist", "own_playlists")
"""What saving needs: writing, and looking whether an unanswered request was carried out."""

PLAY_SCOPES: Final = _scopes("devices", "play")
"""What playing on a device needs."""


def endpoint_of(method: str, url: str) -> Endpoint | None:
    """Return the endpoint that a request goes to, or ``None`` where it is not in `ENDPOINTS`.

    Args:
        method: HTTP method.
        url: a path below ``/v1``, with or without the first slash, or a whole address.
    """
    path = urlsplit(url).path
    path = path.rsplit("/v1/", 1)[-1].strip("/")
    for endpoint in ENDPOINTS.values():
        if endpoint.method == method.upper() and endpoint.pattern.fullmatch(f"/{path}"):
            return endpoint
    return None
