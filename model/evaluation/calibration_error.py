"""How far a network's confidence is from its accuracy."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from model.records import ReliabilityBin

BINS: Final = 15
"""Bins of confidence of equal width, as in Guo et al. 2017."""


def expected_calibration_error(
    probabilities: NDArray[np.float32], labels: NDArray[np.int64], *, bins: int = BINS
) -> float:
    """Return the mean gap between confidence and accuracy (Guo et al. 2017), 0-1.

    Args:
        probabilities: ``(N, classes)``, rows that sum to 1.
        labels: ``(N,)``, the true classes.
        bins: how many confidence bins of equal width.
    """
    found = reliability(probabilities, labels, bins=bins)
    gaps = [abs(b["accuracy"] - b["confidence"]) * b["images"] / len(labels) for b in found]
    return float(sum(gaps))


def reliability(
    probabilities: NDArray[np.float32], labels: NDArray[np.int64], *, bins: int = BINS
) -> list[ReliabilityBin]:
    """Return, for each bin of confidence that is not empty, the mean confidence and the accuracy.

    Args:
        probabilities: ``(N, classes)``, rows that sum to 1.
        labels: ``(N,)``, the true classes.
        bins: how many confidence bins of equal width.

    Returns:
        ``{"confidence": mean, "accuracy": fraction that was right, "images": count}`` a bin.
    """
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    place = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    return [
        {
            "confidence": float(confidence[place == b].mean()),
            "accuracy": float(right[place == b].mean()),
            "images": int((place == b).sum()),
        }
        for b in range(bins)
        if (place == b).any()
    ]
