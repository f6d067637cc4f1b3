"""The measures of playlists. For some of them less is better; `MEASURES` says for which."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from statistics import fmean
from typing import Final

import numpy as np

from recommender.genres import UNSAID, default_table
from recommender.journey import emotions_at, steps_evenly
from recommender.ranking.candidates import song_key
from recommender.ranking.scoring import LABELLED_ENERGY
from recommender.ranking.selection import ARTIST_GAP
from recommender.types import Intent, Mood, Playlist, Track

MIN_JOURNEY_DISTANCE: Final = 0.6
"""Only journeys whose ends are at least this far apart are measured, in units of the plane."""

ARRIVAL_TRACKS: Final = 3
"""Where a journey arrives is measured over this many of its last tracks."""

LABELLED: Final[Mapping[str, tuple[tuple[float, float], tuple[float, float]]]] = {
    "happy": ((0.37, 0.81), LABELLED_ENERGY["happy"]),
    "sad": ((0.12, 0.41), LABELLED_ENERGY["sad"]),
    "energetic": ((0.27, 0.59), LABELLED_ENERGY["energetic"]),
    "calm": ((0.07, 0.19), LABELLED_ENERGY["calm"]),
}
"""Lower and upper quartile of measured valence and of energy among 686 tracks that people
labelled by hand (a public table of Spotify's features by mood). None was chosen by us. The ranking
uses those of energy; those of valence are an independent check."""


LABELLED_MEDIANS: Final[Mapping[str, tuple[float, float]]] = {
    "happy": (0.59, 0.78),
    "sad": (0.23, 0.36),
    "energetic": (0.43, 0.91),
    "calm": (0.12, 0.12),
}
"""Their medians of valence and energy."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """What every recommender is asked for, once per seed.

    Attributes:
        name: what it is called.
        mood, intent, emotions: see `Request`.
        label: the mood of `LABELLED` that its tracks are compared with, if any.
    """

    name: str
    mood: Mood
    intent: Intent
    emotions: Mapping[str, float] | None = None
    label: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """A scenario and the playlists that it was answered with, one per seed."""

    scenario: Scenario
    playlists: tuple[Playlist, ...]


@dataclass(frozen=True, slots=True)
class Measure:
    """Something to be measured.

    Attributes:
        name: the head of its column.
        better: 1 where more is better, -1 where less is.
        says: what it is, for readers of the table.
        of: from a recommender's answers and the number of tracks in the catalogue to the figure;
            ``None`` if it applies to none of the playlists.
        ahead: the baselines that ours claims to be ahead of.
        level: whether being level with them is enough for the claim.
    """

    name: str
    better: int
    says: str
    of: Callable[[Sequence[Answer], int], float | None]
    ahead: tuple[str, ...] = ()
    level: bool = False


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known else None


def _each(
    of: Callable[[Playlist], float | None],
) -> Callable[[Sequence[Answer], int], float | None]:
    """Return the measure that is the mean of something over all playlists."""

    def mean(answers: Sequence[Answer], tracks: int) -> float | None:
        return _mean(of(playlist) for answer in answers for playlist in answer.playlists)

    return mean


def distance(playlist: Playlist) -> float | None:
    """Return how far the tracks lie from their slots, on the plane of ranks: 0-2.83."""
    return _mean(pick.track.position.distance(pick.slot) for pick in playlist.picks)


def genre_fit(answers: Sequence[Answer], tracks: int) -> float | None:
    """Return how well the best family of each track suits what is felt at its place: 0-1."""
    table = default_table()
    fits: list[float] = []
    for answer in answers:
        asked = answer.scenario
        slots = answer.playlists[0].journey
        suits = [
            table.scores(
                emotions_at(place, slots, intent=asked.intent, emotions=asked.emotions or {})
            )
            for place in range(len(slots))
        ]
        for playlist in answer.playlists:
            for pick, here in zip(playlist.picks, suits, strict=False):
                known = [here[family] for family in pick.track.genres if family in here]
                fits.append(max(known, default=UNSAID))
    return _mean(fits)


def diversity(playlist: Playlist) -> float | None:
    """Return the mean Jaccard distance of the families of any two tracks: 0-1."""
    return _mean(
        1 - len(one & other) / len(one | other) if one | other else 0.0
        for one, other in combinations([set(pick.track.genres) for pick in playlist.picks], 2)
    )


def artist_repeats(playlist: Playlist) -> float | None:
    """Return the fraction of tracks by an artist of one of the `ARTIST_GAP` tracks before: 0-1."""
    names = [{name.casefold() for name in pick.track.artists} for pick in playlist.picks]
    return _mean(
        float(bool(own & set().union(*names[max(0, place - ARTIST_GAP) : place])))
        for place, own in enumerate(names)
    )


def novelty(answers: Sequence[Answer], tracks: int) -> float | None:
    """Return the fraction of songs in a repeated request that none of the earlier ones had: 0-1."""
    new: list[float | None] = []
    for answer in answers:
        heard: set[tuple[str, str]] = set()
        for time, playlist in enumerate(answer.playlists):
            songs = [song_key(pick.track) for pick in playlist.picks]
            if time:
                new.append(_mean(float(song not in heard) for song in songs))
            heard |= set(songs)
    return _mean(new)


def coverage(answers: Sequence[Answer], tracks: int) -> float | None:
    """Return the fraction of the catalogue that came up in any playlist: 0-1."""
    played = {
        pick.track.id for answer in answers for each in answer.playlists for pick in each.picks
    }
    return len(played) / tracks if tracks else None


def popularity(playlist: Playlist) -> float | None:
    """Return the mean popularity: 0-100."""
    return _mean(pick.track.popularity for pick in playlist.picks)


def arrival(playlist: Playlist) -> float | None:
    """Return how far from its target a journey's last tracks lie on average: 0-2.83."""
    if not _travels(playlist):
        return None
    last = [pick.track.position for pick in playlist.picks[-ARRIVAL_TRACKS:]]
    centre = Mood(fmean(place.valence for place in last), fmean(place.arousal for place in last))
    return centre.distance(playlist.target)


def step(playlist: Playlist) -> float | None:
    """Return how far apart neighbouring tracks of a shift are on average: 0-2.83."""
    return _mean(_steps(playlist))


def leap(playlist: Playlist) -> float | None:
    """Return the largest distance between neighbouring tracks of a shift: 0-2.83."""
    return max(_steps(playlist), default=None)


def radius(playlist: Playlist) -> float | None:
    """Return the distance from the mood within which nine of ten tracks of a match lie: 0-2.83."""
    if playlist.intent != "match" or not playlist.picks:
        return None
    gaps = [pick.track.position.distance(playlist.mood) for pick in playlist.picks]
    return float(np.quantile(gaps, 0.9))


def outside_labelled(answers: Sequence[Answer], tracks: int) -> float | None:
    """Return how far outside of `LABELLED`'s quartiles tracks lie, in measured units: 0-1.41."""
    gaps = []
    for answer in answers:
        quartiles = LABELLED.get(answer.scenario.label or "")
        if quartiles is None:
            continue
        (low_v, high_v), (low_e, high_e) = quartiles
        for track in _tracks(answer):
            valence = max(low_v - track.valence, track.valence - high_v, 0.0)
            energy = max(low_e - track.energy, track.energy - high_e, 0.0)
            gaps.append((valence**2 + energy**2) ** 0.5)
    return _mean(gaps)


def acousticness(answers: Sequence[Answer], tracks: int) -> float | None:
    """Return the mean acousticness where calm or sad music is asked for: 0-1."""
    return _mean(
        track.acousticness
        for answer in answers
        if answer.scenario.label in ("calm", "sad")
        for track in _tracks(answer)
    )


def instrumentalness(answers: Sequence[Answer], tracks: int) -> float | None:
    """Return the mean instrumentalness where calm music is asked for: 0-1."""
    return _mean(
        track.instrumentalness
        for answer in answers
        if answer.scenario.label == "calm"
        for track in _tracks(answer)
    )


def _tracks(answer: Answer) -> list[Track]:
    return [pick.track for playlist in answer.playlists for pick in playlist.picks]


def _travels(playlist: Playlist) -> bool:
    far = playlist.mood.distance(playlist.target) >= MIN_JOURNEY_DISTANCE
    return playlist.intent != "match" and far and bool(playlist.picks)


def _steps(playlist: Playlist) -> list[float]:
    if not steps_evenly(playlist.intent) or not _travels(playlist):
        return []
    return [a.track.position.distance(b.track.position) for a, b in pairwise(playlist.picks)]


_BLIND: Final = ("random", "popularity")
_APPS: Final = (*_BLIND, "hard quadrant", "nearest, raw")
_ALL: Final = (*_APPS, "nearest, ranked")
_FIXED: Final = ("popularity", "nearest, raw", "nearest, ranked")

MEASURES: Final = (
    Measure(
        "distance", -1, "of tracks from their slots, on the plane of ranks", _each(distance), _APPS
    ),
    Measure(
        "genre fit",
        1,
        "how well a track's best genre family suits the emotion, by our own table",
        genre_fit,
        _ALL,
    ),
    Measure(
        "outside labels",
        -1,
        "how far tracks lie outside the quartiles of hand-labelled ones",
        outside_labelled,
        _BLIND,
    ),
    Measure(
        "acousticness",
        1,
        "mean where calm or sad is asked for; labelled sad: .67",
        acousticness,
        _BLIND,
    ),
    Measure(
        "instrumentalness",
        1,
        "mean where calm is asked for; labelled calm: .91",
        instrumentalness,
        _BLIND,
    ),
    Measure(
        "diversity",
        1,
        "Jaccard distance of the genre families of any two tracks of a playlist",
        _each(diversity),
    ),
    Measure(
        "repeats",
        -1,
        "fraction of tracks by an artist heard within the last nine",
        _each(artist_repeats),
        _ALL,
        True,
    ),
    Measure(
        "novelty",
        1,
        "fraction of new songs when the same request is repeated, with nothing excluded",
        novelty,
        _FIXED,
    ),
    Measure(
        "coverage", 1, "fraction of the catalogue that came up in any playlist", coverage, _FIXED
    ),
    Measure("popularity", 1, "mean, 0-100", _each(popularity), ("random", "hard quadrant")),
    Measure(
        "radius",
        -1,
        "of a match: the distance from the mood within which nine of ten tracks lie",
        _each(radius),
        _APPS[:3],
    ),
    Measure(
        "arrival",
        -1,
        "of a journey: distance of its last three tracks from the target",
        _each(arrival),
        _APPS,
    ),
    Measure("step", -1, "of a shift: from one track to the next, mean", _each(step), _APPS[:3]),
    Measure("leap", -1, "of a shift: from one track to the next, largest", _each(leap), _APPS[:3]),
)
"""All measures, and the baselines that ours claims to be ahead of in each."""
