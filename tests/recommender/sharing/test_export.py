from __future__ import annotations

import csv
import io
import json
import random
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree

import pytest
from lxml import etree

from recommender.sharing.export import (
    COLUMNS,
    XSPF,
    title_of,
    to_csv,
    to_jspf,
    to_links,
    to_m3u8,
    to_text,
    to_xspf,
)
from recommender.types import Mood, Pick, Playlist, Track

Make = Callable[..., Track]

EXPORTS = (to_m3u8, to_csv, to_xspf, to_jspf, to_links, to_text)


def _playlist(*tracks: Track, reason: str = "Stays with you.") -> Playlist:
    here = Mood(0, 0)
    picks = tuple(Pick(track, here, reason) for track in tracks)
    return Playlist(mood=here, target=here, intent="match", picks=picks, seed=1)


TITLES = [
    "plain",
    'quo"ted & <b>"bold"</b> \'s',
    "com,ma",
    "line\nbreak",
    "日本語 🎵",
    "semi;colon",
    " spaces ",
    "שיר ערש",
    "أغنية",
    "]]>",
    "<!-- x -->",
    "&amp;",
    "a\\nb\\u0041",
    "1. · – e\u0301",
]


def test_a_playlist_is_called_by_where_it_goes() -> None:
    here, there = Mood(-0.6, -0.3), Mood(0.6, 0.25)
    stays = Playlist(mood=here, target=here, intent="match", picks=(), seed=0)
    moves = Playlist(mood=here, target=there, intent="shift", picks=(), seed=0)
    assert title_of(stays) == "Affectune: unpleasant and quiet"
    assert title_of(moves) == "Affectune: from unpleasant and quiet to bright and easy"


def test_m3u8_has_a_line_and_an_address_for_each(track: Make) -> None:
    text = to_m3u8(_playlist(track(1, duration_ms=61_499), track(2, artists=("A", "B"))))
    assert text.splitlines() == [
        "#EXTM3U",
        "#PLAYLIST:Affectune: even",
        "#EXTINF:61,Artist 1 - Song 1",
        f"https://open.spotify.com/track/{1:022d}",
        "#EXTINF:-1,A, B - Song 2",
        f"https://open.spotify.com/track/{2:022d}",
    ]


@pytest.mark.parametrize("title", ["a\nb", "a\r\n#EXTINF:1,x", "a\u2028b", "a\x85b", "a\x00b\tc"])
@pytest.mark.parametrize("export", [to_m3u8, to_text])
def test_a_title_keeps_to_its_line(
    track: Make, title: str, export: Callable[[Playlist], str]
) -> None:
    one = len(export(_playlist(track())).splitlines())
    lines = export(_playlist(track(title=title, artists=(title, "B")), track(2))).splitlines()
    assert len(lines) == len(export(_playlist(track(), track(2))).splitlines()) > one
    assert "a" in lines[-2 if export is to_text else -4]


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


def test_xspf_survives_the_way_there_and_back(track: Make) -> None:
    tracks = [
        track(number, title=title, artists=(title, "B"), duration_ms=1000 * number)
        for number, title in enumerate(TITLES)
    ]
    text = to_xspf(_playlist(*tracks, reason='He said: "<quiet> & warm".'))
    root = ElementTree.fromstring(text.encode())
    assert (root.tag, root.get("version")) == (f"{{{XSPF}}}playlist", "1")
    read = root.findall("x:trackList/x:track", {"x": XSPF})

    def column(name: str) -> list[str | None]:
        return [one.findtext(f"x:{name}", namespaces={"x": XSPF}) for one in read]

    assert column("title") == TITLES
    assert column("creator") == [f"{title}, B" for title in TITLES]
    assert column("annotation") == ['He said: "<quiet> & warm".'] * len(TITLES)
    assert column("location") == [one.url for one in tracks]
    assert column("identifier") == [f"spotify:track:{one.id}" for one in tracks]
    assert column("duration") == [str(one.duration_ms) for one in tracks]


def test_jspf_survives_the_way_there_and_back(track: Make) -> None:
    evil = [*TITLES, "\x00\x1b[31m\x7f\u2028", "\ufffe", "\r\n"]
    tracks = [track(number, title=title) for number, title in enumerate(evil)]
    head = json.loads(to_jspf(_playlist(*tracks)))["playlist"]
    assert head["title"] == "Affectune: even"
    assert [one["title"] for one in head["track"]] == evil
    assert [one["location"] for one in head["track"]] == [[one.url] for one in tracks]
    assert head["track"][3] == {
        "location": [f"https://open.spotify.com/track/{3:022d}"],
        "identifier": [f"spotify:track:{3:022d}"],
        "title": "line\nbreak",
        "creator": "Artist 3",
        "annotation": "Stays with you.",
        "info": f"https://open.spotify.com/track/{3:022d}",
    }


@pytest.fixture(scope="module")
def schema() -> Any:
    return etree.RelaxNG(etree.parse(str(Path(__file__).with_name("xspf.rng"))))


def test_xspf_is_what_its_schema_says(track: Make, schema: Any) -> None:
    tracks = [track(number, title=title, duration_ms=5) for number, title in enumerate(TITLES)]
    for playlist in (_playlist(), _playlist(*tracks), _playlist(track(id="é b?/\x00%"))):
        schema.assertValid(etree.fromstring(to_xspf(playlist).encode()))


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ('version="1"', 'version="2"'),
        (' version="1"', ""),
        (XSPF, "http://xspf.org/ns/1/"),
        ("trackList", "tracklist"),
        ("<duration>5", "<duration>-5"),
        ("<duration>5", "<duration>0:05"),
        ("</title>\n      <creator>", "</title>\n      <title>again</title>\n      <creator>"),
        ("<creator>", "<artist>x</artist><creator>"),
    ],
)
def test_the_schema_refuses_what_is_wrong(track: Make, schema: Any, right: str, wrong: str) -> None:
    text = to_xspf(_playlist(track(duration_ms=5)))
    assert right in text
    assert not schema.validate(etree.fromstring(text.replace(right, wrong).encode()))


ANYTHING = [
    *map(chr, range(0x20)),
    *"\x7f\x85\xa0\u200b\u2028\u2029\u202e\u2066\u2069\ufeff\ufffe\uffff\ud800\udfff",
    *"<>&\"'\\;,#=+-@%?/ ",
    *"éß日🎵😀א\u05d1ع\u0661",
    "👩\u200d👩\u200d👧",
    "\U0010ffff",
]


@pytest.mark.parametrize("seed", range(20))
def test_any_text_at_all_is_exported(track: Make, schema: Any, seed: int) -> None:
    noise = random.Random(seed)

    def text() -> str:
        return "".join(noise.choices(ANYTHING, k=noise.randrange(1, 12)))

    tracks = [
        track(id=text(), title=text(), artists=(text(), text()), genres=(text(),))
        for _ in range(12)
    ]
    playlist = _playlist(*tracks, reason=text())
    texts = {export: export(playlist).encode() for export in EXPORTS}
    schema.assertValid(etree.fromstring(texts[to_xspf]))
    assert len(ElementTree.fromstring(texts[to_xspf]).findall(f".//{{{XSPF}}}track")) == 12
    assert len(json.loads(texts[to_jspf])["playlist"]["track"]) == 12
    with io.StringIO(texts[to_csv].decode(), newline="") as file:
        rows = list(csv.reader(file))
    assert [len(row) for row in rows] == [len(COLUMNS)] * 13
    assert len(texts[to_m3u8].decode().splitlines()) == 2 + 2 * 12
    assert len(texts[to_text].decode().splitlines()) == 12
    addresses = texts[to_links].decode().splitlines()
    assert addresses == [row[7] for row in rows[1:]]
    assert all(
        re.fullmatch(r"https://open\.spotify\.com/track/[\w.~%-]+", one) for one in addresses
    )


def test_what_xml_cannot_hold_is_left_out_and_nothing_else(track: Make) -> None:
    """Every character there is, in the title of one track after the other."""
    letters = [chr(code) for code in range(sys.maxunicode + 1)]
    letters = [one for one in letters if one < "\ud800" or one > "\udfff"]
    blocks = ["".join(letters[start : start + 65_536]) for start in range(0, len(letters), 65_536)]
    text = to_xspf(_playlist(*(track(title=block) for block in blocks)))
    titles = ElementTree.fromstring(text.encode()).findall(f".//{{{XSPF}}}track/{{{XSPF}}}title")
    illegal = {*map(chr, range(0x20)), "\ufffe", "\uffff"} - {"\t", "\n", "\r"}
    kept = "".join(one for one in letters if one not in illegal).replace("\r", "\n")
    assert "".join(title.text or "" for title in titles) == kept


def test_an_address_is_a_uri_that_leads_back_to_the_id(track: Make) -> None:
    for track_id in ("a b", "a/../b", "x?y#z", "é🎵", "%41"):
        (address,) = to_links(_playlist(track(id=track_id))).splitlines()
        assert address.isascii()
        assert unquote(address.removeprefix("https://open.spotify.com/track/")) == track_id
        assert "/" not in address.removeprefix("https://open.spotify.com/track/")


def test_the_list_is_numbered_and_names_title_and_artists(track: Make) -> None:
    assert to_text(_playlist(track(1), track(2, artists=("A", "B")))) == (
        "1. Song 1 · Artist 1\n2. Song 2 · A, B\n"
    )


def test_names_from_right_to_left_stay_in_their_place(track: Make) -> None:
    text = to_text(_playlist(track(title="שיר", artists=("Ofra", "عمرو\u2069\u202e"))))
    assert text == "1. \u2068שיר\u2069 · Ofra, \u2068عمرو\u2069\n"


def test_an_empty_playlist_exports() -> None:
    assert to_m3u8(_playlist()) == "#EXTM3U\n#PLAYLIST:Affectune: even\n"
    assert to_csv(_playlist()) == ",".join(COLUMNS) + "\r\n"
    assert to_links(_playlist()) == to_text(_playlist()) == ""
    assert json.loads(to_jspf(_playlist()))["playlist"]["track"] == []


def test_a_track_without_a_reason_has_no_annotation(track: Callable[..., Track]) -> None:
    playlist = _playlist(track(1), reason="")
    assert "annotation" not in to_xspf(playlist)
    assert "annotation" not in to_jspf(playlist)
    (row,) = csv.DictReader(io.StringIO(to_csv(playlist), newline=""))
    assert row["reason"] == ""
