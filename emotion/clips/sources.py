"""Finds the files to read: those named, those in folders, and those at addresses.

An address is anything that fsspec opens: ``s3://bucket/clips``, ``gs://…``, ``https://…``. Most
kinds of address need their own package besides fsspec: `PACKAGES`.
"""

from __future__ import annotations

import errno
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import IO, Any, Final, Literal

from emotion.output import is_annotated_copy

Kind = Literal["photo", "clip"]

PHOTO_SUFFIXES: Final = frozenset(
    (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".heic", ".heif", ".hif", ".avif")
)
CLIP_SUFFIXES: Final = frozenset(
    (
        *(".mp4", ".m4v", ".mov", ".qt", ".3gp", ".3g2", ".webm", ".mkv", ".avi", ".wmv", ".asf"),
        *(".flv", ".mpg", ".mpeg", ".mpe", ".m2v", ".vob", ".ts", ".mts", ".m2ts", ".mxf", ".ogv"),
        *(".mjpeg", ".mjpg", ".dv", ".y4m", ".gif"),
    )
)
"""A GIF of one frame, like any other file of one frame, is read as a photo all the same."""

_PICTURE_BRANDS: Final = (
    *(b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"avif", b"avis"),
)
_CLIP_SIGNATURES: Final = (
    *(b"\x1aE\xdf\xa3", b"OggS", b"FLV", b"\0\0\x01\xba", b"\0\0\x01\xb3", b"0&\xb2u", b"YUV4"),
)

PACKAGES: Final[Mapping[str, str]] = MappingProxyType(
    {
        **dict.fromkeys(("s3", "s3a"), "s3fs"),
        **dict.fromkeys(("gs", "gcs"), "gcsfs"),
        **dict.fromkeys(("http", "https"), "aiohttp"),
        **dict.fromkeys(("az", "abfs", "abfss"), "adlfs"),
    }
)
"""Protocol → the package that its addresses need besides fsspec."""

_VERSIONS: Final = (
    *("ETag", "etag", "generation", "LastModified", "Last-Modified", "last_modified"),
    *("mtime", "modified", "created"),
)
"""Metadata, as file systems call it, that changes when a file does, the most reliable first."""

_ADDRESS: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+(::[A-Za-z0-9+.-]+)*://")


class SourceError(ValueError):
    """A path or address that cannot be read. Its text is the sentence for the user."""


@dataclass(frozen=True, slots=True)
class Source:
    """One file to read.

    Attributes:
        name: as written in tables: as the user named it, or its folder and its path within that.
        location: where it is: an absolute path, or an address.
        kind: what it is taken for, by its suffix or else its first bytes.
        size: in bytes; 0 if unknown.
        version: changes when the file does: its size, and its modification time or the like.
    """

    name: str
    location: str
    kind: Kind
    size: int
    version: str

    @property
    def remote(self) -> bool:
        """Whether it is at an address, and not a path on this machine."""
        return is_address(self.location)

    @property
    def key(self) -> str:
        """Its location as a key that is valid Unicode even if the path is not."""
        return self.location.encode("utf-8", "backslashreplace").decode()

    @contextmanager
    def open(self) -> Iterator[IO[bytes]]:
        """Open it for reading.

        Raises:
            OSError: it cannot be opened.
            SourceError: the package for such addresses is not installed.
        """
        if not self.remote:
            with Path(self.location).open("rb") as file:
                yield file
            return
        system, path = file_system(self.location)
        with system.open(path, "rb") as file:
            yield file


@dataclass(frozen=True, slots=True)
class Found:
    """What there is to read.

    Attributes:
        sources: the files, in the order in which they were named; a folder's in natural order.
        skipped: how many files in folders are left out: hidden, annotated copies that an earlier
            run saved there, or neither photos nor clips.
        problems: what was named and cannot be read, with the reason in words.
    """

    sources: tuple[Source, ...]
    skipped: int
    problems: tuple[tuple[str, str], ...]


def is_address(path: str) -> bool:
    """Return whether a path is an address for fsspec: ``s3://…``. A drive (``C:``) is not."""
    return _ADDRESS.match(path) is not None


def find_sources(paths: Sequence[str]) -> Found:
    """Return what there is to read at paths and addresses: each file once.

    Folders are searched to any depth. Hidden files in them, annotated copies on this machine, and
    files without the suffix of a photo or a clip are left out and counted. A file that is named
    itself is read whatever it is.
    """
    skipped: Counter[str] = Counter()
    problems: list[tuple[str, str]] = []
    sources: dict[str, Source] = {}
    for path in paths:
        if not path:
            problems.append(("''", "an empty name: is a shell variable not set?"))
            continue
        try:
            found = (
                _remote(path, skipped)
                if is_address(path)
                else _local(Path(path), skipped, problems)
            )
            for source in found:
                sources.setdefault(source.location, source)
        except SourceError as error:
            problems.append((path, str(error)))
        except OSError as error:
            problems.append((path, reason(error)))
        except Exception as error:  # each kind of address has its own errors
            if not is_address(path):
                raise
            problems.append((path, f"{type(error).__name__}: {error}"))
    return Found(tuple(sources.values()), skipped.total(), tuple(problems))


def reason(error: OSError) -> str:
    """Return in words why a file cannot be opened."""
    said = error.strerror or str(error)
    if isinstance(error, FileNotFoundError) and (not said or "/" in said):
        return os.strerror(errno.ENOENT)  # many of fsspec's file systems state only the path
    return said or type(error).__name__


def natural_key(text: str) -> tuple[tuple[int, int, str], ...]:
    """Return a key that sorts ``take 9`` before ``take 10``."""
    parts = re.split(r"(\d+)", text.casefold())
    return tuple((0, int(p), "") if p.isdecimal() else (1, 0, p) for p in parts if p)


def file_system(address: str) -> tuple[Any, str]:
    """Return fsspec's file system for an address, and the path in it.

    Raises:
        SourceError: fsspec, or the package for such addresses, is not installed.
    """
    package = PACKAGES.get(address.partition("://")[0].split("::")[-1].lower())
    try:
        import fsspec
    except ImportError as error:
        needed = f"fsspec {package}" if package else "fsspec"
        raise SourceError(
            f"addresses cannot be read: fsspec is not installed (pip install {needed})"
        ) from error
    try:
        system, path = fsspec.core.url_to_fs(address)
    except ImportError as error:
        missing = f"{package} is not installed (pip install {package})" if package else error
        raise SourceError(f"such addresses cannot be read: {missing}") from error
    except ValueError as error:
        raise SourceError(f"such addresses cannot be read: {error}") from error
    return system, path


def _kind(name: str) -> Kind | None:
    suffix = PurePosixPath(name).suffix.lower()
    if suffix in CLIP_SUFFIXES:
        return "clip"
    return "photo" if suffix in PHOTO_SUFFIXES else None


def _local(path: Path, skipped: Counter[str], problems: list[tuple[str, str]]) -> Iterator[Source]:
    if _is_special(path):
        raise SourceError("this is a pipe, a socket or a device: save what it gives as a file")
    if not path.is_dir():
        yield _file(path, _kind(path.name) or _kind_by_content(path))
        return
    for home, folders, names in os.walk(path, onerror=_raise):
        folders[:] = sorted((name for name in folders if not name.startswith(".")), key=natural_key)
        skipped["hidden"] += sum(name.startswith(".") for name in names)
        for name in sorted((n for n in names if not n.startswith(".")), key=natural_key):
            kind, file = _kind(name), Path(home) / name
            try:
                if kind is None or _is_special(file):
                    skipped["kind"] += 1
                elif kind == "photo" and _is_copy(file):
                    skipped["copy"] += 1
                else:
                    yield _file(file, kind)
            except OSError as error:  # such as a link to nothing; the other files are read
                problems.append((str(file), reason(error)))


def _raise(error: OSError) -> None:
    raise error


def _is_special(path: Path) -> bool:
    """Whether it is a pipe, a socket or a device: reading one may never end."""
    return path.exists() and not (path.is_file() or path.is_dir())


def _is_copy(path: Path) -> bool:
    try:
        return is_annotated_copy(path)
    except OSError:  # what reads it will say why
        return False


def _file(path: Path, kind: Kind) -> Source:
    state = path.stat()
    name = str(path)
    if name[0] in "=+-@":
        name = f".{os.sep}{name}"  # the same file, but not a formula in a spreadsheet
    return Source(
        name=name.encode("utf-8", "backslashreplace").decode(),
        location=os.path.abspath(path),  # noqa: PTH100 - links are not resolved: they were named
        kind=kind,
        size=state.st_size,
        version=f"{state.st_size} bytes, {state.st_mtime_ns}",
    )


def looks_like_clip(head: bytes) -> bool:
    """Return whether a file is a clip and not a photo, by its first 16 bytes."""
    box = head[4:8] == b"ftyp" and head[8:12] not in _PICTURE_BRANDS
    quicktime = head[4:8] in (b"moov", b"mdat", b"wide", b"free", b"skip")
    avi = head.startswith(b"RIFF") and head[8:12] == b"AVI "
    return box or quicktime or avi or head.startswith(_CLIP_SIGNATURES)


def _kind_by_content(path: Path) -> Kind:
    with path.open("rb") as file:
        return "clip" if looks_like_clip(file.read(16)) else "photo"


def _remote(address: str, skipped: Counter[str]) -> Iterable[Source]:
    system, path = file_system(address)
    if not system.isdir(path):
        return [_remote_file(system, address, path, _kind(path) or "photo")]
    found = []
    for entry in sorted(system.find(path), key=natural_key):
        below = entry.removeprefix(path).strip("/")
        if any(part.startswith(".") for part in below.split("/")):
            skipped["hidden"] += 1
        elif (kind := _kind(entry)) is None:
            skipped["kind"] += 1
        else:
            whole = f"{address.rstrip('/')}/{below}"
            found.append(_remote_file(system, whole, entry, kind))
    return found


def _remote_file(system: Any, address: str, path: str, kind: Kind) -> Source:
    about = system.info(path)
    size = int(about.get("size") or 0)
    # Not fsspec's `ukey`: it differs between a file that was listed and one that was asked for.
    version = next((str(about[key]) for key in _VERSIONS if about.get(key)), None)
    return Source(address, address, kind, size, f"{size} bytes, {version or system.ukey(path)}")
