"""What goes into a diary, and what comes out of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, get_args

from recommender.mood import COORDINATES
from recommender.types import Intent, Mood, Playlist, Track

Source = Literal["face", "said", "placed"]
SOURCES: Final[tuple[str, ...]] = get_args(Source)
"""Where a mood came from: read from a face, named by the visitor, or set on the pad."""

Opinion = Literal["like", "dislike"]
OPINIONS: Final[tuple[str, ...]] = get_args(Opinion)
"""The verdicts that are kept. Skips are not."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A playlist that was made for a mood, as it goes into a diary.

    Attributes:
        playlist: its mood, intent, target and tracks.
        emotion: the one emotion that names the mood; ``None`` for a mood set on the pad.
        source: where the mood came from.

    Raises:
        ValueError: an unknown emotion or source.
    """

    playlist: Playlist
    emotion: str | None
    source: Source

    def __post_init__(self) -> None:
        check_emotion(self.emotion)
        if self.source not in SOURCES:
            raise ValueError(
                f"Incorrect value for 'source' argument: {self.source!r}: "
                f"one of {', '.join(SOURCES)}"
            )


@dataclass(frozen=True, slots=True)
class KeptTrack:
    """What is kept of a track: enough to name it and to find it again."""

    id: str
    title: str
    artists: tuple[str, ...]
    genres: tuple[str, ...]

    @classmethod
    def of(cls, track: Track) -> KeptTrack:
        """Keep a track of a catalogue."""
        return cls(
            id=_storable(track.id),
            title=_storable(track.title),
            artists=tuple(map(_storable, track.artists)),
            genres=tuple(map(_storable, track.genres)),
        )

    @property
    def url(self) -> str:
        """The track's page on Spotify, which works without an account."""
        return f"https://open.spotify.com/track/{self.id}"


@dataclass(frozen=True, slots=True)
class KeptVerdict:
    """What a visitor thinks of a track, and the mood that it was last judged in."""

    track: KeptTrack
    verdict: Opinion
    mood: Mood
    at: datetime


@dataclass(frozen=True, slots=True)
class Entry:
    """One playlist of a diary.

    Attributes:
        id: its number in the diary's database.
        at: when it was made, with a time zone (UTC).
        source, emotion: as in `Moment`.
        mood, target, intent: as in `Playlist`.
        tracks: in playing order.
        opinions: track id → what the owner thinks of it by now, for the tracks judged.
        ended: the emotion that the owner named afterwards, if they did.
    """

    id: int
    at: datetime
    source: Source
    emotion: str | None
    mood: Mood
    target: Mood
    intent: Intent
    tracks: tuple[KeptTrack, ...]
    opinions: Mapping[str, Opinion]
    ended: str | None = None

    @property
    def liked(self) -> tuple[KeptTrack, ...]:
        """Its tracks that the owner likes."""
        return tuple(track for track in self.tracks if self.opinions.get(track.id) == "like")


def check_emotion(emotion: str | None) -> None:
    """Check that an emotion is one of the seven.

    Raises:
        ValueError: it is none of them, and not ``None`` either.
    """
    if emotion is not None and emotion not in COORDINATES:
        raise ValueError(
            f"Incorrect value for 'emotion' argument: {emotion!r}: one of {', '.join(COORDINATES)}"
        )


def _storable(text: str) -> str:
    """Leave out what PostgreSQL or UTF-8 cannot hold: NUL and halves of a surrogate pair."""
    return text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")
