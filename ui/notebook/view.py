"""Executed notebooks, read from ``notebooks/*.ipynb`` (nbformat 4) and shown as a page.

Nothing is executed here, and no script in a notebook runs in the visitor's browser.
"""

from __future__ import annotations

import base64
import binascii
import json
import logging
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html.parser import HTMLParser
from itertools import zip_longest
from pathlib import Path
from typing import Any, Final, Literal

import pandas as pd
import streamlit as st

from ui import wording

FOLDER: Final = Path(__file__).parents[2] / "notebooks"
NAMELESS: Final = "·"
SCROLL_ABOVE_ROWS: Final = 25
"""A table with more rows scrolls."""

Kind = Literal["heading", "markdown", "code", "image", "table", "html", "text", "failure"]


@dataclass(frozen=True, slots=True)
class Block:
    """One thing to show.

    Attributes:
        kind: what it is.
        text: Markdown, code, HTML or plain text; for an image, its alternative text.
        level: for a heading, 1-6.
        anchor: for a heading, its id for links.
        picture: for an image, its bytes.
        rows: for a table, its cells, the header first.
    """

    kind: Kind
    text: str = ""
    level: int = 0
    anchor: str = ""
    picture: bytes = b""
    rows: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Notebook:
    """A notebook: its title, and the blocks that follow it."""

    title: str
    blocks: tuple[Block, ...]

    @property
    def headings(self) -> tuple[Block, ...]:
        return tuple(block for block in self.blocks if block.kind == "heading")


def notebooks(folder: Path | None = None) -> dict[str, Path]:
    """Return the notebooks of a folder (``notebooks/`` by default), by file name without suffix."""
    return {path.stem: path for path in sorted((folder or FOLDER).glob("*.ipynb"))}


def open_notebook(path: Path) -> Notebook | None:
    """Return a notebook; ``None`` if its file is damaged."""
    try:
        return _read(str(path), path.stat().st_mtime_ns)
    except (OSError, AttributeError, LookupError, TypeError, ValueError):
        logging.getLogger(__name__).exception("%s cannot be read", path)
        return None


@st.cache_data(show_spinner=False, max_entries=16)
def _read(path: str, changed: int) -> Notebook:
    """Read a file; ``changed``, its time of change, is part of the cache's key."""
    return parse(json.loads(Path(path).read_text(encoding="utf-8")), name=Path(path).stem)


def parse(data: Any, *, name: str) -> Notebook:
    """Make a `Notebook` from an ``.ipynb`` file's JSON.

    Args:
        data: nbformat 4.
        name: the title, if there is no heading of the first level.

    Raises:
        ValueError: it has another format.
    """
    if data.get("nbformat") != 4:
        raise ValueError(f"Incorrect value for 'nbformat': {data.get('nbformat')!r}: 4 is needed")
    blocks = list(_named_apart(_blocks(data["cells"])))
    first = next((block for block in blocks if block.kind == "heading" and block.level == 1), None)
    if first is not None:
        blocks.remove(first)
    title = first.text if first else name.replace("_", " ").replace("-", " ").strip().capitalize()
    return Notebook(title, tuple(blocks))


def _blocks(cells: Iterable[Mapping[str, Any]]) -> Iterator[Block]:
    for cell in cells:
        source = _joined(cell.get("source", ""))
        if cell["cell_type"] == "markdown":
            yield from split_markdown(source)
        elif cell["cell_type"] == "code" and source.strip():
            yield Block("code", source.rstrip())
            said = _alternative(cell.get("metadata", {}))
            for output in cell.get("outputs", ()):
                yield from _output(output, said)


def split_markdown(source: str) -> Iterator[Block]:
    """Split Markdown at its headings, so that each gets an anchor of our own."""
    lines: list[str] = []
    fence = ""
    for line in source.splitlines():
        mark = re.match(r" {0,3}(`{3,}|~{3,})", line)
        if mark and (not fence or mark[1].startswith(fence)):
            fence = "" if fence else mark[1]
        heading = None if fence else re.match(r" {0,3}(#{1,6})\s+(.+?)\s*#*\s*$", line)
        if heading:
            yield from _markdown("\n".join(lines))
            lines = []
            yield Block("heading", heading[2], level=len(heading[1]), anchor=slug(heading[2]))
        else:
            lines.append(line)
    yield from _markdown("\n".join(lines))


def _markdown(text: str) -> Iterator[Block]:
    if text.strip():
        yield Block("markdown", without_dead_ends(text.strip("\n")))


def without_dead_ends(text: str) -> str:
    """Return Markdown without links to repository files and without the notebook's own pictures.

    On the page they would be broken.
    """
    text = re.sub(r"!\[[^\]]*\]\((?!https?:)[^)]*\)", "", text)
    return re.sub(r"(?<!!)\[([^\]]+)\]\((?!https?:|mailto:|#)[^)]*\)", r"\1", text)


def slug(text: str) -> str:
    """Return a heading's anchor: "What it takes" → "what-it-takes"."""
    return re.sub(r"[^\w]+", "-", text.lower()).strip("-") or "section"


def _named_apart(blocks: Iterable[Block]) -> Iterator[Block]:
    """Number the anchors of headings with the same text."""
    seen: dict[str, int] = {}
    for block in blocks:
        if block.kind == "heading":
            count = seen[block.anchor] = seen.get(block.anchor, 0) + 1
            if count > 1:
                name = f"{block.anchor}-{count}"
                block = Block("heading", block.text, level=block.level, anchor=name)
        yield block


def _output(output: Mapping[str, Any], said: str) -> Iterator[Block]:
    kind = output.get("output_type")
    if kind == "stream":
        # What libraries write to stderr is of no use to a reader.
        text = terminal(_joined(output.get("text", "")))
        if output.get("name") != "stderr" and text:
            yield Block("text", text)
    elif kind == "error":
        yield Block("failure", f"{output.get('ename', 'Error')}: {output.get('evalue', '')}")
    elif kind in ("display_data", "execute_result"):
        block = _richest(output.get("data", {}), output.get("metadata", {}), said)
        if block is not None:
            yield block


def _richest(data: Mapping[str, Any], metadata: Mapping[str, Any], said: str) -> Block | None:
    """Return the richest of the formats in which a notebook stores an output."""
    plain = terminal(_joined(data.get("text/plain", "")))
    for kind in ("image/png", "image/jpeg"):
        if kind in data:
            # A figure's plain text is a description, or a line such as <Figure size 640x480>.
            alternative = (
                _alternative(metadata.get(kind, {}))
                or _alternative(metadata)
                or said
                or (plain if not _is_repr(plain) else "")
            )
            try:
                picture = base64.b64decode(_joined(data[kind]))
            except binascii.Error as error:
                raise ValueError(f"Incorrect value for '{kind}': no base64") from error
            return Block("image", alternative or "A figure", picture=picture)
    if "text/markdown" in data:
        return Block("markdown", without_dead_ends(_joined(data["text/markdown"])))
    if "text/html" in data:
        html = _joined(data["text/html"])
        rows = table_rows(html)
        return Block("table", rows=rows) if rows else Block("html", html)
    return Block("text", plain) if plain and not _is_repr(plain) else None


def _is_repr(text: str) -> bool:
    return text.startswith("<") and text.endswith(">")


def _alternative(metadata: Mapping[str, Any]) -> str:
    return _joined(metadata.get("alt", "")).strip() if isinstance(metadata, Mapping) else ""


def _joined(text: Any) -> str:
    """Return as one string a text that nbformat may store as a list of lines."""
    return "".join(text) if isinstance(text, list) else str(text)


def terminal(text: str) -> str:
    """Return what a terminal would show in the end: without colours, and only the last state of
    lines that were overwritten."""
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text).replace("\r\n", "\n")
    return "\n".join(line.rstrip("\r").rsplit("\r", 1)[-1] for line in text.split("\n")).strip("\n")


class _Table(HTMLParser):
    """Collects the cells of the first table in HTML, as pandas writes it."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self._cell: list[str] | None = None
        self._tables = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "table":
            self._tables += 1
        elif self._tables == 1 and tag == "tr":
            self.rows.append([])
        elif self._tables == 1 and tag in ("td", "th"):
            self._cell = []
            if self.rows:
                # pandas lets a column group's name span its columns.
                span = dict(attrs).get("colspan") or "1"
                self.rows[-1].extend([""] * (int(span) - 1 if span.isdecimal() else 0))

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th") and self._cell is not None:
            if self.rows:
                self.rows[-1].append(" ".join("".join(self._cell).split()))
            self._cell = None

    def handle_data(self, data: str) -> None:
        if self._cell is not None:
            self._cell.append(data)


def table_rows(html: str) -> tuple[tuple[str, ...], ...]:
    """Return the rows of the first table in some HTML, all equally long; none without a table."""
    reader = _Table()
    reader.feed(html)
    reader.close()
    rows = [row for row in reader.rows if row]
    if len(rows) < 2:
        return ()
    square = list(zip(*zip_longest(*rows, fillvalue=""), strict=True))
    # pandas writes the name of an index in a row of its own, below the names of the columns.
    if not square[0][0] and square[1][0] and not any(square[1][1:]) and len(square) > 2:
        square[:2] = [(square[1][0], *square[0][1:])]
    # A numbered index carries no information.
    numbers = [str(number) for number in range(len(square) - 1)]
    if not square[0][0] and [row[0] for row in square[1:]] == numbers:
        square = [row[1:] for row in square]
    return tuple(square)


# Drawing


def contents(notebook: Notebook) -> None:
    """Draw the table of contents: the headings down to level 3, as links."""
    shown = [heading for heading in notebook.headings if heading.level <= 3]
    if len(shown) < 2:
        return
    with st.expander("In this notebook", type="compact", expanded=True):
        st.markdown(
            "\n".join(
                f"{'  ' * max(0, heading.level - 2)}- [{heading.text}](#{heading.anchor})"
                for heading in shown
            )
        )


def draw(blocks: Sequence[Block], *, code: bool) -> None:
    """Draw the blocks of a notebook one below the other, with or without its code."""
    for block in blocks:
        match block.kind:
            case "heading":
                _heading(block)
            case "markdown":
                st.markdown(block.text)
            case "code":
                if code:
                    # No highlighting: its colours are too faint in the light theme.
                    st.code(block.text, language=None, wrap_lines=True)
            case "image":
                st.image(block.picture, alt=block.text)
            case "table":
                _table(block)
            case "html":
                st.html(block.text)
            case "text":
                st.code(block.text, language=None, wrap_lines=True)
            case "failure":
                st.warning(f"This step ended early: `{block.text}`", icon=":material/error:")


def _heading(block: Block) -> None:
    # The first level is the page's own title.
    if block.level <= 2:
        st.header(block.text, anchor=block.anchor)
    elif block.level == 3:
        st.subheader(block.text, anchor=block.anchor)
    else:
        st.markdown(f"**{block.text}**")


def _table(block: Block) -> None:
    header, *rows = block.rows
    # Column names have to differ, and screen readers need one for every column.
    names = [name or NAMELESS for name in header]
    names = [f"{n} {place}" if names.count(n) > 1 else n for place, n in enumerate(names, 1)]
    frame = pd.DataFrame(rows, columns=names)
    if len(rows) > SCROLL_ABOVE_ROWS:
        st.dataframe(frame, hide_index=True)
    else:
        st.table(
            frame.map(wording.escape_markdown),
            hide_index=True,
            border="horizontal",
            width="content",
        )
