"""The way from data to the best network of a run, on one small enough to train in a test."""

from __future__ import annotations

import argparse
import csv
import json
from pathlib import Path

import numpy as np
import pytest

from emotion.labels import EMOTIONS
from model.data.fer2013 import load_fer2013
from model.training import export, train
from tests.model.conftest import Options, epochs

keras = pytest.importorskip("keras", exc_type=ImportError)

# Keras and TensorFlow warn about each other's ways; that is not ours to mend.
pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.usefixtures("eagerly")]


def test_train_begins_with_another_run_and_learns_from_it(
    options: Options, tiny_zip: Path, tmp_path: Path
) -> None:
    first = train.train(options("--run", "first", "--epochs", "1")) / "best.keras"
    begun = options(
        *("--run", "second", "--epochs", "1", "--learning-rate", "0", "--weight-decay", "0"),
        *("--initial", str(first), "--teacher", str(first)),
    )
    second = train.train(begun) / "best.keras"
    # Nothing was learned at this rate, so what it began with is still there.
    kernels = [keras.saving.load_model(f).get_layer("logits").kernel for f in (first, second)]
    assert np.allclose(*map(np.asarray, kernels))

    out = tmp_path / "weights"
    parser = argparse.ArgumentParser()
    export.add_arguments(parser)
    chosen = ["--run", "second", "--data", str(tiny_zip), "--out", str(out)]
    export.run(parser.parse_args(chosen))
    how = json.loads((out / "training.json").read_text())
    assert how["starts"][0]["teacher"] == ["first/best.keras"]
    assert [start["run"] for start in how["initial"]["starts"]] == ["first"]

    # As a run says it that was brought back out of the history.
    note = second.with_name("arguments.json")
    said = json.loads(note.read_text())
    said[0]["initial"] = "first/best.keras"
    note.write_text(json.dumps(said))
    export.run(parser.parse_args(chosen))
    assert json.loads((out / "training.json").read_text())["initial"] == how["initial"]


def test_a_teacher_softens_the_labels(
    options: Options, tiny_zip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    split = load_fer2013(tiny_zip).training
    unsure = np.full((len(split), len(EMOTIONS)), 1 / len(EMOTIONS), np.float32)
    monkeypatch.setattr(train, "load_predictor", lambda _: lambda shown: unsure[: len(shown)])
    chosen = options("--teacher", "teacher.keras", "--teacher-views", "1")
    taught = train._teacher_probabilities(tmp_path, split, chosen)
    soft = train._targets(split, taught, teacher_weight=0.7)["logits"]
    assert soft.sum(axis=1) == pytest.approx(np.ones(len(split)))
    assert np.array_equal(soft.argmax(axis=1), split.labels)
    assert soft.max(axis=1) == pytest.approx(np.full(len(split), 0.3 + 0.7 / 7))
    # A run that is resumed does not ask its teacher again, but asks another one.
    monkeypatch.setattr(train, "load_predictor", lambda _: pytest.fail("asked again"))
    assert np.array_equal(train._teacher_probabilities(tmp_path, split, chosen), taught)
    certain = np.eye(len(EMOTIONS), dtype=np.float32)[np.zeros(len(split), dtype=int)]
    monkeypatch.setattr(train, "load_predictor", lambda _: lambda shown: certain[: len(shown)])
    another = options("--teacher", "another.keras", "--teacher-views", "1")
    assert np.array_equal(train._teacher_probabilities(tmp_path, split, another), certain)


def test_a_run_that_mixes_balances_and_is_out_of_time_goes_on(
    options: Options, tiny_zip: Path, tiny_votes: Path
) -> None:
    given = [
        *("--votes", str(tiny_votes), "--epochs", "3", "--mixup", "0.3", "--plain", "0.4"),
        *("--balance-by", "sampling", "--balance", "1", "--precision", "mixed_bfloat16"),
        *("--detected", "0.5"),
    ]
    run = train.train(options(*given, "--minutes", "0"))
    assert epochs(run) == [0]
    assert np.load(run / "detected.npy").dtype == np.uint8
    assert train.train(options(*given)) == run
    assert epochs(run) == [0, 1, 2]
    saved = keras.saving.load_model(run / "best.keras")
    assert {layer.compute_dtype for layer in saved.layers} == {"float32"}


def test_a_class_balanced_loss_counts_rare_classes_more(tiny_zip: Path) -> None:
    split = load_fer2013(tiny_zip).training
    split = split.take(np.flatnonzero((split.labels > 0) | (np.arange(len(split)) % 3 == 0)))
    counts = np.bincount(split.labels, minlength=len(EMOTIONS))
    for beta, expected in ((1e-9, np.ones(len(counts))), (1 - 1e-9, 1 / counts)):
        rarity = train._effective_rarity(split, beta=beta)
        assert rarity.mean() == pytest.approx(1.0)
        expected = expected[split.labels]
        assert rarity == pytest.approx(expected / expected.mean(), rel=1e-3)


def test_epochs_between_judgements_are_trained_and_not_judged(options: Options) -> None:
    run = train.train(options("--epochs", "4", "--judge-every", "2"))
    with (run / "history.csv").open(newline="") as lines:
        judged = [row["val_accuracy"] != "nan" for row in csv.DictReader(lines)]
    assert judged == [False, True, False, True]
