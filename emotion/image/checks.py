"""Checks that an argument is an image."""

from __future__ import annotations

from typing import Any

import numpy as np


def check_image(image: Any) -> None:
    """Raise a ValueError unless ``image`` is RGB uint8 ``(H, W, 3)`` with at least one pixel."""
    problem = ""
    if not isinstance(image, np.ndarray):
        problem = f"a {type(image).__name__}"
    elif image.ndim != 3 or image.shape[2] != 3 or not image.size:
        problem = f"shape {image.shape!r}"
    elif image.dtype != np.uint8:
        problem = f"dtype {image.dtype}"
    if problem:
        raise ValueError(
            f"Incorrect value for 'image' argument: {problem}: RGB uint8 (H, W, 3) is needed"
        )
