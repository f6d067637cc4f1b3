from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from emotion.labels import EMOTIONS
from model.data.fer2013 import load_fer2013
from model.networks.efficientnet import build_efficientnet
from model.reporting import experiments


def start(**changes: object) -> dict[str, object]:
    usual = {"widths": [4, 8], "depths": [1, 2], "learning_rate": 0.1, "backend": "jax"}
    return {**usual, "initial": None, "teacher": [], "limit": None, **changes}


def write_run(folder: Path, *starts: dict[str, object], accuracy: float, seconds: str = "") -> None:
    folder.mkdir(parents=True)
    (folder / "arguments.json").write_text(json.dumps(starts))
    (folder / "best.json").write_text(json.dumps({"epoch": 1, "accuracy": accuracy}))
    (folder / "history.csv").write_text(
        f"epoch,logits_accuracy,wall_seconds\n0,0.5,{seconds}\n1,0.6,{seconds}\n"
    )


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("RUNS", "KNOWN", "TABLE"):
        monkeypatch.setattr(experiments, name, tmp_path / getattr(experiments, name).name)
    return tmp_path


def asked(**options: object) -> argparse.Namespace:
    return argparse.Namespace(**{"data": None, "offsets": None, "ensembles": None, **options})


def test_every_run_is_listed_the_best_last_and_stays_when_its_folder_is_gone(home: Path) -> None:
    write_run(home / "runs" / "good", start(teacher="x/old/best.keras"), accuracy=0.7)
    write_run(home / "runs" / "bad", start(), start(), accuracy=0.3, seconds="1800")
    (home / "runs" / "begun").mkdir()  # no epoch is done yet
    table = experiments.run(asked()).read_text()
    rows = [line for line in table.splitlines() if line.startswith(("| good", "| bad", "| begun"))]
    assert [row.split(" | ")[0] for row in rows] == ["| bad", "| good"]
    assert "2 starts" in rows[0]
    assert "| 2 | 1.0 | 60.0% | 30.00% |" in rows[0]
    assert "distilled from old" in rows[1]

    for file in (home / "runs" / "bad").iterdir():
        file.unlink()
    assert "| bad" in experiments.run(asked()).read_text()


def test_a_larger_network_is_listed_by_its_name_and_its_start(home: Path) -> None:
    lite = start(network="efficientnet_lite0", side=112, initial="model/runs/imagenet.keras")
    write_run(home / "runs" / "large", lite, accuracy=0.7)
    (row,) = (
        line for line in experiments.run(asked()).read_text().splitlines() if "| large" in line
    )
    assert "| efficientnet_lite0, 112 px, " in row
    assert "widths" not in row
    assert "started from imagenet" in row


def test_recalls_stand_in_the_table_where_a_run_noted_them(home: Path) -> None:
    write_run(home / "runs" / "old", start(), accuracy=0.6)
    write_run(home / "runs" / "new", start(), accuracy=0.7)
    recall = dict.fromkeys(EMOTIONS, 0.7) | {"disgust": 0.0}
    note = {"epoch": 1, "accuracy": 0.7, "recall": recall}
    (home / "runs" / "new" / "best.json").write_text(json.dumps(note))
    old, new = (
        line
        for line in experiments.run(asked()).read_text().splitlines()
        if line.startswith(("| old", "| new"))
    )
    assert old.endswith("| 60.00% |  |  |")
    assert new.endswith("| 70.00% | 60.0% | 0.0% |")


def test_multiply_adds_of_the_larger_network() -> None:
    # Tan & Le's "Lite0" makes 407 million of them at 224 pixels a side, so at 96 about 75.
    assert experiments.lite0_multiply_adds(224) == pytest.approx(407e6, rel=0.1)
    assert experiments.lite0_multiply_adds() == pytest.approx(407e6 * (96 / 224) ** 2, rel=0.1)


def test_multiply_adds_by_hand() -> None:
    # 48 x 48 x 9 x 1 x 4, and at 24 x 24: 9 x (4 x 8 + 8 x 8) and the shortcut's 4 x 8.
    assert experiments.multiply_adds([4, 8], [1, 2]) == 48**2 * 36 + 24**2 * (9 * 96 + 32)


def test_offsets_are_tried_on_faces_that_they_were_not_fitted_to(
    home: Path, tiny_zip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    labels = load_fer2013(tiny_zip).public_test.labels
    timid = np.full((len(labels), len(EMOTIONS)), 0.1, np.float32)
    timid[np.arange(len(labels)), labels] = 0.4
    timid[labels == 2, 2] = 0.08  # fear is given up
    monkeypatch.setattr(experiments, "load_predictor", lambda _: lambda _: timid)
    rows = experiments.try_offsets(["x"], str(tiny_zip))
    assert [(row["adjustment"], row["floor"]) for row in rows] == list(experiments.OFFSETS)
    by_floor = {row["floor"]: row for row in rows if row["adjustment"] == 0}
    assert by_floor[0.0]["fitted_lowest_recall"] == 0
    assert by_floor[0.6]["fitted_lowest_recall"] >= 0.6
    assert {f"{how}_accuracy" for how in ("fitted", "crossed")} < set(rows[0])
    table = experiments.run(asked(offsets=["x", "y"], data=str(tiny_zip))).read_text()
    assert "recall, for x + y. They are fitted" in table
    assert "## Class offsets" in experiments.run(asked()).read_text()


@pytest.mark.filterwarnings("ignore")  # Keras's and TensorFlow's, of each other's ways
def test_a_network_can_be_tried_at_another_size_than_it_was_trained_with(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "runs").mkdir()
    build_efficientnet(side=40).save(home / "runs" / "small.keras")
    pictures = np.zeros((2, 48, 48, 1), np.uint8)
    assert experiments.load_run_predictor("small@64")(pictures).shape == (2, len(EMOTIONS))
    monkeypatch.setattr(experiments, "predictor_of", lambda network: network)
    shown: Any = experiments.load_run_predictor("small@64")
    assert shown.get_layer("upscale").output.shape == (None, 64, 64, 1)
    with pytest.raises(FileNotFoundError, match=r"no weights at .*none\.keras"):
        experiments.load_run_predictor("none@64")
    with pytest.raises(ValueError, match="a side in pixels after '@'"):
        experiments.load_run_predictor("small@large")


def test_ensemble_is_right_where_its_mean_is(
    home: Path, tiny_zip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    labels = load_fer2013(tiny_zip).public_test.labels
    wrong = (labels + 1) % len(EMOTIONS)
    sure, unsure = (np.full((len(labels), len(EMOTIONS)), low, np.float32) for low in (0, 0.1))
    sure[np.arange(len(labels)), labels] = 1
    unsure[np.arange(len(labels)), wrong] = 0.4
    answers = {"sure.keras": sure, "best.keras": unsure}
    monkeypatch.setattr(experiments, "load_predictor", lambda file: lambda _: answers[file.name])
    (home / "runs" / "unsure").mkdir(parents=True)
    (home / "runs" / "unsure" / "best.keras").touch()
    table = experiments.run(asked(ensembles=["sure", "unsure"], data=str(tiny_zip))).read_text()
    assert "| sure | 100.00% | 100.00% |" in table
    assert "| unsure | 0.00% | 0.00% |" in table
    assert "| sure + unsure | 100.00% | 100.00% |" in table
    assert "## Ensembles" in experiments.run(asked()).read_text()
    # What was tried before stays, though its networks may be gone.
    later = experiments.run(asked(ensembles=["sure"], data=str(tiny_zip))).read_text()
    assert later.count("| sure | 100.00%") == 1
    assert later.index("| unsure |") < later.index("| sure + unsure | 100.00% |")
