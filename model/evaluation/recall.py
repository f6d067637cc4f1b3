"""Recall on photographs of people: the few figures that crops and whole photographs share."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from emotion.labels import EMOTIONS

MEASURED: Final = ("angry", "happy", "sad", "surprise", "neutral")
"""The emotions that the photographs show often enough to measure."""
NEGATIVE: Final = ("angry", "disgust", "fear", "sad")
NOT_READ: Final = -1
"""Stands for the emotion of a photograph in which no face was read."""


def recall_by_emotion(predicted: NDArray[np.int64], labels: NDArray[np.int64]) -> dict[str, float]:
    """Return the recall of each emotion among the labels, 0-1.

    Args:
        predicted: ``(N,)``, positions in `EMOTIONS` or `NOT_READ`.
        labels: ``(N,)``, positions in `EMOTIONS`.
    """
    return {
        emotion: float((predicted[labels == place] == place).mean())
        for place, emotion in enumerate(EMOTIONS)
        if (labels == place).any()
    }


def mean_recall(recall: dict[str, float]) -> float | None:
    """Return the mean over the emotions that are `MEASURED`; None where none of them is there."""
    measured = [recall[name] for name in MEASURED if name in recall]
    return float(np.mean(measured)) if measured else None


def neutral_read_negative(predicted: NDArray[np.int64], labels: NDArray[np.int64]) -> float | None:
    """Return the fraction of neutral faces that are read as a `NEGATIVE` emotion, 0-1.

    None where no label is neutral.
    """
    neutral = predicted[labels == EMOTIONS.index("neutral")]
    negative = np.isin(neutral, [EMOTIONS.index(name) for name in NEGATIVE])
    return float(negative.mean()) if len(negative) else None
