"""Opening a catalogue file that may come from a stranger: what it may hold, and what it may do.

A DuckDB file is a program as much as it is data: views, macros and generated columns run functions
when they are queried, ``read_text`` and ``glob`` among them. So nothing in a file is queried before
it is known to hold plain tables only, and the connection can reach nothing but the file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import duckdb

from recommender.catalog.importer import SAFE
from recommender.catalog.plane import default_plane
from recommender.catalog.tables import BLOCK_TRACKS, FORMAT
from recommender.errors import CatalogError

TABLES: Final[Mapping[str, str]] = {
    "affectune": "format, tracks, fingerprint, plane",
    "tracks": "key, song, record, valence, energy, valence_rank, energy_rank, popularity, "
    "families, decade, language, explicit",
    "blocks": "low_valence_rank, high_valence_rank, low_energy_rank, high_energy_rank, "
    "popularity, families",
    "credits": "artist, number",
    "recordings": "code, number",
    "families": "family, bit, tracks, valence, energy",
    "languages": "language, code, tracks",
    "curves": "axis, figure, position",
}
"""The tables of a catalogue file and the columns that each has to have."""

_TEXTS: Final = frozenset(
    {
        ("affectune", "fingerprint"),
        ("affectune", "plane"),
        ("tracks", "record"),
        ("recordings", "code"),
        ("families", "family"),
        ("languages", "language"),
        ("curves", "axis"),
    }
)
"""The columns that hold text; all others hold numbers."""

_NUMBERS: Final = frozenset(
    f"{sign}{size}INT" for sign in ("", "U") for size in ("TINY", "SMALL", "BIG", "HUGE")
) | {"INTEGER", "UINTEGER", "FLOAT", "DOUBLE", "BOOLEAN"}

_CHECK_MEMORY: Final = "256MB"
"""How much of a catalogue file DuckDB keeps in memory."""

LOCKED: Final = SAFE | {
    "enable_external_access": "false",
    "allow_community_extensions": "false",
    "lock_configuration": "true",
    "memory_limit": _CHECK_MEMORY,
}
"""DuckDB settings for a file from a stranger. No statement can change them afterwards."""

# Qualified, since a file may define functions of these names. Tables are listed last: listing the
# columns of a view would run it.
_STRANGE: Final = " UNION ALL ".join(
    f"SELECT '{what}', {name} FROM system.main.{function}() WHERE NOT internal"
    for what, name, function in (
        ("a view", "view_name", "duckdb_views"),
        ("a macro", "function_name", "duckdb_functions"),
        ("a type", "type_name", "duckdb_types"),
        ("a schema", "schema_name", "duckdb_schemas"),
    )
) + "".join(
    f" UNION ALL SELECT '{what}', {name} FROM system.main.{function}()"
    for what, name, function in (
        ("an index", "index_name", "duckdb_indexes"),
        ("a sequence", "sequence_name", "duckdb_sequences"),
        ("a constraint", "table_name", "duckdb_constraints"),
    )
)

_DEFINITIONS: Final = "SELECT table_name, sql FROM system.main.duckdb_tables() WHERE NOT internal"

# Columns with nothing but a name and a type: no default, no generation, no collation.
_DEFINITION: Final = re.compile(r'CREATE TABLE (\w+)\((("?\w+"? [A-Z]+(, )?)+)\);')

# If a column has no gaps, its statistics say so, and DuckDB does not read it.
_GAPS: Final = " + ".join(
    f"(SELECT count(*) FROM {table} WHERE {columns.replace(', ', ' IS NULL OR ')} IS NULL)"
    for table, columns in TABLES.items()
)

_COUNTS: Final = f"""
SELECT (SELECT count(*) FROM affectune) AS abouts,
       (SELECT max(tracks) FROM affectune) AS declared,
       (SELECT count(*) FROM tracks) AS tracks,
       (SELECT count(*) FROM blocks) AS blocks,
       (SELECT count(*) FROM families WHERE NOT bit BETWEEN 0 AND 63) AS bad_bits,
       (SELECT count(*) - count(DISTINCT bit) FROM families) AS double_bits,
       (SELECT count(DISTINCT axis) FROM curves WHERE axis IN ('valence', 'arousal')) AS axes,
       {_GAPS} AS gaps
"""


def broken(source: Path | str) -> CatalogError:
    """Return the error for a damaged catalogue file."""
    return CatalogError(f"The catalogue file {source} is broken; import it again.", source=source)


def open_file(source: Path) -> duckdb.DuckDBPyConnection:
    """Open a catalogue file, read-only and shut off from everything else.

    Raises:
        CatalogError: it is damaged, not a catalogue, or of another version.
    """
    try:
        connection = duckdb.connect(str(source), read_only=True, config=dict(LOCKED))
    except duckdb.Error as error:
        raise broken(source) from error
    try:
        _check(connection, source)
    except CatalogError:
        connection.close()
        raise
    except (duckdb.Error, UnicodeError) as error:
        connection.close()
        raise broken(source) from error
    return connection


def shut_off(connection: duckdb.DuckDBPyConnection) -> None:
    """Shut a connection off from everything but its own database."""
    for setting, value in LOCKED.items():
        if setting not in (*SAFE, "lock_configuration", "memory_limit"):
            connection.execute(f"SET {setting} = {value}")
    connection.execute("SET lock_configuration = true")


def _check(connection: duckdb.DuckDBPyConnection, source: Path) -> None:
    for what, name in connection.execute(_STRANGE).fetchall():
        raise CatalogError(
            f"{source} has {what} ({name[:40]!r}), which no catalogue of Affectune has, and is not "
            "opened: it could read other files of this machine. Import the table that it was "
            "made from."
        )
    tables = _tables(connection.execute(_DEFINITIONS).fetchall(), source)
    about = tables.get("affectune", {})
    if about.get("format") not in _NUMBERS:
        raise _no_catalogue(source)
    versions = connection.execute("SELECT format FROM affectune").fetchall()
    if len(versions) != 1:
        raise broken(source) if tables.keys() == TABLES.keys() else _no_catalogue(source)
    if versions[0][0] != FORMAT:
        raise CatalogError(
            f"{source} was written by another version of Affectune (format {versions[0][0]}, "
            f"not {FORMAT}); import the table again: python -m recommender import FILE"
        )
    if tables.keys() != TABLES.keys():
        raise _no_catalogue(source)
    for table, columns in TABLES.items():
        for column in columns.split(", "):
            kinds = {"VARCHAR"} if (table, column) in _TEXTS else _NUMBERS
            if tables[table].get(column) not in kinds:
                raise _no_catalogue(source)
    planes = connection.execute("SELECT plane FROM affectune").fetchall()
    if planes != [(default_plane().fingerprint,)]:
        raise CatalogError(
            f"The tracks of {source} were placed on the mood plane by another version of "
            "Affectune; import the table again: python -m recommender import FILE"
        )
    row: tuple[int | None, ...] = connection.execute(_COUNTS).fetchall()[0]
    abouts, declared, tracks, blocks, bad_bits, double_bits, axes, gaps = row
    counted = declared == tracks and blocks == -(-(tracks or 0) // BLOCK_TRACKS)
    if not tracks or not counted or (abouts, axes) != (1, 2) or bad_bits or double_bits or gaps:
        raise broken(source)


def _tables(definitions: list[Any], source: Path) -> dict[str, dict[str, str]]:
    """Return table → column → type of tables whose columns are nothing but names and types."""
    tables = {}
    for name, definition in definitions:
        found = _DEFINITION.fullmatch(definition)
        if found is None or found.group(1) != name:
            raise _no_catalogue(source)
        columns = (column.split(" ") for column in found.group(2).split(", "))
        tables[name] = {column.strip('"'): kind for column, kind in columns}
    return tables


def _no_catalogue(source: Path) -> CatalogError:
    return CatalogError(
        f"{source} is a database, but not a catalogue of Affectune. "
        "Make one with: python -m recommender import FILE"
    )
