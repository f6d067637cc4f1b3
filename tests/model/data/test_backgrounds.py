from __future__ import annotations

import numpy as np

from model.data import backgrounds as pictures


def test_backgrounds_are_of_one_size_and_different() -> None:
    grounds = pictures.load_backgrounds()
    assert len(grounds) == 6 + len(pictures.PHOTOS)
    assert {(ground.shape, ground.dtype.name) for ground in grounds} == {
        ((pictures.HEIGHT, pictures.WIDTH), "uint8")
    }
    assert all(ground.std() > 5 for ground in grounds)
    again = pictures.drawn_backgrounds()
    assert all(np.array_equal(a, b) for a, b in zip(grounds, again, strict=False))


def test_test_and_training_backgrounds_differ() -> None:
    grounds = pictures.load_test_backgrounds()
    assert {(ground.shape, ground.dtype.name) for ground in grounds} == {
        ((pictures.HEIGHT, pictures.WIDTH), "uint8")
    }
    learned = pictures.load_backgrounds()
    assert not any(np.array_equal(ours, theirs) for ours in grounds for theirs in learned)
    assert set(pictures.TEST_PHOTOS) <= set(pictures.EMPTY)
    assert not set(pictures.TEST_PHOTOS) & set(pictures.PHOTOS)


def test_faceless_images_vary_in_size_and_are_deterministic() -> None:
    empty = pictures.empty_images()
    assert len(empty) == (6 + len(pictures.EMPTY)) * (1 + pictures.CROPS_AN_IMAGE)
    assert all(picture.dtype == np.uint8 and picture.shape[2] == 3 for picture in empty)
    assert len({picture.shape for picture in empty}) > 80
    assert all(
        picture.std() > 1 for picture in empty[: len(empty) // (1 + pictures.CROPS_AN_IMAGE)]
    )
    for first, second in zip(empty, pictures.empty_images(), strict=True):
        assert np.array_equal(first, second)
