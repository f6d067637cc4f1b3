"""Picture in, faces with their emotions out: the library's public call."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from emotion.classifier import EmotionClassifier
from emotion.detector import DetectorName, FaceDetector, OnStage
from emotion.types import FaceReading, PictureReading


class EmotionRecognizer:
    """Detector and classifier as one call."""

    def __init__(
        self,
        detector: DetectorName | FaceDetector = "auto",
        classifier: EmotionClassifier | None = None,
        *,
        max_faces: int = 32,
    ) -> None:
        raise NotImplementedError

    def read(self, image: NDArray[np.uint8]) -> list[FaceReading]:
        """Return the faces of an RGB uint8 ``(H, W, 3)`` picture with their emotions."""
        raise NotImplementedError

    def analyze(
        self, image: NDArray[np.uint8], *, on_stage: OnStage | None = None
    ) -> PictureReading:
        """Return the same with notes on what was left out and why."""
        raise NotImplementedError

    def warm_up(self) -> None:
        """Load everything that the first photo would otherwise wait for."""
        raise NotImplementedError
