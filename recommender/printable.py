"""Makes text from files safe to print: control characters could steer a terminal."""

from __future__ import annotations

import re
from typing import Final

_CONTROL: Final = re.compile(
    # C0, DEL and C1; line and paragraph separators; marks that change the direction of text.
    "[\x00-\x1f\x7f-\x9f\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]"
)
_WHITE: Final = frozenset("\t\n\v\f\r\x1c\x1d\x1e\x1f\x85\u2028\u2029")


def printable(text: str) -> str:
    """Return a text as one line without control characters.

    White space becomes a space, every other control character nothing: what is left of an
    escape sequence are letters that do nothing. Half surrogates, which no stream can write,
    become a question mark in a diamond.
    """
    cleaned = _CONTROL.sub(lambda found: " " if found[0] in _WHITE else "", text)
    return cleaned.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def printable_json(text: str) -> str:
    """Return JSON with the control characters escaped that ``json.dumps`` leaves as they are."""
    return _BEYOND_ASCII.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


_BEYOND_ASCII: Final = re.compile(
    "[\x7f-\x9f\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)
