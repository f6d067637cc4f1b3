"""Random changes of training images."""

from __future__ import annotations

import numpy as np
import pytest

keras = pytest.importorskip("keras", exc_type=ImportError)

# Keras and TensorFlow warn about each other's ways; that is not ours to mend.
pytestmark = pytest.mark.filterwarnings("ignore")


def test_augmentation_changes_only_in_training() -> None:
    from model.data.augmentation import RandomAugmentation

    pictures = np.random.default_rng(0).integers(0, 256, (8, 48, 48, 1)).astype("uint8")
    layer = RandomAugmentation(seed=3, noise=10.0, blur=1.0)
    assert np.array_equal(np.asarray(layer(pictures, training=False)), pictures)
    changed = np.asarray(layer(pictures, training=True))
    assert changed.shape == pictures.shape
    assert changed.dtype == np.float32
    assert 0 <= changed.min() <= changed.max() <= 255
    assert not np.array_equal(changed, pictures)
    again = RandomAugmentation.from_config(layer.get_config())
    assert np.array_equal(np.asarray(again(pictures, training=True)), changed)


def test_zero_strength_augmentation_only_mirrors() -> None:
    from model.data.augmentation import RandomAugmentation

    pictures = np.random.default_rng(0).integers(0, 256, (16, 48, 48, 1)).astype("float32")
    layer = RandomAugmentation(
        rotation=0.0, scale=0.0, shift=0.0, brightness=0.0, contrast=0.0, erase=0.0
    )
    changed = np.asarray(layer(pictures, training=True))
    same = [np.allclose(a, b, atol=0.01) for a, b in zip(changed, pictures, strict=True)]
    mirrored = [
        np.allclose(a, b[:, ::-1], atol=0.01) for a, b in zip(changed, pictures, strict=True)
    ]
    assert all(a != b for a, b in zip(same, mirrored, strict=True))
    assert any(same)
    assert any(mirrored)


def test_noise_is_added_to_half_of_the_images() -> None:
    from model.data.augmentation import RandomAugmentation

    grey = np.full((200, 48, 48, 1), 128, np.float32)
    still = dict.fromkeys(("rotation", "scale", "shift", "brightness", "contrast", "erase"), 0.0)
    grain = np.asarray(RandomAugmentation(**still, noise=10.0)(grey, training=True)).std((1, 2, 3))
    assert 0.35 < (grain < 0.5).mean() < 0.65
    assert 8 < grain.max() < 11


def test_padding_repeats_the_edge() -> None:
    from model.data.augmentation import RandomAugmentation

    grey = np.full((50, 48, 48, 1), 128, np.float32)
    still = dict.fromkeys(("brightness", "contrast", "erase"), 0.0)
    assert np.allclose(RandomAugmentation(**still)(grey, training=True), grey, atol=0.01)


def test_blur_is_applied_to_some_images_with_the_stated_strength() -> None:
    import cv2

    from model.data.augmentation import RandomAugmentation

    face = np.random.default_rng(0).integers(0, 256, (48, 48, 1)).astype("float32")
    faces = np.repeat(face[None], 200, axis=0)
    faces = np.maximum(faces, faces[:, :, ::-1])  # its own mirror image
    still = dict.fromkeys(("rotation", "scale", "shift", "brightness", "contrast", "erase"), 0.0)
    blurred = np.asarray(RandomAugmentation(**still, blur=1.0)(faces, training=True))
    sharp = np.abs(blurred - faces).max((1, 2, 3)) < 0.1
    # Half of the faces, and those whose blur is too weak to be seen: a quarter of a pixel.
    assert 0.5 < sharp.mean() < 0.75
    softest = blurred[blurred.std((1, 2, 3)).argmin(), ..., 0]
    expected = cv2.GaussianBlur(faces[0, ..., 0], (7, 7), 1.0, borderType=cv2.BORDER_REFLECT_101)
    assert softest.std() == pytest.approx(expected.std(), rel=0.05)
    assert softest.mean() == pytest.approx(faces[0].mean(), rel=0.01)
