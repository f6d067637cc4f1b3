"""Prints what a benchmark has measured beside its targets, and saves it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any


class Figures:
    """Named figures of one run.

    Args:
        at_least: name → the smallest value that is good enough.
        at_most: name → the largest.
        digits: decimals that are printed.
    """

    def __init__(
        self,
        at_least: Mapping[str, float] | None = None,
        at_most: Mapping[str, float] | None = None,
        *,
        digits: int = 2,
    ) -> None:
        self._at_least, self._at_most = at_least or {}, at_most or {}
        self._digits = digits
        self.all: dict[str, Any] = {}

    def add(self, figures: Mapping[str, Any]) -> None:
        """Add figures, and print them at once."""
        self.all |= figures
        for name, value in figures.items():
            text = f"{value:.{self._digits}f}" if isinstance(value, float) else value
            print(f"{name:66} {text}  {self.verdict(name, value)}".rstrip(), flush=True)

    def verdict(self, name: str, value: Any) -> str:
        """Return whether a figure meets its target, in words; empty if it has none."""
        if name in self._at_least:
            least = self._at_least[name]
            return f"{'ok' if value >= least else 'MISSED'} (at least {least})"
        if name in self._at_most:
            most = self._at_most[name]
            return f"{'ok' if value <= most else 'MISSED'} (at most {most})"
        return ""

    def write(self, file: Path | None) -> None:
        """Write all figures as JSON, if a file is named."""
        if file:
            file.write_text(json.dumps(self.all, indent=2) + "\n", encoding="utf-8")
