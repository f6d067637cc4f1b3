"""The detector for photos: quick where the face is plain, careful where it is not."""

from __future__ import annotations

import logging

import cv2
import numpy as np
from numpy.typing import NDArray

from emotion.boxes import SAME_FACE, overlap, tidy, unturn
from emotion.detector import OnStage
from emotion.haar_detector import HaarDetector
from emotion.mtcnn_detector import MtcnnDetector
from emotion.mtcnn_networks import MtcnnUnavailable
from emotion.types import Face

logger = logging.getLogger(__name__)

SURE_VOTES = 10
"""Haar is believed unasked when every box has this many votes. Drawn faces got up to 8."""
SURE_SCORE = 0.98
"""MTCNN gives upright faces 0.99 and more, and upside-down ones, which it finds too but
describes as if they stood upright, 0.97 at most."""
TURNS = {90: cv2.ROTATE_90_CLOCKWISE, 270: cv2.ROTATE_90_COUNTERCLOCKWISE, 180: cv2.ROTATE_180}


class AutoDetector:
    """Haar first; MTCNN where Haar finds nothing or is not sure; then the picture turned.

    Everything runs in the calling thread, on pictures of bounded size, and loads nothing
    heavier than half a megabyte of weights: there is nothing to wait for beyond the looking.
    Without the `mtcnn` package Haar alone decides, and a log line says so once.
    """

    def __init__(
        self, haar: HaarDetector | None = None, mtcnn: MtcnnDetector | None = None
    ) -> None:
        self.haar = haar or HaarDetector()
        self._mtcnn = mtcnn or MtcnnDetector()
        self._mtcnn_works = True

    def warm_up(self) -> None:
        """Load Haar's cascade and MTCNN's weights."""
        self.haar.warm_up()
        try:
            self._mtcnn.warm_up()
        except MtcnnUnavailable as error:
            self._give_up_mtcnn(error)

    def detect(self, image: NDArray[np.uint8], *, on_stage: OnStage | None = None) -> list[Face]:
        """Return the faces in RGB uint8 ``(H, W, 3)``, the largest first."""
        tell = on_stage or (lambda stage: None)
        tell("find")
        voted = self.haar.detect_with_votes(image)
        sure = [face for face, votes in voted if votes >= SURE_VOTES]
        if sure and len(sure) == len(voted):
            return tidy(sure)
        if self._mtcnn_works:
            tell("look again")
            try:
                return self._look_again(image, sure, tell)
            except MtcnnUnavailable as error:
                self._give_up_mtcnn(error)
        likely = [face for face, votes in voted if votes >= self.haar.votes]
        return tidy(likely) or self._haar_turned(image, tell)

    def _look_again(self, image: NDArray[np.uint8], sure: list[Face], tell: OnStage) -> list[Face]:
        """Ask MTCNN, and ask it again about the turned picture where it doubts, too."""
        scored = self._mtcnn.detect_with_scores(image)
        best = max((score for _, score in scored), default=0.0)
        faces = [face for face, _ in scored]
        if best < SURE_SCORE and not sure:
            tell("turn")
            for turn, rotation in TURNS.items():
                picture = _rotated(image, rotation)
                turned = self._mtcnn.detect_with_scores(picture)
                score = max((score for _, score in turned), default=0.0)
                if score > max(best, SURE_SCORE) and self._haar_sees_one(picture, turned):
                    best, faces = score, _unturned(image, turned, turn)
        return tidy([*faces, *sure])

    def _haar_sees_one(self, picture: NDArray[np.uint8], scored: list[tuple[Face, float]]) -> bool:
        """Whether Haar has any vote for one of these faces.

        Asked of turned pictures, of which most are no faces: of three looks at a drawing or a
        pattern one may well show MTCNN a face, but not both detectors the same one.
        """
        return any(
            overlap(seen.box, face.box) >= SAME_FACE
            for seen, _ in self.haar.detect_with_votes(picture)
            for face, _ in scored
        )

    def _haar_turned(self, image: NDArray[np.uint8], tell: OnStage) -> list[Face]:
        tell("turn")
        for turn, rotation in TURNS.items():
            voted = self.haar.detect_with_votes(_rotated(image, rotation))
            sure = [pair for pair in voted if pair[1] >= SURE_VOTES]
            if sure:
                return tidy(_unturned(image, sure, turn))
        return []

    def _give_up_mtcnn(self, error: MtcnnUnavailable) -> None:
        if self._mtcnn_works:
            self._mtcnn_works = False
            logger.warning("Faces are looked for with the Haar cascade alone: %s", error)


def _rotated(image: NDArray[np.uint8], rotation: int) -> NDArray[np.uint8]:
    return cv2.rotate(image, rotation).astype(np.uint8, copy=False)


def _unturned(
    image: NDArray[np.uint8], found: list[tuple[Face, float]] | list[tuple[Face, int]], turn: int
) -> list[Face]:
    height, width = image.shape[:2]
    return [unturn(face, turn=turn, width=width, height=height) for face, _ in found]
