"""What can go wrong with a diary."""

from __future__ import annotations


class DiaryError(Exception):
    """A diary cannot be read or written; the message is a sentence for the person using it."""
