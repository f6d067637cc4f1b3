"""From what a face shows to a point on the valence-arousal plane."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from math import exp, fsum, inf
from types import MappingProxyType
from typing import Final

from recommender.types import Mood

COORDINATES: Final[Mapping[str, Mood]] = MappingProxyType(
    {
        "angry": Mood(-0.51, 0.59),
        "disgust": Mood(-0.60, 0.35),
        "fear": Mood(-0.64, 0.60),
        "happy": Mood(0.81, 0.51),
        "sad": Mood(-0.63, -0.27),
        "surprise": Mood(0.40, 0.67),
        "neutral": Mood(0.0, 0.0),
    }
)
"""Where each emotion lies. The one place that says so.

The means of J. A. Russell & A. Mehrabian, "Evidence for a three-factor theory of emotions",
Journal of Research in Personality 11 (1977), 273-294, rated for the feeling and not for the
word. Warriner et al.'s norms (2013) put the same emotions into the same quadrants, at lower
arousal. Surprise has no sign of its own: people surprised by good news pull its mean to the
pleasant side, so a person read as surprised should be asked.
"""

BRIGHT_AND_EASY: Final = Mood(0.60, 0.25)
"""Where lifting leads: clearly pleasant, awake, not yet a party."""

CALM: Final = Mood(0.47, -0.60)
"""Where tension settles. "Calm" has valence .47 in Warriner et al. 2013; its arousal of -.83
is softened, because beyond it a catalogue holds little but rain and sleep sounds."""

ENERGETIC: Final = Mood(0.10, 0.80)
"""What people label "energetic": much energy, of either sign. Of 686 hand-labelled tracks those
had energy quartiles of .85 to .95 beside a valence around the middle (.27 to .59)."""

EMOTION_BANDWIDTH: Final = 0.35
"""How far an emotion reaches on the plane: about half the way from sad to neutral."""


def mood_of(probabilities: Mapping[str, float]) -> Mood:
    """Return the mood expected under a classifier's probabilities.

    The expectation and not the most probable emotion: a face rarely shows one thing.

    Args:
        probabilities: emotion → weight, 0 or more. Emotions left out count as 0, and the
            weights need not sum to 1.

    Raises:
        ValueError: an unknown emotion, a weight that is negative or not a number, or no weight
            above 0.
    """
    if not isinstance(probabilities, Mapping):
        raise ValueError(
            f"Incorrect value for 'probabilities' argument: {probabilities!r}: "
            "an object of emotion and weight is needed"
        )
    moods = [mood_of_emotion(name) for name in probabilities]
    for name, weight in probabilities.items():
        _check_weight(weight, f"probabilities[{name!r}]")
    if not any(probabilities.values()):
        raise ValueError(
            f"Incorrect value for 'probabilities' argument: {dict(probabilities)!r}: "
            "one weight has to be above 0"
        )
    return room_mood(moods, list(probabilities.values()))


def mood_of_emotion(name: str) -> Mood:
    """Return where one emotion lies.

    Raises:
        ValueError: `name` is none of the seven.
    """
    if name not in COORDINATES:
        raise ValueError(
            f"Incorrect value for 'emotion' argument: {name!r}: one of {', '.join(COORDINATES)}"
        )
    return COORDINATES[name]


def emotions_near(mood: Mood) -> dict[str, float]:
    """Return which emotions a point on the plane may stand for, together 1.

    The reverse of `mood_of`, for moods set by hand and for places along a journey: a Gaussian
    kernel of `EMOTION_BANDWIDTH` around each emotion's coordinates.
    """
    weights = {
        name: exp(-0.5 * (mood.distance(place) / EMOTION_BANDWIDTH) ** 2)
        for name, place in COORDINATES.items()
    }
    total = fsum(weights.values())
    return {name: weight / total for name, weight in weights.items()}


def describe(mood: Mood) -> str:
    """Return a place on the plane in plain words: never an emotion, only where it lies."""
    if mood.distance(BRIGHT_AND_EASY) < 0.25:
        return "bright and easy"
    if mood.distance(CALM) < 0.25:
        return "calm and warm"
    pleasant = _word(
        mood.valence, ("very unpleasant", "unpleasant", "", "pleasant", "very pleasant")
    )
    lively = _word(mood.arousal, ("very quiet", "quiet", "", "lively", "full of energy"))
    return " and ".join(word for word in (pleasant, lively) if word) or "even"


def mood_named(text: str) -> Mood:
    """Return the place that a word for a mood stands for.

    Args:
        text: one of the seven emotions, ``calm``, ``energetic`` or what `describe` says, in any
            case. For a region that `describe` names, its middle is returned.

    Raises:
        ValueError: it is none of these; the message lists them.
    """
    named = {**COORDINATES, "calm": CALM, "energetic": ENERGETIC}
    wanted = " ".join(str(text).casefold().split())
    place = named.get(wanted) or _regions().get(wanted)
    if place is None:
        raise ValueError(
            f"Incorrect value for 'mood' argument: {text!r}: one of {', '.join(named)}, "
            f"{', '.join(sorted(_regions()))}"
        )
    return place


@cache
def _regions() -> Mapping[str, Mood]:
    """Return each phrase that `describe` uses → the middle of its region."""
    steps = [step / 20 for step in range(-20, 21)]
    members: dict[str, list[Mood]] = {}
    for place in (Mood(valence, arousal) for valence in steps for arousal in steps):
        members.setdefault(describe(place), []).append(place)
    # The nearest member and not the mean itself, which may lie in a hole of the region.
    return {words: min(places, key=room_mood(places).distance) for words, places in members.items()}


def room_mood(moods: Sequence[Mood], weights: Sequence[float] | None = None) -> Mood:
    """Return the one mood for several faces: their weighted mean.

    Args:
        moods: one per face, at least one.
        weights: how much each face counts, 0 or more; all alike by default.

    Raises:
        ValueError: no moods, or weights that are negative, all 0, or not one per mood.
    """
    if not moods:
        raise ValueError("Incorrect value for 'moods' argument: (): at least one is needed")
    fractions = [1.0] * len(moods) if weights is None else list(weights)
    for fraction in fractions:
        _check_weight(fraction, "weights")
    # Scaled by the largest, so that weights near the ends of float neither overflow nor vanish.
    largest = max(fractions, default=0.0)
    if len(fractions) != len(moods) or largest <= 0.0:
        raise ValueError(
            f"Incorrect value for 'weights' argument: {fractions!r}: "
            f"{len(moods)} are needed, one of them above 0"
        )
    fractions = [float(fraction) / float(largest) for fraction in fractions]
    total = fsum(fractions)
    pairs = list(zip(moods, fractions, strict=True))
    return Mood(
        _clipped(fsum(mood.valence * fraction for mood, fraction in pairs) / total),
        _clipped(fsum(mood.arousal * fraction for mood, fraction in pairs) / total),
    )


def _word(value: float, words: tuple[str, str, str, str, str]) -> str:
    """Pick one of five words for a value in [-1, 1]; the middle one means a value around 0."""
    return words[sum(value >= bound for bound in (-0.75, -0.15, 0.15, 0.75))]


def _check_weight(weight: object, name: str) -> None:
    # Numpy's numbers are welcome, so what matters is that it turns into a float.
    number = hasattr(weight, "__float__") and not isinstance(weight, bool)
    if not number or not 0.0 <= float(weight) < inf:  # type: ignore[arg-type]
        raise ValueError(
            f"Incorrect value for '{name}' argument: {weight!r}: a number of 0 or more is needed"
        )


def _clipped(value: float) -> float:
    """Keep rounding in the last digit from leaving [-1, 1]."""
    return max(-1.0, min(1.0, float(value)))
