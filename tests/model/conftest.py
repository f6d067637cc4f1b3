"""A FER-2013 in miniature: real layout, drawn faces, and every flaw the loader must find."""

from __future__ import annotations

import argparse
import csv
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from emotion.labels import EMOTIONS

EACH = {"Training": 6, "PublicTest": 2, "PrivateTest": 2}


def face(label: int, variant: int) -> NDArray[np.uint8]:
    """Draw a 48x48 face whose mouth depends on the emotion and whose grey on the variant."""
    picture = np.full((48, 48), 10 + 3 * variant, np.uint8)
    cv2.circle(picture, (24, 24), 20, 180, -1)
    cv2.circle(picture, (17, 19), 3, 20, -1)
    cv2.circle(picture, (31, 19), 3, 20, -1)
    cv2.ellipse(picture, (24, 32), (4 + label, 2 + label % 3), 0, 0, 30 + 50 * label, 10, 2)
    return picture


def jpeg(picture: NDArray[np.uint8]) -> bytes:
    encoded, content = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 100])
    assert encoded
    return content.tobytes()


def files() -> dict[str, bytes]:
    """Return path → JPEG, with 1 blank, 1 repeat and 1 leaked picture in Training."""
    found = {}
    variant = 0
    for split, count in EACH.items():
        folder = "train" if split == "Training" else "test"
        for label, emotion in enumerate(EMOTIONS):
            for number in range(count):
                name = f"{folder}/{emotion}/{split}_{number}{label}.jpg"
                found[name] = jpeg(face(label, variant))
                variant += 1
    found["train/sad/Training_900.jpg"] = jpeg(np.zeros((48, 48), np.uint8))
    found["train/happy/Training_901.jpg"] = found["train/happy/Training_03.jpg"]
    found["train/fear/Training_902.jpg"] = found["test/fear/PrivateTest_12.jpg"]
    found["train/README.txt"] = b"not a picture"
    return found


@pytest.fixture(scope="session")
def tiny_zip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "fer2013.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files().items():
            archive.writestr(name, content)
    return path


@pytest.fixture(scope="session")
def tiny_votes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("votes") / "votes.csv"
    rows = ["image,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,no"]
    rows += [
        f"{name},2,0,0,1,7,0,0,0,0,0" for name in files() if "angry" in name and "train" in name
    ]
    path.write_text("\n".join(rows) + "\n")
    return path


Options = Callable[..., argparse.Namespace]


@pytest.fixture
def options(tiny_zip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Options:
    """Return a maker of training options for a tiny network whose run goes to a tmp folder."""
    from model.training import export, train

    monkeypatch.setattr(train, "RUNS", tmp_path / "runs")
    monkeypatch.setattr(export, "RUNS", tmp_path / "runs")
    parser = argparse.ArgumentParser()
    train.add_arguments(parser)

    def make(*more: str) -> argparse.Namespace:
        tiny = ["--widths", "4", "8", "--depths", "1", "2", "--batch-size", "16", "--verbose", "0"]
        return parser.parse_args(["--data", str(tiny_zip), *tiny, *more])

    return make


@pytest.fixture
def eagerly() -> Iterator[None]:
    """Train without making graphs, which takes longer than epochs of this size.

    `training/test_export.py` and `networks/test_efficientnet.py` train as everybody does.
    """
    tensorflow = pytest.importorskip("tensorflow", exc_type=ImportError)
    tensorflow.config.run_functions_eagerly(True)
    yield
    tensorflow.config.run_functions_eagerly(False)


def epochs(run: Path) -> list[int]:
    """Return the epochs in a run's history."""
    with (run / "history.csv").open(newline="") as lines:
        return [int(row["epoch"]) for row in csv.DictReader(lines)]
