"""Folders in which an import builds what it moves into place once it is complete."""

from __future__ import annotations

import os
import re
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

WORKSPACE: Final = ".affectune-"
"""What the names of these folders begin with."""


@contextmanager
def own_workspace(folder: Path) -> Iterator[Path]:
    """Make a folder within another one, and remove it with all that is left in it.

    What killed imports of this machine left behind is removed as well.
    """
    _sweep(folder)
    with tempfile.TemporaryDirectory(prefix=_mine(), dir=folder) as made:
        yield Path(made)


def sync(path: Path) -> None:
    """Flush a file to the disk, before the old catalogue is replaced."""
    # Windows refuses this for a file that is open for reading only.
    with path.open("r+b") as file:
        os.fsync(file.fileno())


@contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder, once no other process of this machine does.

    Without effect on Windows, and on shared disks without such locks.
    """
    handle = _locked(folder)
    try:
        yield
    finally:
        if handle is not None:
            os.close(handle)


def sync_folder(folder: Path) -> None:
    """Flush the entries of a folder to the disk, where the system can do that."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _locked(folder: Path) -> int | None:
    try:
        import fcntl

        handle = os.open(folder, os.O_RDONLY)
    except (ImportError, OSError):
        return None
    with suppress(OSError):
        fcntl.flock(handle, fcntl.LOCK_EX)
    return handle


def _mine() -> str:
    """Return the prefix of this process's folders, which says whose they are."""
    return f"{WORKSPACE}{socket.gethostname()}-{os.getpid()}-"


def _sweep(folder: Path) -> None:
    # As `_mine` and `tempfile` make them. The folder may be shared, and another machine's name may
    # begin like this one's.
    here = re.compile(re.escape(f"{WORKSPACE}{socket.gethostname()}-") + r"(\d{1,9})-[^-]+")
    for left in folder.iterdir():
        found = here.fullmatch(left.name)
        if found and int(found[1]) != os.getpid() and not _alive(int(found[1])):
            shutil.rmtree(left, ignore_errors=True)


def _alive(process: int) -> bool:
    if os.name != "posix":
        return True  # On Windows, `os.kill` would end the process.
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
