"""Missing values, dates, scales and marks, as tables have them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from recommender.catalog.catalog import Catalog
from recommender.catalog.importer import ImportReport
from recommender.recommender import Recommender
from recommender.types import Filters, Mood, Track

Imported = Callable[..., tuple[ImportReport, list[Track]]]
Table = Callable[..., str]

HEADER = "id,title,artists,valence,energy"
MISSING = ["NA", "N/A", "NaN", "NULL", "None", r"\N", "-", "", "nan", "null", " NA ", "<NA>"]


@pytest.mark.parametrize("word", MISSING)
def test_missing_values_drop_a_row_only_where_required(
    word: str, imported: Imported, table_of: Table
) -> None:
    needed = [
        f"{word},x,.1,.2",
        f"t,{word},.1,.2",
        f"t,x,{word},.2",
        f"t,x,.1,{word}",
    ]
    optional = "genres,language,year,tempo,popularity,duration_ms,explicit,mode,isrc,acousticness"
    filler = f",{word}" * len(optional.split(","))
    rows = [row + filler for row in (*needed, "t,x,.1,.2")]
    report, (track,) = imported(table_of(f"{HEADER},{optional}", *rows))
    assert report.refused == {
        f"{column} missing": 1 for column in ("artist", "energy", "title", "valence")
    }
    assert (track.genres, track.language, track.year, track.tempo) == ((), None, None, None)
    assert (track.duration_ms, track.explicit, track.mode) == (None, None, None)
    assert track.acousticness is None
    assert not any("year" in note or "neither" in note for note in report.notes)


@pytest.mark.parametrize(
    ("header", "rows", "titles"),
    [
        # Quoted, and nothing else is missing in words: a name.
        ("", ['"Null",x,.1,.2', 'b,"None",.1,.2'], ["Null", "b"]),
        (",tempo", ['"NA",x,.1,.2,', "b,x,.1,.2,90"], ["NA", "b"]),
        # Not quoted, or the file writes missing values so.
        ("", ["Null,x,.1,.2", '"b",x,.1,.2'], ["b"]),
        (",tempo", ['"Null",x,.1,.2,NA', "b,x,.1,.2,90"], ["b"]),
        (",tempo", ['"Null",x,.1,.2,"NULL"', "b,x,.1,.2,90"], ["b"]),
        ("", ['"Null",x,.1,.2', "NULL,x,.1,.2", "c,x,.1,.2"], ["c"]),
        ("", ['"NULL","NULL",.1,.2', "b,x,.1,.2"], ["b"]),
    ],
)
def test_a_title_may_be_null_where_the_file_can_tell(
    header: str, rows: list[str], titles: list[str], imported: Imported, table_of: Table
) -> None:
    _, tracks = imported(table_of(HEADER + header, *rows))
    assert [track.title for track in tracks] == titles


@pytest.mark.parametrize(
    ("told", "year"),
    [
        ("1999", 1999),
        ("1999.0", 1999),
        ("1999-12-31", 1999),
        ("1999-00-00", 1999),
        ("1999/12", 1999),
        ("31.12.1999", 1999),
        ("31-12-1999", 1999),
        ("12/31/1999", 1999),
        ("19991231", 1999),
        ("Dec 31 1999", 1999),
        ('"December 31, 1999"', 1999),
        ("31 Dec 1999", 1999),
        ("1999-12-31T23:59:59Z", 1999),
        ("31/12/1999 20:15", 1999),
        ("12/31/99", None),
        ("946684800", None),
        ("soon", None),
        ("1066", None),
    ],
)
def test_dates_in_every_order(
    told: str, year: int | None, imported: Imported, table_of: Table
) -> None:
    content = table_of(f"{HEADER},release_date", f"a,x,.1,.2,{told}", "b,x,.1,.2,")
    report, (track, other) = imported(content)
    assert (track.year, other.year) == (year, None)
    unknown = "1 row without a year that could be read from “release_date”"
    assert (unknown in report.notes) == (year is None)


def test_an_empty_year_is_filled_from_the_date(imported: Imported, table_of: Table) -> None:
    rows = ["a,x,.1,.2,,1999-01-01", "a,x,.1,.2,0,1998", "a,x,.1,.2,NA,1997", "a,x,.1,.2,2001,1996"]
    report, tracks = imported(table_of(f"{HEADER},year,release_date", *rows))
    assert [track.year for track in tracks] == [1999, 1998, 1997, 2001]
    assert not any("year" in note for note in report.notes)


@pytest.mark.parametrize(
    ("names", "cells", "wanted", "divided"),
    [
        ("valence_%,energy_%", ["71,50", "1,1", "0,1", "33,1"], [0.71, 0.01, 0.0, 0.33], True),
        ("valence,energy", ["71.5,50.2", "0.4,12", "33.3,0"], [0.715, 0.004, 0.333], True),
        ("valence,energy", ["71%,50 %", "1%,0%"], [0.71, 0.01], True),
        ("valence %,energy pct", ["0.71,0.5", "0.33,1"], [0.71, 0.33], False),
        ("valence,energy", ["1,0", "0,1", "1,1"], [1.0, 0.0, 1.0], False),
    ],
)
def test_scale_is_detected_from_the_whole_column(
    names: str,
    cells: list[str],
    wanted: list[float],
    divided: bool,
    imported: Imported,
    table_of: Table,
) -> None:
    rows = [f"t,x,{cell}" for cell in cells]
    report, tracks = imported(table_of(f"id,title,artists,{names}", *rows))
    assert [track.valence for track in tracks] == wanted
    assert any("Divided by 100" in note for note in report.notes) == divided


def test_one_number_above_does_not_change_the_scale(imported: Imported, table_of: Table) -> None:
    report, _ = imported(table_of(HEADER, "a,x,.1,.2", "b,x,71,.3", "c,x,.3,.4"))
    assert report.refused == {"valence outside 0 to 1": 1}


@pytest.mark.parametrize(
    ("name", "cells", "milliseconds"),
    [
        ("duration_ms", ["210000", "379266.0"], [210_000, 379_266]),
        ("duration_ms", ["210", "379"], [210_000, 379_000]),
        ("length", ["379266", "1000"], [379_266, 1000]),
        ("length", ["210.5", "180"], [210_500, 180_000]),
        ("duration", ["210", "0"], [210_000, None]),
        ("Duration (min)", ["3.5", "4"], [210_000, 240_000]),
        ("Time", ["3:30", "1:02:03"], [210_000, 3_723_000]),
        ("duration", ["03:30.5", "soon"], [210_500, None]),
        ("duration_ms", ['"210,345"', '"1,210,345"'], [210_345, 1_210_345]),
    ],
)
def test_lengths(
    name: str,
    cells: list[str],
    milliseconds: list[int | None],
    imported: Imported,
    table_of: Table,
) -> None:
    report, tracks = imported(table_of(f"{HEADER},{name}", *(f"a,x,.1,.2,{c}" for c in cells)))
    assert [track.duration_ms for track in tracks] == milliseconds
    converted = "210" in cells[0] and float(cells[0].strip('"').replace(",", "")) < 1000
    assert any("is in seconds" in note for note in report.notes) == converted


def test_decimal_commas(imported: Imported, table_of: Table) -> None:
    header = f"{HEADER},tempo,popularity,duration_ms".replace(",", ";")
    rows = ["a;x;0,715;0,2;120,5;58,0;222640,0", "b;x;0,4;0,9;90;7;180000"]
    report, (track, _) = imported(table_of(header, *rows, mark=";"))
    assert (track.valence, track.energy, track.tempo) == (0.715, 0.2, 120.5)
    assert (track.popularity, track.duration_ms) == (58, 222_640)
    assert any("decimal comma" in note for note in report.notes)


def test_numbers_as_pandas_writes_them(imported: Imported, table_of: Table) -> None:
    header = f"{HEADER},Unnamed: 0,year,mode,popularity,explicit"
    _, (track,) = imported(table_of(header, "a,x,5e-1,.2,0,1999.0,1.0,58.0,1.0"))
    assert (track.valence, track.year, track.mode) == (0.5, 1999, 1)
    assert (track.popularity, track.explicit) == (58, True)


def test_languages_match_in_any_case(imported: Imported, table_of: Table, tmp_path: Path) -> None:
    codes = ["EN", "en", "pt-BR", "pt_br", "nan"]
    rows = [f"t{place},x{place},.{place},.2,{code}" for place, code in enumerate(codes)]
    _, tracks = imported(table_of(f"{HEADER},language", *rows))
    assert [track.language for track in tracks] == ["en", "en", "pt-br", "pt-br", None]
    with Catalog.open(tmp_path / "imported.duckdb") as catalog:
        found = Recommender(catalog).recommend(Mood(0, 0), filters=Filters(languages=("PT-br",)))
        assert {pick.track.language for pick in found.picks} == {"pt-br"}
        assert len(catalog.candidates(Mood(0, 0), filters=Filters(languages=("En",)))) == 2


YES = ["1.0", "1", "E", "explicit", "Explicit ", "Yes", "y", "TRUE", "True", "t"]
NO = ["0.0", "0", "no", "N", "clean", "False", "f", "notExplicit", "Not Explicit"]
UNCLEAR = ["maybe", "2", "0.5", "?"]


def test_possibly_explicit_tracks_are_not_clean(
    imported: Imported, table_of: Table, tmp_path: Path
) -> None:
    marks = [*YES, *NO, *UNCLEAR, ""]
    rows = [f"t,x{place},.1,.2,{mark}" for place, mark in enumerate(marks)]
    report, tracks = imported(table_of(f"{HEADER},Is Explicit", *rows))
    told = [track.explicit for track in tracks]
    assert told == [True] * len(YES) + [False] * len(NO) + [None] * (len(UNCLEAR) + 1)
    (said,) = [note for note in report.notes if "neither yes nor no" in note]
    assert said.startswith("4 rows with something in “Is Explicit”")
    assert "“0.5”, “2” and “?”" in said
    with Catalog.open(tmp_path / "imported.duckdb") as catalog:
        assert catalog.marked == len(YES) + len(NO)
        clean = catalog.candidates(Mood(0, 0), filters=Filters(explicit=False), limit=100)
        assert {track.id for track in clean} == {
            track.id for track, mark in zip(tracks, marks, strict=True) if mark in (*NO, "")
        }
        playlist = Recommender(catalog).recommend(
            Mood(0, 0), n=len(clean), filters=Filters(explicit=False)
        )
        assert playlist.notes == (
            f"One of {len(clean)} tracks is not marked as explicit or clean, and may be either.",
        )


def test_explicit_flag_of_any_duplicate_counts(imported: Imported) -> None:
    rows = [f"{number:022d},a,x,.1,.2,{mark}" for number, mark in [(1, 0), (1, 1), (2, ""), (2, 0)]]
    _, tracks = imported("\n".join([f"{HEADER},explicit", *rows]))
    assert [track.explicit for track in tracks] == [True, False]


def test_catalogue_without_explicit_flags_is_reported(
    imported: Imported, table_of: Table, starter: Catalog, tmp_path: Path
) -> None:
    report, _ = imported(table_of(HEADER, "a,x,.1,.2"))
    assert "Nothing says which tracks are explicit: --clean cannot leave any out" in report.notes
    with Catalog.open(tmp_path / "imported.duckdb") as catalog:
        for one in (catalog, starter):
            assert one.marked == 0
            clean = Recommender(one).recommend(Mood(0, 0), filters=Filters(explicit=False))
            assert clean.picks
            assert clean.notes == (
                "This catalogue does not say which tracks are explicit, so none could be left out.",
            )
            assert Recommender(one).recommend(Mood(0, 0)).notes == ()
