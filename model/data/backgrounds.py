"""Images without a face: to paste faces into, and to count false positives in."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

WIDTH, HEIGHT = 480, 360
"""Of the backgrounds, in pixels."""
SEED = 0
CROPS_AN_IMAGE = 3
"""Parts of every image that `empty_images` returns in addition to the whole."""
PHOTOS = ("brick", "coffee", "grass", "gravel", "rocket")
"""Backgrounds that training pastes faces into (`model.data.detected_crops`)."""
TEST_PHOTOS = (
    *("cell", "chelsea", "clock", "coins", "hubble_deep_field", "immunohistochemistry", "moon"),
    *("page", "retina"),
)
"""Backgrounds that training does not paste into."""
EMPTY = (
    *PHOTOS,
    *("cell", "checkerboard", "chelsea", "clock", "coins", "colorwheel", "horse"),
    *("hubble_deep_field", "immunohistochemistry", "logo", "microaneurysms", "moon", "page"),
    *("retina", "shepp_logan_phantom", "text"),
)
"""Images inside scikit-image without a human face. One is of a cat, `chelsea`."""

Grey = NDArray[np.uint8]


def load_backgrounds() -> list[Grey]:
    """Return grey uint8 images ``(360, 480)`` without faces: drawn, and from scikit-image."""
    return [*drawn_backgrounds(), *(_fitted(_photo(name)) for name in PHOTOS)]


def load_test_backgrounds() -> list[Grey]:
    """Return grey uint8 images ``(360, 480)`` without faces, none of `load_backgrounds`."""
    return [_fitted(_photo(name)) for name in TEST_PHOTOS]


def drawn_backgrounds(*, seed: int = SEED) -> list[Grey]:
    """Return grey uint8 images ``(360, 480)``: gradients, and noise from coarse to fine."""
    down, across = np.mgrid[0 : 1 : HEIGHT * 1j, 0 : 1 : WIDTH * 1j]
    generator = np.random.default_rng(seed)
    ramps = [40 + 170 * across, 200 - 150 * down, 60 + 65 * (across + down)]
    clouds: list[NDArray[Any]] = []
    for sigma in (24.0, 8.0, 2.0):
        noise = cv2.GaussianBlur(generator.standard_normal((HEIGHT, WIDTH)), (0, 0), sigma)
        clouds.append(120 + 30 * noise / noise.std())
    return [np.clip(np.rint(values), 0, 255).astype(np.uint8) for values in (*ramps, *clouds)]


def empty_images(*, seed: int = SEED) -> list[NDArray[np.uint8]]:
    """Return RGB uint8 images ``(H, W, 3)`` of many sizes without a face.

    They are `drawn_backgrounds` and the images of `EMPTY`, and `CROPS_AN_IMAGE` parts of each: 40
    to 90 % of its sides, resized to 340 to 620 pixels on the longer one, so that the same pattern
    occurs at several sizes.
    """
    generator = np.random.default_rng(seed)
    grounds = [cv2.cvtColor(ground, cv2.COLOR_GRAY2RGB) for ground in drawn_backgrounds()]
    whole = [*(ground.astype(np.uint8) for ground in grounds), *(_photo(name) for name in EMPTY)]
    return [*whole, *(_part(image, generator) for image in whole for _ in range(CROPS_AN_IMAGE))]


def _part(image: NDArray[np.uint8], generator: np.random.Generator) -> NDArray[np.uint8]:
    height, width = image.shape[:2]
    fraction = generator.uniform(0.4, 0.9)
    tall, wide = round(fraction * height), round(fraction * width)
    top, left = generator.integers(height - tall + 1), generator.integers(width - wide + 1)
    scale = generator.uniform(340, 620) / max(tall, wide)
    return cv2.resize(
        image[top : top + tall, left : left + wide],
        (max(1, round(scale * wide)), max(1, round(scale * tall))),
        interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC,
    ).astype(np.uint8, copy=False)


def _photo(name: str) -> NDArray[np.uint8]:
    """Return one of scikit-image's images as RGB uint8 ``(H, W, 3)``, without transparency."""
    from skimage import data
    from skimage.util import img_as_ubyte

    photo = img_as_ubyte(getattr(data, name)())
    if photo.ndim == 2:
        photo = np.stack([photo] * 3, axis=-1)
    return np.ascontiguousarray(photo[..., :3])


def _fitted(photo: NDArray[np.uint8]) -> Grey:
    """Return the middle of a photo, grey, as large as the backgrounds."""
    grey = cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY)
    scale = max(HEIGHT / grey.shape[0], WIDTH / grey.shape[1])
    size = max(WIDTH, round(grey.shape[1] * scale)), max(HEIGHT, round(grey.shape[0] * scale))
    grey = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
    top, left = (size[1] - HEIGHT) // 2, (size[0] - WIDTH) // 2
    return grey[top : top + HEIGHT, left : left + WIDTH].astype(np.uint8)
