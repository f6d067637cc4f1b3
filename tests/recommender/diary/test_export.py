from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from recommender.diary import Diary, DiaryStore, Moment, to_csv, to_json
from recommender.types import Mood, Pick

Maker = Callable[..., Any]


@pytest.fixture
def diary(moment: Maker, playlist: Maker, track: Maker, later: Maker) -> Iterator[Diary]:
    with DiaryStore.open() as store:
        diary = store.diary("ada")
        diary.switch(True)
        number = diary.note(moment(2), at=later(0))
        assert number is not None
        diary.end(number, "happy")
        odd = track(7, title='=HYPERLINK("x"), or\nnot', artists=("@A", "B"))
        empty = playlist(0, picks=(Pick(odd, Mood(0, 0), ""),), intent="match")
        diary.note(Moment(empty, emotion=None, source="placed"), at=later(1))
        diary.note(moment(0, emotion="angry"), at=later(2))
        diary.judge(track(2), "like", Mood(-0.6, -0.3), at=later(0))
        diary.judge(track(40), "dislike", Mood(0.25, 0.5), at=later(3))
        yield diary


def test_a_table_has_one_row_a_track(diary: Diary) -> None:
    rows = list(csv.DictReader(io.StringIO(to_csv(diary.entries()), newline="")))
    assert len(rows) == 4
    empty, odd, first, second = rows
    assert (empty["emotion"], empty["title"], empty["position"]) == ("angry", "", "")
    assert odd["title"] == '\'=HYPERLINK("x"), or\nnot'
    assert odd["artists"] == "'@A; B"
    assert (odd["emotion"], odd["source"], odd["intent"]) == ("", "placed", "match")
    assert first["at"] == "2026-11-21T12:00:00+00:00"
    assert (first["position"], first["title"], first["verdict"]) == ("1", "Song 1", "")
    assert (second["position"], second["title"], second["verdict"]) == ("2", "Song 2", "like")
    assert {row["felt_afterwards"] for row in (first, second)} == {"happy"}
    assert float(first["valence"]) == -0.6
    assert float(first["target_arousal"]) == 0.25


def test_json_has_everything(diary: Diary) -> None:
    kept = json.loads(to_json(diary.entries(), diary.verdicts()))
    assert kept["diary"] == 1
    assert [entry["emotion"] for entry in kept["entries"]] == ["angry", None, "sad"]
    last = kept["entries"][-1]
    assert (last["valence"], last["arousal"], last["felt_afterwards"]) == (-0.6, -0.3, "happy")
    assert last["target"] == {"valence": 0.6, "arousal": 0.25}
    assert [(track["title"], track["verdict"]) for track in last["tracks"]] == [
        ("Song 1", None),
        ("Song 2", "like"),
    ]
    assert kept["entries"][1]["tracks"][0]["title"].startswith("=HYPERLINK")
    # The second was judged in a set that is in no entry.
    assert [(one["title"], one["verdict"]) for one in kept["verdicts"]] == [
        ("Song 2", "like"),
        ("Song 40", "dislike"),
    ]


def test_an_empty_diary_is_a_header_and_an_empty_object() -> None:
    assert to_csv([]).splitlines() == [to_csv([]).strip()]
    assert json.loads(to_json([], [])) == {"diary": 1, "entries": [], "verdicts": []}
