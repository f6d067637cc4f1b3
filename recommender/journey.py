"""The path through the mood plane: one mood for each place in a playlist.

Meeting a mood and then moving it step by step is the iso principle of music therapy. Its
evidence is thin (Starcke et al. 2021: sad to happy ended with the highest valence, not every
difference significant), so nothing here promises more than music.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, cast

from recommender.mood import BRIGHT_AND_EASY, CALM, emotions_near
from recommender.types import INTENTS, Intent, Mood

UNPLEASANT_BELOW: Final = -0.10
"""Moods below this valence are worth moving; around zero a mood is called even."""

TENSE_ABOVE: Final = 0.20
"""Unpleasant moods above this arousal are tense: they are calmed and not cheered."""

EASE_IN_TRACKS: Final = 3
"""Over how many tracks a lift brings the energy along."""


def check_intent(intent: str) -> Intent:
    """Return `intent` if it is one.

    Raises:
        ValueError: it is not.
    """
    if intent not in INTENTS:
        raise ValueError(
            f"Incorrect value for 'intent' argument: {intent!r}: one of {', '.join(INTENTS)}"
        )
    return cast(Intent, intent)


def suggested_intent(mood: Mood) -> Intent:
    """Return what to offer first: to move where it is unpleasant, to stay elsewhere."""
    return "shift" if mood.valence < UNPLEASANT_BELOW else "match"


def target_for(mood: Mood, intent: Intent) -> Mood:
    """Return where a journey from `mood` ends.

    - ``match`` stays.
    - ``shift`` leads to `BRIGHT_AND_EASY`; from anger, disgust and fear it leads to `CALM`,
      since what these have too much of is energy, and bright and lively would not take it away.
    - ``lift`` leads to `BRIGHT_AND_EASY` from everywhere.

    A mood that is already as pleasant keeps its pleasantness, and its energy too if that is
    above the target's: a lift brings no one down.

    Raises:
        ValueError: `intent` is none of match, shift, lift.
    """
    if check_intent(intent) == "match":
        return mood
    if intent == "shift" and is_tense(mood):
        return CALM
    if mood.valence < BRIGHT_AND_EASY.valence:
        return BRIGHT_AND_EASY
    return Mood(mood.valence, max(mood.arousal, BRIGHT_AND_EASY.arousal))


def is_tense(mood: Mood) -> bool:
    """Whether a mood is unpleasant and full of energy: anger, fear, disgust."""
    return mood.valence < UNPLEASANT_BELOW and mood.arousal > TENSE_ABOVE


def plan(mood: Mood, intent: Intent, n: int, *, target: Mood | None = None) -> tuple[Mood, ...]:
    """Return `n` moods, one a place in the playlist.

    - ``match``: the mood itself, all the way.
    - ``shift``: the first is the mood, the last is the target, the steps between are even.
    - ``lift``: as pleasant as the target from the first track; the energy follows within
      `EASE_IN_TRACKS` tracks, so that a quiet mood is not met with a bang.

    Args:
        mood: where the listener is.
        intent: how to move.
        n: how many places, 1 or more. A single place of a ``shift`` is the mood itself.
        target: where to end, `target_for` by default. ``match`` has no use for it.

    Raises:
        ValueError: `intent` is unknown or `n` is below 1.
    """
    check_intent(intent)
    if n < 1:
        raise ValueError(f"Incorrect value for 'n' argument: {n!r}: 1 or more")
    if intent == "match":
        return (mood,) * n
    end = target_for(mood, intent) if target is None else target
    if intent == "shift":
        return tuple(between(mood, end, i / (n - 1) if n > 1 else 0.0) for i in range(n))
    return tuple(
        Mood(end.valence, between(mood, end, min(1.0, (i + 1) / EASE_IN_TRACKS)).arousal)
        for i in range(n)
    )


def between(start: Mood, end: Mood, fraction: float) -> Mood:
    """Return the mood at `fraction` (0-1) of the way from `start` to `end`; exact at both ends."""
    return Mood(
        start.valence * (1.0 - fraction) + end.valence * fraction,
        start.arousal * (1.0 - fraction) + end.arousal * fraction,
    )


def emotions_at(
    place: int, slots: Sequence[Mood], *, intent: Intent, emotions: Mapping[str, float]
) -> dict[str, float]:
    """Return what is felt in a slot: what was read at the start, what the mood says at the end.

    Args:
        place: which slot, from 0.
        slots: the journey.
        intent: how it moves. ``match`` stays with what was read, ``lift`` goes by the moods alone.
        emotions: emotion → weight at the start; empty where none were read.

    Returns:
        Emotion → fraction, together 1.
    """
    here = emotions_near(slots[place])
    total = sum(emotions.values())
    if total <= 0 or intent == "lift":
        return here
    progress = place / max(1, len(slots) - 1) if intent == "shift" else 0.0
    return {
        name: (1 - progress) * emotions.get(name, 0.0) / total + progress * fraction
        for name, fraction in here.items()
    }
