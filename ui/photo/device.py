"""Photos that the visitor's own browser reads: what the server gets to know of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from emotion.recognizer import MAX_FACES, notes_on
from emotion.types import EmotionScores, Face, FaceReading, ImageReading
from ui import browser_values


@dataclass(frozen=True, slots=True)
class DeviceCopy:
    """A picture that only the visitor's browser has.

    Attributes:
        number: the browser's number for it.
        width: in pixels, at the size at which it was read.
        height: in pixels, likewise.
        unsure: whether another detector, on the server, might find more faces in it.
    """

    number: int
    width: int
    height: int
    unsure: bool = False


def device_reading(told: Mapping[str, Any]) -> tuple[DeviceCopy, ImageReading]:
    """Return what a browser has read in a photo.

    Args:
        told: ``number``, ``width``, ``height``, ``unsure``, ``faces``, each with ``box`` and
            ``probabilities``, and how many faces were ``tiny``, ``away`` and ``leftOut``.

    Raises:
        ValueError: it is not what the app's own script sends.
        KeyError, TypeError: a value is missing.
    """
    width, height = (int(browser_values.number(told[side])) for side in ("width", "height"))
    if not 1 <= min(width, height) <= max(width, height) <= browser_values.MAX_SIDE_PX:
        raise ValueError("a picture has a width and a height")
    faces = told["faces"]
    if not isinstance(faces, list) or len(faces) > MAX_FACES:
        raise ValueError(f"a photo has at most {MAX_FACES} faces that are read")
    readings = tuple(_face(face, width, height) for face in faces)
    tiny, away, left_out = (
        int(browser_values.number(told[name])) for name in ("tiny", "away", "leftOut")
    )
    copy = DeviceCopy(
        number=int(browser_values.number(told["number"])),
        width=width,
        height=height,
        unsure=bool(told["unsure"]),
    )
    notes = notes_on(tiny=tiny, away=away, left_out=left_out, read=len(readings))
    return copy, ImageReading(readings, notes)


def _face(told: Mapping[str, Any], width: int, height: int) -> FaceReading:
    box = browser_values.box(told["box"])
    if not box.area or box.x + box.width > width or box.y + box.height > height:
        raise ValueError("a face within the picture is needed")
    scores = EmotionScores(browser_values.probabilities(told["probabilities"]))
    return FaceReading(Face(box), scores)
