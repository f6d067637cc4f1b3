"""Drawing a live reading onto a frame: outlines and names.

That happens many times a second, so rendered words are cached; frames never are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from emotion.annotation import INK, WHITE, Colour, annotate
from emotion.labels import EMOTIONS
from emotion.live.tracker import LiveReading

FONT_FRACTION: Final = 0.045
"""Font size as a fraction of the frame's shorter side: 22 pixels at 480, which is 12 on a phone
that shows the frame half as large."""
BACKGROUND_OPACITY: Final = 0.78
"""Opacity of the dark background of words, 0-1."""


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

    Every face is outlined and carries its emotion, in the emotion's colour.

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
        caption = captions[face.emotion]
        label = _render_label(caption.word, round(size * 1.15), caption.colour)
        middle = box.x + (box.width - label.shape[1]) // 2
        above = box.y - label.shape[0] - size // 2
        below = box.y + box.height + size // 2
        # If a face leaves no room above or below, its name goes inside, over the forehead.
        if above >= 0:
            y = above
        elif below + label.shape[0] <= image.shape[0]:
            y = below
        else:
            y = box.y + size // 2
        _blend(drawn, label, middle, y)
    return drawn


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
def _render_word(text: str, size: int, colour: Colour) -> NDArray[np.uint8]:
    """Render a word as RGBA uint8; all words of one font size have the same height."""
    font = ImageFont.load_default(size)
    width = max(1, round(font.getlength(text)))
    canvas = Image.new("RGBA", (width, round(size * 1.3)), (*colour, 0))
    ImageDraw.Draw(canvas).text((0, canvas.height / 2), text, font=font, fill=colour, anchor="lm")
    return np.array(canvas)


@lru_cache(maxsize=128)
def _render_label(text: str, size: int, colour: Colour) -> NDArray[np.uint8]:
    """Render a word on a dark pill as RGBA uint8."""
    word = Image.fromarray(_render_word(text, size, colour))
    pad = size // 2
    pill = Image.fromarray(_background(word.width + 2 * pad, word.height + pad // 2))
    pill.alpha_composite(word, (pad, pad // 4))
    return np.array(pill)


@lru_cache(maxsize=128)
def _background(width: int, height: int) -> NDArray[np.uint8]:
    """Return a dark rectangle with rounded corners; RGBA uint8."""
    # Drawn at four times the size: Pillow does not smooth edges.
    canvas = Image.new("L", (4 * width, 4 * height), 0)
    ImageDraw.Draw(canvas).rounded_rectangle(
        (0, 0, 4 * width - 1, 4 * height - 1), radius=48, fill=round(255 * BACKGROUND_OPACITY)
    )
    ground = Image.new("RGBA", (width, height), (*INK, 0))
    ground.putalpha(canvas.resize((width, height), Image.Resampling.BOX))
    return np.array(ground)
