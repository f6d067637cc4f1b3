"""Reads tables of tracks of many layouts into the catalogue's schema.

All of it happens inside DuckDB, so tables may be larger than memory. Statements are fixed texts:
paths and values are bound as parameters and source columns are addressed by position, so that no
name, title or path is ever read as SQL.
"""

from __future__ import annotations

import mmap
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb

from recommender.catalog.addresses import is_address, local_path
from recommender.catalog.dataset_writer import lay_out
from recommender.catalog.locations import FolderLocation, Location, RemoteLocation, new_snapshot
from recommender.catalog.progress import DATASET_STEPS, UPLOAD_STEPS, Progress, Report
from recommender.catalog.staging import Source, merge, read_source, stage
from recommender.catalog.tables import Written, write_lookups, write_tables
from recommender.catalog.workspace import own_workspace, sync
from recommender.errors import CatalogError
from recommender.genres import GenreTable, default_table

SAFE: Final[dict[str, str | bool | int | float | list[str]]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
}
"""DuckDB settings: nothing is fetched from the network, not even for a file named like a URL."""

_MAX_MEMORY_BYTES: Final = 2 << 30
"""The most memory that an import takes; beyond it, data spills to the disk."""


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What became of the rows of a table.

    Attributes:
        read: rows in the table.
        kept: tracks in the catalogue.
        merged: rows that repeated the id of another; their genres were added to it.
        refused: reason → rows.
        unknown_tags: genre tags that belong to no family, the most frequent first.
        encoding: what a text table was read as, ``""`` for Parquet.
        notes: sentences about which columns were used, what was converted, and what could not
            be understood.

    ``kept + merged + sum(refused.values()) == read``, and for a text table `read` is what was
    counted in the file itself.
    """

    read: int
    kept: int
    merged: int
    refused: Mapping[str, int]
    unknown_tags: tuple[str, ...] = ()
    encoding: str = ""
    notes: tuple[str, ...] = ()


def import_file(
    source: Path,
    target: Path | str,
    *,
    table: GenreTable | None = None,
    on_progress: Report | None = None,
    encoding: str | None = None,
) -> ImportReport:
    """Write a catalogue from a CSV or Parquet table.

    The catalogue is built beside its destination and moved there once it is complete: if anything
    fails, or the machine stops halfway, an older catalogue stays as it was.

    Args:
        source: a CSV (also gzipped) or Parquet file.
        target: the DuckDB file to write. Or a folder of Parquet files: one that exists, a text
            that ends in a slash, or an address that fsspec opens (``s3://bucket/catalogue``).
            Only what an import wrote is ever replaced, never another file that has this name.
        table: what genre tags mean, the package's own by default.
        on_progress: called from another thread with the fraction done and the current step.
        encoding: Python's name of the encoding of a CSV, detected from the file by default.

    Raises:
        CatalogError: the table cannot be read, lacks columns or has no usable row, or `target`
            cannot be written.
    """
    source = local_path(source)
    place = location_of(target)
    shown = place if isinstance(place, Path) else place.source
    try:
        _check_replaceable(place)
        if isinstance(place, Path):
            return _write_file(source, place, table, on_progress, encoding)
        return _write_dataset(source, place, table, on_progress, encoding)
    except (OSError, duckdb.Error) as error:
        if _out_of_space(error):
            raise _too_large(source, error) from error
        why = (isinstance(error, OSError) and error.strerror) or _first_line(error)
        raise CatalogError(f"{shown} cannot be written: {why.rstrip('.')}.") from error


def location_of(target: Path | str) -> Path | Location:
    """Return the file that a catalogue is to be written to, or the folder or address.

    Raises:
        CatalogError: it is an address whose package is not installed, or a path that cannot exist.
    """
    if isinstance(target, str) and is_address(target):
        return RemoteLocation(target)
    path = local_path(target)
    ends = (os.sep, os.altsep or os.sep)
    try:
        is_folder = path.is_dir() or (isinstance(target, str) and target.endswith(ends))
    except OSError as error:
        raise CatalogError(f"{path} cannot be written: {error.strerror or error}.") from error
    if is_folder:
        return FolderLocation(path)
    return path


def _check_replaceable(target: Path | Location) -> None:
    """Make sure that an import replaces nothing but what an import wrote.

    Raises:
        CatalogError: there is something else.
    """
    if isinstance(target, Path):
        foreign, kind = target.exists() and not _holds_catalogue(target), "file"
    else:
        foreign, kind = target.holds_other_files(), "folder"
    if foreign:
        shown = target if isinstance(target, Path) else target.source
        raise CatalogError(
            f"{shown} is not a catalogue and stays as it is: choose another {kind}, or remove it."
        )


def _holds_catalogue(path: Path) -> bool:
    """Whether a file is a catalogue of any version, or what is left of a damaged one."""
    if not is_duckdb(path):
        return False
    settings = SAFE | {"enable_external_access": "false"}
    try:
        with duckdb.connect(str(path), read_only=True, config=settings) as connection:
            tables = connection.execute("SELECT table_name FROM system.main.duckdb_tables()")
            return ("affectune",) in tables.fetchall()
    except duckdb.Error:
        # Damaged, or open elsewhere. The name of the table is in the file either way.
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return data.find(b"affectune") >= 0


def _write_file(
    source: Path,
    target: Path,
    table: GenreTable | None,
    on_progress: Report | None,
    encoding: str | None,
) -> ImportReport:
    target.parent.mkdir(parents=True, exist_ok=True)
    with own_workspace(target.parent) as folder:
        built = folder / "catalog.duckdb"
        with _database(built) as connection:
            with Progress(connection, on_progress) as progress:
                report = read_table(
                    connection,
                    source,
                    table=table,
                    step=progress.step,
                    encoding=encoding,
                    folder=folder,
                )
            connection.execute("CHECKPOINT")
        sync(built)
        built.replace(target)
    return report


def _write_dataset(
    source: Path,
    target: Location,
    table: GenreTable | None,
    on_progress: Report | None,
    encoding: str | None,
) -> ImportReport:
    steps = UPLOAD_STEPS if isinstance(target, RemoteLocation) else DATASET_STEPS
    snapshot = new_snapshot()
    with target.workspace() as folder:
        built = folder / snapshot
        with (
            _database(folder / "catalog.duckdb") as connection,
            Progress(connection, on_progress, steps=steps) as progress,
        ):
            report = read_table(
                connection,
                source,
                table=table,
                step=progress.step,
                encoding=encoding,
                folder=folder,
                lookups=False,
            )
            progress.step("Writing the files", in_parts=True)
            manifest = lay_out(connection, built, snapshot, progress.part)
            if isinstance(target, RemoteLocation):
                progress.step("Uploading", in_parts=True)
            target.publish(built, snapshot, manifest.as_json(), progress.part)
    return report


def _database(path: Path) -> duckdb.DuckDBPyConnection:
    """Open a new database for an import. What does not fit in memory spills to the same folder."""
    if "?" in str(path):
        # DuckDB takes what follows for options, and would look for its log elsewhere.
        raise OSError("DuckDB cannot write to a path with a question mark in it")
    spill = {"memory_limit": _memory(), "temp_directory": str(path.with_name("spill"))}
    return duckdb.connect(str(path), config={**SAFE, **spill})


def read_table(
    connection: duckdb.DuckDBPyConnection,
    source: Path,
    *,
    table: GenreTable | None = None,
    step: Callable[[str], None] = lambda what: None,
    encoding: str | None = None,
    folder: Path | None = None,
    lookups: bool = True,
) -> ImportReport:
    """Make the tables of a catalogue from a CSV or Parquet file.

    Args:
        connection: an empty database.
        source: the file.
        table: what genre tags mean, the package's own by default.
        step: called with each of `recommender.catalog.progress.STEPS` as it begins.
        encoding: Python's name of the encoding of a CSV, detected from the file by default.
        folder: where to put the copy of a CSV that has to be repaired first; a temporary folder by
            default.
        lookups: whether to make the tables of `tables.write_lookups` as well.

    Raises:
        CatalogError: the file cannot be read, lacks columns or has no usable row.
    """
    if folder is None:
        with tempfile.TemporaryDirectory(prefix="affectune-") as temporary:
            return read_table(
                connection,
                source,
                table=table,
                step=step,
                encoding=encoding,
                folder=Path(temporary),
                lookups=lookups,
            )
    source = local_path(source)
    try:
        step("Reading the table")
        opened = read_source(connection, source, folder, encoding=encoding)
        staged = stage(connection, opened)
        _check_sum(source, opened, staged.rows)
        step("Merging repeated ids")
        merge(connection)
        written = write_tables(connection, table or default_table(), step)
        connection.execute("DROP VIEW merged; DROP TABLE repeated; DROP TABLE staged")
        if lookups:
            write_lookups(connection, step)
    except duckdb.Error as error:
        if _out_of_space(error):
            raise _too_large(source, error) from error
        raise CatalogError(
            f"{source.name} is not a CSV or Parquet table that can be read: {_first_line(error)}"
        ) from error
    refused = dict(staged.refused)
    if opened.unreadable:
        refused["line not readable"] = opened.unreadable
    if not written.tracks:
        raise CatalogError(f"{source.name} has no usable row: {_reasons(refused)}.")
    read = staged.rows + opened.unreadable
    return ImportReport(
        read=read,
        kept=written.tracks,
        merged=read - written.tracks - sum(refused.values()),
        refused=refused,
        unknown_tags=written.unknown_tags,
        encoding=opened.encoding,
        notes=(*opened.notes, *staged.notes, *_placed_by(written)),
    )


def _placed_by(written: Written) -> list[str]:
    """Return the note on a table that lacks features by which tracks are placed."""
    if not written.missing:
        return []
    return [
        f"Tracks are placed on the mood plane by {_words(written.features)}; this table lacks "
        f"{_words(written.missing)}, which would help"
    ]


def _words(names: Sequence[str]) -> str:
    """Return names as an enumeration."""
    return " and ".join([part for part in (", ".join(names[:-1]), names[-1]) if part])


def _check_sum(source: Path, opened: Source, rows: int) -> None:
    """Compare what DuckDB read with what was counted in the file.

    Raises:
        CatalogError: rows would be lost.
    """
    if opened.readable is not None and rows != opened.readable:
        raise CatalogError(
            f"{source.name} has {opened.readable:,} rows, but {rows:,} were read: its quotation "
            "marks or line ends are broken. Save the table again, from a spreadsheet for example."
        )


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


def _reasons(refused: Mapping[str, int]) -> str:
    return ", ".join(f"{why} ({rows:,})" for why, rows in refused.items()) or "it has no rows"


def _out_of_space(error: Exception) -> bool:
    """Whether memory or disk is full. DuckDB has no error type for a full disk."""
    full_disk = "Could not write" in str(error) or "No space left" in str(error)
    return full_disk or isinstance(error, duckdb.OutOfMemoryException)


def _too_large(source: Path, error: Exception) -> CatalogError:
    return CatalogError(
        f"{source.name} needs more memory or disk than there is: {_first_line(error)}"
    )


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__


def _memory() -> str:
    """Return how much memory an import may take: 2 GB, or half of a smaller machine."""
    try:
        there = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        there = _MAX_MEMORY_BYTES
    return f"{min(_MAX_MEMORY_BYTES, there // 2) >> 20}MiB"
