"""The containers of PNG, WebP, GIF and BMP, read before anything is decoded.

Each function checks the headers against `emotion.image.limits` and returns the file reduced to what
is needed to show its first frame: what a decoder never sees can neither cost anything nor break
it. Browsers, too, skip damaged or large text and profiles. A broken file raises a ValueError, or
whatever parsing it raises: KeyError, IndexError, struct.error, zlib.error.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from emotion.image.limits import (
    MAX_CHUNKS,
    MAX_DEEP_MEGAPIXELS,
    MAX_MEGAPIXELS,
    MAX_RUN_LENGTH_BYTES,
    MAX_RUN_LENGTH_MEGAPIXELS,
    TooComplexError,
    check_count,
    check_size,
)

PNG_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
PNG_KEPT: Final = (b"IHDR", b"PLTE", b"tRNS")
PNG_CHANNELS: Final = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}


@dataclass(frozen=True, slots=True)
class PngFile:
    """A PNG with its critical chunks alone.

    Attributes:
        data: the file.
        deep_colour: whether it has several channels of 16 bits.
        significant_bits: of its deepest channel, by the sBIT chunk; 16 without one.
        exif: its EXIF data; empty if there is none.
    """

    data: bytes
    deep_colour: bool
    significant_bits: int
    exif: bytes


def read_png(data: bytes) -> PngFile:
    """Return a PNG without text, profiles and further frames.

    Raises:
        ImageError: it is too large, or has too many chunks.
        ValueError: a critical chunk is broken or missing, or the image is cut short.
    """
    kept: dict[bytes, bytes] = {}
    image: list[bytes] = []
    significant, exif = 16, b""
    for kind, body, whole in _png_chunks(data):
        critical = not kind[0] & 0x20
        if critical and not whole:
            raise ValueError(f"PNG chunk {kind!r} with a wrong checksum")
        if kind == b"IDAT":
            image.append(body)
        elif kind in PNG_KEPT and whole:
            kept.setdefault(kind, body)
        elif kind == b"sBIT" and whole and body:
            significant = max(body[:3] if len(body) >= 3 else body[:1])
        elif kind == b"eXIf" and whole:
            exif = exif or body
        elif kind == b"IEND":
            break
    width, height, bits, colour, _, _, interlaced = struct.unpack(">IIBBBBB", kept[b"IHDR"])
    deep = bits == 16 and colour != 0
    check_size(width, height, (MAX_DEEP_MEGAPIXELS if deep else MAX_MEGAPIXELS)["PNG"])
    stream = b"".join(image)
    if deep:
        bytes_per_pixel = PNG_CHANNELS[colour] * 2
        kept.pop(b"tRNS", None)
        _check_inflates(stream, _png_bytes(width, height, bytes_per_pixel, interlaced))
    parts = [PNG_SIGNATURE, *(_png_chunk(kind, kept[kind]) for kind in PNG_KEPT if kind in kept)]
    return PngFile(
        b"".join((*parts, _png_chunk(b"IDAT", stream), _png_chunk(b"IEND", b""))),
        deep_colour=deep,
        significant_bits=significant,
        exif=exif,
    )


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, bytes, bool]]:
    """Yield each chunk's kind, its body, and whether it is whole and its checksum right.

    Image data at the end of a truncated file count as whole: decoding shows whether they suffice.
    """
    position, count = len(PNG_SIGNATURE), 0
    while position + 8 <= len(data):
        count += 1
        check_count(count, MAX_CHUNKS, "chunks")
        length, kind = struct.unpack_from(">I4s", data, position)
        body = data[position + 8 : position + 8 + length]
        checksum = data[position + 8 + length : position + 12 + length]
        if len(checksum) < 4:
            yield kind, body, kind == b"IDAT"
            return
        yield kind, body, zlib.crc32(kind + body) == int.from_bytes(checksum, "big")
        position += 12 + length


def _png_chunk(kind: bytes, body: bytes) -> bytes:
    return b"".join(
        (struct.pack(">I", len(body)), kind, body, struct.pack(">I", zlib.crc32(kind + body)))
    )


def _png_bytes(width: int, height: int, bytes_per_pixel: int, interlaced: int) -> int:
    """Return how many bytes the image data of a PNG must inflate to."""
    passes: tuple[tuple[int, int, int, int], ...] = ((0, 0, 1, 1),)
    if interlaced:
        passes = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4),
                  (1, 0, 2, 2), (0, 1, 1, 2))  # fmt: skip
    total = 0
    for left, top, step_x, step_y in passes:
        across, down = -(-(width - left) // step_x), -(-(height - top) // step_y)
        if across > 0 and down > 0:
            total += down * (1 + across * bytes_per_pixel)
    return total


def _check_inflates(stream: bytes, needed: int) -> None:
    """Raise a ValueError unless ``stream`` inflates to ``needed`` bytes: OpenCV does not check."""
    inflater, rest = zlib.decompressobj(), stream
    while needed > 0:
        part = inflater.decompress(rest, 1 << 20)
        rest = inflater.unconsumed_tail
        needed -= len(part)
        if not part and (inflater.eof or not rest):
            raise ValueError("PNG image data are cut short")


def read_webp(data: bytes) -> tuple[bytes, bytes]:
    """Return a WebP with its first frame alone, and its EXIF data.

    Raises:
        ImageError: it is too large, or has too many chunks.
        ValueError: it is broken or cut short.
    """
    kept: dict[bytes, bytes] = {}
    for kind, body in _webp_chunks(data):
        if kind in (b"VP8X", b"ANIM", b"ANMF", b"ALPH", b"VP8 ", b"VP8L", b"EXIF"):
            kept.setdefault(kind, body)
    check_size(*_webp_size(kept), MAX_MEGAPIXELS["WebP"])
    exif = kept.pop(b"EXIF", b"")
    if extended := kept.get(b"VP8X"):
        # The flags of what was left out are cleared: profile, EXIF, XMP.
        kept[b"VP8X"] = bytes([extended[0] & ~0x2C]) + extended[1:]
    body = b"".join(
        b"".join((kind, struct.pack("<I", len(part)), part, b"\0" * (len(part) % 2)))
        for kind, part in kept.items()
    )
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body, exif


def _webp_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    end = min(len(data), 8 + int.from_bytes(data[4:8], "little"))
    position, count = 12, 0
    while position + 8 <= end:
        count += 1
        check_count(count, MAX_CHUNKS, "chunks")
        kind, length = struct.unpack_from("<4sI", data, position)
        body = data[position + 8 : position + 8 + length]
        if len(body) < length:
            if kind not in (b"EXIF", b"XMP ", b"ICCP"):
                raise ValueError("A WebP chunk is cut short")
            return
        yield kind, body
        position += 8 + length + length % 2


def _webp_size(chunks: dict[bytes, bytes]) -> tuple[int, int]:
    if b"VP8X" in chunks:
        body = chunks[b"VP8X"]
        return (
            int.from_bytes(body[4:7], "little") + 1,
            int.from_bytes(body[7:10], "little") + 1,
        )
    if b"VP8L" in chunks:
        bits = int.from_bytes(chunks[b"VP8L"][1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    width, height = struct.unpack_from("<HH", chunks[b"VP8 "], 6)
    return width & 0x3FFF, height & 0x3FFF


def read_gif(data: bytes) -> bytes:
    """Return a GIF without what lies before its first frame: comments, loops, plain text.

    Raises:
        ImageError: it is too large, or has too many blocks.
        ValueError: it is broken or has no frame.
    """
    width, height, flags = struct.unpack_from("<HHB", data, 6)
    check_size(width, height, MAX_MEGAPIXELS["GIF"])
    position = 13 + (3 << (flags & 7) + 1 if flags & 0x80 else 0)
    header, control, blocks = data[:position], b"", 0
    while data[position] != 0x2C:
        start = position
        if data[position] == 0x21:
            position += 2
            while data[position]:
                position += 1 + data[position]
                blocks += 1
                check_count(blocks, MAX_CHUNKS, "blocks")
            if data[start + 1] == 0xF9:
                control = data[start : position + 1]
        elif data[position] == 0x3B:
            raise ValueError("A GIF without a frame")
        position += 1
        blocks += 1
        check_count(blocks, MAX_CHUNKS, "blocks")
    left, top, across, down = struct.unpack_from("<HHHH", data, position + 1)
    check_size(max(width, left + across), max(height, top + down), MAX_MEGAPIXELS["GIF"])
    return header + control + data[position:]


def check_bmp(data: bytes) -> None:
    """Raise unless a BMP is within the limits and long enough for its pixels.

    Raises:
        ImageError: it is too large.
        ValueError: it is broken or cut short.
    """
    start, header = struct.unpack_from("<II", data, 10)
    if header == 12:
        width, height, _, bits = struct.unpack_from("<HHHH", data, 18)
        compression = 0
    else:
        width, height, _, bits, compression = struct.unpack_from("<iiHHI", data, 18)
    height = abs(height)
    if width < 1:
        raise ValueError(f"A BMP that is {width} pixels wide")
    if compression in (1, 2):
        check_size(width, height, MAX_RUN_LENGTH_MEGAPIXELS)
        if len(data) > MAX_RUN_LENGTH_BYTES:
            raise TooComplexError(f"run-length encoding of {len(data) / 1e6:.1f} MB")
        return
    check_size(width, height, MAX_MEGAPIXELS["BMP"])
    row = (width * bits + 31) // 32 * 4
    if len(data) - start + 3 < row * height:  # the last row may lack its padding
        raise ValueError("A BMP is cut short")
