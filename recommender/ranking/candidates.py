"""The candidates for a playlist: their features as arrays, and which share a song or an artist."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from recommender.genres import GenreTable, default_table
from recommender.types import Track

Floats = NDArray[np.float64]
Rows = NDArray[np.intp]


class CandidateSet:
    """Tracks to choose from, with the features that are needed again and again as arrays.

    Args:
        tracks: the candidates. Their order breaks ties, so it has to be fixed.
        table: families and what they suit, by default the one that ships with the package.

    Attributes:
        tracks: as given; a row is an index into them.
        positions: (tracks, 2), valence and arousal, both -1 to 1.
        popularity: (tracks,), 0-1.
        energy: (tracks,), 0-1, as it was measured.
        acousticness, instrumentalness: (tracks,), 0-1; 0 where it is not known.
        leading_families: (tracks,), a number for the first family of each track.
        families: (tracks, width), numbers of each track's families in `table`, padded with one
            past the last.
    """

    def __init__(self, tracks: Sequence[Track], table: GenreTable | None = None) -> None:
        self.tracks = tracks
        self.table = table or default_table()
        self.positions: Floats = np.array(
            [(track.position.valence, track.position.arousal) for track in tracks]
        ).reshape(-1, 2)
        self.popularity: Floats = np.array([track.popularity for track in tracks]) / 100
        self.energy: Floats = np.array([track.energy for track in tracks])
        self.acousticness: Floats = np.array([track.acousticness or 0.0 for track in tracks])
        self.instrumentalness: Floats = np.array(
            [track.instrumentalness or 0.0 for track in tracks]
        )
        leading = {"": 0}
        self.leading_families: Rows = np.array(
            [
                leading.setdefault(track.genres[0] if track.genres else "", len(leading))
                for track in tracks
            ],
            dtype=np.intp,
        )
        self._leading_count = len(leading)
        self.families = self._memberships()
        self._songs: dict[int, tuple[str, str]] = {}
        self._artists: dict[str, list[int]] = {}
        for row, track in enumerate(tracks):
            for artist in _names(track):
                self._artists.setdefault(artist, []).append(row)

    def __len__(self) -> int:
        return len(self.tracks)

    def _memberships(self) -> Rows:
        numbers = {family: number for number, family in enumerate(self.table.families)}
        known = [
            [numbers[name] for name in track.genres if name in numbers] for track in self.tracks
        ]
        width = max(map(len, known), default=0) or 1
        return np.array(
            [found + [len(numbers)] * (width - len(found)) for found in known], dtype=np.intp
        ).reshape(-1, width)

    def leading_family_counts(self, rows: Sequence[int]) -> Floats:
        """Return how many of some rows have the same leading family as each track, (tracks,)."""
        chosen = self.leading_families[list(rows)]
        counts = np.bincount(chosen, minlength=self._leading_count)
        return counts[self.leading_families].astype(float)

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
        """Return the rows that have an artist in common with a row, itself included."""
        return [other for name in set(_names(self.tracks[row])) for other in self._artists[name]]


def merge_candidates(tracks: Sequence[Track], extra: Sequence[Track]) -> list[Track]:
    """Return tracks of two sources in the order of ids, each song of the second once.

    A track of `extra` that is the same recording or song as one of `tracks` is left out, unless it
    was measured and the other only estimated: then it replaces that one.
    """
    if not extra:
        return list(tracks)
    by_id: dict[str, Track] = {}
    by_song: dict[tuple[str, str], str] = {}
    for track in tracks:
        by_id[track.id] = track
        by_song.setdefault(song_key(track), track.id)
    for track in extra:
        key = song_key(track)
        other = by_id.get(track.id) or by_id.get(by_song.get(key, ""))
        if other is not None and (track.estimated or not other.estimated):
            continue
        if other is not None:
            del by_id[other.id]
        by_id[track.id] = track
        by_song[key] = track.id
    return sorted(by_id.values(), key=lambda track: track.id)


def song_key(track: Track) -> tuple[str, str]:
    """Return what two releases of one song have in common: bare title and first artist."""
    title = re.sub(r"\s+-\s.*|[(\[].*", "", track.title.casefold())
    bare = "".join(letter for letter in title if letter.isalnum())
    return bare or track.title.casefold(), _names(track)[0]


def _names(track: Track) -> tuple[str, ...]:
    """Return the artists as they are compared; ``("",)`` if there are none."""
    return _casefolded(track.artists)


@lru_cache(maxsize=32_768)  # each is asked for several times per playlist
def _casefolded(artists: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(artist.casefold() for artist in artists) or ("",)
