"""What the page says: the one place for the seven words, their glyphs and the sentences.

Nothing here draws. A sentence about a face names emotions; a sentence about a place on the pad
names only the place, because where a finger stopped says nothing about a face.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Literal, NamedTuple

from emotion.labels import EMOTIONS
from emotion.types import EmotionScores
from recommender.mood import CALM
from recommender.types import Filters, Intent, Mood


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
PRIVACY_WITH_DIARY: Final = (
    "Pictures are read in memory and forgotten. Your diary keeps moods and music."
)

# What is promised, word for word as the README and the pages of docs/ have it; a test compares.
PHOTO_PROMISE: Final = (
    "A photo stays in the server's memory while its page is open, so that it can be shown, and "
    "goes at most three minutes after the page was closed. The file that was handed in goes as "
    "soon as it is read. No address leads to either, and neither is written to disk."
)
LIVE_PROMISE: Final = (
    "A frame of the live camera is dropped when the next one comes, and what was read in a stream "
    "goes when it stops, when its page is left, or with the connection."
)
VISIT_PROMISE: Final = (
    "What is learned of a visitor's own face, from their resting face and from what they correct, "
    "is seven numbers each: kept for the visit, in memory alone, and forgotten with one tap."
)
DIARY_ASSUMES: Final = (
    "A diary on a computer of your own belongs to whoever can open this page there: to every "
    "account of the computer, and to whoever comes in through a tunnel. Keep one only where that "
    "is you alone."
)

Deleted = Literal["file", "busy", "server"]
DELETED: Final[Mapping[Deleted, str]] = {
    "file": "Everything is deleted, and gone from the database's file.",
    "busy": "Everything is deleted. Another program is using the database's file, so remains of it "
    "can be there until the next thing is deleted.",
    "server": "Everything is deleted from the diary. The database server can still have remains of "
    "it in its files, its log and its backups, until whoever runs it clears them out.",
}
"""What is true once everything was deleted: of a file, of one in use, of a PostgreSQL server."""


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

ADVENTURE: Final[Mapping[float, str]] = {
    0.0: "familiar",
    0.25: "mostly familiar",
    0.5: "some of both",
    0.75: "mostly new",
    1.0: "adventurous",
}
"""The steps from what most people know to what few have heard."""

LANGUAGES: Final[Mapping[str, str]] = {
    "zxx": "without words",
    "af": "Afrikaans",
    "ar": "Arabic",
    "bg": "Bulgarian",
    "bn": "Bengali",
    "ca": "Catalan",
    "cs": "Czech",
    "cy": "Welsh",
    "da": "Danish",
    "de": "German",
    "el": "Greek",
    "en": "English",
    "es": "Spanish",
    "et": "Estonian",
    "eu": "Basque",
    "fa": "Persian",
    "fi": "Finnish",
    "fr": "French",
    "ga": "Irish",
    "gl": "Galician",
    "gu": "Gujarati",
    "he": "Hebrew",
    "hi": "Hindi",
    "hr": "Croatian",
    "hu": "Hungarian",
    "id": "Indonesian",
    "is": "Icelandic",
    "it": "Italian",
    "ja": "Japanese",
    "kn": "Kannada",
    "ko": "Korean",
    "la": "Latin",
    "lt": "Lithuanian",
    "lv": "Latvian",
    "ml": "Malayalam",
    "mr": "Marathi",
    "ms": "Malay",
    "nl": "Dutch",
    "no": "Norwegian",
    "pa": "Punjabi",
    "pl": "Polish",
    "pt": "Portuguese",
    "ro": "Romanian",
    "ru": "Russian",
    "si": "Sinhala",
    "sk": "Slovak",
    "sl": "Slovene",
    "sq": "Albanian",
    "sr": "Serbian",
    "sv": "Swedish",
    "sw": "Swahili",
    "ta": "Tamil",
    "te": "Telugu",
    "th": "Thai",
    "tl": "Tagalog",
    "tr": "Turkish",
    "uk": "Ukrainian",
    "ur": "Urdu",
    "vi": "Vietnamese",
    "yo": "Yoruba",
    "zh": "Chinese",
    "zu": "Zulu",
}
"""ISO 639 codes that catalogues of popular music use."""

THE_MIDDLE: Final = "the middle"

BARELY_BELOW: Final = 0.10
UNMENTIONED_BELOW: Final = 0.05
"""Below these probabilities the second emotion is barely there, or not worth a word."""


def capitalize_first(text: str) -> str:
    """Return the text with its first letter raised and the rest as it was."""
    return text[:1].upper() + text[1:]


def describe_mood(mood: Mood, *, joint: str = " and ") -> str:
    """Describe a place on the pad: "unpleasant and quiet", "in the middle"."""
    pleasant = _step(PLEASANTNESS, mood.valence)
    energy = _step(ENERGY, mood.arousal)
    if pleasant != "in between":
        return f"{pleasant}{joint}{energy}"
    return f"in {THE_MIDDLE}" if energy == "steady" else energy


def describe_scores(scores: EmotionScores) -> str:
    """Name the two nearest emotions: "Mostly happy, a little surprised"."""
    (first, _), (second, probability) = scores.ranked[:2]
    one, two = FEELINGS[first].word, FEELINGS[second].word
    if scores.unsure:
        return f"Hard to say: {one} or {two}?"
    if probability < UNMENTIONED_BELOW:
        return f"Clearly {one}"
    if probability < BARELY_BELOW:
        return f"Clearly {one}, barely {two}"
    return f"Mostly {one}, a little {two}"


def emotion_name(scores: EmotionScores) -> str:
    """Name what a face shows within a longer sentence: "happy", "neutral or sad"."""
    leading = scores.ranked[: 2 if scores.unsure else 1]
    return " or ".join(FEELINGS[emotion].word for emotion, _ in leading)


def playlist_title(start: str, intent: Intent, mood: Mood, target: Mood) -> str:
    """Title a playlist: "From sad towards bright and easy".

    Args:
        start: the visitor's mood in words.
        intent: what was asked for.
        mood, target: where the journey begins and ends. Happy people who ask to be moved are
            where the journey leads already; then nothing is promised.
    """
    if intent == "lift":
        return f"Straight to {goal_in_words(target)}"
    if intent == "match" or mood.distance(target) < 0.05:
        return f"Staying {'in' if start == THE_MIDDLE else 'with'} {start}"
    return f"From {start} towards {goal_in_words(target)}"


def goal_in_words(target: Mood) -> str:
    """Name where a journey leads: tension is calmed, everything else is brightened."""
    return "calm" if target.distance(CALM) < 0.05 else "bright and easy"


REMEMBERED: Final = "Remembered for your own music. This set stays as it was shared."


def verdict_effect(verdict: str, name: str, fresh: int, owed: int = 0) -> str:
    """Say in a sentence or two what a verdict did to the set.

    Args:
        verdict: ``like``, ``unlike`` (a like taken back), ``dislike`` or ``ban``.
        name: the track's title, or the artist's name.
        fresh: how many tracks ahead are new.
        owed: how many of them are there because of what the visitor likes.
    """
    said = {
        "like": f"You like “{name}”.",
        "unlike": f"“{name}” no longer counts as liked.",
        "dislike": f"“{name}” is gone.",
        "ban": f"{name} is left out.",
    }[verdict]
    if not fresh:
        return f"{said} What comes next stays as it is."
    ahead = "1 track ahead is new" if fresh == 1 else f"{fresh} tracks ahead are new"
    if not owed:
        return f"{said} {ahead}."
    share = "" if fresh == 1 else f"{'all' if owed == fresh else owed} "
    return f"{said} {ahead}, {share}because of what you like."


def language_name(code: str) -> str:
    """Name a language: "Spanish". ``zxx`` means music without words; an unknown code is itself."""
    return LANGUAGES.get(code, code.upper())


def describe_filters(filters: Filters) -> str:
    """List what the filters ask for: "only jazz or folk · the 1980s · without Nickelback"."""
    parts = []
    if filters.genres:
        parts.append(f"only {_either(filters.genres)}")
    if filters.decades:
        parts.append(_either([f"the {decade}s" for decade in sorted(filters.decades)]))
    if filters.languages:
        sung = [language_name(code) for code in filters.languages if code != "zxx"]
        silent = ["without words"] if "zxx" in filters.languages else []
        parts.append(_either([*(f"in {name}" for name in sung), *silent]))
    if not filters.explicit:
        parts.append("nothing explicit")
    left_out = (*filters.without_genres, *filters.without_artists)
    if left_out:
        parts.append(f"without {_either(left_out)}")
    return " · ".join(parts)


def too_few_tracks(tracks: int, minutes: int) -> str:
    """Say that the filters leave less than was asked for."""
    if not tracks:
        return "No track fits these filters here."
    if tracks == 1:
        return "Only one track fits these filters here."
    return f"Only {tracks} tracks fit these filters here: {minutes} minutes."


LOST_SET: Final = (
    "The connection was lost, and none of your set's tracks is in this catalogue: this is another."
)


def restored_sentence(missing: int, tracks: int) -> str:
    """Say that a set was taken over after the server had lost it.

    Args:
        missing: how many of its tracks are not here.
        tracks: how many it had in all.
    """
    said = "The connection was lost for a moment. Your set is still here"
    if missing:
        verb = "is" if missing == 1 else "are"
        said += f", but {missing} of its {tracks} tracks {verb} not in this catalogue"
    return f"{said}. What you pressed last may need another press."


def missing_tracks(missing: int, tracks: int) -> str:
    """Say that a shared set lacks tracks here. `tracks` is how many it has in all."""
    if missing >= tracks:
        return "None of its tracks is in this catalogue."
    verb = "is" if missing == 1 else "are"
    return f"{missing} of {tracks} tracks {verb} not in this catalogue."


def escape_markdown(text: str) -> str:
    """Return text that Markdown shows as it is, for titles and names from a catalogue.

    Streamlit's Markdown also knows ``:red[…]``, ``:smile:`` and ``$…$``; a track called
    "A$AP *" should not set anything. Nor should one called "www.example.org" lead anywhere:
    addresses become links even where every letter is escaped, so they are held apart by a letter
    that nobody sees.
    """
    apart = _ADDRESS.sub(f"\\g<0>{WORD_JOINER}", " ".join(text.split()))
    return re.sub(r"([\\`*_{}\[\]<>()#+\-.!|~$:^=&])", r"\\\1", apart)


WORD_JOINER: Final = "\u2060"

_ADDRESS: Final = re.compile(r"www(?=\.)|\w(?=://)|@", re.IGNORECASE)
"""Within what GitHub's Markdown takes for an address: www., a scheme, an e-mail's sign."""


def strip_paths(text: str, *known: str | os.PathLike[str]) -> str:
    """Return a message for visitors: of files, their names and not where they are.

    Args:
        text: a sentence for whoever runs the machine.
        known: paths that may be in it, also such as have spaces in them.
    """
    for path in sorted(map(str, known), key=len, reverse=True):
        if path:
            for form in (str(Path(path).expanduser().absolute()), path):
                text = text.replace(form, Path(path).name)
    return _PATH.sub(lambda found: re.split(r"[/\\]", found[0].rstrip("/\\"))[-1], text)


_PATH: Final = re.compile(
    r"""(?<![\w:/\\.<~])(?:~|[A-Za-z]:|[/\\])?(?:[/\\][^\s/\\'"“”,;:<>|]+){2,}[/\\]?"""
)
"""An absolute path, with at least two parts: "AC/DC" and "/shrug" are none."""


def _either(names: Sequence[str]) -> str:
    """Join names with commas and one "or"."""
    return " or ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def _step(scale: tuple[tuple[float, str], ...], value: float) -> str:
    return next(word for bound, word in scale if value <= bound)
