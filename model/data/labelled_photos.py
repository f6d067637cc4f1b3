"""Labelled photographs of people, split by person, with their faces cropped as the app does.

FER-2013's faces are cropped already and often posed. Photographs show what the app meets: a head
with room around it, and most often at rest. Two layouts are read:

- ``<emotion>/<person>-<id>.jpg`` in a zip or folder; the part before the last dash is the person;
- the public repository muxspace/facial_expressions as it is: ``data/legend.csv`` with the columns
  ``user.id, image, emotion`` beside ``images/``. There the person is known only from files
  named after one (``First_Last_0001.jpg``): every other photo counts as a person of its own.

Disgust is left out: that repository's labels for it are unreliable.
"""

from __future__ import annotations

import csv
import hashlib
import io
import os
import re
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from emotion.crop import CROP_SIDE_PX, crop_faces
from emotion.detectors.base import FaceDetector
from emotion.detectors.factory import build_detector
from emotion.image.decoding import ImageError, decode_image
from emotion.labels import EMOTIONS

LEFT_OUT = ("disgust",)
PARTS = ("train", "dev", "test")
TRAIN_PERCENT, DEV_PERCENT = 55, 15
"""Percent of the persons in ``train`` and ``dev``; the others are in ``test``."""
PHOTOS_OF_A_FREQUENT_PERSON = 20
"""Persons with more photos than this are in ``train``: a test should not depend on one face."""
OTHER_NAMES = {
    "anger": "angry",
    "happiness": "happy",
    "sadness": "sad",
}
"""Labels of the public repository that differ from ours."""


@dataclass(frozen=True, slots=True)
class Photo:
    """One labelled photograph.

    Attributes:
        name: its path inside the collection.
        emotion: one of `EMOTIONS`.
        person: who is shown, as far as the collection tells.
        part: "train", "dev" or "test".
        content: the file's bytes.
    """

    name: str
    emotion: str
    person: str
    part: str
    content: bytes

    def image(self) -> NDArray[np.uint8]:
        """Return the photograph, RGB uint8 ``(H, W, 3)``.

        Raises:
            ValueError: it cannot be read; the message names it.
        """
        try:
            return decode_image(self.content)
        except ImageError as error:
            raise ValueError(f"{self.name}: {error}") from error


@dataclass(frozen=True, slots=True)
class PhotoCrops:
    """The faces of labelled photographs, cropped as the app crops them.

    Attributes:
        images: uint8 ``(N, 48, 48, 1)``, intensities 0-255; photos without a face are left out.
        labels: int64 ``(N,)``, positions in `EMOTIONS`.
        persons: N names.
        parts: N of `PARTS`.
        photos: how many photographs were looked at.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    persons: tuple[str, ...]
    parts: tuple[str, ...]
    photos: int

    def __len__(self) -> int:
        return len(self.labels)

    def part(self, name: str) -> PhotoCrops:
        """Return what belongs to one part."""
        chosen = [place for place, part in enumerate(self.parts) if part == name]
        return replace(
            self,
            images=self.images[chosen],
            labels=self.labels[chosen],
            persons=tuple(self.persons[place] for place in chosen),
            parts=tuple(self.parts[place] for place in chosen),
        )


def read_photos(place: Path, *, part: str | None = None, emotion: str | None = None) -> list[Photo]:
    """Read a collection of labelled photographs.

    Args:
        place: a zip or a folder in one of the two layouts.
        part: only photos of this part; ``None`` for all.
        emotion: only photos with this label; ``None`` for all.

    Raises:
        FileNotFoundError: there is nothing at ``place``.
        ValueError: it holds no labelled photograph, or ``part`` is none of `PARTS`.
    """
    if part is not None and part not in PARTS:
        raise ValueError(f"Incorrect value for 'part' argument: {part!r}: one of {PARTS}")
    if not place.exists():
        raise FileNotFoundError(f"There are no photographs at {place}")
    listing, read = _listing(place)
    if not listing:
        raise ValueError(
            f"{place} holds no labelled photograph: <emotion>/<person>-<id>.jpg or "
            "data/legend.csv with images/ is needed"
        )
    frequency = Counter(person for _, _, person in listing)
    parts = {
        person: "train" if count > PHOTOS_OF_A_FREQUENT_PERSON else part_of(person)
        for person, count in frequency.items()
    }
    return [
        Photo(name, label, person, parts[person], read(name))
        for name, label, person in listing
        if part in (None, parts[person]) and emotion in (None, label)
    ]


def part_of(person: str) -> str:
    """Return the part that a person belongs to, by a hash of the name: the same everywhere."""
    percent = int(hashlib.sha256(person.encode()).hexdigest(), 16) % 100
    if percent < TRAIN_PERCENT:
        return "train"
    return "dev" if percent < TRAIN_PERCENT + DEV_PERCENT else "test"


def crop_photos(photos: list[Photo], *, detector: FaceDetector | None = None) -> PhotoCrops:
    """Find the largest face of each photo and crop it as the app does.

    Args:
        photos: of `read_photos`.
        detector: the app's default (``auto``) if ``None``. It is used from several threads.
    """
    finder = build_detector("auto") if detector is None else detector

    def crop(photo: Photo) -> NDArray[np.uint8] | None:
        image = photo.image()
        faces = sorted(finder.detect(image), key=lambda face: face.box.width * face.box.height)
        return crop_faces(image, faces[-1:])[0] if faces else None

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        crops = list(pool.map(crop, photos))
    found = [
        (photo, image) for photo, image in zip(photos, crops, strict=True) if image is not None
    ]
    images = np.array([image for _, image in found], dtype=np.uint8)
    return PhotoCrops(
        images=images.reshape(-1, CROP_SIDE_PX, CROP_SIDE_PX, 1),
        labels=np.array([EMOTIONS.index(photo.emotion) for photo, _ in found], dtype=np.int64),
        persons=tuple(photo.person for photo, _ in found),
        parts=tuple(photo.part for photo, _ in found),
        photos=len(photos),
    )


def _listing(place: Path) -> tuple[list[tuple[str, str, str]], Callable[[str], bytes]]:
    """Return ``(name, emotion, person)`` of every photo, sorted, and a function that reads one."""
    if place.is_dir():
        names = sorted(p.relative_to(place).as_posix() for p in place.rglob("*") if p.is_file())
        read: Callable[[str], bytes] = lambda name: (place / name).read_bytes()  # noqa: E731
    else:
        if not zipfile.is_zipfile(place):
            raise ValueError(f"{place} is neither a folder nor a zip")
        archive = zipfile.ZipFile(place)
        names = sorted(info.filename for info in archive.infolist() if not info.is_dir())
        read = archive.read
    legend = next((name for name in names if name.endswith("data/legend.csv")), None)
    rows = _of_legend(legend, names, read) if legend else _of_folders(names)
    return [row for row in rows if row[1] in EMOTIONS and row[1] not in LEFT_OUT], read


def _of_folders(names: list[str]) -> Iterator[tuple[str, str, str]]:
    for name in names:
        path = PurePosixPath(name)
        if path.name.startswith("."):
            continue  # macOS puts ._NAME.jpg, which is no image, into its archives
        if path.suffix.lower() in (".jpg", ".jpeg", ".png") and len(path.parts) > 1:
            yield name, path.parts[-2].lower(), path.stem.rpartition("-")[0] or path.stem


def _of_legend(
    legend: str, names: list[str], read: Callable[[str], bytes]
) -> Iterator[tuple[str, str, str]]:
    root = legend.removesuffix("data/legend.csv")
    known = set(names)
    labels: dict[str, set[str]] = {}
    table = csv.DictReader(io.StringIO(read(legend).decode("utf-8-sig", "replace")))
    if not {"image", "emotion"} <= set(table.fieldnames or ()):
        raise ValueError(f"{legend} lacks the columns image and emotion")
    for row in table:
        if not row["image"] or not row["emotion"]:
            continue  # a row that was cut short
        label = row["emotion"].strip().lower()
        labels.setdefault(row["image"].strip(), set()).add(OTHER_NAMES.get(label, label))
    for image, found in sorted(labels.items()):
        name = f"{root}images/{image}"
        if name in known and len(found) == 1:  # all who labelled it agreed
            stem = PurePosixPath(image).stem
            yield name, found.pop(), re.sub(r"_\d{4}$", "", stem)
