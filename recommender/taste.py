"""What a listener turns out to like, learned from likes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from recommender.types import Mood, Track

Verdict = Literal["like", "dislike", "skip"]


@dataclass(frozen=True, slots=True)
class Feedback:
    """What a listener said of a track that was played in a mood."""

    track: Track
    verdict: Verdict
    mood: Mood


@dataclass(frozen=True, slots=True)
class Affinities:
    """What is known of a listener beforehand: artist (case-folded) and genre family → 0-1."""

    artists: Mapping[str, float] = field(default_factory=dict)
    genres: Mapping[str, float] = field(default_factory=dict)


class Taste:
    """What is known of one listener's taste. Learning returns another `Taste`."""

    def __init__(
        self, feedback: Sequence[Feedback] = (), *, known: Affinities | None = None
    ) -> None:
        self.feedback = tuple(feedback)
        self.known = known or Affinities()

    def learn(self, track: Track, verdict: Verdict, mood: Mood) -> Taste:
        """Return the taste after one more verdict; a later one on the same track replaces it."""
        kept = [said for said in self.feedback if said.track.id != track.id]
        return Taste([*kept, Feedback(track, verdict, mood)], known=self.known)

    def score(self, tracks: Sequence[Track], mood: Mood) -> NDArray[np.float64]:
        """Return how much likelier each track is to be liked in a mood: (N,), log-odds."""
        return np.zeros(len(tracks))

    def because(self, track: Track) -> str | None:
        """Return "because you liked …" where that is what speaks for a track."""
        return None
