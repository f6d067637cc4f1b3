"""Reads the records of a text table, one by one, before DuckDB does.

With a quotation mark that is never closed, any parser takes the rest of the file for one cell. So
the records of a file are counted here, independently, and DuckDB has to return as many. A sound
file is only scanned. Any other is copied into a sound one: UTF-8, one header, uniform line endings,
no control characters, and without the records that cannot be read, which are counted.
"""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from recommender.catalog.encodings import has_wrong_words, mended
from recommender.catalog.layout import Layout
from recommender.errors import CatalogError

MAX_RECORD_BYTES: Final = 1 << 20
"""Bytes that a record may have; a longer one is taken for a quotation mark left open."""

_MAX_RECORD_LINES: Final = 500
"""Lines that a record may have, for the same reason."""

_CONTROL: Final = bytes({*range(32), 127} - {9, 10, 13})
_SPACES: Final = bytes.maketrans(_CONTROL, b" " * len(_CONTROL))
_TRACK_ID: Final = re.compile("(?<![A-Za-z0-9])[A-Za-z0-9]{22}(?![A-Za-z0-9])")

Write = Callable[[bytes], object]

if TYPE_CHECKING:
    from _csv import Reader as _Reader


@dataclass(slots=True)
class Tally:
    """What was found in a text table.

    Attributes:
        records: its rows below the header, without blank lines.
        refused: those that cannot be read.
        first_refused: the line of the first of them, from 1, or 0.
        mended: those in which bytes that are not UTF-8 were read as Windows-1252.
        quotes: whether it has quotation marks at all.
        sound: whether DuckDB may read the file itself.
    """

    records: int = 0
    refused: int = 0
    first_refused: int = 0
    mended: int = 0
    quotes: bool = False
    sound: bool = True


def blocks(pieces: Iterable[bytes], newline: str = "\n") -> Iterator[bytes]:
    """Yield a stream in blocks of whole lines; only the last may lack its line ending.

    Raises:
        CatalogError: a line is longer than that of any table.
    """
    end, rest = newline.encode(), b""
    for piece in pieces:
        rest += piece
        cut = rest.rfind(end) + 1
        if cut:
            yield rest[:cut]
            rest = rest[cut:]
        elif len(rest) > 16 * MAX_RECORD_BYTES:
            raise CatalogError("A line has more than 16 MB: this is not a table of tracks.")
    if rest:
        yield rest


class RecordReader:
    """Reads a text table block by block.

    Args:
        layout: the table's.
        ids: the columns that may hold ids, by which a swallowed row is recognised.
        write: receives the copy, in pieces; ``None`` to scan only, up to the first thing that makes
            a copy necessary.
        selective: whether to refuse lines in which bytes that are not UTF-8 make no words.
    """

    def __init__(
        self,
        layout: Layout,
        ids: Sequence[int],
        *,
        write: Write | None = None,
        selective: bool = False,
    ) -> None:
        self.tally = Tally(sound=layout.plain)
        self._layout, self._ids, self._selective = layout, ids, selective
        self._write = write
        self._mark, self._width = layout.mark, len(layout.names)
        self._above = layout.above + layout.header
        self._number = 1
        self._open: list[str] = []
        self._ends: bytes | None = None

    def read(self, pieces: Iterable[bytes]) -> Tally:
        """Read the blocks of a table, from its first line, and return what was found."""
        if self._write is not None:
            self._put(self._mark.join(f"c{place}" for place in range(self._width)))
        mark = codecs.BOM_UTF8
        for block in pieces:
            if not self.tally.sound and self._write is None:
                return self.tally
            self._read_block(block.removeprefix(mark))
            mark = b""
        self._read_lines([], last=True)
        return self.tally

    def _read_block(self, block: bytes) -> None:
        if self._layout.newline == "\r":
            block = block.replace(b"\r", b"\n")
        while self._above and block:
            above, end, block = block.partition(b"\n")
            self._ends_alike(above + end)
            self._above -= 1
            self._number += 1
        if not block:
            return
        self.tally.quotes = self.tally.quotes or b'"' in block
        records = None if self._open else self._sound_records(block)
        if records is None:
            self.tally.sound = False
            if self._write is not None:
                self._read_lines(self._lines(block))
        else:
            self.tally.records += records
            if self._write is not None:
                self._write(block.replace(b"\r\n", b"\n"))
                if not block.endswith(b"\n"):
                    self._write(b"\n")
        self._number += block.count(b"\n")

    def _ends_alike(self, block: bytes) -> bool:
        """Whether all lines end alike, here and before."""
        returns, lines = block.count(b"\r"), block.count(b"\n")
        if returns not in (0, lines) or returns != block.count(b"\r\n"):
            return False
        ends = b"\r\n" if returns else b"\n"
        if lines:
            self._ends = self._ends or ends
        return not lines or self._ends == ends

    def _sound_records(self, block: bytes) -> int | None:
        """Return how many records a block has, or ``None`` if any of them is in doubt."""
        if not self._ends_alike(block) or len(block.translate(None, _CONTROL)) != len(block):
            return None
        try:
            text = block.decode()
        except UnicodeDecodeError:
            return None
        lines = text.split("\n")
        if max(map(len, lines)) > MAX_RECORD_BYTES:
            return None
        blank = lines.count("") + lines.count("\r")
        if '"' not in text:
            mark, wanted = self._mark, self._width - 1
            sound = sum(line.count(mark) == wanted for line in lines)
        else:
            try:
                widths = [len(cells) for cells in self._parse(lines)]
            except csv.Error:
                return None
            # As many as there are lines: no cell has a line break in it.
            if len(widths) != len(lines):
                return None
            sound = widths.count(self._width)
        return sound if sound + blank == len(lines) else None

    def _parse(self, lines: Iterable[str]) -> _Reader:
        return csv.reader(lines, delimiter=self._mark, strict=True, skipinitialspace=True)

    def _lines(self, block: bytes) -> list[str]:
        """Return the lines of a block as text, with refused ones left empty."""
        block = block.translate(_SPACES).removesuffix(b"\n")
        try:
            return block.decode().split("\n")
        except UnicodeDecodeError:
            pass
        lines = []
        for place, line in enumerate(block.split(b"\n")):
            try:
                lines.append(line.decode())
            except UnicodeDecodeError:
                if self._selective and has_wrong_words(line):
                    self._refuse(self._number + place)
                    lines.append("")
                else:
                    self.tally.mended += 1
                    lines.append(mended(line))
        return lines

    def _read_lines(self, lines: list[str], *, last: bool = False) -> None:
        """Write the records that some lines hold, and keep the lines of one that is still open."""
        start = self._number - len(self._open)
        lines, self._open = [*self._open, *lines], []
        place = 0
        while place < len(lines):
            if not lines[place].strip(" \r"):
                place += 1
                continue
            height = self._read_record(lines, place, start + place, last=last)
            if not height:
                self._open = lines[place:]
                return
            place += height

    def _read_record(self, lines: list[str], place: int, number: int, *, last: bool) -> int:
        """Write the record that begins with a line and return how many lines it takes up.

        Returns:
            0 if it is open at the end of the lines and more are to come.
        """
        line = lines[place].removesuffix("\r")
        if len(line) > MAX_RECORD_BYTES:
            self._refuse(number)
            return 1
        if '"' not in line:
            self._take(line.split(self._mark), number, as_written=line)
            return 1

        def is_next(text: str) -> bool:
            # Where both lines look like rows, the second is not the rest of the first.
            return self._is_row(text) and (
                bool(_TRACK_ID.search(line)) or len(self._split(line)) == self._width
            )

        following = _Following(lines, place, is_next)
        try:
            reader = self._parse(following)
            cells = next(reader)
        except csv.Error:
            if following.ran_out and not last:
                return 0
            self._take(self._split(line), number)
            return 1
        height = reader.line_num
        if self._swallowed(cells, lines[place + 1 : place + height]):
            self._take(self._split(line), number)
            return 1
        written = (text.removesuffix("\r") for text in lines[place : place + height])
        self._take(cells, number, as_written="\n".join(written))
        return height

    def _swallowed(self, cells: list[str], rest: list[str]) -> bool:
        """Whether a record that takes up several lines has whole rows among the others.

        The last line may look like one, and be the rest of a title with a line break: then what
        was put together has an id where ids are.
        """
        if not rest:
            return False
        whole = len(cells) == self._width and self._has_id(cells)
        return any(map(self._is_row, rest[:-1] if whole else rest))

    def _has_id(self, cells: list[str]) -> bool:
        return any(_TRACK_ID.search(cells[at]) for at in self._ids)

    def _take(self, cells: list[str], number: int, *, as_written: str | None = None) -> None:
        """Write a record that has as many cells as there are columns, and refuse others."""
        if as_written is not None and len(cells) == self._width and "\r" not in as_written:
            self.tally.records += 1
            self._put(as_written)
            return
        if len(cells) > self._width and not any(cells[self._width :]):
            cells = cells[: self._width]
        if len(cells) == self._width:
            self.tally.records += 1
            self._put(self._mark.join(map(self._quoted, cells)))
            return
        parts = as_written.split("\r") if as_written and '"' not in as_written else []
        if len(parts) > 1 and all(part.count(self._mark) == self._width - 1 for part in parts):
            for part in parts:
                self._take(part.split(self._mark), number, as_written=part)
            return
        self._refuse(number)

    def _refuse(self, number: int) -> None:
        self.tally.records += 1
        self.tally.refused += 1
        self.tally.first_refused = self.tally.first_refused or number

    def _put(self, record: str) -> None:
        if self._write is not None:
            self._write(record.encode() + b"\n")

    def _quoted(self, cell: str) -> str:
        if any(letter in cell for letter in (self._mark, '"', "\n", "\r")) or cell[:1] == " ":
            return '"' + cell.replace('"', '""') + '"'
        return cell

    def _is_row(self, line: str) -> bool:
        """Whether a line is a whole row by itself: all cells, and an id where ids are."""
        if not _TRACK_ID.search(line):
            return False
        cells = self._split(line.removesuffix("\r"))
        return len(cells) == self._width and self._has_id(cells)

    def _split(self, line: str) -> list[str]:
        """Return the cells of a line with malformed quotation marks.

        The first reading that gives as many cells as there are columns is taken: inner quotes are
        escaped with a backslash; a quote is closed by the next one that ends a cell, and one
        without a partner is dropped, or kept as a letter if the delimiter is a tab; only quotes
        around a whole cell count.
        """
        cells = self._with_backslashes(line)
        if len(cells) == self._width:
            return cells
        cells = self._with_stray_marks(line)
        if len(cells) == self._width:
            return cells
        return [_unwrapped(cell) for cell in line.split(self._mark)]

    def _with_backslashes(self, line: str) -> list[str]:
        if '\\"' not in line:
            return []
        try:
            return next(self._parse([line.replace('\\"', '""')]), [])
        except csv.Error:
            return []

    def _with_stray_marks(self, line: str) -> list[str]:
        cells, place = [], 0
        closing = re.compile(f'" *(?={re.escape(self._mark)}|$)')
        while place <= len(line):
            found = closing.search(line, place + 1) if line[place : place + 1] == '"' else None
            if found:
                cells.append(line[place + 1 : found.start()].replace('""', '"'))
                place = found.end() + 1
            else:
                end = line.find(self._mark, place)
                end = len(line) if end < 0 else end
                opened = line[place:end].startswith('"') and self._mark != "\t"
                cells.append(line[place + opened : end])
                place = end + 1
        return cells


class _Following:
    """The lines of one record for a parser: as many as it asks for, up to the next whole row.

    Args:
        lines: what to take them from.
        place: where the record begins.
        is_next: whether a line is the next row.

    Attributes:
        ran_out: whether the parser asked for more than there are.
    """

    def __init__(self, lines: list[str], place: int, is_next: Callable[[str], bool]) -> None:
        self.ran_out = False
        self._lines, self._place, self._first = lines, place, place
        self._is_next = is_next
        self._long = 0

    def __iter__(self) -> _Following:
        return self

    def __next__(self) -> str:
        if self._place == len(self._lines):
            self.ran_out = True
            raise StopIteration
        line = self._lines[self._place]
        self._long += len(line)
        height = self._place - self._first
        if height and (
            self._long > MAX_RECORD_BYTES or height > _MAX_RECORD_LINES or self._is_next(line)
        ):
            raise StopIteration
        self._place += 1
        return line.removesuffix("\r") + "\n"


def _unwrapped(cell: str) -> str:
    return cell[1:-1] if len(cell) > 1 and cell[0] == cell[-1] == '"' else cell
