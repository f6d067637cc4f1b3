"""Brings the rows of a table into our columns, names what is wrong with them, and merges them.

Statements are fixed texts: paths and values are bound as parameters and source columns are
addressed by position, so that no name, title or path is ever read as SQL.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb

from recommender.catalog import values
from recommender.catalog.columns import (
    MEASURED,
    NUMERIC,
    PLACING,
    RANGES,
    REQUIRED,
    find_columns,
    lacking,
)
from recommender.catalog.lists import names_in, unescaped
from recommender.catalog.records import MAX_RECORD_BYTES
from recommender.catalog.textfile import lacks, open_text, read_head
from recommender.catalog.values import ID, NULLS, Plan, is_missing, known, quoted

_WHITE: Final = " \t\n\r\xa0\u200b\ufeff"
_CONTROLS: Final = "".join(map(chr, [*range(1, 9), 11, 12, *range(14, 32), 127]))
"""Characters that mean nothing in a title; two of them delimit what is in a record of a
catalogue."""

_CONTROL: Final = r"[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]"
_AROUND: Final = r"^[\s\x{a0}\x{200b}\x{feff}]|[\s\x{a0}\x{200b}\x{feff}]$"

_TEXTS: Final = ("id", "title", "language", "explicit", "mode", "isrc")
_LIST: Final = r"^\s*(?:[a-z.]+\()?[\[({]|\\u[0-9a-fA-F]{4}"
_PLAIN_LIST: Final = r"^\[\s*(?:'[^'\\]*'|\"[^\"\\]*\")(?:\s*,\s*(?:'[^'\\]*'|\"[^\"\\]*\"))*\s*\]$"
"""``['A', "B's"]``, which needs no parser."""


@dataclass(frozen=True, slots=True)
class Source:
    """How DuckDB reads a file, and what is known about the file.

    Attributes:
        function: a table function.
        options: its parameters.
        names: of the columns.
        cells: the SQL of each column as text, or as a list of texts.
        lists: the columns that are lists.
        readable: how many rows DuckDB has to return, ``None`` for Parquet.
        unreadable: rows that cannot be read, beside those.
        quotes: whether it has quotation marks.
        encoding: of the file, ``""`` for Parquet.
        notes: sentences about how it is read.
    """

    function: str
    options: Mapping[str, object]
    names: tuple[str, ...]
    cells: tuple[str, ...]
    lists: frozenset[int] = frozenset()
    readable: int | None = None
    unreadable: int = 0
    quotes: bool = False
    encoding: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Staged:
    """What became of the rows: how many there were, and reason → rows that are refused."""

    rows: int
    refused: Mapping[str, int]
    notes: tuple[str, ...]


def read_source(
    connection: duckdb.DuckDBPyConnection, source: Path, folder: Path, *, encoding: str | None
) -> Source:
    """Look at a file and return how to read it.

    Raises:
        CatalogError: it is not a table, or lacks columns.
    """
    head = read_head(source)
    if head[:4] == b"PAR1":
        return _parquet(connection, source)
    return _text(source, head, folder, encoding)


def _parquet(connection: duckdb.DuckDBPyConnection, source: Path) -> Source:
    function, options = "read_parquet($path, hive_partitioning = false)", {"path": _literal(source)}
    rows = connection.execute(f"DESCRIBE SELECT * FROM {function}", options).fetchall()
    names = tuple(str(row[0]) for row in rows)
    if missing := lacking(find_columns(names)):
        raise lacks(source, missing, names)
    cells, lists = [], set()
    for place, row in enumerate(rows):
        cell, is_list = _as_text(f"c{place}", str(row[1]))
        cells.append(cell)
        if is_list:
            lists.add(place)
    return Source(function, options, names, tuple(cells), frozenset(lists))


def _as_text(cell: str, kind: str) -> tuple[str, bool]:
    """Return the SQL of a Parquet column as text or list of texts, and whether it is a list."""

    # Texts may be stored as bytes. Lists of records are turned into JSON.
    if kind == "BLOB":
        return _cleaned(f"coalesce(TRY(decode({cell})), {cell}::VARCHAR)"), False
    if kind.endswith("[]") and not kind.startswith(("STRUCT", "MAP")) and kind.count("[") == 1:
        text = "coalesce(TRY(decode(x)), x::VARCHAR)" if kind == "BLOB[]" else "x::VARCHAR"
        return f"list_transform({cell}, lambda x: {_cleaned(text)})", True
    if kind.startswith(("STRUCT", "MAP", "UNION")) or kind.endswith("]"):
        return f"to_json({cell})::VARCHAR", False
    if kind != "VARCHAR" and not kind.startswith("ENUM"):
        return f"{cell}::VARCHAR", False
    return _cleaned(f"{cell}::VARCHAR"), False


def _cleaned(text: str) -> str:
    """Return the SQL of a text without control characters and white space around it.

    Checking whether there are any costs a tenth of removing them.
    """
    plain = (
        f"CASE WHEN regexp_matches({text}, '{_CONTROL}') "
        f"THEN translate({text}, $controls, repeat(' ', length($controls))) ELSE {text} END"
    )
    return _trimmed(plain)


def _trimmed(text: str) -> str:
    return (
        f"CASE WHEN regexp_matches({text}, '{_AROUND}') THEN trim({text}, $white) ELSE {text} END"
    )


def _text(source: Path, head: bytes, folder: Path, encoding: str | None) -> Source:
    table = open_text(source, head, folder, encoding=encoding)
    width = len(table.layout.names)
    function = (
        "read_csv($path, auto_detect = false, header = true, delim = $mark, quote = '\"', "
        "escape = '\"', columns = $columns, compression = $compression, nullstr = $nulls, "
        "allow_quoted_nulls = false, hive_partitioning = false, max_line_size = $longest, "
        "strict_mode = true)"
    )
    options = {
        "path": _literal(table.path),
        "mark": table.layout.mark,
        "columns": {f"c{place}": "VARCHAR" for place in range(width)},
        "compression": table.compression,
        "nulls": NULLS,
        "longest": 4 * MAX_RECORD_BYTES,
    }
    found = find_columns(table.layout.names)
    numeric = {place for column in NUMERIC for place in found.get(column, ())}
    tally, notes = table.tally, []
    if table.layout.remarks:
        notes.append(f"{table.layout.remarks:,} lines above the header were left out")
    if table.doubt and not table.encoding.startswith("UTF-8"):
        notes.append(
            f"{table.encoding} is a guess, by words such as “{table.doubt}”; if they look wrong, "
            "import again with --encoding NAME"
        )
    elif tally.mended:
        notes.append(
            f"{_rows(tally.mended)} with bytes that are not UTF-8: those were read as Windows-1252"
        )
    if tally.refused:
        notes.append(
            f"{_rows(tally.refused)} not readable, the first in line {tally.first_refused:,}"
        )
    return Source(
        function,
        options,
        table.layout.names,
        tuple(
            f"trim(c{place})" if place in numeric else _trimmed(f"c{place}")
            for place in range(width)
        ),
        readable=tally.records - tally.refused,
        unreadable=tally.refused,
        quotes=tally.quotes,
        encoding=table.encoding,
        notes=tuple(notes),
    )


def stage(connection: duckdb.DuckDBPyConnection, source: Source) -> Staged:
    """Make the table ``staged``: each row of the file in our columns, with its problem, if any."""
    found = find_columns(source.names)
    used = sorted({place for places in found.values() for place in places})
    columns = ", ".join(f"c{place}" for place in range(len(source.names)))
    cells = ", ".join(f"{source.cells[place]} AS c{place}" for place in used)
    statement = (
        f"CREATE TEMP TABLE raw AS WITH source({columns}) AS (SELECT * FROM {source.function}) "
        f"SELECT {cells} FROM source"
    )
    extra = {"white": _WHITE, "controls": _CONTROLS}
    extra = {name: value for name, value in extra.items() if f"${name}" in statement}
    connection.execute(statement, {**source.options, **extra})
    plan = values.survey(connection, found, source.names, source.lists, quotes=source.quotes)
    connection.create_function("names_in", names_in, ["VARCHAR", "BOOLEAN"], "VARCHAR[]")
    connection.create_function("unescaped", unescaped, ["VARCHAR"], "VARCHAR")
    try:
        connection.execute(f"CREATE TEMP TABLE staged AS {_staged(plan, source.lists)}", {"id": ID})
        notes = _notes(connection, plan, source.names)
    finally:
        connection.remove_function("names_in")
        connection.remove_function("unescaped")
    connection.execute("DROP TABLE raw")
    rows = connection.execute(
        "SELECT problem, count(*) FROM staged GROUP BY problem ORDER BY 2 DESC, 1"
    ).fetchall()
    return Staged(
        rows=sum(count for _, count in rows),
        refused={why: count for why, count in rows if why is not None},
        notes=(*plan.notes, *notes),
    )


def _staged(plan: Plan, lists: frozenset[int]) -> str:
    """Return the query that brings the rows of ``raw`` into our columns and names what is wrong.

    Each number is read once, in the inner query, since that takes most of the time.
    """

    def cell(column: str) -> str:
        return f"c{plan.places[column][0]}" if column in plan.places else "NULL::VARCHAR"

    inner = {column: cell(column) for column in (*_TEXTS, *RANGES)}
    for column in NUMERIC:
        one = plan.numbers.get(column)
        inner[f"{column}_read"] = one.read() if one else "NULL::DOUBLE"
    inner["id_read"] = f"regexp_extract({inner['id']}, $id, 1)"
    inner["artists"] = _names(plan, plan.places["artists"], lists, ";|")
    inner["tags"] = _names(plan, plan.places.get("genres", ()), lists, ";|,")
    dates = [f"c{place}" for place in plan.places.get("year", ())]
    inner["year"] = f"coalesce({', '.join([*map(values.year, dates), 'NULL::SMALLINT'])})"
    inner |= {f"date{place}": date for place, date in enumerate(dates)}
    dated = " OR ".join(values.is_undated(f"date{place}") for place in range(len(dates)))
    no_title = "coalesce(title, '') = ''"
    if plan.words_are_titles:
        artist = cell("artists") if plan.places["artists"][0] not in lists else "''"
        inner["wordless"] = f"{is_missing(inner['title'])} AND {is_missing(artist)}"
        no_title += " OR wordless"
    else:
        no_title += f" OR {is_missing('title')}"
    problems = [
        "WHEN coalesce(id_read, '') = '' THEN 'id missing or not a Spotify id'",
        f"WHEN {no_title} THEN 'title missing'",
        "WHEN len(artists) = 0 THEN 'artist missing'",
    ]
    for column, (low, high) in RANGES.items():
        if column not in plan.numbers:
            continue
        absent = f"{column} IS NULL OR {column} = '' OR {is_missing(column)}"
        if column in REQUIRED:
            problems.append(f"WHEN {column}_read IS NULL AND ({absent}) THEN '{column} missing'")
        problems += [
            f"WHEN {column}_read IS NULL AND NOT ({absent}) THEN '{column} not a number'",
            f"WHEN NOT {column}_read BETWEEN {low} AND {high} "
            f"THEN '{column} outside {low:g} to {high:g}'",
        ]
    outer = {
        "problem": f"CASE {' '.join(problems)} END",
        "id": "id_read",
        "title": "CASE WHEN contains(title, '\\u') THEN unescaped(title) ELSE title END",
        "artists": "artists",
        "tags": "tags",
        "language": f"replace(lower({known('language')}), '_', '-')",
        "year": "year",
        "undated": f"CASE WHEN year IS NULL THEN {dated or 'false'} ELSE false END",
        **{column: f"{column}_read" for column in RANGES},
        **{
            column: f"CASE WHEN {column}_read BETWEEN {low} AND {high} THEN {column}_read END"
            for column, (low, high) in PLACING.items()
        },
        "tempo": "nullif(tempo_read, 0)",
        "explicit": values.explicit("explicit"),
        "unclear": f"coalesce({values.explicit('explicit')} IS NULL AND "
        f"{known('explicit')} IS NOT NULL, false)",
        "duration_ms": "TRY_CAST(nullif(greatest(duration_ms_read, 0), 0) AS BIGINT)",
        "mode": "CASE WHEN lower(mode) IN ('1', '1.0', 'major') THEN 1 "
        "WHEN lower(mode) IN ('0', '0.0', 'minor') THEN 0 END::TINYINT",
        "isrc": known("isrc"),
    }
    below = ", ".join(f"{expression} AS {name}" for name, expression in inner.items())
    above = ", ".join(f"{expression} AS {name}" for name, expression in outer.items())
    return f"SELECT {above} FROM (SELECT {below} FROM raw)"


def _names(plan: Plan, places: Sequence[int], lists: frozenset[int], separators: str) -> str:
    """Return the SQL of the texts of some columns as one list, without missing ones."""
    parts = []
    for place in places:
        cell = f"c{place}"
        if place in lists:
            parts.append(f"coalesce({cell}, [])")
            continue
        same = f"translate({cell}, '{separators}', '{separators[0] * len(separators)}')"
        parts.append(
            f"CASE WHEN NOT regexp_matches({cell}, '{_sql(_LIST)}') "
            f"THEN string_split({same}, '{separators[0]}') "
            f"WHEN regexp_matches({cell}, '{_sql(_PLAIN_LIST)}') "
            f"THEN list_transform(regexp_extract_all({cell}, "
            f"'''[^'']*''|\"[^\"]*\"'), lambda x: x[2:-2]) "
            f"WHEN {cell} IS NULL THEN [] "
            f"ELSE names_in({cell}, {str(place in plan.bare_lists).lower()}) END"
        )
    if not parts:
        return "[]::VARCHAR[]"
    joined = parts[0] if len(parts) == 1 else f"flatten([{', '.join(parts)}])"
    kept = "x <> ''" if plan.words_are_titles else f"x <> '' AND NOT {is_missing('x')}"
    return f"list_filter(list_transform({joined}, lambda x: trim(x)), lambda x: {kept})"


def _notes(connection: duckdb.DuckDBPyConnection, plan: Plan, names: Sequence[str]) -> list[str]:
    """Return notes on dates and on which tracks are explicit."""
    undated, unclear, marked = connection.execute(
        "SELECT count(*) FILTER (undated), count(*) FILTER (unclear), count(explicit) FROM staged "
        "WHERE problem IS NULL"
    ).fetchall()[0]
    notes = []
    if undated:
        where = quoted([names[place] for place in plan.places["year"]])
        notes.append(f"{_rows(undated)} without a year that could be read from {where}")
    if unclear:
        cell = f"c{plan.places['explicit'][0]}"
        examples = connection.execute(
            f"SELECT {cell}, count(*) FROM raw WHERE {known(cell)} IS NOT NULL "
            f"AND {values.explicit(cell)} IS NULL GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 3"
        ).fetchall()
        column = quoted([names[plan.places["explicit"][0]]])
        notes.append(
            f"{_rows(unclear)} with something in {column} that says neither yes nor no, such as "
            f"{quoted([str(value)[:40] for value, _ in examples])}: not played with --clean"
        )
    if not marked and not unclear:
        notes.append("Nothing says which tracks are explicit: --clean cannot leave any out")
    return notes


def _rows(count: int) -> str:
    return f"{count:,} row{'' if count == 1 else 's'}"


def _literal(path: Path) -> str:
    """Return a path with its glob characters escaped."""
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in str(path))


def _sql(pattern: str) -> str:
    return pattern.replace("'", "''")


# Most tables repeat few ids, so only those rows are put through the costly aggregation.
_FIRST: Final = (
    "title",
    "artists",
    "language",
    "year",
    *MEASURED,
    *PLACING,
    "isrc",
)

_REPEATED: Final = f"""
CREATE TEMP TABLE repeated AS
SELECT id, {", ".join(f"arg_min({name}, rowid) AS {name}" for name in _FIRST)},
       bool_or(explicit) AS explicit, bool_or(unclear) AS unclear,
       max(popularity) AS popularity, flatten(list(tags ORDER BY rowid)) AS tags
FROM staged WHERE problem IS NULL AND id IN (
    SELECT id FROM staged WHERE problem IS NULL GROUP BY id HAVING count(*) > 1
) GROUP BY id
"""

_MERGED: Final = f"""
CREATE TEMP VIEW merged AS
SELECT id, {", ".join(_FIRST)}, explicit, unclear, popularity, tags
FROM staged ANTI JOIN repeated USING (id) WHERE problem IS NULL
UNION ALL SELECT * FROM repeated
"""


def merge(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the view ``merged`` from ``staged``: a row for each track, as `_REPEATED` combines
    them."""
    connection.execute(_REPEATED)
    connection.execute(_MERGED)
