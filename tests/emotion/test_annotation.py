from __future__ import annotations

import numpy as np
import pytest

from emotion.annotation import INK, annotate, square_around
from emotion.types import Box, EmotionScores, Face, FaceReading

GREY = np.full((400, 600, 3), 128, np.uint8)


def reading(*box: int) -> FaceReading:
    return FaceReading(Face(Box(*box)), EmotionScores((0, 0, 0, 1, 0, 0, 0)))


def count(image: np.ndarray, colour: tuple[int, int, int]) -> int:
    return int((image == colour).all(axis=-1).sum())


def test_a_face_is_outlined_in_white_with_a_dark_edge() -> None:
    drawn = annotate(GREY, [reading(100, 100, 120, 120)])
    assert drawn.shape == GREY.shape
    middle_of_the_left_side = drawn[160, 90:110].tolist()
    assert [255, 255, 255] in middle_of_the_left_side
    assert np.abs(np.subtract(middle_of_the_left_side, INK)).max(axis=1).min() < 12
    assert (drawn[140:180, 140:180] == 128).all()
    assert (drawn[:80] == 128).all()


def test_the_image_itself_is_left_alone() -> None:
    image = GREY.copy()
    annotate(image, [reading(100, 100, 120, 120)], labels=["happy"])
    assert (image == GREY).all()


def test_without_faces_nothing_is_drawn() -> None:
    assert (annotate(GREY, []) == GREY).all()


def test_the_selected_face_stands_out() -> None:
    faces = [reading(50, 100, 120, 120), reading(350, 100, 120, 120)]
    drawn = annotate(GREY, faces, selected=1)
    white = (255, 255, 255)
    assert count(drawn[:, 300:], white) > count(drawn[:, :300], white) * 1.5


@pytest.mark.parametrize(
    "box", [(0, 0, 600, 400), (-0, 380, 20, 20), (598, 398, 2, 2), (5, 5, 1, 1)]
)
def test_boxes_at_the_edge_are_drawn_as_far_as_they_go(box: tuple[int, ...]) -> None:
    assert annotate(GREY, [reading(*box)], labels=["surprise 100%"]).shape == GREY.shape


def test_a_label_is_written_above_the_face() -> None:
    plain = annotate(GREY, [reading(100, 200, 120, 120)])
    labelled = annotate(GREY, [reading(100, 200, 120, 120)], labels=["happy 94%"])
    changed = np.nonzero((plain != labelled).any(axis=-1))
    assert changed[0].size > 100
    assert changed[0].max() < 205


def test_every_face_needs_its_label() -> None:
    with pytest.raises(ValueError, match="1 for 2 faces"):
        annotate(GREY, [reading(0, 0, 50, 50), reading(90, 0, 50, 50)], labels=["happy"])


def marked(*boxes: tuple[int, int, int, int], shape: tuple[int, int] = (400, 600)) -> np.ndarray:
    image = np.full((*shape, 3), 128, np.uint8)
    for x, y, width, height in boxes:
        image[y : y + height, x : x + width] = (255, 0, 0)
    return image


@pytest.mark.parametrize("boxes", [
    [(250, 150, 100, 100)],
    [(0, 0, 40, 40)],
    [(560, 360, 40, 40)],
    [(10, 10, 380, 380)],
    [(100, 100, 80, 80), (400, 200, 60, 60)],
    [(0, 180, 50, 50), (550, 180, 50, 50)],
])  # fmt: skip
def test_the_square_shows_every_face_whole(boxes: list[tuple[int, int, int, int]]) -> None:
    image = marked(*boxes)
    square = square_around(image, [reading(*box) for box in boxes])
    assert square.shape[0] == square.shape[1]
    assert count(square, (255, 0, 0)) >= sum(w * h for _, _, w, h in boxes)


def test_a_small_face_is_brought_closer() -> None:
    square = square_around(GREY, [reading(250, 150, 60, 60)])
    assert 120 < square.shape[0] < 200


def test_faces_far_apart_in_a_tall_image_fit_too() -> None:
    boxes = [(100, 0, 60, 60), (100, 740, 60, 60)]
    image = marked(*boxes, shape=(800, 300))
    square = square_around(image, [reading(*box) for box in boxes])
    assert square.shape == (800, 800, 3)
    assert count(square, (255, 0, 0)) >= 7200


def test_without_faces_the_middle_is_shown() -> None:
    image = marked((200, 0, 200, 400))
    square = square_around(image, [])
    assert square.shape == (400, 400, 3)
    assert count(square, (255, 0, 0)) == 200 * 400
