"""No row of a text table is lost or swallowed."""

from __future__ import annotations

import io
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from recommender.catalog import importer, records
from recommender.catalog.importer import import_file
from recommender.catalog.layout import find_layout
from recommender.catalog.records import RecordReader, Tally, blocks
from recommender.errors import CatalogError
from recommender.types import Track

Imported = Callable[..., tuple[importer.ImportReport, list[Track]]]
Table = Callable[..., str]

HEADER = "id,title,artists,valence,energy"


def _titles(tracks: list[Track]) -> list[str]:
    return [track.title for track in tracks]


def test_unclosed_quote_swallows_no_rows(imported: Imported, table_of: Table) -> None:
    rows = [f"Song {number},Band,0.5,0.5" for number in range(2000)]
    rows[99] = '"Song 99,Band,0.5,0.5'
    rows[1500] = '"Song, 1500",Band,0.5,0.5'
    report, tracks = imported(table_of(HEADER, *rows))
    assert (report.read, report.kept) == (2000, 2000)
    assert tracks[99].title == "Song 99"
    assert tracks[1500].title == "Song, 1500"


@pytest.mark.parametrize(
    ("rows", "titles"),
    [
        # Unclosed: at the end, before closed ones, and as if a later stray one closed it.
        (["a,x,.1,.2", '"b,x,.1,.2'], ["a", "b"]),
        (['"a,x,.1,.2', '"b",x,.1,.2', '"c, d",x,.1,.2'], ["a", "b", "c, d"]),
        (['"a,x,.1,.2', "b,x,.1,.2", 'c",x,.1,.2'], ["a", "b", 'c"']),
        (['a,"x,.1,.2', 'b,"x",.1,.2'], ["a", "b"]),
        (['"a,x,.1,.2', '"b,x,.1,.2', '"c,x,.1,.2'], ["a", "b", "c"]),
        # Line breaks within a cell are no ends of rows.
        (
            ['"a\nb",x,.1,.2', '"c\r\n, ""d""",x,.1,.2', '"\n\ne",x,.1,.2'],
            ["a\nb", 'c\n, "d"', "e"],
        ),
        # Marks that others write.
        ([r'"a \"b\" c",x,.1,.2', r'"d \"",x,.1,.2'], ['a "b" c', 'd "']),
        (['"a "b" c",x,.1,.2', '7" single,x,.1,.2', '"d" ,x,.1,.2'], ['a "b" c', '7" single', "d"]),
    ],
)
def test_quotation_marks(
    rows: list[str], titles: list[str], imported: Imported, table_of: Table
) -> None:
    for line_end in ("\n", "\r\n"):
        content = table_of(HEADER, *rows).replace("\r\n", "\n").replace("\n", line_end)
        report, tracks = imported(content)
        assert report.read == len(rows)
        assert _titles(tracks) == titles


def test_a_quote_that_begins_a_title_in_a_tsv(imported: Imported, table_of: Table) -> None:
    rows = ['"Heroes\tx\t.1\t.2', '"Heroes" live\tx\t.1\t.2', '"a\tb"\tx\t.1\t.2', 'c\t"x\t.1\t.2']
    report, tracks = imported(table_of(HEADER.replace(",", "\t"), *rows, mark="\t"), "table.tsv")
    assert report.read == 4
    assert _titles(tracks) == ['"Heroes', '"Heroes" live', "a\tb", "c"]


def test_rows_with_an_id_after_a_cell_of_several_lines(imported: Imported) -> None:
    first, second, third = (f"{number:022d}" for number in (1, 2, 3))
    content = (
        f'title,artists,valence,energy,id\n"a\nb",x,.1,.2,{first}\n'
        f'"\nc",x,.1,.2,{second}\n"d,x,.1,.2,{third}\n'
    )
    report, tracks = imported(content)
    assert report.read == 3
    assert _titles(tracks) == ["a\nb", "c", "d"]


def test_rows_that_cannot_be_read_are_counted_and_named(
    imported: Imported, table_of: Table
) -> None:
    rows = ["a,x,.1,.2,,", "b,x,.1", "c,x,.1,.2,7", "d,x,.1,.2", f'"{"y" * 3_000_000}",x,.1,.2']
    report, tracks = imported(table_of(HEADER, *rows))
    assert _titles(tracks) == ["a", "d"]
    assert (report.read, report.refused) == (5, {"line not readable": 3})
    assert "3 rows not readable, the first in line 3" in report.notes


def test_line_ends_of_every_kind_and_mixed(imported: Imported, table_of: Table) -> None:
    plain = table_of(HEADER, "a,x,.1,.2", "b,x,.1,.2", "c,x,.1,.2")
    lines = plain.splitlines()
    mixed = f"{lines[0]}\n{lines[1]}\r\n{lines[2]}\r{lines[3]}"
    for content in (plain, plain.replace("\n", "\r\n"), plain.replace("\n", "\r"), mixed):
        report, tracks = imported(content)
        assert report.read == 3
        assert _titles(tracks) == ["a", "b", "c"]


@pytest.mark.parametrize(
    "above",
    [
        "\n",
        "\r\n \n\n",
        "sep=,\n",
        "SEP=,\n\n",
        '"sep=,"\n',
        "My songs\n",
        "Exported by X,,,\nOn 2024-01-01,,,\n\n",
        "\ufeff",
        "\ufeffsep=,\n",
    ],
)
def test_lines_above_the_header_are_skipped(
    above: str, imported: Imported, table_of: Table
) -> None:
    report, tracks = imported(above + table_of(HEADER, "a,x,.1,.2"))
    assert (report.read, _titles(tracks)) == (1, ["a"])


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_delimiter_is_detected_from_the_header(
    mark: str, imported: Imported, table_of: Table
) -> None:
    header = HEADER.replace(",", mark)
    # More commas and semicolons than anything else, but within names.
    content = table_of(
        f'{header}{mark}"note; a, b, c, d; e"', mark.join(["a", "x", ".1", ".2", "n"]), mark=mark
    )
    assert _titles(imported(content)[1]) == ["a"]


def test_row_names_without_a_header_are_left_out(imported: Imported) -> None:
    report, tracks = imported(f"{HEADER}\n1,{1:022d},a,x,.1,.2\n2,{2:022d},b,x,.1,.2\n")
    assert (report.read, _titles(tracks)) == (2, ["a", "b"])


def test_blank_lines_are_no_rows_and_empty_rows_are(imported: Imported, table_of: Table) -> None:
    report, _ = imported(table_of(HEADER, "a,x,.1,.2") + "\n   \n\n,,,,\n")
    assert (report.read, report.kept) == (2, 1)


def test_control_characters_become_spaces(imported: Imported, table_of: Table) -> None:
    _, tracks = imported(table_of(HEADER, "\x1b[31mred\x07,x\x00y,.1,.2"))
    assert (tracks[0].title, tracks[0].artists) == ("[31mred", ("x y",))


def _read(content: bytes, size: int, *, copy: io.BytesIO | None) -> Tally:
    layout = find_layout(content.decode())
    pieces = (content[start : start + size] for start in range(0, len(content), size))
    reader = RecordReader(layout, [0], write=copy.write if copy else None)
    return reader.read(blocks(pieces, layout.newline))


@pytest.mark.parametrize("size", [1, 7, 40, 1000, 10_000])
def test_records_are_the_same_however_a_file_comes_in_pieces(size: int, table_of: Table) -> None:
    rows = [
        f"Song {number},Band,0.5,0.5" if number % 7 else f'"Song,\n{number}",Band,0.5,0.5'
        for number in range(60)
    ]
    rows[5], rows[50], rows[30] = '"open,Band,0.5,0.5', "too,few", '"Song "30" x",Band,0.5,0.5'
    content = table_of(HEADER, *rows).encode()
    whole, pieces = io.BytesIO(), io.BytesIO()
    expected = _read(content, len(content), copy=whole)
    assert (expected.records, expected.refused) == (60, 1)
    assert _read(content, size, copy=pieces) == expected
    assert pieces.getvalue() == whole.getvalue()


def test_well_formed_table_is_not_copied(row: Any, write_csv: Any, tmp_path: Path) -> None:
    path = write_csv([row(number) for number in range(100)])
    content = path.read_bytes()
    assert _read(content, 500, copy=None) == Tally(records=100)
    quoted = content.replace(b"Song 7,", b'"Song, 7",').replace(b"\r\n", b"\n")
    assert _read(quoted, 500, copy=None) == Tally(records=100, quotes=True)
    assert not _read(content + b"x\n", 500, copy=None).sound


@pytest.mark.parametrize("seed", range(16))
def test_no_row_content_loses_another_row(seed: int, imported: Imported, table_of: Table) -> None:
    draw = random.Random(seed)
    pieces = ['"', '"', '""', "\n", "\r\n", "\r", '\\"', "\\", " ", "a", "é", "\t", "\0", ";", "'"]
    mark, line_end = draw.choice(",;\t"), draw.choice(["\n", "\r\n", "\r"])
    rows = [f"Song{mark}x{mark}.1{mark}.2"] * 60
    odd = set(draw.sample(range(60), 20))
    for place in odd:
        title = "".join(draw.choices([*pieces, mark], k=draw.randint(1, 6)))
        rows[place] = rows[place].replace("Song", title)
    lines = table_of(HEADER.replace(",", mark), *rows, mark=mark)
    report, tracks = imported(
        lines.replace("\n", line_end).encode(draw.choice(["utf-8", "cp1252"]))
    )
    assert report.read >= 60
    kept = {int(track.id) for track in tracks if track.title == "Song"}
    assert kept >= {place + 1 for place in range(60) if place not in odd}


def test_an_import_that_reads_fewer_rows_than_there_are_stops(
    row: Any, write_csv: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = records.RecordReader.read

    def one_more(self: RecordReader, pieces: Any) -> Tally:
        tally = counted(self, pieces)
        tally.records += 1
        return tally

    monkeypatch.setattr(records.RecordReader, "read", one_more)
    with pytest.raises(CatalogError, match=r"has 4 rows, but 3 were read"):
        import_file(write_csv([row(1), row(2), row(3)]), tmp_path / "c.duckdb")
    assert not (tmp_path / "c.duckdb").exists()


def test_many_unclosed_quotes_are_read_in_linear_time(imported: Imported, table_of: Table) -> None:
    report, _ = imported(table_of(HEADER, *['"a,x,.1,.2'] * 5000))
    assert report.kept == 5000
