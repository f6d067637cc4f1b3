"""The model behind `taste.Taste`: which weights explain the verdicts.

A Bayesian logistic regression with a Gaussian prior on every weight: one weight for each genre
family, artist, decade and language, and one for each measured feature. Three things are added to
the textbook's model (C. E. Rasmussen & C. K. I. Williams, Gaussian Processes for Machine
Learning, 2006, chapter 3 for the Laplace approximation and section 2.7 for the weights' view):

- a weight is the sum of a part that holds in every mood and a part that holds near the mood in
  which it was learned, so that what a listener likes when sad says little about what they dance to;
- weights drift with every verdict (an Ornstein-Uhlenbeck process), so that old verdicts give way if
  taste has changed and stand if it has not;
- a verdict may count for less than one: a skip is weaker than a dislike.

The priors were chosen on simulated listeners, `benchmarks/taste.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from recommender.types import Mood, Track

Floats = NDArray[np.float64]

MAX_NEWTON_STEPS: Final = 50
"""Of Newton's method, which needs five or six."""

Key = tuple[str, str | int]
"""A kind ("artist", "genre", "language", "decade") and a name of that kind."""

_MEANS: Final = np.array([0.0, 0.0, 0.62, 0.30, 0.06, 120.0, 65.0])
_SPREADS: Final = np.array([0.58, 0.58, 0.16, 0.30, 0.19, 29.0, 12.0])
"""Means and standard deviations of `_measured` in catalogues of popular music. Positions are
uniform, being ranks."""

_PRIOR_TRACKS: Final = 5
"""How many tracks the usual means count as, beside the tracks that were heard. Likes are compared
with what else was heard: hearing nothing but quiet music is not a taste for it."""

_FAR: Final = 3.0
"""A feature further from the mean than this many standard deviations counts as this far."""


@dataclass(frozen=True, slots=True)
class Prior:
    """What the model believes before it has heard anything.

    Attributes:
        genre, artist, decade, language: the variance of a weight of the kind, in squared log-odds.
        feature: likewise, of the weight of one standard deviation of a measured feature.
        overall: likewise, of the bias, which is how much of everything a listener likes. With it,
            few likes do not count against all that was heard. It is not part of a score.
        shared: fraction of the variance that holds in every mood; the rest is the mood's own.
        reach: bandwidth of the mood's own part, in units of the mood plane.
        lasts: after how many verdicts what was learned counts 1/e as much.
        skip: how much a skip counts beside a dislike, 0-1.
        known: log-odds for an artist or genre of full affinity.
    """

    genre: float = 8.0
    artist: float = 8.0
    decade: float = 2.0
    language: float = 1.0
    feature: float = 0.5
    overall: float = 1.0
    shared: float = 0.7
    reach: float = 0.5
    lasts: float = 60.0
    skip: float = 0.35
    known: float = 1.0


@dataclass(frozen=True, slots=True)
class Weights:
    """What each trait and each feature is worth in one mood, in log-odds."""

    traits: Mapping[Key, float]
    features: Floats


@dataclass(frozen=True, slots=True)
class Posterior:
    """What is believed after some verdicts: V of them, K traits, F features.

    Attributes:
        prior: what was believed before.
        keys: the traits of the tracks judged.
        traits, features: (V, K) and (V, F), scaled by the prior's standard deviations.
        middle: (F,), what features are measured from.
        moods: (V, 2).
        pull: (V,), how far each verdict pulls the weights towards its own traits.
    """

    prior: Prior
    keys: tuple[Key, ...]
    traits: Floats
    features: Floats
    middle: Floats
    moods: Floats
    pull: Floats

    def weights(self, mood: Mood | None) -> Weights:
        """Return the mean of every weight now, in a mood or as far as every mood shares it."""
        prior = self.prior
        # The last verdict is one step old.
        recalled = np.exp(-np.arange(len(self.pull), 0, -1) / prior.lasts)
        close = 0.0 if mood is None else _close(_plane([mood]), self.moods, prior)[0]
        pull = self.pull * recalled * (prior.shared + (1 - prior.shared) * close)
        return Weights(
            traits=dict(zip(self.keys, (self.traits.T @ pull).tolist(), strict=True)),
            features=self.features.T @ pull * prior.feature**0.5,
        )

    def worths(self, tracks: Sequence[Track], weights: Weights) -> Floats:
        """Return the log-odds that weights give each track: (N,)."""
        worths: Floats = _scaled(_measured(tracks), self.middle) @ weights.features
        return worths + _worths_of_traits(tracks, weights.traits, self.prior)


def learn(
    tracks: Sequence[Track],
    moods: Sequence[Mood],
    *,
    liked: Sequence[bool],
    counts: Sequence[float],
    expected: Sequence[float],
    prior: Prior,
) -> Posterior:
    """Find the posterior's mode by Newton's method (Rasmussen & Williams, algorithm 3.1).

    Args:
        tracks: what was judged, V of them, the oldest first.
        moods: in which mood each was played.
        liked: whether it was liked.
        counts: how much each verdict counts, 0-1.
        expected: log-odds of a like, known beforehand.
        prior: what is believed before.
    """
    columns: dict[Key, int] = {}
    for track in tracks:
        for key, _ in traits_of(track, prior):
            columns.setdefault(key, len(columns))
    traits = np.zeros((len(tracks), len(columns)))
    for row, track in enumerate(tracks):
        for key, value in traits_of(track, prior):
            traits[row, columns[key]] = value
    measured = _measured(tracks)
    middle = _middle(measured)
    features = _scaled(measured, middle) * prior.feature**0.5
    places = _plane(moods)
    order = np.arange(len(tracks))
    together = np.exp(-np.abs(order[:, None] - order) / prior.lasts)
    together *= prior.shared + (1 - prior.shared) * _close(places, places, prior)
    kernel = (traits @ traits.T + features @ features.T) * together + prior.overall
    pull = _mode(
        kernel,
        np.array(liked, dtype=float),
        np.array(counts, dtype=float),
        np.array(expected, dtype=float),
    )
    return Posterior(prior, tuple(columns), traits, features, middle, places, pull)


def _mode(kernel: Floats, liked: Floats, counts: Floats, expected: Floats) -> Floats:
    """Return how far each verdict pulls at the posterior's mode, (V,)."""
    latent, pull = np.zeros(len(liked)), np.zeros(len(liked))
    for _ in range(MAX_NEWTON_STEPS):
        odds = 1 / (1 + np.exp(-(latent + expected)))
        root = np.sqrt(counts * odds * (1 - odds))
        inner = np.eye(len(liked)) + root[:, None] * kernel * root
        target = root**2 * latent + counts * (liked - odds)
        pull = target - root * np.linalg.solve(inner, root * (kernel @ target))
        before, latent = latent, kernel @ pull
        if np.abs(latent - before).max(initial=0.0) < 1e-4:
            break
    return pull


def traits_of(track: Track, prior: Prior) -> Iterator[tuple[Key, float]]:
    """Yield a track's traits, each with its fraction times the prior's standard deviation.

    Several artists or genres share what one alone would have. Decades blur into their neighbours,
    so that 1979 and 1981 are not strangers.
    """
    scale = (prior.artist / max(1, len(track.artists))) ** 0.5
    for artist in track.artists:
        yield ("artist", artist.casefold()), scale
    scale = (prior.genre / max(1, len(track.genres))) ** 0.5
    for genre in track.genres:
        yield ("genre", genre), scale
    if track.language is not None:
        yield ("language", track.language), prior.language**0.5
    yield from _decades(track.year, prior)


def _decades(year: int | None, prior: Prior) -> Iterator[tuple[Key, float]]:
    if year is not None:
        decade, along = divmod(year, 10)
        away = abs(along - 4.5) / 9
        yield ("decade", decade), (prior.decade * (1 - away)) ** 0.5
        yield ("decade", decade + (1 if along >= 5 else -1)), (prior.decade * away) ** 0.5


def _worths_of_traits(
    tracks: Sequence[Track], of: Mapping[Key, float], prior: Prior
) -> list[float]:
    """Return what each track's traits are worth together.

    Only traits that were judged are looked up, and repeated lists of artists or genres are weighed
    once: this runs over every candidate of every request.
    """
    artists: dict[tuple[str, ...], float] = {}
    genres: dict[tuple[str, ...], float] = {}
    years: dict[int | None, float] = {}
    for track in tracks:
        if track.artists not in artists:
            scale = (prior.artist / max(1, len(track.artists))) ** 0.5
            names = [name.casefold() for name in track.artists]
            artists[track.artists] = scale * sum(of.get(("artist", name), 0.0) for name in names)
        if track.genres not in genres:
            scale = (prior.genre / max(1, len(track.genres))) ** 0.5
            genres[track.genres] = scale * sum(
                of.get(("genre", name), 0.0) for name in track.genres
            )
        if track.year not in years:
            decades = _decades(track.year, prior)
            years[track.year] = sum(of.get(key, 0.0) * value for key, value in decades)
    languages: dict[str | None, float] = {
        str(name): prior.language**0.5 * worth
        for (kind, name), worth in of.items()
        if kind == "language"
    }
    return [
        artists[track.artists]
        + genres[track.genres]
        + years[track.year]
        + languages.get(track.language, 0.0)
        for track in tracks
    ]


def _measured(tracks: Sequence[Track]) -> Floats:
    """Return what was measured, (N, F), NaN where it was not."""
    return np.array(
        [
            (
                track.position.valence,
                track.position.arousal,
                track.danceability,
                track.acousticness,
                track.instrumentalness,
                track.tempo,
                track.popularity,
            )
            for track in tracks
        ],
        dtype=float,
    ).reshape(-1, len(_MEANS))


def _middle(measured: Floats) -> Floats:
    """Return the neutral value of each feature: the prior mean, updated by tracks heard, (F,)."""
    counts = np.isfinite(measured).sum(axis=0)
    middle: Floats = (_PRIOR_TRACKS * _MEANS + np.nansum(measured, axis=0)) / (
        _PRIOR_TRACKS + counts
    )
    return middle


def _scaled(measured: Floats, middle: Floats) -> Floats:
    """Return features in standard deviations from the middle, 0 where they were not measured."""
    scaled = np.clip((measured - middle) / _SPREADS, -_FAR, _FAR)
    return np.where(np.isfinite(scaled), scaled, 0.0)


def _close(these: Floats, those: Floats, prior: Prior) -> Floats:
    """Return how close moods are: (N, M), 1 for the same one, down to 0."""
    squares = ((these[:, None, :] - those[None, :, :]) ** 2).sum(axis=2)
    close: Floats = np.exp(-0.5 * squares / prior.reach**2)
    return close


def _plane(moods: Sequence[Mood]) -> Floats:
    return np.array([(mood.valence, mood.arousal) for mood in moods], dtype=float).reshape(-1, 2)
