"""Tables to take along: whatever a title is called, no spreadsheet runs it."""

from __future__ import annotations

import csv
import io
import itertools
import unicodedata
from datetime import UTC, datetime

import pytest

from recommender.diary import Entry
from recommender.diary import to_csv as diary_to_csv
from recommender.diary.records import KeptTrack
from recommender.sharing import export
from recommender.sharing.spreadsheet import harmless
from recommender.types import Mood, Pick, Playlist, Track

SIGNS = (*"=+-@＝＋－＠", *"﹦﹢﹣﹫⁼⁺⁻₌₊₋", "\N{MINUS SIGN}")
BEFORE = (
    *(
        "",
        " ",
        "   ",
        "\u00a0",
        "\u3000",
        "\u2009",
        "\u2028",
        "\u2029",
        "\x00",
        "\x07",
        "\x1f",
        "\x7f",
    ),
    *("\u200b", "\u200c", "\u200d", "\u2060", "\ufeff", "\u00ad", "\u180e", "\ufe0f", "\u034f"),
    *("\u200e", "\u200f", "\u202a", "\u202e", "\u2066", "\u2067", "\u2069", "\u061c", "\u115f"),
    *("\u3164", "\uffa0", "\u2800", "\u17b4", "\U000e0001", "\U000e0041", "\u0301", "\ufff9"),
    *(" \u200b\ufeff ", "\u202e\u00a0\u2060", "\ufeff\ufeff"),
)
LINES = ("\t", "\r", "\n", "\r\n", "\t=", "\u200b\t")


@pytest.mark.parametrize("before", BEFORE, ids=ascii)
def test_a_formula_is_disarmed_whatever_is_before_it(before: str) -> None:
    for sign in SIGNS:
        text = f'{before}{sign}HYPERLINK("http://evil.com")'
        assert harmless(text) == f"'{text}"


@pytest.mark.parametrize("before", LINES[:5], ids=ascii)
def test_what_begins_with_a_line_is_disarmed(before: str) -> None:
    assert harmless(f"{before}cmd|' /C calc'!A0").startswith("'")


def test_every_character_that_is_read_as_a_sign_is_one() -> None:
    every = (chr(code) for code in range(0x11_0000) if not 0xD800 <= code < 0xE000)
    alike = [one for one in every if unicodedata.normalize("NFKC", one)[:1] in ("=", "+", "-", "@")]
    assert len(alike) > 12
    assert all(harmless(f"{one}1+1").startswith("'") for one in alike)


@pytest.mark.parametrize(
    "text",
    [
        *("", "Imagine", "1979", "A+B", "Don't", "'=1", "Ørsted", "東京", "مرحبا", "🎵 -", "é=1"),
        *("\u200bImagine", " (I Can't Get No)", "#1 Crush", "\u2068שלום\u2069", "₤", "x\t=1"),
    ],
)
def test_other_texts_stay_as_they_are(text: str) -> None:
    assert harmless(text) == text


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def hostile() -> list[str]:
    return [f"{b}{s}1+1" for b, s in itertools.product(BEFORE[1:], ("=", "＝", "-", "@"))]


def test_every_text_of_a_playlist_is_disarmed() -> None:
    here = Mood(0, 0)
    picks = tuple(
        Pick(
            Track(
                id=f"{number:022d}",
                title=text,
                artists=(text, text),
                genres=(text,),
                year=None,
                valence=0.5,
                energy=0.5,
                danceability=None,
                acousticness=None,
                instrumentalness=None,
                tempo=None,
                popularity=50,
                position=here,
            ),
            here,
            text,
        )
        for number, text in enumerate(hostile())
    )
    found = rows(export.to_csv(Playlist(here, here, "match", picks, 1)))
    assert len(found) == len(picks)
    for row, pick in zip(found, picks, strict=True):
        for column in ("title", "artists", "genres", "reason"):
            assert row[column].startswith("'"), ascii(pick.track.title)
        assert row["url"].startswith("https://open.spotify.com/track/")


def test_every_text_of_a_diary_is_disarmed() -> None:
    entry = Entry(
        id=1,
        at=datetime(2026, 11, 1, tzinfo=UTC),
        source="face",
        emotion="happy",
        mood=Mood(0, 0),
        target=Mood(0, 0),
        intent="match",
        tracks=tuple(KeptTrack(f"{n:022d}", t, (t,), (t,)) for n, t in enumerate(hostile())),
        opinions={},
        ended=None,
    )
    found = rows(diary_to_csv([entry]))
    assert len(found) == len(hostile())
    for row in found:
        assert all(row[column].startswith("'") for column in ("title", "artists", "genres"))
