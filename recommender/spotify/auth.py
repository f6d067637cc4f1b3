"""Signing in with Spotify: authorisation code with PKCE (RFC 7636), one browser at a time.

PKCE is used even if a client secret is configured: it needs none, so none is held, sent or leaked,
and a code that was seen on its way back is worth nothing without the verifier, which never leaves
this process.

Nothing here writes to a disk or opens a browser; spotipy would do both by default.
"""

from __future__ import annotations

import hmac
import os
import re
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

import requests
from spotipy.cache_handler import CacheHandler
from spotipy.exceptions import SpotifyOauthError
from spotipy.oauth2 import SpotifyPKCE

from recommender.spotify._compat import use_accounts_url
from recommender.spotify.errors import KeysRefused, SignInNeeded, SpotifyError, Unreachable
from recommender.spotify.transport import call_with_timeout, new_session, quiet_logs

REDIRECT: Final = "http://127.0.0.1:8501/"
ACCOUNTS: Final = "https://accounts.spotify.com/"
LOOPBACK: Final = ("127.0.0.1", "::1")
"""The hosts to which Spotify sends people back over plain http."""

AUTHORIZATION_SECONDS: Final = 600.0
"""Seconds in which a sign-in has to come back."""
MAX_PENDING: Final = 200
"""Sign-ins under way at a time; beyond that the oldest one is dropped."""
TIMEOUTS: Final = (2.0, 3.0)
"""Seconds to connect to Spotify's accounts service, and between two pieces of its answer."""
TOKEN_SECONDS: Final = 4.5
"""Seconds for the whole of its answer."""

UNKNOWN: Final = (
    "This sign-in was already used, or it took longer than ten minutes. Please start again."
)
ELSEWHERE: Final = "This sign-in was started in another browser. Please start again in this one."
USED: Final = (
    "Spotify no longer accepts this sign-in: it was already used, or it is too old. "
    "Please start again."
)


class SignInRefused(SpotifyError):
    """A sign-in failed.

    Args:
        said: why, in a sentence for the visitor.
    """

    def __init__(self, said: str) -> None:
        super().__init__(said)
        self.said = said


@dataclass(frozen=True, slots=True)
class Keys:
    """This installation's registration as an app of Spotify's.

    Attributes:
        client_id: the app's id on Spotify's dashboard. Not a secret.
        redirect_uri: where Spotify sends people back, exactly as registered there.
        accounts_url: where people sign in.
    """

    client_id: str
    redirect_uri: str = REDIRECT
    accounts_url: str = ACCOUNTS

    @property
    def problem(self) -> str | None:
        """Why Spotify is going to refuse the redirect address, in a sentence, or ``None``."""
        parts = urlsplit(self.redirect_uri)
        if parts.hostname == "localhost":
            return (
                "SPOTIPY_REDIRECT_URI names localhost, which Spotify refuses: write 127.0.0.1 "
                "instead, here and on Spotify’s dashboard."
            )
        if parts.scheme == "https" and parts.hostname:
            return None
        if parts.scheme == "http" and parts.hostname in LOOPBACK:
            return None
        return (
            "SPOTIPY_REDIRECT_URI has to begin with https, or with http://127.0.0.1 on this "
            "machine: Spotify redirects to no other address."
        )

    @property
    def origin(self) -> str:
        """Scheme, host and port of the redirect address: where the page has to be open."""
        return origin_of(self.redirect_uri)


def keys_from(settings: Mapping[str, str] = os.environ) -> Keys | None:
    """Return the keys in a mapping such as the environment, or ``None`` without an id."""
    client_id = settings.get("SPOTIPY_CLIENT_ID", "").strip()
    if not client_id:
        return None
    return Keys(
        client_id,
        settings.get("SPOTIPY_REDIRECT_URI", "").strip() or REDIRECT,
        settings.get("AFFECTUNE_SPOTIFY_ACCOUNTS_URL", "").strip() or ACCOUNTS,
    )


def origin_of(address: str) -> str:
    """Return scheme, host and port of an address."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"


class Authorization:
    """What one visitor allowed: a token in memory, renewed when it is due, until it is forgotten.

    Stands in for one of spotipy's auth managers. Safe to share between threads: Spotify replaces
    the refresh token with every renewal, so two threads must not renew it at the same time.

    Args:
        keys: the app.
        scopes: what to ask for.
    """

    def __init__(self, keys: Keys, scopes: Collection[str]) -> None:
        self._cache = _Memory(scopes)
        self._manager = _manager(keys, scopes, self._cache)
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"Authorization({'signed in' if self.signed_in else 'signed out'})"

    @property
    def signed_in(self) -> bool:
        """Whether there is a token; Spotify may have revoked it meanwhile."""
        return self._cache.token is not None

    @property
    def scopes(self) -> frozenset[str]:
        """What the visitor has allowed so far."""
        token = self._cache.token
        return frozenset(token["scope"].split()) if token else frozenset()

    def address(self, state: str) -> str:
        """Return where to send the visitor; `state` comes back with the answer."""
        return str(self._manager.get_authorize_url(state))

    def redeem(self, code: str) -> None:
        """Exchange the code that came back for a token.

        Raises:
            SpotifyError: Spotify refuses it, or does not answer.
        """
        with self._lock:
            try:
                # Without `check_cache=False` an earlier token would be returned for a new code.
                self._ask(lambda: self._manager.get_access_token(code, check_cache=False))
            except SpotifyError as error:
                self.forget()
                if isinstance(error, SignInNeeded):
                    raise SignInRefused(USED) from None
                raise

    def get_access_token(self, as_dict: bool = False, check_cache: bool = True) -> str:
        """Return a token that is valid for at least a minute; spotipy calls it by this name.

        Raises:
            SignInNeeded: there is none, or Spotify has revoked it, and it is forgotten.
            Unreachable: it is due for renewal, and Spotify does not answer.
        """
        with self._lock:
            token = self._cache.token
            if token is None:
                raise SignInNeeded
            if self._manager.is_token_expired(token):
                token = self._renew(token)
            return str(token["access_token"])

    def renew(self, refused: str | None = None) -> None:
        """Get another token although the present one should be valid.

        Args:
            refused: the token that Spotify refused. Where another thread has replaced it already,
                nothing is left to do.

        Raises:
            SpotifyError: as in `get_access_token`.
        """
        with self._lock:
            token = self._cache.token
            if token is None:
                raise SignInNeeded
            if refused is None or token["access_token"] == refused:
                self._renew(token)

    def forget(self) -> None:
        """Forget the token, for good: an answer that is still on its way is dropped as well."""
        self._cache.close()

    def _renew(self, token: Mapping[str, Any]) -> dict[str, Any]:
        try:
            self._ask(lambda: self._manager.refresh_access_token(token["refresh_token"]))
        except SignInNeeded:
            self.forget()
            raise
        renewed = self._cache.token
        if renewed is None:  # forgotten meanwhile
            raise SignInNeeded
        return renewed

    def _ask(self, question: Callable[[], Any]) -> None:
        """Call the accounts service, and raise what a failure means."""
        before = self._cache.token
        fault: SpotifyError | None = None
        try:
            call_with_timeout(question, TOKEN_SECONDS)
        except SpotifyError as error:
            fault = error
        except SpotifyOauthError as error:
            fault = _refusal(error.error)
        except requests.RequestException:
            fault = Unreachable()
        except (ValueError, TypeError, KeyError, AttributeError):
            # An answer that is no token: HTML, a list, a string.
            fault = Unreachable()
        if fault is None and self._cache.token is before:
            fault = Unreachable()
        if fault is not None:
            # Outside of `except`: the original error holds the request with its code or token.
            raise fault


def _refusal(error: object) -> SpotifyError:
    """Return what an answer of the accounts service means (RFC 6749, 5.2)."""
    if error == "invalid_grant":
        return SignInNeeded()
    if error in ("invalid_client", "unauthorized_client"):
        return KeysRefused()
    return Unreachable()


@dataclass(frozen=True, slots=True)
class PendingAuthorization:
    """A visitor about to leave for Spotify.

    Attributes:
        url: where to send them.
        cookie: the name of the cookie that binds the sign-in to their browser.
        proof: its value.
        state: what comes back with them.
    """

    url: str = field(repr=False)
    cookie: str
    proof: str = field(repr=False)
    state: str = field(repr=False)


@dataclass(slots=True)
class _Waiting:
    pending: PendingAuthorization
    authorization: Authorization
    asked: tuple[Keys, frozenset[str]]
    until: float
    carry: Any


@dataclass(frozen=True, slots=True)
class Return:
    """A visitor back from Spotify, with what they had before they left."""

    authorization: Authorization
    carry: Any


class PendingAuthorizations:
    """The sign-ins under way, of all visitors; each comes back once, soon, to the same browser.

    Spotify's answer arrives in a new session of Streamlit's, which knows nothing of the old one.
    What connects the two is `state` in the address and a cookie in the browser: the address alone,
    seen by or sent to another person, opens nothing.

    Args:
        clock: monotonic, in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._waiting: OrderedDict[str, _Waiting] = OrderedDict()
        self._lock = threading.Lock()
        self._sweeper: threading.Timer | None = None

    def __len__(self) -> int:
        with self._lock:
            self._drop_late()
            return len(self._waiting)

    def begin(
        self,
        keys: Keys,
        scopes: Collection[str],
        *,
        carry: Any = None,
        instead_of: PendingAuthorization | None = None,
    ) -> PendingAuthorization:
        """Prepare a sign-in.

        Args:
            keys: the app.
            scopes: all that the visitor will have allowed afterwards.
            carry: what to hand to the visitor when they are back. Kept in memory, ten minutes at
                most.
            instead_of: an earlier sign-in of the same visitor. If it asks for the same, it is kept
                and its time starts again: a button that is pressed twice leads to one sign-in, and
                pressing it often does not push out those of others.
        """
        asked = (keys, frozenset(scopes))
        with self._lock:
            self._drop_late()
            until = self._clock() + AUTHORIZATION_SECONDS
            earlier = self._waiting.pop(instead_of.state, None) if instead_of else None
            if earlier is not None and earlier.asked == asked:
                earlier.until, earlier.carry = until, carry
                self._waiting[earlier.pending.state] = earlier
                return earlier.pending
            while len(self._waiting) >= MAX_PENDING:
                self._waiting.popitem(last=False)
            state, proof = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
            authorization = Authorization(keys, scopes)
            pending = PendingAuthorization(
                authorization.address(state), cookie_of(state), proof, state
            )
            self._waiting[state] = _Waiting(pending, authorization, asked, until, carry)
            self._sweep_later()
        return pending

    def forget(self, pending: PendingAuthorization) -> None:
        """Drop a sign-in that is not wanted any more, with what is carried for it."""
        with self._lock:
            self._waiting.pop(pending.state, None)

    def claim(self, state: str, cookies: Mapping[str, str]) -> Return:
        """Return the sign-in that came back with a state. It cannot be claimed again.

        Args:
            state: from the address.
            cookies: of the browser that asks.

        Raises:
            SignInRefused: it is unknown, used, late, or was begun in another browser.
        """
        with self._lock:
            self._drop_late()
            waiting = self._waiting.get(state)
            if waiting is None:
                raise SignInRefused(UNKNOWN)
            shown = cookies.get(cookie_of(state), "")
            # Refused and not used up: a stranger who has the address must not spoil it either.
            if not hmac.compare_digest(shown.encode(), waiting.pending.proof.encode()):
                raise SignInRefused(ELSEWHERE)
            del self._waiting[state]
        return Return(waiting.authorization, waiting.carry)

    def _sweep_later(self) -> None:
        """Make sure that nothing that is carried outlives its time, even if no one returns."""
        if self._sweeper is None:
            self._sweeper = threading.Timer(AUTHORIZATION_SECONDS + 1.0, self._sweep)
            self._sweeper.daemon = True
            self._sweeper.start()

    def _sweep(self) -> None:
        with self._lock:
            self._sweeper = None
            self._drop_late()
            if self._waiting:
                self._sweep_later()

    def _drop_late(self) -> None:
        now = self._clock()
        for state in [state for state, it in self._waiting.items() if it.until <= now]:
            del self._waiting[state]


def cookie_of(state: str) -> str:
    """Return the name of the cookie that belongs to a state. Two tabs may be signing in at once."""
    # A state that comes back in an address may be anything; only what is fit for a name is used.
    return f"affectune-{re.sub('[^0-9A-Za-z_-]', '', state)[:10]}"


class _Memory(CacheHandler):  # type: ignore[misc]
    """Keeps one token, nowhere else but here."""

    def __init__(self, scopes: Collection[str]) -> None:
        self.token: dict[str, Any] | None = None
        self._asked = " ".join(scopes)
        self._closed = False

    def get_cached_token(self) -> dict[str, Any] | None:
        return self.token

    def save_token_to_cache(self, token_info: dict[str, Any]) -> None:
        if self._closed:
            return
        token_info["access_token"], token_info["expires_at"]  # KeyError: not a token
        before = self.token or {"scope": self._asked, "refresh_token": ""}
        # Both may be left out if they have not changed (RFC 6749, 5.1 and 6).
        kept = {key: token_info.get(key) or before[key] for key in ("scope", "refresh_token")}
        self.token = {**token_info, **kept}

    def close(self) -> None:
        self._closed = True
        self.token = None


def _manager(keys: Keys, scopes: Collection[str], cache: CacheHandler) -> SpotifyPKCE:
    quiet_logs()  # spotipy logs codes, verifiers and refresh tokens
    manager = SpotifyPKCE(
        client_id=keys.client_id,
        redirect_uri=keys.redirect_uri,
        scope=" ".join(sorted(scopes)) or None,
        requests_timeout=TIMEOUTS,
        # One attempt per call: spotipy's own session would retry, and sleep in between.
        requests_session=new_session(),
        open_browser=False,
        cache_handler=cache,
    )
    use_accounts_url(manager, keys.accounts_url)
    return manager
