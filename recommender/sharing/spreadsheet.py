"""Texts in cells that a spreadsheet must not run."""

from __future__ import annotations

import unicodedata
from typing import Final

_RISKY: Final = frozenset("=+-@\N{MINUS SIGN}")
"""What a formula begins with. Full-width, small and raised forms are read as these."""

_UNSEEN: Final = frozenset(
    "\N{COMBINING GRAPHEME JOINER}\N{HANGUL CHOSEONG FILLER}\N{HANGUL JUNGSEONG FILLER}"
    "\N{HANGUL FILLER}\N{HALFWIDTH HANGUL FILLER}\N{BRAILLE PATTERN BLANK}"
    "\N{KHMER VOWEL INHERENT AQ}\N{KHMER VOWEL INHERENT AA}"
)
"""Letters and marks, by category, that are invisible all the same."""

_LINES: Final = ("\t", "\r", "\n")
"""A spreadsheet may skip one of these at the beginning of a cell."""


def harmless(text: str) -> str:
    """Disarm what a spreadsheet would take for a formula, by an apostrophe before it.

    That is how OWASP's "CSV injection" says to do it. Programs strip what they do not show, so
    what counts is the first character that is seen.
    """
    first = next((one for one in text if not _unseen(one)), "")
    risky = unicodedata.normalize("NFKC", first)[:1] in _RISKY if first else False
    return f"'{text}" if risky or text.startswith(_LINES) else text


def _unseen(one: str) -> bool:
    """Whether a character shows nothing: spaces, controls, joiners, marks of direction …"""
    return unicodedata.category(one)[0] in "CZM" or one in _UNSEEN
