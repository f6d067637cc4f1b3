"""The detector for photos: quick where the face is plain, careful where it is not."""

from __future__ import annotations

import logging
from collections.abc import Iterable

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
"""MTCNN is believed from here on where Haar has any vote for the same face. With that and five
turned looks no face is seen in 108 pictures that show nobody (``placement.json``)."""
LEANS = (330, 30)
"""Degrees clockwise by which the picture is turned for a head that leans. As it is, MTCNN misses
four in ten of the faces that lean by 30 degrees, and Haar nine in ten (``placement.json``)."""
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
        found = _believed(self._mtcnn.detect_with_scores(image), voted, alone=ACCEPT_ABOVE)
        if not sure and _best(found) < SURE_SCORE:
            tell("turn")
            found += [pair for lean in LEANS for pair in self._leaning(image, lean)]
            if _best(found) < SURE_SCORE:
                found = self._lying(image) or found
        # A face that two looks found is described by the one that saw it best.
        found.sort(key=lambda pair: -pair[1])
        return tidy([*(face for face, _ in found), *sure])

    def _leaning(self, image: NDArray[np.uint8], lean: int) -> list[tuple[Face, float]]:
        """Return the heads that both detectors see in the picture turned by ``lean``.

        Turned pictures mostly show no face: in five looks at a drawing or a pattern MTCNN may
        well see one, but not both detectors the same.
        """
        picture = turned(image, lean)
        scored = self._mtcnn.detect_with_scores(picture)
        both = _believed(scored, self.haar.detect_with_votes(picture)) if scored else []
        return _unturned(image, both, lean)

    def _lying(self, image: NDArray[np.uint8]) -> list[tuple[Face, float]]:
        """Return the faces of a photo that lies on its side, if it does.

        One that both detectors see tells which way is up; its company needs no second witness.
        """
        for turn in TURNS:
            picture = turned(image, turn)
            scored = self._mtcnn.detect_with_scores(picture)
            if _best(scored) <= SURE_SCORE:
                continue
            voted = self.haar.detect_with_votes(picture)
            if _believed(scored, voted):
                return _unturned(image, _believed(scored, voted, alone=ACCEPT_ABOVE), turn)
        return []

    def _haar_turned(self, image: NDArray[np.uint8], tell: OnStage) -> list[Face]:
        tell("turn")
        for turn in TURNS:
            voted = self.haar.detect_with_votes(turned(image, turn))
            sure = [pair for pair in voted if pair[1] >= SURE_VOTES]
            if sure:
                return tidy(face for face, _ in _unturned(image, sure, turn))
        return []

    def _give_up_mtcnn(self, error: MtcnnUnavailable) -> None:
        if self._mtcnn_works:
            self._mtcnn_works = False
            logger.warning("Faces are looked for with the Haar cascade alone: %s", error)


def _best(found: list[tuple[Face, float]]) -> float:
    return max((score for _, score in found), default=0.0)


def _believed(
    scored: list[tuple[Face, float]], voted: list[tuple[Face, int]], *, alone: float = 1.0
) -> list[tuple[Face, float]]:
    """Return MTCNN's faces for which Haar has any vote, and others with a score above ``alone``."""
    return [
        (face, score)
        for face, score in scored
        if score > alone or any(overlap(other.box, face.box) >= SAME_FACE for other, _ in voted)
    ]


def _unturned(
    image: NDArray[np.uint8], found: Iterable[tuple[Face, float]], turn: int
) -> list[tuple[Face, float]]:
    height, width = image.shape[:2]
    return [(unturn(face, turn=turn, width=width, height=height), score) for face, score in found]
