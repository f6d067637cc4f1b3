"""Second step of the ranking: which candidate takes which slot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from recommender.journey import steps_evenly
from recommender.ranking.candidates import CandidateSet, Floats
from recommender.ranking.scoring import IN_PLACE_DISTANCE, Scores
from recommender.ranking.weights import Weights
from recommender.types import Intent, Mood

ARTIST_GAP: Final = 9
"""After an artist come at least this many tracks by others: no artist twice in ten."""


def select(
    candidates: CandidateSet,
    scores: Scores,
    slots: Sequence[Mood],
    *,
    intent: Intent,
    weights: Weights,
    seed: int,
) -> list[int]:
    """Select a candidate for each slot, as rows; fewer where the tracks run out.

    Each slot takes the track with the highest score plus Gumbel noise, which is a draw from the
    softmax of the scores. Artists keep `ARTIST_GAP`, songs never come twice, and leading families
    that were just heard are penalised. Where no artist keeps the gap, the one heard longest ago may
    return.

    Args:
        candidates: the tracks.
        scores: what they score, as `scoring.score` returns it for the same slots.
        slots: the journey, one mood per slot.
        intent: how it moves. Along a ``shift`` or ``wind_down`` no track falls back behind the
            one before.
        weights: what counts how much.
        seed: of the draw.
    """
    noise = np.random.default_rng(seed)
    total = scores.total
    total += weights.temperature * noise.gumbel(size=total.shape)
    free = np.ones(len(candidates), dtype=bool)
    last_heard = np.full(len(candidates), -np.inf)
    rows: list[int] = []
    for place, points in enumerate(total):
        if not free.any():
            break
        gap = np.where(free, place - last_heard, -np.inf)
        allowed = gap >= min(ARTIST_GAP + 1, gap.max())
        points = points - weights.repeat * family_repeats(candidates, rows, weights)
        best = int(np.argmax(np.where(allowed, points, -np.inf)))
        rows.append(best)
        free[candidates.same_song(best)] = False
        last_heard[candidates.same_artists(best)] = place
    return _without_steps_back(candidates, rows, slots) if steps_evenly(intent) else rows


def family_repeats(candidates: CandidateSet, rows: Sequence[int], weights: Weights) -> Floats:
    """Return how often each track's leading family is among the last few rows, (tracks,)."""
    return candidates.leading_family_counts(rows[-weights.memory :])


def _without_steps_back(
    candidates: CandidateSet, rows: Sequence[int], slots: Sequence[Mood]
) -> list[int]:
    """Return the rows in an order in which no track falls back behind the one before.

    Neighbours that step back are swapped, unless that breaks the `ARTIST_GAP`.
    """
    progress: dict[int, float] = {}
    walked = 0.0
    for place, (row, slot) in enumerate(zip(rows, slots, strict=False)):
        back, forth = slots[max(0, place - 1)], slots[min(place + 1, len(slots) - 1)]
        walked += back.distance(slot)
        # The position of a track that is far from its slot does not say where it belongs.
        position = candidates.tracks[row].position
        here = position if position.distance(slot) <= IN_PLACE_DISTANCE else slot
        length = back.distance(forth) or 1.0
        ahead = (here.valence - slot.valence) * (forth.valence - back.valence) + (
            here.arousal - slot.arousal
        ) * (forth.arousal - back.arousal)
        progress[row] = walked + ahead / length
    same = {row: set(candidates.same_artists(row)) for row in rows}
    order = list(rows)
    for last in range(1, len(order)):
        for place in range(last, 0, -1):
            one, other = order[place - 1], order[place]
            if progress[one] <= progress[other]:
                break
            before = order[max(0, place - 1 - ARTIST_GAP) : place - 1]
            after = order[place + 1 : place + 1 + ARTIST_GAP]
            if not same[other].isdisjoint(before) or not same[one].isdisjoint(after):
                break
            order[place - 1], order[place] = other, one
    return order
