from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from emotion.detectors.base import OnStage
from emotion.detectors.panorama import MAX_WINDOWS, detect_faces, windows
from emotion.types import Box, CropRegion, Face, Landmarks

RED = (200, 0, 0)


class RedSquares:
    """Takes what is red for a face and remembers the sizes that it was shown."""

    def __init__(self) -> None:
        self.sizes: list[tuple[int, int]] = []

    def detect(self, image: np.ndarray, *, on_stage: OnStage | None = None) -> list[Face]:
        self.sizes.append(image.shape[1::-1])
        rows, columns = np.nonzero(image[..., 0] == RED[0])
        if not len(rows):
            return []
        left, top = int(columns.min()), int(rows.min())
        box = Box(left, top, int(columns.max()) - left + 1, int(rows.max()) - top + 1)
        corner = (float(left), float(top))
        return [Face(box, Landmarks(*[corner] * 7), region=CropRegion(*corner, 200.0, 5.0))]

    def warm_up(self) -> None:
        pass


@pytest.mark.parametrize("upright", [False, True])
@pytest.mark.parametrize("start", [0, 590, 700, 850, 1100, 3991, 7700])
def test_a_face_anywhere_in_a_panorama_is_found_whole_and_once(start: int, upright: bool) -> None:
    image = np.zeros((400, 8000, 3), np.uint8)
    image[100:300, start : start + 200] = RED
    expected = Box(start, 100, 200, 200)
    if upright:
        image = np.ascontiguousarray(image.transpose(1, 0, 2))
        expected = Box(100, start, 200, 200)
    detector = RedSquares()
    (face,) = detect_faces(detector, image)
    assert face.box == expected
    assert face.landmarks is not None
    assert face.landmarks == Landmarks(*[(expected.x, expected.y)] * 7)
    assert face.region == CropRegion(expected.x, expected.y, 200.0, 5.0)
    # Every part is looked at so that 640 pixels show at least half of the panorama's height.
    assert max(max(size) for size in detector.sizes) <= 640 * 2
    assert len(detector.sizes) <= MAX_WINDOWS


@pytest.mark.parametrize("shape", [(480, 640), (640, 480), (700, 1280), (500, 1200)])
def test_ordinary_images_are_searched_whole(shape: tuple[int, int]) -> None:
    detector = RedSquares()
    assert detect_faces(detector, np.zeros((*shape, 3), np.uint8)) == []
    assert detector.sizes == [shape[::-1]]


@pytest.mark.parametrize(
    ("longer", "shorter"), [(8000, 400), (1000, 400), (10_240, 28), (2560, 640), (801, 320)]
)
def test_tiles_cover_the_image_and_overlap(longer: int, shorter: int) -> None:
    parts = windows(longer, shorter)
    assert parts[0][0] == 0
    assert parts[-1][1] == longer
    assert len(parts) <= MAX_WINDOWS
    for (_, end), (start, _) in pairwise(parts):
        assert end - start >= shorter // 2 - 1


def test_faces_in_a_panorama_are_read(astronaut: np.ndarray) -> None:
    from emotion.detectors.haar import HaarDetector

    image = np.full((400, 8000, 3), 120, np.uint8)
    for start in (300, 4100, 7300):
        image[:, start : start + 400] = astronaut[:400, :400]
    detector = HaarDetector()
    assert detector.detect(image) == []
    centres = sorted(face.box.x + face.box.width // 2 for face in detect_faces(detector, image))
    assert centres == pytest.approx([525, 4325, 7525], abs=15)
