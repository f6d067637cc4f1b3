"""Pictures made to be expensive: small files that take much memory or time to decode.

Each builder returns the bytes of a file within the limit of 15 MB. Those named "within" are
accepted: they cost as much as `emotion.image.limits` lets a file cost.
"""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from collections.abc import Callable

import numpy as np
from PIL import Image

SIGNATURE = b"\x89PNG\r\n\x1a\n"
END = b"\xff\xd9"


def encoded(picture: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def zeros(count: int) -> bytes:
    """Return ``count`` zero bytes, deflated, without ever holding them."""
    deflate = zlib.compressobj(1)
    parts = [deflate.compress(bytes(min(1 << 20, count - at))) for at in range(0, count, 1 << 20)]
    return b"".join((*parts, deflate.flush()))


def png(
    width: int,
    height: int,
    *,
    bits: int = 8,
    colour: int = 2,
    before: bytes = b"",
    filled: bool = True,
) -> bytes:
    """Return a PNG of zeros, cut short unless it is ``filled``."""
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour]
    size = height * (1 + (width * channels * bits + 7) // 8) if filled else 1000
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    return b"".join(
        (
            SIGNATURE,
            chunk(b"IHDR", header),
            before,
            chunk(b"IDAT", zeros(size)),
            chunk(b"IEND", b""),
        )
    )


def with_scans(side: tuple[int, int], count: int) -> bytes:
    """Return a progressive JPEG whose last scan is repeated."""
    data = encoded(Image.new("RGB", side, (90, 80, 70)), "JPEG", progressive=True)
    last = data[data.rfind(b"\xff\xda") : -2]
    return data[:-2] + last * count + END


def jpeg_of_noise(width: int, height: int, quality: int) -> bytes:
    noise = np.random.default_rng(0).integers(0, 256, (512, 512, 3), dtype=np.uint8)
    tiled = np.tile(noise, (height // 512 + 1, width // 512 + 1, 1))[:height, :width]
    return encoded(Image.fromarray(tiled), "JPEG", quality=quality, progressive=True)


def jpeg_claiming(width: int, height: int, *, progressive: bool) -> bytes:
    """Return a small JPEG that claims to be large; decoders fill in what is missing."""
    data = bytearray(encoded(Image.new("RGB", (64, 64)), "JPEG", progressive=progressive))
    at = data.find(b"\xff\xc2" if progressive else b"\xff\xc0")
    data[at + 5 : at + 9] = struct.pack(">HH", height, width)
    return bytes(data)


def after_start(filling: bytes) -> bytes:
    """Return a JPEG with ``filling`` before its first segment."""
    data = encoded(Image.new("RGB", (640, 480), "grey"), "JPEG")
    return data[:2] + filling + data[2:]


def bmp(width: int, height: int, *, bits: int, compression: int, body: bytes) -> bytes:
    palette = b"\0\0\0\0\xff\xff\xff\0" * 128 if bits == 8 else b""
    start = 54 + len(palette)
    header = struct.pack("<2sIHHI", b"BM", start + len(body), 0, 0, start)
    info = struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, compression, len(body), 0, 0,
                       256 if bits == 8 else 0, 0)  # fmt: skip
    return header + info + palette + body


def gif_with_blocks(count: int) -> bytes:
    data = encoded(Image.new("P", (32, 32)), "GIF")
    start = 13 + (3 << (data[10] & 7) + 1 if data[10] & 0x80 else 0)
    return data[:start] + b"\x21\xfe\x01x\x00" * count + data[start:]


def webp_of_chunks(count: int) -> bytes:
    body = encoded(Image.new("RGB", (32, 32)), "WEBP", lossless=True)[12:]
    body = b"JUNK\0\0\0\0" * count + body
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def webp_canvas(width: int, height: int, frames: int) -> bytes:
    """Return an animation of 16 × 16 pixels on a large canvas."""
    still = encoded(Image.new("RGB", (16, 16)), "WEBP", lossless=True)[12:]
    frame = bytes(6) + struct.pack("<I", 15)[:3] * 2 + bytes(4) + still

    def part(kind: bytes, inner: bytes) -> bytes:
        return kind + struct.pack("<I", len(inner)) + inner + b"\0" * (len(inner) % 2)

    canvas = struct.pack("<I", width - 1)[:3] + struct.pack("<I", height - 1)[:3]
    body = part(b"VP8X", b"\x02\0\0\0" + canvas) + part(b"ANIM", bytes(6))
    body += part(b"ANMF", frame) * frames
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def heif_claiming(kind: str, width: int, height: int) -> bytes:
    """Return a small HEIC or AVIF whose header claims another size."""
    if kind == "AVIF":
        data = bytearray(encoded(Image.new("RGB", (64, 64)), "AVIF", speed=10))
    else:
        import pillow_heif

        buffer = io.BytesIO()
        pillow_heif.from_pillow(Image.new("RGB", (64, 64))).save(buffer, quality=50)
        data = bytearray(buffer.getvalue())
    at = data.find(b"ispe")
    while at >= 0:
        data[at + 8 : at + 16] = struct.pack(">II", width, height)
        at = data.find(b"ispe", at + 4)
    return bytes(data)


def exif_of_tags(count: int, size: int) -> bytes:
    """Return EXIF data whose tags all claim the same ``size`` bytes."""
    entries = b"".join(struct.pack("<HHII", tag, 7, size, 0) for tag in range(1, count + 1))
    return (b"II*\0\x08\0\0\0" + struct.pack("<H", count) + entries + bytes(4)).ljust(size, b"\0")


def avif_with_exif(exif: bytes) -> bytes:
    with warnings.catch_warnings(action="ignore"):  # Pillow reads the data while it writes
        return encoded(Image.new("RGB", (64, 64)), "AVIF", exif=exif)


ATTACKS: dict[str, Callable[[], bytes]] = {
    "JPEG, 12 MP in 20,000 scans": lambda: with_scans((4000, 3000), 20_000),
    "JPEG, 12 MP in 99 scans (within)": lambda: with_scans((4000, 3000), 89),
    "JPEG, 100 MP in 16 scans (within)": lambda: with_scans((10_000, 10_000), 6),
    "JPEG, 12 MP of noise, progressive (within)": lambda: jpeg_of_noise(4000, 3000, 92),
    "JPEG, claims 65,000 × 65,000": lambda: jpeg_claiming(65_000, 65_000, progressive=False),
    "JPEG, claims 14,000 × 14,000 (within)": lambda: jpeg_claiming(
        14_000, 14_000, progressive=False
    ),
    "JPEG, claims 14,000 × 14,000, progressive": lambda: jpeg_claiming(
        14_000, 14_000, progressive=True
    ),
    "JPEG, 14 MB of fill bytes (within)": lambda: after_start(b"\xff" * 14_000_000),
    "JPEG, 14 MB of 0xFF01": lambda: after_start(b"\xff\x01" * 7_000_000),
    "JPEG, 3,500,000 comments": lambda: after_start(b"\xff\xfe\x00\x02" * 3_500_000),
    "PNG, 2 × 19,000,000": lambda: png(2, 19_000_000),
    "PNG, 39,000,000 × 1": lambda: png(39_000_000, 1),
    "PNG, 30,000 × 30,000 of 1 bit": lambda: png(30_000, 30_000, bits=1, colour=0),
    "PNG, 40 MP with alpha (within)": lambda: png(6324, 6324, colour=6),
    "PNG, 18 MP of 16 bits with alpha (within)": lambda: png(4242, 4242, bits=16, colour=6),
    "PNG, 40 MP of 16 bits, grey (within)": lambda: png(6324, 6324, bits=16, colour=0),
    "PNG, 32,768 × 1,220 (within)": lambda: png(32_768, 1220, colour=6),
    "PNG, 1,100,000 chunks": lambda: png(64, 64, before=chunk(b"teXt", b"") * 1_100_000),
    "PNG, text that inflates to 1 GB (within)": lambda: png(
        64, 64, before=chunk(b"zTXt", b"a\0\0" + zeros(100_000_000) * 10)
    ),
    "PNG, 60,000 EXIF tags of 1 MB (within)": lambda: png(
        64, 64, before=chunk(b"eXIf", exif_of_tags(60_000, 1_000_000))
    ),
    "JPEG, 5,000 EXIF tags of 64 kB (within)": lambda: encoded(
        Image.new("RGB", (64, 64)), "JPEG", exif=b"Exif\0\0" + exif_of_tags(5000, 65_000)
    ),
    "AVIF, 60,000 EXIF tags of 1 MB (within)": lambda: avif_with_exif(
        exif_of_tags(60_000, 1_000_000)
    ),
    "WebP, 36 MP": lambda: encoded(Image.new("RGB", (6000, 6000)), "WEBP", lossless=True),
    "WebP, 25 MP (within)": lambda: encoded(Image.new("RGBA", (5000, 5000)), "WEBP", lossless=True),
    "WebP, animation on 16,383 × 16,383": lambda: webp_canvas(16_383, 16_383, 1),
    "WebP, animation of 15,000 frames (within)": lambda: webp_canvas(2000, 2000, 15_000),
    "WebP, 1,800,000 chunks": lambda: webp_of_chunks(1_800_000),
    "GIF, 3,000,000 comments": lambda: gif_with_blocks(2_900_000),
    "GIF, 40 MP (within)": lambda: encoded(Image.new("P", (6324, 6324)), "GIF"),
    "BMP, 1 kB that claims 40 MP": lambda: bmp(
        6000, 6000, bits=32, compression=0, body=bytes(1000)
    ),
    "BMP, 1 kB of runs that claims 40 MP": lambda: bmp(
        6000, 6000, bits=8, compression=1, body=b"\xff\x01" * 500
    ),
    "BMP, 1.4 MB of short runs (within)": lambda: bmp(
        2000, 700, bits=8, compression=1, body=(b"\x02\x01" * 999 + b"\2\1\0\0") * 700
    ),
    "BMP, 14 MB of short runs": lambda: bmp(
        3000, 3000, bits=8, compression=1, body=b"\x01\x01" * 7_000_000
    ),
    "AVIF, 36 MP": lambda: encoded(Image.new("RGB", (6000, 6000)), "AVIF", speed=10),
    "AVIF, 29 MP (within)": lambda: encoded(Image.new("RGB", (5400, 5400)), "AVIF", speed=10),
    "AVIF, claims 16,000 × 16,000": lambda: heif_claiming("AVIF", 16_000, 16_000),
    "HEIC, claims 20,000 × 20,000": lambda: heif_claiming("HEIC", 20_000, 20_000),
    "HEIC, claims 7,000 × 7,000": lambda: heif_claiming("HEIC", 7_000, 7_000),
}
"""Name to builder."""
