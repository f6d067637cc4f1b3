"""Reads a table of tracks, whatever its layout, into the catalogue's schema.

The whole of it happens inside DuckDB, so that tables larger than memory pass. Statements are
fixed texts: paths and values are bound as parameters and source columns are addressed by their
place, so that no name, title or path is ever read as SQL.
"""

from __future__ import annotations

import codecs
import csv
import glob
import gzip
import io
import os
import shutil
import socket
import tempfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb

from recommender.columns import RANGES, REQUIRED, find_columns, lacking
from recommender.errors import CatalogError
from recommender.genres import GenreTable, default_table
from recommender.progress import Progress, Tell
from recommender.tables import write_tables

SAFE: Final[dict[str, str | bool | int | float | list[str]]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
}
"""DuckDB settings: nothing is fetched from anywhere, whatever a file is called."""

_MEMORY: Final = 2 << 30
"""Bytes that an import takes at most; what is more lies on the disk for a while."""

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


def import_file(
    source: Path,
    target: Path,
    *,
    table: GenreTable | None = None,
    on_progress: Tell | None = None,
) -> ImportReport:
    """Write a catalogue file from a CSV or Parquet table.

    The catalogue is built beside its place and moved there once it is whole: when anything goes
    wrong, and when the machine stops in the middle, an older catalogue remains as it was.

    Args:
        source: a CSV (also gzipped) or Parquet file.
        target: the DuckDB file to write. Only a DuckDB file is ever replaced: somebody's table
            that this name happens to point to is not ours to lose.
        table: what genre tags mean, the package's own by default.
        on_progress: is told how far it is and what it does, from another thread.

    Raises:
        CatalogError: the table cannot be read, lacks columns or has no usable row, or `target`
            cannot be written.
    """
    source, target = source.expanduser().absolute(), target.expanduser().absolute()
    if target.exists() and not is_duckdb(target):
        raise CatalogError(f"{target} is no catalogue and stays as it is: choose another file.")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _sweep(target.parent)
        with tempfile.TemporaryDirectory(prefix=_mine(), dir=target.parent) as folder:
            built = Path(folder) / "catalog.duckdb"
            # What does not fit in memory lies in the same folder, and goes with it.
            spill = {"memory_limit": _memory(), "temp_directory": str(Path(folder) / "spill")}
            with duckdb.connect(str(built), config={**SAFE, **spill}) as connection:
                with Progress(connection, on_progress) as progress:
                    report = read_table(connection, source, table=table, step=progress.step)
                connection.execute("CHECKPOINT")
            _sync(built)
            built.replace(target)
    except OSError as error:
        raise CatalogError(f"{target} cannot be written: {error.strerror or error}.") from error
    except duckdb.IOException as error:
        raise CatalogError(f"{target} cannot be written: {_first_line(error)}") from error
    return report


def read_table(
    connection: duckdb.DuckDBPyConnection,
    source: Path,
    *,
    table: GenreTable | None = None,
    step: Callable[[str], None] = lambda what: None,
) -> ImportReport:
    """Make the table ``tracks`` from a CSV or Parquet file.

    Args:
        connection: an empty database.
        source: the file.
        table: what genre tags mean, the package's own by default.
        step: is told which of `recommender.progress.STEPS` begins.

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
            f"CREATE TEMP TABLE staged AS WITH source({places}) AS "
            f"(SELECT * FROM {scan.function}) {_staged(found, scan.types)}"
        )
        step("Reading the table")
        try:
            connection.execute(stage, {**scan.options, "id_pattern": _ID})
        except duckdb.InvalidInputException:
            # Mixed line ends, stray quotes: read what can be read, and let the checks decide.
            if "strict" not in scan.options:
                raise
            connection.execute(stage, {**scan.options, "strict": False, "id_pattern": _ID})
        unreadable = _unreadable_lines(connection)
        read, refused = _count(connection)
        step("Merging repeated ids")
        connection.execute(_REPEATED)
        connection.execute(_MERGED)
        kept, unknown = write_tables(connection, table, step)
    except duckdb.OutOfMemoryException as error:
        raise CatalogError(
            f"{source.name} needs more memory or disk than there is: {_first_line(error)}"
        ) from error
    except (duckdb.Error, csv.Error) as error:
        raise CatalogError(
            f"{source.name} is not a CSV or Parquet table that can be read: {_first_line(error)}"
        ) from error
    if unreadable:
        refused["line not readable"] = unreadable
    if not kept:
        raise CatalogError(f"{source.name} has no usable row: {_reasons(refused)}.")
    connection.execute("DROP VIEW merged; DROP TABLE repeated; DROP TABLE staged")
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
    """Return the query that brings the rows of ``source`` into our columns and names what is wrong.

    Each text is cleaned and each number read once, in the inner query: that is most of the time
    that an import takes.
    """
    inner: dict[str, str] = {}
    for column in (*_TEXTS, *RANGES, "duration_ms"):
        cell = f"trim({_plain(found[column][0])})" if column in found else "NULL::VARCHAR"
        inner[column] = cell
    for column in (*RANGES, "duration_ms"):
        inner[f"{column}_read"] = f"TRY_CAST({inner[column]} AS DOUBLE)"
    inner["id_read"] = f"regexp_extract({inner['id']}, $id_pattern, 1)"
    inner["artists"] = _texts(found.get("artists", ()), types, ";")
    inner["tags"] = _texts(found.get("genres", ()), types, ";|,")
    problems = [
        "WHEN coalesce(id_read, '') = '' THEN 'id missing or not a Spotify id'",
        "WHEN coalesce(title, '') = '' THEN 'title missing'",
        "WHEN len(artists) = 0 THEN 'artist missing'",
    ]
    for column, (low, high) in RANGES.items():
        if column not in found:
            continue
        if column in REQUIRED:
            problems.append(f"WHEN coalesce({column}, '') = '' THEN '{column} missing'")
        problems += [
            f"WHEN {column} <> '' AND {column}_read IS NULL THEN '{column} not a number'",
            f"WHEN {column} <> '' AND NOT {column}_read BETWEEN {low} AND {high} "
            f"THEN '{column} outside {low:g} to {high:g}'",
        ]
    year = "TRY_CAST(left(year, 4) AS SMALLINT)"
    outer = {
        "problem": f"CASE {' '.join(problems)} END",
        "id": "id_read",
        "title": "title",
        "artists": "artists",
        "tags": "tags",
        "language": "nullif(language, '')",
        "year": f"CASE WHEN {year} BETWEEN 1800 AND 2099 THEN {year} END",
        **{column: f"{column}_read" for column in RANGES},
        "tempo": "nullif(tempo_read, 0)",
        "explicit": "TRY_CAST(explicit AS BOOLEAN)",
        "duration_ms": "TRY_CAST(nullif(greatest(duration_ms_read, 0), 0) AS BIGINT)",
        "mode": "CASE WHEN lower(mode) IN ('1', '1.0', 'major') THEN 1 "
        "WHEN lower(mode) IN ('0', '0.0', 'minor') THEN 0 END::TINYINT",
        "isrc": "nullif(isrc, '')",
    }
    below = ", ".join(f"{expression} AS {name}" for name, expression in inner.items())
    above = ", ".join(f"{expression} AS {name}" for name, expression in outer.items())
    return f"SELECT {above} FROM (SELECT {below} FROM source)"


_TEXTS: Final = ("id", "title", "language", "year", "explicit", "mode", "isrc")


def _plain(place: int) -> str:
    # Two control characters part what a record holds; in a title they mean nothing.
    return f"translate(c{place}::VARCHAR, chr(30) || chr(31), '  ')"


def _texts(places: Sequence[int], types: Sequence[str], separators: str) -> str:
    """Return the texts of some columns as one list, without empty ones."""
    parts = []
    for place in places:
        if types[place].endswith("[]"):
            parts.append(
                f"list_transform(coalesce(CAST(c{place} AS VARCHAR[]), []), "
                "lambda x: translate(x, chr(30) || chr(31), '  '))"
            )
            continue
        text = _plain(place)
        same = f"translate({text}, '{separators}', '{separators[0] * len(separators)}')"
        # "['A', 'B']" is a Python list that pandas wrote out.
        parts.append(
            f"CASE WHEN regexp_matches({text}, '^\\s*\\[\\s*[''\"]') "
            f"THEN list_transform(regexp_extract_all({text}, "
            f"'''[^'']*''|\"[^\"]*\"'), lambda x: x[2:-2]) "
            f"ELSE string_split(coalesce({same}, ''), '{separators[0]}') END"
        )
    if not parts:
        return "[]::VARCHAR[]"
    joined = parts[0] if len(parts) == 1 else f"flatten([{', '.join(parts)}])"
    return (
        f"list_filter(list_transform({joined}, lambda x: trim(x)), "
        "lambda x: x IS NOT NULL AND x <> '')"
    )


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
    "mode",
    "isrc",
)

# Most tables repeat few ids, so only those rows are put through the costly aggregation.
_REPEATED = f"""
CREATE TEMP TABLE repeated AS
SELECT id, {", ".join(f"arg_min({name}, rowid) AS {name}" for name in _FIRST)},
       max(popularity) AS popularity, flatten(list(tags ORDER BY rowid)) AS tags
FROM staged WHERE problem IS NULL AND id IN (
    SELECT id FROM staged WHERE problem IS NULL GROUP BY id HAVING count(*) > 1
) GROUP BY id
"""

_MERGED = f"""
CREATE TEMP VIEW merged AS
SELECT id, {", ".join(_FIRST)}, popularity, tags FROM staged ANTI JOIN repeated USING (id)
WHERE problem IS NULL
UNION ALL SELECT * FROM repeated
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


def _lacks(source: Path, missing: Sequence[str], names: Sequence[str]) -> str:
    there = ", ".join(names[:20]) + (", …" if len(names) > 20 else "")
    noun = "column" if len(missing) == 1 else "columns"
    return f"{source.name} lacks the {noun} {', '.join(missing)}. It has: {there}."


def _reasons(refused: Mapping[str, int]) -> str:
    return ", ".join(f"{why} ({rows:,})" for why, rows in refused.items()) or "it has no rows"


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__


def _memory() -> str:
    """Return how much memory an import may take: 2 GB, or half of a smaller machine."""
    try:
        there = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        there = _MEMORY
    return f"{min(_MEMORY, there // 2) >> 20}MiB"


def _mine() -> str:
    """Return what the folder of this process's imports begins with: whose it is."""
    return f".affectune-{socket.gethostname()}-{os.getpid()}-"


def _sweep(folder: Path) -> None:
    """Remove what imports left behind that were killed on this machine."""
    for left in folder.glob(f".affectune-{glob.escape(socket.gethostname())}-*-*"):
        owner = left.name.removeprefix(f".affectune-{socket.gethostname()}-").split("-")[0]
        if owner.isdigit() and int(owner) != os.getpid() and not _alive(int(owner)):
            shutil.rmtree(left, ignore_errors=True)


def _alive(process: int) -> bool:
    if os.name != "posix":
        return True  # There, asking would end it.
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _sync(path: Path) -> None:
    """Have the disk confirm what was written before the old catalogue is given up."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
