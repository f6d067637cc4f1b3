from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from emotion.crop import preprocess
from emotion.detectors.base import OnStage
from emotion.types import Box, Face
from model.data import detected_crops as detected
from model.data.backgrounds import HEIGHT, WIDTH
from model.data.detected_crops import detected_crops
from model.data.fer2013 import Split, load_fer2013

GROUND = np.full((HEIGHT, WIDTH), 90, np.uint8)


class Bright:
    """Finds what is brighter than the ground, and notes what it was shown."""

    def __init__(self, blind_to: int = -1) -> None:
        self.shown: list[tuple[int, ...]] = []
        self.boxes: list[Box] = []
        self.blind_to = blind_to

    def warm_up(self) -> None: ...

    def detect(self, image: np.ndarray, *, on_stage: OnStage | None = None) -> list[Face]:
        self.shown.append(image.shape)
        rows, columns = np.nonzero(image[..., 0] > 110)
        left, top = int(columns.min()), int(rows.min())
        box = Box(left, top, int(columns.max()) + 1 - left, int(rows.max()) + 1 - top)
        self.boxes.append(box)
        return [Face(box)] if len(self.shown) - 1 != self.blind_to else []


@pytest.fixture
def faces(tiny_zip: Path) -> Split:
    return load_fer2013(tiny_zip).public_test


def test_faces_of_all_sizes_are_pasted_detected_and_cropped(
    faces: Split, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(detected.os, "cpu_count", lambda: 1)  # in the order of the faces
    detector = Bright(blind_to=3)
    bright = np.maximum(faces.images, 150).astype(np.uint8)
    split = Split(bright, faces.labels, faces.names, faces.clean)
    crops, found = detected_crops(split, detector=detector, backgrounds=[GROUND])
    assert crops.shape == split.images.shape
    assert crops.dtype == np.uint8
    assert found.tolist() == [number != 3 for number in range(len(split))]
    assert (crops[3, ..., 0] == preprocess(split.images[3, ..., 0])).all()
    sides = [box.width for box in detector.boxes]
    assert max(sides) > 2 * min(sides) > detected.MIN_FACE_SIDE_PX
    # Small faces are looked for in small pictures, and all of them fit.
    assert all(shape[0] <= HEIGHT and shape[1] <= WIDTH for shape in detector.shown)
    assert min(shape[0] for shape in detector.shown) < HEIGHT


def test_the_same_seed_gives_the_same_crops(faces: Split) -> None:
    bright = np.maximum(faces.images, 150).astype(np.uint8)
    split = Split(bright, faces.labels, faces.names, faces.clean).take(np.arange(4))
    first, again, other = (
        detected_crops(split, detector=Bright(), backgrounds=[GROUND], seed=seed)[0]
        for seed in (0, 0, 1)
    )
    assert (first == again).all()
    assert (first != other).any()


def test_backgrounds_contain_no_faces(faces: Split) -> None:
    crops, found = detected_crops(faces.take(np.arange(0)), detector=Bright(), backgrounds=[GROUND])
    assert crops.shape == (0, 48, 48, 1)
    assert found.shape == (0,)
