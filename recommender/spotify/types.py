"""The parts of Spotify's answers that are used here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeGuard, get_args

TimeRange = Literal["short_term", "medium_term", "long_term"]
"""Four weeks, half a year, about a year."""

TIME_RANGES: tuple[TimeRange, ...] = get_args(TimeRange)


@dataclass(frozen=True, slots=True)
class SpotifyTrack:
    """A track as Spotify describes it. It says nothing of valence, energy or genre.

    Attributes:
        id: Spotify's id, 22 characters.
        isrc: the recording's international code, or ``None``.
        duration_ms: length in milliseconds, or ``None``.
        year: of the album, or ``None``.
        url: the track's page on Spotify.
    """

    id: str
    title: str
    artists: tuple[str, ...]
    isrc: str | None
    duration_ms: int | None
    explicit: bool | None
    year: int | None
    url: str

    @property
    def uri(self) -> str:
        """What playlists and players call it: ``spotify:track:…``."""
        return f"spotify:track:{self.id}"

    @classmethod
    def read(cls, answer: object) -> SpotifyTrack | None:
        """Return the track in an answer, or ``None`` if it is not one (a podcast, a gap)."""
        if not isinstance(answer, Mapping) or answer.get("type", "track") != "track":
            return None
        names = tuple(
            artist["name"]
            for artist in _items(answer.get("artists"))
            if isinstance(artist.get("name"), str) and artist["name"]
        )
        track_id, title = answer.get("id"), answer.get("name")
        if not isinstance(title, str) or not title or not names or not is_id(track_id):
            return None
        album, codes = _mapping(answer.get("album")), _mapping(answer.get("external_ids"))
        explicit = answer.get("explicit")
        return cls(
            id=track_id,
            title=title,
            artists=names,
            isrc=codes["isrc"] if isinstance(codes.get("isrc"), str) else None,
            duration_ms=_whole(answer.get("duration_ms")),
            explicit=explicit if isinstance(explicit, bool) else None,
            year=_year(album.get("release_date")),
            url=f"https://open.spotify.com/track/{track_id}",
        )


@dataclass(frozen=True, slots=True)
class SpotifyArtist:
    """An artist, with the raw genre tags that Spotify gives, if any."""

    id: str
    name: str
    tags: tuple[str, ...]

    @classmethod
    def read(cls, answer: object) -> SpotifyArtist | None:
        """Return the artist in an answer, or ``None`` if it is not one."""
        if not isinstance(answer, Mapping) or not isinstance(answer.get("name"), str):
            return None
        tags = answer.get("genres")
        tags = tags if isinstance(tags, list) else []
        return cls(
            id=str(answer.get("id") or ""),
            name=answer["name"],
            tags=tuple(tag for tag in tags if isinstance(tag, str)),
        )


@dataclass(frozen=True, slots=True)
class Account:
    """Who is signed in: Spotify's immutable ``account_id`` and the name to greet with."""

    account_id: str
    display_name: str

    @classmethod
    def read(cls, answer: object) -> Account | None:
        """Return the account in an answer, or ``None`` where it names no one."""
        fields = _mapping(answer)
        # Accounts answered before May 2026 have no account_id.
        account_id = fields.get("account_id") or fields.get("id")
        if not isinstance(account_id, str):
            return None
        return cls(account_id, str(fields.get("display_name") or "Spotify listener"))


@dataclass(frozen=True, slots=True)
class Device:
    """Something that plays.

    Attributes:
        kind: ``Computer``, ``Smartphone``, ``Speaker`` …
        active: whether it is the one that plays now.
        restricted: whether it takes no commands from apps.
    """

    id: str
    name: str
    kind: str
    active: bool
    restricted: bool

    @classmethod
    def read(cls, answer: object) -> Device | None:
        """Return the device in an answer, or ``None`` where it has no id to play on."""
        fields = _mapping(answer)
        if not isinstance(fields.get("id"), str) or not fields["id"]:
            return None
        return cls(
            id=fields["id"],
            name=str(fields.get("name") or "Unnamed device"),
            kind=str(fields.get("type") or ""),
            active=fields.get("is_active") is True,
            restricted=fields.get("is_restricted") is True,
        )


@dataclass(frozen=True, slots=True)
class OwnPlaylist:
    """A playlist in the listener's library."""

    id: str
    name: str
    description: str

    @property
    def url(self) -> str:
        """The playlist's page on Spotify."""
        return f"https://open.spotify.com/playlist/{self.id}"

    @classmethod
    def read(cls, answer: object) -> OwnPlaylist | None:
        """Return the playlist in an answer, or ``None`` where it has no id."""
        fields = _mapping(answer)
        if not is_id(fields.get("id")):
            return None
        return cls(
            fields["id"], str(fields.get("name") or ""), str(fields.get("description") or "")
        )


def is_id(value: object) -> TypeGuard[str]:
    """Whether a value is one of Spotify's ids: letters and digits, up to 64."""
    return isinstance(value, str) and value.isascii() and value.isalnum() and 1 <= len(value) <= 64


def _items(value: object) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _year(date: object) -> int | None:
    text = str(date or "")[:4]
    # Spotify writes 0000 where it does not know.
    return int(text) if text.isascii() and text.isdigit() and int(text) > 0 else None
