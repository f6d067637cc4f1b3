"""The seven emotions: the one place that names and orders them."""

from __future__ import annotations

from typing import Final, Literal, get_args

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

HeadName = Literal["people", "fer2013"]
HEADS: Final[tuple[str, ...]] = get_args(HeadName)
"""What probabilities can be calibrated to: people in front of cameras, or FER-2013."""
