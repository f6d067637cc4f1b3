"""Labelled photographs of faces as cameras see them: leaning, and further away.

A photograph is drawn into a grey frame, at a given size and lean, and the position of its face is
transformed alike. No photograph is copied anywhere: they show public figures and are for measuring.
"""

from __future__ import annotations

import math
import random
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from emotion.boxes import intersection_over_smaller
from emotion.detectors.blazeface import BlazefaceDetector
from emotion.detectors.haar import HaarDetector
from emotion.detectors.mtcnn import MtcnnDetector
from emotion.image.decoding import decode_image
from emotion.types import Box, Face

Image = NDArray[np.uint8]
WIDTH, HEIGHT = 640, 480
GREY = 110
AGREED = 0.5
"""Least intersection over the smaller box at which two detectors agree on a face."""
NEAR = 0.35
"""A box whose centre lies this near to the face's, as a fraction of its side, has found it."""


@dataclass(frozen=True, slots=True)
class Photo:
    """A photograph with one known face.

    Attributes:
        name: its path in the archive.
        image: RGB uint8.
        face: where the face is.
    """

    name: str
    image: Image
    face: Box


@dataclass(frozen=True, slots=True)
class Scene:
    """A frame with one known face, its middle and side in pixels."""

    image: Image
    x: float
    y: float
    side: float

    def found(self, faces: Sequence[Face]) -> bool:
        """Return whether one of the boxes lies on the face and is about its size."""
        return any(self._is_it(face.box) for face in faces)

    def false(self, faces: Sequence[Face]) -> int:
        """Return how many of the boxes lie elsewhere."""
        return sum(not self._is_it(face.box) for face in faces)

    def _is_it(self, box: Box) -> bool:
        away = math.hypot(box.x + box.width / 2 - self.x, box.y + box.height / 2 - self.y)
        size = max(box.width, box.height) / self.side
        return away < NEAR * self.side and 0.5 < size < 2


def load_photos(archive: Path, count: int, *, seed: int = 0) -> list[Photo]:
    """Return photographs of different people with the face that most detectors agree on.

    A face counts if two of BlazeFace, MTCNN and Haar detect it upright and no two detect any other.
    Photographs without one, or with several, are skipped.

    Args:
        archive: ``<emotion>/<person>-<id>.jpg`` in a zip, in any folder.
        count: how many to return at most.
        seed: of the choice.
    """
    detectors = BlazefaceDetector(), MtcnnDetector(), HaarDetector()
    photos: list[Photo] = []
    for name, image in any_photos(archive, seed=seed):
        if len(photos) == count:
            break
        face = _agreed([detector.detect(image) for detector in detectors])
        if face:
            photos.append(Photo(name, image, face))
    return photos


def any_photos(archive: Path, *, seed: int = 0) -> Iterator[tuple[str, Image]]:
    """Yield a photograph of each person with its name, whether a detector finds the face or not."""
    with zipfile.ZipFile(archive) as files:
        people: dict[str, list[str]] = {}
        for name in sorted(files.namelist()):
            if name.lower().endswith((".jpg", ".jpeg", ".png")):
                people.setdefault(Path(name).stem.split("-")[0], []).append(name)
        chooser = random.Random(seed)
        for person in chooser.sample(sorted(people), len(people)):
            name = chooser.choice(people[person])
            yield name, decode_image(files.read(name))


def as_it_is(photo: Photo, *, lean: float = 0.0) -> Scene:
    """Return the photograph, rotated clockwise in a frame that holds all of it."""
    height, width = photo.image.shape[:2]
    cosine, sine = abs(math.cos(math.radians(lean))), abs(math.sin(math.radians(lean)))
    size = math.ceil(width * cosine + height * sine), math.ceil(width * sine + height * cosine)
    return _drawn(photo, 1.0, lean, *size)


def in_camera(photo: Photo, *, size: float = 1.0, lean: float = 0.0) -> Scene:
    """Return a camera's frame that the upright photograph would fill, times ``size``."""
    height, width = photo.image.shape[:2]
    return _drawn(photo, size * min(WIDTH / width, HEIGHT / height), lean, WIDTH, HEIGHT)


def _drawn(photo: Photo, scale: float, lean: float, width: int, height: int) -> Scene:
    image = photo.image
    if scale < 1:
        size = max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
    tall, wide = image.shape[:2]
    zoom = max(scale, 1.0)
    matrix = cv2.getRotationMatrix2D(((wide - 1) / 2, (tall - 1) / 2), -lean, zoom)
    matrix[:, 2] += (width - wide) / 2, (height - tall) / 2
    frame = cv2.warpAffine(
        image, matrix, (width, height), flags=cv2.INTER_CUBIC, borderValue=(GREY, GREY, GREY)
    )
    face = photo.face
    shrink = min(scale, 1.0)
    middle = (face.x + face.width / 2) * shrink, (face.y + face.height / 2) * shrink, 1.0
    x, y = (float(value) for value in matrix @ np.array(middle))
    side = math.sqrt(face.area) * scale
    return Scene(np.clip(frame, 0, 255).astype(np.uint8), x, y, side)


def _agreed(found: Sequence[Sequence[Face]]) -> Box | None:
    """Return the one box that two detectors agree on, as drawn by the first of them."""
    agreed: list[Box] = []
    for place, faces in enumerate(found):
        for face in faces:
            others = (other for more in found[place + 1 :] for other in more)
            if any(
                intersection_over_smaller(face.box, other.box) >= AGREED for other in others
            ) and all(intersection_over_smaller(face.box, box) < AGREED for box in agreed):
                agreed.append(face.box)
    return agreed[0] if len(agreed) == 1 else None
