"""A visitor's picture on the page. It is embedded in the page and has no address of its own."""

from __future__ import annotations

import base64
import io
from typing import Final, Literal

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from PIL import Image

from emotion.image.resize import downscale

MAX_PICTURE_SIDE_PX: Final = 1000
"""The longer side at most: more than the page has room for, even on a high-density screen."""
JPEG_QUALITY: Final = 88


def picture(
    image: NDArray[np.uint8], *, alt: str, width: int | Literal["stretch"] = "stretch"
) -> None:
    """Draw a visitor's picture.

    Not as an array through `st.image`, which would serve it at an address that anyone can fetch
    and caches may keep.

    Args:
        image: RGB uint8 ``(H, W, 3)`` or grey uint8 ``(H, W)``.
        alt: what it shows, in words.
        width: in pixels, or "stretch" for all the available width.
    """
    st.image(data_url(image), alt=alt, width=width)


def data_url(image: NDArray[np.uint8]) -> str:
    """Return a picture as a ``data:`` URL, no larger than a page needs.

    Args:
        image: RGB uint8 ``(H, W, 3)`` or grey uint8 ``(H, W)``.
    """
    shown, _ = downscale(image, MAX_PICTURE_SIDE_PX)
    out = io.BytesIO()
    Image.fromarray(shown).save(out, "JPEG", quality=JPEG_QUALITY)
    return f"data:image/jpeg;base64,{base64.b64encode(out.getvalue()).decode('ascii')}"
