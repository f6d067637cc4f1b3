"""A photo that only the visitor's browser has: drawn from its own copy, or sent after all."""

from __future__ import annotations

from typing import Any, Final

from emotion.annotation import corner_radius, outline_widths, square_box
from emotion.types import Box
from ui.photo.device import DeviceCopy
from ui.server import device_assets
from ui.widgets.frontend import component

_photo = component("device_photo", shared=("button",))

GONE: Final = "Your browser no longer has this picture. Please choose it again."


def device_photo(copy: DeviceCopy, *, key: str, alt: str, face: Box | None) -> None:
    """Draw the photo cropped like `square_around`, with the face outlined like `annotate`.

    Args:
        copy: which photo.
        key: unique on the page.
        alt: what it shows, in words.
        face: in pixels of the photo; ``None`` to draw the whole photo.
    """
    whole = Box(0, 0, copy.width, copy.height)
    part, outline = whole, None
    if face is not None:
        part = square_box([face], width=copy.width, height=copy.height)
        line, edge = outline_widths(face)
        outline = _sides(face) | {"line": line, "edge": edge, "radius": corner_radius(face)}
    _mount(
        key,
        copy,
        picture={"alt": alt, "part": _sides(part), "whole": _sides(whole), "outline": outline},
    )


def closer_look(copy: DeviceCopy, text: str, *, key: str, uploader: str) -> None:
    """Offer to send the photo to the server, which may find more faces in it.

    Args:
        copy: which photo.
        text: why, in sentences.
        key: unique on the page.
        uploader: the key of the container that holds Streamlit's uploader, which is hidden.
    """
    offer = {
        "text": text,
        "label": "Send it to the server for a closer look",
        "uploader": uploader,
    }
    _mount(key, copy, offer=offer)


def _mount(key: str, copy: DeviceCopy, **data: Any) -> None:
    base = device_assets.base_address()
    if base is not None:
        _photo(
            key=key,
            data={
                "module": base + device_assets.PHOTOS,
                "number": copy.number,
                "gone": GONE,
                **data,
            },
        )


def _sides(box: Box) -> dict[str, int]:
    return {"x": box.x, "y": box.y, "width": box.width, "height": box.height}
