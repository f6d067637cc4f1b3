from __future__ import annotations

import numpy as np
import pytest

from emotion.image.resize import downscale, downscale_factor, scaled_size


@pytest.mark.parametrize(
    ("size", "max_side", "expected"),
    [
        ((640, 480), 640, (640, 480)),
        ((1280, 960), 640, (640, 480)),
        ((480, 1000), 500, (240, 500)),
        ((3, 2), 1000, (3, 2)),
        ((10_000, 3), 100, (100, 1)),  # never without pixels
    ],
)
@pytest.mark.parametrize("channels", [(), (3,)])
def test_the_longer_side_is_bounded(
    size: tuple[int, int], max_side: int, expected: tuple[int, int], channels: tuple[int, ...]
) -> None:
    width, height = size
    image = np.full((height, width, *channels), 90, np.uint8)
    small, scale = downscale(image, max_side)
    assert small.shape == (expected[1], expected[0], *channels)
    assert small.dtype == np.uint8
    assert (small == 90).all()
    assert scale == downscale_factor(width, height, max_side) == min(1, max_side / max(size))
    assert scaled_size(width, height, scale) == expected


def test_a_small_image_is_returned_as_it_is() -> None:
    image = np.zeros((4, 4, 3), np.uint8)
    assert downscale(image, 4)[0] is image


def test_pixels_are_averaged() -> None:
    stripes = np.tile(np.array([0, 200], np.uint8), (40, 20))
    assert (downscale(stripes, 20)[0] == 100).all()
