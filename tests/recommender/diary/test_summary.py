"""What a diary adds up to, without a page and without a database."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from recommender.diary import summary
from recommender.diary.summary import BY_HAND, Month
from tests.recommender.diary.entries import entry

LABELS = {
    "angry": "angry",
    "disgust": "disgusted",
    "fear": "afraid",
    "happy": "happy",
    "sad": "sad",
    "surprise": "surprised",
    "neutral": "neutral",
    BY_HAND: "set by hand",
}
"""What an app would call them."""


def on(day: int, hour: int = 12) -> datetime:
    return datetime(2026, 11, day, hour, tzinfo=UTC)


def test_a_day_is_what_was_felt_most_and_of_several_the_latest() -> None:
    felt = [
        entry(1, "sad", on(2, 8)),
        entry(2, "happy", on(2, 9)),
        entry(3, "sad", on(3, 8)),
        entry(4, "happy", on(3, 9)),
        entry(5, "sad", on(3, 10)),
        entry(6, "fear", on(4, 8)),
        entry(7, None, on(4, 9)),
        entry(8, None, on(5)),
    ]
    days = summary.days_of(felt[::-1], Month(2026, 11), UTC)
    assert len(days) == 30
    assert [day.leading for day in days[:6]] == [None, "happy", "sad", "fear", BY_HAND, None]
    assert summary.days_in_words(days, LABELS.__getitem__).startswith(
        "2: sad and happy; 3: sad and happy; 4: afraid"
    )


def test_a_day_is_the_visitors_day() -> None:
    late = entry(1, "sad", on(30, 23))
    assert summary.entries_in([late], Month(2026, 11), UTC) == [late]
    tokyo = ZoneInfo("Asia/Tokyo")
    assert summary.entries_in([late], Month(2026, 11), tokyo) == []
    assert summary.days_of([late], Month(2026, 12), tokyo)[0].leading == "sad"


@pytest.mark.parametrize(
    ("start", "by", "end"),
    [((2026, 11), 1, (2026, 12)), ((2026, 12), 1, (2027, 1)), ((2026, 1), -1, (2025, 12))],
)
def test_months_follow_each_other(start: Any, by: int, end: Any) -> None:
    assert Month(*start).step(by) == Month(*end)


def test_the_summary_counts() -> None:
    moods = ["happy", "happy", "sad", "sad", "neutral", "fear", None]
    text = summary.month_sentence(
        [entry(n, mood, on(n + 1)) for n, mood in enumerate(moods)], LABELS.__getitem__
    )
    assert text == (
        "Seven entries: happy and sad twice each, afraid once, "
        "another mood once and one set by hand."
    )
    assert (
        summary.month_sentence([entry(1, None, on(1))], LABELS.__getitem__)
        == "One entry: set by hand."
    )


def test_highlights_exceed_the_average() -> None:
    moods = [("sad", "pop")] * 6 + [("sad", "folk")] * 5 + [("happy", "pop")] * 9
    moods += [("happy", "folk")]
    genres = summary.genres_by_feeling(
        entry(n, emotion, on(1), genres=[genre]) for n, (emotion, genre) in enumerate(moods)
    )
    assert genres["pop"] == {"sad": 6, "happy": 9}
    assert list(genres) == ["pop", "folk"]
    assert summary.what_stands_out(genres, LABELS.__getitem__) == (
        "More folk when sad and more pop when happy than otherwise."
    )
    same = summary.genres_by_feeling([entry(1, "sad", on(1), genres=["pop"])])
    assert summary.what_stands_out(same, LABELS.__getitem__) == ""
    assert summary.what_stands_out({}, LABELS.__getitem__) == ""


def test_journeys_are_counted_by_how_they_ended() -> None:
    ended = [
        entry(1, "sad", on(1), ended="happy"),
        entry(2, "sad", on(2), ended="sad"),
        entry(3, "happy", on(3), ended="sad"),
        entry(4, None, on(4), ended="happy"),
        entry(5, "sad", on(5)),
    ]
    journeys = summary.journeys(ended)
    assert [journey.change for journey in journeys] == [1, 0, -1, 1]
    assert summary.how_they_ended(journeys) == (
        "You looked back on four playlists: two brighter than before, one about the same and "
        "one lower."
    )
    assert summary.how_they_ended(journeys[:1]) == (
        "You looked back on one playlist: one brighter than before."
    )


def test_likes_are_grouped_by_mood() -> None:
    liked = [entry(n, mood, on(n), liked=n != 2) for n, mood in ((1, "sad"), (2, "sad"), (3, None))]
    found = summary.liked_by_feeling(liked)
    assert {felt: [one.title for one in tracks] for felt, tracks in found.items()} == {
        "sad": ["Song *1*"],
        BY_HAND: ["Song *3*"],
    }
    assert summary.liked_sentence(liked) == "So far you’ve liked 2 of 3 tracks."


def test_the_example_is_made_up() -> None:
    days = summary.example_month(Month(2026, 2))
    assert len(days) == 28
    assert {day.leading for day in days} > {"happy", "sad", "neutral", None}
