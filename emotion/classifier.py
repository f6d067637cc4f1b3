"""From face crops to probabilities, on LiteRT."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emotion.types import EmotionScores, Face


class EmotionClassifier:
    """Reads emotions off faces with the exported network."""

    def __init__(self, path: Path | None = None, *, threads: int = 1) -> None:
        raise NotImplementedError

    def predict(self, crops: NDArray[Any]) -> NDArray[np.float32]:
        """Return ``(N, 7)`` probabilities for ``(N, 48, 48)`` or ``(N, 48, 48, 1)`` grey 0-255."""
        raise NotImplementedError

    def classify(self, image: NDArray[np.uint8], faces: Sequence[Face]) -> list[EmotionScores]:
        """Return the scores of ``faces`` in RGB ``image``, all crops in one batch."""
        raise NotImplementedError
