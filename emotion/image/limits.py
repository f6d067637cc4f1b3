"""Limits on what decoding an image may cost, checked on its header before anything is decoded.

Without them a file of a few kilobytes makes a decoder take gigabytes or minutes. What cameras and
phones produce stays within the limits, and every file of up to `MAX_BYTES` takes less than 3 s of
one core and 450 MB (``benchmarks/picture_limits.py`` prints both).
"""

from __future__ import annotations

from typing import Final

MAX_BYTES: Final = 15_000_000
MAX_EDGE_PX: Final = 32_768
"""On either side. Decoders keep a record for every row or column, however short."""

MAX_MEGAPIXELS: Final = {
    "JPEG": 210.0,  # can be decoded at an eighth of its size; phones make up to 200
    "HEIC": 50.0,  # 4.6 bytes a pixel; phones make up to 49
    "PNG": 40.0,  # 4 bytes a pixel
    "GIF": 40.0,
    "BMP": 40.0,
    "AVIF": 30.0,  # 9 to 13 bytes a pixel
    "WebP": 25.0,  # 15 bytes a pixel
}
"""Largest image of each format that is read."""
MAX_DEEP_MEGAPIXELS: Final = {"HEIC": 25.0, "PNG": 18.0}
"""The same for images whose colours have more than 8 bits, and take two bytes each."""
MAX_LOSSLESS_JPEG_MEGAPIXELS: Final = 25.0
"""Lossless JPEG is not decoded at a reduced size."""
MAX_RUN_LENGTH_MEGAPIXELS: Final = 10.0
MAX_RUN_LENGTH_BYTES: Final = 1_500_000
"""Pillow reads run-length encoded BMP in Python, a microsecond a run."""

MAX_SEGMENTS: Final = 1_000
"""Segments of a JPEG, its scans included."""
MAX_CHUNKS: Final = 20_000
"""Chunks of a PNG or a WebP, boxes of a HEIC or an AVIF, blocks before a GIF's first frame."""
MAX_TILES_FACTOR: Final = 2.5
"""The tiles, layers and alpha plane of a HEIC or AVIF together have at most this many times the
megapixels that the format may have."""
MAX_SCANS: Final = 100
MAX_SCAN_MEGAPIXELS: Final = 1_600.0
"""Scans times megapixels of a JPEG: a scan visits every block, even if it adds
nothing to it. 108 megapixels in ten scans, as encoders write them, make 1,080."""
MAX_COEFFICIENT_BYTES: Final = 380_000_000
"""A JPEG of several scans is kept as coefficients, two bytes each, until the last one."""


class ImageError(ValueError):
    """A file that is refused. Its text is the sentence for the visitor."""


class TooComplexError(ImageError):
    """An image in too many pieces: reading it would take too long."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"This picture is not read: it has {what}, which would take too long. Save it again "
            "with another program and try that."
        )


def check_bytes(count: int) -> None:
    """Raise an `ImageError` if a file of ``count`` bytes is larger than what is read."""
    if count > MAX_BYTES:
        raise ImageError(
            f"This picture is too large: {count / 1e6:.1f} MB, and at most "
            f"{MAX_BYTES / 1e6:.0f} MB are read."
        )


def check_size(width: int, height: int, megapixels: float) -> None:
    """Raise an `ImageError` if an image has too many pixels, in all or on one side.

    Args:
        width: in pixels.
        height: in pixels.
        megapixels: how many millions of pixels it may have.
    """
    found = f"{width:,} × {height:,} pixels"
    if width * height > megapixels * 1e6:
        raise ImageError(
            f"This picture is too large: {found}, and at most {megapixels:.0f} megapixels are read."
        )
    if max(width, height) > MAX_EDGE_PX:
        raise ImageError(
            f"This picture is too large: {found}, and at most {MAX_EDGE_PX:,} pixels a side are "
            "read."
        )


def check_count(count: int, limit: int, what: str) -> None:
    """Raise a `TooComplexError` if there are more than ``limit`` of something."""
    if count > limit:
        raise TooComplexError(f"more than {limit:,} {what}")
