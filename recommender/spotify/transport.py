"""HTTP for Spotify: deadlines, few retries, and logs without secrets."""

from __future__ import annotations

import contextlib
import logging
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from typing import Any, Final, TypeVar

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError
from urllib3.util import Retry

from recommender.deadline import DeadlineExceeded, call_with_deadline
from recommender.spotify.endpoints import Endpoint
from recommender.spotify.errors import (
    EndpointGone,
    NoActiveDevice,
    NotAllowed,
    OwnerNeedsPremium,
    PremiumNeeded,
    Refused,
    ScopeMissing,
    SignInNeeded,
    SpotifyError,
    Unreachable,
)

Answer = TypeVar("Answer")

_SECRET: Final = re.compile(
    r"(?i)\b(bearer|basic)\s+[^\s'\",}]+"
    r"|\b(code|code_verifier|access_token|refresh_token|client_secret|state)(=|'?\"?: ?'?\"?)"
    r"[^\s&'\",}]+"
)


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long to wait, in seconds.

    Attributes:
        connect: for a connection.
        read: for the next piece of an answer.
        total: for a call as a whole, retries and renewals included.
    """

    connect: float = 2.0
    read: float = 3.5
    total: float = 4.5


def new_session() -> requests.Session:
    """Return a session that keeps no cookies and repeats only what may be repeated.

    A GET is tried again, twice at most, after a dropped connection or a 502, 503 or 504; nothing
    else is: a POST may have been carried out. It never sleeps for a ``Retry-After``.
    """
    session = requests.Session()
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    retry = Retry(
        total=2,
        backoff_factor=0.1,
        status_forcelist=(502, 503, 504),
        allowed_methods={"GET"},
        respect_retry_after_header=False,
        # Else the last answer is lost.
        raise_on_status=False,
    )
    adapter = HTTPAdapter(max_retries=retry)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


def call_with_timeout(function: Callable[[], Answer], seconds: float) -> Answer:
    """Return what a function returns, or give up after some seconds.

    Raises:
        Unreachable: the time is up. The request may have been sent and carried out.
    """
    if seconds <= 0:
        raise Unreachable(sent=False)
    try:
        return call_with_deadline(function, seconds, name="spotify")
    except DeadlineExceeded:
        raise Unreachable(pending=True) from None


class Deadline:
    """A time by which several calls must have finished."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        """Return the seconds that are left, 0 or more."""
        return max(0.0, self._end - time.monotonic())


def fault_of(error: requests.RequestException) -> Unreachable:
    """Return the error for a request that brought no answer."""
    never_sent = isinstance(error, requests.ConnectTimeout) or _has(
        error, (NewConnectionError, ConnectTimeoutError)
    )
    late = isinstance(error, requests.Timeout) or "timed out" in str(error).lower()
    return Unreachable(sent=not never_sent, pending=late and not never_sent)


def refusal_of(status: int, body: str, endpoint: Endpoint | None) -> SpotifyError:
    """Return the error for an answer of 400 or more, other than 429.

    Args:
        status: HTTP status.
        body: JSON, plain text or HTML; only words in it are looked for.
        endpoint: what was called, where it is known.
    """
    text = body[:4000].lower()
    if status >= 500:
        return Unreachable()
    if "scope" in text or "permissions missing" in text:
        return ScopeMissing()
    if status == 401:
        return SignInNeeded()
    if "no_active_device" in text or "no active device" in text:
        return NoActiveDevice()
    if status == 403:
        return _forbidden(text)
    is_player = endpoint is not None and endpoint.kind == "player"
    if status == 404 and is_player and "device not found" in text:
        return NoActiveDevice()
    if status == 410 or (status == 404 and not (endpoint is not None and endpoint.has_id)):
        return EndpointGone()
    return Refused(status)


def _forbidden(text: str) -> SpotifyError:
    if "not registered" in text or "developer.spotify.com/dashboard" in text:
        return NotAllowed()
    if "premium" in text:
        return OwnerNeedsPremium() if "owner" in text else PremiumNeeded()
    # A removed endpoint says "Forbidden" and nothing more.
    reasons = ("restriction", "not own", "not allowed", "collaborator")
    return Refused(403) if any(reason in text for reason in reasons) else EndpointGone()


def _has(error: BaseException, kinds: tuple[type[BaseException], ...]) -> bool:
    """Whether an error was caused by, or wraps, one of some kinds."""
    seen: set[int] = set()
    waiting: list[Any] = [error]
    while waiting:
        found = waiting.pop()
        if not isinstance(found, BaseException) or id(found) in seen:
            continue
        seen.add(id(found))
        if isinstance(found, kinds):
            return True
        waiting += [*found.args, found.__cause__, found.__context__]
        waiting.append(getattr(found, "reason", None))
    return False


class _Redact(logging.Filter):
    """Keeps tokens, codes and secrets out of what a library logs."""

    def filter(self, record: logging.LogRecord) -> bool:
        with contextlib.suppress(TypeError, ValueError):
            record.msg, record.args = redacted(record.getMessage()), ()
        return True


class _Silence(logging.Filter):
    """Drops what spotipy logs: it writes headers with the token, and we say what went wrong."""

    def filter(self, record: logging.LogRecord) -> bool:
        return False


def redacted(text: str) -> str:
    """Return a text without what looks like a token, a code or a secret."""
    return _SECRET.sub(
        lambda found: f"{found[1] or found[2]}{found[3] or ' '}[removed]",
        text,
    )


SPOTIPY_LOGGERS: Final = (
    "spotipy.client",
    "spotipy.oauth2",
    "spotipy.util",
    "spotipy.cache_handler",
)
"""What spotipy logs to."""

_FILTERS: Final[Mapping[str, logging.Filter]] = {
    **dict.fromkeys(SPOTIPY_LOGGERS, _Silence()),
    "urllib3.connectionpool": _Redact(),
    "urllib3.util.retry": _Redact(),
}


def quiet_logs() -> None:
    """Make spotipy's loggers silent and urllib3's redact. Doing it again changes nothing."""
    for name, what in _FILTERS.items():
        # A filter of the same instance is added once only.
        logging.getLogger(name).addFilter(what)
