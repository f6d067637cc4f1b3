"""Drawing readings onto an image, and cropping the part around the faces."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from emotion.types import Box, FaceReading

WHITE = (255, 255, 255)
INK = (29, 20, 25)
SQUARE_SCALE = 2.5
"""Side of the square around one face, as a multiple of the side of the face's box."""
FACE_CENTRE_HEIGHT = 0.43
"""Where the centre of the faces lies in the square, as a fraction of its height from the top."""

Colour = tuple[int, int, int]


def annotate(
    image: NDArray[np.uint8],
    readings: Sequence[FaceReading],
    *,
    selected: int | None = None,
    labels: Sequence[str] | None = None,
) -> NDArray[np.uint8]:
    """Return a copy of an image with every face outlined.

    The outline is a rounded white line with a dark edge, so that it shows on any image.

    Args:
        image: RGB uint8 ``(H, W, 3)``.
        readings: the faces.
        selected: index of the face to emphasize; the others get a thinner line.
        labels: a short text for each face.

    Returns:
        RGB uint8 ``(H, W, 3)``.

    Raises:
        ValueError: the numbers of labels and faces differ.
    """
    if labels is not None and len(labels) != len(readings):
        raise ValueError(
            f"Incorrect value for 'labels' argument: {len(labels)} for {len(readings)} faces"
        )
    drawn = np.array(image)
    for position, reading in enumerate(readings):
        box = reading.face.box
        line, edge = outline_widths(box, thin=selected is not None and position != selected)
        _draw_outline(drawn, box, INK, line + 2 * edge)
        _draw_outline(drawn, box, WHITE, line)
    if labels:
        drawn = _draw_labels(drawn, [reading.face.box for reading in readings], labels)
    return drawn


def square_around(image: NDArray[np.uint8], readings: Sequence[FaceReading]) -> NDArray[np.uint8]:
    """Return a square part of an image that shows the faces with some room around them.

    Where faces are too far apart for a square within the image, the space above and below (or
    beside) is filled with the image's own blurred reflection. Without faces the centre of the
    image is returned.

    Args:
        image: RGB uint8 ``(H, W, 3)``.
        readings: the faces, in the image's coordinates.

    Returns:
        RGB uint8 ``(S, S, 3)``.
    """
    height, width = image.shape[:2]
    square = square_box([reading.face.box for reading in readings], width=width, height=height)
    x, y, side = square.x, square.y, square.width
    if side > min(width, height):
        image, x, y = _pad_to_side(image, side, x, y)
    return np.array(image[y : y + side, x : x + side])


def square_box(boxes: Sequence[Box], *, width: int, height: int) -> Box:
    """Return the square that `square_around` shows of an image, in pixels.

    Where the faces are too far apart, it is larger than the image and starts at the image's edge.

    Args:
        boxes: of the faces; none for the centre of the image.
        width: of the image, in pixels.
        height: of the image, in pixels.
    """
    faces = boxes or [Box(0, 0, width, height)]
    left, top = min(b.x for b in faces), min(b.y for b in faces)
    right = max(b.x + b.width for b in faces)
    bottom = max(b.y + b.height for b in faces)
    extent = max(right - left, bottom - top)
    largest = max(max(b.width, b.height) for b in faces)
    wanted = max(largest * SQUARE_SCALE, extent * 1.1 + largest * 0.4)
    side = round(min(wanted, min(width, height))) if boxes else min(width, height)
    if boxes and side < extent:
        side = min(round(extent * 1.06), max(width, height))
    x = _clamp_start(round((left + right) / 2 - side / 2), side, width)
    y = _clamp_start(
        round((top + bottom) / 2 - side * (FACE_CENTRE_HEIGHT if boxes else 0.5)), side, height
    )
    return Box(x, y, side, side)


def outline_widths(box: Box, *, thin: bool = False) -> tuple[int, int]:
    """Return the widths of a face's white outline and of the dark edge on either side, in pixels.

    Args:
        box: of the face.
        thin: whether another face is emphasized.
    """
    line = max(2, round(max(box.width, box.height) * 0.022))
    if thin:
        line = max(1, line // 2)
    return line, max(2, round(line * 0.6))  # antialiasing takes one pixel of the edge


def corner_radius(box: Box) -> int:
    """Return the radius of the corners of a face's outline, in pixels."""
    return max(1, round(min(box.width, box.height) * 0.09))


def _clamp_start(start: int, side: int, end: int) -> int:
    """Return the start nearest to ``start`` that keeps ``side`` within 0 to ``end``."""
    return max(0, min(start, end - side))


def _pad_to_side(
    image: NDArray[np.uint8], side: int, x: int, y: int
) -> tuple[NDArray[np.uint8], int, int]:
    """Return the image on a blurred background at least ``side`` wide and high, and x, y in it."""
    height, width = image.shape[:2]
    above, beside = max(0, side - height) // 2, max(0, side - width) // 2
    below, beyond = max(0, side - height) - above, max(0, side - width) - beside
    ground = cv2.copyMakeBorder(image, above, below, beside, beyond, cv2.BORDER_REFLECT)
    ground = cv2.GaussianBlur(ground, (0, 0), max(1.0, side / 25))
    ground[above : above + height, beside : beside + width] = image
    return ground.astype(np.uint8, copy=False), x, y


def _draw_outline(image: NDArray[np.uint8], box: Box, colour: Colour, line: int) -> None:
    """Draw a rectangle with rounded corners."""
    x1, y1, x2, y2 = box.x, box.y, box.x + box.width - 1, box.y + box.height - 1
    radius = corner_radius(box)
    corners = (
        (x1 + radius, y1 + radius, 180),
        (x2 - radius, y1 + radius, 270),
        (x2 - radius, y2 - radius, 0),
        (x1 + radius, y2 - radius, 90),
    )
    for x, y, turn in corners:
        cv2.ellipse(
            image, (x, y), (radius, radius), turn, 0, 90, colour, line, lineType=cv2.LINE_AA
        )
    for start, end in (
        ((x1 + radius, y1), (x2 - radius, y1)),
        ((x2, y1 + radius), (x2, y2 - radius)),
        ((x2 - radius, y2), (x1 + radius, y2)),
        ((x1, y2 - radius), (x1, y1 + radius)),
    ):
        cv2.line(image, start, end, colour, line, lineType=cv2.LINE_AA)


def _draw_labels(
    image: NDArray[np.uint8], boxes: Sequence[Box], labels: Sequence[str]
) -> NDArray[np.uint8]:
    """Return the image with a label above every box, or inside where there is no room."""
    canvas = Image.fromarray(image)
    pen = ImageDraw.Draw(canvas)
    for box, label in zip(boxes, labels, strict=True):
        size = min(48, max(12, round(box.width * 0.14)))
        font = ImageFont.load_default(size)
        text_width = pen.textlength(label, font=font)
        pad = size // 3
        label_height, label_width = size + 2 * pad, text_width + 2 * pad
        left = max(0, min(box.x, canvas.width - label_width))
        top = box.y - label_height - pad if box.y >= label_height + pad else box.y + 2 * pad
        pen.rounded_rectangle(
            (left, top, left + label_width, top + label_height), radius=label_height / 3, fill=INK
        )
        pen.text((left + pad, top + label_height / 2), label, font=font, fill=WHITE, anchor="lm")
    return np.array(canvas)
