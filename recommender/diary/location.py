"""Where diaries are kept: a file in the user's own folder, unless a URL names another place."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from recommender.diary.errors import DiaryError

ENVIRONMENT: Final = "AFFECTUNE_DATABASE_URL"
"""The environment variable that names another database."""

FILE: Final = "diary.sqlite"


def default_file() -> Path:
    """Return the file that diaries are kept in by default, whether it is there or not.

    In the folder where this system's programs keep a user's data: ``$XDG_DATA_HOME`` (by default
    ``~/.local/share``, XDG Base Directory Specification 0.8), ``~/Library/Application Support``
    on macOS, ``%LOCALAPPDATA%`` on Windows.
    """
    if sys.platform == "win32":
        folder = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        folder = Path.home() / "Library" / "Application Support"
    else:
        named = os.environ.get("XDG_DATA_HOME", "")
        # The specification has relative paths ignored.
        folder = named if Path(named).is_absolute() else Path.home() / ".local" / "share"
    return Path(folder) / "affectune" / FILE


def location(url: str | None = None) -> URL:
    """Return where diaries are kept.

    Args:
        url: a database URL. By default what the environment variable ``AFFECTUNE_DATABASE_URL``
            names, else `default_file`. ``postgres://`` and ``postgresql://`` mean psycopg 3.

    Raises:
        DiaryError: it is not the URL of a SQLite file or a PostgreSQL database.
    """
    named = (url or os.environ.get(ENVIRONMENT) or "").strip()
    if not named:
        return URL.create("sqlite", database=str(default_file()))
    try:
        found = make_url(named)
    except (ArgumentError, ValueError) as error:
        # Not echoed: there may be a password in it.
        raise DiaryError(
            f"{ENVIRONMENT} is not a database URL; one looks like sqlite:////home/me/diary.sqlite "
            "or postgresql://user:password@host/database."
        ) from error
    kind = found.drivername.partition("+")[0]
    if kind in ("postgres", "postgresql"):
        return found.set(drivername="postgresql+psycopg")
    if kind != "sqlite":
        raise DiaryError(f"Diaries are kept in SQLite or PostgreSQL, not in {kind!r}.")
    if found.database in (None, "", ":memory:") or found.query:
        raise DiaryError("A diary needs a file: sqlite:////home/me/diary.sqlite names one.")
    return URL.create("sqlite", database=str(Path(str(found.database)).expanduser().absolute()))


def is_there(url: str | None = None) -> bool:
    """Return whether there may be diaries: a file is made only when someone switches one on.

    Raises:
        DiaryError: as in `location`.
    """
    found = location(url)
    return found.drivername != "sqlite" or Path(str(found.database)).is_file()


def make_private(file: Path) -> None:
    """Create a file that only its owner can read, with its folder, if it is not there yet.

    SQLite gives its log and lock files beside it the same mode.

    Raises:
        OSError: it cannot be made.
    """
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(file, os.O_RDWR | os.O_CREAT, 0o600))
