"""What a diary adds up to: months, what music went with what, how journeys ended.

The app decides what emotions are called: a function that names one takes a `Label`.
"""

from __future__ import annotations

import calendar
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from itertools import groupby
from typing import Final, NamedTuple

from recommender.diary.records import Entry, KeptTrack
from recommender.mood import COORDINATES, mood_of_emotion
from recommender.types import Mood

Label = Callable[[str], str]
"""Names an emotion, or `BY_HAND`."""

BY_HAND: Final = "by hand"
"""In place of an emotion, for a mood set on the pad, which names none."""

MIN_VALENCE_CHANGE: Final = 0.15
"""The smallest change of valence that counts: a step of the words on the pad."""

MIN_GENRE_TRACKS: Final = 3
"""Fewer tracks than these say nothing about a genre."""

_NUMBERS: Final = (
    *("none", "one", "two", "three", "four", "five", "six"),
    *("seven", "eight", "nine", "ten", "eleven", "twelve"),
)
_TIMES: Final = ("never", "once", "twice")


_EMOTIONS: Final = tuple(COORDINATES)


class Month(NamedTuple):
    """A month of a year; months compare as they follow each other."""

    year: int
    month: int

    @classmethod
    def of(cls, day: date) -> Month:
        return cls(day.year, day.month)

    @property
    def name(self) -> str:
        return calendar.month_name[self.month]

    def named(self, today: date) -> str:
        """Return "November", with the year where it is another one."""
        return self.name if self.year == today.year else f"{self.name} {self.year}"

    def step(self, by: int) -> Month:
        """Return the month `by` months later."""
        year, month = divmod(self.year * 12 + self.month - 1 + by, 12)
        return Month(year, month + 1)


@dataclass(frozen=True, slots=True)
class Day:
    """One day of a month and what was felt on it, the earliest first.

    Attributes:
        day: the date.
        week: the row of the calendar, from 0.
        feelings: emotions, or `BY_HAND`.
    """

    day: date
    week: int
    feelings: tuple[str, ...] = ()

    @property
    def leading(self) -> str | None:
        """What was felt most often that day; ties go to emotions over `BY_HAND`, then to the
        latest."""
        if not self.feelings:
            return None
        counts = Counter(self.feelings)
        return max(
            reversed(self.feelings), key=lambda feeling: (counts[feeling], feeling != BY_HAND)
        )


@dataclass(frozen=True, slots=True)
class Journey:
    """How the listener felt before a playlist and after it.

    Attributes:
        entry: the playlist.
        start, end: on the plane. If an emotion names the start, it is that emotion's place, since
            the end is one, too.
    """

    entry: Entry
    start: Mood
    end: Mood

    @property
    def change(self) -> int:
        """1 if it ended pleasanter than it began, -1 if less pleasant, else 0."""
        by = self.end.valence - self.start.valence
        return 0 if abs(by) < MIN_VALENCE_CHANGE else 1 if by > 0 else -1


def feeling(entry: Entry) -> str:
    """Return the emotion of an entry, or `BY_HAND`."""
    return entry.emotion or BY_HAND


def when(entry: Entry, zone: tzinfo, *, month: bool = False) -> str:
    """Return "Sat 21, 20:40", or "21 Nov, 20:40" with the month."""
    at = entry.at.astimezone(zone)
    return f"{at.day} {at:%b}, {at:%H:%M}" if month else f"{at:%a} {at.day}, {at:%H:%M}"


def days_of(entries: Iterable[Entry], month: Month, zone: tzinfo) -> list[Day]:
    """Return all days of a month, with what was felt on them."""
    felt: dict[date, list[tuple[datetime, str]]] = {}
    for entry in entries:
        at = entry.at.astimezone(zone)
        felt.setdefault(at.date(), []).append((entry.at, feeling(entry)))
    first, length = calendar.monthrange(month.year, month.month)
    made = []
    for number in range(1, length + 1):
        day = date(month.year, month.month, number)
        made.append(
            Day(
                day,
                (number - 1 + first) // 7,
                tuple(what for _, what in sorted(felt.get(day, []))),
            )
        )
    return made


def entries_in(entries: Iterable[Entry], month: Month, zone: tzinfo) -> list[Entry]:
    """Return the entries of a month."""
    return [entry for entry in entries if Month.of(entry.at.astimezone(zone).date()) == month]


def month_sentence(entries: Sequence[Entry], label: Label) -> str:
    """Return "Five entries: happy and sad twice each, …"."""
    if not entries:
        return "No entries this month."
    counts = Counter(feeling(entry) for entry in entries if entry.emotion)
    ranked = sorted(counts, key=lambda felt: (-counts[felt], _EMOTIONS.index(felt)))
    shown = [
        joined([label(felt) for felt in same])
        + f" {times(number)}{' each' if len(same) > 1 else ''}"
        for number, same in (
            (number, list(group)) for number, group in groupby(ranked[:3], key=counts.__getitem__)
        )
    ]
    by_hand = len(entries) - counts.total()
    rest = sum(counts[felt] for felt in ranked[3:])
    if rest:
        shown.append(f"{'another mood' if rest == 1 else 'other moods'} {times(rest)}")
    if by_hand and not shown:
        shown.append("set by hand" if by_hand == 1 else "all set by hand")
    elif by_hand:
        shown.append(f"{count(by_hand)} set by hand")
    many = "entry" if len(entries) == 1 else "entries"
    return f"{_capitalized(count(len(entries)))} {many}: {joined(shown)}."


def days_in_words(of: Iterable[Day], label: Label) -> str:
    """Return what a calendar shows, day by day, for those who cannot see the picture."""
    sentences = [
        f"{day.day.day}: {joined([label(felt) for felt in dict.fromkeys(day.feelings)])}"
        for day in of
        if day.feelings
    ]
    return "; ".join(sentences) if sentences else "no entries"


def genres_by_feeling(entries: Iterable[Entry], *, most: int = 8) -> dict[str, Counter[str]]:
    """Return genre → emotion → how many tracks were in its playlists, the most frequent first.

    A track counts once for each of its genres. Moods that were set by hand name no emotion and
    are left out.

    Args:
        entries: the diary.
        most: how many genres to return at most.
    """
    found: dict[str, Counter[str]] = {}
    for entry in entries:
        if entry.emotion:
            for track in entry.tracks:
                for genre in track.genres:
                    found.setdefault(genre, Counter())[entry.emotion] += 1
    ranked = sorted(found, key=lambda genre: (-found[genre].total(), genre))
    return {genre: found[genre] for genre in ranked[:most]}


def liked_by_feeling(entries: Iterable[Entry], *, most: int = 3) -> dict[str, list[KeptTrack]]:
    """Return what was liked in each mood, the latest first, in the order of the emotions."""
    found: dict[str, dict[str, KeptTrack]] = {}
    for entry in entries:
        for track in entry.liked:
            found.setdefault(feeling(entry), {}).setdefault(track.id, track)
    return {
        felt: list(found[felt].values())[:most] for felt in (*_EMOTIONS, BY_HAND) if felt in found
    }


def what_stands_out(
    genres: Mapping[str, Counter[str]], label: Label, *, plain: Callable[[str], str] = str
) -> str:
    """Return which genre came more often in a mood than it usually does, in a sentence.

    It covers the two moods with the most tracks, and is empty if nothing stands out.

    Args:
        genres: as `genres_by_feeling` returns them.
        label: names the emotions.
        plain: escapes what a genre is called for where the sentence is shown.
    """
    totals: Counter[str] = Counter()
    for counts in genres.values():
        totals.update(counts)
    sentences = []
    for emotion, tracks in totals.most_common(2):
        # Its fraction within the mood, above its fraction in all moods.
        above = {
            genre: counts[emotion] / tracks - counts.total() / totals.total()
            for genre, counts in genres.items()
            if counts[emotion] >= MIN_GENRE_TRACKS
        }
        genre = max(above, key=above.__getitem__, default=None)
        if genre and above[genre] > 0:
            sentences.append(f"more {plain(genre)} when {label(emotion)}")
    return f"{_capitalized(joined(sentences))} than otherwise." if sentences else ""


def journeys(entries: Iterable[Entry]) -> list[Journey]:
    """Return the playlists whose ending is known, the latest first."""
    return [
        Journey(
            entry,
            mood_of_emotion(entry.emotion) if entry.emotion else entry.mood,
            mood_of_emotion(entry.ended),
        )
        for entry in entries
        if entry.ended
    ]


def how_they_ended(of: Sequence[Journey]) -> str:
    """Return "You looked back on six playlists: four brighter than before, …"."""
    counts = Counter(journey.change for journey in of)
    parts = [
        f"{count(counts[change])} {text}"
        for change, text in ((1, "brighter than before"), (0, "about the same"), (-1, "lower"))
        if counts[change]
    ]
    many = "playlist" if len(of) == 1 else "playlists"
    return f"You looked back on {count(len(of))} {many}: {joined(parts)}."


def liked_sentence(entries: Iterable[Entry]) -> str:
    """Return how much of what was played is liked, in a sentence."""
    played = {track.id for entry in entries for track in entry.tracks}
    liked = {track.id for entry in entries for track in entry.liked}
    if not played:
        return ""
    return f"So far you’ve liked {len(liked)} of {len(played)} tracks."


def count(number: int) -> str:
    """Return a number as people write it: "three", "14"."""
    return _NUMBERS[number] if number < len(_NUMBERS) else f"{number:,}"


def times(number: int) -> str:
    """Return "once", "twice", "three times"."""
    return _TIMES[number] if number < len(_TIMES) else f"{count(number)} times"


def joined(parts: Sequence[str]) -> str:
    """Return "a, b and c"."""
    return " and ".join(filter(None, (", ".join(parts[:-1]), *parts[-1:])))


def example_month(month: Month) -> list[Day]:
    """Return a made-up month, to show what a calendar looks like."""
    felt = {3: "happy", 4: "neutral", 6: "sad", 7: "sad", 9: "happy", 12: "surprise"}
    felt |= {14: "angry", 15: "neutral", 17: "happy", 20: "fear", 21: "happy", 24: "neutral"}
    return [
        Day(day.day, day.week, (felt[day.day.day],) if day.day.day in felt else ())
        for day in days_of((), month, UTC)
    ]


def _capitalized(text: str) -> str:
    return text[:1].upper() + text[1:]
