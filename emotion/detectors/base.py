"""Finding faces: what every detector promises, and how one is chosen by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal, Protocol, get_args

import numpy as np
from numpy.typing import NDArray

from emotion.types import Face

DetectorName = Literal["auto", "blazeface", "haar", "mtcnn"]
DETECTORS: Final[tuple[str, ...]] = get_args(DetectorName)

Stage = Literal["find", "look again", "turn", "read"]
"""What is being done just now, for a page that shows progress: the first look for faces, the
careful second one, the looks at the picture turned, and reading the faces found."""

OnStage = Callable[[Stage], None]


class FaceDetector(Protocol):
    """Finds faces in an upright RGB picture. Safe to call from several threads at once."""

    def detect(self, image: NDArray[np.uint8], *, on_stage: OnStage | None = None) -> list[Face]:
        """Return the faces in RGB uint8 ``(H, W, 3)``.

        Their boxes lie within the picture and do not overlap; the largest comes first.
        """
        ...

    def warm_up(self) -> None:
        """Load what the first picture would otherwise wait for."""
        ...


def build_detector(name: DetectorName = "auto") -> FaceDetector:
    """Return the detector called ``name``.

    Args:
        name: ``blazeface`` finds near, far and leaning heads quickest; ``haar`` needs nothing
            but OpenCV; ``mtcnn`` is the careful one; ``auto`` asks the first and, in doubt, the
            others.

    Raises:
        ValueError: no detector is called that.
    """
    # Imported here because each of them imports this module for its types.
    if name == "blazeface":
        from emotion.detectors.blazeface import BlazefaceDetector

        return BlazefaceDetector()
    if name == "haar":
        from emotion.detectors.haar import HaarDetector

        return HaarDetector()
    if name == "mtcnn":
        from emotion.detectors.mtcnn import MtcnnDetector

        return MtcnnDetector()
    if name == "auto":
        from emotion.detectors.auto import AutoDetector

        return AutoDetector()
    raise ValueError(
        f"Incorrect value for 'detector' argument: {name!r}: one of {', '.join(DETECTORS)}"
    )
