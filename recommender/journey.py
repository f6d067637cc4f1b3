"""The path through the mood plane: one mood for each place in a playlist.

Meeting a mood and then moving it step by step is the iso principle of music therapy. Its
evidence is thin (Starcke et al. 2021: sad to happy ended with the highest valence, not every
difference significant), so nothing here promises more than music. The routes go by Law & Horner
(JASA 2024): sad to relaxing and relaxing to uplifting raise valence, angry to relaxing calms.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from recommender.mood import BRIGHT_AND_EASY, CALM, emotions_near
from recommender.types import INTENTS, Intent, Mood

UNPLEASANT_BELOW: Final = -0.10
"""Moods below this valence are worth moving; around zero a mood is called even."""

TENSE_ABOVE: Final = 0.20
"""Unpleasant moods above this arousal are tense: they are calmed and not cheered."""

RELAXED: Final = Mood(0.35, -0.35)
"""The relaxing music between sad and uplifting: on the pleasant side, and quiet."""

CALM_REACH: Final = 0.15
"""A mood counts as calm up to this far above the arousal of `CALM`, and down to twice as far below
its valence."""

NOTICEABLE_DISTANCE: Final = 0.05
"""A journey shorter than this, in units of the plane, leads nowhere."""

EASE_IN_TRACKS: Final = 3
"""How many tracks a lift takes to reach its energy."""


def check_intent(intent: str) -> Intent:
    """Return `intent` if it is one.

    Raises:
        ValueError: it is not.
    """
    known = next((one for one in INTENTS if one == intent), None)
    if known is None:
        raise ValueError(
            f"Incorrect value for 'intent' argument: {intent!r}: one of {', '.join(INTENTS)}"
        )
    return known


def suggested_intent(mood: Mood) -> Intent:
    """Return what to offer first: to move where it is unpleasant, to stay elsewhere."""
    return "shift" if mood.valence < UNPLEASANT_BELOW else "match"


def offered_intents(mood: Mood) -> tuple[Intent, ...]:
    """Return the intents that make sense for a mood, in the order of `INTENTS`.

    One that leads nowhere is left out, since it is a match by another name, and so is a wind-down
    that ends where a shift does: a lift for the happy and lively, a wind-down for the calm and for
    the angry, whom a shift calms. ``match`` and `suggested_intent` are always among them.
    """
    ends = {intent: target_for(mood, intent) for intent in INTENTS}
    same = ends["shift"].distance(ends["wind_down"]) < NOTICEABLE_DISTANCE
    return tuple(
        intent
        for intent in INTENTS
        if intent == "match"
        or (
            ends[intent].distance(mood) >= NOTICEABLE_DISTANCE
            and not (intent == "wind_down" and same)
        )
    )


def target_for(mood: Mood, intent: Intent) -> Mood:
    """Return where a journey from `mood` ends.

    - ``match`` stays.
    - ``shift`` leads to `BRIGHT_AND_EASY`; from anger, disgust and fear it leads to `CALM`,
      since these have too much energy, which bright and lively music would not take away.
    - ``lift`` leads to `BRIGHT_AND_EASY` from everywhere.
    - ``wind_down`` leads to `CALM` from everywhere.

    Brightening takes nothing away: a mood that is already as pleasant keeps its pleasantness,
    and its energy too if that is above the target's. Nor does winding down stir up: a mood that is
    already as quiet stays as quiet, and one that is already calm stays where it is.

    Raises:
        ValueError: `intent` is none of `INTENTS`.
    """
    if check_intent(intent) == "match":
        return mood
    if intent == "wind_down":
        if is_calm(mood):
            return mood
        return Mood(CALM.valence, min(mood.arousal, CALM.arousal))
    if intent == "shift" and is_tense(mood):
        return CALM
    if mood.valence < BRIGHT_AND_EASY.valence:
        return BRIGHT_AND_EASY
    return Mood(mood.valence, max(mood.arousal, BRIGHT_AND_EASY.arousal))


def is_tense(mood: Mood) -> bool:
    """Whether a mood is unpleasant and full of energy: anger, fear, disgust."""
    return mood.valence < UNPLEASANT_BELOW and mood.arousal > TENSE_ABOVE


def is_calm(mood: Mood) -> bool:
    """Whether a mood is as quiet as `CALM`, or nearly, and about as pleasant or more so."""
    return (
        mood.arousal <= CALM.arousal + CALM_REACH and mood.valence >= CALM.valence - 2 * CALM_REACH
    )


def steps_evenly(intent: Intent) -> bool:
    """Whether a journey goes from the mood to the target in even steps."""
    return intent in ("shift", "wind_down")


def waypoints(mood: Mood, intent: Intent, *, target: Mood | None = None) -> tuple[Mood, ...]:
    """Return the places that a journey passes, the mood first and the target last.

    A ``shift`` that brightens an unpleasant, quiet mood goes through `RELAXED`: listeners' ratings
    rose from sad to relaxing and from relaxing to uplifting music (Law & Horner 2024). Every other
    journey is straight. An angry mood needs no detour, since its target is calm itself.

    Args:
        mood: where the listener is.
        intent: how to move.
        target: where to end, `target_for` by default.
    """
    end = target_for(mood, intent) if target is None or intent == "match" else target
    brightens = end.valence > RELAXED.valence and end.arousal > RELAXED.arousal
    quiet = mood.valence < UNPLEASANT_BELOW and mood.arousal <= TENSE_ABOVE
    if intent == "shift" and quiet and brightens:
        return mood, RELAXED, end
    return mood, end


def plan(mood: Mood, intent: Intent, n: int, *, target: Mood | None = None) -> tuple[Mood, ...]:
    """Return `n` moods, one per place in the playlist.

    - ``match``: the mood itself, all the way.
    - ``shift``, ``wind_down``: the first is the mood, the last is the target, and the steps along
      the `waypoints` are about even. From three places on a waypoint has a place of its own; two
      places are the mood and the target.
    - ``lift``: as pleasant as the target from the first track; the energy follows within
      `EASE_IN_TRACKS` tracks, so that a quiet mood is not met with a bang.

    Args:
        mood: where the listener is.
        intent: how to move.
        n: how many places, 1 or more. A single place of a ``shift`` or a ``wind_down`` is the mood
            itself.
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
    if steps_evenly(intent):
        return _walk(waypoints(mood, intent, target=end), n)
    return tuple(
        Mood(end.valence, between(mood, end, min(1.0, (i + 1) / EASE_IN_TRACKS)).arousal)
        for i in range(n)
    )


def _walk(path: tuple[Mood, ...], n: int) -> tuple[Mood, ...]:
    """Return `n` places along a path of one or two legs, the largest step as small as can be."""
    start, end = path[0], path[-1]
    if n == 1:
        return (start,)
    if len(path) == 2 or n == 2:
        return tuple(between(start, end, i / (n - 1)) for i in range(n))
    corner = path[1]
    first, second = start.distance(corner), corner.distance(end)
    steps = min(range(1, n - 1), key=lambda steps: max(first / steps, second / (n - 1 - steps)))
    return (
        *(between(start, corner, i / steps) for i in range(steps)),
        *(between(corner, end, i / (n - 1 - steps)) for i in range(n - steps)),
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
    """Return what is felt in a slot: the reading at the start, the slot's mood at the end.

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
    progress = place / max(1, len(slots) - 1) if steps_evenly(intent) else 0.0
    return {
        name: (1 - progress) * emotions.get(name, 0.0) / total + progress * fraction
        for name, fraction in here.items()
    }
