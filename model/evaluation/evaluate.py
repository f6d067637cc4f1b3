"""Measuring a network on a test split: accuracy, calibration, every class, with and without leaks.

PublicTest is for choices; PrivateTest is measured once for a network that is published.
``--record`` writes what was measured into ``model/weights/metrics.json``, or with ``--photos`` into
``photographs.json``; nothing else does.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from emotion.detectors.factory import DETECTORS
from emotion.labels import EMOTIONS, HEADS
from emotion.types import UNSURE_BELOW
from model import options
from model.data.fer2013 import FERPLUS_COLUMNS, Split, data_path, load_fer2013
from model.data.labelled_photos import PARTS
from model.evaluation.calibration_error import expected_calibration_error, reliability
from model.evaluation.photographs import RECORD as PHOTOGRAPHS_RECORD
from model.evaluation.photographs import (
    evaluate_photographs,
    photographs_as_text,
    record_photographs,
)
from model.records import (
    WEIGHTS,
    CalibrationRecord,
    FerplusMetrics,
    MetricsRecord,
    PhotographsFigures,
    SplitMetrics,
    UnsureMetrics,
    describe,
    load,
    records_folder,
    write_json,
)

METRICS = WEIGHTS / "metrics.json"
CALIBRATION = WEIGHTS / "calibration.json"
BATCH_IMAGES = 64

FERPLUS_TO_EMOTIONS = {
    name: EMOTIONS.index(emotion)
    for name, emotion in {
        "neutral": "neutral",
        "happiness": "happy",
        "surprise": "surprise",
        "sadness": "sad",
        "anger": "angry",
        "disgust": "disgust",
        "fear": "fear",
    }.items()
}

Predict = Callable[[NDArray[np.uint8]], NDArray[np.float32]]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options. ``--photos`` are read end to end, instead of a split."""
    add = parser.add_argument
    options.add_data(parser)
    options.add_votes(parser, "how far the network agrees with their majority")
    options.add_split(parser)
    add("--tta", action="store_true", help="average over the image and its mirror image")
    options.add_weights(parser)
    options.add_photos(parser, "; read end to end, instead of a split")
    add("--part", choices=PARTS, help="only photographs of these persons")
    add("--head", choices=HEADS, default="people", help="which head reads the photographs")
    add("--detector", choices=DETECTORS, default="auto", help="what finds their faces")
    options.add_fer(parser)
    options.add_json(parser)
    options.add_record(parser, METRICS.name, PHOTOGRAPHS_RECORD)


def run(arguments: argparse.Namespace) -> SplitMetrics | PhotographsFigures:
    """Evaluate as the command line asks, and record if it asks for that."""
    if arguments.photos:
        return _run_photos(arguments)
    predict = load_predictor(arguments.weights)
    data = load_fer2013(arguments.data, ferplus=arguments.votes)
    split = data.public_test if arguments.split == "public-test" else data.private_test
    if not len(split):
        raise ValueError(f"{data_path(arguments.data)} holds no image of {arguments.split}")
    probabilities = (
        predict_with_mirror(predict, split.images) if arguments.tta else predict(split.images)
    )
    metrics = measure(probabilities, split, name=arguments.split, tta=arguments.tta)
    if arguments.record:
        record(metrics, arguments.weights)
    return metrics


def _run_photos(arguments: argparse.Namespace) -> PhotographsFigures:
    found = evaluate_photographs(
        arguments.photos,
        part=arguments.part,
        weights=arguments.weights,
        head=arguments.head,
        detector=arguments.detector,
        fer=arguments.fer,
    )
    if arguments.record:
        record_photographs(found, arguments.weights)
    return found


def load_predictor(weights: Path) -> Predict:
    """Return a function from uint8 images ``(N, 48, 48, 1)`` to probabilities ``(N, 7)``.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: its name ends neither in ``.tflite`` nor in ``.keras``.
    """
    if not weights.is_file():
        raise FileNotFoundError(f"There are no weights at {weights}")
    if weights.suffix == ".tflite":
        from emotion.classifier import EmotionClassifier

        classifier = EmotionClassifier(weights, head="fer2013")
        return lambda images: _in_batches(classifier.predict, images)
    if weights.suffix == ".keras":
        import keras

        return predictor_of(keras.saving.load_model(weights, compile=False))
    raise ValueError(f"Incorrect value for 'weights' argument: {weights}: .tflite or .keras")


def predictor_of(network: Any) -> Predict:
    """Return a function like that of `load_predictor` from a Keras network.

    For a network with a second head (`model.training.people`) it returns the first output,
    calibrated to FER-2013.
    """

    def predict(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        found = network.predict(images, batch_size=BATCH_IMAGES, verbose=0)
        return np.asarray(found[0] if isinstance(found, list) else found, dtype=np.float32)

    return predict


def _in_batches(
    predict: Callable[[NDArray[Any]], NDArray[np.float32]], images: NDArray[np.uint8]
) -> NDArray[np.float32]:
    parts = [images[start : start + BATCH_IMAGES] for start in range(0, len(images), BATCH_IMAGES)]
    return np.concatenate([predict(part) for part in parts])


def predict_with_mirror(predict: Predict, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Average the probabilities of images ``(N, H, W, 1)`` and of their mirror images."""
    mirrored = np.ascontiguousarray(images[:, :, ::-1])
    mean: NDArray[np.float32] = (predict(images) + predict(mirrored)) * np.float32(0.5)
    return mean


def measure(
    probabilities: NDArray[np.float32], split: Split, *, name: str, tta: bool = False
) -> SplitMetrics:
    """Compare probabilities ``(N, 7)`` with a split's labels."""
    predicted = probabilities.argmax(axis=1)
    right = predicted == split.labels
    confusion = np.zeros((len(EMOTIONS), len(EMOTIONS)), dtype=np.int64)
    np.add.at(confusion, (split.labels, predicted), 1)
    hits = confusion.diagonal()
    recall = hits / np.maximum(confusion.sum(axis=1), 1)
    precision = hits / np.maximum(confusion.sum(axis=0), 1)
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
    return SplitMetrics(
        split=name,
        tta=tta,
        images=len(split),
        accuracy=float(right.mean()),
        clean_images=int(split.clean.sum()),
        clean_accuracy=float(right[split.clean].mean()),
        macro_f1=float(f1.mean()),
        macro_recall=float(recall.mean()),
        ece=expected_calibration_error(probabilities, split.labels),
        per_class={
            emotion: {
                "images": int(confusion[position].sum()),
                "precision": float(precision[position]),
                "recall": float(recall[position]),
                "f1": float(f1[position]),
            }
            for position, emotion in enumerate(EMOTIONS)
        },
        confusion=confusion.tolist(),
        reliability=reliability(probabilities, split.labels),
        unsure=_unsure(probabilities, split.labels),
        ferplus=_ferplus(predicted, split),
    )


def _unsure(probabilities: NDArray[np.float32], labels: NDArray[np.int64]) -> UnsureMetrics:
    """Return how often the network says "hard to say", and its accuracy then and otherwise."""
    order = np.argsort(-probabilities, axis=1, kind="stable")
    ranked = np.take_along_axis(probabilities, order, axis=1)
    unsure = ranked[:, 0] - ranked[:, 1] < UNSURE_BELOW
    first, second = (order[:, place] == labels for place in (0, 1))
    return {
        "margin": UNSURE_BELOW,
        "fraction": float(unsure.mean()),
        "accuracy_when_sure": _mean(first[~unsure]),
        "accuracy_when_unsure": _mean(first[unsure]),
        "either_of_two_when_unsure": _mean((first | second)[unsure]),
    }


def _ferplus(predicted: NDArray[np.int64], split: Split) -> FerplusMetrics | None:
    """Compare with the FER+ majority, where that is one of the seven emotions."""
    if split.votes is None:
        return None
    majority = ferplus_majority(split.votes)
    voted = majority >= 0
    both = voted & (majority == split.labels)
    return {
        "images": int(voted.sum()),
        "agreement": _mean((predicted == majority)[voted]),
        "labels_agreement": _mean((split.labels == majority)[voted]),
        "agreed_images": int(both.sum()),
        "agreed_accuracy": _mean((predicted == split.labels)[both]),
    }


def ferplus_majority(votes: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return the emotion that most FER+ taggers named.

    Args:
        votes: float32 ``(N, 8)``, fractions in the order of `FERPLUS_COLUMNS`.

    Returns:
        int64 ``(N,)``, positions in `EMOTIONS`; -1 where two share the lead, where it is
        contempt (which FER-2013 does not know) and where no one voted for an emotion.
    """
    leads = votes == votes.max(axis=1, keepdims=True)
    place = np.array([FERPLUS_TO_EMOTIONS.get(name, -1) for name in FERPLUS_COLUMNS])
    majority: NDArray[np.int64] = place[votes.argmax(axis=1)]
    return np.where(leads.sum(axis=1) == 1, majority, -1)


def _mean(right: NDArray[np.bool_]) -> float:
    return float(right.mean()) if len(right) else 0.0


def record(metrics: SplitMetrics, weights: Path, *, path: Path = METRICS) -> None:
    """Write the figures beside the weights, under the split's name (``+tta`` with mirror).

    Figures of another weights file are dropped: a record describes one network.
    """
    network = describe(weights)
    known = load(MetricsRecord, path) if path.exists() else None
    figures = known["figures"] if known and known["network"] == network else {}
    key = metrics["split"] + ("+tta" if metrics["tta"] else "")
    figures[key] = {
        **metrics,
        "command": f"python -m model evaluate --split {metrics['split']}"
        + (" --tta" if metrics["tta"] else "")
        + (" --votes FERPLUS.csv" if metrics["ferplus"] else ""),
    }
    beside = records_folder(weights) / CALIBRATION.name
    calibration = load(CalibrationRecord, beside) if beside.is_file() else None
    write_json(
        MetricsRecord(
            network=network, calibration=calibration, figures=dict(sorted(figures.items()))
        ),
        path,
    )


def as_text(metrics: SplitMetrics | PhotographsFigures) -> str:
    """Return the figures as plain text."""
    if "photos" in metrics:
        return photographs_as_text(cast("PhotographsFigures", metrics))
    return _split_as_text(metrics)


def _split_as_text(metrics: SplitMetrics) -> str:
    lines = [
        f"{metrics['split']}{' with mirror' if metrics['tta'] else ''}: "
        f"{metrics['accuracy']:.2%} of {metrics['images']:,}",
        f"  not in Training: {metrics['clean_accuracy']:.2%} of {metrics['clean_images']:,}",
        f"  macro-F1 {metrics['macro_f1']:.3f}, macro-recall {metrics['macro_recall']:.3f}, "
        f"calibration error {metrics['ece']:.3f}",
        "  emotion    images  precision  recall",
    ]
    for emotion, figures in metrics["per_class"].items():
        lines.append(
            f"  {emotion:9} {figures['images']:7,}  {figures['precision']:8.1%}"
            f"  {figures['recall']:6.1%}"
        )
    unsure = metrics["unsure"]
    lines.append(
        f"  hard to say: {unsure['fraction']:.1%}, where the first guess is right "
        f"{unsure['accuracy_when_unsure']:.1%} and one of the two "
        f"{unsure['either_of_two_when_unsure']:.1%}; else {unsure['accuracy_when_sure']:.1%}"
    )
    if plus := metrics["ferplus"]:
        lines.append(
            f"  FER+ majority: {plus['agreement']:.1%} of {plus['images']:,.0f} (the labels: "
            f"{plus['labels_agreement']:.1%}); where both labels agree "
            f"{plus['agreed_accuracy']:.1%} of {plus['agreed_images']:,.0f}"
        )
    return "\n".join(lines)
