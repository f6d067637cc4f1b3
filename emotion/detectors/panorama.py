"""Detects faces in panoramas, part by part."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from emotion.boxes import shift_face, suppress_overlaps
from emotion.detectors.base import FaceDetector, OnStage
from emotion.types import Box, Face

MIN_ASPECT_RATIO: Final = 2.5
"""From this ratio of the longer to the shorter side on, faces are detected in parts of the image.
A detector downscales an image to 640 pixels: 8,000 × 400 to a strip 32 pixels high."""
WINDOW_ASPECT_RATIO: Final = 2.0
"""The same ratio for each part; greater if there would be too many parts."""
WINDOW_OVERLAP: Final = 0.5
"""How much two parts overlap, as a fraction of the shorter side, so that one of them shows all of a
face on the seam."""
MAX_WINDOWS: Final = 8


def detect_faces(
    detector: FaceDetector, image: NDArray[np.uint8], *, on_stage: OnStage | None = None
) -> list[Face]:
    """Return the faces in an image of any shape, the largest first.

    Args:
        detector: applied to the image, or to each part of a panorama.
        image: RGB uint8 ``(H, W, 3)``.
        on_stage: called with the name of each stage as it begins.
    """
    height, width = image.shape[:2]
    shorter, longer = sorted((height, width))
    if longer < MIN_ASPECT_RATIO * shorter:
        return detector.detect(image, on_stage=on_stage)
    found = []
    for start, end in windows(longer, shorter):
        part = image[:, start:end] if width > height else image[start:end]
        faces = detector.detect(np.ascontiguousarray(part), on_stage=on_stage)
        x, y = (start, 0) if width > height else (0, start)
        at_seam = [
            _touches(face.box, part.shape[1], part.shape[0], longer, x + y) for face in faces
        ]
        found += [(seam, shift_face(face, x, y)) for seam, face in zip(at_seam, faces, strict=True)]
    # If two parts show a face, the detection in the part that shows all of it is kept.
    found.sort(key=lambda pair: (pair[0], -pair[1].box.area))
    return suppress_overlaps(face for _, face in found)


def windows(longer: int, shorter: int) -> list[tuple[int, int]]:
    """Return where each part of a panorama begins and ends along its longer side, in pixels."""
    overlap = round(WINDOW_OVERLAP * shorter)
    size = max(
        round(WINDOW_ASPECT_RATIO * shorter),
        math.ceil((longer + (MAX_WINDOWS - 1) * overlap) / MAX_WINDOWS),
    )
    if size >= longer:
        return [(0, longer)]
    count = math.ceil((longer - overlap) / (size - overlap))
    starts = [round(index * (longer - size) / (count - 1)) for index in range(count)]
    return [(start, start + size) for start in starts]


def _touches(box: Box, width: int, height: int, longer: int, start: int) -> bool:
    """Return whether a face lies at the edge of its part where the image goes on."""
    along, extent, size = (
        (box.x, box.width, width) if width > height else (box.y, box.height, height)
    )
    return (start > 0 and along <= 1) or (start + size < longer and along + extent >= size - 1)
