"""The Haar cascade: the quick look, and the only one on the live path."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from emotion.boxes import clip_box, suppress_overlaps
from emotion.detectors.base import OnStage
from emotion.types import Face

CASCADE = "haarcascade_frontalface_alt2.xml"
"""Of the cascades that OpenCV ships, the one that found exactly the one face in each of 13
photos (``default``: 9)."""

TRUE_FROM = 56
"""Below this side, in pixels of the picture as it is looked at, boxes are larger than the face,
by a share that grows with every pixel (``benchmarks/emotion_preprocessing.py``, part 5): the
cascade's window is 20 pixels wide and moves in whole pixels."""
TOO_LARGE = 0.0078
"""By how much more a box is too large for every pixel that it is smaller than `TRUE_FROM`."""
AT_MOST = 0.12
"""What is taken off a box at most, as a share of its side."""


class HaarDetector:
    """Finds upright frontal faces with OpenCV's cascade. Safe to call from several threads.

    Args:
        work_side: pictures are looked at no larger than this, in pixels.
        step: by how much the window grows from one pass to the next.
        smallest: the shortest side of a face that is looked for, in pixels of the picture as
            it is looked at.
        votes: how many windows must agree on a face. A face in a usable photo gets 9 and
            more, what only resembles one 2 or 3.
        too_large: what is taken off a small box, as a share of its side for every pixel that it
            is smaller than `TRUE_FROM`; 0 leaves boxes as the cascade draws them.

    For video ``HaarDetector(work_side=320, step=1.2, smallest=48)`` takes about 15 ms a frame.
    """

    def __init__(
        self,
        *,
        work_side: int = 640,
        step: float = 1.1,
        smallest: int = 24,
        votes: int = 6,
        too_large: float = TOO_LARGE,
    ) -> None:
        self.work_side = work_side
        self.step = step
        self.smallest = smallest
        self.votes = votes
        self.too_large = too_large
        # A cascade keeps its working memory in itself, so that each thread needs its own.
        self._local = threading.local()

    def warm_up(self) -> None:
        """Load the cascade for the calling thread."""
        self._cascade()

    def detect(self, image: NDArray[np.uint8], *, on_stage: OnStage | None = None) -> list[Face]:
        """Return the faces in RGB uint8 ``(H, W, 3)``, the largest first."""
        if on_stage:
            on_stage("find")
        return suppress_overlaps(
            face for face, votes in self.detect_with_votes(image) if votes >= self.votes
        )

    def detect_with_votes(self, image: NDArray[np.uint8]) -> list[tuple[Face, int]]:
        """Return everything that at least two windows took for a face, with their number.

        The most votes come first.
        """
        height, width = image.shape[:2]
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        shrink = min(1.0, self.work_side / max(height, width))
        if shrink < 1:
            size = max(1, round(width * shrink)), max(1, round(height * shrink))
            grey = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
        boxes, votes = self._cascade().detectMultiScale2(
            grey, scaleFactor=self.step, minNeighbors=1, minSize=(self.smallest, self.smallest)
        )
        found = []
        for corners, count in zip(boxes, votes, strict=True):
            x, y, w, h = (float(value) for value in corners)
            spare = min(self.too_large * max(0.0, TRUE_FROM - w), AT_MOST) / 2
            left, right = x + spare * w, x + (1 - spare) * w
            top, bottom = y + spare * h, y + (1 - spare) * h
            box = clip_box(
                *(edge / shrink for edge in (left, top, right, bottom)), width=width, height=height
            )
            found.append((Face(box), int(count)))
        return sorted(found, key=lambda pair: (-pair[1], pair[0].box))

    def _cascade(self) -> Any:
        if not hasattr(self._local, "cascade"):
            path = Path(cv2.data.haarcascades) / CASCADE  # type: ignore[attr-defined]
            cascade = cv2.CascadeClassifier(str(path))
            if cascade.empty():
                raise RuntimeError(f"OpenCV cannot read its face cascade: {path}")
            self._local.cascade = cascade
        return self._local.cascade
