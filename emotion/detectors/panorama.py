"""Looking for faces in pictures that are much longer than high."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from emotion.boxes import suppress_overlaps
from emotion.detectors.base import FaceDetector, OnStage
from emotion.types import Box, Face, Landmarks

LONG_FROM = 2.5
"""Times as long as high, from which on a picture is looked at in parts. A detector shrinks what
it looks at to 640 pixels: 8,000 × 400 to a strip 32 pixels high."""
WINDOW = 2.0
"""Times as long as high is each part, or longer where there would be too many."""
OVERLAP = 0.5
"""By how much of the height two parts overlap, so that a face on the seam is whole in one."""
MAX_WINDOWS = 8


def detect_faces(
    detector: FaceDetector, image: NDArray[np.uint8], *, on_stage: OnStage | None = None
) -> list[Face]:
    """Return the faces in a picture of any shape, the largest first.

    Args:
        detector: looks at the picture, or at each part of a panorama.
        image: RGB uint8 ``(H, W, 3)``.
        on_stage: called with the name of each stage as it begins.
    """
    height, width = image.shape[:2]
    shorter, longer = sorted((height, width))
    if longer < LONG_FROM * shorter:
        return detector.detect(image, on_stage=on_stage)
    found = []
    for start, end in windows(longer, shorter):
        part = image[:, start:end] if width > height else image[start:end]
        faces = detector.detect(np.ascontiguousarray(part), on_stage=on_stage)
        x, y = (start, 0) if width > height else (0, start)
        at_seam = [
            _touches(face.box, part.shape[1], part.shape[0], longer, x + y) for face in faces
        ]
        found += [(seam, _moved(face, x, y)) for seam, face in zip(at_seam, faces, strict=True)]
    # Of a face that two parts show, the one that shows it whole is believed.
    found.sort(key=lambda pair: (pair[0], -pair[1].box.area))
    return suppress_overlaps(face for _, face in found)


def windows(longer: int, shorter: int) -> list[tuple[int, int]]:
    """Return where the parts of a panorama begin and end along its longer side, in pixels."""
    overlap = round(OVERLAP * shorter)
    size = max(
        round(WINDOW * shorter), math.ceil((longer + (MAX_WINDOWS - 1) * overlap) / MAX_WINDOWS)
    )
    if size >= longer:
        return [(0, longer)]
    count = math.ceil((longer - overlap) / (size - overlap))
    starts = [round(index * (longer - size) / (count - 1)) for index in range(count)]
    return [(start, start + size) for start in starts]


def _touches(box: Box, width: int, height: int, longer: int, start: int) -> bool:
    """Return whether a face lies at the edge of its part where the picture goes on."""
    along, extent, size = (
        (box.x, box.width, width) if width > height else (box.y, box.height, height)
    )
    return (start > 0 and along <= 1) or (start + size < longer and along + extent >= size - 1)


def _moved(face: Face, x: int, y: int) -> Face:
    """Return a face of a part of a picture in the coordinates of the whole."""
    box, points = face.box, face.landmarks
    if points is not None:
        points = Landmarks(
            *(
                (point[0] + x, point[1] + y)
                for point in (
                    points.left_eye,
                    points.right_eye,
                    points.nose,
                    points.mouth_left,
                    points.mouth_right,
                )
            )
        )
    return replace(face, box=Box(box.x + x, box.y + y, box.width, box.height), landmarks=points)
