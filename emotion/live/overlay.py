"""Drawing a live reading onto a frame: outlines, names, a small chart.

That happens many times a second, so rendered words are cached. Nothing of a frame ever is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from emotion.annotation import INK, WHITE, Colour, annotate
from emotion.labels import EMOTIONS
from emotion.live.tracker import LiveReading

FONT_FRACTION: Final = 0.045
"""Font size as a fraction of the frame's shorter side: 22 pixels at 480, which is 12 on a phone
that shows the frame half as large."""
CHART_ROWS: Final = 3
"""Emotions in the small chart."""
MIN_ROW_PROBABILITY: Final = 0.05
"""Less probable emotions get no row: they change places all the time."""
FILL_ROWS: Final = ("neutral", "happy", "sad")
"""These fill the rows that are left."""
BACKGROUND_OPACITY: Final = 0.78
"""Of the dark background of words, 0-1."""


@dataclass(frozen=True, slots=True)
class Caption:
    """How an emotion is written and coloured on an image."""

    word: str
    colour: Colour = WHITE


PLAIN_CAPTIONS: Final[Mapping[str, Caption]] = MappingProxyType(
    {name: Caption(name) for name in EMOTIONS}
)


def draw_reading(
    image: NDArray[np.uint8], reading: LiveReading, captions: Mapping[str, Caption] = PLAIN_CAPTIONS
) -> NDArray[np.uint8]:
    """Return a copy of a frame with a live reading on it.

    Every face is outlined and carries its emotion; a chart of the leading ones, of the face or
    of everybody together, is in the lower left corner.

    Args:
        image: RGB uint8 ``(H, W, 3)``.
        reading: what to draw; its boxes lie in the image.
        captions: emotion → how to write it.

    Returns:
        RGB uint8 ``(H, W, 3)``.
    """
    drawn = annotate(image, [face.reading for face in reading.faces])
    size = max(12, round(min(image.shape[:2]) * FONT_FRACTION))
    for face in reading.faces:
        box = face.reading.face.box
        label = _render_label(captions[face.emotion].word, round(size * 1.15))
        middle = box.x + (box.width - label.shape[1]) // 2
        above = box.y - label.shape[0] - size // 2
        # Where a face touches the upper edge its name goes inside, over the forehead.
        _blend(drawn, label, middle, above if above >= 0 else box.y + size // 2)
    _chart(drawn, reading, captions, size)
    return drawn


def _chart(
    image: NDArray[np.uint8],
    reading: LiveReading,
    captions: Mapping[str, Caption],
    size: int,
) -> None:
    """Draw the leading emotions as bars, in the order of `EMOTIONS` so that rows stay put."""
    leading = [
        name for name, probability in reading.scores.ranked if probability >= MIN_ROW_PROBABILITY
    ]
    shown = list(dict.fromkeys((*leading[:CHART_ROWS], *FILL_ROWS)))[:CHART_ROWS]
    rows = [(n, p) for n, p in reading.scores.as_dict().items() if n in shown]
    line, pad = round(size * 1.35), size // 2
    word_width = max(_render_word(captions[name].word, size).shape[1] for name in captions)
    bar_width = size * 5
    panel = _background(3 * pad + word_width + bar_width, line * len(rows) + pad)
    left, top = pad, image.shape[0] - panel.shape[0] - pad
    if top < 0 or left + panel.shape[1] > image.shape[1]:
        return  # an image too small for it keeps the outline
    _blend(image, panel, left, top)
    for row, (name, probability) in enumerate(rows):
        y = top + pad // 2 + row * line
        word = _render_word(captions[name].word, size)
        _blend(image, word, left + pad, y + (line - word.shape[0]) // 2)
        x, bar_height = left + 2 * pad + word_width, round(size * 0.55)
        bar_y = y + (line - bar_height) // 2
        _bar(image, x, bar_y, bar_width, bar_height, (96, 84, 90))
        filled = max(2, round(bar_width * probability))
        _bar(image, x, bar_y, filled, bar_height, captions[name].colour)


def _bar(image: NDArray[np.uint8], x: int, y: int, width: int, height: int, colour: Colour) -> None:
    cv2.rectangle(image, (x, y), (x + width - 1, y + height - 1), colour, cv2.FILLED)


def _blend(image: NDArray[np.uint8], sprite: NDArray[np.uint8], x: int, y: int) -> None:
    """Blend RGBA uint8 ``(h, w, 4)`` into the image, moved to lie within it."""
    height, width = sprite.shape[:2]
    rows, columns = image.shape[:2]
    if height > rows or width > columns:
        return
    x, y = max(0, min(x, columns - width)), max(0, min(y, rows - height))
    below = image[y : y + height, x : x + width]
    opacity = sprite[..., 3:].astype(np.uint16)
    mixed = below * (255 - opacity) + sprite[..., :3] * opacity
    below[:] = ((mixed + 127) // 255).astype(np.uint8)


@lru_cache(maxsize=128)
def _render_word(text: str, size: int) -> NDArray[np.uint8]:
    """Render a word in white as RGBA uint8; all words of a font size are equally high."""
    font = ImageFont.load_default(size)
    width = max(1, round(font.getlength(text)))
    canvas = Image.new("RGBA", (width, round(size * 1.3)), (*WHITE, 0))
    ImageDraw.Draw(canvas).text((0, canvas.height / 2), text, font=font, fill=WHITE, anchor="lm")
    return np.array(canvas)


@lru_cache(maxsize=128)
def _render_label(text: str, size: int) -> NDArray[np.uint8]:
    """Render a word in white on a dark pill as RGBA uint8."""
    word = Image.fromarray(_render_word(text, size))
    pad = size // 2
    pill = Image.fromarray(_background(word.width + 2 * pad, word.height + pad // 2))
    pill.alpha_composite(word, (pad, pad // 4))
    return np.array(pill)


@lru_cache(maxsize=128)
def _background(width: int, height: int) -> NDArray[np.uint8]:
    """Return a dark rectangle with round corners; RGBA uint8."""
    # Drawn at four times the size: Pillow does not smooth edges.
    canvas = Image.new("L", (4 * width, 4 * height), 0)
    ImageDraw.Draw(canvas).rounded_rectangle(
        (0, 0, 4 * width - 1, 4 * height - 1), radius=48, fill=round(255 * BACKGROUND_OPACITY)
    )
    ground = Image.new("RGBA", (width, height), (*INK, 0))
    ground.putalpha(canvas.resize((width, height), Image.Resampling.BOX))
    return np.array(ground)
