"""From a trained network to the files that the app ships.

``python -m model export --run first`` takes the run's best network (with ``--join second`` the
mean of two runs' best, `model.networks.ensemble`), calibrates it on PublicTest
(`model.training.calibration`, folded into its last layer) and writes it into ``model/weights/``
as ``emotion_cnn.keras``, to train further, with the run's arguments, history and curves. The app
runs on ``emotion/weights/emotion_cnn.tflite``, for LiteRT, whose weights are 8-bit integers: that
makes it a quarter as large and several times as fast. It is compared with Keras on PublicTest
before it replaces the old one.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
import zipfile
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emotion.labels import EMOTIONS
from model import options
from model.data.fer2013 import Split, load_fer2013
from model.evaluation.evaluate import (
    CALIBRATION,
    load_predictor,
    measure,
)
from model.networks.second_head import add_second_head
from model.records import (
    SHIPPED,
    WEIGHTS,
    CalibrationSummary,
    NetworkFile,
    TrainingRecord,
    describe,
    litert_file,
    write_json,
)
from model.training.calibration import MIN_RECALL, PRIOR_ADJUSTMENT, Calibration, fit_calibration
from model.training.runs import RUNS

MAX_MEAN_DIFFERENCE = 0.01
"""How far a probability of the 8-bit network may be from Keras's, on average."""
MAX_ACCURACY_LOSS = 0.003
"""How much accuracy on PublicTest it may lose, 0-1."""
NAME = SHIPPED.stem


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    add = parser.add_argument
    options.add_data(parser)
    add("--run", default="default", help="the run under model/runs whose best network is taken")
    add("--join", help="another run: the mean of both runs' best networks is shipped")
    add(
        "--side",
        type=int,
        help="input side of the run's EfficientNet, pixels, if not that of training",
    )
    add(
        "--floor",
        type=float,
        default=MIN_RECALL,
        help="recall wanted of every emotion on PublicTest",
    )
    add(
        "--adjustment",
        type=float,
        default=PRIOR_ADJUSTMENT,
        help="how much of the class imbalance is undone, 0-1",
    )
    add(
        "--out",
        type=Path,
        default=WEIGHTS,
        help="the folder that the files go to; the shipped LiteRT file goes to emotion/weights",
    )


def run(arguments: argparse.Namespace) -> Path:
    """Export a run's best network and return the LiteRT file."""
    import keras

    from model.networks.efficientnet import at_side
    from model.networks.ensemble import join_networks

    runs = [RUNS / run for run in (arguments.run, arguments.join) if run]
    for weights in (run / "best.keras" for run in runs):
        if not weights.is_file():
            raise FileNotFoundError(f"There is no trained network at {weights}: train one first")
    faces = load_fer2013(arguments.data)
    split = faces.public_test
    arguments.out.mkdir(parents=True, exist_ok=True)
    networks = [keras.saving.load_model(run / "best.keras", compile=False) for run in runs]
    if arguments.side:
        networks[0] = at_side(networks[0], arguments.side)
    network = join_networks(networks) if len(runs) > 1 else networks[0]
    before = np.asarray(network.predict(split.images, batch_size=256, verbose=0), dtype=np.float32)
    calibration = fit_calibration(
        before,
        split.labels,
        training_labels=faces.training.labels,
        adjustment=arguments.adjustment,
        floor=arguments.floor,
    )
    fold(calibration, network)
    exported = export(network, litert_file(arguments.out), split)
    save_compact(network, arguments.out / f"{NAME}.keras")
    after = load_predictor(exported)(split.images)
    write_json(
        {
            **calibration.as_record(),
            "adjustment": arguments.adjustment,
            "floor": arguments.floor,
            "split": "public-test",
            "before": _summary(before, split),
            "after_quantization": _summary(after, split),
        },
        arguments.out / CALIBRATION.name,
    )
    shutil.copyfile(runs[0] / "history.csv", arguments.out / "history.csv")
    shutil.copyfile(runs[0] / "curves.png", arguments.out / "curves.png")
    how = _provenance(runs[0])
    if arguments.side:
        how["shipped_side"] = arguments.side
    if len(runs) > 1:
        how["joined"] = _provenance(runs[1])
    how["exported"] = date.today().isoformat()
    write_json(how, arguments.out / "training.json")
    return exported


def _provenance(run: Path) -> TrainingRecord:
    """Return how a run was started and what it reached, and the same of its initial run."""
    starts = json.loads((run / "arguments.json").read_text())
    initial = starts[0].get("initial")
    for start in starts:
        # Paths mean nothing on another machine.
        for place in ("data", "votes"):
            if start[place]:
                start[place] = Path(start[place]).name
        if start.get("recipe"):
            start["recipe"] = Path(start["recipe"]).stem
        if start.get("initial"):
            start["initial"] = _run_and_file(start["initial"])
        if teachers := start.get("teacher"):
            named = [teachers] if isinstance(teachers, str) else teachers
            start["teacher"] = [_run_and_file(teacher) for teacher in named]
    how = TrainingRecord(starts=starts, best=json.loads((run / "best.json").read_text()))
    if initial:
        # A restored run (`model.training.restore`) names its initial run, not where that lies.
        for folder in (Path(initial).parent, RUNS / Path(initial).parent.name):
            if folder != run and (folder / "arguments.json").is_file():
                how["initial"] = _provenance(folder)
                break
    return how


def _run_and_file(path: str) -> str:
    return "/".join(Path(path).parts[-2:])


def fold(calibration: Calibration, network: Any) -> None:
    """Put a calibration into the network's last layer, ``logits``."""
    layer = network.get_layer("logits")
    kernel, bias = layer.get_weights()
    temperature = np.float32(calibration.temperature)
    offsets = np.asarray(calibration.offsets, dtype=np.float32)
    layer.set_weights([kernel / temperature, (bias + offsets) / temperature])


def save_compact(network: Any, target: Path) -> None:
    """Save a network as ``.keras`` with its kernels rounded to 16-bit precision, compressed.

    Half of every number's bits are then zero, so that the file is half as large. The change is far
    smaller than that of the 8-bit file.
    """
    from model.networks.ensemble import leaves

    for layer in leaves(network):
        weights = layer.get_weights()
        if weights and weights[0].ndim > 1:
            rounded = weights[0].astype(np.float16).astype(np.float32)
            layer.set_weights([rounded, *weights[1:]])
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        plain, packed = Path(folder) / f"plain{target.suffix}", Path(folder) / target.name
        network.save(plain)
        with (
            zipfile.ZipFile(plain) as source,
            zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive,
        ):
            for name in source.namelist():
                archive.writestr(name, source.read(name))
        packed.replace(target)


def export(network: Any, target: Path, split: Split) -> Path:
    """Write a Keras network as a LiteRT file with 8-bit weights, if it is as accurate.

    Weights are quantised per channel, activations on the fly ("dynamic range").

    Args:
        network: the Keras network.
        target: the ``.tflite`` file to write; replaced only by one that is as good.
        split: real faces to compare on.

    Raises:
        ValueError: the exported file lacks the promised output, its probabilities differ by more
            than `MAX_MEAN_DIFFERENCE`, or it loses more accuracy than `MAX_ACCURACY_LOSS`.
    """
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        draft = Path(folder) / target.name
        _write_litert(network, draft)
        expected = np.asarray(network.predict(split.images, batch_size=256, verbose=0))
        found = load_predictor(draft)(split.images)
        if found.shape != (len(split), len(EMOTIONS)):
            raise ValueError(f"The exported network returns {found.shape[1:]} values a face")
        difference = float(np.abs(expected - found).mean())
        loss = _accuracy(expected, split) - _accuracy(found, split)
        if difference > MAX_MEAN_DIFFERENCE or loss > MAX_ACCURACY_LOSS:
            raise ValueError(
                f"The exported network differs from Keras by {difference:.1e} a probability and "
                f"loses {loss:.2%} accuracy on {len(split)} faces; {MAX_MEAN_DIFFERENCE:.0e} and "
                f"{MAX_ACCURACY_LOSS:.1%} are allowed"
            )
        draft.replace(target)
    return target


def _write_litert(network: Any, target: Path) -> None:
    import tensorflow as tf

    network.export(
        str(target), format="litert", verbose=False, optimizations=[tf.lite.Optimize.DEFAULT]
    )


def export_with_people(
    network: Any,
    kernel: NDArray[np.float32],
    bias: NDArray[np.float32],
    folder: Path,
    split: Split,
) -> list[Path]:
    """Add a second head to a network and rewrite both files.

    Args:
        network: the shipped network, with the layer ``features``; a second head that it has
            already is replaced.
        kernel: float32 ``(features, 7)`` of the second head.
        bias: float32 ``(7,)``.
        folder: where the files lie (`model.records.litert_file`).
        split: real faces to compare the LiteRT file with Keras on.

    Returns:
        The ``.tflite`` and the ``.keras`` file.

    Raises:
        ValueError: the first output would change, or the second differs from Keras by more than
            `MAX_MEAN_DIFFERENCE`. Then the files stay as they are.
    """
    import keras

    first = network.outputs[0]
    people = keras.layers.Dense(len(EMOTIONS), dtype="float32", name="people_logits")
    second = keras.layers.Softmax(dtype="float32", name="people")(
        people(network.get_layer("features").output)
    )
    people.set_weights([kernel, bias])
    both = keras.Model(network.inputs, [first, second], name=network.name)
    target = litert_file(folder)
    before = load_predictor(target)(split.images)
    with tempfile.TemporaryDirectory(dir=folder) as place:
        draft, packed = Path(place) / target.name, Path(place) / f"{NAME}.keras"
        add_second_head(target, kernel, bias, draft)
        save_compact(both, packed)
        if not np.array_equal(before, _predict_head(draft, "fer2013", split)):
            raise ValueError("The first output would change: it has been measured as it is")
        wanted = np.asarray(both.predict(split.images, batch_size=256, verbose=0)[1])
        difference = float(np.abs(wanted - _predict_head(draft, "people", split)).mean())
        if difference > MAX_MEAN_DIFFERENCE:
            raise ValueError(
                f"The second output differs from Keras by {difference:.1e} a probability; "
                f"{MAX_MEAN_DIFFERENCE:.0e} is allowed"
            )
        _carry_over(folder, describe(target), describe(draft))
        draft.replace(target)
        packed.replace(folder / packed.name)
    return [target, folder / f"{NAME}.keras"]


def _carry_over(folder: Path, before: NetworkFile, after: NetworkFile) -> None:
    """Keep the records of the first output's figures: the new file has the same output."""
    for path in folder.glob("*.json"):
        content = json.loads(path.read_text())
        if isinstance(content, dict) and content.get("network") == before:
            write_json({**content, "network": after}, path)


def _predict_head(file: Path, head: Any, split: Split) -> NDArray[np.float32]:
    from emotion.classifier import EmotionClassifier

    classifier = EmotionClassifier(file, head=head)
    parts = [split.images[start : start + 64] for start in range(0, len(split), 64)]
    return np.concatenate([classifier.predict(part) for part in parts])


def _accuracy(probabilities: NDArray[np.float32], split: Split) -> float:
    return float((probabilities.argmax(axis=1) == split.labels).mean())


def _summary(probabilities: NDArray[np.float32], split: Split) -> CalibrationSummary:
    metrics = measure(probabilities, split, name="public-test")
    return {
        "accuracy": metrics["accuracy"],
        "macro_recall": metrics["macro_recall"],
        "ece": metrics["ece"],
        "recall": {name: found["recall"] for name, found in metrics["per_class"].items()},
    }
