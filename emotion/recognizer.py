"""Image in, faces with their emotions out: the call that most users of the library need."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from emotion.classifier import Classifier, EmotionClassifier
from emotion.crop import turned_away
from emotion.detectors.base import FaceDetector, OnStage
from emotion.detectors.factory import DetectorName, build_detector
from emotion.detectors.panorama import detect_faces
from emotion.image.checks import check_image
from emotion.types import Box, Face, FaceReading, ImageReading

MAX_FACES: Final = 32
MIN_FACE_PX: Final = 28
"""A face with fewer pixels across is not read: ``benchmarks/emotion_preprocessing.py`` prints how
the accuracy falls with the size."""


class EmotionRecognizer:
    """Detector and classifier as one call. Safe to call from several threads at once.

    Args:
        detector: a detector's name (``auto``, ``blazeface``, ``haar`` or ``mtcnn``) or a detector.
        classifier: reads the faces; by default an `EmotionClassifier` with the shipped weights.
        max_faces: at most this many faces are read, the largest.

    Raises:
        ValueError: the detector is unknown, or ``max_faces`` is not positive.
        WeightsError: the network's file is missing or broken.
    """

    def __init__(
        self,
        detector: DetectorName | FaceDetector = "auto",
        classifier: Classifier | None = None,
        *,
        max_faces: int = MAX_FACES,
    ) -> None:
        if max_faces < 1:
            raise ValueError(f"Incorrect value for 'max_faces' argument: {max_faces!r}: 1 or more")
        self.detector = build_detector(detector) if isinstance(detector, str) else detector
        self.classifier: Classifier = classifier or EmotionClassifier()
        self.max_faces = max_faces

    def read(self, image: NDArray[np.uint8]) -> list[FaceReading]:
        """Return the faces of an image with their emotions, the largest first.

        Args:
            image: RGB uint8 ``(H, W, 3)``.

        Raises:
            ValueError: wrong type, shape or dtype.
        """
        return list(self.analyze(image).faces)

    def analyze(self, image: NDArray[np.uint8], *, on_stage: OnStage | None = None) -> ImageReading:
        """Return the same as `read`, with notes on what was left out and why.

        Faces that are too small, or turned away too far, are not read: they get a note.

        Args:
            image: RGB uint8 ``(H, W, 3)``.
            on_stage: called with the name of each stage as it begins, in the calling thread.

        Raises:
            ValueError: wrong type, shape or dtype.
        """
        check_image(image)
        found = detect_faces(self.detector, image, on_stage=on_stage)
        large = [face for face in found if max(face.box.width, face.box.height) >= MIN_FACE_PX]
        readable = [face for face in large if not turned_away(face)]
        chosen = readable[: self.max_faces]
        if chosen and on_stage:
            on_stage("classify")
        scores = self.classifier.classify(image, chosen)
        return ImageReading(
            faces=tuple(map(FaceReading, chosen, scores)),
            notes=notes_on(
                tiny=len(found) - len(large),
                away=len(large) - len(readable),
                left_out=len(readable) - len(chosen),
                read=len(chosen),
            ),
        )

    def warm_up(self) -> None:
        """Load everything that the first image would otherwise wait for."""
        self.detector.warm_up()
        black = np.zeros((64, 64, 3), dtype=np.uint8)
        self.classifier.classify(black, [Face(Box(8, 8, 48, 48))])


def notes_on(*, tiny: int, away: int, left_out: int, read: int) -> tuple[str, ...]:
    """Return sentences about the faces that were found but not read.

    Args:
        tiny: how many are too small.
        away: how many are turned away too far.
        left_out: how many exceed the number that is read at once.
        read: how many were read.
    """
    notes = []
    if left_out:
        notes.append(f"{read + left_out} faces were found; the {read} largest were read.")
    if away:
        faces = "One face is" if away == 1 else f"{away} faces are"
        notes.append(f"{faces} turned away too far to be read.")
    if tiny:
        faces = "One face is" if tiny == 1 else f"{tiny} faces are"
        notes.append(f"{faces} too small to read: fewer than {MIN_FACE_PX} pixels across.")
    return tuple(notes)
