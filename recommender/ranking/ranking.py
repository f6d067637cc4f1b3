"""The ranking as one call: score → select → explain."""

from __future__ import annotations

from collections.abc import Sequence

from recommender.ranking.candidates import CandidateSet
from recommender.ranking.explanation import explain
from recommender.ranking.scoring import Context, score
from recommender.ranking.selection import select
from recommender.ranking.weights import Weights
from recommender.types import Mood, Pick, Track


def rank(
    candidates: CandidateSet,
    slots: Sequence[Mood],
    context: Context,
    *,
    weights: Weights,
    seed: int,
) -> list[Pick]:
    """Return a pick for each slot, fewer where the tracks run out.

    Args:
        candidates: the tracks.
        slots: the journey, one mood per slot.
        context: whom it is for.
        weights: what counts how much.
        seed: of the draw.
    """
    scores = score(candidates, slots, context, weights)
    rows = select(candidates, scores, slots, intent=context.intent, weights=weights, seed=seed)
    return explain(candidates, rows, scores, slots, context=context, weights=weights)


def explain_tracks(
    tracks: Sequence[Track],
    slots: Sequence[Mood],
    context: Context,
    *,
    weights: Weights | None = None,
) -> list[Pick]:
    """Return tracks in a given order as picks, each with the reason that holds in its place.

    Args:
        tracks: one per slot.
        slots: the journey, one mood per slot; more moods than tracks where tracks are missing.
        context: whom it is for.
        weights: what counts how much, by default `Weights`.

    Raises:
        ValueError: there are more tracks than slots.
    """
    if len(tracks) > len(slots):
        raise ValueError(
            f"Incorrect value for 'slots' argument: {len(slots)} slots for {len(tracks)} tracks"
        )
    weights = weights or Weights()
    candidates = CandidateSet(tracks)
    scores = score(candidates, slots, context, weights)
    rows = range(len(tracks))
    return explain(candidates, rows, scores, slots, context=context, weights=weights)
