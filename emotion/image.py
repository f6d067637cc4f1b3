"""From the bytes of a file to an upright RGB picture of bounded size."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

MAX_BYTES = 15_000_000
MAX_PIXELS = 40_000_000
MAX_SIDE = 1280


class ImageError(ValueError):
    """A file that is not read. Its text is the sentence for the visitor."""


def decode_image(data: bytes) -> NDArray[np.uint8]:
    """Return the picture in ``data`` as upright RGB uint8 ``(H, W, 3)``, at most 1280 a side."""
    raise NotImplementedError
