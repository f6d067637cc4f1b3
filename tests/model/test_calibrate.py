from __future__ import annotations

import numpy as np
import pytest

from emotion.labels import EMOTIONS
from model.calibrate import Calibration, fit_calibration, fit_offsets, fit_temperature
from model.evaluate import expected_calibration_error

CLASSES = len(EMOTIONS)


def faces(count: int = 4000, *, boldness: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Return logits of true probabilities, times ``boldness``, and labels drawn from them."""
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 1.5, (count, CLASSES))
    share = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = np.array([rng.choice(CLASSES, p=row) for row in share])
    return logits * boldness, labels


def softmax(logits: np.ndarray) -> np.ndarray:
    raised = np.exp(logits)
    return (raised / raised.sum(axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize("boldness", [0.5, 1.0, 2.0])
def test_the_temperature_undoes_boldness(boldness: float) -> None:
    logits, labels = faces(boldness=boldness)
    assert fit_temperature(logits, labels) == pytest.approx(boldness, rel=0.08)
    before = softmax(logits)
    after = fit_calibration(before, labels, floor=0.0).apply(before)
    assert expected_calibration_error(after, labels) < 0.025


def test_a_class_that_is_given_up_is_lifted_to_the_floor_and_others_are_left() -> None:
    logits, labels = faces()
    logits[:, 1] -= 1.5
    offsets = fit_offsets(logits, labels, floor=0.4)
    recall = [((logits + offsets).argmax(1) == c)[labels == c].mean() for c in range(CLASSES)]
    assert min(recall) >= 0.4
    assert offsets[1] > 0
    assert offsets[1] == offsets.max()
    assert fit_offsets(logits, labels, floor=0.0) == pytest.approx(np.zeros(CLASSES))


def test_a_floor_that_cannot_be_had_ends() -> None:
    rng = np.random.default_rng(1)
    offsets = fit_offsets(rng.normal(size=(200, CLASSES)), rng.integers(0, 7, 200), floor=0.9)
    assert np.isfinite(offsets).all()


def test_probabilities_stay_probabilities() -> None:
    shares = softmax(faces(50)[0])
    found = Calibration(1.3, (0.0, 0.5, 0.2, 0.0, 0.0, 0.0, 0.0)).apply(shares)
    assert found.dtype == np.float32
    assert found.sum(axis=1) == pytest.approx(np.ones(50), abs=1e-5)
    assert Calibration(1.0, (0.0,) * CLASSES).apply(shares) == pytest.approx(shares, abs=1e-6)
