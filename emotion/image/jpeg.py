"""The parts of a JPEG, read from its markers before it is decoded (ITU-T T.81, annex B)."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from emotion.image.exif import PREFIX
from emotion.image.limits import (
    MAX_COEFFICIENT_BYTES,
    MAX_LOSSLESS_JPEG_MEGAPIXELS,
    MAX_MEGAPIXELS,
    MAX_SCAN_MEGAPIXELS,
    MAX_SCANS,
    MAX_SEGMENTS,
    ImageError,
    TooComplexError,
    check_count,
    check_size,
)

SOI, EOI, SOS, DRI = 0xD8, 0xD9, 0xDA, 0xDD
FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
LOSSLESS: Final = frozenset({0xC3, 0xC7, 0xCB, 0xCF})
PROGRESSIVE: Final = frozenset({0xC2, 0xC6, 0xCA, 0xCE})
TABLES: Final = frozenset({0xC4, 0xCC, 0xDB, DRI})
"""Huffman and arithmetic tables, quantization, restart interval."""
STANDALONE: Final = frozenset({0x01, SOI})
ARITHMETIC: Final = frozenset(range(0xC9, 0xD0)) - {0xCC}
APP1: Final = 0xE1
KEPT_ONCE: Final = {0xE0: b"JFIF\0", 0xEE: b"Adobe"}
"""Application segments that say how the image is to be shown; the others are left out."""


class CutShortError(ValueError):
    """The file ends before the image does."""


@dataclass(slots=True)
class _Component:
    horizontal: int
    vertical: int


@dataclass(slots=True)
class _Scan:
    """One pass over the image: its components, and what it adds to each coefficient."""

    components: tuple[int, ...]
    first: int
    last: int
    low_bit: int
    data: bytes


@dataclass(slots=True)
class JpegFile:
    """A JPEG's size and pieces.

    Attributes:
        width: in pixels, as stored.
        height: in pixels, as stored.
        ended: whether the marker that ends an image is there.
        exif: its first EXIF segment, with the prefix; empty if there is none.
    """

    width: int = 0
    height: int = 0
    ended: bool = False
    exif: bytes = b""
    _frame: int = 0
    _components: dict[int, _Component] = field(default_factory=dict)
    _restart_interval: int = 0
    _pieces: list[bytes] = field(default_factory=list)
    _scans: list[_Scan] = field(default_factory=list)

    def rebuilt(self, padding: bytes = b"") -> bytes:
        """Return the file with what is needed to show it and nothing else.

        Args:
            padding: put after the last scan's data.
        """
        return b"".join((b"\xff\xd8", *self._pieces, padding, b"\xff\xd9"))

    def check_cost(self) -> None:
        """Raise an `ImageError` if decoding would exceed the limits for a JPEG."""
        if self._frame in ARITHMETIC:  # a byte of it may stand for thousands of coefficients
            raise TooComplexError("arithmetic coding")
        lossless = self._frame in LOSSLESS
        limit = MAX_LOSSLESS_JPEG_MEGAPIXELS if lossless else MAX_MEGAPIXELS["JPEG"]
        check_size(self.width, self.height, limit)
        scans = len(self._scans)
        check_count(scans, MAX_SCANS, "scans")
        budget = MAX_SCAN_MEGAPIXELS if self.ended else MAX_SCAN_MEGAPIXELS * 0.7  # decoded twice
        if scans * self.width * self.height > budget * 1e6 and scans > 1:
            raise TooComplexError(f"{scans} scans of {self.width:,} × {self.height:,} pixels")
        if (self._frame in PROGRESSIVE or scans > 1) and not lossless:
            coefficients = sum(64 * across * down for across, down in map(self._blocks, self._ids))
            if 2 * coefficients > MAX_COEFFICIENT_BYTES:
                raise ImageError(
                    f"This picture is too large: {self.width:,} × {self.height:,} pixels in "
                    f"{scans} scans. Save it as a baseline JPEG, or smaller."
                )

    def lacks_scans(self) -> bool:
        """Return whether the scans leave out a coefficient or its last bits."""
        if self._frame not in PROGRESSIVE:
            seen = {component for scan in self._scans for component in scan.components}
            return seen != set(self._ids)
        exact = {
            (component, coefficient)
            for scan in self._scans
            if scan.low_bit == 0
            for component in scan.components
            for coefficient in range(scan.first, min(scan.last, 63) + 1)
        }
        return len(exact) < 64 * len(self._ids)

    def lacks_restarts(self) -> bool:
        """Return whether the last scan has fewer restart markers than its size calls for."""
        if not self._restart_interval or not self._scans:
            return False
        scan = self._scans[-1]
        if len(scan.components) == 1:
            across, down = self._blocks(scan.components[0])
        else:
            widest, tallest = self._sampling()
            across = math.ceil(self.width / (8 * widest))
            down = math.ceil(self.height / (8 * tallest))
        data = np.frombuffer(scan.data, np.uint8)
        restarts = int(np.count_nonzero((data[:-1] == 0xFF) & (data[1:] >> 3 == 0xD0 >> 3)))
        return restarts < math.ceil(across * down / self._restart_interval) - 1

    @property
    def _ids(self) -> tuple[int, ...]:
        return tuple(self._components)

    def _sampling(self) -> tuple[int, int]:
        parts = self._components.values()
        return max(part.horizontal for part in parts), max(part.vertical for part in parts)

    def _blocks(self, component: int) -> tuple[int, int]:
        """Return how many blocks of 8 × 8 samples a component has across and down."""
        widest, tallest = self._sampling()
        part = self._components[component]
        return (
            math.ceil(self.width * part.horizontal / widest / 8),
            math.ceil(self.height * part.vertical / tallest / 8),
        )


def read_jpeg(data: bytes) -> JpegFile:
    """Return the pieces of a JPEG, without fill bytes and what is not shown.

    Raises:
        CutShortError: the file ends within a header, or before the image's data.
        TooComplexError: it has too many segments.
    """
    found = JpegFile()
    markers = _markers(data)
    kept: set[int] = set()
    position, segments = 2, 0
    while (at := _next(markers, position)) is not None:
        segments += 1
        check_count(segments, MAX_SEGMENTS, "segments")
        marker = data[at + 1]
        if marker == EOI:
            found.ended = True
            break
        position = at + 2
        if marker in STANDALONE:
            continue
        length = int.from_bytes(data[position : position + 2], "big")
        body = data[position + 2 : position + length]
        if length < 2 or len(body) < length - 2:
            raise CutShortError("This JPEG ends within a header.")
        position += length
        whole = data[at:position]
        if marker == SOS:
            end = _next(markers, position)
            stream = data[position:end].rstrip(b"\xff")  # fill bytes: stuffing would end in 0
            found._scans.append(_scan(body, stream))
            found._pieces += (whole, stream)
            position += len(stream)
        elif marker in FRAMES and not found._frame:
            _take_frame(found, marker, body)
            found._pieces.append(whole)
        elif marker in TABLES or marker in FRAMES:
            if marker == DRI and len(body) >= 2:
                found._restart_interval = int.from_bytes(body[:2], "big")
            found._pieces.append(whole)
        elif marker == APP1 and body.startswith(PREFIX):
            found.exif = found.exif or body
        elif body.startswith(KEPT_ONCE.get(marker, b"-")) and marker not in kept:
            kept.add(marker)
            found._pieces.append(whole)
    if not found._frame or not found._scans or not found._scans[-1].data:
        raise CutShortError("This JPEG ends before its picture.")
    if any(component not in found._components for s in found._scans for component in s.components):
        raise ValueError("A scan names a component that the frame does not have")
    return found


def _markers(data: bytes) -> NDArray[np.int64]:
    """Return where a marker may begin: 0xFF not followed by stuffing, restart or fill."""
    values = np.frombuffer(data, np.uint8)
    after = values[1:]
    begins = (values[:-1] == 0xFF) & (after != 0) & (after != 0xFF) & (after >> 3 != 0xD0 >> 3)
    return np.flatnonzero(begins)


def _next(markers: NDArray[np.int64], position: int) -> int | None:
    index = int(np.searchsorted(markers, position))
    return int(markers[index]) if index < len(markers) else None


def _take_frame(found: JpegFile, marker: int, body: bytes) -> None:
    _bits, height, width, count = struct.unpack_from(">BHHB", body)
    if not width or not height or not count or len(body) < 6 + 3 * count:
        raise ValueError("A JPEG frame without pixels or components")
    found._frame, found.width, found.height = marker, width, height
    for index in range(count):
        identifier, sampling = body[6 + 3 * index], body[7 + 3 * index]
        if not sampling >> 4 or not sampling & 15:
            raise ValueError("A JPEG component without samples")
        found._components[identifier] = _Component(sampling >> 4, sampling & 15)


def _scan(body: bytes, stream: bytes) -> _Scan:
    count = body[0]
    components = tuple(body[1 + 2 * index] for index in range(count))
    first, last, bits = body[1 + 2 * count : 4 + 2 * count]
    return _Scan(components, first, last, bits & 15, stream)
