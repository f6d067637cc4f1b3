from __future__ import annotations

import numpy as np
import pytest

from emotion.boxes import (
    clip_box,
    intersection_over_smaller,
    rotate,
    rotate_back,
    scale_face,
    suppress_overlaps,
)
from emotion.types import Box, CropRegion, Face, Landmarks


def test_intersection_over_smaller() -> None:
    assert intersection_over_smaller(Box(0, 0, 10, 10), Box(0, 0, 10, 10)) == 1
    assert intersection_over_smaller(Box(0, 0, 10, 10), Box(2, 2, 4, 4)) == 1
    assert intersection_over_smaller(Box(0, 0, 10, 10), Box(5, 0, 10, 10)) == 0.5
    assert intersection_over_smaller(Box(0, 0, 10, 10), Box(10, 0, 10, 10)) == 0
    assert intersection_over_smaller(Box(0, 0, 10, 10), Box(3, 3, 0, 0)) == 0


def test_clip_keeps_boxes_within_the_image() -> None:
    assert clip_box(-5.2, 10.4, 30.6, 25, width=20, height=20) == Box(0, 10, 20, 10)
    assert clip_box(50, 50, 60, 60, width=20, height=20).area == 0


def test_suppression_drops_overlaps_and_puts_the_largest_first() -> None:
    small, large, twin = Box(0, 0, 10, 10), Box(50, 50, 30, 30), Box(52, 52, 30, 30)
    assert [face.box for face in suppress_overlaps(map(Face, (small, large, twin)))] == [
        large,
        small,
    ]


def test_suppression_keeps_the_earlier_of_two() -> None:
    first, second = Face(Box(0, 0, 10, 10)), Face(Box(1, 1, 12, 12))
    assert suppress_overlaps([first, second]) == [first]


def test_suppression_drops_boxes_without_area() -> None:
    assert suppress_overlaps([Face(Box(3, 3, 0, 5))]) == []


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_rotate_back_finds_the_same_pixels(degrees: int) -> None:
    image = np.zeros((60, 100), np.uint8)
    image[10:25, 30:70] = 1
    rotated = np.rot90(image, -degrees // 90)
    rows, columns = np.nonzero(rotated)
    box = Box(int(columns.min()), int(rows.min()), int(np.ptp(columns)) + 1, int(np.ptp(rows)) + 1)
    face = rotate_back(Face(box), degrees=degrees, width=100, height=60)
    assert face.box == Box(30, 10, 40, 15)
    assert face.rotation == degrees


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_rotate_back_takes_the_landmarks_along(degrees: int) -> None:
    corner = {90: (60.0, 0.0), 180: (100.0, 60.0), 270: (0.0, 100.0)}[degrees]
    face = Face(Box(0, 0, 1, 1), Landmarks(*[corner] * 5))
    points = rotate_back(face, degrees=degrees, width=100, height=60).landmarks
    assert points is not None
    assert points.left_eye == (0, 0)


@pytest.mark.parametrize("degrees", [30, 90, 180, 270, 330])
def test_rotate_back_takes_the_region_along(degrees: int) -> None:
    """A square that stands upright in the rotated image leans back in the original."""
    region = CropRegion(80.0, 60.0, 30.0, 10.0)
    face = Face(Box(65, 45, 30, 30), Landmarks(*[(80.0, 60.0)] * 7), region=region)
    back = rotate_back(face, degrees=degrees, width=100, height=60)
    assert back.region is not None
    assert back.landmarks is not None
    assert (back.region.x, back.region.y) == pytest.approx(back.landmarks.left_ear)
    assert back.region.side == 30
    assert (back.region.angle + degrees - 10) % 360 == pytest.approx(0)
    assert -180 <= back.region.angle < 180


def test_scale_face_takes_everything_along() -> None:
    points = Landmarks(*[(float(n), 2.0 * n) for n in range(5)])
    face = Face(Box(10, 20, 30, 40), points, 90, CropRegion(25.0, 40.0, 36.0, 12.0))
    large = scale_face(face, 2.0)
    assert large.box == Box(20, 40, 60, 80)
    assert large.region == CropRegion(50.0, 80.0, 72.0, 12.0)
    assert large.landmarks is not None
    assert large.landmarks.mouth_right == (8.0, 16.0)
    assert large.landmarks.left_ear is None
    assert large.rotation == 90
    assert scale_face(Face(Box(1, 2, 3, 4)), 3.0) == Face(Box(3, 6, 9, 12))


@pytest.mark.parametrize("degrees", [30, 45, 90, 180, 270, 330])
def test_what_is_found_in_a_turned_image_lies_where_it_was(degrees: int) -> None:
    image = np.zeros((240, 320, 3), np.uint8)
    image[50:61, 200:211] = 255
    seen = rotate(image, degrees)
    rows, columns = np.nonzero(seen[..., 0] > 127)
    middle = (float(columns.mean()) + 0.5, float(rows.mean()) + 0.5)
    box = Box(round(middle[0]) - 20, round(middle[1]) - 20, 40, 40)
    face = rotate_back(Face(box, Landmarks(*[middle] * 5)), degrees=degrees, width=320, height=240)
    assert face.landmarks is not None
    assert face.landmarks.nose == pytest.approx((205.5, 55.5), abs=0.5)
    assert (face.box.x + face.box.width / 2, face.box.y + face.box.height / 2) == pytest.approx(
        (205.5, 55.5), abs=2
    )
    assert (face.box.width, face.box.height) == (40, 40)


def test_an_image_is_turned_clockwise_and_whole() -> None:
    image = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    assert (rotate(image, 90) == np.rot90(image, -1)).all()
    assert rotate(image, 30).shape == (4, 5, 3)
