"""What is no table is called what it is, with what to do."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
from collections.abc import Callable
from typing import Any

import pytest

from recommender.errors import CatalogError

Imported = Callable[..., Any]


def _zip(*names: str, size: int = 10) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name in names:
            # Without the time of day: the bytes name the test, alike in every worker.
            archive.writestr(zipfile.ZipInfo(name), "x" * size)
    return packed.getvalue()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (_zip("[Content_Types].xml", "xl/workbook.xml"), "an Excel file: save it as CSV"),
        (_zip("xl/workbook.xml", size=2 << 20), "an Excel file: save it as CSV"),
        (_zip("mimetype", "content.xml"), "an OpenDocument spreadsheet: save it as CSV"),
        (_zip("word/document.xml"), "a Word document"),
        (_zip("dataset.csv"), "a zip archive: unpack it"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "an old Excel file"),
        (gzip.compress(_zip("xl/workbook.xml"), mtime=0), "an Excel file"),
        (bz2.compress(b"x"), "compressed with bzip2: unpack it"),
        (lzma.compress(b"x"), "compressed with xz: unpack it"),
        (b'[{"id": 1}]', "JSON, not a table: save its rows as CSV"),
        (b'\xef\xbb\xbf{ "id": 1}\n{"id": 2}', "JSON, not a table"),
        ('{"id": 1}'.encode("utf-16"), "JSON, not a table"),
        (b"\n<!DOCTYPE html><html>", "a web page"),
        (b'<html lang="en">', "a web page"),
        (b'<?xml version="1.0"?><a/>', "XML, not a table"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n", "git lfs pull"),
        (b"SQLite format 3\0" + b"\0" * 90, "a SQLite database"),
        (b"ARROW1\0\0", "an Arrow"),
        (b"%PDF-1.7", "a PDF"),
        (b"\x89PNG\r\n\x1a\n", "an image"),
    ],
)
def test_file_types_are_named(content: bytes, said: str, imported: Imported) -> None:
    for name in ("table.csv", "table.bin"):
        with pytest.raises(CatalogError, match=rf"^{name} is .*{said}"):
            imported(content, name)


def test_broken_workbook_is_reported_by_name(imported: Imported) -> None:
    with pytest.raises(CatalogError, match="an Excel file"):
        imported(b"PK\x03\x04" + b"\0" * 50, "table.xlsx")
    with pytest.raises(CatalogError, match="a zip archive"):
        imported(b"PK\x03\x04" + b"\0" * 50, "table.zip")


def test_a_catalogue_needs_no_import(imported: Imported, tmp_path: Any) -> None:
    imported(f"id,title,artists,valence,energy\n{1:022d},a,x,.1,.2\n")
    with pytest.raises(CatalogError, match="DuckDB database"):
        imported((tmp_path / "imported.duckdb").read_bytes(), "other.duckdb")
