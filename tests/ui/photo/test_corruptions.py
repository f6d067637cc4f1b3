"""What the corruptions do to an image."""

import numpy as np
import pytest

from emotion.types import Box, EmotionScores, Face, FaceReading
from ui.photo import corruptions

BOX = Box(30, 40, 60, 80)


@pytest.mark.parametrize("name", list(corruptions.CORRUPTIONS))
@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_corruptions_do_not_modify_their_input(name: str, share: float) -> None:
    image = np.random.default_rng(0).integers(0, 256, (160, 120, 3), dtype=np.uint8)
    before = image.copy()
    corruption = corruptions.CORRUPTIONS[name]
    corrupted = corruption.apply(image, BOX, share)
    assert (corrupted.shape, corrupted.dtype) == (image.shape, np.uint8)
    assert np.array_equal(image, before)
    assert np.array_equal(corrupted, image) == (share == 0.0)
    assert corruption.amount(share, BOX)


def test_a_mask_covers_mouth_and_chin_only() -> None:
    image = np.full((160, 120, 3), 200, dtype=np.uint8)
    corrupted = corruptions.cover_mouth(image, BOX, 1.0)
    assert (corrupted[: BOX.y + BOX.height // 2] == 200).all()
    assert (corrupted[BOX.y + 45, BOX.x : BOX.x + BOX.width] != 200).all()


def test_the_part_that_is_tried_is_small_and_keeps_the_face() -> None:
    image = np.zeros((3000, 4000, 3), dtype=np.uint8)
    image[1000:2000, 3000:4000] = 255
    part, box = corruptions.crop_around(image, Box(3000, 1000, 1000, 1000))
    assert max(part.shape) <= corruptions.MAX_SIDE_PX
    inside = part[box.y + 2 : box.y + box.height - 2, box.x + 2 : box.x + box.width - 2]
    assert (inside == 255).all()


def test_the_face_in_the_middle_counts() -> None:
    scores = EmotionScores((1.0, 0, 0, 0, 0, 0, 0))
    near, far = (FaceReading(Face(Box(x, 40, 60, 80)), scores) for x in (38, 400))
    assert corruptions.same_face((far, near), BOX) is near
    assert corruptions.same_face((far,), BOX) is None
