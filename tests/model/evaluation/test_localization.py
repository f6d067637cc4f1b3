from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from emotion.crop import crop_faces
from emotion.detectors.base import OnStage
from emotion.labels import EMOTIONS
from emotion.types import Box, EmotionScores, Face
from model.__main__ import main
from model.data.backgrounds import Grey, load_backgrounds
from model.data.fer2013 import Split, load_fer2013
from model.evaluation import localization
from model.evaluation.localization import Condition

GROUND = np.full((localization.HEIGHT, localization.WIDTH), 90, np.uint8)


class Nobody:
    """Finds no face, or one in the corner."""

    def __init__(self, *faces: Face) -> None:
        self.faces = list(faces)

    def warm_up(self) -> None: ...

    def detect(self, image: np.ndarray, *, on_stage: OnStage | None = None) -> list[Face]:
        return self.faces


class Bright(Nobody):
    """Finds what is not the ground."""

    def detect(self, image: np.ndarray, *, on_stage: OnStage | None = None) -> list[Face]:
        rows, columns = np.nonzero(image[..., 0] > 200)
        left, top = int(columns.min()), int(rows.min())
        box = Box(left, top, int(columns.max()) + 1 - left, int(rows.max()) + 1 - top)
        return [Face(Box(0, 0, 9, 9)), Face(box)]


class Learnt:
    """Knows every crop by its mean grey; reads what was cut out as ``detected``."""

    def __init__(self, split: Split, detected: str) -> None:
        self.answers = iter(split.labels.tolist())
        self.detected = detected
        self.mirrors: set[bool] = set()

    def predict(self, crops: np.ndarray) -> np.ndarray:
        known = [next(self.answers) for _ in crops]
        return np.eye(len(EMOTIONS), dtype=np.float32)[known]

    def classify(
        self, image: np.ndarray, faces: Sequence[Face], *, mirror: bool = True
    ) -> list[EmotionScores]:
        self.mirrors.add(mirror)
        return [EmotionScores(tuple(float(e == self.detected) for e in EMOTIONS)) for _ in faces]


@pytest.fixture(scope="module")
def split(tiny_zip: Path) -> Split:
    return load_fer2013(tiny_zip).public_test


def asked(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    localization.add_arguments(parser)
    return parser.parse_args(words)


@pytest.mark.parametrize("side", localization.SIDES)
def test_a_pasted_face_can_be_cut_out_again(split: Split, side: int) -> None:
    face = split.images[3, ..., 0]
    placed = localization.paste(face, GROUND, Condition(side), across=0.3, down=0.8)
    assert placed.image.shape == (localization.HEIGHT, localization.WIDTH, 3)
    (cut,) = crop_faces(placed.image, [Face(placed.frame)], margin=0.0, preprocessed=False)
    assert np.abs(cut.astype(int) - face).mean() < (12 if side < 48 else 4)
    # Far from it nothing has changed, and no edge is hard.
    frame = placed.frame
    reach = round(side * localization.SOFT_EDGE_FRACTION) + 1
    rest = placed.image.astype(int)
    rest[
        max(0, frame.y - reach) : frame.y + side + reach,
        max(0, frame.x - reach) : frame.x + side + reach,
    ] = 90
    assert (rest == 90).all()


def test_a_leaning_face_leans_clockwise_about_the_middle_of_its_frame() -> None:
    face = np.zeros((48, 48), np.uint8)
    face[:8, 20:28] = 255
    placed = localization.paste(face, GROUND, Condition(96, 30), across=0.5, down=0.5)
    rows, columns = np.nonzero(placed.image[..., 0] > 200)
    middle = placed.frame.x + placed.frame.width / 2, placed.frame.y + placed.frame.height / 2
    assert columns.mean() > middle[0] + 10
    assert rows.mean() < middle[1] - 10
    angle = np.degrees(np.arctan2(columns.mean() - middle[0], middle[1] - rows.mean()))
    assert angle == pytest.approx(30, abs=3)


def test_face_larger_than_the_background_is_refused() -> None:
    with pytest.raises(ValueError, match="'side' argument: 300"):
        localization.paste(np.zeros((48, 48), np.uint8), GROUND, Condition(300), across=0, down=0)


def test_the_edge_fades_without_a_step() -> None:
    mask = localization.soft_mask(96, 19, border=40)
    assert mask.shape == (176, 176)
    assert (mask[40:136, 40:136] == 1).all()
    assert mask[0].max() == mask[:, -1].max() == 0
    assert np.abs(np.diff(mask, axis=0)).max() < 0.1


def test_a_face_is_found_where_the_boxes_agree() -> None:
    frame = Box(100, 100, 100, 100)
    near, nearer, far = (Face(Box(x, 100, 100, 100)) for x in (130, 110, 170))
    assert localization.iou(frame, frame) == 1
    assert localization.iou(frame, far.box) == pytest.approx(30 / 170)
    assert localization.iou(frame, Box(300, 300, 5, 5)) == 0
    assert localization.best_match([far, near, nearer], frame) is nearer
    assert localization.best_match([far], frame) is None
    assert localization.best_match([], frame) is None


def test_evaluation_backgrounds_are_not_training_backgrounds(
    split: Split, monkeypatch: pytest.MonkeyPatch
) -> None:
    used: list[Grey] = []
    paste = localization.paste

    def noted(face: Grey, ground: Grey, *how: Any, **where: Any) -> localization.Placed:
        used.append(ground)
        return paste(face, ground, *how, **where)

    monkeypatch.setattr(localization, "paste", noted)
    classifier = Learnt(split, detected="happy")
    localization.measure(split, classifier, {"nobody": Nobody()}, conditions=[Condition(64)])
    assert len(used) == len(split)
    learned = load_backgrounds()
    assert not any(np.array_equal(ours, theirs) for ours in used for theirs in learned)


def test_missed_faces_count_as_errors_end_to_end(split: Split) -> None:
    classifier = Learnt(split, detected="happy")
    images = np.full_like(split.images, 230)
    bright = Split(images, split.labels, split.names, split.clean)
    elsewhere = Nobody(Face(Box(0, 0, 10, 10)))
    seeing, blind, wrong = localization.measure(
        bright,
        classifier,
        {"bright": Bright(), "nobody": Nobody(), "elsewhere": elsewhere},
        conditions=[Condition(64)],
        backgrounds=[GROUND],
        empty=[np.full((30, 40, 3), 220, np.uint8)] * 3,
    )
    happy = float((split.labels == EMOTIONS.index("happy")).mean())
    assert seeing["detector"] == "bright"
    assert seeing["conditions"] == [
        {
            "side": 64,
            "tilt": 0,
            "faces": len(split),
            "found": 1.0,
            "own_crops": 1.0,
            "detected": happy,
            "loss": pytest.approx(100 * (1 - happy)),
            "end_to_end": happy,
        }
    ]
    assert seeing["loss_error"] > 0 == blind["loss_error"]
    assert [figures["false_positives"] for figures in (seeing, blind, wrong)] == [3, 0, 3]
    for figures in (blind["conditions"][0], wrong["conditions"][0]):
        assert (figures["found"], figures["loss"], figures["end_to_end"]) == (0, 0, 0)
    assert classifier.mirrors == {False}


def test_the_interval_of_the_loss_counts_faces_and_not_conditions() -> None:
    before = np.arange(100) % 10 > 2
    worse: list[bool | None] = [
        bool(right) and number % 4 > 0 for number, right in enumerate(before)
    ]
    once = localization._loss_error(before, [worse])
    # 18 of 100 faces are lost: their share has a standard error of 3.8 points.
    assert once == pytest.approx(1.96 * 3.8, abs=0.6)
    assert localization._loss_error(before, [worse] * 11) == pytest.approx(once)
    assert localization._loss_error(before, [[None] * 100]) == 0
    assert localization._loss_error(before, [[bool(right) for right in before]]) == 0


def test_command_records_what_it_measured(
    tiny_zip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(localization, "RECORD", tmp_path / "localization.json")
    monkeypatch.setattr(localization, "CONDITIONS", (Condition(96), Condition(96, -20)))
    plain = np.full((60, 80, 3), 90, np.uint8)
    monkeypatch.setattr(localization, "empty_images", lambda: [plain] * 2)
    words = ("--data", str(tiny_zip), "--limit", "3", "--detector", "haar", "--record")
    results = localization.run(asked(*words))
    assert json.loads((tmp_path / "localization.json").read_text()) == results
    assert results["command"].endswith("--split public-test --limit 3 --detector haar")
    assert [len(found["conditions"]) for found in results["detectors"]] == [2]
    table = localization.as_markdown(results).splitlines()
    assert len(table) == 6
    assert len({line.count("|") for line in table[:4]}) == 1
    assert table[3].startswith("| haar | 96 px, -20° |")
    assert table[5] == "Faces detected in 2 images without a face: haar in 0."
    assert "haar" in localization.as_text(results)


def test_command_reports_missing_data(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"none\.tflite"):
        localization.run(asked("--weights", str(tmp_path / "none.tflite")))


def test_the_command_goes_by_its_former_name_as_well(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["placement", "--weights", str(tmp_path / "none.tflite")]) == 2
    assert "There are no weights at" in capsys.readouterr().err
