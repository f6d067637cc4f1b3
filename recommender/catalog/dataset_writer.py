"""Writes the tables of a catalogue as many Parquet files.

`recommender.catalog.manifest` describes the layout. The tables are those that
`recommender.catalog.tables` makes for a catalogue file, so both have the same tracks under the same
numbers. Files are written one after the other, each from a part of a table, so memory does not grow
with the number of tracks.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

import duckdb

from recommender.catalog.manifest import (
    HASHES_PER_FILE,
    LAYOUT,
    TRACKS_PER_FILE,
    Manifest,
    file_name,
)
from recommender.catalog.storage import BOXES, SEARCHED
from recommender.catalog.tables import ARTISTS, BLOCK_TRACKS, CODE, FORMAT, NAME

Part = Callable[[int, int], None]
"""Called with the steps done and the steps in all."""

_SEARCHED_ROWS: Final = 8192
"""Tracks in a row group of the search columns: reading one block reads this many."""

_RECORD_ROWS: Final = 2048
"""Tracks in a row group of records, the smallest that DuckDB writes: they are read one by one."""

_HASH_ROWS: Final = 4096

_SMALL: Final = {
    "boxes": f"SELECT {BOXES} FROM blocks ORDER BY rowid",
    "families": "SELECT family, bit, tracks, valence, energy FROM families ORDER BY rowid",
    "languages": "SELECT language, code, tracks FROM languages ORDER BY rowid",
    "curves": "SELECT axis, figure, position FROM curves ORDER BY rowid",
    "facets": "SELECT families, decade, language, explicit, count(*) AS tracks FROM tracks "
    "GROUP BY ALL ORDER BY ALL",
}

_NUMBERED: Final = {
    "blocks": (
        f"SELECT rowid::INTEGER AS number, (rowid // {BLOCK_TRACKS})::INTEGER AS block, {SEARCHED} "
        "FROM tracks",
        _SEARCHED_ROWS,
    ),
    "records": ("SELECT rowid::INTEGER AS number, record FROM tracks", _RECORD_ROWS),
}

_INDEXES: Final = {
    "ids": "SELECT key AS hash, rowid::INTEGER AS number FROM tracks",
    "songs": "SELECT song AS hash, rowid::INTEGER AS number FROM tracks",
    # With the columns that queries about an artist need: their tracks are scattered over all
    # blocks.
    "artists": f"SELECT {NAME.format('name')} AS hash, * EXCLUDE (name) FROM ("
    f"SELECT unnest({ARTISTS}) AS name, rowid::INTEGER AS number, valence, energy, "
    "valence_rank, energy_rank, families, decade, language, explicit FROM tracks)",
    "recordings": f"SELECT md5_number_lower({CODE}) AS hash, rowid::INTEGER AS number FROM tracks "
    f"WHERE {CODE} <> ''",
}

_COPY: Final = "COPY ({}) TO '{}' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {})"


def lay_out(
    connection: duckdb.DuckDBPyConnection, folder: Path, snapshot: str, part: Part
) -> Manifest:
    """Write the files of a catalogue.

    Args:
        connection: has the tables that `tables.write_tables` makes.
        folder: where they go; it is created.
        snapshot: the name that the folder will have.
        part: called after each step.
    """
    folder.mkdir()
    tracks, fingerprint, marked, plane = connection.execute(
        "SELECT tracks, fingerprint, marked, plane FROM affectune"
    ).fetchall()[0]
    files = -(-tracks // TRACKS_PER_FILE)
    steps = len(_NUMBERED) * files + len(_INDEXES) * (2 * files)
    done = 0
    sizes: dict[str, tuple[int, ...]] = {}
    first: dict[str, tuple[int, ...]] = {}
    for table, statement in _SMALL.items():
        sizes[table] = (_write(connection, statement, folder, table, 0, TRACKS_PER_FILE),)
    for table, (statement, group) in _NUMBERED.items():
        (folder / table).mkdir()
        written = []
        for place in range(files):
            rows = f"{statement} WHERE {_part(place, TRACKS_PER_FILE)}"
            written.append(_write(connection, rows, folder, table, place, group))
            part(done := done + 1, steps)
        sizes[table] = tuple(written)
    for index, statement in _INDEXES.items():
        connection.execute(
            f"CREATE TEMP TABLE sorted_hashes AS SELECT * FROM ({statement}) ORDER BY hash, number"
        )
        part(done := done + files, steps)
        sizes[index], first[index] = _write_index(connection, folder, index)
        connection.execute("DROP TABLE sorted_hashes")
        part(done := done + files, steps)
    return Manifest(
        format=FORMAT,
        layout=LAYOUT,
        plane=plane,
        tracks=tracks,
        fingerprint=fingerprint,
        marked=marked,
        snapshot=snapshot,
        sizes=sizes,
        first=first,
    )


def _write_index(
    connection: duckdb.DuckDBPyConnection, folder: Path, index: str
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Write the files of an index and return their bytes and the first hash of each."""
    ((rows,),) = connection.execute("SELECT count(*) FROM sorted_hashes").fetchall()
    (folder / index).mkdir()
    sizes, first = [], []
    for place in range(-(-rows // HASHES_PER_FILE)):
        statement = f"SELECT * FROM sorted_hashes WHERE {_part(place, HASHES_PER_FILE)}"
        sizes.append(_write(connection, statement, folder, index, place, _HASH_ROWS))
        ((hashed,),) = connection.execute(
            f"SELECT hash FROM sorted_hashes WHERE rowid = {place * HASHES_PER_FILE}"
        ).fetchall()
        first.append(int(hashed))
    return tuple(sizes), tuple(first)


def _part(place: int, rows: int) -> str:
    """Return the SQL of which rows of a table belong to one of its files."""
    return f"rowid BETWEEN {place * rows} AND {(place + 1) * rows - 1}"


def _write(
    connection: duckdb.DuckDBPyConnection,
    statement: str,
    folder: Path,
    table: str,
    place: int,
    group: int,
) -> int:
    """Write one file and return its bytes."""
    path = folder / file_name(table, place)
    # DuckDB 1 takes no parameter here.
    quoted = str(path).replace("'", "''")
    connection.execute(_COPY.format(statement, quoted, group))
    return path.stat().st_size
