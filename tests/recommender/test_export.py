from __future__ import annotations

import csv
import io
from collections.abc import Callable

import pytest

from recommender.export import COLUMNS, to_csv, to_links, to_m3u
from recommender.types import Mood, Pick, Playlist, Track

Make = Callable[..., Track]


def _playlist(*tracks: Track) -> Playlist:
    here = Mood(0, 0)
    picks = tuple(Pick(track, here, "Stays with you.") for track in tracks)
    return Playlist(mood=here, target=here, intent="match", picks=picks, seed=1)


def test_m3u_has_a_line_and_an_address_for_each(track: Make) -> None:
    text = to_m3u(_playlist(track(1, duration_ms=61_499), track(2, artists=("A", "B"))))
    assert text.splitlines() == [
        "#EXTM3U",
        "#PLAYLIST:Affectune",
        "#EXTINF:61,Artist 1 - Song 1",
        f"https://open.spotify.com/track/{1:022d}",
        "#EXTINF:-1,A, B - Song 2",
        f"https://open.spotify.com/track/{2:022d}",
    ]


@pytest.mark.parametrize("title", ["a\nb", "a\r\n#EXTINF:1,x", "a\u2028b", "a\x85b", "a\x00b\tc"])
def test_m3u_keeps_a_title_on_its_line(track: Make, title: str) -> None:
    lines = to_m3u(_playlist(track(title=title))).splitlines()
    assert len(lines) == 4
    assert lines[3].startswith("https://")


TITLES = ["plain", 'quo"ted', "com,ma", "line\nbreak", "日本語 🎵", "semi;colon", " spaces "]


def test_csv_survives_the_way_there_and_back(track: Make) -> None:
    tracks = [track(number, title=title) for number, title in enumerate(TITLES)]
    rows = list(csv.DictReader(io.StringIO(to_csv(_playlist(*tracks)), newline="")))
    assert [row["title"] for row in rows] == TITLES
    assert tuple(rows[0]) == COLUMNS
    assert [row["position"] for row in rows] == [str(n) for n in range(1, len(TITLES) + 1)]
    assert rows[0]["url"] == tracks[0].url


@pytest.mark.parametrize("evil", ["=1+1", "+1", "-1+2", "@SUM(A1)", "\t=1", "\r=1", " =1", "\n=1"])
def test_csv_disarms_formulas(track: Make, evil: str) -> None:
    text = to_csv(_playlist(track(title=evil, artists=(evil,), genres=(evil,))))
    (row,) = csv.DictReader(io.StringIO(text, newline=""))
    for column in ("title", "artists", "genres"):
        assert row[column] == f"'{evil}"


def test_csv_leaves_numbers_and_empty_texts_alone(track: Make) -> None:
    (row,) = csv.DictReader(io.StringIO(to_csv(_playlist(track(genres=(), year=None)))))
    assert (row["genres"], row["year"], row["valence"]) == ("", "", "0.5")


def test_links_are_one_a_line(track: Make) -> None:
    assert to_links(_playlist(track(1), track(2))) == (
        f"https://open.spotify.com/track/{1:022d}\nhttps://open.spotify.com/track/{2:022d}\n"
    )


def test_an_empty_playlist_exports() -> None:
    assert to_m3u(_playlist()) == "#EXTM3U\n#PLAYLIST:Affectune\n"
    assert to_csv(_playlist()) == ",".join(COLUMNS) + "\r\n"
    assert to_links(_playlist()) == ""
