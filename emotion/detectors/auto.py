"""The detector for photos: quick where the face is plain, careful where it is not."""

from __future__ import annotations

import logging
from typing import Final

import numpy as np
from numpy.typing import NDArray

from emotion.boxes import (
    NMS_THRESHOLD,
    intersection_over_smaller,
    rotate,
    rotate_back,
    suppress_overlaps,
)
from emotion.detectors.base import OnStage
from emotion.detectors.blazeface import CONFIRM_ODD, IS_FACE, BlazefaceDetector
from emotion.detectors.blazeface_networks import BlazefaceUnavailable
from emotion.detectors.haar import HaarDetector
from emotion.detectors.mtcnn import ACCEPT_ABOVE, MtcnnDetector
from emotion.detectors.mtcnn_networks import MtcnnUnavailable
from emotion.types import Face

logger = logging.getLogger(__name__)

Image = NDArray[np.uint8]
Scored = tuple[Face, float]

ASK_ABOVE: Final = 0.8
"""Probability from which a face of MTCNN's is shown to BlazeFace."""
HALF_SURE: Final = 0.5
"""What BlazeFace or the landmark network must give a face of which MTCNN is sure."""
TURNS: Final = (90, 270, 180)
"""Degrees clockwise by which the image is turned for a photo that lies on its side."""
LEANS: Final = (330, 30)
"""The same for a leaning head, which MTCNN often misses as it is."""
SURE_VOTES: Final = 10
"""Haar's detections in a rotated image are accepted from this many neighbours on. Drawn faces had
up to 8."""


class AutoDetector:
    """BlazeFace first; MTCNN where it finds nothing or doubts; then the image turned.

    What MTCNN finds is shown to BlazeFace, which describes it if it sees it, and is heard in
    whether it is a face. Where the package of one of the two is missing a log line says so once:
    without MTCNN, BlazeFace decides alone, and without BlazeFace the Haar cascade.
    """

    def __init__(
        self,
        blazeface: BlazefaceDetector | None = None,
        mtcnn: MtcnnDetector | None = None,
        haar: HaarDetector | None = None,
    ) -> None:
        self._blazeface = blazeface or BlazefaceDetector()
        self._mtcnn = mtcnn or MtcnnDetector(accept_above=ASK_ABOVE)
        self._haar = haar or HaarDetector()
        self._blazeface_works = self._mtcnn_works = True

    def warm_up(self) -> None:
        """Load every network, or the cascade in their place."""
        try:
            self._blazeface.warm_up()
            self._mtcnn.warm_up()
        except BlazefaceUnavailable as error:
            self._give_up_blazeface(error)
            self._haar.warm_up()
        except MtcnnUnavailable as error:
            self._give_up_mtcnn(error)

    def detect(self, image: Image, *, on_stage: OnStage | None = None) -> list[Face]:
        """Return the faces in RGB uint8 ``(H, W, 3)``, the largest first."""
        tell = on_stage or (lambda stage: None)
        if self._blazeface_works:
            try:
                return self._careful(image, tell)
            except BlazefaceUnavailable as error:
                self._give_up_blazeface(error)
        return self._plain(image, tell)

    def _careful(self, image: Image, tell: OnStage) -> list[Face]:
        tell("find")
        candidates = self._blazeface.candidates(image)
        faces = [candidate.face for candidate in candidates if candidate.accepted]
        if faces and not any(candidate.doubtful for candidate in candidates):
            return suppress_overlaps(faces)
        if self._mtcnn_works:
            tell("look again")
        faces += [face for face, _ in self._confirmed(image)]
        return suppress_overlaps(faces or self._turned(image, tell))

    def _confirmed(self, image: Image, *, odd: bool = False) -> list[Scored]:
        """Return MTCNN's faces that BlazeFace or its landmark network takes for some, too.

        Args:
            image: in which to look.
            odd: whether both of them must, as in an image that is turned on trial.
        """
        if not self._mtcnn_works:
            return []
        try:
            scored = self._mtcnn.detect_with_scores(image)
        except MtcnnUnavailable as error:
            self._give_up_mtcnn(error)
            return []
        confirmed: list[Scored] = []
        for face, score in scored:
            seen = self._blazeface.examine(image, face)
            if odd:
                good = score > ACCEPT_ABOVE and seen.accepted and seen.score >= CONFIRM_ODD
            elif score > ACCEPT_ABOVE:
                good = max(seen.score, seen.landmark_score) >= HALF_SURE
            else:
                good = seen.landmark_score >= IS_FACE
            if good:
                confirmed.append((seen.face, score + seen.landmark_score))
        return sorted(confirmed, key=lambda pair: -pair[1])

    def _turned(self, image: Image, tell: OnStage) -> list[Face]:
        """Return the faces of the turned image that shows them best."""
        tell("turn")
        looks: list[tuple[int, list[Scored]]] = []
        for degrees in TURNS:
            candidates = self._blazeface.candidates(rotate(image, degrees))
            sure = (c for c in candidates if c.accepted and c.score >= CONFIRM_ODD)
            looks.append((degrees, [(c.face, c.total) for c in sure]))
        if not any(scored for _, scored in looks):
            looks += [
                (degrees, self._confirmed(rotate(image, degrees), odd=True))
                for degrees in (*LEANS, *TURNS)
            ]
        degrees, scored = max(looks, key=lambda look: max((s for _, s in look[1]), default=0.0))
        height, width = image.shape[:2]
        return [
            rotate_back(face, degrees=degrees, width=width, height=height) for face, _ in scored
        ]

    def _plain(self, image: Image, tell: OnStage) -> list[Face]:
        """Return what Haar and, where there is doubt, MTCNN find, without BlazeFace."""
        tell("find")
        voted = self._haar.detect_with_votes(image)
        likely = [face for face, votes in voted if votes >= self._haar.votes]
        sure = bool(voted) and all(votes >= SURE_VOTES for _, votes in voted)
        if sure:
            return suppress_overlaps(likely)
        if self._mtcnn_works:
            tell("look again")
            try:
                likely = _agreed(self._mtcnn.detect_with_scores(image), voted)
            except MtcnnUnavailable as error:
                self._give_up_mtcnn(error)
        if likely:
            return suppress_overlaps(likely)
        tell("turn")
        height, width = image.shape[:2]
        for degrees in TURNS:
            found = self._haar.detect_with_votes(rotate(image, degrees))
            faces = [face for face, votes in found if votes >= SURE_VOTES]
            if faces:
                return suppress_overlaps(
                    rotate_back(f, degrees=degrees, width=width, height=height) for f in faces
                )
        return []

    def _give_up_blazeface(self, error: BlazefaceUnavailable) -> None:
        if self._blazeface_works:
            self._blazeface_works = False
            logger.warning("Faces are looked for with the Haar cascade: %s", error)

    def _give_up_mtcnn(self, error: MtcnnUnavailable) -> None:
        if self._mtcnn_works:
            self._mtcnn_works = False
            logger.warning("Faces are looked for without MTCNN: %s", error)


def _agreed(scored: list[Scored], voted: list[tuple[Face, int]]) -> list[Face]:
    """Return MTCNN's faces of which it is sure, or for which Haar has a vote, and Haar's own."""
    found = [
        face
        for face, score in scored
        if score > ACCEPT_ABOVE
        or any(
            intersection_over_smaller(other.box, face.box) >= NMS_THRESHOLD for other, _ in voted
        )
    ]
    return found + [face for face, votes in voted if votes >= SURE_VOTES]
