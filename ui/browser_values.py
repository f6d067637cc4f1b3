"""Checks on what a visitor's own browser says that it has read: anyone can send anything."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any, Final

from emotion.labels import EMOTIONS
from emotion.types import Box

MAX_SIDE_PX: Final = 16_384
"""No picture that a browser reads has more pixels a side."""


def number(value: Any) -> float:
    """Return a finite number of at least 0.

    Raises:
        ValueError: it is none.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("a number is needed")
    # JSON knows integers of any length, which no float can hold.
    if not 0 <= value <= sys.float_info.max:
        raise ValueError("a finite number of at least 0 is needed")
    return float(value)


def probabilities(values: Sequence[Any]) -> tuple[float, ...]:
    """Return seven probabilities that sum to 1, in the order of ``EMOTIONS``.

    Raises:
        ValueError: they are none. A TypeError where it is no sequence.
    """
    numbers = tuple(number(value) for value in values)
    if len(numbers) != len(EMOTIONS) or abs(sum(numbers) - 1) > 0.01:
        raise ValueError(f"{len(EMOTIONS)} probabilities that sum to 1 are needed")
    return tuple(value / sum(numbers) for value in numbers)


def box(values: Mapping[str, Any]) -> Box:
    """Return ``x``, ``y``, ``width`` and ``height`` as a box.

    Raises:
        ValueError: it is none. A KeyError or TypeError where something is missing.
    """
    sides = [int(number(values[name])) for name in ("x", "y", "width", "height")]
    if max(sides) > MAX_SIDE_PX:
        raise ValueError("a box within a picture is needed")
    return Box(*sides)
