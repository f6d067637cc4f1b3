"""The detector for photos: quick where the face is plain, careful where it is not."""

from __future__ import annotations

import logging

import numpy as np
from numpy.typing import NDArray

from emotion.boxes import SAME_FACE, overlap, tidy, turned, unturn
from emotion.detector import OnStage
from emotion.haar_detector import HaarDetector
from emotion.mtcnn_detector import ACCEPT_ABOVE, MtcnnDetector
from emotion.mtcnn_networks import MtcnnUnavailable
from emotion.types import Face

logger = logging.getLogger(__name__)

SURE_VOTES = 10
"""Haar is believed unasked when every box has this many votes. Drawn faces got up to 8."""
SURE_SCORE = 0.98
"""MTCNN gives upright faces 0.99 and more, and upside-down ones, which it finds too but
describes as if they stood upright, 0.97 at most."""
AGREED_SCORE = 0.8
"""MTCNN is believed from here on where Haar has any vote for the same face. The two never agreed
on anything from 0.6 on in 108 pictures without a face, each seen upright and in five turns."""
LEANS = (330, 30)
"""Degrees clockwise by which the picture is turned for a head that leans. As it is, MTCNN misses
a third of the faces that lean by 30 degrees, and Haar nine in ten (``placement.json``)."""
TURNS = (90, 270, 180)
"""Degrees clockwise by which the picture is turned for a photo that lies on its side."""


class AutoDetector:
    """Haar first; MTCNN where Haar finds nothing or is not sure; then the picture turned,
    a little for a leaning head, and on its sides for a photo that lies.

    Everything runs in the calling thread, on pictures of bounded size, and loads nothing
    heavier than half a megabyte of weights: there is nothing to wait for beyond the looking.
    Without the `mtcnn` package Haar alone decides, and a log line says so once.
    """

    def __init__(
        self, haar: HaarDetector | None = None, mtcnn: MtcnnDetector | None = None
    ) -> None:
        self.haar = haar or HaarDetector()
        self._mtcnn = mtcnn or MtcnnDetector(accept_above=AGREED_SCORE)
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
                return self._look_again(image, voted, sure, tell)
            except MtcnnUnavailable as error:
                self._give_up_mtcnn(error)
        likely = [face for face, votes in voted if votes >= self.haar.votes]
        return tidy(likely) or self._haar_turned(image, tell)

    def _look_again(
        self,
        image: NDArray[np.uint8],
        voted: list[tuple[Face, int]],
        sure: list[Face],
        tell: OnStage,
    ) -> list[Face]:
        """Ask MTCNN, and ask it again about the turned picture where it doubts, too."""
        scored = [
            (face, score)
            for face, score in self._mtcnn.detect_with_scores(image)
            if score > ACCEPT_ABOVE or _seen(face, voted)
        ]
        best = max((score for _, score in scored), default=0.0)
        faces = [face for face, _ in scored]
        if best < SURE_SCORE and not sure:
            tell("turn")
            for turn in (*LEANS, *TURNS):
                picture = turned(image, turn)
                again = self._mtcnn.detect_with_scores(picture)
                score = max((score for _, score in again), default=0.0)
                enough = best if turn in LEANS else max(best, SURE_SCORE)
                if score > enough and self._haar_sees_one(picture, again):
                    best, faces = score, _unturned(image, again, turn)
                if best >= SURE_SCORE:
                    break
        return tidy([*faces, *sure])

    def _haar_sees_one(self, picture: NDArray[np.uint8], scored: list[tuple[Face, float]]) -> bool:
        """Whether Haar has any vote for one of these faces.

        Asked of turned pictures, of which most are no faces: of five looks at a drawing or a
        pattern one may well show MTCNN a face, but not both detectors the same one.
        """
        voted = self.haar.detect_with_votes(picture)
        return any(_seen(face, voted) for face, _ in scored)

    def _haar_turned(self, image: NDArray[np.uint8], tell: OnStage) -> list[Face]:
        tell("turn")
        for turn in TURNS:
            voted = self.haar.detect_with_votes(turned(image, turn))
            sure = [pair for pair in voted if pair[1] >= SURE_VOTES]
            if sure:
                return tidy(_unturned(image, sure, turn))
        return []

    def _give_up_mtcnn(self, error: MtcnnUnavailable) -> None:
        if self._mtcnn_works:
            self._mtcnn_works = False
            logger.warning("Faces are looked for with the Haar cascade alone: %s", error)


def _seen(face: Face, voted: list[tuple[Face, int]]) -> bool:
    """Whether Haar has any vote for the face."""
    return any(overlap(other.box, face.box) >= SAME_FACE for other, _ in voted)


def _unturned(
    image: NDArray[np.uint8], found: list[tuple[Face, float]] | list[tuple[Face, int]], turn: int
) -> list[Face]:
    height, width = image.shape[:2]
    return [unturn(face, turn=turn, width=width, height=height) for face, _ in found]
