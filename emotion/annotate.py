"""Drawing what was read onto the picture."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from emotion.types import FaceReading


def annotate(
    image: NDArray[np.uint8],
    readings: Sequence[FaceReading],
    *,
    selected: int | None = None,
    labels: Sequence[str] | None = None,
) -> NDArray[np.uint8]:
    """Return a copy of RGB ``image`` with every face outlined."""
    raise NotImplementedError


def square_around(image: NDArray[np.uint8], readings: Sequence[FaceReading]) -> NDArray[np.uint8]:
    """Return the largest sensible square of RGB ``image`` that shows the faces."""
    raise NotImplementedError
