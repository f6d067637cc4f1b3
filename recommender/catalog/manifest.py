"""How a catalogue is laid out as a folder of Parquet files, and the manifest that lists them.

``affectune.json``
    the manifest: versions, counts, and the size of every file. It is written last and replaced
    atomically, so all files that it names exist.
``<snapshot>/blocks/00000.parquet``, …
    the search columns of the tracks, `BLOCKS_PER_FILE` blocks per file, in the order of blocks:
    neighbours on the mood plane lie together.
``<snapshot>/records/00000.parquet``, …
    number of each track and its record, which is what is shown.
``<snapshot>/ids``, ``songs``, ``artists``, ``recordings``
    hash → number of the track, in the order of hashes. The manifest holds the first hash of each
    file, so that a search opens only those in which a hash can be.
``<snapshot>/boxes.parquet``, ``families.parquet``, ``languages.parquet``, ``curves.parquet``
    the small tables of a catalogue file.
``<snapshot>/facets.parquet``
    how many tracks share families, decade, language and explicit mark: counts for filters are sums
    over it, without a scan of the tracks.

An import writes a new snapshot beside the current one. Processes that have the old one open can go
on reading it; the following import removes it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from recommender.catalog.tables import BLOCK_TRACKS

MANIFEST: Final = "affectune.json"

LAYOUT: Final = 1
"""Version of the layout of the files; that of what is in them is `tables.FORMAT`."""

BLOCKS_PER_FILE: Final = 256
TRACKS_PER_FILE: Final = BLOCKS_PER_FILE * BLOCK_TRACKS

HASHES_PER_FILE: Final = 1 << 18

SMALL: Final = ("boxes", "families", "languages", "curves", "facets")
"""The tables that are one file each, and are read into memory."""

NUMBERED: Final = ("blocks", "records")
"""The tables that hold all tracks in the order of their numbers."""

INDEXES: Final = ("ids", "songs", "artists", "recordings")
"""The tables that are sorted by a hash."""

MAX_MANIFEST_BYTES: Final = 1 << 24

SNAPSHOT: Final = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{8}")
"""The folder name of a snapshot: when it was made, and random digits."""

_MAX_FILES: Final = 1 << 16


class ManifestError(ValueError):
    """Not a manifest, or a damaged one."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """The description of a catalogue in a folder.

    Attributes:
        format: `tables.FORMAT` of what wrote it.
        layout: `LAYOUT` of what wrote it.
        plane: the fingerprint of the mood plane that its tracks were placed by.
        tracks: how many there are.
        fingerprint: that of the tracks.
        marked: how many tracks are known to be explicit or not.
        snapshot: the folder that its files are in.
        sizes: table → bytes of each of its files.
        first: index → the first hash in each of its files.
    """

    format: int
    layout: int
    plane: str
    tracks: int
    fingerprint: str
    marked: int
    snapshot: str
    sizes: Mapping[str, tuple[int, ...]]
    first: Mapping[str, tuple[int, ...]]

    def files(self) -> dict[str, int]:
        """Return the name of every file within the snapshot, and its bytes."""
        return {
            file_name(table, place): size
            for table, sizes in self.sizes.items()
            for place, size in enumerate(sizes)
        }

    def as_json(self) -> str:
        """Return the content of the manifest's file."""
        return json.dumps(
            {
                "affectune": "catalogue",
                "format": self.format,
                "layout": self.layout,
                "plane": self.plane,
                "tracks": self.tracks,
                "fingerprint": self.fingerprint,
                "marked": self.marked,
                "snapshot": self.snapshot,
                "sizes": self.sizes,
                "first": self.first,
            }
        )


def file_name(table: str, place: int) -> str:
    """Return the name of a file of a table within its snapshot."""
    return f"{table}.parquet" if table in SMALL else f"{table}/{place:05d}.parquet"


def versions_of(text: bytes) -> tuple[Any, Any]:
    """Return format and layout of a manifest of any version.

    Raises:
        ManifestError: it is not a manifest.
    """
    content = _content(text)
    return content.get("format"), content.get("layout")


def snapshot_of(text: bytes) -> str:
    """Return the snapshot that a manifest of any version names.

    Raises:
        ManifestError: it is not a manifest.
    """
    return _text(_content(text).get("snapshot"))


def parse(text: bytes) -> Manifest:
    """Read a manifest of this version.

    Raises:
        ManifestError: it is not a manifest, or its content is impossible.
    """
    content = _content(text)
    try:
        found = Manifest(
            format=_whole(content["format"]),
            layout=_whole(content["layout"]),
            plane=_text(content["plane"]),
            tracks=_whole(content["tracks"]),
            fingerprint=_text(content["fingerprint"]),
            marked=_whole(content["marked"]),
            snapshot=_text(content["snapshot"]),
            sizes=_lists(content["sizes"]),
            first=_lists(content["first"]),
        )
    except KeyError as error:
        raise ManifestError(f"it has no {error}") from None
    _check(found)
    return found


def _check(found: Manifest) -> None:
    files = -(-found.tracks // TRACKS_PER_FILE)
    if not found.tracks or not SNAPSHOT.fullmatch(found.snapshot):
        raise ManifestError("it names no tracks or no snapshot")
    if found.sizes.keys() != {*SMALL, *NUMBERED, *INDEXES} or found.first.keys() != {*INDEXES}:
        raise ManifestError("it names other tables")
    if any(len(found.sizes[table]) != 1 for table in SMALL) or any(
        len(found.sizes[table]) != files for table in NUMBERED
    ):
        raise ManifestError("it names too few files or too many")
    for table in INDEXES:
        first = found.first[table]
        if len(first) != len(found.sizes[table]) or list(first) != sorted(first):
            raise ManifestError(f"the hashes of {table} are out of order")
        if first and first[-1] >= 1 << 64:
            raise ManifestError(f"a hash of {table} is too large")


def _content(text: bytes) -> dict[str, Any]:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        raise ManifestError("it is no JSON") from None
    if not isinstance(content, dict) or content.get("affectune") != "catalogue":
        raise ManifestError("it is not about a catalogue")
    return content


def _whole(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ManifestError(f"{value!r:.40} is no count")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ManifestError(f"{value!r:.40} is no text")
    return value


def _lists(value: Any) -> dict[str, tuple[int, ...]]:
    if not isinstance(value, dict) or not all(
        isinstance(one, list) and len(one) <= _MAX_FILES for one in value.values()
    ):
        raise ManifestError("it has no lists of files")
    return {table: tuple(map(_whole, several)) for table, several in value.items()}
