"""The finished table: CSV or Parquet, which replaces the old one as a whole."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal

from emotion.clips.rows import COLUMNS, header
from emotion.clips.store import Store, StoreError
from emotion.output import OutputError, is_one_of

Format = Literal["csv", "parquet"]
STATE_SUFFIX: Final = ".state"
"""Added to a table's name: the file from which a later run continues."""
PARQUET_MEMORY: Final = "256MB"


def open_store(out: Path, settings: str, *, inputs: Sequence[Path], overwrite: bool) -> Store:
    """Return the store of the table ``out``: a new one, or the one to continue.

    Args:
        out: the table.
        settings: what readings depend on, as text.
        inputs: files that are never written to.
        overwrite: whether to start again, and to replace a file that another program wrote.

    Raises:
        OutputError: ``out`` is an input, a foreign file, or cannot be written.
    """
    if out.is_dir():
        raise OutputError(f"{out} is a folder: name a file in it")
    state = out.with_name(out.name + STATE_SUFFIX)
    for path in (out, state):
        if is_one_of(path, inputs):
            raise OutputError(f"{path} is one of the files to read: choose another name")
    if not out.parent.is_dir():
        raise OutputError(f"{out} cannot be written: there is no folder {out.parent}")
    if overwrite:
        state.unlink(missing_ok=True)
    elif out.exists() and not state.exists():
        raise OutputError(
            f"{out} exists already and is left alone: choose another name, or add --force"
        )
    try:
        store = Store(state, settings)
    except StoreError as error:
        raise OutputError(str(error)) from error
    if not overwrite and out.exists() and not store.has_written(_digest(out)):
        store.close()
        raise OutputError(
            f"{out} has changed since it was written and is left alone: choose another name, or "
            "add --force"
        )
    return store


def write_table(store: Store, out: Path, form: Format) -> None:
    """Write everything that a store holds to ``out``, which is replaced as a whole.

    Raises:
        OutputError: it cannot be written.
    """
    try:
        with tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as folder:
            finished = Path(folder) / "table.csv"
            _write_csv(store, finished)
            if form == "parquet":
                finished = _as_parquet(finished)
            with finished.open("rb") as file:
                os.fsync(file.fileno())
            # Noted first: whenever the run ends, a later one recognizes the table as its own.
            store.will_write(_digest(finished))
            finished.replace(out)
    except OSError as error:
        raise OutputError(f"{out} cannot be written: {error.strerror or error}") from error


def _write_csv(store: Store, path: Path) -> None:
    with path.open("wb") as file:
        file.write(header().encode())
        for outcome in store.outcomes():
            with gzip.open(io.BytesIO(outcome.rows)) as rows:
                shutil.copyfileobj(rows, file)


def _as_parquet(csv: Path) -> Path:
    import duckdb

    parquet = csv.with_suffix(".parquet")
    columns = ", ".join(f"'{name}': '{kind}'" for name, kind in COLUMNS.items())
    with contextlib.closing(duckdb.connect()) as database:
        database.execute(f"SET memory_limit = '{PARQUET_MEMORY}'; SET threads = 1")
        database.execute(
            f"COPY (SELECT * FROM read_csv({_quoted(csv)}, header = true, auto_detect = false, "
            f"columns = {{{columns}}}, delim = ',', quote = '\"', escape = '\"')) "
            f"TO {_quoted(parquet)} (FORMAT parquet, COMPRESSION zstd)"
        )
    return parquet


def _quoted(path: Path) -> str:
    doubled = str(path).replace("'", "''")
    return f"'{doubled}'"


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
