"""Spotify's Web API for one visitor, or for the app: typed, with deadlines and clear faults.

spotipy makes the calls. Around it: nothing waits for a ``Retry-After``, nothing is sent that is not
in `ENDPOINTS`, no call exceeds its deadline, and every fault has a type and a sentence.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import requests
import spotipy

from recommender.spotify import limits as shared_limits
from recommender.spotify._compat import SpotipyCall
from recommender.spotify.endpoints import ENDPOINTS
from recommender.spotify.errors import SignInNeeded, SpotifyError, Unreachable
from recommender.spotify.limits import Limits
from recommender.spotify.transport import (
    Deadline,
    Timeouts,
    call_with_timeout,
    fault_of,
    new_session,
    quiet_logs,
    refusal_of,
)
from recommender.spotify.types import (
    TIME_RANGES,
    Account,
    Device,
    OwnPlaylist,
    SpotifyArtist,
    SpotifyTrack,
    TimeRange,
    is_id,
)

API_URL: Final = "https://api.spotify.com/v1/"
"""Where Spotify answers."""

ENVIRONMENT: Final = "AFFECTUNE_SPOTIFY_API_URL"
"""The environment variable that names another address for the API: a host, or a host and a path
that stands for ``/v1/``."""

MAX_SEARCH_RESULTS: Final = 10
"""The most results of a search for an app in development mode."""

MAX_ITEMS_PER_REQUEST: Final = 100
"""The most tracks that are added to a playlist at once."""

Found = TypeVar("Found")


def api_url() -> str:
    """Return the address of the API with ``/v1/`` at its end: the environment's, or Spotify's."""
    return _with_version(os.environ.get(ENVIRONMENT) or API_URL)


class SpotifyClient:
    """Spotify's Web API as one visitor, or the app, may use it.

    Keep a visitor's client in that visitor's session and never in a cache that serves others.
    Safe to use from several threads.

    Args:
        token_source: returns a valid access token; called before each call, and once for all
            calls under one deadline. It may raise a `SpotifyError`, and may be called from another
            thread than the page's: it must not look into a visitor's session.
        api_url: address of the API, by default `api_url()`.
        session: what sends the requests, `transport.new_session()` by default.
        limits: which kinds of calls back off, by default those of the process.
        timeouts: how long to wait.
        renew: called with a token that Spotify refused as expired; the call is then tried once more
            with what `token_source` returns. By default it is not retried.

    Every method raises a `SpotifyError`; its ``sentence`` is for the visitor. Those that all have
    in common: `SignInNeeded`, `ScopeMissing`, `NotAllowed`, `OwnerNeedsPremium`,
    `TooManyRequests` (also without asking Spotify, while that kind of call backs off),
    `Unreachable`, `EndpointGone`, `Refused`.
    """

    def __init__(
        self,
        token_source: Callable[[], str],
        *,
        api_url: str | None = None,
        session: requests.Session | None = None,
        limits: Limits | None = None,
        timeouts: Timeouts | None = None,
        renew: Callable[[str], object] | None = None,
    ) -> None:
        quiet_logs()
        self._token_source = token_source
        self.api_url = _with_version(api_url or os.environ.get(ENVIRONMENT) or API_URL)
        self.limits = shared_limits.SHARED if limits is None else limits
        self.timeouts = timeouts or Timeouts()
        self._session = session or new_session()
        self._renew = renew
        self._deadline: Deadline | None = None

    def close(self) -> None:
        """Close its connections. A later call opens new ones."""
        self._session.close()

    def __repr__(self) -> str:
        return f"SpotifyClient(api_url={self.api_url!r})"

    def with_deadline(self, seconds: float) -> SpotifyClient:
        """Return a client whose calls, all of them together, have one deadline.

        The token is fetched now, and the calls may run at the same time.

        Args:
            seconds: from now, for all of them.
        """
        deadline = Deadline(seconds)
        tokens = [self._token()]

        def renew(refused: str) -> None:
            assert self._renew is not None
            self._renew(refused)
            tokens[0] = self._token()

        client = SpotifyClient(
            lambda: tokens[0],
            api_url=self.api_url,
            session=self._session,
            limits=self.limits,
            timeouts=self.timeouts,
            renew=renew if self._renew else None,
        )
        client._deadline = deadline
        return client

    def seconds_left(self) -> float:
        """Return the seconds that are left to the calls under a deadline, or to a single call."""
        return self.timeouts.total if self._deadline is None else self._deadline.left()

    def owner(self) -> str:
        """Return an id of whom the client speaks for: a hash of the token."""
        return hashlib.sha256(self._token().encode()).hexdigest()

    # What the app finds

    def search(
        self, query: str, limit: int = MAX_SEARCH_RESULTS, market: str | None = None
    ) -> list[SpotifyTrack]:
        """Return the tracks that a search finds, in Spotify's order.

        Args:
            query: words and the filters ``genre: year: artist: track: isrc:``.
            limit: 1-10, the most that an app in development mode may ask for.
            market: ISO 3166-1 code of a country, the listener's own by default.

        Raises:
            ValueError: the query is empty or the limit out of range.
        """
        if not query.strip():
            raise ValueError(f"Incorrect value for 'query' argument: {query!r}: some words")
        if not 1 <= limit <= MAX_SEARCH_RESULTS:
            raise ValueError(
                f"Incorrect value for 'limit' argument: {limit!r}: 1 to {MAX_SEARCH_RESULTS}"
            )
        answer = self._call(
            "search", lambda api: api.search(q=query, limit=limit, type="track", market=market)
        )
        page = answer.get("tracks")
        return _read(page, "items", SpotifyTrack.read)

    # Who listens, and what they like

    def me(self) -> Account:
        """Return who is signed in."""
        account = Account.read(self._call("me", lambda api: api.me()))
        if account is None:
            raise Unreachable
        return account

    def top_artists(self, time_range: TimeRange = "medium_term") -> list[SpotifyArtist]:
        """Return the listener's 50 most heard artists of a time range, most heard first.

        Raises:
            ValueError: the range is none of `TIME_RANGES`.
        """
        chosen = _time_range(time_range)
        answer = self._call(
            "top_artists",
            lambda api: api.current_user_top_artists(limit=50, time_range=chosen),
        )
        return _read(answer, "items", SpotifyArtist.read)

    def top_tracks(self, time_range: TimeRange = "medium_term") -> list[SpotifyTrack]:
        """Return the listener's 50 most heard tracks of a time range, most heard first.

        Raises:
            ValueError: the range is none of `TIME_RANGES`.
        """
        chosen = _time_range(time_range)
        answer = self._call(
            "top_tracks",
            lambda api: api.current_user_top_tracks(limit=50, time_range=chosen),
        )
        return _read(answer, "items", SpotifyTrack.read)

    def recently_played(self) -> list[SpotifyTrack]:
        """Return the last 50 tracks that the listener played, the latest first, repeats kept."""
        answer = self._call(
            "recently_played", lambda api: api.current_user_recently_played(limit=50)
        )
        return _read(answer, "items", lambda entry: SpotifyTrack.read(_get(entry, "track")))

    # Playlists

    def own_playlists(self) -> list[OwnPlaylist]:
        """Return the 50 playlists at the top of the listener's library, the newest first."""
        answer = self._call("own_playlists", lambda api: api.current_user_playlists(limit=50))
        return _read(answer, "items", OwnPlaylist.read)

    def create_playlist(self, name: str, description: str, public: bool = False) -> OwnPlaylist:
        """Make an empty playlist and return it. Never repeated by itself: see `playlists.save`.

        A public one needs the scope ``playlist-modify-public``, which nothing here asks for.
        """
        made = OwnPlaylist.read(
            self._call(
                "create_playlist",
                lambda api: api.current_user_playlist_create(
                    name, public=public, description=description
                ),
            )
        )
        if made is None:
            # It was carried out, but under which id is not known.
            raise Unreachable
        return made

    def add_items(self, playlist_id: str, uris: Sequence[str]) -> None:
        """Add tracks at the end of a playlist. Never repeated by itself.

        Args:
            playlist_id: Spotify's id.
            uris: 1 to 100 of ``spotify:track:…``.

        Raises:
            ValueError: the id or a URI is invalid, or there are too many.
        """
        checked, tracks = _playlist_id(playlist_id), _uris(uris, most=MAX_ITEMS_PER_REQUEST)
        self._call("add_items", lambda api: api.playlist_add_items(checked, tracks))

    def playlist_items(self, playlist_id: str) -> list[str]:
        """Return the URIs of the tracks in one of the listener's own playlists, in order.

        Raises:
            ValueError: the id is invalid.
        """
        checked = _playlist_id(playlist_id)
        uris: list[str] = []
        # A playlist of ours has 200 tracks at most; what a listener added later is not needed.
        for offset in range(0, 250, 50):
            page = self._call("playlist_items", partial(_items_page, checked, offset))
            uris += _read(page, "items", _uri_of_entry)
            if not page.get("next"):
                break
        return uris

    # Players

    def devices(self) -> list[Device]:
        """Return the devices that can play now and take commands, the active one first."""
        answer = self._call("devices", lambda api: api.devices())
        devices = _read(answer, "devices", Device.read)
        return sorted(
            (device for device in devices if not device.restricted),
            key=lambda device: (not device.active, device.name.casefold()),
        )

    def play(self, device_id: str | None, uris: Sequence[str]) -> None:
        """Play tracks on a device, or on the active one where `device_id` is ``None``.

        Raises:
            ValueError: the device's id or a URI is invalid.
            PremiumNeeded: the listener has no Premium.
            NoActiveDevice: nothing is there to play on.
        """
        device, tracks = _device_id(device_id), _uris(uris, most=2 * MAX_ITEMS_PER_REQUEST)
        self._call("play", lambda api: api.start_playback(device_id=device, uris=tracks))

    def queue(self, uri: str) -> None:
        """Add a track to what the active device plays next.

        Raises:
            ValueError: the URI is invalid.
            PremiumNeeded, NoActiveDevice: as in `play`.
        """
        (track,) = _uris([uri], most=1)
        self._call("queue", lambda api: api.add_to_queue(track))

    # Underneath

    def _token(self) -> str:
        token = self._token_source()
        if not token:
            raise SignInNeeded
        return token

    def _call(self, name: str, ask: Callable[[Any], Any]) -> Mapping[str, Any]:
        """Make one call and return its answer, empty where Spotify answered nothing."""
        self.limits.check(ENDPOINTS[name].kind)
        # The token may itself be fetched: that time counts.
        deadline = Deadline(min(self.timeouts.total, self.seconds_left()))
        token = self._token()
        try:
            answer = self._ask(name, ask, token, deadline)
        except SignInNeeded:
            if self._renew is None:
                raise
            # A 401 was not carried out, so it may be repeated.
            renew = partial(self._renew, token)
            call_with_timeout(renew, deadline.left())
            answer = self._ask(name, ask, self._token(), deadline)
        if answer is None:
            return {}
        if not isinstance(answer, Mapping):
            raise Unreachable
        return answer

    def _ask(self, name: str, ask: Callable[[Any], Any], token: str, deadline: Deadline) -> object:
        api = SpotipyCall(
            token,
            api_url=self.api_url,
            session=self._session,
            timeouts=self.timeouts,
            limits=self.limits,
        )
        fault: SpotifyError
        try:
            return call_with_timeout(lambda: ask(api), deadline.left())
        except SpotifyError as error:
            fault = error
        except requests.RequestException as error:
            fault = fault_of(error)
        except spotipy.SpotifyException as error:
            # Only spotipy's own checks of an id end here; answers are read by `SpotipyCall`.
            fault = refusal_of(int(error.http_status or 400), "", ENDPOINTS[name])
        except (AttributeError, TypeError, KeyError, ValueError):
            # What spotipy trips over where an answer is not what it expects.
            fault = Unreachable()
        # Outside of `except`, and without the traceback: both hold the request with its token.
        raise fault.with_traceback(None)


def _with_version(address: str) -> str:
    """Return an address with one slash at its end; one that names only a host gets ``/v1/``."""
    address = address.strip().rstrip("/")
    return f"{address}/" if urlsplit(address).path else f"{address}/v1/"


def _read(page: object, name: str, read: Callable[[object], Found | None]) -> list[Found]:
    """Return what can be read of a list in an answer; gaps are left out.

    Raises:
        Unreachable: there is no such list.
    """
    items = _get(page, name)
    if not isinstance(items, list):
        raise Unreachable
    return [found for found in map(read, items) if found is not None]


def _items_page(playlist_id: str, offset: int, api: Any) -> Any:
    return api.playlist_items(playlist_id, limit=50, offset=offset, additional_types=("track",))


def _get(value: object, name: str) -> object:
    return value.get(name) if isinstance(value, Mapping) else None


def _uri_of_entry(entry: object) -> str | None:
    # The key was `track` before February 2026.
    item = _get(entry, "item") or _get(entry, "track")
    uri = _get(item, "uri")
    return uri if isinstance(uri, str) else None


def _time_range(value: str) -> str:
    if value not in TIME_RANGES:
        raise ValueError(
            f"Incorrect value for 'time_range' argument: {value!r}: one of {', '.join(TIME_RANGES)}"
        )
    return value


def _playlist_id(value: str) -> str:
    if not is_id(value):
        raise ValueError(f"Incorrect value for 'playlist_id' argument: {value!r}: Spotify's id")
    return value


def _device_id(value: str | None) -> str | None:
    if value is not None and not is_id(value):
        raise ValueError(f"Incorrect value for 'device_id' argument: {value!r}: Spotify's id")
    return value


def _uris(values: Sequence[str], *, most: int) -> list[str]:
    if not 1 <= len(values) <= most:
        raise ValueError(f"Incorrect value for 'uris' argument: {len(values)} of them: 1 to {most}")
    for value in values:
        if not (value.startswith("spotify:track:") and is_id(value.removeprefix("spotify:track:"))):
            raise ValueError(f"Incorrect value for 'uris' argument: {value!r}: spotify:track:…")
    return list(values)
