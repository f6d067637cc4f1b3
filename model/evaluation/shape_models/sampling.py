"""Intensities between pixels, for many images at once."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


def sample(images: Array, points: Array) -> Array:
    """Return the intensities at points, by bilinear interpolation.

    Args:
        images: ``(N, H, W)``.
        points: ``(N, …, 2)``, x and y in pixels; beyond the edge the nearest pixel counts.

    Returns:
        ``(N, …)``.
    """
    count, height, width = images.shape
    x = np.clip(points[..., 0], 0, width - 1.001)
    y = np.clip(points[..., 1], 0, height - 1.001)
    left, top = x.astype(np.int32), y.astype(np.int32)
    right, down = x - left, y - top
    first = (np.arange(count, dtype=np.int32) * (height * width)).reshape(-1, *[1] * (x.ndim - 1))
    place = first + top * width + left
    flat = images.ravel()
    upper = flat[place] * (1 - right) + flat[place + 1] * right
    place += width
    lower = flat[place] * (1 - right) + flat[place + 1] * right
    return np.asarray(upper * (1 - down) + lower * down, np.float32)


def blur(images: Array, sd_px: float) -> Array:
    """Return images ``(N, H, W)`` after a Gaussian blur; 0 leaves them as they are."""
    if sd_px == 0:
        return images
    return np.stack([cv2.GaussianBlur(image, (0, 0), sd_px) for image in images])
