"""From the bytes of a file to an upright RGB picture of bounded size."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

MAX_BYTES: Final = 15_000_000
MAX_PIXELS: Final = 40_000_000
MAX_SIDE: Final = 1280
"""Twice the side at which faces are looked for. The smallest face found there, 24 pixels, has
48 pixels here, the network's own input: a larger picture would show it nothing more."""

READABLE: Final = "JPEG, PNG, WebP, BMP, GIF or HEIC"
UNREADABLE: Final = (
    f"This file is not a picture we can read. It would have to be a {READABLE} picture."
)
DAMAGED: Final = (
    f"This file is not a picture we can read: it is damaged or cut short. A complete {READABLE} "
    "picture works."
)
NO_HEIC: Final = (
    "This file is not a picture we can read: this installation does not know HEIC. Save it as "
    "JPEG, PNG, WebP, BMP or GIF and try again."
)

ORIENTATION_TAG: Final = 0x0112
UPRIGHT: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What undoes each EXIF orientation; 1 is upright."""

Opener = Callable[[io.BytesIO], Image.Image]


class ImageError(ValueError):
    """A file that is not read. Its text is the sentence for the visitor."""


def decode_image(data: bytes) -> NDArray[np.uint8]:
    """Return the picture in a file's bytes, upright and at most 1280 pixels a side.

    JPEG, PNG, WebP, BMP, GIF (the first frame) and, where pillow-heif is installed, HEIC.
    The EXIF orientation is applied, alpha laid on white, grey, palette, 16-bit and CMYK
    pictures turned into RGB.

    Args:
        data: the file, at most 15 MB of it, holding at most 40 megapixels. Both are checked
            before anything is decoded.

    Returns:
        RGB uint8 ``(H, W, 3)``.

    Raises:
        ImageError: too large, damaged, or no picture.
    """
    check_bytes(len(data))
    opener = _opener(data)
    try:
        with opener(io.BytesIO(data)) as picture:
            _check_pixels(picture)
            # A JPEG decodes to a half, quarter or eighth of its size for much less than the
            # whole: 12 megapixels take a third of the time.
            picture.draft("RGB", (MAX_SIDE, MAX_SIDE))
            picture.load()
            _check_pixels(picture)
            pixels = _rgb(picture)
            orientation = _orientation(picture)
    except ImageError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageError(_too_many_pixels("far more pixels than that")) from error
    except Exception as error:  # decoders meet broken files with every kind of exception
        raise ImageError(DAMAGED) from error
    return _upright(_bounded(pixels), orientation)


def check_bytes(count: int) -> None:
    """Raise an `ImageError` if a file of ``count`` bytes is larger than what is read."""
    if count > MAX_BYTES:
        raise ImageError(
            f"This picture is too large: {count / 1e6:.1f} MB, and at most "
            f"{MAX_BYTES / 1e6:.0f} MB are read."
        )


def _opener(data: bytes) -> Opener:
    """Choose the reader by the file's first bytes; names and extensions are not trusted.

    The readers are called by name, not through ``Image.open``, because that one meets a
    picture of many pixels with a warning or an error of its own before its size can be asked.
    """
    if data[:3] == b"\xff\xd8\xff":
        return JpegImageFile
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        return PngImageFile
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return WebPImageFile
    if data[:6] in (b"GIF87a", b"GIF89a"):
        return GifImageFile
    if data[:2] == b"BM":
        return BmpImageFile
    if data[4:8] == b"ftyp" and data[8:12] in (b"heic", b"heix", b"heim", b"heis", b"mif1"):
        return _heif_opener()
    raise ImageError(UNREADABLE)


def _heif_opener() -> Opener:
    try:
        from pillow_heif import HeifImageFile
    except ImportError as error:
        raise ImageError(NO_HEIC) from error
    opener: Opener = HeifImageFile
    return opener


def _check_pixels(picture: Image.Image) -> None:
    if picture.width * picture.height > MAX_PIXELS:
        raise ImageError(_too_many_pixels(f"{picture.width:,} × {picture.height:,} pixels"))


def _too_many_pixels(found: str) -> str:
    limit = f"{MAX_PIXELS / 1e6:.0f} megapixels"
    return f"This picture is too large: {found}, and at most {limit} are read."


def _orientation(picture: Image.Image) -> int:
    """Return the EXIF orientation, 1 where there is none or it cannot be read."""
    try:
        return int(picture.getexif().get(ORIENTATION_TAG, 1))
    except Exception:  # a picture with broken EXIF is still a picture
        return 1


def _rgb(picture: Image.Image) -> NDArray[np.uint8]:
    """Return a decoded picture of any mode as RGB uint8 ``(H, W, 3)``."""
    if picture.mode.startswith("I"):  # 16 bits a pixel, as integers of 16 or 32
        grey = (np.asarray(picture).astype(np.int64) >> 8).clip(0, 255).astype(np.uint8)
        return np.repeat(grey[..., np.newaxis], 3, axis=2)
    if picture.has_transparency_data:
        see_through = picture.convert("RGBA")
        white = Image.new("RGBA", see_through.size, "white")
        picture = Image.alpha_composite(white, see_through)
    return np.asarray(picture.convert("RGB"))


def _bounded(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width = pixels.shape[:2]
    shrink = MAX_SIDE / max(height, width)
    if shrink >= 1:
        return pixels
    size = max(1, round(width * shrink)), max(1, round(height * shrink))
    return cv2.resize(pixels, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


def _upright(pixels: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    if orientation not in UPRIGHT:
        return np.array(pixels)  # the caller's own and writable
    return np.array(Image.fromarray(pixels).transpose(UPRIGHT[orientation]))
