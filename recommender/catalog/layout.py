"""Finds the header and the delimiter of a text table."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from recommender.catalog.columns import find_columns, lacking

_DELIMITERS: Final = (",", ";", "\t", "|")
_MAX_PREAMBLE_LINES: Final = 20
"""The header is looked for in this many lines."""

_SEPARATOR: Final = re.compile(r'^"?sep=(.)"?\s*$', re.IGNORECASE)
"""The line that tells Excel the delimiter."""


_LINE_END: Final = re.compile("\r\n|\n|\r(?=.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Layout:
    """How a text table is laid out.

    Attributes:
        names: of the columns.
        mark: the delimiter of cells.
        above: lines before the header, blank ones included.
        header: lines that the header takes up, 1 but where a name has a line break.
        newline: the ending of the first line: ``"\\n"``, also for ``"\\r\\n"``, or ``"\\r"``.
        remarks: lines above the header that were neither blank nor for Excel.
    """

    names: tuple[str, ...]
    mark: str
    above: int
    header: int
    newline: str
    remarks: int = 0

    @property
    def plain(self) -> bool:
        """Whether the header is the first line and all lines end as they usually do."""
        return self.above == 0 and self.header == 1 and self.newline == "\n"


def find_layout(head: str) -> Layout:
    """Return the layout of a table, detected from its first lines.

    The header is the first line that names all required columns, else the first line that is not
    blank; the delimiter is the one that makes most sense of it.

    Args:
        head: the beginning of the file, without a byte order mark; not blank.
    """
    ending = _LINE_END.search(head)
    newline = "\r" if ending and ending[0] == "\r" else "\n"
    lines = head.split(newline, _MAX_PREAMBLE_LINES + 40)
    wanted: str | None = None
    first: Layout | None = None
    remarks = 0
    for place, line in enumerate(lines[:_MAX_PREAMBLE_LINES]):
        if not line.strip():
            continue
        if first is None and (separator := _SEPARATOR.match(line.strip("\ufeff\r"))):
            wanted = "\t" if separator[1] == " " else separator[1]
            continue
        marks = (wanted,) if wanted else _DELIMITERS
        found = [_header(lines[place:], mark) for mark in marks]
        names, mark, height = max(found, key=lambda one: _sense(one[0], one[1], line))
        names = _with_row_names(names, lines[place + height :], mark)
        here = Layout(names, mark, place, height, newline, remarks)
        if not lacking(find_columns(names)):
            return here
        first = first or here
        remarks += 1
    assert first is not None, "a blank head"
    return first


def _header(lines: Sequence[str], mark: str) -> tuple[tuple[str, ...], str, int]:
    """Return the names of a header, their delimiter, and how many lines it takes up."""
    try:
        reader = csv.reader((f"{line}\n" for line in lines), delimiter=mark, skipinitialspace=True)
        names = next(reader)
    except (csv.Error, StopIteration):
        names, height = lines[0].split(mark), 1
    else:
        height = reader.line_num
        if height > 1 and lacking(find_columns(names)):
            names, height = lines[0].split(mark), 1
    return tuple(" ".join(name.split()) for name in names), mark, height


def _sense(names: tuple[str, ...], mark: str, line: str) -> tuple[int, int, int]:
    found = find_columns(names)
    return -len(lacking(found)), len(found), line.count(mark)


def _with_row_names(names: tuple[str, ...], below: Sequence[str], mark: str) -> tuple[str, ...]:
    """Return the names, with an empty first one if R wrote row names without a header."""
    line = next((line for line in below if line.strip()), "")
    try:
        cells = next(csv.reader([line], delimiter=mark), [])
    except csv.Error:
        return names
    if len(cells) == len(names) + 1 and cells[-1].strip() and re.fullmatch(r"\d+", cells[0]):
        return ("", *names)
    return names
