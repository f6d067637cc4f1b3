"""Template tracking: finding a face again in the next frame at a fraction of a detection's cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from emotion.image.resize import downscale

SEARCH_SIDE_PX: Final = 160
"""Longer side at which frames are searched: matching a face takes a fifth of a millisecond."""
SEARCH_MARGIN: Final = 0.35
"""How far around its last position a face is searched for, as a fraction of the template's side."""
MIN_SEARCH_MARGIN_PX: Final = 3
MIN_CORRELATION: Final = 0.6
"""Least normalized correlation at which the best match is the face."""
TEMPLATE_FRACTION: Final = 0.8
"""Side of the template, as a fraction of the face's box: what lies around a face does not move
with it, and the template of a face that fills the frame could not move at all."""
MIN_TEMPLATE_PX: Final = 8
"""A smaller template matches anything."""


@dataclass(frozen=True, slots=True)
class SearchFrame:
    """A frame as it is searched for templates.

    Attributes:
        grey: uint8 ``(h, w)``, at most `SEARCH_SIDE_PX` a side.
        scale: its size relative to the full frame, in (0, 1].
    """

    grey: NDArray[np.uint8]
    scale: float


@dataclass(frozen=True, slots=True)
class Template:
    """What a face looked like when it was detected, and where it was last found.

    Attributes:
        pixels: grey uint8 ``(h, w)``, a copy of a part of the search frame.
        x, y: of its upper left corner, in pixels of the search frame.
    """

    pixels: NDArray[np.uint8]
    x: float
    y: float


def search_frame(frame: NDArray[np.uint8]) -> SearchFrame:
    """Return RGB uint8 ``(H, W, 3)`` as it is searched for templates."""
    small, scale = downscale(frame, SEARCH_SIDE_PX)
    grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.uint8, copy=False)
    return SearchFrame(grey, scale)


def face_template(
    frame: SearchFrame, x: float, y: float, width: float, height: float
) -> Template | None:
    """Return the template of a face, or None where the face is too small for one.

    Args:
        frame: the frame in which the face was detected.
        x: of the upper left corner of the face's box, in pixels of the full frame.
        y: of the same corner.
        width: of the box.
        height: of the box.
    """
    edge, scale = (1 - TEMPLATE_FRACTION) / 2, frame.scale
    return extract_template(
        frame.grey,
        (x + edge * width) * scale,
        (y + edge * height) * scale,
        TEMPLATE_FRACTION * width * scale,
        TEMPLATE_FRACTION * height * scale,
    )


def extract_template(
    grey: NDArray[np.uint8], x: float, y: float, width: float, height: float
) -> Template | None:
    """Return a part of a search frame as a template, or None where it is too small."""
    rows, columns = grey.shape
    left, top = max(0, round(x)), max(0, round(y))
    right, bottom = min(columns, round(x + width)), min(rows, round(y + height))
    if right - left < MIN_TEMPLATE_PX or bottom - top < MIN_TEMPLATE_PX:
        return None
    return Template(grey[top:bottom, left:right].copy(), left, top)


def locate(grey: NDArray[np.uint8], template: Template) -> Template | None:
    """Return a template with the position at which it is found in another search frame.

    Args:
        grey: uint8 ``(h, w)``, of the size of the frame that the template was extracted from.
        template: searched for around its last position.

    Returns:
        The template at its new position, to a fraction of a pixel; None where nothing resembles
        it.
    """
    height, width = template.pixels.shape
    rows, columns = grey.shape
    margin = max(MIN_SEARCH_MARGIN_PX, round(SEARCH_MARGIN * max(height, width)))
    left, top = max(0, round(template.x) - margin), max(0, round(template.y) - margin)
    right = min(columns, round(template.x) + width + margin)
    bottom = min(rows, round(template.y) + height + margin)
    if right - left < width or bottom - top < height:
        return None
    searched = grey[top:bottom, left:right]
    correlation = cv2.matchTemplate(searched, template.pixels, cv2.TM_CCOEFF_NORMED)
    _, best, _, (column, row) = cv2.minMaxLoc(correlation)
    if not best >= MIN_CORRELATION:  # also NaN, in a frame of a single colour
        return None
    x = column + _subpixel_peak(correlation[row], column)
    y = row + _subpixel_peak(correlation[:, column], row)
    return Template(template.pixels, left + x, top + y)


def _subpixel_peak(values: NDArray[Any], index: int) -> float:
    """Return the offset, -0.5 to 0.5, of the peak of a parabola through ``index`` and around it."""
    if not 0 < index < len(values) - 1:
        return 0.0
    before, here, after = (float(v) for v in values[index - 1 : index + 2])
    curvature = before - 2 * here + after
    return 0.0 if curvature >= 0 else max(-0.5, min(0.5, (before - after) / (2 * curvature)))
