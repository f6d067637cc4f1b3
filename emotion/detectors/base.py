"""What every face detector promises."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from emotion.types import Face

Stage = Literal["find", "look again", "turn", "read"]
"""What is being done just now, for a page that shows progress: the first look for faces, the
careful second one, the looks at the picture turned, and reading the faces found."""

OnStage = Callable[[Stage], None]


class FaceDetector(Protocol):
    """Finds faces in an upright RGB picture. Safe to call from several threads at once."""

    def detect(self, image: NDArray[np.uint8], *, on_stage: OnStage | None = None) -> list[Face]:
        """Return the faces in RGB uint8 ``(H, W, 3)``.

        Their boxes lie within the picture and do not overlap; the largest comes first.
        """
        ...

    def warm_up(self) -> None:
        """Load what the first picture would otherwise wait for."""
        ...
