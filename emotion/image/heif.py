"""The items of a HEIC or AVIF file, read from its boxes before any is decoded (ISO 23008-12).

An image may be a grid of tiles, or layers, with an alpha plane beside it: small boxes can refer
to a large tile again and again. libheif holds each item to the size that its box names; libavif
takes the size from the coded data, so the size is read from there, too.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from emotion.image.limits import (
    MAX_CHUNKS,
    MAX_MEGAPIXELS,
    MAX_TILES_FACTOR,
    TooComplexError,
    check_count,
    check_size,
)

HEIC_BRANDS: Final = frozenset(
    {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"}
)
AVIF_BRANDS: Final = frozenset({b"avif", b"avis"})
HEIF_BRANDS: Final = frozenset({b"mif1", b"mif2", b"msf1"})
"""Brands of the container, with any codec."""
STILL_BRAND: Final = {"HEIC": b"heic", "AVIF": b"avif"}
DERIVED: Final = frozenset({b"grid", b"iovl", b"iden", b"tmap"})
"""Items made from others, which are decoded for them."""
METADATA: Final = frozenset({b"Exif", b"mime"})
MAX_DEPTH: Final = 4

SEQUENCE_HEADER: Final = 1
"""Type of the AV1 unit (OBU) that states the size of the frames."""


def heif_kind(data: bytes) -> str | None:
    """Return ``HEIC`` or ``AVIF`` for a file of the HEIF family, by its brands, else None.

    The first brand says what the file is meant for; ``mif1`` and ``msf1`` leave it to the others.
    """
    if data[4:8] != b"ftyp":
        return None
    brands = [data[8:12], *_compatible(data)]
    for brand in brands:
        if brand in HEIC_BRANDS:
            return "HEIC"
        if brand in AVIF_BRANDS:
            return "AVIF"
    return "HEIC" if HEIF_BRANDS.intersection(brands) else None


def read_heif(data: bytes, kind: str) -> bytes:
    """Return a HEIC or AVIF marked as a still image, even if it holds a sequence, too.

    Raises:
        ImageError: it is too large, or has too many tiles, layers or boxes.
        ValueError: it has no still image.
    """
    items = _Items()
    for name, start, end in _boxes(data, 0, len(data)):
        if name == b"meta":
            items.read(data, start + 4, end)
            break
    else:
        raise ValueError("A HEIF file without a still picture")
    limit = MAX_MEGAPIXELS[kind]
    shown = [items.primary, *items.auxiliary_of(items.primary)]
    for item in items.with_dependencies(shown):
        check_size(*items.sizes.get(item, (0, 0)), limit)
        if kind == "AVIF" and items.kinds.get(item) == b"av01":
            for width, height in _frame_sizes(items.content(data, item)):
                check_size(width, height, limit)
                largest = (width, height), items.sizes.get(item, (0, 0))
                items.sizes[item] = max(largest, key=lambda size: size[0] * size[1])
    pixels = sum(items.coded_pixels(item) for item in shown)
    if pixels > MAX_TILES_FACTOR * limit * 1e6:
        raise TooComplexError(f"parts of {pixels / 1e6:,.0f} megapixels in all")
    length = 16 + 4 * len(_compatible(data))
    for at in items.metadata:  # Pillow would read all of it, however much it is
        data = data[:at] + b"skip" + data[at + 4 :]
    brands = STILL_BRAND[kind] + data[12:16] + (b"mif1" + STILL_BRAND[kind]) * 256
    return data[:8] + brands[: length - 8] + data[length:]


@dataclass(slots=True)
class _Items:
    """What the boxes say of a file's items, by their numbers."""

    primary: int = 0
    kinds: dict[int, bytes] = field(default_factory=dict)
    sizes: dict[int, tuple[int, int]] = field(default_factory=dict)
    parts: dict[int, tuple[int, ...]] = field(default_factory=dict)
    auxiliary: list[tuple[int, tuple[int, ...]]] = field(default_factory=list)
    locations: dict[int, tuple[int, list[tuple[int, int]]]] = field(default_factory=dict)
    metadata: list[int] = field(default_factory=list)
    idat_start: int = 0

    def read(self, data: bytes, start: int, end: int) -> None:
        for name, at, stop in _boxes(data, start, end):
            body = data[at:stop]
            if name == b"pitm":
                self.primary = int.from_bytes(body[4:8] if body[0] else body[4:6], "big")
            elif name == b"iinf":
                for kind, begin, _ in _boxes(data, at + (8 if body[0] else 6), stop):
                    if kind == b"infe" and data[begin] >= 2:
                        id_bytes = 4 if data[begin] >= 3 else 2
                        number = int.from_bytes(data[begin + 4 : begin + 4 + id_bytes], "big")
                        named = begin + 6 + id_bytes
                        self.kinds[number] = data[named : named + 4]
                        if self.kinds[number] in METADATA:
                            self.metadata.append(named)
            elif name == b"iprp":
                self._read_properties(data, at, stop)
            elif name == b"iref":
                self._read_references(data, at, stop)
            elif name == b"iloc":
                self._read_locations(body)
            elif name == b"idat":
                self.idat_start = at

    def auxiliary_of(self, item: int) -> list[int]:
        """Return the auxiliary items of an item: its alpha plane, its depth maps."""
        return [number for number, of in self.auxiliary if item in of]

    def with_dependencies(self, items: list[int]) -> set[int]:
        """Return items with everything that they are derived from, and its auxiliary items."""
        found: set[int] = set()
        waiting = list(items)
        while waiting:
            item = waiting.pop()
            if item not in found:
                found.add(item)
                waiting += [*self.parts.get(item, ()), *self.auxiliary_of(item)]
        return found

    def coded_pixels(self, item: int, depth: int = 0) -> int:
        """Return how many pixels are decoded for an item."""
        if self.kinds.get(item) not in DERIVED:
            width, height = self.sizes.get(item, (0, 0))
            return width * height
        if depth == MAX_DEPTH:
            raise TooComplexError(f"parts of parts {MAX_DEPTH} deep")
        pixels = {
            part: self.coded_pixels(part, depth + 1) for part in set(self.parts.get(item, ()))
        }
        return sum(pixels[part] for part in self.parts.get(item, ()))

    def content(self, data: bytes, item: int) -> bytes:
        """Return the coded data of an item."""
        method, extents = self.locations.get(item, (0, []))
        base = self.idat_start if method == 1 else 0
        return b"".join(
            data[base + offset : base + offset + length if length else None]
            for offset, length in extents
        )

    def _read_properties(self, data: bytes, start: int, end: int) -> None:
        properties: list[tuple[bytes, int]] = []
        for name, at, stop in _boxes(data, start, end):
            if name == b"ipco":
                properties = [(kind, begin) for kind, begin, _ in _boxes(data, at, stop)]
            elif name == b"ipma":
                self._read_associations(data, at, properties)

    def _read_associations(self, data: bytes, at: int, properties: list[tuple[bytes, int]]) -> None:
        id_bytes, long = (4 if data[at] else 2), bool(data[at + 3] & 1)
        (count,) = struct.unpack_from(">I", data, at + 4)
        check_count(count, MAX_CHUNKS, "items")
        at += 8
        for _ in range(count):
            item = int.from_bytes(data[at : at + id_bytes], "big")
            links = data[at + id_bytes]
            at += id_bytes + 1
            for _ in range(links):
                index = (
                    int.from_bytes(data[at : at + 2], "big") & 0x7FFF if long else data[at] & 0x7F
                )
                at += 2 if long else 1
                if 0 < index <= len(properties) and properties[index - 1][0] == b"ispe":
                    self.sizes[item] = struct.unpack_from(">II", data, properties[index - 1][1] + 4)

    def _read_references(self, data: bytes, start: int, end: int) -> None:
        id_bytes = 4 if data[start] else 2
        for name, at, _ in _boxes(data, start + 4, end):
            number = int.from_bytes(data[at : at + id_bytes], "big")
            (count,) = struct.unpack_from(">H", data, at + id_bytes)
            at += id_bytes + 2
            named = tuple(
                int.from_bytes(data[at + id_bytes * index : at + id_bytes * (index + 1)], "big")
                for index in range(count)
            )
            if name == b"dimg":
                self.parts[number] = self.parts.get(number, ()) + named
            elif name == b"auxl":
                self.auxiliary.append((number, named))

    def _read_locations(self, body: bytes) -> None:
        version = body[0]
        offset_size, length_size = body[4] >> 4, body[4] & 15
        base_size, index_size = body[5] >> 4, body[5] & 15 if version else 0
        id_bytes = 4 if version == 2 else 2
        at = 6 + id_bytes
        count = int.from_bytes(body[6:at], "big")
        check_count(count, MAX_CHUNKS, "items")

        def number(size: int) -> int:
            nonlocal at
            at += size
            return int.from_bytes(body[at - size : at], "big")

        extents_in_all = 0
        for _ in range(count):
            item = number(id_bytes)
            method = number(2) & 15 if version else 0
            number(2)
            base, extents = number(base_size), []
            parts = number(2)
            extents_in_all += parts
            check_count(extents_in_all, MAX_CHUNKS, "extents")
            for _ in range(parts):
                number(index_size)
                offset = base + number(offset_size)
                extents.append((offset, number(length_size)))
            self.locations[item] = method, extents


def _compatible(data: bytes) -> list[bytes]:
    listed = data[16 : min(int.from_bytes(data[:4], "big"), 1024)]
    return [listed[at : at + 4] for at in range(0, len(listed) - 3, 4)]


def _boxes(data: bytes, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield the name of each box between two offsets, and where its body begins and ends."""
    count = 0
    while start + 8 <= end:
        count += 1
        check_count(count, MAX_CHUNKS, "boxes")
        size, name = struct.unpack_from(">I4s", data, start)
        body = start + 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, body)
            body += 8
        stop = start + size if size else end
        if stop < body or stop > end:
            return
        yield name, body, stop
        start = stop


def _frame_sizes(content: bytes) -> Iterator[tuple[int, int]]:
    """Yield the largest frame that each sequence header in AV1 data allows (AV1, 5.5)."""
    at, count = 0, 0
    while at < len(content):
        count += 1
        check_count(count, MAX_CHUNKS, "units")
        kind, extended, sized = content[at] >> 3 & 15, content[at] >> 2 & 1, content[at] >> 1 & 1
        at += 1 + extended
        length, shift = 0, 0
        while sized and at < len(content) and shift < 56:
            length |= (content[at] & 0x7F) << shift
            shift += 7
            at += 1
            if not content[at - 1] & 0x80:
                break
        end = at + length if sized else len(content)
        if kind == SEQUENCE_HEADER:
            yield _sequence_size(_Bits(content[at : min(end, at + 512)]))
        at = end


class _Bits:
    """Reads the bits of bytes, the highest first, and zeros after their end."""

    def __init__(self, content: bytes) -> None:
        self._value = int.from_bytes(content + bytes(16), "big")
        self._left = 8 * (len(content) + 16)

    def take(self, count: int) -> int:
        self._left = max(0, self._left - count)
        return self._value >> self._left & ((1 << count) - 1)


def _sequence_size(bits: _Bits) -> tuple[int, int]:
    bits.take(4)  # profile, still image
    if bits.take(1):  # reduced header
        bits.take(5)
    else:
        delay_bits, model = 0, 0
        if bits.take(1):  # timing
            bits.take(64)
            if bits.take(1):
                zeros = 0
                while not bits.take(1) and zeros < 32:
                    zeros += 1
                bits.take(zeros)
            model = bits.take(1)
            if model:
                delay_bits = bits.take(5) + 1
                bits.take(42)
        display_delay = bits.take(1)
        for _ in range(bits.take(5) + 1):
            bits.take(12)
            if bits.take(5) > 7:
                bits.take(1)
            if model and bits.take(1):
                bits.take(2 * delay_bits + 1)
            if display_delay and bits.take(1):
                bits.take(4)
    width_bits, height_bits = bits.take(4) + 1, bits.take(4) + 1
    return bits.take(width_bits) + 1, bits.take(height_bits) + 1
