"""Boxes and faces: how they overlap, and how they move with an image that is rotated or scaled."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from emotion.types import Box, CropRegion, Face, Landmarks

Point = tuple[float, float]

NMS_THRESHOLD: Final = 0.4
"""Least intersection over the smaller box at which two boxes are the same face."""


def intersection_over_smaller(a: Box, b: Box) -> float:
    """Return the fraction of the smaller box that lies in the other one, 0-1."""
    width = min(a.x + a.width, b.x + b.width) - max(a.x, b.x)
    height = min(a.y + a.height, b.y + b.height) - max(a.y, b.y)
    smaller = min(a.area, b.area)
    if width <= 0 or height <= 0 or smaller <= 0:
        return 0.0
    return width * height / smaller


def clip_box(x: float, y: float, right: float, bottom: float, *, width: int, height: int) -> Box:
    """Return the box between two corners as whole pixels inside a ``width`` x ``height`` image.

    A box entirely outside the image is returned with zero area.
    """
    left, top = (min(max(round(value), 0), end) for value, end in ((x, width), (y, height)))
    right, bottom = (
        min(max(round(value), 0), end) for value, end in ((right, width), (bottom, height))
    )
    return Box(left, top, max(0, right - left), max(0, bottom - top))


def suppress_overlaps(faces: Iterable[Face]) -> list[Face]:
    """Apply non-maximum suppression and return the faces that are left, the largest first.

    Args:
        faces: the best first: of two that overlap by `NMS_THRESHOLD` or more, the earlier is kept.
    """
    kept: list[Face] = []
    for face in faces:
        if face.box.area and all(
            intersection_over_smaller(face.box, k.box) < NMS_THRESHOLD for k in kept
        ):
            kept.append(face)
    return sorted(kept, key=lambda face: (-face.box.area, face.box))


def rotate(image: NDArray[np.uint8], degrees: int) -> NDArray[np.uint8]:
    """Return an image ``(H, W, 3)`` rotated clockwise, on a black canvas that holds all of it.

    Args:
        image: uint8.
        degrees: clockwise.
    """
    height, width = image.shape[:2]
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), -degrees, 1.0)
    new_width, new_height = _rotated_size(degrees, width, height)
    matrix[:, 2] += (new_width - width) / 2, (new_height - height) / 2
    return cv2.warpAffine(image, matrix, (new_width, new_height)).astype(np.uint8, copy=False)


def rotate_back(face: Face, *, degrees: int, width: int, height: int) -> Face:
    """Return a face that was detected in a rotated image, in the coordinates of the original.

    A box that would lean there is replaced by an upright one of the same size and centre.

    Args:
        face: detected in what `rotate` returned for the same ``degrees``.
        degrees: clockwise.
        width: of the original, in pixels.
        height: of the original, in pixels.
    """
    points = face.landmarks
    region = face.region
    if region:
        x, y = _rotate_point_back((region.x, region.y), degrees, width, height)
        region = CropRegion(x, y, region.side, wrap_degrees(region.angle - degrees))
    return replace(
        face,
        box=_rotate_box_back(face.box, degrees, width, height),
        landmarks=points
        and _map_points(points, lambda point: _rotate_point_back(point, degrees, width, height)),
        rotation=degrees,
        region=region,
    )


def wrap_degrees(degrees: float) -> float:
    """Return an angle wrapped to -180 to 180."""
    return (degrees + 180) % 360 - 180


def scale_face(face: Face, factor: float) -> Face:
    """Return a face in the coordinates of its image scaled by ``factor``."""
    box, points, region = face.box, face.landmarks, face.region
    return replace(
        face,
        box=Box(*(round(factor * v) for v in (box.x, box.y, box.width, box.height))),
        landmarks=points
        and _map_points(points, lambda point: (factor * point[0], factor * point[1])),
        region=region
        and CropRegion(factor * region.x, factor * region.y, factor * region.side, region.angle),
    )


def shift_face(face: Face, x: int, y: int) -> Face:
    """Return a face in the coordinates of the whole image, given its part's corner in pixels."""
    box, points, region = face.box, face.landmarks, face.region
    return replace(
        face,
        box=Box(box.x + x, box.y + y, box.width, box.height),
        landmarks=points and _map_points(points, lambda point: (point[0] + x, point[1] + y)),
        region=region and replace(region, x=region.x + x, y=region.y + y),
    )


def _map_points(points: Landmarks, move: Callable[[Point], Point]) -> Landmarks:
    return Landmarks(
        left_eye=move(points.left_eye),
        right_eye=move(points.right_eye),
        nose=move(points.nose),
        mouth_left=move(points.mouth_left),
        mouth_right=move(points.mouth_right),
        left_ear=points.left_ear and move(points.left_ear),
        right_ear=points.right_ear and move(points.right_ear),
    )


def _cosine_and_sine(degrees: int) -> tuple[float, float]:
    """Return the cosine and sine of an angle, exact for right angles."""
    angle = math.radians(degrees)
    return round(math.cos(angle), 12), round(math.sin(angle), 12)


def _rotated_size(degrees: int, width: int, height: int) -> tuple[int, int]:
    """Return the width and height, in pixels, of an image of that size once it is rotated."""
    cosine, sine = map(abs, _cosine_and_sine(degrees))
    return (
        math.ceil(round(width * cosine + height * sine, 6)),
        math.ceil(round(width * sine + height * cosine, 6)),
    )


def _rotate_point_back(point: Point, degrees: int, width: int, height: int) -> Point:
    new_width, new_height = _rotated_size(degrees, width, height)
    cosine, sine = _cosine_and_sine(degrees)
    x, y = point[0] - new_width / 2, point[1] - new_height / 2
    return width / 2 + cosine * x + sine * y, height / 2 - sine * x + cosine * y


def _rotate_box_back(box: Box, degrees: int, width: int, height: int) -> Box:
    x, y = _rotate_point_back(
        (box.x + box.width / 2, box.y + box.height / 2), degrees, width, height
    )
    on_its_side = degrees % 180 == 90
    new_width, new_height = (box.height, box.width) if on_its_side else (box.width, box.height)
    return clip_box(
        x - new_width / 2,
        y - new_height / 2,
        x + new_width / 2,
        y + new_height / 2,
        width=width,
        height=height,
    )
