"""Sets of tracks like those that people labelled happy, sad, energetic or calm.

The 686 labelled tracks themselves are not ours to have; their quartiles are public
(`metrics.LABELLED`). So sets are drawn from a table of tracks, a quarter for each mood, in which
valence and energy have these quartiles, and in which calm tracks are mostly instrumental and the
others are sung. Only the quartiles tell two moods apart in such a set: it is a rehearsal, and not a
substitute for asking people.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Final

import numpy as np
from numpy.typing import NDArray

from recommender.catalog.plane import default_plane
from recommender.errors import CatalogError
from recommender.evaluation.baselines import PlaylistRecommender
from recommender.evaluation.fit import CORNER_DEPTHS, ranks
from recommender.evaluation.listeners import Recording
from recommender.evaluation.metrics import LABELLED, LABELLED_MEDIANS
from recommender.mood import COORDINATES, mood_named
from recommender.request import Request
from recommender.types import Mood, Track

Floats = NDArray[np.float64]

TRACKS_PER_MOOD: Final = 171
"""So that four moods have about as many tracks as were labelled."""

SET_SEEDS: Final = (1, 2, 3, 4)
"""A set is drawn with each."""

PLAYLIST_SEEDS: Final = (1, 2)
"""A playlist for each mood is drawn from a set with each."""

MIN_DRAWN_FROM: Final = 5_000
"""From fewer recordings no set is drawn: they would lack the rare calm ones."""

CALM_INSTRUMENTAL_FRACTION: Final = 0.9
"""Fraction of the tracks drawn as calm that are instrumental."""

_DENSITY_BANDWIDTH: Final = 0.05
_QUARTILE: Final = 0.6745
"""Standard deviations from the median of a normal distribution to its quartiles."""


@dataclass(frozen=True, slots=True)
class LabelledSet:
    """Tracks and the mood that each was drawn for, track id → mood."""

    tracks: tuple[Track, ...]
    moods: dict[str, str]


def labelled_sets(recordings: Sequence[Recording]) -> list[LabelledSet]:
    """Draw a set with each of `SET_SEEDS`.

    Tracks have no genres, and are ranked by their features among each other, as in an imported
    table without genres.

    Raises:
        CatalogError: fewer than `MIN_DRAWN_FROM` recordings have every audio feature.
    """
    known = [each for each in recordings if None not in each.features.values()]
    if len(known) < MIN_DRAWN_FROM:
        raise CatalogError(
            f"Only {len(known)} recordings have every audio feature; {MIN_DRAWN_FROM} are needed."
        )
    odds = _odds(known)
    return [_draw(known, odds, np.random.default_rng(seed)) for seed in SET_SEEDS]


def labelled_precision(
    sets: Sequence[LabelledSet], recommender: PlaylistRecommender
) -> dict[str, tuple[float, ...]]:
    """Return how well the moods are retrieved: mood → precision at each of `CORNER_DEPTHS`."""
    found: dict[str, list[tuple[float, ...]]] = {mood: [] for mood in LABELLED}
    for each in sets:
        recommender.fit(each.tracks)
        for mood, seed in ((mood, seed) for mood in LABELLED for seed in PLAYLIST_SEEDS):
            playlist = recommender.answer(
                Request(
                    mood_named(mood),
                    intent="match",
                    n=max(CORNER_DEPTHS),
                    seed=seed,
                    emotions={mood: 1.0} if mood in COORDINATES else None,
                )
            )
            hits = [each.moods[pick.track.id] == mood for pick in playlist.picks]
            found[mood].append(tuple(sum(hits[:depth]) / depth for depth in CORNER_DEPTHS))
    return {
        mood: tuple(fmean(depth) for depth in zip(*several, strict=True))
        for mood, several in found.items()
    }


def _odds(recordings: Sequence[Recording]) -> dict[str, Floats]:
    """Return mood → the probability of each recording to be drawn for it, in all 1."""
    columns = {
        name: np.array([each.features[name] for each in recordings], dtype=float)
        for name in ("valence", "energy", "acousticness", "instrumentalness")
    }
    density = _density(columns["valence"], columns["energy"])
    odds = {}
    for mood, (valence, energy) in LABELLED.items():
        middle = LABELLED_MEDIANS[mood]
        likely = (
            _likely(columns["valence"], valence[0], middle[0], valence[1])
            * _likely(columns["energy"], energy[0], middle[1], energy[1])
            / density
        )
        instrumental = columns["instrumentalness"] > 0.5
        if mood == "calm":
            more, less = (likely[instrumental].sum(), likely[~instrumental].sum())
            rest = (1 - CALM_INSTRUMENTAL_FRACTION) / CALM_INSTRUMENTAL_FRACTION
            likely = np.where(instrumental, likely, likely * rest * more / max(less, 1e-12))
        else:
            likely = np.where(instrumental, 0.0, likely)
        if mood == "sad":
            likely = likely * np.sqrt(columns["acousticness"])
        odds[mood] = likely / likely.sum()
    return odds


def _likely(values: Floats, low: float, middle: float, high: float) -> Floats:
    """Return the density of two half-normal distributions with these quartiles."""
    spread = np.where(values < middle, middle - low, high - middle) / _QUARTILE
    return np.asarray(np.exp(-0.5 * ((values - middle) / spread) ** 2) / spread)


def _density(valence: Floats, energy: Floats) -> Floats:
    """Return the number of recordings with valence and energy like each one, plus 1."""
    bins = 1 + int(1 / _DENSITY_BANDWIDTH)
    edges = np.linspace(0, 1, bins + 1)
    counts, _, _ = np.histogram2d(valence, energy, bins=(edges, edges))
    places = [np.clip(np.searchsorted(edges, each) - 1, 0, bins - 1) for each in (valence, energy)]
    return np.asarray(counts[places[0], places[1]] + 1)


def _draw(
    recordings: Sequence[Recording], odds: dict[str, Floats], noise: np.random.Generator
) -> LabelledSet:
    free = np.ones(len(recordings), dtype=bool)
    drawn: list[Recording] = []
    moods: dict[str, str] = {}
    for mood, likely in odds.items():
        here = likely * free
        rows = noise.choice(len(recordings), TRACKS_PER_MOOD, replace=False, p=here / here.sum())
        free[rows] = False
        drawn += [recordings[row] for row in rows]
        moods |= {recordings[row].id: mood for row in rows}
    there = ranks(np.array([default_plane().figures(each.features) for each in drawn]))
    tracks = [
        _track(each, Mood(float(valence), float(arousal)))
        for each, (valence, arousal) in zip(drawn, there, strict=True)
    ]
    return LabelledSet(tuple(sorted(tracks, key=lambda track: track.id)), moods)


def _track(recording: Recording, position: Mood) -> Track:
    features = recording.features
    return Track(
        id=recording.id,
        title=recording.title,
        artists=recording.artists,
        genres=(),
        year=None,
        valence=features["valence"] or 0.0,
        energy=features["energy"] or 0.0,
        danceability=features["danceability"],
        acousticness=features["acousticness"],
        instrumentalness=features["instrumentalness"],
        tempo=features["tempo"],
        popularity=recording.popularity or 0.0,
        position=position,
    )
