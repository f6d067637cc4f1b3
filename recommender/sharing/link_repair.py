"""What a text in a link may have been before chats, mail programs and editors got hold of it.

They take a full stop, a bracket or a quote along, leave off a final ``_``, break lines, escape for
HTML, and percent-encode what is percent-encoded already. A checksum in the text tells which reading
is the right one, so a few can be tried.
"""

from __future__ import annotations

import html
import itertools
import re
import unicodedata
from collections.abc import Iterator
from typing import Final
from urllib.parse import unquote

PARAMETER: Final = "set"
"""What a set is called in the address of the playlist page."""

_ROUNDS: Final = 5
"""How often a text is decoded at most: each program on its way may have encoded it once more."""

_DASHES: Final = re.compile("[\u2010-\u2015\u2212]")
_PARAMETER: Final = re.compile(rf"(?:^|[^a-z]){PARAMETER}=", re.IGNORECASE)
_LETTERS: Final = re.compile("[A-Za-z0-9_-]+")
_ENDS: Final = (
    "",
    *("".join(end) for count in (1, 2) for end in itertools.product("_-", repeat=count)),
)


def in_address(query: str) -> str | None:
    """Return the text of a set in the query of an address, or ``None`` if there is none.

    Args:
        query: such as ``set=AbC`` or ``utm=x&amp;set=AbC``, encoded once or several times.
    """
    found = _PARAMETER.search(plain := _decoded(query))
    return plain[found.end() :] if found else None


def readings(text: str) -> Iterator[str]:
    """Yield texts of ``A-Z a-z 0-9 - _`` that `text` may have been, each once, likeliest first.

    Args:
        text: the text, or a whole link or sentence around it.
    """
    text = _decoded(text)
    # What quoted-printable mail makes of "=" and of long lines.
    text = re.sub(r"=[ \t]*\r?\n", "", text)
    inside = in_address(text)
    text = text if inside is None else inside
    seen: set[str] = set()
    for dash in ("-", "--"):
        dashed = _DASHES.sub(dash, text)
        # A line break within it, or words behind it.
        for whole in ("".join(dashed.split()), dashed):
            found = _LETTERS.search(whole)
            if found is None:
                continue
            run = found.group().lstrip("_-")
            starts = (run, run.removeprefix("3D"))
            bare = (start.rstrip("_-") for start in starts)
            for start in (*starts, *bare):
                for end in _ENDS:
                    if (reading := start + end) not in seen:
                        seen.add(reading)
                        yield reading


def _decoded(text: str) -> str:
    """Undo percent-encoding, HTML's escapes and compatibility forms, drop invisible letters."""
    for _ in range(_ROUNDS):
        again = html.unescape(unquote(text))
        if again == text:
            break
        text = again
    text = unicodedata.normalize("NFKC", text)
    return "".join(one for one in text if one.isspace() or unicodedata.category(one)[0] != "C")
