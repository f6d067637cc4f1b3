"""Finding a face again in the next frame, for a fraction of what detecting it costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

SIDE: Final = 160
"""Frames are searched at this size: a template match of a face takes a fifth of a millisecond."""
REACH: Final = 0.35
"""How far a face is searched from where it was, as a share of its side."""
ALIKE: Final = 0.6
"""Normalised correlation from which what is found is the face."""
INNER: Final = 0.8
"""Side of the template, as a fraction of the face's: what lies around a face does not move with
it, and one that fills the frame could not be searched for anywhere else."""
SMALLEST: Final = 8
"""Pixels below which a template says nothing."""


@dataclass(frozen=True, slots=True)
class Template:
    """What a face looked like when it was detected.

    Attributes:
        pixels: grey uint8 ``(h, w)``, cut out of the small frame.
        x, y: of its upper left corner there.
    """

    pixels: NDArray[np.uint8]
    x: float
    y: float


def small_grey(image: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], float]:
    """Return RGB uint8 ``(H, W, 3)`` as grey of at most `SIDE`, and how much smaller it is."""
    height, width = image.shape[:2]
    shrink = min(1.0, SIDE / max(height, width))
    size = max(1, round(width * shrink)), max(1, round(height * shrink))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.uint8, copy=False), shrink


def template_of(
    grey: NDArray[np.uint8], x: float, y: float, width: float, height: float
) -> Template | None:
    """Return the template of a box in a small grey frame; nothing where it is too small."""
    rows, columns = grey.shape
    left, top = max(0, round(x)), max(0, round(y))
    right, bottom = min(columns, round(x + width)), min(rows, round(y + height))
    if right - left < SMALLEST or bottom - top < SMALLEST:
        return None
    return Template(grey[top:bottom, left:right].copy(), left, top)


def find_again(grey: NDArray[np.uint8], template: Template) -> tuple[float, float] | None:
    """Return where a template's corner is now, x and y in the small frame.

    Args:
        grey: the frame as `small_grey` made it.
        template: looked for around where it was.

    Returns:
        The place, to a fraction of a pixel, or nothing where nothing resembles it.
    """
    high, wide = template.pixels.shape
    rows, columns = grey.shape
    reach = max(3, round(REACH * max(high, wide)))
    left, top = max(0, round(template.x) - reach), max(0, round(template.y) - reach)
    right = min(columns, round(template.x) + wide + reach)
    bottom = min(rows, round(template.y) + high + reach)
    if right - left < wide or bottom - top < high:
        return None
    found = cv2.matchTemplate(grey[top:bottom, left:right], template.pixels, cv2.TM_CCOEFF_NORMED)
    _, best, _, (column, row) = cv2.minMaxLoc(found)
    if not best >= ALIKE:  # also what is not a number, in a frame of one colour
        return None
    x = column + _peak(found[row], column)
    y = row + _peak(found[:, column], row)
    return left + x, top + y


def _peak(values: NDArray[Any], at: int) -> float:
    """Return by how much a parabola through three values peaks beside the middle one."""
    if not 0 < at < len(values) - 1:
        return 0.0
    before, here, after = (float(v) for v in values[at - 1 : at + 2])
    bend = before - 2 * here + after
    return 0.0 if bend >= 0 else max(-0.5, min(0.5, (before - after) / (2 * bend)))
