"""Spotify sign-in for one visitor: who is connected, and the redirect to Spotify and back.

A visitor's whole connection is in their session, under one key. Visitors share only the list of
pending authorizations.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import streamlit as st

from recommender.spotify import (
    PLAY_SCOPES,
    SAVE_SCOPES,
    TASTE_SCOPES,
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
from recommender.spotify.playlists import Saves
from recommender.spotify.profile import Profile
from recommender.taste.taste import Affinities
from ui import settings
from ui.navigation import navigate_to
from ui.widgets import oauth_redirect

CONNECTION_KEY: Final = "spotify"
"""Where a visitor's connection is in their session."""
PENDING_KEY: Final = "spotify-pending-redirect"
CALLBACK_KEY: Final = "spotify-callback"
NOTICE_KEY: Final = "spotify-notice"

CARRIED_KEYS: Final = ("visitor", "diary", CONNECTION_KEY)
"""What to carry over the redirect, which starts a new session."""

Found = TypeVar("Found")


@dataclass(slots=True)
class Connection:
    """One visitor's Spotify.

    Attributes:
        authorization: the token and its scopes.
        client: uses the token.
        kept: what was read or done with it, by name; dropped with the connection.
        saves: what was saved, so that pressing twice saves once.
        earlier_affinities: what was known about their music before they allowed something more.
            Used while it cannot be read again, so that the set on the page does not change.
    """

    authorization: Authorization
    client: SpotifyClient
    kept: dict[str, Any] = field(default_factory=dict)
    saves: Saves = field(default_factory=Saves)
    earlier_affinities: Affinities | None = None


@dataclass(frozen=True, slots=True)
class Permission:
    """Something that a visitor may allow, in words for them."""

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
        "Adds private playlists to your account, and checks if one is already there.",
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


@dataclass(slots=True)
class _Carried:
    """What is kept for a visitor while they are at Spotify: their page and session state."""

    page: str
    session: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _PendingRedirect:
    """A visitor's pending authorization, and how many times they have asked for it."""

    authorization: PendingAuthorization
    press: int


@dataclass(frozen=True, slots=True)
class _Outcome:
    """The outcome of a sign-in: the page to go to, and what to put into the session."""

    page: str
    session: Mapping[str, Any]


@dataclass(slots=True)
class _Callback:
    """Spotify's response, with which a visitor comes back.

    Attributes:
        state: identifies the pending authorization.
        code: to redeem for a token; forgotten once it is redeemed.
        error: Spotify's reason for giving no code; empty otherwise.
        outcome: of the sign-in, once the code was redeemed or refused.
        done: whether the visitor was sent on to the page of the outcome.
    """

    state: str = field(repr=False)
    code: str = field(repr=False)
    error: str
    outcome: _Outcome | None = None
    done: bool = False


def keys() -> Keys | None:
    """Return the installation's client id and secret; ``None`` if they are not set."""
    return keys_from()


def required_address() -> str | None:
    """Return the address that can receive Spotify's redirect, if the page has another one."""
    found, here = keys(), st.context.url
    if found is None or not here or origin_of(here) == found.origin:
        return None
    return found.redirect_uri


def redirect_uri_to_register() -> str:
    """Return the redirect URI to register for the page's present address."""
    here = urlsplit(st.context.url or REDIRECT)
    host = here.netloc.replace("localhost", "127.0.0.1")
    if not host or (here.scheme != "https" and here.hostname not in (*LOOPBACK, "localhost")):
        return REDIRECT
    # Not the path of the address: it includes the page.
    return f"{here.scheme}://{host}{settings.base_path()}/"


def connection() -> Connection | None:
    """Return this visitor's connection, if it is still signed in."""
    mine: Connection | None = st.session_state.get(CONNECTION_KEY)
    if mine is not None and not mine.authorization.signed_in:
        del st.session_state[CONNECTION_KEY]
        return None
    return mine


def client() -> SpotifyClient | None:
    """Return the visitor's Spotify client, if they are connected."""
    mine = connection()
    return mine.client if mine else None


def may(permission: str) -> bool:
    """Return whether the visitor has granted one of `PERMISSIONS`."""
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
    session = {key: st.session_state[key] for key in CARRIED_KEYS if key in st.session_state}
    earlier: _PendingRedirect | None = st.session_state.get(PENDING_KEY)
    begun = _pending_authorizations().begin(
        found,
        sorted(scopes),
        carry=_Carried(page, session),
        instead_of=earlier.authorization if earlier else None,
    )
    st.session_state[PENDING_KEY] = _PendingRedirect(begun, earlier.press + 1 if earlier else 1)


def disconnect(
    notice: str = "Disconnected. The token and everything read from Spotify are deleted.",
) -> None:
    """Forget the token and everything that was read with it. For callbacks."""
    mine: Connection | None = st.session_state.pop(CONNECTION_KEY, None)
    pending: _PendingRedirect | None = st.session_state.pop(PENDING_KEY, None)
    if pending is not None:
        _pending_authorizations().forget(pending.authorization)
    if mine is not None:
        mine.authorization.forget()
        mine.client.close()
        mine.kept.clear()
    st.session_state[NOTICE_KEY] = notice


def attempt(ask: Callable[[SpotifyClient], Found]) -> Found:
    """Make a request to Spotify for this visitor.

    If Spotify has ended the sign-in, everything is forgotten and signing in is offered again.

    Raises:
        SpotifyError: it failed; its sentence is for the visitor.
    """
    asking = client()
    if asking is None:
        raise SignInNeeded
    try:
        return ask(asking)
    except SignInNeeded as error:
        disconnect(error.sentence)
        raise


def handle_oauth_redirect() -> None:
    """Redirect a visitor to Spotify, or finish the sign-in of one who comes back. For the router.

    While a sign-in is being finished, this ends the run before a page is drawn.
    """
    if keys() is None:
        return
    pending: _PendingRedirect | None = st.session_state.get(PENDING_KEY)
    if pending is not None:
        oauth_redirect.leave(pending.authorization, pending.press)
    answer: _Callback | None = st.session_state.get(CALLBACK_KEY)
    new = _callback_in(st.query_params)
    # A message sent before the address was cleaned up still has the old address.
    if new is not None and (answer is None or answer.state != new.state):
        answer = st.session_state[CALLBACK_KEY] = new
    if answer is None or answer.done:
        return
    # First of all, so that the code is out of the address before anything can fail.
    cleaned_up = oauth_redirect.clean_up(cookie_of(answer.state))
    if answer.outcome is None:
        with st.spinner("Connecting to Spotify…"):
            answer.outcome = _redeem(answer, st.context.cookies)
    if not cleaned_up:
        # The browser answers in a moment, which causes the next run.
        st.button("Continue", key="spotify-go-on", on_click=_leave_callback)
        st.stop()
    _leave_callback()


def _leave_callback() -> None:
    answer: _Callback | None = st.session_state.get(CALLBACK_KEY)
    if answer is None or answer.outcome is None or answer.done:
        return
    # A newer request may end the run at any access to the session, and the next run starts here
    # again. That does no harm: the values are the same.
    for key, value in answer.outcome.session.items():
        st.session_state[key] = value
    st.query_params.clear()
    navigate_to(answer.outcome.page)
    answer.done = True


def _callback_in(params: Mapping[str, str]) -> _Callback | None:
    """Return Spotify's response, if the query parameters hold one."""
    if "state" not in params or not ("code" in params or "error" in params):
        return None
    return _Callback(params["state"], params.get("code", ""), params.get("error", ""))


def _redeem(answer: _Callback, cookies: Mapping[str, str]) -> _Outcome:
    """Finish a sign-in, or say why it failed.

    This works only once: neither state nor code can be used twice. So it does not touch the
    session, any access to which may end the run and lose the result.
    """
    page, session = "settings", dict[str, Any]()
    try:
        back = _pending_authorizations().claim(answer.state, cookies)
        carried: _Carried = back.carry
        page = carried.page
        session.update(carried.session)
        if answer.error or not answer.code:
            raise SignInRefused(_WHY.get(answer.error, _NOT_FINISHED))
        back.authorization.redeem(answer.code)
        session[CONNECTION_KEY] = _connect_anew(back.authorization, session.get(CONNECTION_KEY))
        if page != "settings":  # the settings say so anyway
            session[NOTICE_KEY] = "Connected to Spotify. Press the button again to finish."
    except SpotifyError as error:
        session[NOTICE_KEY] = error.sentence
    answer.code = ""
    return _Outcome(page, session)


def _connect_anew(authorization: Authorization, earlier: Connection | None) -> Connection:
    """Return a connection with a new token, and end the earlier one."""
    before: Affinities | None = None
    if earlier is not None and earlier.authorization.signed_in:
        known, _ = earlier.kept.get("profile", (None, 0.0))
        before = known.affinities if isinstance(known, Profile) else earlier.earlier_affinities
        earlier.authorization.forget()
        earlier.client.close()
    asking = SpotifyClient(authorization.get_access_token, renew=authorization.renew)
    return Connection(authorization, asking, earlier_affinities=before)


_NOT_FINISHED: Final = "Spotify did not finish the sign-in. Please try again."
_WHY: Final[Mapping[str, str]] = {
    "access_denied": "You didn’t allow it, so nothing was connected. Everything else still works.",
}


@st.cache_resource(show_spinner=False)
def _pending_authorizations() -> PendingAuthorizations:
    return PendingAuthorizations()
