"""What was read so far, on disk: the state beside a table, from which a later run continues.

One SQLite file, which holds all rows of a file or none, whenever the run ends.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Container, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self, cast

from emotion.clips.reader import Outcome
from emotion.clips.sources import Kind, Source

APPLICATION_ID: Final = 0x41464643
"""Marks a SQLite file as one of these ("AFFC")."""
FORMAT: Final = 1
_SCHEMA: Final = """
CREATE TABLE settings (text TEXT NOT NULL);
CREATE TABLE files (
    position INTEGER PRIMARY KEY, name TEXT NOT NULL, location TEXT NOT NULL UNIQUE,
    version TEXT NOT NULL, kind TEXT NOT NULL, size INTEGER NOT NULL, rows BLOB NOT NULL,
    count INTEGER NOT NULL, instants INTEGER NOT NULL, notes TEXT NOT NULL
);
CREATE TABLE written (digest TEXT PRIMARY KEY);
"""
_COLUMNS: Final = "name, location, version, kind, size, rows, count, instants, notes"


class StoreError(Exception):
    """A state that cannot be used. Its text is the sentence for the user."""


@dataclass(frozen=True, slots=True)
class Totals:
    """How many photos, clips and rows a store holds."""

    photos: int
    clips: int
    rows: int


class Store:
    """The outcome of each file. Not safe to call from several threads at once.

    Args:
        path: the database, which is created if missing; None for a temporary one.
        settings: what readings depend on, as text; a store holds readings of one such text only.

    Raises:
        StoreError: the database is another program's, in use, damaged, or of other settings.
    """

    def __init__(self, path: Path | None, settings: str) -> None:
        self.path = path
        with self._as_store_errors():
            self._database = sqlite3.connect("" if path is None else path, timeout=1.0)
            self._database.isolation_level = None
            # Two runs into one table would undo each other's work.
            self._database.execute("PRAGMA locking_mode = EXCLUSIVE")
        try:
            with self._as_store_errors():
                self._prepare(settings)
        except StoreError:
            self._database.close()
            raise

    def _prepare(self, settings: str) -> None:
        with self._transaction():
            (found,) = self._database.execute("PRAGMA application_id").fetchone()
            (tables,) = self._database.execute("SELECT count(*) FROM sqlite_master").fetchone()
            if not tables:
                for statement in _SCHEMA.split(";"):
                    self._database.execute(statement)
                self._database.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                self._database.execute(f"PRAGMA user_version = {FORMAT}")
                self._database.execute("INSERT INTO settings VALUES (?)", (settings,))
            elif found != APPLICATION_ID:
                raise StoreError(f"{self.path} is another program's file: choose another table")
            (version,) = self._database.execute("PRAGMA user_version").fetchone()
            if version != FORMAT:
                raise StoreError(
                    f"{self.path} was made by another version: delete it and start again"
                )
            (known,) = self._database.execute("SELECT text FROM settings").fetchone()
        if known != settings:
            raise StoreError(
                f"{self.path} was started with other settings ({known}, now {settings}): use the "
                "same ones, choose another table, or start again with --force"
            )

    def done(self, sources: Iterable[Source]) -> set[str]:
        """Return the keys of those that were read already, and have not changed since."""
        with self._as_store_errors():
            known = dict(self._database.execute("SELECT location, version FROM files"))
        return {s.key for s in sources if known.get(s.key) == s.version}

    def add(self, outcomes: Sequence[Outcome]) -> None:
        """Store outcomes: all of them, or none if the run ends meanwhile."""
        with self._as_store_errors(), self._transaction():
            for outcome in outcomes:
                source = outcome.source
                values = (
                    *(source.name, source.key, source.version, outcome.kind, source.size),
                    *(outcome.rows, outcome.count, outcome.instants, json.dumps(outcome.notes)),
                )
                self._database.execute(
                    f"INSERT OR REPLACE INTO files ({_COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?)", values
                )

    def arrange(self, sources: Sequence[Source]) -> None:
        """Put files into the order of ``sources``, after those that are not among them."""
        with self._as_store_errors(), self._transaction():
            (top,) = self._database.execute("SELECT max(position) FROM files").fetchone()
            for place, source in enumerate(sources, start=(top or 0) + 1):
                self._database.execute(
                    "UPDATE files SET position = ?, name = ? WHERE location = ?",
                    (place, source.name, source.key),
                )

    def outcomes(self, only: Container[str] | None = None) -> Iterator[Outcome]:
        """Yield the stored outcomes, in order.

        Args:
            only: keys of the files that are wanted; all by default.
        """
        with self._as_store_errors():
            cursor = self._database.execute(f"SELECT {_COLUMNS} FROM files ORDER BY position")
            for name, location, version, kind, size, rows, count, instants, notes in cursor:
                if only is not None and location not in only:
                    continue
                yield Outcome(
                    Source(name, location, cast("Kind", kind), size, version),
                    cast("Kind", kind),
                    rows=rows,
                    count=count,
                    instants=instants,
                    notes=tuple(json.loads(notes)),
                )

    @property
    def totals(self) -> Totals:
        """How much was read."""
        query = "SELECT sum(kind = 'photo'), sum(kind = 'clip'), sum(count) FROM files"
        with self._as_store_errors():
            return Totals(*(number or 0 for number in self._database.execute(query).fetchone()))

    def will_write(self, digest: str) -> None:
        """Note the digest of a table before it is put in its place."""
        with self._as_store_errors(), self._transaction():
            self._database.execute("INSERT OR IGNORE INTO written VALUES (?)", (digest,))

    def has_written(self, digest: str) -> bool:
        """Return whether a table with this digest was written from this store."""
        query = "SELECT count(*) FROM written WHERE digest = ?"
        with self._as_store_errors():
            return bool(self._database.execute(query, (digest,)).fetchone()[0])

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")

    @contextmanager
    def _as_store_errors(self) -> Iterator[None]:
        """Turn SQLite's exceptions into a `StoreError`."""
        try:
            yield
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                raise StoreError(f"{self.path} is in use: another run is writing it") from error
            if "unable to open" in str(error) or "readonly" in str(error):
                raise StoreError(
                    f"{self.path} cannot be written: it, or its folder, is write-protected"
                ) from error
            raise StoreError(f"{self.path} cannot be used: {error}") from error
        except sqlite3.DatabaseError as error:
            raise StoreError(f"{self.path} cannot be used: {error}") from error
