"""What flows through the library: boxes, faces, scores, readings."""

from __future__ import annotations

from dataclasses import dataclass

from emotion.labels import EMOTIONS

UNSURE_BELOW = 0.15
"""Difference in probability below which the two leading emotions are called a tie."""


@dataclass(frozen=True, slots=True, order=True)
class Box:
    """A rectangle in an image, in pixels; ``x`` and ``y`` name its upper left corner."""

    x: int
    y: int
    width: int
    height: int

    @property
    def area(self) -> int:
        return self.width * self.height


@dataclass(frozen=True, slots=True)
class CropRegion:
    """A square that may lean, and reach beyond the image's edge. In pixels.

    Attributes:
        x, y: of the centre.
        side: the length of a side.
        angle: degrees by which the square is rotated clockwise around its centre.
    """

    x: float
    y: float
    side: float
    angle: float = 0.0


@dataclass(frozen=True, slots=True)
class Landmarks:
    """Points of a face as (x, y) in pixels. Left and right are the viewer's.

    MTCNN detects the corners of the mouth and no ears; BlazeFace the ears and only the centre of
    the mouth, which then stands for both corners.
    """

    left_eye: tuple[float, float]
    right_eye: tuple[float, float]
    nose: tuple[float, float]
    mouth_left: tuple[float, float]
    mouth_right: tuple[float, float]
    left_ear: tuple[float, float] | None = None
    right_ear: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Face:
    """A detected face.

    Attributes:
        box: inside the image.
        landmarks: from detectors that give any.
        rotation: degrees by which the image had to be rotated clockwise for the face to stand
            upright, 0-359. Box, landmarks and region are in the image as it is.
        region: the face as FER-2013 would crop it, from detectors that locate it more exactly
            than the box, which is upright and ends at the image's edge.
    """

    box: Box
    landmarks: Landmarks | None = None
    rotation: int = 0
    region: CropRegion | None = None


@dataclass(frozen=True, slots=True)
class EmotionScores:
    """Seven probabilities in the order of `EMOTIONS`, each 0-1, that sum to 1.

    Raises:
        ValueError: not seven.
    """

    probabilities: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.probabilities) != len(EMOTIONS):
            raise ValueError(
                f"Incorrect value for 'probabilities' argument: {self.probabilities!r}: "
                f"{len(EMOTIONS)} are needed"
            )

    @property
    def ranked(self) -> tuple[tuple[str, float], ...]:
        """Emotions with their probabilities, the most probable first."""
        pairs = zip(EMOTIONS, self.probabilities, strict=True)
        return tuple(sorted(pairs, key=lambda pair: -pair[1]))

    @property
    def emotion(self) -> str:
        """The most probable emotion."""
        return self.ranked[0][0]

    @property
    def confidence(self) -> float:
        """The probability of `emotion`, 0-1."""
        return self.ranked[0][1]

    @property
    def unsure(self) -> bool:
        """Whether the two leading emotions are too close to name one."""
        first, second = self.ranked[:2]
        return first[1] - second[1] < UNSURE_BELOW

    def as_dict(self) -> dict[str, float]:
        """Return emotion → probability, in the order of `EMOTIONS`."""
        return dict(zip(EMOTIONS, self.probabilities, strict=True))


@dataclass(frozen=True, slots=True)
class FaceReading:
    """A face and what it shows."""

    face: Face
    scores: EmotionScores


@dataclass(frozen=True, slots=True)
class ImageReading:
    """Everything that was read in one image, or in one frame.

    Attributes:
        faces: the readings, the largest face first.
        notes: sentences for the visitor on what was left out and why (faces too small
            or turned away, more faces than are read at once); empty most of the time.
    """

    faces: tuple[FaceReading, ...]
    notes: tuple[str, ...] = ()


PictureReading = ImageReading
"""Its name until version 0.1."""
