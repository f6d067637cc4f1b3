"""What flows through the recommender: a mood, a track, a pick with its reason, a playlist."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal, get_args

Intent = Literal["match", "shift", "lift", "wind_down"]
INTENTS: Final[tuple[Intent, ...]] = get_args(Intent)
"""Stay with the mood, move it step by step, go straight to bright and easy, or ease into calm.

The order is part of the format of links: new ones go to the end.
"""


@dataclass(frozen=True, slots=True)
class Mood:
    """A point on the valence-arousal plane (Russell 1980), both axes in [-1, 1].

    Attributes:
        valence: unpleasant (-1) to pleasant (1).
        arousal: quiet (-1) to full of energy (1).

    Raises:
        ValueError: a value is outside [-1, 1] or not a number.
    """

    valence: float
    arousal: float

    def __post_init__(self) -> None:
        for name in ("valence", "arousal"):
            value = getattr(self, name)
            if not -1.0 <= value <= 1.0:
                raise ValueError(f"Incorrect value for '{name}' argument: {value!r}: -1 to 1")

    def distance(self, other: Mood) -> float:
        """Return the Euclidean distance to another mood, 0 to 2.83."""
        return float(
            ((self.valence - other.valence) ** 2 + (self.arousal - other.arousal) ** 2) ** 0.5
        )


@dataclass(frozen=True, slots=True)
class Track:
    """One recording in a catalogue.

    Attributes:
        id: Spotify's id, 22 characters.
        genres: lower-case genre families, the most typical first.
        year: year of release, or ``None`` where it is not known.
        valence, energy, danceability, acousticness, instrumentalness: 0-1.
        tempo: beats a minute.
        popularity: 0-100.
        position: where the track lies on the mood plane: the percentile ranks of what listeners
            would say of it (`catalog.plane`) within its catalogue, stretched to [-1, 1].
        explicit: whether it is marked explicit; ``None`` without a mark.
        duration_ms: length in milliseconds, or ``None``.
        language: ISO 639 code of what is sung, ``zxx`` for music without words.
        mode: 1 for major, 0 for minor.
        estimated: whether `valence`, `energy` and `position` are what its artist or genre usually
            has, because this recording was not measured.
    """

    id: str
    title: str
    artists: tuple[str, ...]
    genres: tuple[str, ...]
    year: int | None
    valence: float
    energy: float
    danceability: float | None
    acousticness: float | None
    instrumentalness: float | None
    tempo: float | None
    popularity: float
    position: Mood
    explicit: bool | None = None
    duration_ms: int | None = None
    language: str | None = None
    mode: int | None = None
    estimated: bool = False

    @property
    def url(self) -> str:
        """The track's page on Spotify, which works without an account."""
        return f"https://open.spotify.com/track/{self.id}"


@dataclass(frozen=True, slots=True)
class Filters:
    """What a listener lets in. Empty lets everything in.

    Attributes:
        genres: families, one of which a track must have.
        without_genres: families of which a track must have none.
        without_artists: names, in any case; a track by any of them is left out.
        decades: first years of decades (1980); a track of no known year is in none.
        languages: ISO 639 codes in any case; a track of no known language has none of them.
        explicit: whether tracks marked explicit may come. One without a mark may; one whose
            mark cannot be understood may not.
    """

    genres: tuple[str, ...] = ()
    without_genres: tuple[str, ...] = ()
    without_artists: tuple[str, ...] = ()
    decades: tuple[int, ...] = ()
    languages: tuple[str, ...] = ()
    explicit: bool = True


EVERYTHING: Final = Filters()
"""Filters that let everything in."""


@dataclass(frozen=True, slots=True)
class Pick:
    """A track chosen for a place in a playlist, with the reason in plain words, if any."""

    track: Track
    slot: Mood
    reason: str


@dataclass(frozen=True, slots=True)
class Playlist:
    """A journey and the tracks along it.

    Attributes:
        mood: where the listener is.
        target: where the journey ends.
        intent: how it was asked to move.
        picks: the tracks in playing order.
        seed: reproduces the draw on the same catalogue.
        notes: sentences for the listener about what could not be done as asked.
    """

    mood: Mood
    target: Mood
    intent: Intent
    picks: tuple[Pick, ...]
    seed: int
    notes: tuple[str, ...] = field(default=(), compare=False)

    @property
    def journey(self) -> tuple[Mood, ...]:
        """The moods that the playlist passes, one per track."""
        return tuple(pick.slot for pick in self.picks)
