"""Where annotated photos are written: never over an input, nor over one another."""

from __future__ import annotations

import io
import os
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SUFFIX_BESIDE_INPUTS: Final = "-annotated"
"""Added to a photo's name in a folder that holds inputs."""

_SOFTWARE: Final = 0x0131
"""The EXIF tag of the software that wrote a file."""
_MARK: Final = "Affectune, annotated copy"
_MARK_BYTES: Final = 1024
"""EXIF data is this close to one end of a file: to its beginning in a PNG or JPEG, to its end in a
WebP."""


class OutputError(Exception):
    """An image that was not written. Its text is the sentence for the user."""


_DIRECTION: Final = frozenset(
    "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
)
"""Characters that change the direction of the text after them (Unicode TR9, section 2)."""


def on_one_line(text: str) -> str:
    """Return text with control and direction characters escaped.

    A file name may hold any of them, to break a line, control the terminal or hide its suffix.
    """
    return "".join(
        ascii(letter)[1:-1]
        if letter in _DIRECTION or unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp")
        else letter
        for letter in text
    )


def annotation_targets(
    out: Path | None, photos: Sequence[Path], *, inputs: Sequence[Path]
) -> list[Path | None]:
    """Return where to write each annotated photo: one path each, none of them twice.

    A generated name is never that of an input. A name that the user chose is returned as it is;
    `save_new` refuses it if need be.

    Args:
        out: a file, whose stem and suffix are those of all names for several photos; or a folder.
        photos: those that were read.
        inputs: all files that were named on the command line, read or not.
    """
    if out is None:
        return [None] * len(photos)
    if len(photos) == 1 and len(inputs) == 1 and not out.is_dir():
        return [out]
    added = (
        SUFFIX_BESIDE_INPUTS
        if out.is_dir() and any(_lies_in(photo, out) for photo in inputs)
        else ""
    )
    targets: list[Path | None] = []
    taken: set[str] = set()
    for photo in photos:
        home, suffix = (out, ".png") if out.is_dir() else (out.parent, out.suffix)
        stem = f"{photo.stem}{added}" if out.is_dir() else f"{out.stem}-{photo.stem}"
        target, number = home / f"{stem}{suffix}", 2
        # Names that differ only in case are one file on Windows and macOS.
        while target.name.casefold() in taken or is_one_of(target, inputs):
            target, number = home / f"{stem}-{number}{suffix}", number + 1
        targets.append(target)
        taken.add(target.name.casefold())
    return targets


def save_new(
    image: NDArray[np.uint8], target: Path, *, inputs: Sequence[Path], overwrite: bool
) -> None:
    """Write an image in the format of the target's suffix.

    Args:
        image: RGB uint8 ``(H, W, 3)``.
        target: the file.
        inputs: files that are never written to, under any name.
        overwrite: whether a file that exists may be replaced.

    Raises:
        OutputError: the target is an input, exists, or cannot be written.
    """
    if is_one_of(target, inputs):
        raise OutputError(
            f"{target} is one of the photos, which are never written over: choose another name "
            "for --annotate"
        )
    kind = Image.registered_extensions().get(target.suffix.lower())
    if kind is None or kind not in Image.SAVE:
        raise OutputError(
            f"{target} cannot be written: '{target.suffix}' is not an image format that can be "
            "written. Use .png or .jpg"
        )
    encoded = io.BytesIO()
    exif = Image.Exif()
    exif[_SOFTWARE] = _MARK
    try:
        Image.fromarray(image).save(encoded, kind, exif=exif)
        # A dangling link is not followed either: a photo may be about to appear where it points.
        with target.open("wb" if overwrite and not _is_dangling(target) else "xb") as file:
            file.write(encoded.getbuffer())
    except FileExistsError as error:
        raise OutputError(
            f"{target} exists already and is left alone: choose another name, or add --force"
        ) from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", "") or error
        raise OutputError(f"{target} cannot be written: {reason}") from error


def is_annotated_copy(path: Path) -> bool:
    """Return whether a file is what `save_new` has written. BMP and GIF do not tell.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        ends = file.read(_MARK_BYTES)
        file.seek(max(file.tell(), file.seek(0, os.SEEK_END) - _MARK_BYTES))
        ends += file.read()
    return _MARK.encode() in ends


def is_one_of(target: Path, inputs: Sequence[Path]) -> bool:
    """Return whether ``target`` is one of ``inputs``, also through links or in different case."""
    return any(_same(target, path) for path in inputs)


def _same(a: Path, b: Path) -> bool:
    try:
        return a.samefile(b)
    except OSError:  # one of them does not exist
        return os.path.realpath(a) == os.path.realpath(b)


def _lies_in(photo: Path, folder: Path) -> bool:
    homes = (photo.parent, Path(os.path.realpath(photo)).parent)
    return any(_same(home, folder) for home in homes)


def _is_dangling(path: Path) -> bool:
    return path.is_symlink() and not path.exists()
