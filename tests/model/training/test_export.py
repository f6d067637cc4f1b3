"""The way from a run to the shipped file."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

from emotion.labels import EMOTIONS
from model.data.fer2013 import load_fer2013
from model.evaluation import evaluate
from model.networks.emotion_cnn import build_model
from model.training import export, train
from model.training.calibration import Calibration
from tests.model.conftest import Options, epochs

keras = pytest.importorskip("keras", exc_type=ImportError)

# Keras and TensorFlow warn about each other's ways; that is not ours to mend.
pytestmark = pytest.mark.filterwarnings("ignore")


def test_train_resumes_exports_and_evaluates(
    options: Options, tiny_zip: Path, tiny_votes: Path, tmp_path: Path
) -> None:
    votes = ["--votes", str(tiny_votes)]
    run = train.train(options("--epochs", "1", *votes))
    assert epochs(run) == [0]
    # The same command with more epochs goes on instead of starting again.
    assert train.train(options("--epochs", "2", *votes)) == run
    assert epochs(run) == [0, 1]
    starts = json.loads((run / "arguments.json").read_text())
    assert [(start["epochs"], start["epochs_done"]) for start in starts] == [(1, 0), (2, 1)]
    best = json.loads((run / "best.json").read_text())
    assert 0 <= best["accuracy"] <= 1
    assert set(best["recall"]) == set(EMOTIONS)

    out = tmp_path / "weights"
    parser = argparse.ArgumentParser()
    export.add_arguments(parser)
    exported = export.run(parser.parse_args(["--data", str(tiny_zip), "--out", str(out)]))
    assert {file.name for file in out.iterdir()} == {
        "emotion_cnn.keras",
        "emotion_cnn.tflite",
        "training.json",
        "calibration.json",
        "history.csv",
        "curves.png",
    }
    starts = json.loads((out / "training.json").read_text())["starts"]
    assert [start["data"] for start in starts] == ["fer2013.zip"] * 2

    # A run that was begun before a run could begin with another is exported, too.
    old = json.loads((run / "arguments.json").read_text())
    for start in old:
        del start["initial"], start["teacher"]
    (run / "arguments.json").write_text(json.dumps(old))
    export.run(parser.parse_args(["--data", str(tiny_zip), "--out", str(out)]))

    split = load_fer2013(tiny_zip).public_test
    from_keras = evaluate.load_predictor(out / "emotion_cnn.keras")(split.images)
    from_litert = evaluate.load_predictor(exported)(split.images)
    assert from_litert == pytest.approx(from_keras, abs=10 * export.MAX_MEAN_DIFFERENCE)
    calibration = json.loads((out / "calibration.json").read_text())
    assert calibration["temperature"] > 0
    assert list(calibration["bias"]) == list(EMOTIONS)
    # The calibration is in the files, and the file to go on from is the one that was measured.
    trained = evaluate.load_predictor(run / "best.keras")(split.images)
    fitted = Calibration(calibration["temperature"], tuple(calibration["bias"].values()))
    assert from_keras == pytest.approx(fitted.apply(trained), abs=0.005)


def test_export_refuses_a_run_that_is_not_there(
    options: Options, tiny_zip: Path, tmp_path: Path
) -> None:
    parser = argparse.ArgumentParser()
    export.add_arguments(parser)
    with pytest.raises(FileNotFoundError, match="train one first"):
        export.run(parser.parse_args(["--run", "none", "--data", str(tiny_zip)]))


def test_export_keeps_the_old_file_where_the_new_one_is_worse(
    tiny_zip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "x.tflite"
    target.write_bytes(b"old")
    monkeypatch.setattr(export, "MAX_MEAN_DIFFERENCE", -1.0)
    network = build_model(widths=(4, 8), depths=(1, 2))
    with pytest.raises(ValueError, match="differs from Keras"):
        export.export(network, target, load_fer2013(tiny_zip).public_test)
    assert target.read_bytes() == b"old"
