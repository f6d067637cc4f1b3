"""What can go wrong with a catalogue."""

from __future__ import annotations

from pathlib import Path


class CatalogError(Exception):
    """A catalogue or a table cannot be read; the message is a sentence for the person using it.

    Args:
        message: the sentence.
        source: which open catalogue turned out to be damaged; None where none was open.
    """

    def __init__(self, message: str, *, source: Path | str | None = None) -> None:
        super().__init__(message)
        self.source = source
