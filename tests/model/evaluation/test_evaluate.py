from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from emotion.labels import EMOTIONS
from model.__main__ import main
from model.data.fer2013 import Split
from model.evaluation import evaluate
from model.evaluation.calibration_error import expected_calibration_error, reliability
from model.records import SHIPPED


def split_of(labels: list[int], clean: list[bool]) -> Split:
    return Split(
        images=np.zeros((len(labels), 48, 48, 1), np.uint8),
        labels=np.array(labels),
        names=("",) * len(labels),
        clean=np.array(clean),
    )


def sure_of(labels: list[int], confidence: float = 1.0) -> np.ndarray:
    rest = (1 - confidence) / (len(EMOTIONS) - 1)
    found = np.full((len(labels), len(EMOTIONS)), rest, np.float32)
    found[np.arange(len(labels)), labels] = confidence
    return found


def test_metrics_match_a_hand_computed_example() -> None:
    split = split_of([0, 0, 1, 3], [True, True, False, True])
    metrics = evaluate.measure(sure_of([0, 3, 1, 3]), split, name="public-test")
    assert metrics["accuracy"] == 0.75
    assert (metrics["clean_images"], metrics["clean_accuracy"]) == (3, pytest.approx(2 / 3))
    assert metrics["confusion"][0] == [1, 0, 0, 1, 0, 0, 0]
    assert metrics["per_class"]["angry"] == {
        "images": 2,
        "precision": 1.0,
        "recall": 0.5,
        "f1": pytest.approx(2 / 3),
    }
    assert metrics["per_class"]["happy"]["precision"] == 0.5
    assert metrics["macro_f1"] == pytest.approx((2 / 3 + 1 + 2 / 3) / 7)
    assert metrics["macro_recall"] == pytest.approx((0.5 + 1 + 1) / 7)


def test_calibration_error_is_the_gap_between_confidence_and_accuracy() -> None:
    labels = np.array([0] * 10)
    right = sure_of([0] * 6 + [1] * 4, 0.9)
    assert expected_calibration_error(right, labels) == pytest.approx(0.3, abs=1e-6)
    assert expected_calibration_error(sure_of([0] * 10), labels) == pytest.approx(0)


def test_reliability_pairs_confidence_with_accuracy() -> None:
    found = np.concatenate([sure_of([0] * 4, 0.9), sure_of([1] * 4, 0.5)])
    bins = reliability(found, np.array([0, 0, 0, 2, 1, 1, 2, 2]))
    assert [b["images"] for b in bins] == [4, 4]
    assert [b["confidence"] for b in bins] == pytest.approx([0.5, 0.9])
    assert [b["accuracy"] for b in bins] == [0.5, 0.75]


def test_hard_to_say_is_counted_separately() -> None:
    close = np.full((2, len(EMOTIONS)), 0.02, np.float32)
    close[:, 3], close[:, 5] = 0.5, 0.4
    split = split_of([5, 0, 3], [True] * 3)
    found = evaluate.measure(np.concatenate([close, sure_of([3], 0.9)]), split, name="x")["unsure"]
    assert found["fraction"] == pytest.approx(2 / 3)
    assert (found["accuracy_when_sure"], found["accuracy_when_unsure"]) == (1.0, 0.0)
    assert found["either_of_two_when_unsure"] == 0.5


def test_ferplus_majority_is_that_of_a_clear_lead() -> None:
    votes = np.zeros((5, 8), np.float32)
    votes[0, 1] = 1  # happiness
    votes[1, [0, 4]] = 0.5  # a tie
    votes[2, 7] = 1  # contempt, which FER-2013 does not know
    votes[3, [0, 3]] = 0.4, 0.6  # sadness
    majority = evaluate.ferplus_majority(votes)
    assert majority.tolist() == [EMOTIONS.index("happy"), -1, -1, EMOTIONS.index("sad"), -1]

    split = replace(split_of([3, 0, 0, 6, 0], [True] * 5), votes=votes)
    plus = evaluate.measure(sure_of([3, 0, 0, 4, 0]), split, name="x")["ferplus"]
    assert plus is not None
    assert (plus["images"], plus["agreement"], plus["labels_agreement"]) == (2, 1.0, 0.5)
    assert (plus["agreed_images"], plus["agreed_accuracy"]) == (1, 1.0)
    assert evaluate.measure(sure_of([0]), split_of([0], [True]), name="x")["ferplus"] is None


def test_test_time_augmentation_averages_the_mirror_image() -> None:
    def left_half(pictures: np.ndarray) -> np.ndarray:
        return pictures[:, :, :24].mean(axis=(1, 2)).astype(np.float32)

    picture = np.zeros((1, 48, 48, 1), np.uint8)
    picture[:, :, :24] = 100
    assert evaluate.predict_with_mirror(left_half, picture) == pytest.approx(np.array([[50.0]]))


def test_record_keeps_the_figures_of_one_network(tmp_path: Path) -> None:
    path, weights = tmp_path / "metrics.json", tmp_path / "a.tflite"
    weights.write_bytes(b"one")
    split = split_of([0, 1], [True, True])
    for name in ("public-test", "private-test"):
        metrics = evaluate.measure(sure_of([0, 1]), split, name=name)
        evaluate.record(metrics, weights, path=path)
    assert set(json.loads(path.read_text())["figures"]) == {"public-test", "private-test"}
    weights.write_bytes(b"another")
    metrics = evaluate.measure(sure_of([0, 1]), split, name="public-test", tta=True)
    evaluate.record(metrics, weights, path=path)
    known = json.loads(path.read_text())
    assert set(known["figures"]) == {"public-test+tta"}
    assert known["figures"]["public-test+tta"]["command"].endswith("--split public-test --tta")


def test_command_reports_bad_arguments(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("FER2013_PATH", raising=False)
    assert main(["evaluate"]) == 2
    assert "FER2013_PATH" in capsys.readouterr().err
    assert main(["evaluate", "--weights", str(tmp_path / "none.tflite")]) == 2
    assert "none.tflite" in capsys.readouterr().err
    (tmp_path / "weights.h5").touch()
    assert main(["evaluate", "--weights", str(tmp_path / "weights.h5")]) == 2
    assert ".tflite or .keras" in capsys.readouterr().err


def test_metrics_are_of_the_shipped_file() -> None:
    import hashlib

    known = json.loads(evaluate.METRICS.read_text())
    content = SHIPPED.read_bytes()
    assert known["network"]["sha256"] == hashlib.sha256(content).hexdigest()
    assert len(content) <= 5_000_000
    private = known["figures"]["private-test"]
    assert private["accuracy"] == pytest.approx(
        np.trace(private["confusion"]) / private["images"], abs=1e-9
    )


@pytest.mark.data
@pytest.mark.skipif("FER2013_PATH" not in os.environ, reason="FER2013_PATH is not set")
def test_recorded_figures_are_reproduced(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "--split", "public-test", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    known = json.loads(evaluate.METRICS.read_text())["figures"]["public-test"]
    assert found["accuracy"] == pytest.approx(known["accuracy"], abs=0.001)
    assert found["ece"] == pytest.approx(known["ece"], abs=0.003)
