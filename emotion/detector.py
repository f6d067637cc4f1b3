"""Finding faces: what every detector promises, and how one is chosen by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal, Protocol, get_args

import numpy as np
from numpy.typing import NDArray

from emotion.types import Face

DetectorName = Literal["auto", "haar", "mtcnn"]
DETECTORS: Final[tuple[str, ...]] = get_args(DetectorName)

Stage = Literal["find", "look again", "turn", "read"]
"""What is being done just now, for a page that shows progress."""

OnStage = Callable[[Stage], None]


class FaceDetector(Protocol):
    """Finds faces in an upright RGB picture."""

    def detect(self, image: NDArray[np.uint8], *, on_stage: OnStage | None = None) -> list[Face]:
        """Return the faces in RGB uint8 ``(H, W, 3)``, the largest first."""
        ...


def build_detector(name: DetectorName = "auto") -> FaceDetector:
    """Return the detector called ``name``."""
    raise NotImplementedError


def warm_up(name: DetectorName = "auto") -> None:
    """Load what the detector will need, so that the first photo does not wait for it."""
    raise NotImplementedError
