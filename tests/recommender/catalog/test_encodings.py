"""Tables in every encoding are read right, or refused by name."""

from __future__ import annotations

import gzip
from collections.abc import Callable

import pytest

from recommender.catalog.encodings import looks_western
from recommender.catalog.importer import ImportReport
from recommender.errors import CatalogError
from recommender.types import Track

Imported = Callable[..., tuple[ImportReport, list[Track]]]
Table = Callable[..., str]

HEADER = "id,title,artists,valence,energy"
WESTERN = [
    *("Don’t stop – Déjà vu", "Mötley Crüe", "Sigur Rós", "Björk Guðmundsdóttir", "Señorita"),
    *("¿Qué Pasó?", "Où es-tu", "Cœur de pirate", "DÉJÀ VU", "Nº 5", "Tiësto", "MØ", "Þórir"),
    *("Emoções", "João", "Straße", "Für Elise", "Île", "Ångström", "Väinämöinen", "Françoise"),
]
OTHERS = {
    "cp1250": "Dvořák|Jiří|Škoda lásky|Včelka|Každý den|Říkej mi|Žluté kytky|Tři sestry",
    "iso-8859-2": "Miłość|Kocham Cię|Dziewczyna bez zębów|Jest już ciemno|Długość dźwięku",
    "cp1254": "Şarkı|Müslüm Gürses|Barış Manço|Aşk|Işık|Yağmur|Çalışkan",
    "cp1251": "Привет|Земфира|Группа крови|Кино|Мы",
    "koi8-r": "Привет|Земфира|Группа крови|Кино|Мы",
    "cp1253": "Αγάπη|Μίκης Θεοδωράκης|Ζορμπάς",
    "gbk": "周杰伦|青花瓷|月亮代表我的心|爱",
    "big5": "周杰倫|青花瓷|月亮代表我的心|愛",
    "shift_jis": "さくら|米津玄師|レモン|千本桜",
    "euc_jp": "さくら|米津玄師|レモン|千本桜",
    "euc_kr": "방탄소년단|봄날|아이유",
    "mac-roman": "Beyoncé|Don’t|Déjà vu|Für Elise|Crüe",
    "cp850": "Beyoncé|Déjà vu|Für Elise|Señorita",
    "iso2022_jp": "さくら|米津玄師|レモン|千本桜",
}


def _rows(titles: list[str]) -> list[str]:
    return [f"{title},x,.{place % 9 + 1},.2" for place, title in enumerate(titles)]


@pytest.mark.parametrize(
    ("encoding", "said"),
    [
        ("utf-8", "UTF-8"),
        ("utf-8-sig", "UTF-8"),
        ("cp1252", "Windows-1252"),
        ("utf-16", "UTF-16"),
        ("utf-16-le", "UTF-16 (little endian)"),
        ("utf-16-be", "UTF-16 (big endian)"),
        ("utf-32", "UTF-32"),
        ("utf-32-be", "UTF-32 (big endian)"),
    ],
)
def test_encodings_that_are_read(
    encoding: str, said: str, imported: Imported, table_of: Table
) -> None:
    content = table_of(HEADER, *_rows(WESTERN)).encode(encoding)
    for packed, name in ((content, "table.csv"), (gzip.compress(content), "table.csv.gz")):
        report, tracks = imported(packed, name)
        assert [track.title for track in tracks] == WESTERN
        assert report.encoding == said


@pytest.mark.parametrize("encoding", OTHERS)
def test_unsupported_encodings_are_refused_unless_given(
    encoding: str, imported: Imported, table_of: Table
) -> None:
    titles = OTHERS[encoding].split("|")
    content = table_of(HEADER, *_rows(titles)).encode(encoding)
    with pytest.raises(CatalogError, match=r"UTF-8.*--encoding \S+") as caught:
        imported(content)
    same = {"cp1250": "windows-1250", "cp1251": "windows-1251", "cp1253": "windows-1253"}
    assert same.get(encoding, encoding).replace("cp1254", "windows-1254") in str(caught.value)
    report, tracks = imported(content, encoding=encoding)
    assert [track.title for track in tracks] == titles
    assert report.encoding == encoding


def test_windows_1252_is_reported_as_a_guess(imported: Imported, table_of: Table) -> None:
    report, _ = imported(table_of(HEADER, *_rows(["Beyoncé"])).encode("cp1252"))
    assert any("guess" in note and "Beyoncé" in note for note in report.notes)


def test_a_stray_byte_in_utf_8_is_read_as_windows_1252(imported: Imported, table_of: Table) -> None:
    content = table_of(HEADER, *_rows(["Café Müller – Sigur Rós"] * 5)).encode()
    content += b"%022d,Caf\xe9 M\xc3\xbcller,x,.1,.1\n" % 6
    report, tracks = imported(content)
    assert [track.title for track in tracks] == ["Café Müller – Sigur Rós"] * 5 + ["Café Müller"]
    assert report.encoding == "UTF-8"
    assert any(note.startswith("1 row with bytes that are not UTF-8") for note in report.notes)


@pytest.mark.parametrize(
    "title", ["周杰伦".encode("gbk"), b"Beyonc\xc3", "Привет".encode("cp1251")]
)
@pytest.mark.parametrize("others", ["さくら", "plain"])
def test_a_row_in_another_encoding_costs_that_row(
    title: bytes, others: str, imported: Imported, table_of: Table
) -> None:
    content = table_of(HEADER, *_rows([others] * 150)).encode()
    report, tracks = imported(content + b"%022d,%b,x,.1,.1\n" % (999, title))
    assert (report.read, report.kept, report.refused) == (151, 150, {"line not readable": 1})
    assert {track.title for track in tracks} == {others}


def test_wrong_encoding_argument_is_reported(imported: Imported, table_of: Table) -> None:
    content = table_of(HEADER, *_rows(["周杰伦"])).encode("gbk")
    with pytest.raises(CatalogError, match="not written in ASCII throughout"):
        imported(content, encoding="ascii")
    for name in ("klingon", "rot13", "base64"):
        with pytest.raises(CatalogError, match=f"'encoding' argument: '{name}'"):
            imported(content, encoding=name)


@pytest.mark.parametrize("word", ["Dvoøák", "Mi³oœæ", "Barýþ", "Kõszív", "Ïðèâåò", "fŸr", "DŽj"])
def test_words_of_other_encodings_do_not_look_western(word: str) -> None:
    assert not looks_western(word)


@pytest.mark.parametrize("word", ["Déjà", "Corazón", "Þórir", "Straße", "DÉJÀ", "Île", "põe"])
def test_western_words_look_western(word: str) -> None:
    assert looks_western(word)
