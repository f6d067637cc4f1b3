from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from model.evaluation.saliency import occlusion_maps


def brightness_of_one_place(pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
    """A network that looks at one pixel only, row 10 and column 30."""
    bright = pictures[:, 10, 30, 0].astype(np.float32) / 255
    return np.stack([bright, 1 - bright], axis=1)


def test_saliency_peaks_at_the_informative_region() -> None:
    pictures = np.zeros((2, 48, 48, 1), np.uint8)
    pictures[:, 10, 30] = 255
    maps = occlusion_maps(brightness_of_one_place, pictures, np.array([0, 1]), patch=6, stride=2)
    assert maps.shape == (2, 48, 48)
    assert maps.dtype == np.float32
    assert maps[0].argmax() == 10 * 48 + 30
    assert maps[0].max() == pytest.approx(1.0)
    # For the other class covering helps as much.
    assert maps[1] == pytest.approx(-maps[0])
    far = np.ones((48, 48), bool)
    far[4:17, 24:37] = False
    assert not maps[:, far].any()


def test_every_pixel_is_covered_for_any_stride() -> None:
    pictures = np.full((1, 48, 48, 1), 200, np.uint8)
    maps = occlusion_maps(
        lambda batch: np.full((len(batch), 7), 1 / 7, np.float32), pictures, np.array([3]), stride=7
    )
    assert np.isfinite(maps).all()
    assert not maps.any()


def test_no_images_give_no_maps() -> None:
    nobody = np.zeros((0, 48, 48, 1), np.uint8)
    maps = occlusion_maps(brightness_of_one_place, nobody, np.zeros(0, np.int64))
    assert maps.shape == (0, 48, 48)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"patch": 49}, "'patch' argument: 49: 1 to 48"),
        ({"stride": 13}, "'stride' argument: 13: 1 to 12"),
        ({"labels": np.zeros(2, np.int64)}, r"'labels' argument: shape \(2,\)"),
    ],
)
def test_invalid_arguments_are_named(more: dict[str, object], message: str) -> None:
    arguments = {"labels": np.zeros(1, np.int64), **more}
    pictures = np.zeros((1, 48, 48, 1), np.uint8)
    with pytest.raises(ValueError, match=message):
        occlusion_maps(brightness_of_one_place, pictures, **arguments)  # type: ignore[arg-type]
