"""First step of the ranking: what every candidate scores in every slot of a journey."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from recommender.genres import UNSAID, GenreTable
from recommender.journey import emotions_at
from recommender.mood import COORDINATES, mood_named
from recommender.ranking.candidates import CandidateSet, Floats
from recommender.ranking.weights import Weights
from recommender.taste.taste import Taste
from recommender.types import Intent, Mood

TASTE_LIMIT: Final = 3.0
"""Log-odds are clipped here: taste shapes a playlist, but never decides it alone."""

IN_PLACE_DISTANCE: Final = 0.30
"""A track within this distance of its slot, in units of the plane, is in its place."""

QUIET_DEPTH: Final = 0.6
"""Arousal this far below 0 is as quiet as a calm slot gets."""

PLEASANT_HEIGHT: Final = 0.4
"""Valence this far above 0 is as pleasant as a calm slot gets."""

INSTRUMENTAL_CALM: Final = Mood(-0.80, -0.90)
"""Where calm instrumental music is measured to be: of 686 hand-labelled tracks the calm ones had
a median valence of .12, energy of .12 and instrumentalness of .91."""

INSTRUMENTAL_CALM_BANDWIDTH: Final = 0.25
"""Distance from `INSTRUMENTAL_CALM` that costs half a point, in units of the plane."""

VOCAL_PENALTY: Final = 8.0
"""Points that keep music with a voice from counting as near `INSTRUMENTAL_CALM`."""


LABELLED_ENERGY: Final[Mapping[str, tuple[float, float]]] = {
    "happy": (0.66, 0.88),
    "sad": (0.25, 0.52),
    "energetic": (0.85, 0.95),
    "calm": (0.04, 0.24),
}
"""Mood, as `mood_named` takes it → lower and upper quartile of measured energy among 686 tracks
that people labelled with it. A rank says where a track stands in its catalogue; in a loud
catalogue, a track that is quieter than most is not yet sad."""

LABELLED_BANDWIDTH: Final = 0.35
"""How near a slot has to be to a labelled mood, in units of the plane, for its energy to count."""


@dataclass(frozen=True, slots=True)
class Context:
    """Whom a ranking is for.

    Attributes:
        intent: how the journey moves.
        emotions: emotion → weight at the start; empty to guess them from the moods. Along the
            journey they give way to the emotions near each slot's mood.
        genres: the genre families that were asked for.
        taste: what is known of the listener's taste.
    """

    intent: Intent
    emotions: Mapping[str, float] = field(default_factory=dict)
    genres: Sequence[str] = ()
    taste: Taste | None = None


@dataclass(frozen=True, slots=True)
class Scores:
    """What each candidate scores in each slot, and what is felt there.

    Attributes:
        emotions: what is felt in each slot, (slots, 7) in the order of `COORDINATES`.
        nearness: 0 for a track exactly at the slot's mood, below elsewhere.
        genre, popularity, acousticness, energy, taste: points, each (slots, tracks) as `nearness`
            is.
    """

    emotions: Floats
    nearness: Floats
    genre: Floats
    popularity: Floats
    acousticness: Floats
    energy: Floats
    taste: Floats

    @property
    def total(self) -> Floats:
        """The sum of all terms, (slots, tracks)."""
        return (
            self.nearness
            + self.genre
            + self.popularity
            + self.acousticness
            + self.energy
            + self.taste
        )


def score(
    candidates: CandidateSet, slots: Sequence[Mood], context: Context, weights: Weights
) -> Scores:
    """Score every candidate for every slot.

    Args:
        candidates: the tracks.
        slots: the journey, one mood per slot.
        context: whom it is for.
        weights: what counts how much.
    """
    felt = [
        emotions_at(place, slots, intent=context.intent, emotions=context.emotions)
        for place in range(len(slots))
    ]
    emotions = np.array([list(each.values()) for each in felt]).reshape(-1, len(COORDINATES))
    moods = np.array([(slot.valence, slot.arousal) for slot in slots]).reshape(-1, 2)
    quietness = np.maximum(0.0, -moods[:, 1])[:, None]
    fit = _genre_fit(candidates, emotions)
    taste = _taste(candidates, slots, context.taste)
    return Scores(
        emotions=emotions,
        nearness=_nearness(candidates, moods, quietness, weights),
        genre=weights.genre * (fit - UNSAID) / (1 - UNSAID),
        popularity=np.broadcast_to(weights.popularity * candidates.popularity, fit.shape),
        acousticness=weights.acousticness * quietness * candidates.acousticness,
        energy=-weights.energy * _outside_labelled(candidates, moods),
        taste=weights.taste * np.clip(taste, -TASTE_LIMIT, TASTE_LIMIT),
    )


def suitability(table: GenreTable) -> Floats:
    """Return how well each family suits each emotion, 0-1: (families, 7)."""
    return np.array(
        [
            [table.suits[name].get(emotion, UNSAID) for emotion in COORDINATES]
            for name in table.families
        ]
    ).reshape(-1, len(COORDINATES))


def _genre_fit(candidates: CandidateSet, emotions: Floats) -> Floats:
    """Return how well each track's best family suits what is felt, 0-1: (slots, tracks).

    The best one counts: a song tagged folk and pop is as fitting as folk is.
    """
    suits = emotions @ suitability(candidates.table).T
    padded = np.column_stack([suits, np.full(len(emotions), -1.0)])
    fit = padded[:, candidates.families].max(axis=2, initial=-1.0)
    return np.where(fit < 0, UNSAID, fit)


def _nearness(
    candidates: CandidateSet, moods: Floats, quietness: Floats, weights: Weights
) -> Floats:
    """Return the Gaussian log-kernel of each track around each slot, (slots, tracks)."""
    narrowing = (weights.quiet_bandwidth - weights.bandwidth) * quietness
    bandwidth = weights.bandwidth + narrowing
    offset = moods[:, None, :] - candidates.positions
    near = -0.5 * ((offset[..., 0] / bandwidth) ** 2 + (offset[..., 1] / weights.bandwidth) ** 2)
    pleasantness = np.clip(moods[:, :1] / PLEASANT_HEIGHT, 0.0, 1.0)
    calm = np.minimum(1.0, quietness / QUIET_DEPTH) * pleasantness
    vocal = 1 - calm * candidates.instrumentalness
    away = candidates.positions - (INSTRUMENTAL_CALM.valence, INSTRUMENTAL_CALM.arousal)
    distance = ((away / INSTRUMENTAL_CALM_BANDWIDTH) ** 2).sum(axis=1)
    instrumental = -0.5 * distance - weights.instrumentalness - VOCAL_PENALTY * vocal
    return np.asarray(np.maximum(near, instrumental))


def _outside_labelled(candidates: CandidateSet, moods: Floats) -> Floats:
    """Return how far measured energy lies outside of `LABELLED_ENERGY`, 0-1: (slots, tracks)."""
    outside = np.zeros((len(moods), len(candidates)))
    for name, (low, high) in LABELLED_ENERGY.items():
        mood = mood_named(name)
        gap = np.hypot(moods[:, 0] - mood.valence, moods[:, 1] - mood.arousal)
        near = np.exp(-0.5 * (gap / LABELLED_BANDWIDTH) ** 2)
        outside += near[:, None] * np.maximum(
            0.0, np.maximum(low - candidates.energy, candidates.energy - high)
        )
    return outside


def _taste(candidates: CandidateSet, slots: Sequence[Mood], taste: Taste | None) -> Floats:
    """Return the log-odds of liking, (slots, tracks): scored at both ends, interpolated between."""
    shape = (len(slots), len(candidates))
    if taste is None or not slots or not len(candidates):
        return np.zeros(shape)
    first = taste.score(candidates.tracks, slots[0])
    if slots[0] == slots[-1]:
        return np.broadcast_to(first, shape)
    progress = np.linspace(0, 1, len(slots))[:, None]
    return (1 - progress) * first + progress * taste.score(candidates.tracks, slots[-1])
