"""What the pages say: the one place for the seven words, their glyphs and the sentences.

Nothing here draws. A sentence about a face names emotions; a place on the pad is named by the
nearest everyday word.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Literal, NamedTuple

from emotion.labels import EMOTIONS
from emotion.types import EmotionScores
from recommender import loosening
from recommender.journey import target_for
from recommender.loosening import Passing, passing_in_words
from recommender.mood import CALM, COORDINATES
from recommender.types import Filters, Intent, Mood


class Feeling(NamedTuple):
    """How one emotion is shown: an everyday word, a glyph and a colour of Streamlit's palette."""

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
ON_DEVICE: Final = "Your picture stays on this device. No account, nothing stored."
ON_DEVICE_WITH_DIARY: Final = "Your picture stays on this device. Your diary keeps moods and music."

# The promises, word for word as in the README and docs/; a test compares them.
PHOTO_PROMISE: Final = (
    "A photo that is sent stays in the server's memory while its page is open, so that it can be "
    "shown, and is gone at most three minutes after the page is closed. The uploaded file is "
    "dropped as soon as it is read. Neither has an address of its own, and neither is written to "
    "disk."
)
CLIP_OFFER: Final = "A clip works too: up to 60 seconds and 100 MB."
CLIP_TO_SERVER: Final = " It is read on the server."
CLIP_PROMISE: Final = (
    "A clip of at most 60 seconds and 100 MB is read in memory and dropped as soon as it is read. "
    "None of its pictures is shown or kept, only the readings."
)
LIVE_PROMISE: Final = (
    "Each frame of the live camera is dropped when the next one arrives. The readings are dropped "
    "when the camera stops, when you leave its page, or when the connection ends. The reading on "
    "the page stays as your mood."
)
DEVICE_PROMISE: Final = (
    "Where your browser can read faces itself, the live picture stays on your device: the server "
    "gets the readings, as numbers, and no image."
)
DEVICE_PHOTO_PROMISE: Final = (
    "A photo that your browser can read itself stays on your device. Where it cannot, or finds no "
    "face, the page asks before it sends the photo."
)
VISIT_PROMISE: Final = (
    "Affectune learns seven numbers from your resting face, and seven from your corrections. They "
    "stay in memory for this visit, and one tap forgets them."
)
DIARY_ASSUMES: Final = (
    "A diary on your own computer can be opened by anyone who can open this page there: every "
    "account on the computer, and anyone who comes in through a tunnel. Keep one only if that "
    "is just you."
)

Deleted = Literal["file", "busy", "server"]
DELETED: Final[Mapping[Deleted, str]] = {
    "file": "Everything is deleted, from the database file too.",
    "busy": "Everything is deleted. Another program is using the database file, so traces may stay "
    "in it until the next deletion.",
    "server": "Everything is deleted from the diary. The database server may keep traces in its "
    "files, its log and its backups until its operator clears them out.",
}
"""What to say once everything was deleted: from a file, from one in use, from PostgreSQL."""


class Choice(NamedTuple):
    """One answer to `QUESTION`."""

    label: str
    promise: str
    icon: str


QUESTION: Final = "What should the music do?"
CHOICES: Final[Mapping[Intent, Choice]] = {
    "match": Choice("Stay with it", "Music that matches your mood.", ":material/favorite:"),
    "shift": Choice("Move gently", "Somewhere better, step by step.", ":material/trending_up:"),
    "lift": Choice("Lift me up", "Straight to bright.", ":material/light_mode:"),
    "wind_down": Choice("Wind down", "Ease into calm.", ":material/bedtime:"),
}

# Upper bounds of the steps on each axis of the pad. The pad's script gets these tables too, so
# that it says the same while the dot moves as Python does once it rests.
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
"""The steps from well-known to little-known music."""

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

EVERYDAY: Final[tuple[tuple[str, Mood], ...]] = (
    *(
        (f"in {THE_MIDDLE}" if emotion == "neutral" else feeling.word, COORDINATES[emotion])
        for emotion, feeling in FEELINGS.items()
    ),
    ("calm", CALM),
    ("frantic", Mood(-0.80, 0.92)),
    ("tense", Mood(-0.33, 0.42)),
    ("uneasy", Mood(-0.45, 0.08)),
    ("unhappy", Mood(-0.85, 0.05)),
    ("miserable", Mood(-0.95, -0.40)),
    ("down", Mood(-0.30, -0.30)),
    ("tired", Mood(-0.30, -0.68)),
    ("worn out", Mood(-0.75, -0.78)),
    ("sleepy", Mood(0.08, -0.88)),
    ("mellow", Mood(0.08, -0.42)),
    ("restless", Mood(-0.12, 0.72)),
    ("wide awake", Mood(0.08, 0.40)),
    ("excited", Mood(0.62, 0.92)),
    ("cheerful", Mood(0.52, 0.22)),
    ("good", Mood(0.90, 0.10)),
    ("content", Mood(0.78, -0.22)),
    ("relaxed", Mood(0.40, -0.20)),
    ("peaceful", Mood(0.85, -0.70)),
)
"""Everyday words for places on the pad. The seven emotions lie where the recommender puts them."""

UNMENTIONED_BELOW: Final = 0.10
"""Below this probability the second emotion is not worth a word."""


def capitalize_first(text: str) -> str:
    """Return the text with its first letter in upper case and the rest unchanged."""
    return text[:1].upper() + text[1:]


def describe_mood(mood: Mood) -> str:
    """Name a place on the pad with the nearest everyday word: "sad", "in the middle"."""
    return min(EVERYDAY, key=lambda place: mood.distance(place[1]))[0]


def mentioned(scores: EmotionScores) -> tuple[str, ...]:
    """Return the one or two emotions of a face that are worth a word, the stronger first."""
    (first, _), (second, probability) = scores.ranked[:2]
    return (first, second) if scores.unsure or probability >= UNMENTIONED_BELOW else (first,)


def describe_scores(scores: EmotionScores) -> str:
    """Name the emotions that a face shows: "Happy, a little surprised"."""
    named = _named(scores)
    return f"Hard to say: {named}" if scores.unsure else capitalize_first(named)


def describe_room(scores: EmotionScores) -> str:
    """Name the emotions that several faces show: "Everyone together: happy"."""
    return f"Everyone together: {_named(scores)}"


def _named(scores: EmotionScores) -> str:
    """Return one or two emotions: "happy, a little surprised", "neutral or sad?"."""
    one, *others = (FEELINGS[emotion].word for emotion in mentioned(scores))
    return f"{one} or {others[0]}?" if scores.unsure else ", a little ".join((one, *others))


def emotion_name(scores: EmotionScores) -> str:
    """Name what a face shows within a longer sentence: "happy", "neutral or sad"."""
    leading = scores.ranked[: 2 if scores.unsure else 1]
    return " or ".join(FEELINGS[emotion].word for emotion, _ in leading)


def promise(intent: Intent, start: str, mood: Mood) -> str:
    """Say what an answer to `QUESTION` will do: "From angry to calm, step by step."

    Args:
        intent: the answer.
        start: the visitor's mood in words.
        mood: where they are.
    """
    goal = goal_in_words(mood, target_for(mood, intent))
    if intent == "shift":
        return f"From {start} to {goal}, step by step."
    if intent == "lift":
        return f"Straight to {goal}."
    return CHOICES[intent].promise


def playlist_title(
    start: str, intent: Intent, mood: Mood, target: Mood, *, everyone: bool = False
) -> str:
    """Title a playlist: "From sad to bright".

    Args:
        start: the visitor's mood in words.
        intent: what was asked for.
        mood, target: where the journey begins and ends. Where these are the same, as for a happy
            visitor, the title promises no change.
        everyone: whether it is for several people.
    """
    goal = goal_in_words(mood, target)
    if intent == "lift":
        return f"Straight to {goal}"
    if intent != "match" and mood.distance(target) >= 0.05:
        return f"From {start} to {goal}"
    if start in (THE_MIDDLE, FEELINGS["neutral"].word):
        return "Keeping things even"
    if mood.valence < 0:
        return f"For when you’re {start}"
    return f"Keeping {'everyone' if everyone else 'you'} {start}"


def goal_in_words(mood: Mood, target: Mood) -> str:
    """Name where a journey from a mood leads: to calm, to something brighter, or just livelier."""
    if target.arousal < 0:
        return "calm"
    brighter = target.valence - mood.valence
    return "bright" if brighter >= 0.05 or brighter >= target.arousal - mood.arousal else "lively"


REMEMBERED: Final = "Saved for your own music. This set stays as it was shared."


def verdict_effect(verdict: str, name: str, fresh: int, owed: int = 0) -> str:
    """Say in a sentence or two what a verdict did to the set.

    Args:
        verdict: ``like``, ``unlike`` (a like taken back), ``dislike``, ``ban`` or ``more`` (of the
            same).
        name: the track's title, or the artist's name.
        fresh: how many of the tracks ahead are new.
        owed: how many of those are there because of the visitor's likes.
    """
    if verdict == "more":
        return f"Next: {'one' if fresh == 1 else fresh} more like “{name}”."
    said = {
        "like": f"You like “{name}”.",
        "unlike": f"“{name}” is no longer a like.",
        "dislike": f"Removed “{name}”.",
        "ban": f"{name} won’t come up again.",
    }[verdict]
    if not fresh:
        return f"{said} The rest of your set stays the same."
    if not owed:
        return f"{said} Updated the rest of your set."
    tracks = "1 track matches" if owed == 1 else f"{owed} tracks match"
    return f"{said} Updated the rest of your set: {tracks} your likes."


def language_name(code: str) -> str:
    """Name a language: "Spanish"; ``zxx`` is music without words, an unknown code names itself."""
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


def too_few_tracks(passing: Passing) -> str:
    """Say how many tracks the filters leave, and which one to loosen."""
    return passing_in_words(passing, language_name=language_name)


def filter_in_words(filters: Filters, name: str) -> str:
    """Name one of several filters: "the 1990s filter"."""
    return loosening.filter_in_words(filters, name, language_name=language_name)


LOST_SET: Final = (
    "The connection was lost, and none of your set’s tracks is in this catalogue. Here is a new "
    "set."
)


def restored_sentence(missing: int, tracks: int) -> str:
    """Say that a set was restored after the server had lost it.

    Args:
        missing: how many of its tracks are not here.
        tracks: how many it had in all.
    """
    said = "The connection was lost for a moment. Your set is still here"
    if missing:
        verb = "is" if missing == 1 else "are"
        said += f", but {missing} of its {tracks} tracks {verb} not in this catalogue"
    return f"{said}. You may need to repeat your last tap."


def welcome_back(missing: int, tracks: int, forgotten: int) -> str:
    """Say that a set, or a mood, was restored from the address, and what is missing.

    Args:
        missing: how many of its tracks are not here.
        tracks: how many it had in all; 0 where there was a mood and no set yet.
        forgotten: how many earlier likes and skips did not fit in the address.
    """
    if tracks and missing >= tracks:
        return "Welcome back. None of your set’s tracks is in this catalogue. Here is a new set."
    said = "Welcome back. Your set is still here"
    if not tracks:
        said = "Welcome back. Your mood is where you left it"
    if missing:
        verb = "is" if missing == 1 else "are"
        said += f", but {missing} of its {tracks} tracks {verb} not in this catalogue"
    if forgotten:
        what = "like or skip" if forgotten == 1 else "likes and skips"
        said += f". {forgotten} earlier {what} did not fit in the address"
    return f"{said}."


def missing_tracks(missing: int, tracks: int) -> str:
    """Say that a shared set lacks tracks here. `tracks` is how many it has in all."""
    if missing >= tracks:
        return "None of its tracks is in this catalogue."
    verb = "is" if missing == 1 else "are"
    return f"{missing} of {tracks} tracks {verb} not in this catalogue."


def escape_markdown(text: str) -> str:
    """Return text that Markdown shows as it is, for titles and names from a catalogue.

    Streamlit's Markdown also knows ``:red[…]``, ``:smile:`` and ``$…$``; a track called
    "A$AP *" should format nothing. Nor should one called "www.example.org" be a link: addresses
    become links even where every character is escaped, so an invisible character splits them.
    """
    apart = _ADDRESS.sub(f"\\g<0>{WORD_JOINER}", " ".join(text.split()))
    return re.sub(r"([\\`*_{}\[\]<>()#+\-.!|~$:^=&])", r"\\\1", apart)


WORD_JOINER: Final = "\u2060"

_ADDRESS: Final = re.compile(r"www(?=\.)|\w(?=://)|@", re.IGNORECASE)
"""Where to split what GitHub's Markdown takes for an address: at www., a scheme or an @."""


def strip_paths(text: str, *known: str | os.PathLike[str]) -> str:
    """Return a message for visitors, with file names in place of paths.

    Args:
        text: a sentence for the operator of the machine.
        known: paths that may be in it, which may contain spaces.
    """
    for path in sorted(map(str, known), key=len, reverse=True):
        if path:
            # `Path.expanduser` raises an error for the home folder of an unknown user.
            for form in (os.path.abspath(os.path.expanduser(path)), path):  # noqa: PTH100, PTH111
                text = text.replace(form, Path(path).name)
    return _PATH.sub(lambda found: re.split(r"[/\\]", found[0].rstrip("/\\"))[-1], text)


_PATH: Final = re.compile(
    r"""(?<![\w:/\\.<~])(?:~|[A-Za-z]:|[/\\])?(?:[/\\][^\s/\\'"“”,;:<>|]+){2,}[/\\]?"""
)
"""An absolute path of at least two parts; "AC/DC" and "/shrug" are not paths."""


def _either(names: Sequence[str]) -> str:
    """Join names with commas and one "or"."""
    return " or ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def _step(scale: tuple[tuple[float, str], ...], value: float) -> str:
    return next(word for bound, word in scale if value <= bound)
