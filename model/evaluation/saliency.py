"""Occlusion maps: what an emotion loses when a part of the face is covered."""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray

from model.evaluation.evaluate import Predict


def occlusion_maps(
    predict: Predict,
    images: NDArray[np.uint8],
    labels: NDArray[np.int64],
    *,
    patch: int = 12,
    stride: int = 6,
) -> NDArray[np.float32]:
    """Return how much each pixel of each image matters to one emotion.

    A square of the image's mean grey is moved over it (Zeiler & Fergus 2014, "Visualizing and
    Understanding Convolutional Networks"). A pixel's value is the drop in the emotion's
    probability while the pixel is covered, averaged over the squares that cover it.

    Args:
        predict: from uint8 images ``(N, H, W, 1)`` to probabilities ``(N, classes)``. It is
            called once for every position of the square, on all images at a time.
        images: uint8 ``(N, H, W, 1)``, intensities 0-255.
        labels: ``(N,)``, the class to explain in each image.
        patch: side of the square in pixels, 1 to the image's shorter side.
        stride: pixels from one position of the square to the next, 1 to ``patch``.

    Returns:
        float32 ``(N, H, W)`` in -1 to 1; below 0 where covering makes the emotion more probable.

    Raises:
        ValueError: ``labels`` are not one an image, or ``patch`` or ``stride`` is out of range.
    """
    count, height, width = images.shape[:3]
    if labels.shape != (count,):
        raise ValueError(
            f"Incorrect value for 'labels' argument: shape {labels.shape}: ({count},) is needed"
        )
    if not 1 <= patch <= min(height, width):
        raise ValueError(
            f"Incorrect value for 'patch' argument: {patch}: 1 to {min(height, width)}"
        )
    if not 1 <= stride <= patch:
        raise ValueError(f"Incorrect value for 'stride' argument: {stride}: 1 to {patch}")
    if not count:
        return np.zeros((0, height, width), dtype=np.float32)
    image = np.arange(count)
    whole = predict(images)[image, labels]
    grey = images.mean(axis=(1, 2), keepdims=True).astype(np.uint8)
    lost = np.zeros((count, height, width), dtype=np.float32)
    covers = np.zeros((height, width), dtype=np.float32)
    for top, left in product(_places(height, patch, stride), _places(width, patch, stride)):
        rows, columns = slice(top, top + patch), slice(left, left + patch)
        covered = images.copy()
        covered[:, rows, columns] = grey
        loss = whole - predict(covered)[image, labels]
        lost[:, rows, columns] += loss[:, None, None]
        covers[rows, columns] += 1
    return lost / covers


def _places(side: int, patch: int, stride: int) -> list[int]:
    """Return where the square begins along one side; the last position ends at the border."""
    return [*range(0, side - patch, stride), side - patch]
