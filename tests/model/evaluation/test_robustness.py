from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import pytest

from emotion.labels import EMOTIONS
from model.data.fer2013 import Split, load_fer2013
from model.evaluation import robustness
from model.evaluation.fer_package import load_fer
from model.evaluation.robustness import CORRUPTIONS, Corruption


@pytest.fixture(scope="module")
def split(tiny_zip: Path) -> Split:
    return load_fer2013(tiny_zip).public_test


def changed(name: str) -> Corruption:
    return next(corruption for corruption in CORRUPTIONS if corruption.name == name)


def asked(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    robustness.add_arguments(parser)
    return parser.parse_args(words)


def always(emotion: str) -> robustness.Predict:
    """Return a network that sees one emotion everywhere."""
    row = np.eye(len(EMOTIONS), dtype=np.float32)[EMOTIONS.index(emotion)]
    return lambda pictures: np.tile(row, (len(pictures), 1))


def figures(name: str, *points: tuple[float, float, float | None]) -> robustness.CorruptionFigures:
    corruption = changed(name)
    return robustness.CorruptionFigures(
        name=name,
        unit=corruption.unit,
        explanation=corruption.explanation,
        none=corruption.none,
        points=[robustness.CorruptionPoint(severity=s, accuracy=a, fer=f) for s, a, f in points],
    )


def results_of(*corruptions: robustness.CorruptionFigures) -> robustness.RobustnessRecord:
    return robustness.RobustnessRecord(
        network={"file": "a.tflite", "bytes": 1, "sha256": ""},
        command="python -m model robustness",
        split="public-test",
        images=3,
        corruptions=list(corruptions),
    )


@pytest.mark.parametrize("corruption", CORRUPTIONS, ids=lambda corruption: corruption.name)
def test_every_corruption_starts_from_the_clean_image(corruption: Corruption, split: Split) -> None:
    before = split.images.copy()
    same = corruption.corrupt(split.images, corruption.none)
    # A JPEG of the best quality still rounds.
    tolerance = 2 if corruption.name == "JPEG" else 0
    assert np.abs(same.astype(int) - split.images).max() <= tolerance
    assert corruption.none in corruption.severities
    worst = max(corruption.severities, key=lambda severity: abs(severity - corruption.none))
    altered = corruption.corrupt(split.images, worst)
    assert (altered.shape, altered.dtype) == (split.images.shape, np.uint8)
    assert np.abs(altered.astype(int) - split.images).mean() > 1
    assert np.array_equal(altered, corruption.corrupt(split.images, worst))
    assert np.array_equal(split.images, before)


def test_rotation_is_clockwise() -> None:
    face = np.zeros((1, 48, 48, 1), np.uint8)
    face[0, :8, 20:28] = 255
    turned = robustness.rotate(face, 30)[0, ..., 0]
    assert turned[:24, 24:].sum() > 10 * max(1, turned[:24, :24].sum())


@pytest.mark.parametrize(
    ("hide", "rows"),
    [(robustness.hide_mouth, robustness.MOUTH), (robustness.hide_eyes, robustness.EYES)],
)
def test_occlusion_bar_covers_only_its_region(
    hide: robustness.Corrupt, rows: tuple[int, int]
) -> None:
    faces = np.zeros((2, 48, 48, 1), np.uint8)
    for share in (0, 50, 100):
        hidden = hide(faces, share)
        touched = np.flatnonzero(hidden.any(axis=(0, 2, 3)))
        assert len(touched) == (rows[1] - rows[0]) * share // 100
        assert all(rows[0] <= row < rows[1] for row in touched)
        assert set(np.unique(hidden[:, touched])) <= {robustness.BAR_GREY}


def test_noise_blur_and_brightness_have_the_stated_strength() -> None:
    faces = np.full((4, 48, 48, 1), 100, np.uint8)
    assert robustness.add_noise(faces, 20).std() == pytest.approx(20, rel=0.05)
    assert not np.array_equal(
        robustness.add_noise(faces, 20), robustness.add_noise(faces, 20, seed=1)
    )
    assert np.array_equal(robustness.blur(faces, 3), faces)
    assert np.unique(robustness.expose(faces, 0.5)).tolist() == [50]
    assert np.unique(robustness.expose(faces, 3)).tolist() == [255]


def test_our_network_sees_preprocessed_and_fer_raw_corrupted_images(split: Split) -> None:
    seen: dict[str, list[np.ndarray]] = {"ours": [], "fer": []}

    def spy(name: str, emotion: str) -> robustness.Predict:
        def predict(pictures: np.ndarray) -> np.ndarray:
            seen[name].append(pictures)
            return always(emotion)(pictures)

        return predict

    (found,) = robustness.measure(
        split, spy("ours", "happy"), spy("fer", "neutral"), corruptions=[changed("Too dark")]
    )
    happy, neutral = (
        float((split.labels == EMOTIONS.index(emotion)).mean()) for emotion in ("happy", "neutral")
    )
    severities = changed("Too dark").severities
    assert [point["severity"] for point in found["points"]] == list(severities)
    assert {point["accuracy"] for point in found["points"]} == {happy}
    assert {point["fer"] for point in found["points"]} == {neutral}
    # The clean images are read once, for all corruptions.
    assert len(seen["ours"]) == len(seen["fer"]) == len(severities)
    assert all(int(face.max()) == 255 for face in seen["ours"][-1])
    assert seen["fer"][-1].max() <= 0.15 * 255 + 1


def test_severities_are_ordered_from_clean_to_worst() -> None:
    turned = figures("Rotation", (-30, 0.2, None), (-10, 0.5, None), (0, 0.7, None))
    turned["points"] += figures("Rotation", (10, 0.6, None), (30, 0.4, None))["points"]
    found = robustness.steps(turned)
    assert [step.label for step in found] == ["0°", "±10°", "±30°"]
    assert [step.accuracy for step in found] == pytest.approx([0.7, 0.55, 0.3])
    assert found[0].fer is None


def test_markdown_omits_networks_that_were_not_measured() -> None:
    alone = figures("JPEG", (100, 0.7, None), (50, 0.6, None), (10, 0.5, None))
    assert robustness.as_markdown(results_of(alone)).splitlines()[2:] == [
        "| JPEG (quality 50, quality 10) | 70.0% | 60.0% | 50.0% |"
    ]
    beside = figures("Too dark", (1, 0.7, 0.6), (0.5, 0.6, 0.5), (0.15, 0.5, 0.25))
    assert robustness.as_markdown(results_of(beside)).splitlines()[2:] == [
        "| Too dark (×0.5, ×0.15) | 70.0% | 60.0% | 50.0% | 60.0% | 50.0% | 25.0% |"
    ]
    assert "quality 50   60.0%" in robustness.as_text(results_of(alone))


def test_charts_are_drawn(tmp_path: Path) -> None:
    results = results_of(
        figures("Size", (48, 0.7, 0.6), (16, 0.41, 0.4)), figures("Noise", (0, 0.7, None))
    )
    target = robustness.draw_charts(results, tmp_path / "charts.png")
    assert target.read_bytes().startswith(b"\x89PNG")


def test_command_records_what_it_measured(
    tiny_zip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(robustness, "RECORD", tmp_path / "robustness.json")
    monkeypatch.setattr(robustness, "CORRUPTIONS", CORRUPTIONS[:1])
    monkeypatch.setattr(robustness, "load_predictor", lambda weights: always("happy"))
    results = robustness.run(asked("--data", str(tiny_zip), "--limit", "5", "--record"))
    assert json.loads((tmp_path / "robustness.json").read_text()) == results
    assert [path.name for path in tmp_path.iterdir()] == ["robustness.json"]
    assert set(results) == {"network", "command", "split", "images", "corruptions"}
    assert set(results["network"]) == {"file", "bytes", "sha256"}
    assert results["images"] == 5
    assert results["command"] == "python -m model robustness --split public-test --limit 5"
    assert set(results["corruptions"][0]) == {"name", "unit", "explanation", "none", "points"}
    assert set(results["corruptions"][0]["points"][0]) == {"severity", "accuracy", "fer"}


def test_limit_is_validated_and_sampled_reproducibly(split: Split) -> None:
    with pytest.raises(ValueError, match="'limit' argument: 0"):
        robustness.sample(split, 0)
    assert robustness.sample(split, None) is split
    one, two = robustness.sample(split, 4), robustness.sample(split, 4)
    assert len(one) == 4
    assert one.names == two.names


STUB = """
import os
import numpy as np
print("chatter that must not mix with the answers")
class FER:
    _FER__emotion_target_size = (64, 64)
    use_tflite = True
    def _get_labels(self):
        return dict(enumerate(["neutral", "surprise", "sad", "happy", "fear", "disgust", "angry"]))
    def _classify_emotions(self, faces):
        assert faces.shape[1:] == (64, 64) and faces.dtype == np.float32
        print("more of it")
        level = faces.mean(axis=(1, 2))  # -1 for black to 1 for white
        if len(faces) == 3:
            raise RuntimeError("three are too many")
        found = np.zeros((len(faces), 7))
        found[:, 0], found[:, 6] = (1 + level) / 2, (1 - level) / 2
        return found
"""


@pytest.fixture
def stub_fer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Give this Python a `fer` whose neutral is the brightness, and labels in another order."""
    package = tmp_path / "fer"
    (package / "data").mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "fer.py").write_text(STUB)
    (package / "data" / "emotion_model_quantized.tflite").write_bytes(b"12345")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return sys.executable


def test_fer_gets_its_own_preprocessing_and_our_emotion_order(stub_fer: str) -> None:
    faces = np.zeros((2, 48, 48, 1), np.uint8)
    faces[1] = 255
    with load_fer(stub_fer) as fer:
        assert fer.size == 5
        assert 0 < fer.milliseconds < 1000
        found = fer.predict(faces)
        assert found.dtype == np.float32
        assert [EMOTIONS[place] for place in found.argmax(axis=1)] == ["angry", "neutral"]
        assert found.sum(axis=1) == pytest.approx([1, 1])
        many = np.repeat(faces, 200, axis=0)
        assert np.array_equal(fer.predict(many), np.repeat(found, 200, axis=0))
        assert fer.predict(faces[:0]).shape == (0, 7)
        with pytest.raises(ValueError, match="'images' argument"):
            fer.predict(faces[..., 0])
        with pytest.raises(ValueError, match="three are too many"):
            fer.predict(many[:3])
    with pytest.raises(ValueError, match="closed"):
        fer.predict(faces)


def test_fer_ends_with_its_object(stub_fer: str) -> None:
    fer = load_fer(stub_fer)
    child = fer._child
    del fer
    assert child.returncode is not None


def test_command_reports_where_fer_cannot_run(tmp_path: Path) -> None:
    absent = tmp_path / "python"
    with pytest.raises(ValueError, match=r"`fer` cannot be run with .*python: No such file"):
        load_fer(str(absent))
    # An isolated Python, which a `fer` installed here would not reach.
    absent.write_text(f'#!/bin/sh\nexec "{sys.executable}" -I -S "$@"\n')
    absent.chmod(0o755)
    with pytest.raises(ValueError, match=r"`fer` cannot be run with .*No module named '"):
        load_fer(str(absent))
