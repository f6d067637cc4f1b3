"""What the page says: the one place for the seven words, their glyphs and the sentences.

Nothing here draws. A sentence about a face names emotions; a sentence about a place on the pad
names only the place, because where a finger stopped says nothing about a face.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from emotion.labels import EMOTIONS
from emotion.types import EmotionScores
from recommender.mood import CALM
from recommender.types import Intent, Mood


class Feeling(NamedTuple):
    """How one emotion is shown: a word people say, a glyph, a name in Streamlit's palette."""

    word: str
    glyph: str
    color: str


FEELINGS: Final[Mapping[str, Feeling]] = {
    "angry": Feeling("angry", "😠", "red"),
    "disgust": Feeling("disgusted", "🤢", "green"),
    "fear": Feeling("afraid", "😨", "violet"),
    "happy": Feeling("happy", "😊", "yellow"),
    "sad": Feeling("sad", "😢", "blue"),
    "surprise": Feeling("surprised", "😮", "orange"),
    "neutral": Feeling("neutral", "😐", "gray"),
}
assert tuple(FEELINGS) == EMOTIONS

PRIVACY: Final = "Pictures are read in memory and forgotten. No account, nothing stored."


class Choice(NamedTuple):
    """One answer to the question what the music should do."""

    label: str
    promise: str
    icon: str


QUESTION: Final = "What should the music do?"
CHOICES: Final[Mapping[Intent, Choice]] = {
    "match": Choice("Stay with it", "Music that sits beside you.", ":material/favorite:"),
    "shift": Choice(
        "Move gently", "Starts where you are, brightens step by step.", ":material/trending_up:"
    ),
    "lift": Choice("Lift me up", "Goes straight to bright and easy.", ":material/light_mode:"),
}

# Upper bounds of the steps on each axis of the pad. The pad's script gets these tables too, so
# that what it says while the dot moves is what Python says once it rests.
PLEASANTNESS: Final = (
    (-0.6, "very unpleasant"),
    (-0.15, "unpleasant"),
    (0.15, "in between"),
    (0.6, "pleasant"),
    (1.0, "very pleasant"),
)
ENERGY: Final = (
    (-0.6, "very quiet"),
    (-0.15, "quiet"),
    (0.15, "steady"),
    (0.6, "lively"),
    (1.0, "full of energy"),
)

THE_MIDDLE: Final = "the middle"

BARELY: Final = 0.10
HARDLY: Final = 0.05
"""Below these probabilities the second emotion is barely there, or not worth a word."""


def capital(text: str) -> str:
    """Return the text with its first letter raised and the rest as it was."""
    return text[:1].upper() + text[1:]


def place(mood: Mood, *, joint: str = " and ") -> str:
    """Describe a place on the pad: "unpleasant and quiet", "in the middle"."""
    pleasant = _step(PLEASANTNESS, mood.valence)
    energy = _step(ENERGY, mood.arousal)
    if pleasant != "in between":
        return f"{pleasant}{joint}{energy}"
    return f"in {THE_MIDDLE}" if energy == "steady" else energy


def what_a_face_shows(scores: EmotionScores) -> str:
    """Name the two nearest emotions: "Mostly happy, a little surprised"."""
    (first, _), (second, probability) = scores.ranked[:2]
    one, two = FEELINGS[first].word, FEELINGS[second].word
    if scores.unsure:
        return f"Hard to say: {one} or {two}?"
    if probability < HARDLY:
        return f"Clearly {one}"
    if probability < BARELY:
        return f"Clearly {one}, barely {two}"
    return f"Mostly {one}, a little {two}"


def name_of(scores: EmotionScores) -> str:
    """Name what a face shows within a longer sentence: "happy", "neutral or sad"."""
    leading = scores.ranked[: 2 if scores.unsure else 1]
    return " or ".join(FEELINGS[emotion].word for emotion, _ in leading)


def what_a_playlist_does(start: str, intent: Intent, mood: Mood, target: Mood) -> str:
    """Title a playlist: "From sad towards bright and easy".

    Args:
        start: the visitor's mood in words.
        intent: what was asked for.
        mood, target: where the journey begins and ends. Happy people who ask to be moved are
            where the journey leads already; then nothing is promised.
    """
    if intent == "lift":
        return f"Straight to {goal(target)}"
    if intent == "match" or mood.distance(target) < 0.05:
        return f"Staying {'in' if start == THE_MIDDLE else 'with'} {start}"
    return f"From {start} towards {goal(target)}"


def goal(target: Mood) -> str:
    """Name where a journey leads: tension is calmed, everything else is brightened."""
    return "calm" if target.distance(CALM) < 0.05 else "bright and easy"


def plain(text: str) -> str:
    """Return text that Markdown shows as it is, for titles and names from a catalogue.

    Streamlit's Markdown also knows ``:red[…]``, ``:smile:`` and ``$…$``; a track called
    "A$AP *" should not set anything.
    """
    return re.sub(r"([\\`*_{}\[\]<>()#+\-.!|~$:^=&])", r"\\\1", " ".join(text.split()))


def _step(scale: tuple[tuple[float, str], ...], value: float) -> str:
    return next(word for bound, word in scale if value <= bound)
