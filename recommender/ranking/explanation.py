"""Third step of the ranking: why each selected track is where it is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from recommender.genres import UNSAID
from recommender.mood import COORDINATES
from recommender.ranking.candidates import CandidateSet, Floats
from recommender.ranking.reasons import NOTABLE_POINTS, Reason, Situation, write_reason
from recommender.ranking.scoring import Context, Scores, suitability
from recommender.ranking.selection import family_repeats
from recommender.ranking.weights import Weights
from recommender.types import Mood, Pick, Track


def explain(
    candidates: CandidateSet,
    rows: Sequence[int],
    scores: Scores,
    slots: Sequence[Mood],
    *,
    context: Context,
    weights: Weights,
) -> list[Pick]:
    """Return a pick for each selected row, with its reason where one is worth saying.

    Args:
        candidates: the tracks.
        rows: which of them were selected, one per slot.
        scores: what they score, as `scoring.score` returns it for the same slots.
        slots: the journey, at least as many moods as rows.
        context: whom it is for.
        weights: what counted how much.
    """
    emotions = list(COORDINATES)
    suits = suitability(candidates.table)
    picks: list[Pick] = []
    reasons: list[Reason] = []
    for place, (row, slot) in enumerate(zip(rows, slots, strict=False)):
        track = candidates.tracks[row]
        taste = float(scores.taste[place, row])
        repeats = family_repeats(candidates, rows[:place], weights)[row]
        situation = Situation(
            place=place,
            places=len(slots),
            intent=context.intent,
            slot=slot,
            target=slots[-1],
            previous=picks[-1].track if picks else None,
            genres=tuple(context.genres),
            emotion=emotions[int(np.argmax(scores.emotions[place]))],
            genre_points=float(scores.genre[place, row]),
            popularity_points=float(scores.popularity[place, row]),
            taste_points=taste,
            new_family=place > 0 and not repeats,
            best_family=_best_family(candidates, track, suits @ scores.emotions[place]),
            because=_because(track, taste, context),
        )
        reason = write_reason(track, situation, reasons)
        picks.append(Pick(track, slot, reason.text))
        reasons.append(reason)
    return picks


def _because(track: Track, points: float, context: Context) -> str | None:
    """Return how the listener's taste speaks for a track, if it does so notably."""
    notable = context.taste is not None and points > NOTABLE_POINTS
    return context.taste.because(track) if notable and context.taste else None


def _best_family(candidates: CandidateSet, track: Track, suits: Floats) -> str | None:
    """Return the family of a track that best suits what is felt; `None` if it has none."""
    families = dict(zip(candidates.table.families, suits.tolist(), strict=True))
    return max(track.genres, key=lambda name: families.get(name, UNSAID), default=None)
