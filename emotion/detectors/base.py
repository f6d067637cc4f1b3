"""The protocol of face detectors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from emotion.types import Face

Stage = Literal["detect", "detect again", "rotate", "classify"]
"""What is being done, for a page that shows progress: detecting faces, detecting them with a
slower detector, the same in the rotated image, and classifying the faces found."""

OnStage = Callable[[Stage], None]


class FaceDetector(Protocol):
    """Finds faces in an RGB image. Safe to call from several threads at once."""

    def detect(self, image: NDArray[np.uint8], *, on_stage: OnStage | None = None) -> list[Face]:
        """Return the faces in RGB uint8 ``(H, W, 3)``.

        Their boxes lie within the image and do not overlap; the largest comes first.
        """
        ...

    def warm_up(self) -> None:
        """Load what the first image would otherwise wait for."""
        ...
