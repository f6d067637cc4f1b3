"""The detector for video, whose next crop follows from the last."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import skimage.data

from emotion.detectors.blazeface import BlazefaceDetector
from emotion.types import Face


@pytest.fixture(scope="module")
def found() -> tuple[np.ndarray, Face]:
    image = np.ascontiguousarray(skimage.data.astronaut()[:400])
    (face,) = BlazefaceDetector(thorough=False).detect(image)
    return image, face


@pytest.mark.parametrize("shift", [1e-4, -1e-4, 1e-3])
def test_what_two_machines_compute_differently_does_not_grow_from_look_to_look(
    found: tuple[np.ndarray, Face], shift: float
) -> None:
    image, face = found
    assert face.region is not None
    detector = BlazefaceDetector(thorough=False)
    moved = replace(face, region=replace(face.region, x=face.region.x + shift))
    for _ in range(3):
        face, moved = (detector.candidates(image, known=[f])[0].face for f in (face, moved))
        assert face.region is not None
        assert moved.region is not None
        assert moved.region.x == pytest.approx(face.region.x, abs=1e-4)
        assert moved.region.side == pytest.approx(face.region.side, abs=1e-4)
        assert moved.region.angle == pytest.approx(face.region.angle, abs=1e-4)
