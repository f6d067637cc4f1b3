from __future__ import annotations

import numpy as np
import pytest

from emotion.labels import EMOTIONS
from model.evaluation.calibration_error import expected_calibration_error
from model.training.calibration import (
    Calibration,
    adjust_for,
    fit_calibration,
    fit_offsets,
    fit_temperature,
)

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
def test_temperature_corrects_overconfidence(boldness: float) -> None:
    logits, labels = faces(boldness=boldness)
    assert fit_temperature(logits, labels) == pytest.approx(boldness, rel=0.08)
    before = softmax(logits)
    after = fit_calibration(before, labels, floor=0.0).apply(before)
    assert expected_calibration_error(after, labels) < 0.025


def test_logit_adjustment_corrects_class_imbalance() -> None:
    # Bayes: among classes as frequent as these, true probabilities are off by just their shares.
    counts = np.array([400, 10, 400, 700, 500, 300, 600])
    logits, _ = faces()
    learned = logits + np.log(counts / counts.sum())
    assert softmax(learned + adjust_for(counts, 1.0)) == pytest.approx(softmax(logits), abs=1e-6)
    assert adjust_for(counts, 0.2).argmax() == 1
    assert adjust_for(counts, 0.2).min() == 0
    assert adjust_for(counts, 0.0) == pytest.approx(np.zeros(CLASSES))


def test_rare_class_is_predicted_more_often_with_known_priors() -> None:
    logits, labels = faces()
    trained_on = np.repeat(np.arange(CLASSES), [400, 10, 400, 700, 500, 300, 600])
    found = fit_calibration(
        softmax(logits), labels, training_labels=trained_on, adjustment=0.5, floor=0.0
    )
    assert found.offsets == pytest.approx(adjust_for(np.bincount(trained_on), 0.5), abs=1e-4)
    plain = fit_calibration(softmax(logits), labels, floor=0.0)
    assert plain.offsets == (0.0,) * CLASSES


def test_class_below_the_recall_floor_is_raised_alone() -> None:
    logits, labels = faces()
    logits[:, 1] -= 1.5
    offsets = fit_offsets(logits, labels, floor=0.4)
    recall = [((logits + offsets).argmax(1) == c)[labels == c].mean() for c in range(CLASSES)]
    assert min(recall) >= 0.4
    assert offsets[1] > 0
    assert offsets[1] == offsets.max()
    assert fit_offsets(logits, labels, floor=0.0) == pytest.approx(np.zeros(CLASSES))


def test_unreachable_recall_floor_terminates() -> None:
    rng = np.random.default_rng(1)
    offsets = fit_offsets(rng.normal(size=(200, CLASSES)), rng.integers(0, 7, 200), floor=0.9)
    assert np.isfinite(offsets).all()


def test_probabilities_still_sum_to_one() -> None:
    shares = softmax(faces(50)[0])
    found = Calibration(1.3, (0.0, 0.5, 0.2, 0.0, 0.0, 0.0, 0.0)).apply(shares)
    assert found.dtype == np.float32
    assert found.sum(axis=1) == pytest.approx(np.ones(50), abs=1e-5)
    assert Calibration(1.0, (0.0,) * CLASSES).apply(shares) == pytest.approx(shares, abs=1e-6)
