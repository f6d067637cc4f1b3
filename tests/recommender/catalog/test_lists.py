"""Lists that were written out as text."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from recommender.catalog.importer import ImportReport
from recommender.catalog.lists import names_in
from recommender.types import Track

Imported = Callable[..., tuple[ImportReport, list[Track]]]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("A", ["A"]),
        ("A;B; C", ["A", "B", "C"]),
        ("['A', 'B']", ["A", "B"]),
        ("['A' 'B']", ["A", "B"]),
        ('["A", "B"]', ["A", "B"]),
        ("('A', 'B')", ["A", "B"]),
        ("('A',)", ["A"]),
        ("{'A', 'B'}", ["A", "B"]),
        ("{A,B}", ["A", "B"]),
        ("{A}", ["A"]),
        ('{"A, B",C}', ["A, B", "C"]),
        ("[A, B]", ["A", "B"]),
        ("array(['A', 'B'], dtype=object)", ["A", "B"]),
        ("frozenset({'A'})", ["A"]),
        ("[{'id': 'q', 'name': 'Real Band', 'type': 'artist'}]", ["Real Band"]),
        ("[{'urls': {'x': 'https://a/b'}, 'name': \"Guns N' Roses\"}]", ["Guns N' Roses"]),
        ('[{"name":"A"},{"name":"B","genres":["x"]}]', ["A", "B"]),
        ("{'rock': 12, 'pop': 3}", ["rock", "pop"]),
        (r'["Beyonc\u00e9", "\ud83d\ude00"]', ["Beyoncé", "😀"]),
        (r"['x\xe9', 'Guns N\' Roses']", ["xé", "Guns N' Roses"]),
        (r"Beyonc\u00e9", ["Beyoncé"]),
        ("['Destiny's Child', 'B']", ["Destiny's Child", "B"]),
        ("['A [live]', 'Sunn O)))']", ["A [live]", "Sunn O)))"]),
        ("[None]", []),
        ("['nan', '', 'A']", ["A"]),
        ("{NULL,A}", ["A"]),
        ("[]", []),
        ("()", []),
        ("{}", []),
        ("", []),
        # What only looks like a list is a name.
        ("(G)I-DLE", ["(G)I-DLE"]),
        ("(hed) p.e.", ["(hed) p.e."]),
        ("(x)", ["(x)"]),
        ("['A", ["['A"]),
        ("[" * 1000, ["[" * 1000]),
        (r"\ud800", ["\ufffd"]),
    ],
)
def test_names_in_a_cell(text: str, names: list[str]) -> None:
    assert names_in(text, bare=False) == names


def test_a_band_called_in_brackets_and_a_list_of_one() -> None:
    assert names_in("[spunge]", bare=False) == ["[spunge]"]
    assert names_in("[spunge]", bare=True) == ["spunge"]


@pytest.mark.parametrize(
    "pop_and_jazz",
    [
        "['pop', 'jazz']",
        "\"['pop', 'jazz']\"",
        '"[""pop"", ""jazz""]"',
        "\"('pop', 'jazz')\"",
        '"{pop,jazz}"',
        "\"[{'name': 'pop'}, {'name': 'jazz'}]\"",
        "pop;jazz",
        "pop|jazz",
        '"pop, jazz"',
        '"[pop, jazz]"',
    ],
)
def test_genres_and_artists_alike(pop_and_jazz: str, imported: Imported) -> None:
    if pop_and_jazz.startswith("["):
        pop_and_jazz = f'"{pop_and_jazz}"'
    content = "id,title,artists,genres,valence,energy\n"
    content += f"{1:022d},a,{pop_and_jazz},{pop_and_jazz},.5,.5\n"
    _, (track,) = imported(content)
    assert set(track.genres) == {"pop", "jazz"}
    # "Tyler, The Creator" is one.
    one = pop_and_jazz == '"pop, jazz"'
    assert track.artists == (("pop, jazz",) if one else ("pop", "jazz"))


@pytest.mark.parametrize(
    ("artists", "names"),
    [
        ("[{'name': 'A', 'id': '1'}, {'name': 'B', 'id': '2'}]", ("A", "B")),
        ("{'name': 'A'}", ("A",)),
        ("MAP {'name': 'A'}", ("A",)),
        ("['A', NULL, 'nan', ' B ']", ("A", "B")),
        (r"['caf\xC3\xA9'::BLOB]", ("café",)),
        (r"'caf\xC3\xA9'::BLOB", ("café",)),
        ("[['A'], ['B']]", ("A", "B")),
        ("['A', 'B']::VARCHAR[2]", ("A", "B")),
        ('\'["A", "B"]\'::JSON', ("A", "B")),
        ("'A'::ENUM('A', 'B')", ("A",)),
        ("['A' || chr(27) || '[31m', 'B']", ("A [31m", "B")),
        ("'A' || chr(31) || 'B'", ("A B",)),
    ],
)
def test_parquet_of_every_type(
    artists: str, names: tuple[str, ...], imported: Imported, tmp_path: Path
) -> None:
    path = tmp_path / "made.parquet"
    duckdb.connect().execute(
        f"""COPY (SELECT '{1:022d}'::BLOB AS id, 't' AS title, {artists} AS artists,
                         0.5::DECIMAL(3, 2) AS valence, 0.25::FLOAT AS energy,
                         'nan'::DOUBLE AS tempo, 1.0::DOUBLE AS explicit,
                         DATE '1999-12-31' AS release_date)
            TO '{path}' (FORMAT parquet)"""
    )
    _, (track,) = imported(path.read_bytes(), "table.parquet")
    assert track.artists == names
    assert (track.valence, track.energy, track.tempo) == (0.5, 0.25, None)
    assert (track.explicit, track.year) == (True, 1999)
