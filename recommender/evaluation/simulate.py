"""Simulated listeners: what the model of taste is tested and tuned on.

Each has a taste that the model does not know, judges every track of a set, and asks for the next.
What is measured is how much of each set they would like.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from recommender.catalog.catalog import Catalog
from recommender.mood import mood_of_emotion
from recommender.recommender import Recommender
from recommender.request import Request
from recommender.taste.taste import Taste, Verdict
from recommender.types import Mood, Track

Floats = NDArray[np.float64]

Likes = Callable[[Track, Mood], bool]
"""Whether a track is to a listener's taste in a mood."""

LIKE_PROBABILITY_TO_TASTE: Final = 0.85
"""How often a listener likes what is to their taste."""

LIKE_PROBABILITY_OTHERWISE: Final = 0.15
"""How often a listener likes what is not."""

SKIP_PROBABILITY: Final = 0.5
"""Fraction of what was not liked that is only skipped."""

MOODS: Final = ("sad", "happy", "neutral", "angry")
"""What is felt in one set after the other."""


@dataclass(frozen=True, slots=True)
class Listener:
    """A simulated person with a taste.

    Attributes:
        kind: of taste, in words.
        likes: whether a track is to it.
    """

    kind: str
    likes: Likes

    def chance(self, track: Track, mood: Mood) -> float:
        """Return how likely they are to like a track in a mood, 0-1."""
        return LIKE_PROBABILITY_TO_TASTE if self.likes(track, mood) else LIKE_PROBABILITY_OTHERWISE

    def say(self, track: Track, mood: Mood, noise: np.random.Generator) -> Verdict:
        """Return their verdict on a track."""
        if noise.random() < self.chance(track, mood):
            return "like"
        return "skip" if noise.random() < SKIP_PROBABILITY else "dislike"


def listeners(catalog: Catalog, seed: int) -> tuple[Listener, ...]:
    """Return one listener of each kind, with a taste that can be met by a catalogue.

    Args:
        catalog: where genres and artists come from.
        seed: which ones are loved.
    """
    noise = np.random.default_rng(seed)
    tracks = catalog.candidates(Mood(0.0, 0.0), limit=len(catalog))
    frequent = catalog.genres()[2:14]
    one, *several = (str(name) for name in noise.permutation(frequent)[:4])
    counts = Counter(track.artists[0] for track in tracks)
    names = sorted(name for name, count in counts.items() if count >= 3)
    artists = {str(name) for name in noise.permutation(names)[: len(names) // 2]}
    return (
        Listener("one genre", partial(_has_genre, {one})),
        Listener("three genres", partial(_has_genre, set(several))),
        Listener("some artists", partial(_by_artist, artists)),
        Listener("acoustic music", _is_acoustic),
        Listener("music from before 2005", _is_old),
        Listener("folk when low, dancing when not", _depends_on_mood),
        Listener("no taste that shows", _has_none),
    )


@dataclass(frozen=True, slots=True)
class SimulatedSession:
    """How a listener fared, one figure per set, each (sets,).

    Attributes:
        liked: fraction of a set that is to their liking, 0-1: the chance of a like, not the draw.
        likes: how many likes they had given before it.
        distance: mean distance of its tracks to the mood it was for, in units of the plane.
    """

    liked: Floats
    likes: Floats
    distance: Floats


def listen(
    listener: Listener,
    recommender: Recommender,
    *,
    sets: int,
    size: int = 10,
    seed: int = 0,
    learning: bool = True,
    then: Listener | None = None,
    after: int = 0,
    taste: Taste | None = None,
) -> SimulatedSession:
    """Let a listener hear one set after the other, without repeats, and judge each track.

    Args:
        listener: who listens.
        recommender: who plays.
        sets: how many sets, 1 or more.
        size: tracks in a set.
        seed: of the sets and of the verdicts; the same with and without learning.
        learning: whether verdicts are learned from.
        then: who they turn into, if their taste changes.
        after: after how many sets.
        taste: what is known at the start; only used where there is learning.
    """
    noise = np.random.default_rng(seed)
    taste = taste or Taste()
    heard: list[str] = []
    rows: list[tuple[float, float, float]] = []
    for number in range(sets):
        who = then if then is not None and number >= after else listener
        mood = mood_of_emotion(MOODS[number % len(MOODS)])
        playlist = recommender.answer(
            Request(
                mood,
                intent="match",
                n=size,
                seed=seed * 1000 + number,
                exclude=tuple(heard),
                taste=taste if learning else None,
            )
        )
        tracks = [pick.track for pick in playlist.picks]
        rows.append(
            (
                float(np.mean([who.chance(track, mood) for track in tracks])),
                sum(each.verdict == "like" for each in taste.feedback),
                float(np.mean([track.position.distance(mood) for track in tracks])),
            )
        )
        for track in tracks:
            taste = taste.learn(track, who.say(track, mood, noise), mood)
            heard.append(track.id)
    liked, likes, distance = np.array(rows).T
    return SimulatedSession(liked=liked, likes=likes, distance=distance)


def separation(taste: Taste, listener: Listener, tracks: Sequence[Track], mood: Mood) -> float:
    """Return how well a taste separates what a listener likes from what they do not.

    Returns:
        The chance that of two tracks, one liked and one not, the liked one scores higher (the
        area under the ROC curve): 0.5 for a model that knows nothing, 1 for one that knows all.
    """
    fits = np.array([listener.likes(track, mood) for track in tracks])
    scores = taste.score(tracks, mood)
    if fits.all() or not fits.any():
        return 0.5
    ahead = scores[fits][:, None] - scores[~fits][None, :]
    return float((ahead > 0).mean() + 0.5 * (ahead == 0).mean())


def _has_genre(genres: set[str], track: Track, mood: Mood) -> bool:
    return not genres.isdisjoint(track.genres)


def _by_artist(artists: set[str], track: Track, mood: Mood) -> bool:
    return not artists.isdisjoint(track.artists)


def _is_acoustic(track: Track, mood: Mood) -> bool:
    return (track.acousticness or 0.0) > 0.45


def _is_old(track: Track, mood: Mood) -> bool:
    return track.year is not None and track.year < 2005


def _depends_on_mood(track: Track, mood: Mood) -> bool:
    low = {"folk", "singer-songwriter", "indie pop", "soul"}
    lively = {"dance pop", "house", "electronic", "latin pop", "funk & disco"}
    return _has_genre(low if mood.valence < -0.1 else lively, track, mood)


def _has_none(track: Track, mood: Mood) -> bool:
    # As good as random, and the same on every machine.
    return sum(map(ord, track.id)) % 3 == 0
