"""Reads lists that were written out as text: by Python, JSON, NumPy, PostgreSQL or by hand."""

from __future__ import annotations

import re
from typing import Final

MISSING: Final = ("", "na", "n/a", "nan", "null", "none", r"\n", "-", "--", "<na>", "#n/a")
"""What stands for a missing value, in lower case."""

_NAME_KEYS: Final = (
    "name",
    "artist",
    "artistname",
    "artist_name",
    "genre",
    "title",
    "tag",
    "label",
)
_MAX_PARSED_CHARACTERS: Final = 100_000
_MAX_NESTING: Final = 20

_WRAPPED: Final = re.compile(
    r"^(?:(?:np\.)?array|list|tuple|set|frozenset)\((.*?)(?:,\s*dtype=.*)?\)$", re.S
)
_TOKEN: Final = re.compile(
    r"""\s*(?:
        [ubrUBR]{0,2}(?P<quote>["'])(?P<text>(?:\\.|(?!\\).)*?)(?P=quote)
            (?=\s*(?:[,:;\]})]|$)|\s+["'])      # a name may have an apostrophe in it
      | (?P<mark>[\[\](){},:;])
      | (?P<bare>[^\[\](){},:;\s](?:[^\[\](){},:;]|:(?=\S))*)
    )""",
    re.X | re.S,
)
_ESCAPE: Final = re.compile(
    r"\\(?:u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})"
    r"|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|x([0-9a-fA-F]{2})|(.))",
    re.S,
)
_LETTERS: Final = {"n": "\n", "t": "\t", "r": "\r", "b": " ", "f": " "}

Value = str | list["Value"] | dict[str, "Value"] | None


def names_in(text: str, bare: bool) -> list[str]:
    """Return the names in a cell that holds a list, or one name.

    ``['A', 'B']``, ``('A', 'B')``, ``{A,B}``, ``["A"]``, ``[A, B]``, ``[{'name': 'A', 'id': 1}]``,
    ``array(['A' 'B'])`` and ``A;B`` are read; escapes (``\\u00e9``) are undone.

    Args:
        text: the cell.
        bare: whether ``[A]`` is a list of one, and not a band of that name.
    """
    text = text.strip()
    if len(text) <= _MAX_PARSED_CHARACTERS and (value := _parsed(text, bare)) is not None:
        found = _flat(value)
    else:
        found = [unescaped(part) for part in text.split(";")]
    return [name for name in (name.strip() for name in found) if name.lower() not in MISSING]


def unescaped(text: str) -> str:
    """Return a text with JSON's and Python's escapes undone."""
    if "\\" not in text:
        return text

    def letter(found: re.Match[str]) -> str:
        high, low, four, eight, two, other = found.groups()
        if high:
            return chr(0x10000 + ((int(high, 16) & 0x3FF) << 10) + (int(low, 16) & 0x3FF))
        if other is not None:
            return _LETTERS.get(other, other)
        code = int(four or eight or two, 16)
        return chr(code) if code < 0x110000 and not 0xD800 <= code < 0xE000 else "\ufffd"

    return _ESCAPE.sub(letter, text)


def _parsed(text: str, bare: bool) -> Value:
    """Return the list that a text stands for, or ``None`` if it is not a list."""
    if wrapped := _WRAPPED.match(text):
        text = wrapped[1].strip()
    if text[:1] not in ("[", "(", "{") or text[-1:] not in ("]", ")", "}"):
        return None
    try:
        parser = _Parser(text)
        value = parser.value(0)
    except ValueError:
        # Brackets within names: split what is between the outer ones at commas.
        within: list[Value] = [*text[1:-1].split(",")]
        return within if len(within) > 1 and text[0] != "(" else None
    if not parser.ended():
        return None
    if parser.quoted or not isinstance(value, list):
        return value
    words = [word for word in value if word is not None]
    # "(x)" and "[x]" may be what a band is called; "{x}" is how PostgreSQL writes a list of one.
    if words and (text[0] == "(" or (text[0] == "[" and len(value) == 1 and not bare)):
        return None
    return value


class _Parser:
    """Reads one value; raises ``ValueError`` if the text is not one."""

    def __init__(self, text: str) -> None:
        self._text, self._place = text, 0
        self.quoted = False

    def ended(self) -> bool:
        return not self._text[self._place :].strip()

    def value(self, depth: int) -> Value:
        kind, text = self._next()
        if depth > _MAX_NESTING:
            raise ValueError("too deep")
        if kind == "text":
            return text
        if kind == "bare":
            return None if text.strip().lower() in MISSING else text
        if text in "[(":
            return self._list("]" if text == "[" else ")", depth)
        if text == "{":
            return self._braces(depth)
        raise ValueError("no value")

    def _list(self, end: str, depth: int) -> Value:
        values: list[Value] = []
        while True:
            if self._peek() == end:
                self._next()
                return values
            values.append(self.value(depth + 1))
            if self._peek() in (",", ";"):
                self._next()

    def _braces(self, depth: int) -> Value:
        values: list[Value] = []
        pairs: dict[str, Value] = {}
        while True:
            if self._peek() == "}":
                self._next()
                return pairs or values
            one = self.value(depth + 1)
            if self._peek() == ":":
                self._next()
                pairs[str(one)] = self.value(depth + 1)
            else:
                values.append(one)
            if self._peek() in (",", ";"):
                self._next()

    def _peek(self) -> str:
        found = _TOKEN.match(self._text, self._place)
        return (found["mark"] or "") if found else ""

    def _next(self) -> tuple[str, str]:
        found = _TOKEN.match(self._text, self._place)
        if not found:
            raise ValueError("no token")
        self._place = found.end()
        if found["mark"]:
            return "mark", found["mark"]
        if found["quote"]:
            self.quoted = True
            return "text", unescaped(found["text"])
        return "bare", unescaped(found["bare"].strip())


def _flat(value: Value) -> list[str]:
    if value is None:
        return []
    if isinstance(value, str):
        return [value]
    if isinstance(value, list):
        return [name for one in value for name in _flat(one)]
    keys = {key.lower(): key for key in value}
    for known in _NAME_KEYS:
        if known in keys:
            return _flat(value[keys[known]])
    # {'rock': 12, 'pop': 3}: tags and how often each was given.
    if all(_is_number(one) for one in value.values()):
        return list(value)
    return []


def _is_number(value: Value) -> bool:
    return (
        isinstance(value, str) and re.fullmatch(r"[-+]?[\d.]+(?:[eE][-+]?\d+)?", value) is not None
    )
