"""Reads a table of tracks, whatever its layout, into the catalogue's schema.

The whole of it happens inside DuckDB, so that tables larger than memory pass. Statements are
fixed texts: paths and values are bound as parameters and source columns are addressed by their
place, so that no name, title or path is ever read as SQL.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import os
import tempfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb

from recommender.columns import RANGES, REQUIRED, find_columns, lacking
from recommender.errors import CatalogError
from recommender.genres import GenreTable, default_table

FORMAT: Final = 1
"""Version of the tables that an import writes; a catalogue of another one is refused."""

SAFE: Final = {"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}
"""DuckDB settings: nothing is fetched from anywhere, whatever a file is called."""

_SNIFFED: Final = 1 << 20
_ID = r"^\s*(?:spotify:track:|https?://open\.spotify\.com/(?:[\w-]+/)?track/)?([A-Za-z0-9]{22})(?:\?.*)?\s*$"


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What became of the rows of a table.

    Attributes:
        read: rows in the table.
        kept: tracks in the catalogue.
        merged: rows that repeated the id of another; their genres were added to it.
        refused: reason → rows.
        unknown_tags: genre tags that belong to no family, the most frequent first.
    """

    read: int
    kept: int
    merged: int
    refused: Mapping[str, int]
    unknown_tags: tuple[str, ...] = ()


def import_file(source: Path, target: Path, *, table: GenreTable | None = None) -> ImportReport:
    """Write a catalogue file from a CSV or Parquet table.

    The catalogue is built beside its place and moved there once it is whole: when anything goes
    wrong, and when the machine stops in the middle, an older catalogue remains as it was.

    Args:
        source: a CSV (also gzipped) or Parquet file.
        target: the DuckDB file to write. Only a DuckDB file is ever replaced: somebody's table
            that this name happens to point to is not ours to lose.
        table: what genre tags mean, the package's own by default.

    Raises:
        CatalogError: the table cannot be read, lacks columns or has no usable row, or `target`
            cannot be written.
    """
    source, target = source.expanduser().absolute(), target.expanduser().absolute()
    if target.exists() and not is_duckdb(target):
        raise CatalogError(f"{target} is no catalogue and stays as it is: choose another file.")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".affectune-", dir=target.parent) as folder:
            built = Path(folder) / "catalog.duckdb"
            with duckdb.connect(str(built), config=dict(SAFE)) as connection:
                report = read_table(connection, source, table=table)
                connection.execute("CHECKPOINT")
            _sync(built)
            built.replace(target)
    except OSError as error:
        raise CatalogError(f"{target} cannot be written: {error.strerror or error}.") from error
    except duckdb.IOException as error:
        raise CatalogError(f"{target} cannot be written: {_first_line(error)}") from error
    return report


def read_table(
    connection: duckdb.DuckDBPyConnection, source: Path, *, table: GenreTable | None = None
) -> ImportReport:
    """Make the table ``tracks`` from a CSV or Parquet file.

    Args:
        connection: an empty database.
        source: the file.
        table: what genre tags mean, the package's own by default.

    Raises:
        CatalogError: the file cannot be read, lacks columns or has no usable row.
    """
    table = table or default_table()
    source = source.expanduser().absolute()
    try:
        scan = _scan(connection, source)
        found = find_columns(scan.names)
        if missing := lacking(found):
            raise CatalogError(_lacks(source, missing, scan.names))
        places = ", ".join(f"c{place}" for place in range(len(scan.names)))
        stage = (
            f"CREATE TEMP TABLE staged AS {_staged(found, scan.types)} "
            f"FROM {scan.function} AS source({places})"
        )
        try:
            connection.execute(stage, {**scan.options, "id_pattern": _ID})
        except duckdb.InvalidInputException:
            # Mixed line ends, stray quotes: read what can be read, and let the checks decide.
            if "strict" not in scan.options:
                raise
            connection.execute(stage, {**scan.options, "strict": False, "id_pattern": _ID})
        unreadable = _unreadable_lines(connection)
        read, refused = _count(connection)
        connection.execute(_MERGE)
        unknown = _add_families(connection, table)
        kept = int(connection.execute(_RANK).fetchall()[0][0])
    except (duckdb.Error, csv.Error) as error:
        raise CatalogError(
            f"{source.name} is not a CSV or Parquet table that can be read: {_first_line(error)}"
        ) from error
    if unreadable:
        refused["line not readable"] = unreadable
    if not kept:
        raise CatalogError(f"{source.name} has no usable row: {_reasons(refused)}.")
    connection.execute("DROP TABLE staged; DROP TABLE merged; DROP TABLE families")
    connection.execute("CREATE TABLE affectune AS SELECT ?::INTEGER AS format", [FORMAT])
    usable = read - sum(refused.values()) + unreadable
    return ImportReport(read + unreadable, kept, usable - kept, refused, unknown)


def is_duckdb(path: Path) -> bool:
    """Whether a file is a DuckDB database, by its magic bytes.

    Raises:
        CatalogError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return file.read(12)[8:] == b"DUCK"
    except IsADirectoryError:
        return False
    except OSError as error:
        raise CatalogError(f"{path} cannot be read: {error.strerror or error}.") from error


@dataclass(frozen=True, slots=True)
class _Scan:
    """How DuckDB reads a file: a table function, its parameters, and its columns."""

    function: str
    options: Mapping[str, object]
    names: tuple[str, ...]
    types: tuple[str, ...]


def _scan(connection: duckdb.DuckDBPyConnection, source: Path) -> _Scan:
    head = _head(source)
    # A star in a file's name is a star, and not every file of the folder.
    path = "".join(f"[{letter}]" if letter in "*?[" else letter for letter in str(source))
    if head[:4] == b"PAR1":
        function = "read_parquet($path, hive_partitioning = false)"
        rows = connection.execute(f"DESCRIBE SELECT * FROM {function}", {"path": path}).fetchall()
        names, types = zip(*((str(row[0]), str(row[1])) for row in rows), strict=True)
        return _Scan(function, {"path": path}, names, types)
    packed = head[:2] == b"\x1f\x8b"
    if packed:
        head = _unpacked(source)
    encoding = _encoding(head)
    text = head.decode(encoding.replace("utf-8", "utf-8-sig"), errors="replace")
    mark = _mark(text)
    names = tuple(next(csv.reader(io.StringIO(text), delimiter=mark)))
    # Nothing is guessed by DuckDB: one broken line would make it give the whole file up.
    function = (
        "read_csv($path, auto_detect = false, header = true, delim = $mark, quote = '\"', "
        "escape = '\"', columns = $columns, compression = $compression, encoding = $encoding, "
        "hive_partitioning = false, ignore_errors = true, store_rejects = true, "
        "strict_mode = $strict)"
    )
    options = {
        "strict": True,
        "path": path,
        "mark": mark,
        "columns": {f"c{place}": "VARCHAR" for place in range(len(names))},
        "compression": "gzip" if packed else "none",
        "encoding": encoding,
    }
    return _Scan(function, options, names, ("VARCHAR",) * len(names))


def _head(source: Path) -> bytes:
    try:
        with source.open("rb") as file:
            head = file.read(_SNIFFED)
    except OSError as error:
        raise CatalogError(f"{source} cannot be read: {error.strerror or error}.") from error
    if not head.strip():
        raise CatalogError(f"{source.name} is empty.")
    if head[:4] == b"PK\x03\x04":
        raise CatalogError(f"{source.name} is a zip archive: unpack it and import what is inside.")
    return head


def _unpacked(source: Path) -> bytes:
    try:
        with gzip.open(source) as file:
            return file.read(_SNIFFED)
    except (OSError, EOFError, zlib.error) as error:
        raise CatalogError(
            f"{source.name} is not a CSV or Parquet table that can be read: {error}"
        ) from error


def _mark(text: str) -> str:
    """Return what parts the cells of a CSV: what its first line has most of."""
    line = text.lstrip().split("\n", 1)[0]
    return max(",;\t|", key=line.count)


def _encoding(head: bytes) -> str:
    if head[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return "utf-16"
    try:
        # The last character may be cut off by the sniffed length: that is no error.
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return "latin-1"
    return "utf-8"


def _staged(found: Mapping[str, Sequence[int]], types: Sequence[str]) -> str:
    """Return the SELECT list that brings a row into our columns and names what is wrong."""

    def text(column: str) -> str:
        return f"trim(CAST(c{found[column][0]} AS VARCHAR))" if column in found else "NULL::VARCHAR"

    def number(column: str) -> str:
        return f"TRY_CAST({text(column)} AS DOUBLE)"

    def texts(column: str, separators: str) -> str:
        parts = []
        for place in found.get(column, ()):
            if types[place].endswith("[]"):
                parts.append(f"coalesce(CAST(c{place} AS VARCHAR[]), [])")
            else:
                # "['A', 'B']" is a Python list that pandas wrote out.
                parts.append(
                    f"CASE WHEN regexp_matches(c{place}::VARCHAR, '^\\s*\\[\\s*[''\"]') "
                    f"THEN list_transform(regexp_extract_all(c{place}::VARCHAR, "
                    f"'''[^'']*''|\"[^\"]*\"'), lambda x: x[2:-2]) "
                    f"ELSE string_split_regex(coalesce(c{place}::VARCHAR, ''), '{separators}') END"
                )
        joined = f"flatten([{', '.join(parts)}])" if parts else "[]::VARCHAR[]"
        return (
            f"list_filter(list_transform({joined}, lambda x: trim(x)), "
            "lambda x: x IS NOT NULL AND x <> '')"
        )

    problems = [
        f"WHEN NOT regexp_matches(coalesce({text('id')}, ''), $id_pattern) "
        "THEN 'id missing or not a Spotify id'",
        f"WHEN coalesce({text('title')}, '') = '' THEN 'title missing'",
        f"WHEN len({texts('artists', ';')}) = 0 THEN 'artist missing'",
    ]
    for column, (low, high) in RANGES.items():
        if column not in found:
            continue
        if column in REQUIRED:
            problems.append(f"WHEN coalesce({text(column)}, '') = '' THEN '{column} missing'")
        problems += [
            f"WHEN {text(column)} <> '' AND {number(column)} IS NULL THEN '{column} not a number'",
            f"WHEN {text(column)} <> '' AND NOT {number(column)} BETWEEN {low} AND {high} "
            f"THEN '{column} outside {low:g} to {high:g}'",
        ]
    columns = {
        "problem": f"CASE {' '.join(problems)} END",
        "id": f"regexp_extract({text('id')}, $id_pattern, 1)",
        "title": text("title"),
        "tags": texts("genres", "[;|,]"),
        "language": f"nullif({text('language')}, '')",
        "year": f"TRY_CAST(regexp_extract({text('year')}, '^(1[89]|20)\\d\\d') AS SMALLINT)",
        **{column: number(column) for column in RANGES},
        "explicit": f"TRY_CAST({text('explicit')} AS BOOLEAN)",
        "duration_ms": f"CAST(nullif(greatest({number('duration_ms')}, 0), 0) AS BIGINT)",
    }
    columns["artists"] = texts("artists", ";")
    columns["tempo"] = f"nullif({number('tempo')}, 0)"
    listed = ", ".join(f"{expression} AS {name}" for name, expression in columns.items())
    return f"SELECT row_number() OVER () AS line, {listed}"


_FIRST = (
    "title",
    "artists",
    "language",
    "year",
    "valence",
    "energy",
    "danceability",
    "acousticness",
    "instrumentalness",
    "tempo",
    "explicit",
    "duration_ms",
)

_MERGE = f"""
CREATE TEMP TABLE merged AS
SELECT id, {", ".join(f"arg_min({name}, line) AS {name}" for name in _FIRST)},
       max(popularity) AS popularity, flatten(list(tags ORDER BY line)) AS tags
FROM staged WHERE problem IS NULL GROUP BY id
"""

_FAMILIES = """
CREATE TEMP TABLE families AS
SELECT id, list(family ORDER BY tags DESC, first) AS genres FROM (
    SELECT tagged.id, known.family, count(*) AS tags, min(tagged.place) AS first
    FROM (
        SELECT id, unnest(tags) AS tag, generate_subscripts(tags, 1) AS place FROM merged
    ) AS tagged
    JOIN (SELECT unnest($tags) AS tag, unnest($families) AS family) AS known USING (tag)
    GROUP BY tagged.id, known.family
) GROUP BY id
"""

# The middle rank among equals, stretched from [0, 1] to [-1, 1]. Sorted by place on the plane,
# so that whoever looks near a mood reads neighbouring blocks.
_PLACE = "(rank() OVER (ORDER BY {0}) - 1) / count(*) OVER () + cume_dist() OVER (ORDER BY {0}) - 1"

_RANK = f"""
CREATE TABLE tracks AS
SELECT merged.* EXCLUDE (tags, popularity),
       coalesce(families.genres, []::VARCHAR[]) AS genres,
       coalesce(popularity, median(popularity) OVER (), 50) AS popularity,
       CAST({_PLACE.format("valence")} AS FLOAT) AS pleasant,
       CAST({_PLACE.format("energy")} AS FLOAT) AS lively
FROM merged LEFT JOIN families USING (id)
ORDER BY floor(pleasant * 8), floor(lively * 8), id
"""


def _count(connection: duckdb.DuckDBPyConnection) -> tuple[int, dict[str, int]]:
    rows = connection.execute(
        "SELECT problem, count(*) FROM staged GROUP BY problem ORDER BY 2 DESC, 1"
    ).fetchall()
    return sum(count for _, count in rows), {why: count for why, count in rows if why is not None}


def _unreadable_lines(connection: duckdb.DuckDBPyConnection) -> int:
    tables = {str(row[0]) for row in connection.execute("SHOW TABLES").fetchall()}
    if "reject_errors" not in tables:
        return 0
    rows = connection.execute("SELECT count(DISTINCT line) FROM reject_errors").fetchall()
    return int(rows[0][0])


def _add_families(connection: duckdb.DuckDBPyConnection, table: GenreTable) -> tuple[str, ...]:
    """Translate tags to families and return the tags that have none."""
    tags = connection.execute(
        "SELECT tag, count(*) FROM (SELECT unnest(tags) AS tag FROM merged) "
        "GROUP BY tag ORDER BY 2 DESC, 1"
    ).fetchall()
    pairs = [(str(tag), table.family_of(str(tag))) for tag, _ in tags]
    known = [(tag, family) for tag, family in pairs if family is not None]
    connection.execute(
        _FAMILIES,
        {"tags": [tag for tag, _ in known], "families": [family for _, family in known]},
    )
    return tuple(tag for tag, family in pairs if family is None)


def _lacks(source: Path, missing: Sequence[str], names: Sequence[str]) -> str:
    there = ", ".join(names[:20]) + (", …" if len(names) > 20 else "")
    noun = "column" if len(missing) == 1 else "columns"
    return f"{source.name} lacks the {noun} {', '.join(missing)}. It has: {there}."


def _reasons(refused: Mapping[str, int]) -> str:
    return ", ".join(f"{why} ({rows:,})" for why, rows in refused.items()) or "it has no rows"


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__


def _sync(path: Path) -> None:
    """Have the disk confirm what was written before the old catalogue is given up."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
