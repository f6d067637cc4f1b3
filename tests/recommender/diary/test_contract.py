"""What a diary promises, on SQLite and on PostgreSQL alike."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from recommender.diary import DiaryError, DiaryStore, Moment
from recommender.types import Mood, Pick, Track

Maker = Callable[..., Any]


def test_nothing_is_kept_until_it_is_switched_on(
    store: DiaryStore, moment: Maker, track: Maker
) -> None:
    diary = store.diary("ada")
    assert not diary.keeping
    assert diary.note(moment()) is None
    assert not diary.judge(track(), "like", Mood(0, 0))
    diary.switch(False)
    assert not diary.keeping
    assert diary.entries() == []
    assert diary.verdicts() == []


def test_an_entry_comes_back_as_it_went_in(store: DiaryStore, moment: Maker, later: Maker) -> None:
    diary = store.diary("ada")
    diary.switch(True)
    noted = moment(3, emotion="fear", source="said", intent="lift", mood=Mood(-0.64, 0.6))
    number = diary.note(noted, at=later(0))
    (entry,) = diary.entries()
    assert entry.id == number
    assert entry.at == later(0)
    assert entry.at.utcoffset() == timedelta(0)
    assert (entry.emotion, entry.source, entry.intent) == ("fear", "said", "lift")
    assert (entry.mood, entry.target) == (noted.playlist.mood, noted.playlist.target)
    assert [track.id for track in entry.tracks] == [pick.track.id for pick in noted.playlist.picks]
    first, given = entry.tracks[0], noted.playlist.picks[0].track
    assert (first.title, first.artists, first.genres, first.url) == (
        given.title,
        given.artists,
        given.genres,
        given.url,
    )
    assert entry.ended is None


def test_it_is_there_when_the_database_is_opened_again(
    url: str, moment: Maker, track: Maker
) -> None:
    with DiaryStore.open(url) as store:
        diary = store.diary("ada")
        diary.switch(True)
        diary.note(moment())
        diary.judge(track(9), "dislike", Mood(0.5, 0.1))
    with DiaryStore.open(url) as store:
        diary = store.diary("ada")
        assert diary.keeping
        assert len(diary.entries()) == 1
        (verdict,) = diary.verdicts()
        assert (verdict.track.title, verdict.verdict, verdict.mood) == (
            "Song 9",
            "dislike",
            Mood(0.5, 0.1),
        )


def test_a_time_in_another_zone_is_the_same_moment(
    store: DiaryStore, moment: Maker, later: Maker
) -> None:
    diary = store.diary("ada")
    diary.switch(True)
    diary.note(moment(), at=later(0).astimezone(timezone(timedelta(hours=-9))))
    assert diary.entries()[0].at == later(0)
    with pytest.raises(ValueError, match="needs a time zone"):
        diary.note(moment(), at=datetime(2026, 1, 1))


def test_entries_come_latest_first_and_by_span(
    store: DiaryStore, moment: Maker, later: Maker
) -> None:
    diary = store.diary("ada")
    diary.switch(True)
    for hours in (5, 1, 3):
        diary.note(moment(), at=later(hours))
    assert [entry.at for entry in diary.entries()] == [later(5), later(3), later(1)]
    assert [entry.at for entry in diary.entries(since=later(1), before=later(5))] == [
        later(3),
        later(1),
    ]
    assert [entry.at for entry in diary.entries(since=later(4))] == [later(5)]


def test_off_again_keeps_what_is_there_and_writes_nothing(
    store: DiaryStore, moment: Maker, track: Maker
) -> None:
    diary = store.diary("ada")
    diary.switch(True)
    number = diary.note(moment())
    assert number is not None
    diary.switch(False)
    assert diary.note(moment()) is None
    assert not diary.judge(track(), "like", Mood(0, 0))
    assert not diary.end(number, "happy")
    (entry,) = diary.entries()
    assert entry.ended is None
    diary.switch(True)
    assert diary.note(moment()) is not None


def test_another_set_takes_the_place_of_the_one_before(
    store: DiaryStore, moment: Maker, later: Maker
) -> None:
    diary = store.diary("ada")
    diary.switch(True)
    number = diary.note(moment(4), at=later(0))
    again = diary.note(moment(2, first=3, intent="match"), at=later(1), replacing=number)
    assert again == number
    (entry,) = diary.entries()
    assert entry.at == later(0)
    assert entry.intent == "match"
    assert [track.title for track in entry.tracks] == ["Song 3", "Song 4"]
    # One that is gone cannot be replaced; the moment is kept all the same.
    assert diary.note(moment(), replacing=number + 99) != number
    assert len(diary.entries()) == 2


def test_the_last_verdict_counts_and_can_be_taken_back(
    store: DiaryStore, moment: Maker, track: Maker, later: Maker
) -> None:
    diary = store.diary("ada")
    diary.switch(True)
    diary.note(moment(2))
    diary.judge(track(1), "like", Mood(-0.5, 0), at=later(0))
    diary.judge(track(2), "dislike", Mood(0, 0), at=later(1))
    (entry,) = diary.entries()
    assert [one.title for one in entry.liked] == ["Song 1"]
    assert set(entry.opinions.values()) == {"like", "dislike"}

    diary.judge(track(1), "dislike", Mood(0.1, 0), at=later(2))
    assert [(one.track.title, one.verdict) for one in diary.verdicts()] == [
        ("Song 2", "dislike"),
        ("Song 1", "dislike"),
    ]
    assert diary.entries()[0].liked == ()
    for number in (1, 2, 3):
        assert diary.judge(track(number), None, Mood(0, 0))
    assert diary.verdicts() == []


def test_mood_after_the_music_is_recorded(store: DiaryStore, moment: Maker) -> None:
    diary = store.diary("ada")
    diary.switch(True)
    number = diary.note(moment())
    assert number is not None
    assert diary.end(number, "happy")
    assert diary.entries()[0].ended == "happy"
    assert diary.end(number, None)
    assert diary.entries()[0].ended is None
    assert not diary.end(number + 1, "happy")


def test_one_entry_can_be_forgotten(store: DiaryStore, moment: Maker) -> None:
    diary = store.diary("ada")
    diary.switch(True)
    first, second = diary.note(moment()), diary.note(moment())
    assert first is not None
    assert diary.forget(first)
    assert not diary.forget(first)
    assert [entry.id for entry in diary.entries()] == [second]


def test_a_deleted_entry_comes_back_as_it_was(store: DiaryStore, moment: Maker) -> None:
    diary = store.diary("ada")
    diary.switch(True)
    number = diary.note(moment(3))
    assert number is not None
    diary.end(number, "happy")
    (before,) = diary.entries()
    diary.forget(number)
    assert store.diary("bob").restore(before) is None
    assert store.diary("bob").entries() == []
    diary.switch(False)  # to take a deletion back is to write nothing new
    again = diary.restore(before)
    assert again not in (None, number)
    (after,) = diary.entries()
    assert after == replace(before, id=after.id)


@pytest.mark.parametrize("other", ["bob", "Ada", "ada ", "ad", "%", "' OR 1=1 --"])
def test_one_person_never_meets_another_diary(
    store: DiaryStore, moment: Maker, track: Maker, other: str
) -> None:
    ada, stranger = store.diary("ada"), store.diary(other)
    ada.switch(True)
    number = ada.note(moment())
    assert number is not None
    ada.judge(track(1), "like", Mood(0, 0))
    for on in (False, True):
        stranger.switch(on)
        assert stranger.keeping is on
        assert stranger.entries() == []
        assert stranger.verdicts() == []
        assert not stranger.end(number, "angry")
        assert not stranger.forget(number)
    # Their number is of no use either, and their verdict on the same track is their own.
    own = stranger.note(moment(1, first=5), replacing=number)
    assert own != number
    stranger.judge(track(1), "dislike", Mood(0, 0))
    stranger.delete_everything()
    assert stranger.entries() == []
    assert ada.keeping
    (entry,) = ada.entries()
    assert entry.id == number
    assert entry.ended is None
    assert [one.title for one in entry.liked] == ["Song 1"]


def test_deleting_everything_leaves_nothing_and_switches_off(
    store: DiaryStore, moment: Maker, track: Maker
) -> None:
    diary = store.diary("ada")
    diary.switch(True)
    diary.note(moment())
    diary.judge(track(), "like", Mood(0, 0))
    assert diary.delete_everything()
    assert not diary.keeping
    assert diary.entries() == []
    assert diary.verdicts() == []
    assert diary.delete_everything()
    diary.switch(True)
    assert diary.entries() == []


def test_a_number_is_not_given_twice(store: DiaryStore, moment: Maker) -> None:
    diary = store.diary("ada")
    diary.switch(True)
    first = diary.note(moment())
    diary.delete_everything()
    diary.switch(True)
    second = diary.note(moment())
    assert first != second
    assert diary.note(moment(), replacing=first) not in (first, second)


@pytest.mark.parametrize(
    "title",
    [
        "Ünïcødé 😢 音楽 שלום",
        "'; DROP TABLE entry; --",
        "a\0b",
        "half a \ud83d surrogate",
        "%s %(x)s :id ? $1",
        "x" * 10_000,
        "",
    ],
)
def test_any_title_can_be_kept(
    store: DiaryStore, playlist: Maker, track: Maker, title: str
) -> None:
    odd = track(1, title=title, artists=(title, "B"))
    diary = store.diary("ada")
    diary.switch(True)
    made = playlist(0, picks=(Pick(odd, Mood(0, 0), ""),))
    diary.note(Moment(made, emotion=None, source="placed"))
    diary.judge(odd, "like", Mood(0, 0))
    wanted = title.replace("\0", "").replace("\ud83d", "?")
    (entry,) = diary.entries()
    assert entry.tracks[0].title == wanted
    assert entry.tracks[0].artists == (wanted, "B")
    assert entry.liked == entry.tracks


def test_many_write_at_once_and_nothing_is_lost(
    url: str, moment: Maker, track: Callable[..., Track]
) -> None:
    """As on a server: threads that share a store, and a second process's store beside it."""
    failed: list[DiaryError] = []
    with DiaryStore.open(url) as one, DiaryStore.open(url) as two:
        one.diary("ada").switch(True)

        def write(store: DiaryStore) -> None:
            try:
                for number in range(5):
                    store.diary("ada").note(moment())
                    store.diary("ada").judge(track(number), "like", Mood(0, 0))
            except DiaryError as error:
                failed.append(error)

        threads = [threading.Thread(target=write, args=(store,)) for store in (one, two) * 3]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failed == []
        assert len(two.diary("ada").entries()) == 30
        assert len(one.diary("ada").verdicts()) == 5


@pytest.mark.parametrize("owner", ["", "x" * 65])
def test_an_owner_needs_a_name(store: DiaryStore, owner: str) -> None:
    with pytest.raises(ValueError, match="Incorrect value for 'owner' argument"):
        store.diary(owner)


def test_malformed_input_is_refused(store: DiaryStore, moment: Maker, track: Maker) -> None:
    diary = store.diary("ada")
    diary.switch(True)
    number = diary.note(moment()) or 0
    with pytest.raises(ValueError, match="Incorrect value for 'verdict' argument: 'skip'"):
        diary.judge(track(), "skip", Mood(0, 0))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="Incorrect value for 'emotion' argument: 'glad'"):
        diary.end(number, "glad")
    with pytest.raises(ValueError, match="Incorrect value for 'emotion' argument: 'glad'"):
        moment(emotion="glad")
    with pytest.raises(ValueError, match="Incorrect value for 'source' argument: 'dream'"):
        moment(source="dream")
