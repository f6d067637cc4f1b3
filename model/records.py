"""Where the network's files lie, and what was measured of it: one schema for each JSON record.

Light on purpose: the app's model page reads the records, too, and loads neither Keras nor
TensorFlow.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from emotion.classifier import WEIGHTS as SHIPPED

WEIGHTS: Final = Path(__file__).parent / "weights"
"""The folder of the ``.keras`` file to go on from and of every record."""


def litert_file(folder: Path) -> Path:
    """Return the LiteRT file that belongs to a folder of weights and records.

    The library `emotion` carries the shipped one; any other lies in the folder itself.
    """
    return SHIPPED if folder.resolve() == WEIGHTS.resolve() else folder / SHIPPED.name


def records_folder(weights: Path) -> Path:
    """Return the folder of the records of a weights file: the inverse of `litert_file`."""
    return WEIGHTS if weights.resolve() == SHIPPED.resolve() else weights.parent


__all__ = ["SHIPPED", "WEIGHTS", "litert_file", "records_folder"]
