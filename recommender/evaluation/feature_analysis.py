"""Which audio features say more about a mood than valence and energy do.

The tracks of a catalogue carry no mood labels, but their genre families are known, and the genre
table says which emotions these suit: a weak label, but enough to compare features.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations_with_replacement
from typing import Final

import numpy as np
from numpy.typing import NDArray

from recommender.genres import UNSAID, default_table
from recommender.mood import COORDINATES
from recommender.types import Track

Floats = NDArray[np.float64]

FOLDS: Final = 5

FEATURES: Final[Mapping[str, Callable[[Track], float | None]]] = {
    "acousticness": lambda track: track.acousticness,
    "instrumentalness": lambda track: track.instrumentalness,
    "danceability": lambda track: track.danceability,
    "tempo": lambda track: track.tempo,
    "mode": lambda track: track.mode,
}
"""The features that are compared, beside the position on the plane."""

MIN_KNOWN_TRACKS: Final = 200
"""With fewer tracks, no figure is given."""


def gains(tracks: Sequence[Track]) -> dict[str, float | None]:
    """Return how much of what families suit is explained, and what each feature adds to that.

    A quadratic in the features is fitted to the mean suitability of a track's families for each
    of the seven emotions; what counts is the variance explained on tracks that it was not
    fitted to (`FOLDS` parts), over all seven together.

    Args:
        tracks: a catalogue; those of unknown families are left out.

    Returns:
        "valence and energy" → fraction of the variance explained, then feature → what it adds
        among the tracks of which it is known, ``None`` where those are fewer than
        `MIN_KNOWN_TRACKS`.
    """
    table = default_table()
    known = [track for track in tracks if any(name in table.suits for name in track.genres)]
    found: dict[str, float | None] = {"valence and energy": _explained(known, None)}
    for name, feature in FEATURES.items():
        having = [track for track in known if feature(track) is not None]
        without, with_it = _explained(having, None), _explained(having, feature)
        gain = None if without is None or with_it is None else with_it - without
        found[name] = gain
    return found


def _explained(
    tracks: Sequence[Track], feature: Callable[[Track], float | None] | None
) -> float | None:
    """Return the cross-validated fraction of the variance that is explained."""
    if len(tracks) < MIN_KNOWN_TRACKS:
        return None
    columns = [[t.position.valence for t in tracks], [t.position.arousal for t in tracks]]
    if feature is not None:
        columns.append([feature(track) or 0.0 for track in tracks])
    inputs = _quadratic(np.array(columns, dtype=float).T)
    wanted = np.array([_suits(track) for track in tracks])
    fold = np.random.default_rng(0).permutation(len(tracks)) % FOLDS
    guessed = np.zeros_like(wanted)
    for number in range(FOLDS):
        seen = fold != number
        fitted = np.linalg.lstsq(inputs[seen], wanted[seen], rcond=None)[0]
        guessed[~seen] = inputs[~seen] @ fitted
    spread = float(((wanted - wanted.mean(axis=0)) ** 2).sum())
    return 1 - float(((wanted - guessed) ** 2).sum()) / spread if spread > 0 else None


def _suits(track: Track) -> list[float]:
    """Return how well a track's families suit each emotion on average, 7 values."""
    suits = [table for name in track.genres if (table := default_table().suits.get(name))]
    return [
        float(np.mean([family.get(emotion, UNSAID) for family in suits])) if suits else UNSAID
        for emotion in COORDINATES
    ]


def _quadratic(values: Floats) -> Floats:
    """Return features (N, F), standardised, with their products and a constant."""
    spread = values.std(axis=0)
    scaled = (values - values.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    pairs = combinations_with_replacement(range(values.shape[1]), 2)
    products = [scaled[:, a] * scaled[:, b] for a, b in pairs]
    return np.column_stack([np.ones(len(values)), scaled, *products])
