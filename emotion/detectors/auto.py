"""The detector for photos: fast where faces are clear, thorough where they are not."""

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
from emotion.detectors.blazeface import (
    CONFIRM_THRESHOLD_ROTATED,
    LANDMARK_THRESHOLD,
    BlazefaceDetector,
)
from emotion.detectors.blazeface_networks import BlazefaceUnavailable
from emotion.detectors.haar import HaarDetector
from emotion.detectors.mtcnn import ONET_THRESHOLD, MtcnnDetector
from emotion.detectors.mtcnn_networks import MtcnnUnavailable
from emotion.types import Face

logger = logging.getLogger(__name__)

Image = NDArray[np.uint8]
Scored = tuple[Face, float]

MTCNN_CANDIDATE_THRESHOLD: Final = 0.8
"""Least probability at which BlazeFace is asked about a face that MTCNN has detected."""
CONFIRM_CONFIDENT_THRESHOLD: Final = 0.5
"""Probability that BlazeFace or the landmark network must give a face of which MTCNN is confident
(above `ONET_THRESHOLD`)."""
PHOTO_ROTATIONS: Final = (90, 270, 180)
"""Degrees clockwise by which the image is rotated for a photo that lies on its side."""
HEAD_ROTATIONS: Final = (330, 30)
"""The same for a leaning head, which MTCNN often misses as it is."""
CONFIDENT_NEIGHBORS: Final = 10
"""Haar detections with at least this many neighbours are accepted without asking MTCNN. Drawings of
faces had up to 8."""


class AutoDetector:
    """BlazeFace first; MTCNN where that finds nothing or is in doubt; then the image rotated.

    What MTCNN detects counts only if BlazeFace or its landmark network confirms it, and takes
    BlazeFace's box and landmarks where it has any. Where the package of one of the two is missing
    a log line says so once: without MTCNN, BlazeFace decides alone, and without BlazeFace the Haar
    cascade, with MTCNN.

    Args:
        blazeface: asked first.
        mtcnn: asked where BlazeFace is in doubt.
        haar: asked in BlazeFace's place where its package is missing.
    """

    def __init__(
        self,
        blazeface: BlazefaceDetector | None = None,
        mtcnn: MtcnnDetector | None = None,
        haar: HaarDetector | None = None,
    ) -> None:
        self._blazeface = blazeface or BlazefaceDetector()
        self._mtcnn = mtcnn or MtcnnDetector(accept_above=MTCNN_CANDIDATE_THRESHOLD)
        self._haar = haar or HaarDetector()
        self._blazeface_works = self._mtcnn_works = True

    def warm_up(self) -> None:
        """Load both networks; the cascade in place of BlazeFace where its package is missing."""
        try:
            self._blazeface.warm_up()
        except BlazefaceUnavailable as error:
            self._give_up_blazeface(error)
            self._haar.warm_up()
        try:
            self._mtcnn.warm_up()
        except MtcnnUnavailable as error:
            self._give_up_mtcnn(error)

    def detect(self, image: Image, *, on_stage: OnStage | None = None) -> list[Face]:
        """Return the faces in RGB uint8 ``(H, W, 3)``, the largest first."""
        report = on_stage or (lambda stage: None)
        if self._blazeface_works:
            try:
                return self._detect_with_blazeface(image, report)
            except BlazefaceUnavailable as error:
                self._give_up_blazeface(error)
        return self._detect_with_haar(image, report)

    def _detect_with_blazeface(self, image: Image, report: OnStage) -> list[Face]:
        report("detect")
        candidates = self._blazeface.candidates(image)
        faces = [candidate.face for candidate in candidates if candidate.accepted]
        if faces and not any(candidate.doubtful for candidate in candidates):
            return suppress_overlaps(faces)
        if self._mtcnn_works:
            report("detect again")
        faces += [face for face, _ in self._detect_with_mtcnn(image)]
        return suppress_overlaps(faces or self._detect_rotated(image, report))

    def _detect_with_mtcnn(self, image: Image, *, rotated: bool = False) -> list[Scored]:
        """Return MTCNN's detections that BlazeFace or its landmark network confirms.

        Args:
            image: RGB uint8 ``(H, W, 3)``.
            rotated: whether the image was rotated as a trial. Then MTCNN must be confident, and
                both networks must confirm the face, since there are more false positives.
        """
        if not self._mtcnn_works:
            return []
        try:
            scored = self._mtcnn.detect_with_scores(image)
        except MtcnnUnavailable as error:
            self._give_up_mtcnn(error)
            return []
        faces: list[Scored] = []
        for face, score in scored:
            seen = self._blazeface.examine(image, face)
            confident = score > ONET_THRESHOLD
            if rotated:
                confirmed = confident and seen.accepted and seen.score >= CONFIRM_THRESHOLD_ROTATED
            elif confident:
                best = max(seen.score, seen.landmark_score)
                confirmed = best >= CONFIRM_CONFIDENT_THRESHOLD
            else:
                confirmed = seen.landmark_score >= LANDMARK_THRESHOLD
            if confirmed:
                faces.append((seen.face, score + seen.landmark_score))
        return sorted(faces, key=lambda pair: -pair[1])

    def _detect_rotated(self, image: Image, report: OnStage) -> list[Face]:
        """Return the faces of the rotated image that shows them best."""
        report("rotate")
        views: list[tuple[int, list[Scored]]] = []
        for degrees in PHOTO_ROTATIONS:
            candidates = self._blazeface.candidates(rotate(image, degrees))
            faces = [
                (c.face, c.total)
                for c in candidates
                if c.accepted and c.score >= CONFIRM_THRESHOLD_ROTATED
            ]
            views.append((degrees, faces))
        if not any(scored for _, scored in views):
            views += [
                (degrees, self._detect_with_mtcnn(rotate(image, degrees), rotated=True))
                for degrees in (*HEAD_ROTATIONS, *PHOTO_ROTATIONS)
            ]
        degrees, scored = max(views, key=lambda view: max((s for _, s in view[1]), default=0.0))
        height, width = image.shape[:2]
        return [
            rotate_back(face, degrees=degrees, width=width, height=height) for face, _ in scored
        ]

    def _detect_with_haar(self, image: Image, report: OnStage) -> list[Face]:
        """Return what Haar and, where that is in doubt, MTCNN detect, without BlazeFace."""
        report("detect")
        haar = self._haar.detect_with_neighbors(image)
        faces = [face for face, count in haar if count >= self._haar.min_neighbors]
        if haar and all(count >= CONFIDENT_NEIGHBORS for _, count in haar):
            return suppress_overlaps(faces)
        if self._mtcnn_works:
            report("detect again")
            try:
                faces = _combine(self._mtcnn.detect_with_scores(image), haar)
            except MtcnnUnavailable as error:
                self._give_up_mtcnn(error)
        if faces:
            return suppress_overlaps(faces)
        report("rotate")
        height, width = image.shape[:2]
        for degrees in PHOTO_ROTATIONS:
            haar = self._haar.detect_with_neighbors(rotate(image, degrees))
            faces = [face for face, count in haar if count >= CONFIDENT_NEIGHBORS]
            if faces:
                return suppress_overlaps(
                    rotate_back(f, degrees=degrees, width=width, height=height) for f in faces
                )
        return []

    def _give_up_blazeface(self, error: BlazefaceUnavailable) -> None:
        if self._blazeface_works:
            self._blazeface_works = False
            logger.warning("Faces are detected with the Haar cascade: %s", error)

    def _give_up_mtcnn(self, error: MtcnnUnavailable) -> None:
        if self._mtcnn_works:
            self._mtcnn_works = False
            logger.warning("Faces are detected without MTCNN: %s", error)


def _combine(mtcnn: list[Scored], haar: list[tuple[Face, int]]) -> list[Face]:
    """Return the faces of which either detector is confident, and those that both detected."""
    found = [
        face
        for face, score in mtcnn
        if score > ONET_THRESHOLD
        or any(intersection_over_smaller(other.box, face.box) >= NMS_THRESHOLD for other, _ in haar)
    ]
    return found + [face for face, count in haar if count >= CONFIDENT_NEIGHBORS]
