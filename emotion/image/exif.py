"""The only thing that is read from an image's EXIF data: which way is up."""

from __future__ import annotations

import struct
from typing import Final

PREFIX: Final = b"Exif\0\0"
ORIENTATION_TAG: Final = 0x0112
FORMATS: Final = {1: "B", 3: "H", 4: "I"}
"""Types of a tag that hold one whole number, of one, two or four bytes."""


def orientation(exif: bytes) -> int:
    """Return the orientation in EXIF data, 1-8; 1, upright, if there is none or it is broken.

    Pillow would read every tag, and tags may all claim the same large piece of the file.

    Args:
        exif: a TIFF header and its first directory, with or without the prefix used in JPEGs.
    """
    exif = exif.removeprefix(PREFIX)
    order = {b"II": "<", b"MM": ">"}.get(exif[:2])
    if order is None:
        return 1
    try:
        (start,) = struct.unpack_from(order + "I", exif, 4)
        (count,) = struct.unpack_from(order + "H", exif, start)
        for entry in range(start + 2, start + 2 + 12 * count, 12):
            tag, kind = struct.unpack_from(order + "HH", exif, entry)
            if tag == ORIENTATION_TAG and kind in FORMATS:
                (value,) = struct.unpack_from(order + FORMATS[kind], exif, entry + 8)
                return int(value) if 1 <= value <= 8 else 1
    except struct.error:
        return 1
    return 1
