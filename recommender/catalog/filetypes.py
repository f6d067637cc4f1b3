"""Recognises files that are not tables, and says what to do with them."""

from __future__ import annotations

import io
import re
import zipfile
from typing import Final

_SAVE: Final = "save it as CSV (UTF-8) and import that"
_UNPACK: Final = "unpack it and import what is inside"

_MAGIC: Final[tuple[tuple[int, bytes, str], ...]] = (
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", f"an old Excel file: {_SAVE}"),
    (0, b"BZh", f"compressed with bzip2: {_UNPACK}"),
    (0, b"\xfd7zXZ\x00", f"compressed with xz: {_UNPACK}"),
    (0, b"\x28\xb5\x2f\xfd", f"compressed with Zstandard: {_UNPACK}"),
    (0, b"\x04\x22\x4d\x18", f"compressed with LZ4: {_UNPACK}"),
    (0, b"7z\xbc\xaf\x27\x1c", f"a 7-Zip archive: {_UNPACK}"),
    (0, b"Rar!\x1a\x07", f"a RAR archive: {_UNPACK}"),
    (257, b"ustar", f"a tar archive: {_UNPACK}"),
    (8, b"DUCK", "a DuckDB database, not a table: if it is a catalogue, it needs no import"),
    (0, b"SQLite format 3\x00", "a SQLite database: export its table of tracks as CSV"),
    (0, b"ARROW1\x00", "an Arrow (Feather) file: save it as Parquet or CSV"),
    (0, b"FEA1", "a Feather file: save it as Parquet or CSV"),
    (0, b"ORC", "an ORC file: save it as Parquet or CSV"),
    (0, b"Obj\x01", "an Avro file: save it as Parquet or CSV"),
    (0, b"\x89HDF\r\n\x1a\n", "an HDF5 file: save it as Parquet or CSV"),
    (0, b"\x93NUMPY", "a NumPy array: save it as Parquet or CSV"),
    (0, b"\x80\x04\x95", "a Python pickle: save it as Parquet or CSV"),
    (0, b"\x80\x05\x95", "a Python pickle: save it as Parquet or CSV"),
    (0, b"RDX", "an R workspace: save it with write.csv"),
    (0, b"X\n\x00\x00", "an R object: save it with write.csv"),
    (0, b"PARE", "an encrypted Parquet file: save it without encryption"),
    (0, b"%PDF", f"a PDF: {_SAVE}"),
    (0, b"{\\rtf", f"a text document (RTF): {_SAVE}"),
    (0, b"\x89PNG", "an image, not a table"),
    (0, b"\xff\xd8\xff", "an image, not a table"),
    (0, b"GIF8", "an image, not a table"),
)

_ZIPPED: Final = (
    ("xl/", f"an Excel file: {_SAVE}"),
    ("word/", f"a Word document: {_SAVE}"),
    ("content.xml", f"an OpenDocument spreadsheet: {_SAVE}"),
    ("Index/", f"a Numbers spreadsheet: {_SAVE}"),
)
"""Beginning of a name inside a zip archive → what the archive is."""

_LFS: Final = re.compile(rb"\s*version https?://[\w./-]*git-lfs")
_WEB: Final = re.compile(
    rb"\s*(?:<!--.*?-->\s*)*<(?:!doctype|html|head|body|script)\b", re.I | re.S
)
_XML: Final = re.compile(rb"\s*<(?:\?xml|\w+[\s>/])")
_JSON: Final = re.compile(rb'\s*(?:\{\s*(?:"|\}|$)|\[\s*(?:[\[{"\d\]]|$))')


def what_it_is(head: bytes, suffix: str = "") -> str | None:
    """Return what a file is and what to do with it, if it is not a table that can be read.

    Args:
        head: how it begins, unpacked if it was gzipped.
        suffix: the ending of its name, such as ``.xlsx``, for zipped formats that `head` does not
            tell apart.

    Returns:
        The end of a sentence that begins with the file's name and "is", or ``None``.
    """
    if head[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        return _zipped(head, suffix.lower())
    for start, magic, said in _MAGIC:
        if head[start : start + len(magic)] == magic:
            return said
    text = head.removeprefix(b"\xef\xbb\xbf")
    if _LFS.match(text):
        return "a Git LFS pointer, not the table itself: fetch that with git lfs pull"
    if _WEB.match(text):
        return (
            "a web page (HTML), not a table: perhaps the download needed a sign-in. "
            "Download the table itself"
        )
    if _XML.match(text):
        return f"XML, not a table: {_SAVE}"
    if _JSON.match(text):
        return "JSON, not a table: save its rows as CSV or Parquet, with pandas for example"
    return None


def _zipped(head: bytes, suffix: str) -> str:
    try:
        with zipfile.ZipFile(io.BytesIO(head)) as archive:
            inside = archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        # The directory is at the end of the archive, but each member begins with its own name.
        inside = [name.decode("latin-1") for name in _names_within(head)]
    for start, said in _ZIPPED:
        if any(name.startswith(start) for name in inside):
            return said
    if suffix in (".xlsx", ".xlsm", ".xlsb", ".xltx"):
        return f"an Excel file: {_SAVE}"
    if suffix == ".ods":
        return f"an OpenDocument spreadsheet: {_SAVE}"
    return f"a zip archive: {_UNPACK}"


def _names_within(head: bytes) -> list[bytes]:
    names, place = [], 0
    while (place := head.find(b"PK\x03\x04", place)) >= 0:
        length = int.from_bytes(head[place + 26 : place + 28], "little")
        names.append(head[place + 30 : place + 30 + length])
        place += 4
    return names
