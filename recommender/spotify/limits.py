"""Which kinds of calls back off after Spotify said "too many requests", and until when.

Spotify counts requests by app, not by visitor: a 429 for one visitor holds for all. So one `Limits`
serves the whole process. Nothing in it is about a visitor.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

from recommender.spotify.errors import TooManyRequests

DEFAULT_BACK_OFF: Final = timedelta(seconds=30)
"""How long to back off where a 429 has no usable ``Retry-After``: Spotify counts within 30 s."""

MAX_BACK_OFF: Final = timedelta(days=1)
"""The longest wait that Spotify is known to ask for; after that one call may try again."""

BACKGROUND_KINDS: Final = ("search", "taste")
"""Kinds of calls that no visitor presses a button for. Where the quota of the developer's whole
account is spent (429 with ``QUOTA_EXCEEDED``), these back off together; what a visitor asks for
(sign in, save, play) still tries."""


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Limits:
    """Deadlines by kind of call. Safe to share between threads.

    Args:
        now: returns the time, with time zone.
    """

    def __init__(self, *, now: Callable[[], datetime] = _utc_now) -> None:
        self._now = now
        self._until: dict[str, datetime] = {}
        self._lock = threading.Lock()

    def check(self, kind: str) -> None:
        """Check that a kind of call may be made.

        Raises:
            TooManyRequests: it backs off.
        """
        until = self.backing_off().get(kind)
        if until is not None:
            raise TooManyRequests(until, kind=kind, now=self._now)

    def back_off(
        self, kind: str, retry_after: str | None = None, *, quota: bool = False
    ) -> TooManyRequests:
        """Record a 429 and return the error that says so.

        Args:
            kind: the kind of call that was answered so.
            retry_after: the header, seconds or a date; `DEFAULT_BACK_OFF` where it is
                neither.
            quota: whether the answer spoke of the account's quota (see `BACKGROUND_KINDS`).
        """
        now = self._now()
        until = now + _wait(retry_after, now)
        with self._lock:
            for name in {kind, *BACKGROUND_KINDS} if quota and kind in BACKGROUND_KINDS else {kind}:
                self._until[name] = max(until, self._until.get(name, until))
            until = self._until[kind]
        return TooManyRequests(until, kind=kind, now=self._now)

    def backing_off(self) -> Mapping[str, datetime]:
        """Return the kinds that back off now and until when, for a page that shows the quota."""
        now = self._now()
        with self._lock:
            self._until = {kind: until for kind, until in self._until.items() if until > now}
            return dict(self._until)

    def clear(self) -> None:
        """Forget all deadlines."""
        with self._lock:
            self._until.clear()


SHARED: Final = Limits()
"""The limits of this process, which has one client id."""


def _wait(retry_after: str | None, now: datetime) -> timedelta:
    text = (retry_after or "").strip()
    try:
        seconds = float(text)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(text) - now).total_seconds()
        except (ValueError, TypeError):
            return DEFAULT_BACK_OFF
    # Also for NaN.
    if not seconds > 0:
        return DEFAULT_BACK_OFF
    return timedelta(seconds=min(seconds, MAX_BACK_OFF.total_seconds()))
