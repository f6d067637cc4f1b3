"""What can go wrong with Spotify, each with a sentence for the visitor.

No error carries a token, a code, a secret, an address or the text that Spotify answered: what a
visitor is told is written here, and what is written here may be logged.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final


class SpotifyError(Exception):
    """Something that Spotify would not or could not do. ``str(error)`` is its sentence."""

    said: str = "Spotify could not do that. Music from the catalogue keeps playing."

    @property
    def sentence(self) -> str:
        """What to show to the visitor, in one or two sentences."""
        return self.said

    def __str__(self) -> str:
        return self.sentence

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.sentence!r})"


class SignInNeeded(SpotifyError):
    """The sign-in has expired or was withdrawn (401, ``invalid_grant``, or no token at all)."""

    said = "Your Spotify sign-in has expired. Please connect again."


class NotAllowed(SpotifyError):
    """The account is not on the allow-list of an app in development mode (403)."""

    said = (
        "This Spotify account is not on the app's list of users. "
        "The person who set the app up can add it in Spotify's developer dashboard."
    )


class OwnerNeedsPremium(SpotifyError):
    """The owner of the app has no Premium, so Spotify answers none of its calls (403)."""

    said = (
        "Spotify only works with this app while its owner has Premium. "
        "Music from the catalogue keeps playing."
    )


class PremiumNeeded(SpotifyError):
    """The listener has no Premium, which remote control of a player needs (403)."""

    said = (
        "Spotify lets apps start music only for accounts with Premium. "
        "The player on this page and the links work without it."
    )


class NoActiveDevice(SpotifyError):
    """No device is there to play on (404 ``NO_ACTIVE_DEVICE``)."""

    said = (
        "Spotify found no device to play on. "
        "Open Spotify on a phone or a computer, then choose it here."
    )


class ScopeMissing(SpotifyError):
    """The listener has not granted what this call needs (403 "Insufficient client scope")."""

    said = "You have not allowed this yet. Connect again and Spotify will ask you for it."


class KeysRefused(SpotifyError):
    """The accounts service knows no such client id or secret (``invalid_client``)."""

    said = "Spotify doesn’t accept this app’s keys."


class EndpointGone(SpotifyError):
    """Spotify no longer offers this call to apps like this one (403, 404 or 410)."""

    said = "Spotify no longer offers this to apps like ours."


class Refused(SpotifyError):
    """Spotify refused this one request.

    Attributes:
        status: the HTTP status, 400-499.
    """

    said = "Spotify refused this request. Music from the catalogue keeps playing."

    def __init__(self, status: int = 400) -> None:
        super().__init__(status)
        self.status = status


class Unreachable(SpotifyError):
    """Spotify gave no answer in time, or one that makes no sense.

    Attributes:
        sent: whether the request may have reached Spotify, so that it may have been carried out.
        pending: whether it may still be carried out later, because its outcome is not known.
    """

    said = "Spotify is not answering right now. Music from the catalogue keeps playing."

    def __init__(self, *, sent: bool = True, pending: bool = False) -> None:
        super().__init__(sent, pending)
        self.sent = sent
        self.pending = pending


class SaveUnconfirmed(Unreachable):
    """A save is not repeated yet, since Spotify may still be carrying it out."""

    said = (
        "Spotify has not confirmed yet that the playlist is saved. "
        "Please press again in a few seconds: nothing is saved twice."
    )


KINDS: Final[dict[str, str]] = {
    "search": "search",
    "account": "read the account",
    "taste": "read what you listen to",
    "playlists": "save playlists",
    "player": "control the player",
    "sign-in": "sign in",
    "features": "look tracks up",
}
"""The kinds of calls that back off independently, in a visitor's words."""


class TooManyRequests(SpotifyError):
    """Spotify limits requests (429); this kind of call backs off until a deadline.

    Attributes:
        until: when it may be tried again, with time zone.
        kind: which of `KINDS` backs off.
    """

    def __init__(
        self,
        until: datetime,
        *,
        kind: str = "search",
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        super().__init__(until, kind)
        self.until = until
        self.kind = kind
        self._now = now

    @property
    def sentence(self) -> str:
        """Says what backs off and for how long from now."""
        left = in_words((self.until - self._now()).total_seconds())
        what = KINDS.get(self.kind, "ask")
        return f"Spotify lets us {what} again {left}. Everything else keeps working."


def in_words(seconds: float) -> str:
    """Return a time from now in words, rounded up: ``in about 5 minutes``."""
    if seconds <= 60:
        return "in a minute"
    minutes = -(-int(seconds) // 60)
    if minutes < 90:
        return f"in about {minutes} minutes"
    return f"in about {-(-minutes // 60)} hours"
