"""Rectangles: overlap, order, limits, and turning with the picture."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from emotion.types import Box, Face, Landmarks

SAME_FACE = 0.4
"""Two boxes are one face when their common part is this share of the smaller of the two."""


def overlap(a: Box, b: Box) -> float:
    """Return the share of the smaller box that lies in the other one, 0-1."""
    width = min(a.x + a.width, b.x + b.width) - max(a.x, b.x)
    height = min(a.y + a.height, b.y + b.height) - max(a.y, b.y)
    smaller = min(a.area, b.area)
    if width <= 0 or height <= 0 or smaller <= 0:
        return 0.0
    return width * height / smaller


def clip(x: float, y: float, right: float, bottom: float, *, width: int, height: int) -> Box:
    """Return the box between two corners as whole pixels inside a ``width`` x ``height`` picture.

    A box that lies outside altogether comes back with no area.
    """
    left, top = (min(max(round(value), 0), end) for value, end in ((x, width), (y, height)))
    right, bottom = (
        min(max(round(value), 0), end) for value, end in ((right, width), (bottom, height))
    )
    return Box(left, top, max(0, right - left), max(0, bottom - top))


def tidy(faces: Iterable[Face]) -> list[Face]:
    """Return ``faces`` without overlaps, the largest first; of two, the earlier one stays."""
    kept: list[Face] = []
    for face in faces:
        if face.box.area and all(overlap(face.box, k.box) < SAME_FACE for k in kept):
            kept.append(face)
    return sorted(kept, key=lambda face: (-face.box.area, face.box))


def unturn(face: Face, *, turn: int, width: int, height: int) -> Face:
    """Return a face that was found in a turned picture in the coordinates of the unturned one.

    Args:
        face: found after turning the picture clockwise by ``turn``.
        turn: 0, 90, 180 or 270 degrees.
        width: of the unturned picture.
        height: of the unturned picture.
    """
    points = face.landmarks
    return replace(
        face,
        box=_unturn_box(face.box, turn, width, height),
        landmarks=points
        and Landmarks(
            *(
                _unturn_point(point, turn, width, height)
                for point in (
                    points.left_eye,
                    points.right_eye,
                    points.nose,
                    points.mouth_left,
                    points.mouth_right,
                )
            )
        ),
        turn=turn,
    )


def _unturn_point(
    point: tuple[float, float], turn: int, width: int, height: int
) -> tuple[float, float]:
    x, y = point
    if turn == 90:
        return y, height - x
    if turn == 180:
        return width - x, height - y
    if turn == 270:
        return width - y, x
    return point


def _unturn_box(box: Box, turn: int, width: int, height: int) -> Box:
    x1, y1 = _unturn_point((box.x, box.y), turn, width, height)
    x2, y2 = _unturn_point((box.x + box.width, box.y + box.height), turn, width, height)
    return clip(min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2), width=width, height=height)
