"""Spotify for one visitor: who is connected, the way there and back, and what it is used for.

Everything a visitor's connection consists of is in their session, under one key. What visitors
share is a list of sign-ins under way (`PendingAuthorizations`) and the knowledge which calls rest.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st

from recommender.catalog.catalog import Catalog
from recommender.spotify import (
    PLAY_SCOPES,
    SAVE_SCOPES,
    SHARED,
    TASTE_SCOPES,
    Account,
    SignInNeeded,
    SpotifyClient,
    SpotifyError,
)
from recommender.spotify.auth import (
    LOOPBACK,
    REDIRECT,
    Authorization,
    Keys,
    PendingAuthorization,
    PendingAuthorizations,
    SignInRefused,
    cookie_of,
    keys_from,
    origin_of,
)
from recommender.spotify.credentials import app_client
from recommender.spotify.playlists import Saves
from recommender.spotify.profile import Profile, read_profile
from recommender.spotify.search import find_tracks
from recommender.taste.taste import Affinities
from recommender.types import Mood, Track
from ui import services
from ui.state import VisitorState
from ui.widgets import spotify_door as door

MINE: Final = "spotify"
"""Where a visitor's connection is in their session."""
LEAVING: Final = "spotify-leaving"
ANSWER: Final = "spotify-answer"
NOTICE: Final = "spotify-notice"
SEARCH: Final = "spotify-search"

CARRIED: Final = ("visitor", "diary", MINE)
"""What a visitor takes along over the redirect, which starts a new session."""

PAUSE: Final = 60.0
"""Seconds before something is asked again that did not work."""

Found = TypeVar("Found")


@dataclass(slots=True)
class Connection:
    """One visitor's Spotify.

    Attributes:
        authorization: the token and what it is good for.
        client: what asks with it.
        kept: what was read or done with it, by name; goes when the connection goes.
        saves: what was saved, so that pressing twice saves once.
        before: what was known of their music before they allowed something more. It holds while
            it cannot be read again, so that a set does not change under their hands.
    """

    authorization: Authorization
    client: SpotifyClient
    kept: dict[str, Any] = field(default_factory=dict)
    saves: Saves = field(default_factory=Saves)
    before: Affinities | None = None


@dataclass(frozen=True, slots=True)
class Permission:
    """Something that a visitor may allow, in their words."""

    label: str
    text: str
    icon: str
    scopes: tuple[str, ...]


PERMISSIONS: Final[Mapping[str, Permission]] = {
    "taste": Permission(
        "Know your music",
        "Reads your top artists and tracks and what you played lately.",
        ":material/library_music:",
        TASTE_SCOPES,
    ),
    "save": Permission(
        "Save playlists",
        "Adds private playlists to your account, and looks whether one is there already.",
        ":material/playlist_add:",
        SAVE_SCOPES,
    ),
    "play": Permission(
        "Play on your devices",
        "Sees which of your devices are on, and starts music there.",
        ":material/speaker:",
        PLAY_SCOPES,
    ),
}


@dataclass(frozen=True, slots=True)
class _Pause:
    """A search that failed, and the second of `time.monotonic` until which none is tried."""

    until: float
    error: SpotifyError


@dataclass(slots=True)
class _Luggage:
    """What waits for a visitor while they are at Spotify."""

    page: str
    session: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Leaving:
    """A visitor's one sign-in under way, and how often they have asked for it."""

    pending: PendingAuthorization
    press: int


@dataclass(slots=True)
class _Answer:
    """What Spotify sent a visitor back with; the code is forgotten once it is redeemed."""

    state: str = field(repr=False)
    code: str = field(repr=False)
    error: str
    page: str | None = None


def keys() -> Keys | None:
    """Return what makes this installation an app of Spotify's; nothing where it is none."""
    return keys_from()


def elsewhere() -> str | None:
    """Return where the page has to be opened for a sign-in to find back, if it is not there."""
    found, here = keys(), st.context.url
    if found is None or not here or origin_of(here) == found.origin:
        return None
    return found.redirect_uri


def to_register() -> str:
    """Return the redirect address to register for the place where the page is open just now."""
    here = urlsplit(st.context.url or REDIRECT)
    host = here.netloc.replace("localhost", "127.0.0.1")
    if not host or (here.scheme != "https" and here.hostname not in (*LOOPBACK, "localhost")):
        return REDIRECT
    # Not the path: it names the page as well.
    base = str(st.get_option("server.baseUrlPath") or "").strip("/")
    return f"{here.scheme}://{host}/{base}/" if base else f"{here.scheme}://{host}/"


def connection() -> Connection | None:
    """Return this visitor's connection, if they have one that still holds."""
    mine: Connection | None = st.session_state.get(MINE)
    if mine is not None and not mine.authorization.signed_in:
        del st.session_state[MINE]
        return None
    return mine


def connected() -> SpotifyClient | None:
    """Return what asks Spotify for this visitor, if they are connected."""
    mine = connection()
    return mine.client if mine else None


def may(permission: str) -> bool:
    """Whether the visitor has allowed something of `PERMISSIONS`."""
    mine = connection()
    return mine is not None and mine.authorization.scopes.issuperset(PERMISSIONS[permission].scopes)


def connect(*permissions: str, page: str) -> None:
    """Send the visitor to Spotify, to allow something. For callbacks.

    Args:
        permissions: names of `PERMISSIONS`; what was allowed before stays allowed.
        page: where to bring them back to.
    """
    found, mine = keys(), connection()
    if found is None:
        return
    scopes = set(mine.authorization.scopes) if mine else set()
    for permission in permissions:
        scopes.update(PERMISSIONS[permission].scopes)
    session = {key: st.session_state[key] for key in CARRIED if key in st.session_state}
    earlier: _Leaving | None = st.session_state.get(LEAVING)
    pending = _departures().begin(
        found,
        sorted(scopes),
        carry=_Luggage(page, session),
        instead_of=earlier.pending if earlier else None,
    )
    st.session_state[LEAVING] = _Leaving(pending, earlier.press + 1 if earlier else 1)


def disconnect(notice: str = "Disconnected. The token and all that was read are deleted.") -> None:
    """Forget the token and everything that was read with it. For callbacks."""
    mine: Connection | None = st.session_state.pop(MINE, None)
    leaving: _Leaving | None = st.session_state.pop(LEAVING, None)
    if leaving is not None:
        _departures().forget(leaving.pending)
    if mine is not None:
        mine.authorization.forget()
        mine.client.close()
        mine.kept.clear()
    st.session_state[NOTICE] = notice


def take_notice() -> str | None:
    """Return what is to be said once, on whichever page comes next."""
    notice: str | None = st.session_state.pop(NOTICE, None)
    return notice


def connect_button(label: str, *permissions: str, page: str, primary: bool = False) -> None:
    """Draw the button that asks the visitor's permission at Spotify, or say why there is none."""
    found, right_place = keys(), elsewhere()
    if found is None:
        return
    if found.problem:
        st.markdown(f":material/info: {found.problem}")
    elif right_place:
        st.markdown(
            f":material/info: Spotify sends you back to another address than this one. Open "
            f"[{right_place}]({right_place}) and connect from there."
        )
    else:
        st.button(
            label,
            key=f"spotify-connect-{'-'.join(permissions)}",
            type="primary" if primary else "secondary",
            icon=":material/login:",
            width="content" if primary else "stretch",
            help=None if primary else "Leads to Spotify, which asks you first.",
            on_click=connect,
            args=permissions,
            kwargs={"page": page},
        )


def attempt(ask: Callable[[SpotifyClient], Found]) -> Found:
    """Ask something of Spotify for this visitor.

    Where Spotify has ended the sign-in, everything is forgotten and it is offered again.

    Raises:
        SpotifyError: it did not work; its sentence is for the visitor.
    """
    client = connected()
    if client is None:
        raise SignInNeeded
    try:
        return ask(client)
    except SignInNeeded as error:
        disconnect(error.sentence)
        raise


def remember(*names: str) -> None:
    """Ask for some of `_ASKED`, all at the same time, and keep the answers.

    An answer is kept as long as the visitor is connected, a refusal for `PAUSE` seconds, so that
    no page waits for the same one again and again.
    """
    mine = connection()
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
            mine.kept[name] = error, now + PAUSE
    ended = [e for e, _ in (mine.kept[name] for name in due) if isinstance(e, SignInNeeded)]
    if ended:
        disconnect(ended[0].sentence)


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
    mine = connection()
    return mine.kept[name][0] if mine else SignInNeeded()


def affinities() -> Affinities | None:
    """Return what the visitor listens to, for `Taste(known=…)`; nothing where it is not known.

    The first call after a sign-in asks Spotify, five seconds at most.
    """
    if not may("taste"):
        return None
    known = profile()
    if isinstance(known, SpotifyError):
        mine = connection()
        return mine.before if mine else None
    return known.affinities


def extra_tracks(visitor: VisitorState, slots: Sequence[Mood]) -> list[Track]:
    """Return fresh tracks from Spotify for `Recommender.recommend(extra=…)`, in two seconds.

    Searches as the visitor or, where there is a secret, as the app. Nothing but genres, decades
    and words of music goes out. Without keys, and while Spotify fails or rests, there are none,
    and `why_no_extras` says why.

    Args:
        visitor: whose filters to keep to.
        slots: the moods on the way, as `recommender.plan` makes them.
    """
    client = connected() or _app()
    if client is None or not slots:
        return []
    pause: _Pause | None = st.session_state.get(SEARCH)
    if pause is not None and time.monotonic() < pause.until:
        return []
    st.session_state.pop(SEARCH, None)
    try:
        return find_tracks(client, _catalog(), slots, filters=visitor.filters, seed=visitor.draw)
    except SpotifyError as error:
        if isinstance(error, SignInNeeded) and connected() is client:
            disconnect(error.sentence)
        st.session_state[SEARCH] = _Pause(time.monotonic() + PAUSE, error)
        return []


def why_no_extras() -> str | None:
    """Return in a line why Spotify found nothing just now, if it was asked and failed."""
    pause: _Pause | None = st.session_state.get(SEARCH)
    return pause.error.sentence if pause else None


@st.cache_resource(show_spinner=False)
def _app() -> SpotifyClient | None:
    return app_client()


def _catalog() -> Catalog:
    recommender, _ = services.recommender()
    return recommender.catalog


def resting() -> list[str]:
    """Return what Spotify asked to be left alone with, a line each, in the visitor's time."""
    return [
        f"{_RESTING.get(kind, 'This')} until {clock(until)}."
        for kind, until in sorted(SHARED.backing_off().items(), key=lambda item: item[1])
    ]


_RESTING: Final[Mapping[str, str]] = {
    "search": "Searches for fresh tracks rest",
    "account": "Looking up your account rests",
    "taste": "Reading your music rests",
    "playlists": "Saving playlists rests",
    "player": "Playing on your devices rests",
}


def clock(moment: datetime) -> str:
    """Return a time of day as the visitor's clock shows it, with the day unless it is today."""
    try:
        zone = ZoneInfo(st.context.timezone or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        zone = ZoneInfo("UTC")
    there = moment.astimezone(zone)
    today = datetime.now(zone).date() == there.date()
    return f"{there:%H:%M}" if today else f"{there:%H:%M on} {there.day} {there:%B}"


def handle_oauth_redirect() -> None:
    """Send off a visitor who wants to Spotify, and take in one who is back. For the router.

    While a sign-in is being finished, this ends the run: no page is drawn yet.
    """
    if keys() is None:
        return
    leaving: _Leaving | None = st.session_state.get(LEAVING)
    if leaving is not None:
        door.leave(leaving.pending, leaving.press)
    answer: _Answer | None = st.session_state.get(ANSWER)
    if answer is None:
        answer = _answer(st.query_params)
        if answer is None:
            return
        st.session_state[ANSWER] = answer
    # First of all, so that the code is out of the address before anything can fail.
    tidy = door.tidy_up(cookie_of(answer.state))
    if answer.page is None:
        with st.spinner("Connecting to Spotify…"):
            answer.page = _take_in(answer)
    if not tidy:
        # The browser answers in a moment, which causes the next run.
        st.button("Go on", key="spotify-go-on", on_click=_go_on)
        st.stop()
    _go_on()


def _go_on() -> None:
    answer: _Answer | None = st.session_state.pop(ANSWER, None)
    st.query_params.clear()
    if answer is not None and answer.page is not None:
        st.session_state["_navigate_to"] = answer.page


def _answer(params: Mapping[str, str]) -> _Answer | None:
    """Return Spotify's answer, where the address holds one."""
    if "state" not in params or not ("code" in params or "error" in params):
        return None
    return _Answer(params["state"], params.get("code", ""), params.get("error", ""))


def _take_in(answer: _Answer) -> str:
    """Finish a sign-in, or say why not, and return the page to go to."""
    page = "settings"
    try:
        back = _departures().claim(answer.state, st.context.cookies)
        luggage: _Luggage = back.carry
        page = luggage.page
        for key, value in luggage.session.items():
            st.session_state[key] = value
        if answer.error or not answer.code:
            raise SignInRefused(_WHY.get(answer.error, _NO_ANSWER))
        back.authorization.redeem(answer.code)
        _keep(back.authorization)
        if page != "settings":  # which says so anyway
            st.session_state[NOTICE] = "Connected to Spotify. Press once more, and it is done."
    except SpotifyError as error:
        st.session_state[NOTICE] = error.sentence
    answer.code = ""
    return page


def _keep(authorization: Authorization) -> None:
    """Put a token in the place of the one before it, if any."""
    earlier = connection()
    before: Affinities | None = None
    if earlier is not None:
        known, _ = earlier.kept.get("profile", (None, 0.0))
        before = known.affinities if isinstance(known, Profile) else earlier.before
        earlier.authorization.forget()
        earlier.client.close()
    client = SpotifyClient(authorization.get_access_token, renew=authorization.renew)
    st.session_state[MINE] = Connection(authorization, client, before=before)


_NO_ANSWER: Final = "Spotify did not finish the sign-in. Please try again."
_WHY: Final[Mapping[str, str]] = {
    "access_denied": "You did not allow it, so nothing was connected. Everything else works.",
}


@st.cache_resource(show_spinner=False)
def _departures() -> PendingAuthorizations:
    return PendingAuthorizations()
