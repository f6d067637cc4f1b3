"""What can go wrong with a catalogue."""

from __future__ import annotations


class CatalogError(Exception):
    """A catalogue or a table cannot be read; the message is a sentence for the person using it."""
