"""Requests to Spotify for a visitor: their account, what they listen to, further tracks.

Answers are kept in the visitor's connection and dropped with it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st

from recommender.catalog.catalog import Catalog
from recommender.spotify import SHARED, Account, SignInNeeded, SpotifyClient, SpotifyError
from recommender.spotify.credentials import app_client
from recommender.spotify.profile import Profile, read_profile
from recommender.spotify.search import find_tracks
from recommender.taste.taste import Affinities
from recommender.types import Mood, Track
from ui import services
from ui.spotify import sign_in
from ui.state import VisitorState

PAUSED_SEARCH_KEY: Final = "spotify-paused-search"

RETRY_SECONDS: Final = 60.0
"""How long a failed request is not repeated."""


@dataclass(frozen=True, slots=True)
class _Pause:
    """A failed search, and when to search again, on `time.monotonic`."""

    until: float
    error: SpotifyError


def remember(*names: str) -> None:
    """Make some of the requests in `_ASKED`, all at once, and keep the answers.

    An answer is kept while the visitor is connected, an error for `RETRY_SECONDS`, so that pages do
    not wait for the same error again and again.
    """
    mine = sign_in.connection()
    if mine is None:
        return
    now = time.monotonic()
    due = [name for name in names if now >= mine.kept.get(name, (None, 0.0))[1]]
    if not due:
        return
    catalog = _catalog()
    with ThreadPoolExecutor(len(due), thread_name_prefix="spotify") as pool:
        futures = {name: pool.submit(_ASKED[name], mine.client, catalog) for name in due}
    for name, future in futures.items():
        try:
            mine.kept[name] = future.result(), float("inf")
        except SpotifyError as error:
            mine.kept[name] = error, now + RETRY_SECONDS
    ended = [e for e, _ in (mine.kept[name] for name in due) if isinstance(e, SignInNeeded)]
    if ended:
        sign_in.disconnect(ended[0].sentence)


_ASKED: Final[Mapping[str, Callable[[SpotifyClient, Catalog], Any]]] = {
    "account": lambda client, _: client.me(),
    "profile": lambda client, catalog: read_profile(client, catalog=catalog),
}


def account() -> Account | SpotifyError:
    """Return who is connected, or why Spotify does not say."""
    found: Account | SpotifyError = _remembered("account")
    return found


def profile() -> Profile | SpotifyError:
    """Return what the visitor listens to, or why it cannot be read."""
    found: Profile | SpotifyError = _remembered("profile")
    return found


def _remembered(name: str) -> Any:
    remember(name)
    mine = sign_in.connection()
    return mine.kept[name][0] if mine else SignInNeeded()


def affinities() -> Affinities | None:
    """Return what the visitor listens to, for `Taste(known=…)`; ``None`` if it is not known.

    The first call after a sign-in asks Spotify, for at most five seconds.
    """
    if not sign_in.may("taste"):
        return None
    known = profile()
    if isinstance(known, SpotifyError):
        mine = sign_in.connection()
        return mine.earlier_affinities if mine else None
    return known.affinities


def extra_tracks(visitor: VisitorState, slots: Sequence[Mood]) -> list[Track]:
    """Return further tracks from Spotify for `Recommender.recommend(extra=…)`, in two seconds.

    Searches as the visitor or, if there is a secret, as the app. A search contains only genres,
    decades and words that describe music. Without keys, or if Spotify fails or is backing off, the
    list is empty; `why_no_extras` says why a search failed.

    Args:
        visitor: whose filters apply.
        slots: the moods of the journey, from `recommender.plan`.
    """
    client = sign_in.client() or _app()
    if client is None or not slots:
        return []
    pause: _Pause | None = st.session_state.get(PAUSED_SEARCH_KEY)
    if pause is not None and time.monotonic() < pause.until:
        return []
    st.session_state.pop(PAUSED_SEARCH_KEY, None)
    try:
        return find_tracks(client, _catalog(), slots, filters=visitor.filters, seed=visitor.draw)
    except SpotifyError as error:
        if isinstance(error, SignInNeeded) and sign_in.client() is client:
            sign_in.disconnect(error.sentence)
        st.session_state[PAUSED_SEARCH_KEY] = _Pause(time.monotonic() + RETRY_SECONDS, error)
        return []


def why_no_extras() -> str | None:
    """Return a sentence about the last search on Spotify, if it failed."""
    pause: _Pause | None = st.session_state.get(PAUSED_SEARCH_KEY)
    return pause.error.sentence if pause else None


@st.cache_resource(show_spinner=False)
def _app() -> SpotifyClient | None:
    return app_client()


def _catalog() -> Catalog:
    recommender, _ = services.recommender()
    return recommender.catalog


def resting() -> list[str]:
    """Return a line for each kind of request that Spotify has paused, in the visitor's time."""
    return [
        f"{_RESTING.get(kind, 'This')} until {clock(until)}."
        for kind, until in sorted(SHARED.backing_off().items(), key=lambda item: item[1])
    ]


_RESTING: Final[Mapping[str, str]] = {
    "search": "Searches for new tracks are paused",
    "account": "Looking up your account is paused",
    "taste": "Reading your music is paused",
    "playlists": "Saving playlists is paused",
    "player": "Playing on your devices is paused",
}


def clock(moment: datetime) -> str:
    """Return a time of day as the visitor's clock shows it, with the day unless it is today."""
    try:
        zone = ZoneInfo(st.context.timezone or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        zone = ZoneInfo("UTC")
    there = moment.astimezone(zone)
    today = datetime.now(zone).date() == there.date()
    return f"{there:%H:%M}" if today else f"{there:%H:%M on} {there.day} {there:%B}"
