"""Opens a text table, CSV or TSV, gzipped or not, in any encoding, so that DuckDB can read it."""

from __future__ import annotations

import codecs
import gzip
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from recommender.catalog.columns import find_columns, lacking
from recommender.catalog.encodings import (
    UTF_8,
    WESTERN,
    Survey,
    escaped,
    from_mark,
    mended,
    refusal,
)
from recommender.catalog.filetypes import what_it_is
from recommender.catalog.layout import Layout, find_layout
from recommender.catalog.records import RecordReader, Tally, blocks
from recommender.errors import CatalogError
from recommender.printable import printable

SNIFFED_BYTES: Final = 1 << 20
"""Bytes from the beginning of a file by which its kind is recognised."""

_CHUNK_BYTES: Final = 1 << 22
_HEAD_BYTES: Final = 1 << 16
_MIN_TEXT_FRACTION: Final = 0.92
"""At least this fraction of a text file's characters are not control characters."""


@dataclass(frozen=True, slots=True)
class TextTable:
    """A text table that DuckDB can read.

    Attributes:
        path: the file itself where it is sound, else a copy that is.
        layout: its columns and its delimiter.
        tally: how many records it has.
        encoding: of the file, in words.
        compression: ``gzip`` or ``none``.
        doubt: a word that came out of bytes that are not UTF-8, or ``""``.
    """

    path: Path
    layout: Layout
    tally: Tally
    encoding: str
    compression: str
    doubt: str = ""


def read_head(source: Path) -> bytes:
    """Return the beginning of a file, unpacked if it is gzipped.

    Raises:
        CatalogError: it cannot be read, is empty, or is not a table; the message says what it is
            and what to do.
    """
    with _reading(source):
        special = source.exists() and not (source.is_file() or source.is_dir())
    if special:
        raise CatalogError(
            f"{source} is a pipe, a socket or a device: save what it gives as a file, which is "
            "read more than once."
        )
    with _reading(source), source.open("rb") as file:
        head = file.read(SNIFFED_BYTES)
    if _is_gzip(head):
        with _reading(source), gzip.open(source) as file:
            head = file.read(SNIFFED_BYTES)
    if not head.strip():
        raise CatalogError(f"{source.name} is empty.")
    if said := what_it_is(head, source.suffix):
        raise CatalogError(f"{source.name} is {said}.")
    return head


def open_text(source: Path, head: bytes, folder: Path, *, encoding: str | None = None) -> TextTable:
    """Scan a text table, and make a sound copy if DuckDB could not read it.

    Args:
        source: the file.
        head: what `read_head` returned.
        folder: where the copy may lie.
        encoding: Python's name of the encoding; detected from the file by default.

    Raises:
        CatalogError: it cannot be read, lacks columns, or is in an encoding that is not known.
    """
    codec = _codec(encoding) if encoding else from_mark(head) or "utf-8"
    text = _decoded(head[:_HEAD_BYTES], codec).lstrip("\ufeff")
    if not text.strip():
        raise CatalogError(f"{source.name} is empty.")
    if said := what_it_is(text.encode("utf-8", "replace")):
        raise CatalogError(f"{source.name} is {said}.")
    controls = sum(letter < " " and letter not in "\t\n\r\f" for letter in text)
    if len(text) > 256 and controls > (1 - _MIN_TEXT_FRACTION) * len(text):
        raise CatalogError(
            f"{source.name} is not a CSV or Parquet table that can be read: it is not text."
        )
    layout = find_layout(text)
    found = find_columns(layout.names)
    if missing := lacking(found):
        raise lacks(source, missing, layout.names)
    ids = found["id"]
    if not encoding and codec == "utf-8" and (other := escaped(head)):
        raise CatalogError(
            f"{source.name} is written in {other}: save it as UTF-8, or import it with "
            f"--encoding {other}."
        )
    if codec != "utf-8":
        name = encoding or codec.upper().replace("-LE", " (little endian)").replace(
            "-BE", " (big endian)"
        )
        return _copied(source, folder, layout, ids, codec, name)
    with _reading(source), _open(source) as file:
        tally = RecordReader(layout, ids).read(blocks(_pieces(file), layout.newline))
    if tally.sound:
        packed = "gzip" if _is_gzip_file(source) else "none"
        return TextTable(source, layout, tally, UTF_8, packed)
    if encoding:
        return _copied(source, folder, layout, ids, "utf-8", UTF_8)
    survey = Survey()
    with _reading(source), _open(source) as file:
        for block in blocks(_pieces(file), layout.newline):
            survey.add(block.replace(b"\r", b"\n") if layout.newline == "\r" else block)
    if not survey.mostly_utf_8 and not survey.is_western:
        raise refusal(source.name, survey)
    if survey.invalid and not survey.valid and survey.is_western:
        return _copied(source, folder, layout, ids, "cp1252", WESTERN, survey)
    return _copied(source, folder, layout, ids, "utf-8", UTF_8, survey)


def _copied(
    source: Path,
    folder: Path,
    layout: Layout,
    ids: list[int],
    codec: str,
    name: str,
    survey: Survey | None = None,
) -> TextTable:
    copy = folder / "table.csv"
    # Windows-1252 leaves five bytes undefined; where it is a guess, its words were looked at.
    errors = "replace" if survey else "strict"
    selective = survey is None or survey.mostly_utf_8
    with copy.open("wb") as out:
        reader = RecordReader(layout, ids, write=out.write, selective=selective)
        with _reading(source, codec), _open(source) as file:
            pieces = _pieces(file) if codec == "utf-8" else _recoded(file, codec, errors)
            tally = reader.read(blocks(pieces, layout.newline))
    doubt = next((word for word, wrong in survey.words.items() if not wrong), "") if survey else ""
    return TextTable(copy, layout, tally, name, "none", doubt)


def _pieces(file: BinaryIO | gzip.GzipFile) -> Iterator[bytes]:
    while piece := file.read(_CHUNK_BYTES):
        yield piece


def _recoded(file: BinaryIO | gzip.GzipFile, codec: str, errors: str) -> Iterator[bytes]:
    """Return a stream in UTF-8.

    Raises:
        UnicodeDecodeError: it is not in the encoding.
    """
    decoder = codecs.getincrementaldecoder(codec)(errors)
    for piece in _pieces(file):
        yield decoder.decode(piece).encode("utf-8", "replace")
    yield decoder.decode(b"", final=True).encode("utf-8", "replace")


def _decoded(head: bytes, codec: str) -> str:
    if codec == "utf-8":
        return "\n".join(mended(line) for line in head.split(b"\n"))
    return codecs.getincrementaldecoder(codec)("replace").decode(head)


def _codec(encoding: str) -> str:
    try:
        name = codecs.lookup(encoding).name
        " ".encode(name)
        codecs.getincrementaldecoder(name)
    except (LookupError, ValueError, TypeError):
        raise CatalogError(
            f"Incorrect value for 'encoding' argument: {encoding!r}: the name of an encoding, "
            "such as utf-8, cp1250, gbk or shift_jis"
        ) from None
    return "utf-8" if name == "utf-8-sig" else name


def _is_gzip(head: bytes) -> bool:
    return head[:2] == b"\x1f\x8b"


def _is_gzip_file(source: Path) -> bool:
    with source.open("rb") as file:
        return _is_gzip(file.read(2))


def _open(source: Path) -> BinaryIO | gzip.GzipFile:
    return gzip.open(source) if _is_gzip_file(source) else source.open("rb")


@contextmanager
def _reading(source: Path, codec: str = "utf-8") -> Iterator[None]:
    try:
        yield
    except gzip.BadGzipFile as error:
        raise CatalogError(
            f"{source.name} is not a gzip file that can be read: {error}."
        ) from error
    except (EOFError, zlib.error) as error:
        raise CatalogError(
            f"{source.name} is not a CSV or Parquet table that can be read: "
            "the gzip file is cut off or broken."
        ) from error
    except UnicodeDecodeError as error:
        raise CatalogError(
            f"{source.name} is not written in {codec.upper()} throughout: {error.reason}."
        ) from error
    except OSError as error:
        raise CatalogError(f"{source} cannot be read: {error.strerror or error}.") from error


def lacks(source: Path, missing: Sequence[str], names: Sequence[str]) -> CatalogError:
    """Return the error for a table without some columns."""
    there = ", ".join(map(printable, names[:20])) + (", …" if len(names) > 20 else "")
    noun = "column" if len(missing) == 1 else "columns"
    return CatalogError(f"{source.name} lacks the {noun} {', '.join(missing)}. It has: {there}.")
