"""A photo of several people, to tap one of their faces."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from emotion.types import Box
from ui.photo.device import DeviceCopy
from ui.photo.picture import data_url
from ui.server import device_assets
from ui.widgets.frontend import component

_picker = component("face_picker")

PORTRAIT_SCALE: Final = 1.5
"""Side of a portrait, in sides of its face."""


def face_picker(
    image: NDArray[np.uint8] | DeviceCopy,
    boxes: Sequence[Box],
    *,
    key: str,
    chosen: int,
    everyone: int,
    on_choose: Callable[[int], None],
) -> None:
    """Draw the whole photo with all faces outlined, small portraits, and "Everyone together".

    Args:
        image: RGB uint8 ``(H, W, 3)``, or a photo that only the visitor's browser has.
        boxes: where the faces are, in pixels of the image.
        key: unique on the page.
        chosen: the index of a face in `boxes`, or `everyone`.
        everyone: the number that stands for all of them together.
        on_choose: called with an index, or `everyone`.
    """

    def choose() -> None:
        face = st.session_state[key].get("chosen")
        if type(face) is int:
            on_choose(face)

    if isinstance(image, DeviceCopy):
        width, height = image.width, image.height
        base = device_assets.base_address() or ""
        picture = {"module": base + device_assets.PHOTOS, "number": image.number}
    else:
        height, width = image.shape[:2]
        picture = {"image": data_url(image)}
    _picker(
        key=key,
        on_chosen_change=choose,
        data={
            **picture,
            "alt": f"Your photo with all {len(boxes)} faces outlined",
            "ask": "Whose mood? Tap a face.",
            "chosen": chosen,
            "everyone": {"label": "Everyone together", "value": everyone},
            "faces": [
                {
                    "label": f"Face {number}",
                    "box": _percent(box, width, height),
                    "crop": _percent(_portrait(box, width, height), width, height),
                }
                for number, box in enumerate(boxes, start=1)
            ],
        },
    )


def _portrait(box: Box, width: int, height: int) -> Box:
    """Return a square around a face, shifted to lie within the picture."""
    side = min(round(PORTRAIT_SCALE * max(box.width, box.height)), width, height)
    left = box.x + (box.width - side) // 2
    top = box.y + (box.height - side) // 2
    return Box(max(0, min(left, width - side)), max(0, min(top, height - side)), side, side)


def _percent(box: Box, width: int, height: int) -> dict[str, float]:
    return {
        "left": 100 * box.x / width,
        "top": 100 * box.y / height,
        "width": 100 * box.width / width,
        "height": 100 * box.height / height,
    }
