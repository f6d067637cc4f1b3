"""What every run tried and reached, the failures included.

``python -m model experiments`` reads the run folders under ``model/runs``, adds them to
``model/experiments.json`` (run folders are not kept in the repository, the table is) and writes
``model/experiments.md`` from it. With ``--offsets RUN`` (or two that are joined) it also measures
what class offsets cost on PublicTest, and with ``--ensembles RUN RUN`` what the mean of
several networks reaches; ``RUN@104`` is a run's network whose input side is 104 pixels
(`export --side`).
"""

from __future__ import annotations

import argparse
import csv
import itertools
import json
import math
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np

from model import options
from model.data.fer2013 import SIZE, load_fer2013
from model.evaluation.evaluate import (
    Predict,
    load_predictor,
    measure,
    predict_with_mirror,
    predictor_of,
)
from model.markdown import markdown_table
from model.networks.efficientnet import HEAD, INPUT_SIDE_PX, STAGES, STEM, at_side
from model.networks.mobilenet import mobilenet_multiply_adds
from model.records import EnsembleTrial, ExperimentsRecord, RunSummary, load, write_json
from model.training.calibration import fit_calibration
from model.training.runs import RUNS, find_weights, run_of

HOME = Path(__file__).parents[1]
KNOWN = HOME / "experiments.json"
TABLE = HOME / "experiments.md"
OFFSETS = (
    (0.0, 0.0),
    *((0.0, floor) for floor in (0.45, 0.51, 0.55, 0.6)),
    *((adjustment, 0.0) for adjustment in (0.1, 0.2, 0.3, 0.5, 1.0)),
    *((adjustment, 0.51) for adjustment in (0.1, 0.2, 0.3, 0.5)),
    *((0.2, floor) for floor in (0.52, 0.53, 0.55)),
)
"""Logit adjustments and floors that are tried."""
RUN_COLUMNS = (
    *("run", "what", "M mult-adds", "epochs", "hours", "in training", "PublicTest"),
    *("macro-recall", "disgust"),
)
OFFSET_COLUMNS = (
    *("adjustment", "floor", "accuracy", "macro-recall", "lowest recall", "calibration error"),
    *("accuracy, other half", "macro-recall, other half", "lowest recall, other half"),
)
SETTING_FORMATS = {
    "batch_size": "batch {}",
    "learning_rate": "rate {}",
    "weight_decay": "decay {}",
    "label_smoothing": "smoothing {}",
    "ema": "EMA {}",
    "votes_weight": "FER+ head {}",
    "balance": "balance {}",
    "dropout": "dropout {}",
    "strength": "augmentation {}",
    "erase": "erasing {}",
    "noise": "noise {}",
    "blur": "blur {}",
    "detected": "as detected {:.0%}",
    "mixup": "mixup {}",
    "cutmix": "CutMix {}",
    "precision": "{}",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    add = parser.add_argument
    options.add_data(parser)
    add(
        "--offsets",
        nargs="+",
        metavar="RUN",
        help="a run whose best network, or runs whose mean logits, are tried with class offsets",
    )
    add(
        "--ensembles",
        nargs="+",
        metavar="RUN",
        help="runs whose mean probabilities are tried, in every combination",
    )


def run(arguments: argparse.Namespace) -> Path:
    """Bring the table up to date and return it."""
    known = load(ExperimentsRecord, KNOWN) if KNOWN.is_file() else ExperimentsRecord(runs={})
    for folder in sorted(RUNS.glob("*/")):
        if (folder / "best.json").is_file() and (folder / "history.csv").is_file():
            known["runs"][folder.name] = describe_run(folder)
    if arguments.offsets:
        rows = try_offsets(arguments.offsets, arguments.data)
        known["offsets"] = {"runs": arguments.offsets, "rows": rows}
    if arguments.ensembles:
        trials = try_ensembles(arguments.ensembles, arguments.data)
        tried = [trial["runs"] for trial in trials]
        # As with runs, what was tried stays when its networks are gone.
        trials += [trial for trial in known.get("ensembles", []) if trial["runs"] not in tried]
        known["ensembles"] = sorted(trials, key=lambda trial: len(trial["runs"]))
    write_json(known, KNOWN)
    TABLE.write_text(as_markdown(known))
    return TABLE


def describe_run(folder: Path) -> RunSummary:
    """Return what a run's files say of it: settings, epochs, cost and the best on PublicTest."""
    starts = json.loads((folder / "arguments.json").read_text())
    best = json.loads((folder / "best.json").read_text())
    with (folder / "history.csv").open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    last = starts[-1]
    network = last.get("network", "emotion_cnn")
    seconds = [float(row["wall_seconds"]) for row in rows if row.get("wall_seconds")]
    return {
        "network": network,
        "side": last.get("side") if network in ("efficientnet_lite0", "mobilenet") else None,
        "settings": {
            name: last[name] for name in ("widths", "depths", *SETTING_FORMATS) if name in last
        },
        "balance_by": last.get("balance_by", "loss"),
        "effective": last.get("effective"),
        "images": last.get("limit"),
        "initial": run_of(starts[0].get("initial")),
        "teachers": [str(run_of(teacher)) for teacher in _listed(last.get("teacher"))],
        "teacher_weight": last.get("teacher_weight") if last.get("teacher") else None,
        "starts": len(starts),
        "epochs": len(rows),
        "hours": sum(seconds) / 3600 if len(seconds) == len(rows) else None,
        "multiply_adds": multiply_adds_of(last),
        "best_epoch": best["epoch"],
        "public_test": best["accuracy"],
        "recall": best.get("recall"),
        "train_accuracy": float(rows[-1]["logits_accuracy"]),
    }


def multiply_adds_of(settings: dict[str, Any]) -> int:
    """Return the multiply-adds of a face in the network that a start's arguments ask for."""
    if settings.get("network") == "efficientnet_lite0":
        return lite0_multiply_adds(settings.get("side", INPUT_SIDE_PX))
    if settings.get("network") == "mobilenet":
        return mobilenet_multiply_adds(settings.get("side", INPUT_SIDE_PX))
    return multiply_adds(settings["widths"], settings["depths"])


def multiply_adds(widths: list[int], depths: list[int]) -> int:
    """Return the multiply-adds of a face in the convolutions of `build_model`'s network."""
    total, before, side = 0, 1, SIZE
    for width, depth in zip(widths, depths, strict=True):
        pixels = side * side
        total += pixels * 9 * (before * width + (depth - 1) * width * width)
        if depth > 1:
            total += pixels * before * width
        before, side = width, side // 2
    return total


def lite0_multiply_adds(side: int = INPUT_SIDE_PX) -> int:
    """Return the multiply-adds of a face in the convolutions of `build_efficientnet`'s network."""
    side = math.ceil(side / 2)
    total, before = side**2 * 9 * STEM, STEM
    for blocks, size, stride, expansion, channels in STAGES:
        for first in (True, *[False] * (blocks - 1)):
            wide = before * expansion
            total += side**2 * before * wide if expansion > 1 else 0
            side = math.ceil(side / stride) if first else side
            total += side**2 * wide * (size**2 + channels)
            before = channels
    return total + side**2 * before * HEAD


def load_run_predictor(run: str) -> Predict:
    """Return a function from uint8 images ``(N, 48, 48, 1)`` to a run's probabilities ``(N, 7)``.

    Args:
        run: its name, followed by ``@`` and an input side in pixels if that differs from the one
            in training: ``lite7@104``.

    Raises:
        FileNotFoundError: there is no such network.
        ValueError: the side is no positive whole number, or the network's cannot be changed.
    """
    name, at, side = run.partition("@")
    if not at:
        return load_predictor(find_weights(name, RUNS))
    if not side.isdecimal() or int(side) < 1:
        raise ValueError(f"Incorrect value for 'run' argument: {run}: a side in pixels after '@'")
    weights = find_weights(name, RUNS)
    if not weights.is_file():
        raise FileNotFoundError(f"There are no weights at {weights}")
    return predictor_of(at_side(keras.saving.load_model(weights, compile=False), int(side)))


def try_ensembles(runs: list[str], data: str | None) -> list[EnsembleTrial]:
    """Measure the mean probabilities of every combination of networks on PublicTest.

    The runs are named as for `load_run_predictor`.
    """
    split = load_fer2013(data).public_test
    views = {}
    for run in runs:
        predict = load_run_predictor(run)
        views[run] = (predict(split.images), predict_with_mirror(predict, split.images))
    rows = []
    for count in range(1, len(views) + 1):
        for members in itertools.combinations(views, count):
            means = [np.mean([views[run][view] for run in members], axis=0) for view in (0, 1)]
            single, mirror = (float((m.argmax(axis=1) == split.labels).mean()) for m in means)
            rows.append(EnsembleTrial(runs=list(members), single=single, mirror=mirror))
    return rows


def try_offsets(runs: list[str], data: str | None) -> list[dict[str, float]]:
    """Measure class offsets: fitted on PublicTest, and cross-fitted on its two halves.

    The second is what to expect on faces that they were not fitted to. For several runs the mean
    logits are used, as `model.networks.ensemble` ships them.

    Each row holds ``adjustment`` and ``floor`` of `OFFSETS`, and, once ``fitted_`` and once
    ``crossed_``, ``accuracy``, ``macro_recall``, ``lowest_recall`` and ``ece``, all 0-1.
    """
    faces = load_fer2013(data)
    split, training_labels = faces.public_test, faces.training.labels
    said = [load_run_predictor(run)(split.images) for run in runs]
    plain = np.exp(np.mean([np.log(np.maximum(fractions, 1e-9)) for fractions in said], axis=0))
    plain = (plain / plain.sum(axis=1, keepdims=True)).astype(np.float32)
    halves = np.array_split(np.random.default_rng(0).permutation(len(split)), 2)
    rows = []
    for adjustment, floor in OFFSETS:
        fit = partial(
            fit_calibration, training_labels=training_labels, adjustment=adjustment, floor=floor
        )
        fitted, crossed = fit(plain, split.labels).apply(plain), plain.copy()
        for here, there in (halves, halves[::-1]):
            crossed[there] = fit(plain[here], split.labels[here]).apply(plain[there])
        row = {"adjustment": adjustment, "floor": floor}
        for name, found in (("fitted", fitted), ("crossed", crossed)):
            metrics = measure(found, split, name="public-test")
            row[f"{name}_accuracy"] = metrics["accuracy"]
            row[f"{name}_macro_recall"] = metrics["macro_recall"]
            row[f"{name}_lowest_recall"] = min(
                figures["recall"] for figures in metrics["per_class"].values()
            )
            row[f"{name}_ece"] = metrics["ece"]
        rows.append(row)
    return rows


def as_markdown(known: ExperimentsRecord) -> str:
    """Return the table as Markdown."""
    lines = [
        "# Experiments",
        "",
        "Written by `python -m model experiments` from the files of every run. Choices are made on",
        "PublicTest, with the averaged weights of the run's best epoch, single view. Cost is the",
        "forward multiply-adds of a face in millions, the epochs over 26,941 images, and the hours",
        "that they took where a run logged them (two CPU cores, not idle otherwise). Differences",
        "below 1.5 points are within the error of 3,589 images; a run that was resumed with other",
        "settings is listed with its last. Macro-recall is the mean of all recalls; it and",
        "that of disgust, the rarest, are there where a run logged them, without class offsets.",
        "From `seventh` and `lite6` on, moved faces repeat their edge, and at full augmentation",
        "change in size by up to 25 %; before, black lay beyond the edge, and the limit was 15 %.",
        "",
    ]
    ranked = sorted(known["runs"].items(), key=lambda item: item[1]["public_test"])
    parts = [
        "\n".join(lines),
        markdown_table(
            RUN_COLUMNS,
            [
                [
                    name,
                    _what(row),
                    f"{row['multiply_adds'] / 1e6:.0f}",
                    str(row["epochs"]),
                    "" if row["hours"] is None else f"{row['hours']:.1f}",
                    f"{row['train_accuracy']:.1%}",
                    f"{row['public_test']:.2%}",
                    *_recalls(row),
                ]
                for name, row in ranked
            ],
            text_columns=(0, 1),
        ),
    ]
    if offsets := known.get("offsets"):
        parts += [
            "## Class offsets",
            "Offsets of the logits (`model.training.calibration`): logit adjustment and a floor\n"
            f"under every recall, for {' + '.join(offsets['runs'])}. They are fitted on\n"
            "PublicTest; and on one half of it and measured on the other, as on unseen faces.",
            markdown_table(
                OFFSET_COLUMNS,
                [
                    [
                        f"{row['adjustment']:.1f}",
                        f"{row['floor']:.0%}",
                        f"{row['fitted_accuracy']:.2%}",
                        f"{row['fitted_macro_recall']:.1%}",
                        f"{row['fitted_lowest_recall']:.1%}",
                        f"{row['fitted_ece']:.1%}",
                        f"{row['crossed_accuracy']:.2%}",
                        f"{row['crossed_macro_recall']:.1%}",
                        f"{row['crossed_lowest_recall']:.1%}",
                    ]
                    for row in offsets["rows"]
                ],
                text_columns=(),
            ),
        ]
    if ensembles := known.get("ensembles"):
        parts += [
            "## Ensembles",
            "Mean probabilities of several best networks on PublicTest: what they may reach when\n"
            "shipped as one (`export --join`), and what a network distilled from them may reach.\n"
            "`lite7@104` is `lite7` with an input side of 104 pixels (`export --side`).",
            markdown_table(
                ("runs", "single view", "with mirror image"),
                [
                    [" + ".join(row["runs"]), f"{row['single']:.2%}", f"{row['mirror']:.2%}"]
                    for row in ensembles
                ],
            ),
        ]
    return "\n\n".join(parts) + "\n"


def _what(row: RunSummary) -> str:
    settings = dict(row["settings"])
    if row["balance_by"] == "effective-number":
        del settings["balance"]
    if row.get("network", "emotion_cnn") == "emotion_cnn":
        shape = [f"{part} {'-'.join(map(str, settings[part]))}" for part in ("widths", "depths")]
    else:
        shape = [row["network"], *([f"{side} px"] if (side := row.get("side")) else [])]
    said = [
        *shape,
        *(
            how.format(settings[name])
            for name, how in SETTING_FORMATS.items()
            if settings.get(name)
        ),
    ]
    if row["balance_by"] == "sampling":
        said.append("balanced by sampling")
    if row["balance_by"] == "effective-number":
        said.append(f"class-balanced loss with effective numbers, beta {row['effective']}")
    if row["initial"]:
        said.append(f"started from {row['initial']}")
    if row["teachers"]:
        said.append(f"distilled from {', '.join(row['teachers'])} ({row['teacher_weight']})")
    if row["images"]:
        said.append(f"{row['images']:,} images only")
    if row["starts"] > 1:
        said.append(f"{row['starts']} starts")
    return ", ".join(said)


def _recalls(row: RunSummary) -> tuple[str, str]:
    """Return the mean over the classes and the recall of the rarest, as two cells."""
    if not (recall := row.get("recall")):
        return "", ""
    return f"{sum(recall.values()) / len(recall):.1%}", f"{recall['disgust']:.1%}"


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value or [])
