"""Re-identification: a face that leaves a clip's view and soon returns keeps its number.

The tracker follows a face for as long as it is in view. Beyond that, small pictures of each face
are remembered for seconds and compared. That is enough for someone who left a moment ago, in the
same clothes and light; it is not face recognition, and nothing of it is kept or written.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from emotion.live.tracker import LiveFace
from emotion.types import Box

RETURN_SECONDS: Final = 10.0
"""A face that was out of sight for longer gets a new number."""
SIDE_PX: Final = 16
"""Side of the small picture: coarse, so that a shift by a few pixels, or another expression,
changes little."""
MIN_CORRELATION: Final = 0.6
MAX_DIFFERENCE: Final = 9.0
"""Two small pictures show the same face if their lightness correlates at least this well and they
differ on average by at most this, in units of CIELAB as OpenCV scales it. ``benchmarks/clips.py
--press`` prints how often that holds for one person, and for two."""
REMEMBERED: Final = 8
REMEMBER_EVERY_SECONDS: Final = 0.25
"""How many small pictures of each face are kept, and how far apart. The last ones may show only
what was behind it: the tracker notices after a moment that a face has left."""

Appearance = NDArray[np.float32]


@dataclass(slots=True)
class _Person:
    appearances: deque[Appearance]
    remembered_at: float
    seen_at: float


class FaceNumbers:
    """Gives the tracked faces of one clip their numbers."""

    def __init__(self) -> None:
        self._numbers: dict[int, int] = {}
        self._people: dict[int, _Person] = {}
        self._count = 0

    def assign(
        self, image: NDArray[np.uint8], faces: Sequence[LiveFace], time: float
    ) -> tuple[int, ...]:
        """Return a number for each face, from 1, which stays the same for one person.

        Args:
            image: RGB uint8 ``(H, W, 3)`` in which the faces' boxes lie.
            faces: those in view, with the tracker's identities.
            time: in seconds, rising from call to call.
        """
        appearances = [appearance(image, face.reading.face.box) for face in faces]
        self._people = {
            number: person
            for number, person in self._people.items()
            if time - person.seen_at <= RETURN_SECONDS
        }
        present = {self._numbers[f.identity] for f in faces if f.identity in self._numbers}
        numbers = []
        for face, current in zip(faces, appearances, strict=True):
            number = self._numbers.get(face.identity)
            if number is None:
                number = self._reidentify(current, present) or self._next()
                self._numbers[face.identity] = number
                present.add(number)
            self._remember(number, current, time)
            numbers.append(number)
        # The tracker never uses the identity of a lost face again.
        followed = {face.identity for face in faces}
        self._numbers = {
            identity: number
            for identity, number in self._numbers.items()
            if identity in followed or number in self._people
        }
        return tuple(numbers)

    def _remember(self, number: int, current: Appearance, time: float) -> None:
        person = self._people.setdefault(
            number, _Person(deque(maxlen=REMEMBERED), float("-inf"), time)
        )
        person.seen_at = time
        if time - person.remembered_at >= REMEMBER_EVERY_SECONDS:
            person.appearances.append(current)
            person.remembered_at = time

    def _reidentify(self, current: Appearance, present: set[int]) -> int | None:
        """Return the number of the absent person who looks most like this, if any does."""
        similarity = {
            number: max(_similarity(before, current) for before in person.appearances)
            for number, person in self._people.items()
            if number not in present
        }
        best = max(similarity, key=lambda number: similarity[number], default=None)
        return best if best is not None and similarity[best] > 0 else None

    def _next(self) -> int:
        self._count += 1
        return self._count


def appearance(image: NDArray[np.uint8], box: Box) -> Appearance:
    """Return a small picture of a face: float32 ``(SIDE_PX, SIDE_PX, 3)``, CIELAB.

    Args:
        image: RGB uint8 ``(H, W, 3)``.
        box: of the face; at least partly in the image.
    """
    top, left = max(0, box.y), max(0, box.x)
    face = image[top : max(top + 1, box.y + box.height), left : max(left + 1, box.x + box.width)]
    small = cv2.resize(face, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA)
    return cv2.cvtColor(small, cv2.COLOR_RGB2LAB).astype(np.float32)


def same_face(one: Appearance, other: Appearance) -> bool:
    """Return whether two small pictures are so alike that they show one person."""
    return _similarity(one, other) > 0


def _similarity(one: Appearance, other: Appearance) -> float:
    """Return the correlation of the lightness, or 0 where the pictures are not alike."""
    if float(np.abs(one - other).mean()) > MAX_DIFFERENCE:
        return 0.0
    a, b = (picture[..., 0] - picture[..., 0].mean() for picture in (one, other))
    norm = float(np.sqrt((a * a).sum() * (b * b).sum()))
    correlation = float((a * b).sum()) / norm if norm else 0.0
    return correlation if correlation >= MIN_CORRELATION else 0.0
