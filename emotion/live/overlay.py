"""Drawing a live reading onto the image: outlines, names, a small chart.

Many times a second, so words are set once and kept; they are words, never parts of an image.
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

TEXT: Final = 0.045
"""Height of the letters as a share of the image's shorter side: 22 pixels at 480, which is 12
on a phone that shows the image half as large."""
ROWS: Final = 3
"""Emotions in the small chart."""
WORTH_A_ROW: Final = 0.05
"""Tiny probabilities overtake one another all the time; below this one they get no row."""
OTHERWISE: Final = ("neutral", "happy", "sad")
"""These fill the rows that are left."""
GROUND: Final = 0.78
"""How dark the ground behind words is, 0-1."""


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
    size = max(12, round(min(image.shape[:2]) * TEXT))
    for face in reading.faces:
        box = face.reading.face.box
        label = _label(captions[face.emotion].word, round(size * 1.15))
        middle = box.x + (box.width - label.shape[1]) // 2
        above = box.y - label.shape[0] - size // 2
        # Where a face touches the upper edge its name goes inside, over the forehead.
        _lay(drawn, label, middle, above if above >= 0 else box.y + size // 2)
    _chart(drawn, reading, captions, size)
    return drawn


def _chart(
    image: NDArray[np.uint8],
    reading: LiveReading,
    captions: Mapping[str, Caption],
    size: int,
) -> None:
    """Draw the leading emotions as bars, in the order of `EMOTIONS` so that rows stay put."""
    leading = [name for name, probability in reading.scores.ranked if probability >= WORTH_A_ROW]
    shown = list(dict.fromkeys((*leading[:ROWS], *OTHERWISE)))[:ROWS]
    rows = [(n, p) for n, p in reading.scores.as_dict().items() if n in shown]
    line, pad = round(size * 1.35), size // 2
    word_width = max(_word(captions[name].word, size).shape[1] for name in captions)
    bar_width = size * 5
    panel = _ground(3 * pad + word_width + bar_width, line * len(rows) + pad)
    left, top = pad, image.shape[0] - panel.shape[0] - pad
    if top < 0 or left + panel.shape[1] > image.shape[1]:
        return  # an image too small for it keeps the outline
    _lay(image, panel, left, top)
    for row, (name, probability) in enumerate(rows):
        y = top + pad // 2 + row * line
        word = _word(captions[name].word, size)
        _lay(image, word, left + pad, y + (line - word.shape[0]) // 2)
        x, tall = left + 2 * pad + word_width, round(size * 0.55)
        high = y + (line - tall) // 2
        _bar(image, x, high, bar_width, tall, (96, 84, 90))
        filled = max(2, round(bar_width * probability))
        _bar(image, x, high, filled, tall, captions[name].colour)


def _bar(image: NDArray[np.uint8], x: int, y: int, width: int, height: int, colour: Colour) -> None:
    cv2.rectangle(image, (x, y), (x + width - 1, y + height - 1), colour, cv2.FILLED)


def _lay(image: NDArray[np.uint8], sprite: NDArray[np.uint8], x: int, y: int) -> None:
    """Blend RGBA uint8 ``(h, w, 4)`` into the image, moved to lie within it."""
    high, wide = sprite.shape[:2]
    rows, columns = image.shape[:2]
    if high > rows or wide > columns:
        return
    x, y = max(0, min(x, columns - wide)), max(0, min(y, rows - high))
    below = image[y : y + high, x : x + wide]
    opacity = sprite[..., 3:].astype(np.uint16)
    mixed = below * (255 - opacity) + sprite[..., :3] * opacity
    below[:] = ((mixed + 127) // 255).astype(np.uint8)


@lru_cache(maxsize=128)
def _word(text: str, size: int) -> NDArray[np.uint8]:
    """Set a word in white; RGBA uint8, as high as the letters of any word."""
    font = ImageFont.load_default(size)
    wide = max(1, round(font.getlength(text)))
    canvas = Image.new("RGBA", (wide, round(size * 1.3)), (*WHITE, 0))
    ImageDraw.Draw(canvas).text((0, canvas.height / 2), text, font=font, fill=WHITE, anchor="lm")
    return np.array(canvas)


@lru_cache(maxsize=128)
def _label(text: str, size: int) -> NDArray[np.uint8]:
    """Set a word in white on a dark pill; RGBA uint8."""
    word = Image.fromarray(_word(text, size))
    pad = size // 2
    pill = Image.fromarray(_ground(word.width + 2 * pad, word.height + pad // 2))
    pill.alpha_composite(word, (pad, pad // 4))
    return np.array(pill)


@lru_cache(maxsize=128)
def _ground(width: int, height: int) -> NDArray[np.uint8]:
    """Return a dark rectangle with round corners; RGBA uint8."""
    # Drawn at four times the size: Pillow does not smooth edges.
    canvas = Image.new("L", (4 * width, 4 * height), 0)
    ImageDraw.Draw(canvas).rounded_rectangle(
        (0, 0, 4 * width - 1, 4 * height - 1), radius=48, fill=round(255 * GROUND)
    )
    ground = Image.new("RGBA", (width, height), (*INK, 0))
    ground.putalpha(canvas.resize((width, height), Image.Resampling.BOX))
    return np.array(ground)
