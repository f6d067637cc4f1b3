"""A detector by its name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, Literal, get_args

from emotion.detectors.auto import AutoDetector
from emotion.detectors.base import FaceDetector
from emotion.detectors.blazeface import BlazefaceDetector
from emotion.detectors.haar import HaarDetector
from emotion.detectors.mtcnn import MtcnnDetector

DetectorName = Literal["auto", "blazeface", "haar", "mtcnn"]
DETECTORS: Final[tuple[str, ...]] = get_args(DetectorName)

_CLASSES: Final[Mapping[str, Callable[[], FaceDetector]]] = MappingProxyType(
    {
        "auto": AutoDetector,
        "blazeface": BlazefaceDetector,
        "haar": HaarDetector,
        "mtcnn": MtcnnDetector,
    }
)


def build_detector(name: DetectorName = "auto") -> FaceDetector:
    """Return the detector called ``name``, with its default settings.

    Args:
        name: ``blazeface`` finds near, distant and leaning faces and is the fastest; ``haar``
            needs nothing but OpenCV; ``mtcnn`` is the slow and thorough one; ``auto`` asks
            BlazeFace and, in doubt, the others.

    Raises:
        ValueError: the name is unknown.
    """
    if name not in _CLASSES:
        raise ValueError(
            f"Incorrect value for 'detector' argument: {name!r}: one of {', '.join(DETECTORS)}"
        )
    return _CLASSES[name]()
