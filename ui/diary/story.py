"""A diary in the app's words and glyphs. `recommender.diary.summary` does the counting."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from recommender.diary import Entry, summary
from recommender.diary.summary import BY_HAND, Day
from recommender.types import Intent
from ui import wording

BY_HAND_GLYPH: Final = "●"
"""The glyph of a mood that was set by hand."""

INTENT_DONE: Final[Mapping[Intent, str]] = {
    "match": "Stayed with it",
    "shift": "Moved gently",
    "lift": "Lifted",
    "wind_down": "Wound down",
}

SOURCES: Final[Mapping[str, str]] = {
    "face": "Read from your face. The picture wasn’t kept.",
    "said": "You told us.",
    "placed": "Set by hand on the pad.",
}


def name(felt: str) -> str:
    """Return the word for an emotion or for `BY_HAND`."""
    return "set by hand" if felt == BY_HAND else wording.FEELINGS[felt].word


def glyph(felt: str) -> str:
    """Return the glyph for an emotion or for `BY_HAND`."""
    return BY_HAND_GLYPH if felt == BY_HAND else wording.FEELINGS[felt].glyph


def title(entry: Entry) -> str:
    """Return an entry's mood in words: the emotion, or the place on the pad."""
    if entry.emotion:
        return wording.capitalize_first(wording.FEELINGS[entry.emotion].word)
    return wording.capitalize_first(wording.describe_mood(entry.mood))


def what_it_did(entry: Entry) -> str:
    """Return "Moved gently · 12 tracks, 3 liked"."""
    length, liked = len(entry.tracks), len(entry.liked)
    text = f"{INTENT_DONE[entry.intent]} · {length} track{'' if length == 1 else 's'}"
    return f"{text}, {liked} liked" if liked else text


def month_sentence(entries: Sequence[Entry]) -> str:
    """Return "Five entries: **happy** 😊 and **sad** 😢 twice each, …" in Markdown."""
    return summary.month_sentence(entries, lambda felt: f"**{name(felt)}** {glyph(felt)}")


def days_in_words(days: Iterable[Day]) -> str:
    """Return what a calendar shows, day by day, for those who cannot see it."""
    return summary.days_in_words(days, name)


def what_stands_out(
    genres: Mapping[str, Counter[str]], *, plain: Callable[[str], str] = wording.escape_markdown
) -> str:
    """Say which genre was more frequent in a mood than usual, by default in Markdown."""
    return summary.what_stands_out(genres, name, plain=plain)
