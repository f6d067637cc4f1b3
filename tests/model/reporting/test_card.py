from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import pytest

from emotion.labels import EMOTIONS
from model.data.fer2013 import load_fer2013
from model.evaluation import evaluate, localization, photographs, robustness
from model.reporting import card

SETTINGS = {"widths": [4, 8], "depths": [1, 2], "votes": "votes.csv", "backend": "jax"}


@pytest.fixture
def weights(tiny_zip: Path, tiny_votes: Path, tmp_path: Path) -> Path:
    """Return a folder with the figures of a network that takes all fear for surprise."""
    file = tmp_path / "emotion_cnn.tflite"
    file.write_bytes(b"a network")
    (tmp_path / "training.json").write_text(json.dumps({"starts": [SETTINGS]}))
    (tmp_path / "calibration.json").write_text(
        json.dumps(
            {
                "temperature": 1.25,
                "adjustment": 0.2,
                "bias": {name: 0.1 * (name == "fear") for name in EMOTIONS},
            }
        )
    )
    data = load_fer2013(tiny_zip, ferplus=tiny_votes)
    for name, split in (("private-test", data.private_test), ("public-test", data.public_test)):
        said = np.where(split.labels == 2, 5, split.labels)
        found = np.full((len(split), len(EMOTIONS)), 0.05, np.float32)
        found[np.arange(len(split)), said] = 0.7
        metrics = evaluate.measure(found, split, name=name)
        evaluate.record(metrics, file, path=tmp_path / "metrics.json")
    return tmp_path


def write(folder: Path) -> str:
    target = folder / "CARD.md"
    assert card.run(argparse.Namespace(weights=folder, out=target)) == target
    return target.read_text()


def test_the_card_says_what_was_measured(weights: Path) -> None:
    text = write(weights)
    private = json.loads((weights / "metrics.json").read_text())["figures"]["private-test"]
    assert f"**{private['accuracy']:.2%}**" in text
    assert "**fear** (0% recognised, 100% taken for surprise)" in text
    assert "**happy**" not in text
    assert "1 images of PrivateTest and 0 images of PublicTest are pixel-identical" in text
    assert "Temperature 1.25" in text
    assert "class offsets fear +0.10 (logit adjustment 0.2 and" in text
    assert "Article 5(1)(f)" in text
    # What was not measured has no heading.
    assert "Comparison with classical features" not in text
    for name in ("confusion", "reliability"):
        assert (weights / "figures" / f"{name}.png").read_bytes().startswith(b"\x89PNG")


def test_the_card_says_what_the_network_is_and_what_it_began_with(weights: Path) -> None:
    small = write(weights)
    assert "A small residual CNN (1 million multiply-adds a face)" in small
    assert "began with random weights" in small
    assert "ImageNet" not in small
    large = {**SETTINGS, "network": "efficientnet_lite0", "initial": "teacher/best.keras"}
    began = {"starts": [{**large, "initial": "runs/imagenet.keras"}]}
    (weights / "training.json").write_text(json.dumps({"starts": [large], "initial": began}))
    text = write(weights)
    assert "EfficientNet-Lite0" in text
    assert "69 million multiply-adds" in text
    assert "began with weights pretrained on ImageNet" in text
    assert "Apache-2.0 by the licence file" in text
    assert "enlarges the crop to 96×96" in text
    joined = {"starts": [{**SETTINGS, "teacher": ["large/best.keras", "runs/wise.keras"]}]}
    (weights / "training.json").write_text(
        json.dumps({"starts": [{**large, "side": 112}], "initial": began, "joined": joined})
    )
    text = write(weights)
    assert "Two networks in one file, whose logits are averaged: EfficientNet-Lite0" in text
    assert "enlarges the crop to 112×112" in text
    assert ", and a small residual CNN (104 million multiply-adds a face in all)." in text
    assert "random weights; its last run was distilled from `large`, `wise`." in text
    how = {"starts": [{**large, "side": 112}], "initial": began, "shipped_side": 96}
    (weights / "training.json").write_text(json.dumps(how))
    text = write(weights)
    assert "enlarges the crop to 96×96 (112×112 in training)" in text
    assert "69 million multiply-adds" in text


def test_metrics_of_another_network_are_refused(weights: Path) -> None:
    other = json.loads(robustness.RECORD.read_text())
    other["network"]["sha256"] = "0"
    (weights / "robustness.json").write_text(json.dumps(other))
    with pytest.raises(ValueError, match=r"robustness\.json is of another network"):
        write(weights)


def test_a_card_without_private_test_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no figures of PrivateTest"):
        write(tmp_path)


def test_a_record_that_does_not_follow_its_schema_is_named(weights: Path) -> None:
    (weights / "people.json").write_text("{}")
    with pytest.raises(ValueError, match=r"people\.json cannot be read: the record lacks"):
        write(weights)


def test_the_card_has_the_usual_sections() -> None:
    text = card.CARD.read_text()
    headings = [line[3:] for line in text.splitlines() if line.startswith("## ")]
    assert headings == [
        "Model details",
        "Intended use",
        "Training data",
        "Evaluation data",
        "Metrics",
        "Quantitative analyses",
        "Ethical considerations",
        "Caveats and recommendations",
    ]
    assert "### Out-of-scope use" in text
    assert "**Version**: lite8 + second, exported on 2026-" in text
    assert "raised from 51 to 52 %" in text
    assert "Apache-2.0 by the licence file in its wheel" in text


def test_every_emotion_has_its_interval(weights: Path) -> None:
    private = json.loads(evaluate.METRICS.read_text())["figures"]["private-test"]
    table = card.by_emotion(private)
    assert len(table.splitlines()) == 2 + len(EMOTIONS)
    # 277 of 528 faces of fear: Wilson's interval.
    assert "| fear | 528 | 52.5% (48–57) | 56.2% (52–61) | 0.543 |" in table


def test_the_summary_of_localization_averages_the_conditions() -> None:
    record = json.loads(localization.RECORD.read_text())
    first, *others = card.localization_summary(record).splitlines()[2:]
    found = record["detectors"][0]
    upright = [one["found"] for one in found["conditions"] if not one["tilt"]]
    assert first.startswith(f"| {found['detector']} | {np.mean(upright):.1%} |")
    assert first.endswith(f"| {found['false_positives']} of {record['empty_images']} |")
    assert len(others) == len(record["detectors"]) - 1


def test_the_committed_card_is_that_of_the_shipped_network() -> None:
    metrics = json.loads(evaluate.METRICS.read_text())
    assert card.as_markdown(card.read_records(evaluate.WEIGHTS)) == card.CARD.read_text()
    assert f"**{metrics['figures']['private-test']['accuracy']:.2%}**" in card.CARD.read_text()


def test_the_documentation_states_the_measured_figures() -> None:
    text = (card.HOME.parent / "docs/accuracy.md").read_text()
    figures = json.loads(evaluate.METRICS.read_text())["figures"]
    for name in ("private-test", "private-test+tta"):
        found = figures[name]
        assert (
            f"| {found['accuracy'] * 100:.1f} % | {found['clean_accuracy'] * 100:.1f} % |" in text
        )
    for emotion, found in figures["private-test"]["per_class"].items():
        assert f"{emotion} {found['recall'] * 100:.0f} %" in text


def test_documentation_states_the_measured_robustness() -> None:
    text = " ".join((card.HOME.parent / "docs/accuracy.md").read_text().split())
    changes = {
        change["name"]: {point["severity"]: point for point in change["points"]}
        for change in json.loads(robustness.RECORD.read_text())["corruptions"]
    }
    assert len(changes) == 9
    assert all(
        point["accuracy"] > point["fer"] for points in changes.values() for point in points.values()
    )
    blurred, noisy = changes["Blur"][1.5], changes["Noise"][20]
    assert (
        f"blurred by 1.5 pixels {blurred['accuracy']:.0%} (`fer` {blurred['fer']:.0%}), "
        f"with noise of 20 intensities {noisy['accuracy']:.0%} ({noisy['fer']:.0%})"
    ).replace("%", " %") in text
    record = json.loads(localization.RECORD.read_text())
    found = record["detectors"][0]
    lost = sum(one["loss"] for one in found["conditions"]) / len(found["conditions"])
    assert (
        f"read right {lost:.1f} points less often "
        f"(± {found['loss_error']:.1f}, measured on {record['faces']} faces)"
    ) in text


def test_readme_states_the_accuracy_on_photographs() -> None:
    text = " ".join((card.HOME.parent / "README.md").read_text().split())
    heads = json.loads((evaluate.WEIGHTS / photographs.RECORD).read_text())["heads"]
    readers = (heads["people"], heads["fer2013"], heads["people"]["fer"])
    for figures in (
        [reader["recall"]["neutral"] for reader in readers],
        [reader["neutral_read_negative"] for reader in readers],
        [reader["mean_recall"] for reader in readers],
    ):
        assert " | ".join(f"{100 * figure:.0f} %" for figure in figures) in text
    counts = heads["people"]["images"]
    assert f"On {heads['people']['photos']:,} press photographs" in text
    for emotion, name in (("angry", "anger"), ("sad", "sadness"), ("surprise", "surprise")):
        assert f"{name} ({counts[emotion]})" in text
