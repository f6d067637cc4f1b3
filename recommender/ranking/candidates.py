"""The candidates for a playlist as arrays, and what each of them scores at each place of it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from recommender.genres import UNSAID, GenreTable
from recommender.mood import COORDINATES
from recommender.types import Mood, Track

Floats = NDArray[np.float64]
Rows = NDArray[np.intp]

BOUND: Final = 3.0
"""Log-odds beyond which a taste counts no more: it bends a playlist and never fills it alone."""


QUIET: Final = 0.6
"""From this far below the middle on a place is as quiet as calm is."""

PLEASANT: Final = 0.4
"""From this far above the middle on it is as pleasant."""

WORDLESS: Final = Mood(-0.80, -0.90)
"""Where calm music without a voice is measured to be: of 686 hand-labelled tracks the calm ones
had a median valence of .12, energy of .12 and instrumentalness of .91."""

AROUND: Final = 0.25
"""How far from `WORDLESS` nearness to it costs half a point."""

NOTHING: Final = 8.0
"""Points that keep music with a voice from counting as near `WORDLESS`."""


@dataclass(frozen=True, slots=True)
class Weights:
    """What a point of score is worth. Chosen by `tune.tune`; evaluation.md has what was tried.

    Attributes:
        reach: how far on the plane, in units of it, a track may lie before nearness costs half
            a point; for pleasantness in quiet places it goes towards `quiet_reach`.
        genre: for a family that suits the mood perfectly over one that nothing is said about.
        fame: for the best known track over the least known one.
        still: for acoustic music where the journey is quiet.
        wordless: what music without a voice has to make up for where the journey is calm. What
            people label as calm is measured around `WORDLESS`, far from where calm is felt, so
            in calm places that counts as near too, for this many points less.
        repeat: taken for each of the last `memory` tracks with the same leading family.
        taste: for each unit of log-odds that a listener's taste says.
        chance: the spread of the draw; 0 would always give the same playlist.
    """

    reach: float = 0.18
    quiet_reach: float = 0.15
    genre: float = 2.0
    fame: float = 1.2
    still: float = 2.5
    wordless: float = 0.6
    repeat: float = 0.9
    memory: int = 5
    taste: float = 1.5
    chance: float = 0.40

    def at(self, adventure: float) -> Weights:
        """Return the weights for a listener's wish for the new.

        At 0 the well known, the usual families and what was liked count most and little is left
        to chance; at 1 fame counts against a track and chance decides more. At 0.5 nothing
        changes.

        Args:
            adventure: 0 familiar to 1 adventurous.

        Raises:
            ValueError: it is outside that range or not a number.
        """
        check_adventure(adventure)
        bold = 2 * adventure - 1  # -1 to 1
        return replace(
            self,
            fame=self.fame * (1 - 1.5 * bold),
            genre=self.genre * (1 - 0.4 * bold),
            taste=self.taste * (1 - 0.5 * bold),
            chance=self.chance * 2**bold,
            repeat=self.repeat * 2**bold,
        )


def check_adventure(adventure: float) -> None:
    """Raise where a wish for the new is no number in [0, 1]."""
    number = isinstance(adventure, (int, float)) and not isinstance(adventure, bool)
    if not number or not 0.0 <= adventure <= 1.0:
        raise ValueError(
            f"Incorrect value for 'adventure' argument: {adventure!r}: 0 (familiar) to 1"
        )


@dataclass(frozen=True, slots=True)
class Terms:
    """What each track of a pool scores at each place, each shaped (places, tracks)."""

    near: Floats
    genre: Floats
    fame: Floats
    still: Floats
    taste: Floats

    @property
    def total(self) -> Floats:
        """Their sum."""
        return self.near + self.genre + self.fame + self.still + self.taste


class Pool:
    """Tracks to choose from, with what is needed again and again as arrays.

    Args:
        tracks: the candidates. Their order decides between equals, so it has to be fixed.
        table: families and what they suit.
    """

    def __init__(self, tracks: Sequence[Track], table: GenreTable) -> None:
        self.tracks = tracks
        places = [track.position for track in tracks]
        self._positions = np.array([(place.valence, place.arousal) for place in places])
        self._positions = self._positions.reshape(-1, 2)
        self._fame = np.array([track.popularity for track in tracks]) / 100
        self._wordless = np.array([track.instrumentalness or 0.0 for track in tracks])
        off = self._positions - (WORDLESS.valence, WORDLESS.arousal)
        self._off_calm = ((off / AROUND) ** 2).sum(axis=1)
        self._acoustic = np.array([track.acousticness or 0.0 for track in tracks])
        leading = {"": 0}
        self.families: Rows = np.array(
            [
                leading.setdefault(track.genres[0] if track.genres else "", len(leading))
                for track in tracks
            ],
            dtype=np.intp,
        )
        """Of each track the number of its leading family."""
        self.kinds = len(leading)
        self._suits = np.array(
            [
                [table.suits[name].get(emotion, UNSAID) for emotion in COORDINATES]
                for name in table.families
            ]
        ).reshape(-1, len(COORDINATES))
        self._places = {family: place for place, family in enumerate(table.families)}
        self._member = self._memberships(tracks)
        self._songs: dict[int, tuple[str, str]] = {}
        self._artists: dict[str, list[int]] = {}
        for row, track in enumerate(tracks):
            for artist in _names(track):
                self._artists.setdefault(artist, []).append(row)

    def _memberships(self, tracks: Sequence[Track]) -> Rows:
        """Return the numbers of each track's families, padded with one past the last."""
        places = self._places
        known = [[places[name] for name in track.genres if name in places] for track in tracks]
        widest = max(map(len, known), default=0) or 1
        return np.array(
            [numbers + [len(places)] * (widest - len(numbers)) for numbers in known], dtype=np.intp
        ).reshape(-1, widest)

    def score(
        self, slots: Sequence[Mood], feelings: Floats, weights: Weights, taste: Floats
    ) -> Terms:
        """Return what every track scores for every place in a playlist.

        Args:
            slots: the moods of the places.
            feelings: what is felt at each place, (places, 7) in the order of `COORDINATES`.
            weights: what counts how much.
            taste: log-odds that each track is liked there, (places, tracks).
        """
        # The best family counts: a song tagged folk and pop is as fitting as folk is.
        suits = feelings @ self._suits.T
        padded = np.column_stack([suits, np.full(len(slots), -1.0)])
        fit = padded[:, self._member].max(axis=2, initial=-1.0)
        fit = np.where(fit < 0, UNSAID, fit)
        moods = np.array([(slot.valence, slot.arousal) for slot in slots]).reshape(-1, 2)
        quietness = np.maximum(0.0, -moods[:, 1])[:, None]
        across = weights.reach + (weights.quiet_reach - weights.reach) * quietness
        offset = moods[:, None, :] - self._positions
        near = -0.5 * ((offset[..., 0] / across) ** 2 + (offset[..., 1] / weights.reach) ** 2)
        calm = np.minimum(1.0, quietness / QUIET) * np.clip(moods[:, :1] / PLEASANT, 0.0, 1.0)
        voiced = 1 - calm * self._wordless
        other = -0.5 * self._off_calm - weights.wordless - NOTHING * voiced
        return Terms(
            near=np.maximum(near, other),
            genre=weights.genre * (fit - UNSAID) / (1 - UNSAID),
            fame=np.broadcast_to(weights.fame * self._fame, fit.shape),
            still=weights.still * quietness * self._acoustic,
            taste=weights.taste * np.clip(taste, -BOUND, BOUND),
        )

    def best_family(self, row: int, feelings: Floats) -> str | None:
        """Return which family of a track suits what is felt best, (7,); `None` if it has none."""
        suits = self._suits @ feelings

        def fit(family: str) -> float:
            return float(suits[self._places[family]]) if family in self._places else UNSAID

        return max(self.tracks[row].genres, key=fit, default=None)

    def same_song(self, row: int) -> list[int]:
        """Return the rows that are the same song as a row, itself included."""
        key = self._song(row)
        return [other for other in self._artists[key[1]] if self._song(other) == key]

    def _song(self, row: int) -> tuple[str, str]:
        """Return a row's `song_key`, worked out when it is first asked for."""
        key = self._songs.get(row)
        if key is None:
            key = self._songs[row] = song_key(self.tracks[row])
        return key

    def same_artists(self, row: int) -> list[int]:
        """Return the rows that share an artist with a row, itself included."""
        return [other for name in set(_names(self.tracks[row])) for other in self._artists[name]]


def song_key(track: Track) -> tuple[str, str]:
    """Return what two releases of one song have in common: bare title and first artist."""
    title = re.sub(r"\s+-\s.*|[(\[].*", "", track.title.casefold())
    bare = "".join(letter for letter in title if letter.isalnum())
    return bare or track.title.casefold(), _names(track)[0]


def _names(track: Track) -> tuple[str, ...]:
    """Return the artists as they are compared, one of no name where there is none."""
    return _compared(track.artists)


@lru_cache(maxsize=32_768)  # each is asked for several times a playlist
def _compared(artists: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(artist.casefold() for artist in artists) or ("",)
