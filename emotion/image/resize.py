"""Bounding an image's size, in one place so that every part rounds alike."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray


def downscale_factor(width: int, height: int, max_side: int) -> float:
    """Return the scale, at most 1, at which the longer side has ``max_side`` pixels."""
    return min(1.0, max_side / max(width, height))


def scaled_size(width: int, height: int, scale: float) -> tuple[int, int]:
    """Return ``(width, height)`` in whole pixels of an image that is scaled: at least (1, 1)."""
    return max(1, round(width * scale)), max(1, round(height * scale))


def downscale(image: NDArray[np.uint8], max_side: int) -> tuple[NDArray[np.uint8], float]:
    """Return an image of at most ``max_side`` pixels a side, and its scale.

    Args:
        image: uint8 ``(H, W)`` or ``(H, W, C)``.
        max_side: in pixels, at least 1.

    Returns:
        The image, shrunk by averaging, and the scale in (0, 1]. An image that is small enough is
        returned as it is, not copied, with scale 1.
    """
    height, width = image.shape[:2]
    scale = downscale_factor(width, height, max_side)
    if scale == 1.0:
        return image, scale
    small = cv2.resize(image, scaled_size(width, height, scale), interpolation=cv2.INTER_AREA)
    return small.astype(np.uint8, copy=False), scale
