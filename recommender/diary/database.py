"""Opens the diary's database, migrates it and scrubs deleted data from it."""

from __future__ import annotations

import errno
import logging
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import URL, Connection, create_engine, event, text
from sqlalchemy.engine import Engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from recommender.diary.errors import DiaryError

BUSY_TIMEOUT_MS: Final = 5_000
"""Milliseconds that a writer waits for another one."""

MIGRATION_LOCK_ID: Final = 7_215_301
"""The key of PostgreSQL's advisory lock for migrations: any number, the same in every process."""

_MIGRATIONS: Final = Path(__file__).parent / "migrations"

_log = logging.getLogger(__name__)


@contextmanager
def in_words(problem: str) -> Iterator[None]:
    """Raise a `DiaryError` that says what failed, and what to do if known; the rest is logged."""
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error, OSError) as error:
        _log.warning("%s", problem, exc_info=True)
        said = f"{problem} {FULL}" if disk_is_full(error) else problem
        raise DiaryError(said) from error


FULL: Final = "The disk is full: make room on it, then try again. Nothing has changed."


def disk_is_full(error: BaseException) -> bool:
    """Whether a database failed because there is no room left for what it has to write."""
    # SQLAlchemy wraps what the driver raised.
    cause = error.orig if isinstance(error, DBAPIError) and error.orig else error
    if isinstance(cause, OSError):
        return cause.errno in (errno.ENOSPC, errno.EDQUOT)
    return (
        getattr(cause, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
        or getattr(cause, "sqlstate", None) == "53100"  # PostgreSQL's disk_full
    )


def inode(file: Path | None) -> tuple[int, int] | None:
    """Return what identifies a file, (device, inode), or ``None`` if it does not exist."""
    try:
        found = file.stat() if file else None
    except OSError:
        return None
    return (found.st_dev, found.st_ino) if found else None


def engine_for(place: URL) -> Engine:
    """Return the engine for a database, set up so that no committed data is lost.

    Raises:
        DiaryError: psycopg is missing.
    """
    if place.drivername == "sqlite":
        engine = create_engine(place, hide_parameters=True)  # the log is not a diary
        event.listen(engine, "connect", _prepare)
        event.listen(engine, "begin", _begin)
        return engine
    try:
        return create_engine(
            place,
            hide_parameters=True,
            pool_pre_ping=True,
            connect_args={"connect_timeout": 5},
        )
    except ImportError as error:
        raise DiaryError(
            "A diary in PostgreSQL needs psycopg: pip install 'psycopg[binary]'."
        ) from error


def _prepare(connection: sqlite3.Connection, _: Any) -> None:
    # `_begin` begins transactions: Python's driver would do so late, and not for DDL.
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}").close()
    _use_write_ahead_log(connection)
    for pragma in (
        "synchronous = FULL",  # a commit that has returned survives a power cut
        "foreign_keys = ON",
        "secure_delete = ON",  # what is deleted is overwritten
    ):
        connection.execute(f"PRAGMA {pragma}").close()


def _use_write_ahead_log(connection: sqlite3.Connection) -> None:
    """Give a file a write-ahead log, so that readers do not wait for writers.

    The file keeps the setting. Setting it first needs exclusive access, for which SQLite does not
    wait, whatever its time-out (https://www.sqlite.org/wal.html): so this retries.
    """
    end = time.monotonic() + BUSY_TIMEOUT_MS / 1000
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL").close()
        except sqlite3.OperationalError:
            if time.monotonic() > end:
                raise
            time.sleep(0.02)
        else:
            return


def _begin(connection: Connection) -> None:
    reading = connection.get_execution_options().get("reading", False)
    # A writer asks for the lock at once: one that reads first can be refused without waiting.
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def scrub(connection: sqlite3.Connection) -> bool:
    """Rewrite SQLite's file without deleted data, and empty its log, unless it is busy."""
    try:
        connection.execute("VACUUM").close()
    except sqlite3.OperationalError as error:
        if not disk_is_full(error):
            return False  # busy
        # What was deleted is overwritten already (``secure_delete``), and emptying the log needs
        # no room: only the file stays as large as it was.
    busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return not busy


def migrate(connection: Connection) -> None:
    """Bring the tables up to date, one process at a time, all or nothing."""
    from alembic import command
    from alembic.config import Config
    from alembic.util.exc import CommandError

    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": MIGRATION_LOCK_ID})
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise DiaryError(
            "The diary was written by a newer version of Affectune; update this one."
        ) from error
