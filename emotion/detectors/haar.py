"""OpenCV's Haar cascade: upright frontal faces, with nothing but OpenCV."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from emotion.boxes import clip_box, suppress_overlaps
from emotion.detectors.base import OnStage
from emotion.image.resize import downscale
from emotion.types import Face

CASCADE_FILE: Final = "haarcascade_frontalface_alt2.xml"
"""Of the cascades that OpenCV ships, the one that found exactly the one face in each of 13
photos (``default``: in 9)."""

EXACT_FROM_PX: Final = 56
"""Boxes smaller than this, in pixels of the downscaled image, are larger than the face
(``benchmarks/emotion_preprocessing.py``, part 5): the cascade's window is 20 pixels wide and moves
in whole pixels."""
SHRINK_PER_PX: Final = 0.0078
"""Fraction of its side by which a box is too large, for every pixel below `EXACT_FROM_PX`."""
MAX_SHRINK: Final = 0.12
"""At most this fraction of a box's side is taken off."""


class HaarDetector:
    """Finds upright frontal faces with OpenCV's cascade. Safe to call from several threads.

    Args:
        max_side: images are downscaled to at most this many pixels a side.
        scale_factor: by how much the window grows from one pass to the next.
        min_face: the side of the smallest face to detect, in pixels of the downscaled
            image.
        min_neighbors: how many windows must agree on a face. A face in a usable photo has 9 and
            more neighbours, a false positive 2 or 3.
        shrink_per_pixel: what is taken off a small box, as a fraction of its side for every pixel
            below `EXACT_FROM_PX`; 0 leaves boxes as the cascade draws them.

    For video ``HaarDetector(max_side=320, scale_factor=1.2, min_face=48)`` takes about 15 ms a
    frame.
    """

    def __init__(
        self,
        *,
        max_side: int = 640,
        scale_factor: float = 1.1,
        min_face: int = 24,
        min_neighbors: int = 6,
        shrink_per_pixel: float = SHRINK_PER_PX,
    ) -> None:
        self.max_side = max_side
        self.scale_factor = scale_factor
        self.min_face = min_face
        self.min_neighbors = min_neighbors
        self.shrink_per_pixel = shrink_per_pixel
        # A cascade holds its working memory, so each thread needs its own.
        self._local = threading.local()

    def warm_up(self) -> None:
        """Load the cascade for the calling thread."""
        self._cascade()

    def detect(self, image: NDArray[np.uint8], *, on_stage: OnStage | None = None) -> list[Face]:
        """Return the faces in RGB uint8 ``(H, W, 3)``, the largest first."""
        if on_stage:
            on_stage("detect")
        detections = self.detect_with_neighbors(image)
        return suppress_overlaps(face for face, count in detections if count >= self.min_neighbors)

    def detect_with_neighbors(self, image: NDArray[np.uint8]) -> list[tuple[Face, int]]:
        """Return all detections of at least two windows, with their number of neighbours.

        The detection with the most neighbours comes first.
        """
        height, width = image.shape[:2]
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.uint8, copy=False)
        grey, scale = downscale(grey, self.max_side)
        boxes, counts = self._cascade().detectMultiScale2(
            grey,
            scaleFactor=self.scale_factor,
            minNeighbors=1,
            minSize=(self.min_face, self.min_face),
        )
        found = []
        for corners, count in zip(boxes, counts, strict=True):
            x, y, w, h = (float(value) for value in corners)
            margin = min(self.shrink_per_pixel * max(0.0, EXACT_FROM_PX - w), MAX_SHRINK) / 2
            left, right = x + margin * w, x + (1 - margin) * w
            top, bottom = y + margin * h, y + (1 - margin) * h
            box = clip_box(
                *(edge / scale for edge in (left, top, right, bottom)), width=width, height=height
            )
            found.append((Face(box), int(count)))
        return sorted(found, key=lambda pair: (-pair[1], pair[0].box))

    def _cascade(self) -> Any:
        if not hasattr(self._local, "cascade"):
            path = Path(cv2.data.haarcascades) / CASCADE_FILE  # type: ignore[attr-defined]
            cascade = cv2.CascadeClassifier(str(path))
            if cascade.empty():
                raise RuntimeError(f"OpenCV cannot read its face cascade: {path}")
            self._local.cascade = cascade
        return self._local.cascade
