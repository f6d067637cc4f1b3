"""The seven emotions: the one place that names and orders them."""

from __future__ import annotations

from typing import Final

EMOTIONS: Final[tuple[str, ...]] = (
    "angry",
    "disgust",
    "fear",
    "happy",
    "sad",
    "surprise",
    "neutral",
)
"""FER-2013's classes in FER-2013's order. Probabilities everywhere follow it."""
