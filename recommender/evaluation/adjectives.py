"""Compares how reasons say that a track sounds with what listeners say about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from recommender.evaluation.fit import ranks
from recommender.evaluation.listener_view import songs_of
from recommender.evaluation.listeners import Said
from recommender.ranking.reasons import sound_of
from recommender.types import Track

MAX_DESCRIBED_SONGS: Final = 300
"""The best known songs are looked at, up to this many."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """How often listeners agree with what reasons say about the sound of songs.

    Attributes:
        songs: how many were looked at.
        described: of how many of them a reason may say something.
        sides: bright, dark, loud and quiet → how many songs are called so, and for how many of
            these listeners agree, placing the song on that side of the middle.
    """

    songs: int
    described: int
    sides: Mapping[str, tuple[int, int]]


def agreement(tracks: Sequence[Track], said: Sequence[Said], *, split: str = "test") -> Agreement:
    """Return how often listeners agree with the adjectives of well known songs of a split."""
    # Reasons depend on where a song lies among all the tracks.
    own = {track.id: track for track in tracks}
    songs = sorted(
        songs_of(tracks, said, split), key=lambda pair: (-pair[0].popularity, pair[0].id)
    )[:MAX_DESCRIBED_SONGS]
    rated = ranks(np.array([(each.valence, each.arousal) for _, each in songs]).reshape(-1, 2))
    counts = {side: [0, 0] for side in ("bright", "dark", "loud", "quiet")}
    described = 0
    for (track, _), (valence, arousal) in zip(songs, rated, strict=True):
        sound = sound_of(own[track.id])
        there = {
            "bright": valence > 0,
            "dark": valence < 0,
            "loud": arousal > 0,
            "quiet": arousal < 0,
        }
        sides = [side for side in (sound.lightness, sound.loudness) if side]
        described += bool(sides)
        for side in sides:
            counts[side][0] += 1
            counts[side][1] += bool(there[side])
    return Agreement(
        len(songs),
        described,
        {side: (called, agreed) for side, (called, agreed) in counts.items()},
    )
