"""Addresses that fsspec opens (``s3://…``, ``gs://…``), for catalogues that are kept elsewhere.

Most protocols need a package besides fsspec (`PACKAGES`). DuckDB reads through fsspec too, so it
downloads no extension.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, TypeVar

from recommender.deadline import call_with_deadline
from recommender.errors import CatalogError

Answer = TypeVar("Answer")

PROTOCOL: Final = "affectune"
"""The protocol under which DuckDB finds the file system of an open catalogue."""

PACKAGES: Final[Mapping[str, str]] = MappingProxyType(
    {
        **dict.fromkeys(("s3", "s3a"), "s3fs"),
        **dict.fromkeys(("gs", "gcs"), "gcsfs"),
        **dict.fromkeys(("http", "https"), "aiohttp"),
        **dict.fromkeys(("az", "abfs", "abfss"), "adlfs"),
    }
)
"""Protocol → the package that its addresses need besides fsspec."""

OBJECT_STORES: Final = frozenset(("s3", "s3a", "gs", "gcs", "az", "abfs", "abfss"))
"""Protocols of stores that have buckets and no folders."""

ANSWER_SECONDS: Final = 30.0
"""The longest that a visitor waits for one call to an address. The packages themselves wait for
minutes: aiohttp for five, s3fs as long with its retries."""

_ADDRESS: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+(::[A-Za-z0-9+.-]+)*://")
_USER: Final = re.compile(r"(?<=://)[^/\s]*@")
_QUERY: Final = re.compile(r"(?<=\?)[^\s'\"]+")
"""Parts that may hold credentials: a password may contain an @, and a query a signature."""

_TAIL_BYTES: Final = 1 << 16
"""Opening a Parquet file takes several small reads at its end, so this much is fetched at once."""


def is_address(place: str) -> bool:
    """Return whether a place is an address for fsspec. A drive letter (``C:``) is not."""
    return _ADDRESS.match(place) is not None


def local_path(place: Path | str) -> Path:
    """Return the absolute path of a file or folder of this machine.

    Raises:
        CatalogError: it begins with the home folder of a user that does not exist.
    """
    try:
        return Path(place).expanduser().absolute()
    except RuntimeError as error:
        raise CatalogError(f"{place} cannot be found: {error}") from error


def redacted(address: str) -> str:
    """Return an address without user name, password, query and trailing slash."""
    return _without_credentials(address).rstrip("/")


def protocol(address: str) -> str:
    """Return the protocol of an address: ``s3`` of ``simplecache::s3://…``."""
    return address.partition("://")[0].split("::")[-1].lower()


def last_part(address: str) -> str:
    """Return the last part of the path of an address."""
    return re.split(r"[/:]+", redacted(address))[-1]


def file_system(address: str) -> tuple[Any, str]:
    """Return fsspec's file system of an address, and the path in it.

    Raises:
        CatalogError: fsspec, or the package for such addresses, is not installed.
    """
    package = PACKAGES.get(protocol(address))
    try:
        import fsspec
    except ImportError as error:
        needed = f"fsspec {package}" if package else "fsspec"
        raise CatalogError(
            f"{redacted(address)} cannot be read: addresses need the fsspec package, which is not "
            f"installed (pip install {needed})."
        ) from error
    try:
        system, path = fsspec.core.url_to_fs(address)
    except ImportError as error:
        missing = f"pip install {package}" if package else _sentence(error)
        raise CatalogError(
            f"{redacted(address)} cannot be read: the package for such addresses is not installed "
            f"({missing})."
        ) from error
    except Exception as error:  # each kind of address has errors of its own
        raise unreachable(address, error) from error
    return system, str(path).rstrip("/")


def answered(call: Callable[[], Answer]) -> Answer:
    """Return what a call to an address returns.

    Raises:
        DeadlineExceeded: it has not answered within `ANSWER_SECONDS`.
    """
    return call_with_deadline(call, ANSWER_SECONDS, name="catalogue")


def unreachable(address: str, error: Exception, what: str = "read") -> CatalogError:
    """Return the error for an address that cannot be read, or what `what` says (``"written"``)."""
    return CatalogError(f"{redacted(address)} cannot be {what}: {_sentence(error)}.")


def _sentence(error: Exception) -> str:
    """Return an error's type and message, without credentials, as part of a sentence."""
    message = _without_credentials(" ".join(str(error).split())).rstrip(".")
    return f"{type(error).__name__}: {message}" if message else type(error).__name__


def _without_credentials(text: str) -> str:
    return _QUERY.sub("…", _USER.sub("", text))


def read_only(system: Any, root: str, sizes: Mapping[str, int]) -> Any:
    """Return a read-only file system for DuckDB with some files of another one, and nothing else.

    Their sizes are known, so opening a file costs no call, and each range that is read costs one.

    Args:
        system: fsspec's file system.
        root: the folder in it.
        sizes: name within the folder → bytes.
    """
    from fsspec import AbstractFileSystem

    class ReadOnly(AbstractFileSystem):  # type: ignore[misc]
        protocol = PROTOCOL
        cachable = False

        def open(self, path: str, mode: str = "rb", **options: Any) -> RangeFile:
            if mode != "rb":
                raise PermissionError(f"{path} is read-only")
            name = self._name(path)
            return RangeFile(
                lambda start, end: system.cat_file(f"{root}/{name}", start=start, end=end),
                sizes[name],
            )

        def info(self, path: str, **options: Any) -> dict[str, Any]:
            return {"name": self._name(path), "size": sizes[self._name(path)], "type": "file"}

        def exists(self, path: str, **options: Any) -> bool:
            return self._strip_protocol(path) in sizes

        def glob(self, path: str, **options: Any) -> list[str]:
            return [self._name(path)] if self.exists(path) else []

        def modified(self, path: str) -> datetime:
            # Files of a catalogue never change, so whatever DuckDB has cached of one stays valid.
            return datetime(2000, 1, 1, tzinfo=UTC)

        def _name(self, path: str) -> str:
            name = str(self._strip_protocol(path))
            if name not in sizes:
                raise FileNotFoundError(path)
            return name

    return ReadOnly()


class RangeFile:
    """A file that fetches only the ranges that are read.

    Args:
        fetch: returns the bytes from one offset up to another, which is excluded.
        size: in bytes.
    """

    def __init__(self, fetch: Callable[[int, int], bytes], size: int) -> None:
        self._fetch, self._size = fetch, size
        self._place = 0
        self._tail: bytes | None = None

    def read(self, count: int = -1) -> bytes:
        """Return up to `count` bytes from the current position, all that are left by default.

        Raises:
            OSError: they cannot be fetched.
        """
        start = min(self._place, self._size)
        end = self._size if count < 0 else min(start + count, self._size)
        data = self._part(start, end)
        self._place = end
        return data

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move to a position and return it."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._size}[whence]
        self._place = max(0, base + offset)
        return self._place

    def tell(self) -> int:
        """Return the current position."""
        return self._place

    def close(self) -> None:
        """Do nothing: there is no handle to close."""

    def _part(self, start: int, end: int) -> bytes:
        first = max(0, self._size - _TAIL_BYTES)
        if start < first or (self._tail is None and end < self._size):
            return self._fetched(start, end)
        if self._tail is None:
            self._tail = self._fetched(first, self._size)
        return self._tail[start - first : end - first]

    def _fetched(self, start: int, end: int) -> bytes:
        if start == end:
            return b""
        try:
            data = bytes(answered(lambda: self._fetch(start, end)))
        except Exception as error:  # each kind of address has errors of its own
            raise OSError(_sentence(error)) from error
        if len(data) != end - start:
            raise OSError(f"got {len(data)} bytes instead of {end - start}")
        return data
