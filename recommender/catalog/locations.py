"""Where a catalogue of many files may be: a folder of this machine, or an address."""

from __future__ import annotations

import os
import secrets
import shlex
import shutil
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import duckdb

from recommender.catalog.addresses import (
    OBJECT_STORES,
    PROTOCOL,
    answered,
    file_system,
    protocol,
    read_only,
    redacted,
    unreachable,
)
from recommender.catalog.manifest import (
    MANIFEST,
    MAX_MANIFEST_BYTES,
    SNAPSHOT,
    ManifestError,
    snapshot_of,
    versions_of,
)
from recommender.catalog.workspace import (
    WORKSPACE,
    exclusive,
    own_workspace,
    sync,
    sync_folder,
)
from recommender.deadline import DeadlineExceeded
from recommender.errors import CatalogError

Uploaded = Callable[[int, int], None]
"""Called with the number of files in place, and of all files."""

_STALE: Final = timedelta(days=1)
"""For this long, a snapshot at an address that no manifest names may still be uploading."""

_ADDRESS_THREADS: Final = 16
"""How many parts of files are fetched at once: over a network, most of the time is waiting."""


class Location(ABC):
    """A folder or an address.

    Attributes:
        source: where it is, without credentials.
        threads: how many threads DuckDB uses to read from it, ``None`` for its own choice.
    """

    source: Path | str
    threads: int | None = None

    @abstractmethod
    def manifest(self) -> bytes | None:
        """Return the manifest's content, or ``None`` where there is none.

        Raises:
            CatalogError: it cannot be read.
        """

    @abstractmethod
    def sizes(self, snapshot: str) -> Mapping[str, int] | None:
        """Return name → bytes of the files of a snapshot, or ``None`` if it cannot be listed.

        Raises:
            CatalogError: it cannot be read.
        """

    @abstractmethod
    def allowed(self, snapshot: str) -> list[str]:
        """Return the folder that an open catalogue may read from, by every name DuckDB has for
        it."""

    @abstractmethod
    def mount(
        self, connection: duckdb.DuckDBPyConnection, snapshot: str, sizes: Mapping[str, int]
    ) -> str:
        """Make the files of a snapshot readable for DuckDB and return the prefix of their names."""

    @abstractmethod
    def holds_other_files(self) -> bool:
        """Whether there is anything that no import wrote, and that must not be replaced.

        Raises:
            CatalogError: it cannot be read.
        """

    @abstractmethod
    def workspace(self) -> Any:
        """Return a context manager that makes a folder to build in, on this machine."""

    @abstractmethod
    def publish(self, built: Path, snapshot: str, manifest: str, uploaded: Uploaded) -> None:
        """Put a snapshot and then the manifest in place, and remove outdated snapshots.

        Args:
            built: a folder with the files of the snapshot.
            snapshot: its name.
            manifest: the content of the manifest.
            uploaded: called after each file.

        Raises:
            CatalogError: it cannot be written.
            OSError: likewise.
        """

    @property
    def command(self) -> str:
        """The command that makes a catalogue there, in quotation marks."""
        slash = "" if isinstance(self.source, str) else os.sep
        return (
            f"“python -m recommender import FILE --catalog {shlex.quote(f'{self.source}{slash}')}”"
        )


class FolderLocation(Location):
    """A folder of this machine."""

    def __init__(self, path: Path) -> None:
        self.source = self._path = path.expanduser().absolute()

    def manifest(self) -> bytes | None:
        try:
            with (self._path / MANIFEST).open("rb") as file:
                return file.read(MAX_MANIFEST_BYTES + 1)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise self._unreadable(error) from error

    def sizes(self, snapshot: str) -> Mapping[str, int] | None:
        root = self._path / snapshot
        try:
            return {
                path.relative_to(root).as_posix(): path.stat().st_size
                for path in root.rglob("*.parquet")
            }
        except OSError as error:
            raise self._unreadable(error) from error

    def allowed(self, snapshot: str) -> list[str]:
        path = f"{self._path / snapshot}/"
        return list(dict.fromkeys((path, _literal(path))))

    def mount(
        self, connection: duckdb.DuckDBPyConnection, snapshot: str, sizes: Mapping[str, int]
    ) -> str:
        return _literal(f"{self._path / snapshot}/")

    def holds_other_files(self) -> bool:
        if self._path.exists() and not self._path.is_dir():
            return True
        return not _ours(self.manifest()) and any(map(_strange, self._names()))

    @contextmanager
    def workspace(self) -> Iterator[Path]:
        new = not self._path.exists()
        self._path.mkdir(parents=True, exist_ok=True)
        try:
            with own_workspace(self._path) as folder:
                yield folder
        finally:
            if new:
                # Only a failed import leaves it empty; otherwise it is not removed.
                with suppress(OSError):
                    self._path.rmdir()

    def publish(self, built: Path, snapshot: str, manifest: str, uploaded: Uploaded) -> None:
        files = sorted(built.rglob("*.parquet"))
        for done, path in enumerate(files, start=1):
            sync(path)
            uploaded(done, len(files))
        written = built.with_name(MANIFEST)
        written.write_text(manifest, encoding="utf-8")
        sync(written)
        # Another import would take a snapshot that no manifest names yet for an outdated one.
        with exclusive(self._path):
            before = _snapshot_of(self.manifest())
            built.replace(self._path / snapshot)
            sync_folder(self._path)
            written.replace(self._path / MANIFEST)
            for name in self._names():
                if SNAPSHOT.fullmatch(name) and name not in (snapshot, before):
                    shutil.rmtree(self._path / name, ignore_errors=True)

    def _names(self) -> list[str]:
        try:
            return [path.name for path in self._path.iterdir()]
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            raise self._unreadable(error) from error

    def _unreadable(self, error: OSError) -> CatalogError:
        return CatalogError(f"{self.source} cannot be read: {error.strerror or error}.")


class RemoteLocation(Location):
    """An address that fsspec opens.

    Raises:
        CatalogError: the package for such addresses is not installed.
    """

    threads = _ADDRESS_THREADS

    def __init__(self, address: str) -> None:
        self.source = redacted(address)
        self._system, self._root = file_system(address)
        self._has_folders = protocol(address) not in OBJECT_STORES

    def manifest(self) -> bytes | None:
        with self._errors_in_words():
            try:
                content = answered(lambda: self._system.cat_file(f"{self._root}/{MANIFEST}"))
            except FileNotFoundError:
                return None
            return bytes(content)

    def sizes(self, snapshot: str) -> Mapping[str, int] | None:
        root = f"{self._root}/{snapshot}/"
        try:
            self._system.invalidate_cache()
            found = answered(lambda: self._system.find(root, detail=True))
        except FileNotFoundError:
            return {}
        except DeadlineExceeded as error:
            raise unreachable(str(self.source), error) from error
        except Exception:
            # Some servers list no files. A missing one is then noticed when it is read.
            return None
        sizes = {}
        for path, about in found.items():
            _, here, name = str(path).partition(f"{snapshot}/")
            if here and isinstance(about.get("size"), int):
                sizes[name] = about["size"]
        return sizes or None

    def allowed(self, snapshot: str) -> list[str]:
        return [f"{PROTOCOL}://"]

    def mount(
        self, connection: duckdb.DuckDBPyConnection, snapshot: str, sizes: Mapping[str, int]
    ) -> str:
        connection.register_filesystem(read_only(self._system, f"{self._root}/{snapshot}", sizes))
        return f"{PROTOCOL}://"

    def holds_other_files(self) -> bool:
        if _ours(self.manifest()):
            return False
        with self._errors_in_words():
            self._system.invalidate_cache()
            try:
                names = answered(lambda: self._system.ls(self._root, detail=False))
            except FileNotFoundError:
                return False
        # An object store lists an empty folder as itself.
        last = (str(name).rstrip("/").rsplit("/", 1)[-1] for name in names)
        own = self._root.rsplit("/", 1)[-1]
        return any(name and name != own and _strange(name) for name in last)

    @contextmanager
    def workspace(self) -> Iterator[Path]:
        self._check_writable()
        with tempfile.TemporaryDirectory(prefix="affectune-") as folder:
            yield Path(folder)

    def _check_writable(self) -> None:
        """Write a probe and remove it, before a long import that could not be stored.

        Raises:
            CatalogError: it cannot be written.
        """
        probe = f"{self._root}/{WORKSPACE}{secrets.token_hex(4)}"
        try:
            self._make_folder(self._root)
            self._system.pipe_file(probe, b"Affectune")
        except Exception as error:  # each kind of address has errors of its own
            raise unreachable(str(self.source), error, "written") from error
        with suppress(Exception):
            self._system.rm_file(probe)

    def _make_folder(self, path: str) -> None:
        # In an object store this could only create a bucket, for a name that was mistyped.
        if self._has_folders:
            self._system.makedirs(path, exist_ok=True)

    def publish(self, built: Path, snapshot: str, manifest: str, uploaded: Uploaded) -> None:
        before = _snapshot_of(self.manifest())
        root = f"{self._root}/{snapshot}"
        files = sorted(built.rglob("*.parquet"))
        try:
            for done, path in enumerate(files, start=1):
                target = f"{root}/{path.relative_to(built).as_posix()}"
                self._make_folder(target.rsplit("/", 1)[0])
                self._system.put_file(str(path), target)
                uploaded(done, len(files))
            self._system.pipe_file(f"{self._root}/{MANIFEST}", manifest.encode())
        except BaseException as error:
            with suppress(Exception):
                # The manifest may have arrived although its confirmation did not.
                if _snapshot_of(self.manifest()) != snapshot:
                    self._system.rm(root, recursive=True)
            if isinstance(error, Exception):
                raise unreachable(str(self.source), error, "written") from error
            raise
        self._sweep({snapshot, before})

    def _sweep(self, kept: set[str | None]) -> None:
        """Remove snapshots that no manifest names and that can no longer be uploading."""
        paths: list[object] = []
        with suppress(Exception):
            self._system.invalidate_cache()
            paths = self._system.ls(self._root, detail=False)
        for path in paths:
            name = str(path).rstrip("/").rsplit("/", 1)[-1]
            if SNAPSHOT.fullmatch(name) and name not in kept:
                # One that cannot be removed, or has no date in its name, must not stop the others.
                with suppress(Exception):
                    if _age(name) > _STALE:
                        self._system.rm(f"{self._root}/{name}", recursive=True)

    @contextmanager
    def _errors_in_words(self) -> Iterator[None]:
        try:
            yield
        except CatalogError:
            raise
        except Exception as error:  # each kind of address has errors of its own
            raise unreachable(str(self.source), error) from error


def new_snapshot() -> str:
    """Return a name for a snapshot that is being made now."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}"


def _age(snapshot: str) -> timedelta:
    made = datetime.strptime(snapshot.split("-")[0], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    return datetime.now(UTC) - made


def _literal(path: str) -> str:
    """Return a path with its glob characters escaped."""
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in path)


def _ours(manifest: bytes | None) -> bool:
    """Whether a manifest is that of a catalogue, of any version."""
    try:
        return manifest is not None and versions_of(manifest) is not None
    except ManifestError:
        return False


def _strange(name: str) -> bool:
    """Whether no import writes a file or folder of this name."""
    return name != MANIFEST and not SNAPSHOT.fullmatch(name) and not name.startswith(WORKSPACE)


def _snapshot_of(manifest: bytes | None) -> str | None:
    """Return the snapshot that a manifest of any version names, if it can be read."""
    try:
        return snapshot_of(manifest) if manifest is not None else None
    except ManifestError:
        return None
