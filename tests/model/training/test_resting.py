"""How a typical neutral face is read, and that the library has what was measured."""

from __future__ import annotations

import io
import json
import math
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from emotion.classifier import EmotionClassifier
from emotion.labels import EMOTIONS
from emotion.personal import MIN_PROBABILITY, TYPICAL_FILE, typical_log_probabilities
from emotion.types import Box, EmotionScores, Face, FaceReading
from model.__main__ import main
from model.training import resting

CALM = (0.1, 0.0, 0.1, 0.05, 0.1, 0.05, 0.6)
CALMER = (0.05, 0.0, 0.05, 0.05, 0.05, 0.0, 0.8)
ANGRY = (0.7, 0.0, 0.1, 0.0, 0.1, 0.0, 0.1)


ROWS = {50: CALM, 100: CALMER, 150: ANGRY}


class Reader:
    """Reads every photograph by how bright it is: 0 has no face."""

    classifier = None

    def read(self, image: NDArray[np.uint8]) -> list[FaceReading]:
        row = ROWS.get(int(image[0, 0, 0]))
        return [FaceReading(Face(Box(0, 0, 9, 9)), EmotionScores(row))] if row else []


def png(level: int) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (16, 16), (level,) * 3).save(out, "PNG")
    return out.getvalue()


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    path = tmp_path / "photos.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number, level in enumerate((50, 100, 150, 0)):
            archive.writestr(f"faces/neutral/{number}-1.png", png(level))
        archive.writestr("faces/neutral/9-broken.jpg", b"no picture")
        archive.writestr("faces/neutral/notes.txt", b"")
        archive.writestr("faces/happy/1-2.png", png(50))
    return path


def measured(source: Path, **settings: Any) -> dict[str, Any]:
    return resting.measure(resting.neutral_photos(source), recognizer=Reader(), **settings)  # type: ignore[arg-type]


def test_only_neutral_photographs_that_are_read_as_neutral_count(photos: Path) -> None:
    found = measured(photos)
    assert (found["photos"], found["found"], found["read_as_neutral"]) == (5, 3, 2)
    logs = found["log_probabilities"]
    assert list(logs) == list(EMOTIONS)
    assert logs["neutral"] == pytest.approx((math.log(0.6) + math.log(0.8)) / 2, abs=1e-4)
    assert logs["disgust"] == pytest.approx(math.log(MIN_PROBABILITY), abs=1e-4)


def test_a_folder_is_read_alike(photos: Path, tmp_path: Path) -> None:
    folder = tmp_path / "unpacked"
    with zipfile.ZipFile(photos) as archive:
        archive.extractall(folder)
    assert measured(folder) == measured(photos)


def test_a_limit_takes_the_same_photographs_each_time(photos: Path) -> None:
    names = [photo.name for photo in resting.neutral_photos(photos)]
    assert names == [photo.name for photo in resting.neutral_photos(photos)]
    assert measured(photos, limit=4)["photos"] == 4


def test_it_is_recorded_twice_alike(photos: Path, tmp_path: Path) -> None:
    record, typical = tmp_path / "record.json", tmp_path / "data" / "typical.json"
    found = measured(photos)
    resting.write(found, record=record, typical=typical)
    assert json.loads(record.read_text()) == found
    assert json.loads(typical.read_text()) == {"log_probabilities": found["log_probabilities"]}
    assert "neutral" in resting.as_text(found)


def test_what_is_shipped_is_what_was_measured_with_the_shipped_network() -> None:
    """After another network was shipped: ``python -m model resting --photos …``."""
    record = json.loads(resting.RECORD.read_text(encoding="utf-8"))
    assert record["network"] == resting.fingerprint(EmotionClassifier())
    shipped = json.loads(TYPICAL_FILE.read_text(encoding="utf-8"))
    assert shipped["log_probabilities"] == record["log_probabilities"]
    assert typical_log_probabilities() == tuple(record["log_probabilities"].values())
    assert record["read_as_neutral"] <= record["found"] <= record["photos"]


def nothing_there(folder: Path) -> Path:
    return folder / "nowhere.zip"


def no_zip(folder: Path) -> Path:
    path = folder / "text.zip"
    path.write_text("text")
    return path


def no_neutral(folder: Path) -> Path:
    (folder / "happy").mkdir()
    (folder / "happy" / "1-1.png").write_bytes(png(50))
    return folder


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        (nothing_there, "There are no photographs"),
        (no_zip, "neither a folder nor a zip"),
        (no_neutral, "holds no photograph in a folder called neutral"),
    ],
)
def test_bad_input_is_reported_in_one_line(
    source: Callable[[Path], Path],
    sentence: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = resting.RECORD.read_bytes()
    assert main(["resting", "--photos", str(source(tmp_path))]) == 2
    said = capsys.readouterr()
    assert sentence in said.err
    assert said.err.count("\n") == 1
    assert said.out == ""
    assert resting.RECORD.read_bytes() == before
