"""From the bytes of a file to an upright RGB image of bounded size.

A file goes through three steps: its container is read and checked against the limits in
`emotion.image.limits`, what is needed of it is decoded (at a reduced size where the format has
one), and the result is made smaller strip by strip, so that no second copy of a large image
is ever made.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, features
from PIL.AvifImagePlugin import AvifImageFile
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from emotion.image.containers import (
    PNG_SIGNATURE,
    check_bmp,
    read_gif,
    read_png,
    read_webp,
)
from emotion.image.exif import orientation
from emotion.image.heif import heif_kind, read_heif
from emotion.image.jpeg import read_jpeg
from emotion.image.limits import (
    MAX_BYTES,
    MAX_DEEP_MEGAPIXELS,
    MAX_MEGAPIXELS,
    ImageError,
    check_bytes,
    check_size,
)
from emotion.image.resize import scaled_size

__all__ = ["MAX_BYTES", "MAX_SIDE_PX", "ImageError", "check_bytes", "decode_image"]

MAX_SIDE_PX: Final = 1280
"""Twice the side at which faces are detected. The smallest face detected there, 24 pixels, has 48
pixels here, as many as the network's input: a larger image would add nothing."""
MAX_PANORAMA_HEIGHT_PX: Final = MAX_SIDE_PX // 2
"""In panoramas, which are more than twice as long as they are high, the height is bounded instead:
downscaled to `MAX_SIDE_PX` they would show no face."""
MAX_PANORAMA_LENGTH_PX: Final = 8 * MAX_SIDE_PX
"""Faces are detected in up to eight parts of a panorama (`emotion.detectors.panorama`)."""
MIN_PANORAMA_HEIGHT_PX: Final = 28
"""A narrower strip holds no face that is large enough to be read."""
DRAFT_MARGIN: Final = 1.34
"""A JPEG is decoded at no less than this multiple of the target size: it is then downscaled once
more, and two small steps would make it soft."""
STRIP_PIXELS: Final = 2_000_000
"""Large images are downscaled in strips of about this many pixels."""

MAX_CONCURRENT_DECODES: Final = 2
"""Images decoded at the same time in one process. The cost of one is bounded, and so is the sum."""

READABLE: Final = "JPEG, PNG, WebP, BMP, GIF, HEIC or AVIF"
UNREADABLE: Final = f"This file is not a picture we can read. Please use a {READABLE} file."
DAMAGED: Final = (
    f"This file is not a picture we can read: it is damaged or cut short. A complete {READABLE} "
    "picture works."
)
NOT_INSTALLED: Final = (
    "This file is not a picture we can read: this installation does not know {format}. Save it "
    "as JPEG, PNG, WebP, BMP or GIF and try again."
)

UNDO_ORIENTATION: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""EXIF orientation → the transposition that undoes it. 1, upright, needs none."""

MAX_PADDING_FRACTION: Final = 0.001
"""Of a JPEG without its end marker, at most this fraction of the pixels may depend on the padding
after its data: more means that data are missing."""
PADDINGS: Final = (bytes(4096), bytes(range(1, 250, 3)) * 50)

Pixels = NDArray[np.uint8]
_decoding_slots = threading.BoundedSemaphore(MAX_CONCURRENT_DECODES)


def decode_image(data: bytes, *, on_wait: Callable[[], None] | None = None) -> Pixels:
    """Return the image in a file's bytes, upright and at most 1280 pixels a side.

    JPEG, PNG, WebP, BMP, GIF, AVIF (the first frame of each) and, where pillow-heif is
    installed, HEIC. The EXIF orientation is applied, transparency is laid on white, and grey,
    palette, 16-bit and CMYK images are converted to RGB. Checks on the header bound the cost of
    decoding (`emotion.image.limits`); text, profiles and their checksums are ignored.

    Two images are decoded at once in a process; further calls wait.

    Args:
        data: the file, at most 15 MB.
        on_wait: called once, in the calling thread, before it waits for others.

    Returns:
        RGB uint8 ``(H, W, 3)``. Panoramas are at most 640 pixels high and 10,240 long.

    Raises:
        ImageError: too large, too costly, damaged, or no image.
    """
    check_bytes(len(data))
    reader = _choose_reader(data)
    with _decoding_slot(on_wait):
        try:
            pixels, exif_orientation = reader(data)
        except ImageError:
            raise
        except Exception as error:  # decoders raise anything on broken files
            raise ImageError(DAMAGED) from error
        return _apply_orientation(pixels, exif_orientation)


@contextmanager
def _decoding_slot(on_wait: Callable[[], None] | None) -> Iterator[None]:
    """Hold one of the slots for decoding, and wait for it if need be."""
    if not _decoding_slots.acquire(blocking=False):
        if on_wait:
            on_wait()
        _decoding_slots.acquire()
    try:
        yield
    finally:
        _decoding_slots.release()


def _choose_reader(data: bytes) -> Callable[[bytes], tuple[Pixels, int]]:
    """Choose the reader by the file's first bytes; names and extensions are not trusted.

    Pillow's readers are called by name, not through ``Image.open``, because that warns or raises
    on an image of many pixels before its size can be checked.
    """
    if data[:3] == b"\xff\xd8\xff":
        return _jpeg
    if data[:8] == PNG_SIGNATURE:
        return _png
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return _webp
    if data[:6] in (b"GIF87a", b"GIF89a"):
        return _gif
    if data[:2] == b"BM":
        return _bmp
    kind = heif_kind(data)
    if kind:
        return _heic if kind == "HEIC" else _avif
    raise ImageError(UNREADABLE)


def _jpeg(data: bytes) -> tuple[Pixels, int]:
    file = read_jpeg(data)
    file.check_cost()
    if file.ended:
        return _pillow(JpegImageFile, file.rebuilt()), orientation(file.exif)
    # Without the end marker a decoder cannot tell a whole image from one that is cut short: it
    # goes on with whatever follows. So it is decoded twice, with different padding.
    if file.lacks_scans() or file.lacks_restarts():
        raise ValueError("A JPEG ends before its last scan does")
    pixels, other = (_pillow(JpegImageFile, file.rebuilt(padding)) for padding in PADDINGS)
    if (pixels != other).any(axis=2).mean() > MAX_PADDING_FRACTION:
        raise ValueError("A JPEG is cut short")
    return pixels, orientation(file.exif)


def _png(data: bytes) -> tuple[Pixels, int]:
    file = read_png(data)
    if not file.deep_colour:
        pixels = _pillow(PngImageFile, file.data, significant_bits=file.significant_bits)
        return pixels, orientation(file.exif)
    # Pillow would drop the lower byte of each sample, and with it images of 10 or 12 bits.
    samples = cv2.imdecode(np.frombuffer(file.data, np.uint8), cv2.IMREAD_UNCHANGED)
    if samples is None:
        raise ValueError("OpenCV cannot decode this PNG")
    return _downscale_samples(samples, file.significant_bits), orientation(file.exif)


def _webp(data: bytes) -> tuple[Pixels, int]:
    content, exif = read_webp(data)
    return _pillow(WebPImageFile, content, "WebP"), orientation(exif)


def _gif(data: bytes) -> tuple[Pixels, int]:
    return _pillow(GifImageFile, read_gif(data), "GIF"), 1


def _bmp(data: bytes) -> tuple[Pixels, int]:
    check_bmp(data)
    return _pillow(BmpImageFile, data, "BMP"), 1


def _avif(data: bytes) -> tuple[Pixels, int]:
    if not features.check("avif"):
        raise ImageError(NOT_INSTALLED.format(format="AVIF"))
    content = read_heif(data, "AVIF")
    with AvifImageFile(io.BytesIO(content)) as image:
        # Pillow translates the rotation in the file's boxes to EXIF data.
        exif_orientation = orientation(image.info.get("exif", b""))
    return _pillow(AvifImageFile, content, "AVIF"), exif_orientation


def _heic(data: bytes) -> tuple[Pixels, int]:
    try:
        from pillow_heif import HeifFile
    except ImportError as error:
        raise ImageError(NOT_INSTALLED.format(format="HEIC")) from error
    # Not through Pillow, which would copy the pixels. libheif turns the image upright itself.
    file = HeifFile(io.BytesIO(read_heif(data, "HEIC")))
    image = file[file.primary_index]
    deep = image.info["bit_depth"] > 8
    width, height = image.size
    check_size(width, height, (MAX_DEEP_MEGAPIXELS if deep else MAX_MEGAPIXELS)["HEIC"])
    samples = np.asarray(image)[:, : image.size[0]]
    mode: str = image.mode

    def strip(top: int, bottom: int) -> Image.Image:
        return Image.frombuffer(
            mode, (samples.shape[1], bottom - top), samples[top:bottom].tobytes(), "raw", mode, 0, 1
        )

    return _downscale_strips(samples.shape[1], samples.shape[0], strip), 1


def _pillow(opener: Any, data: bytes, name: str = "", *, significant_bits: int = 16) -> Pixels:
    """Decode with Pillow and return RGB uint8 ``(H, W, 3)`` of bounded size, as it is stored."""
    with opener(io.BytesIO(data)) as image:
        if name:
            check_size(image.width, image.height, MAX_MEGAPIXELS[name])
        # A JPEG decodes to a half, quarter or eighth of its size for much less than the whole:
        # 12 megapixels take a third of the time.
        width, height = _target_size(image.width, image.height)
        image.draft("RGB", (round(width * DRAFT_MARGIN), round(height * DRAFT_MARGIN)))
        image.load()
        if name:
            check_size(image.width, image.height, MAX_MEGAPIXELS[name])
        return _downscale_pillow(image, significant_bits)


def _downscale_pillow(image: Image.Image, significant_bits: int) -> Pixels:
    """Return a decoded image of any mode as RGB uint8 ``(H, W, 3)`` of bounded size."""
    if image.mode.startswith("I"):  # 16 bits a pixel, as integers of 16 or 32
        return _downscale_samples(np.asarray(image), significant_bits)
    bmp_with_alpha = isinstance(image, BmpImageFile) and image.mode == "RGBA"
    if bmp_with_alpha and image.getextrema()[-1] == (0, 0):
        # Four bytes a pixel, of which the fourth was never written: browsers show it as opaque.
        image = image.convert("RGB")

    def strip(top: int, bottom: int) -> Image.Image:
        return image.crop((0, top, image.width, bottom))

    return _downscale_strips(*image.size, strip)


def _downscale_samples(samples: NDArray[Any], significant_bits: int) -> Pixels:
    """Return samples of 16 bits as RGB uint8 ``(H, W, 3)`` of bounded size.

    Args:
        samples: ``(H, W)`` grey, or ``(H, W, 3)`` and ``(H, W, 4)`` in OpenCV's order.
        significant_bits: of each sample, as the file says.
    """
    alpha = samples[..., 3] if samples.ndim == 3 and samples.shape[2] == 4 else None
    colours = samples[..., :3] if samples.ndim == 3 else samples
    bits = _bits_used(int(colours.max()), significant_bits)
    alpha_bits = 16
    if alpha is not None and bits < 16 and int(alpha.max()) < 1 << bits:
        alpha_bits = bits

    def strip(top: int, bottom: int) -> Image.Image:
        part = (colours[top:bottom] >> (bits - 8)).clip(0, 255).astype(np.uint8)
        if part.ndim == 3:
            part = part[..., ::-1]
        if alpha is None:
            return Image.fromarray(np.ascontiguousarray(part))
        opacity = (alpha[top:bottom] >> (alpha_bits - 8)).clip(0, 255).astype(np.uint8)
        return Image.fromarray(np.dstack((part, opacity)))

    return _downscale_strips(samples.shape[1], samples.shape[0], strip)


def _bits_used(highest: int, significant_bits: int) -> int:
    """Return how many bits the samples use: 10 and 12 are often not scaled to 16.

    A 16-bit image whose brightest sample lies below a sixteenth of full scale would look black, so
    nothing is lost by taking it for one of 12 bits.
    """
    for bits in sorted({8, 10, 12, max(8, significant_bits)}):
        if highest < 1 << bits:
            return bits
    return 16


def _target_size(width: int, height: int) -> tuple[int, int]:
    """Return the bounded size of an image of ``width`` × ``height`` pixels."""
    shorter, longer = sorted((width, height))
    scale = MAX_SIDE_PX / longer
    if longer > 2 * shorter >= 2 * MIN_PANORAMA_HEIGHT_PX:
        scale = min(MAX_PANORAMA_HEIGHT_PX / shorter, MAX_PANORAMA_LENGTH_PX / longer)
    return scaled_size(width, height, min(scale, 1.0))


def _downscale_strips(width: int, height: int, strip: Callable[[int, int], Image.Image]) -> Pixels:
    """Return an image of bounded size that is made from strips of the large one.

    Args:
        width: of the large image.
        height: of the large image.
        strip: returns its rows from ``top`` up to, but not including, ``bottom``.

    Returns:
        RGB uint8 ``(H, W, 3)``, on white.
    """
    target = _target_size(width, height)
    # Downscaled by an integer first, but not so far that the result would be soft.
    factor = max(1, min(width // (2 * target[0]), height // (2 * target[1])))
    rows = max(1, STRIP_PIXELS // width // factor) * factor
    parts = [
        _on_white(strip(top, min(height, top + rows)), factor) for top in range(0, height, rows)
    ]
    pixels = parts[0] if len(parts) == 1 else np.concatenate(parts)
    if pixels.shape[1::-1] == target:
        return pixels
    return cv2.resize(pixels, target, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


def _on_white(image: Image.Image, factor: int) -> Pixels:
    """Return an image of any mode as RGB uint8, ``factor`` times smaller, laid on white.

    Colours are multiplied by their alpha before they are averaged, so that invisible pixels do not
    count; the white background is added to the small image.
    """
    if image.mode == "RGBa" or image.has_transparency_data:
        if image.mode != "RGBa":
            image = image.convert("RGBA").convert("RGBa")
        samples = np.asarray(image.reduce(factor))
        return np.asarray(samples[..., :3] + (255 - samples[..., 3:]))
    if image.mode not in ("L", "RGB"):
        image = image.convert("RGB")
    return np.asarray(image.reduce(factor).convert("RGB"))


def _apply_orientation(pixels: Pixels, exif_orientation: int) -> Pixels:
    if exif_orientation not in UNDO_ORIENTATION:
        return np.array(pixels)  # the caller's own and writable
    return np.array(Image.fromarray(pixels).transpose(UNDO_ORIENTATION[exif_orientation]))
