"""Confidence intervals of rates."""

from __future__ import annotations

import math
from typing import Final

Z_95: Final = 1.96


def wilson(rate: float, count: int) -> tuple[float, float]:
    """Return the 95 % interval of a rate, 0-1, of ``count`` cases (Wilson 1927)."""
    if not count:
        return 0.0, 1.0
    square = Z_95**2 / count
    middle = (rate + square / 2) / (1 + square)
    half = Z_95 / (1 + square) * math.sqrt(rate * (1 - rate) / count + square / (4 * count))
    return max(0.0, middle - half), min(1.0, middle + half)


def with_interval(rate: float, count: int) -> str:
    """Return a rate of ``count`` cases with its 95 % interval, in percent: "61.1% (57–65)"."""
    low, high = wilson(rate, count)
    return f"{rate:.1%} ({100 * low:.0f}–{100 * high:.0f})"
