"""The network beside its baselines: hand-crafted features with classical classifiers.

``python -m model compare --fer PYTHON`` trains four classifiers on each of six features, on the
cleaned Training split, and measures them on the same test split as the shipped network and PyPI's
``fer``. ``--record`` writes what was measured into ``baselines.json``; nothing else does.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from emotion.labels import EMOTIONS
from model import options
from model.data.fer2013 import Split, load_fer2013
from model.evaluation.baselines import RECIPES, SEED, fit, one_thread
from model.evaluation.evaluate import (
    Predict,
    load_predictor,
    predict_with_mirror,
)
from model.evaluation.features import FEATURES, TRAINED_FEATURES, Features, Images
from model.evaluation.fer_package import load_fer
from model.evaluation.robustness import sample
from model.evaluation.shape_models.modes import draw_modes
from model.evaluation.shape_models.training import (
    AppearanceFeatures,
    ShapeFeatures,
    face_outline,
    fit_error,
    size_bytes,
)
from model.markdown import markdown_table
from model.palette import INK, PAPER
from model.records import SHIPPED, WEIGHTS, BaselineRow, BaselinesRecord, describe, load, write_json

RECORD = WEIGHTS / "baselines.json"
MODES = WEIGHTS.parent / "figures" / "modes.png"
ALL_FEATURES: Final = (*FEATURES, *TRAINED_FEATURES)
WARM_UP, TIMED = 5, 100
"""Faces read one by one before and while the time is taken."""

TITLES: Final = {
    "lbp": "LBP",
    "gabor": "Gabor",
    "hog": "HOG",
    "geometry": "Landmarks",
    "asm": "ASM",
    "aam": "AAM",
}
LEARNED, NETWORK = "learned", "convolutional network"
ADDED: Final = {"geometry": "MTCNN's O-Net, which finds the points, is timed but not weighed"}

MARKERS: Final = {
    "LBP": "o",
    "Gabor": "^",
    "HOG": "s",
    "Landmarks": "D",
    "ASM": "v",
    "AAM": "P",
}
LABEL_OFFSETS_PT: Final = tuple(
    (side * away, up)
    for away, up in ((8, 0), (7, 7), (7, -7), (14, 14), (14, -14), (22, 22), (22, -22), (30, 30))
    for side in (1, -1)
)
"""Where a name may stand beside its mark, in points, the best place first."""
LEADER_LINE_FROM_PT = 10
"""A name further from its mark than this, in points, is joined to it by a line."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    add = parser.add_argument
    options.add_data(parser)
    options.add_split(parser)
    options.add_fer(parser)
    add(
        "--weights",
        type=Path,
        nargs="+",
        default=[],
        metavar="FILE",
        help="further networks, .tflite or .keras",
    )
    add(
        "--only",
        nargs="+",
        metavar="FEATURES:CLASSIFIER",
        help=f"train these alone: one of {', '.join(ALL_FEATURES)} "
        f"with one of {', '.join(RECIPES)}",
    )
    add(
        "--features",
        nargs="+",
        choices=ALL_FEATURES,
        help="measure the rows of these features alone; with --record, the other rows stay as "
        "they were recorded",
    )
    add("--modes", type=Path, metavar="PNG", help="draw what the appearance model has learned")
    add(
        "--limit",
        type=int,
        metavar="N",
        help="train on N images and test on a fifth of that (default: all)",
    )
    add("--chart", type=Path, metavar="PNG", help="draw the rows into this image as well")
    options.add_json(parser)
    options.add_record(parser, RECORD.name)


def run(arguments: argparse.Namespace) -> BaselinesRecord:
    """Train and measure as the command line asks, and record and draw if it asks for that.

    Raises:
        FileNotFoundError: there is no data or there are no weights.
        ValueError: a value is out of range, ``fer`` cannot be run, or only a part of the table
            would be recorded.
    """
    pairs = _pairs(arguments.only, arguments.features)
    if arguments.record and (arguments.only or arguments.limit):
        raise ValueError("Only the whole table is recorded: leave out --only and --limit")
    networks = [] if arguments.features else _networks(arguments.weights)
    data = load_fer2013(arguments.data)
    whole = data.public_test if arguments.split == "public-test" else data.private_test
    limit = arguments.limit
    training = sample(data.training, limit, seed=SEED)
    test = sample(whole, limit and max(1, limit // 5), seed=SEED)
    rows = [_trained_row(name, predict, size, note, test) for name, predict, size, note in networks]
    if arguments.fer and not arguments.features:
        rows.append(_fer_row(arguments.fer, test))
    with one_thread():
        modes = arguments.modes or (MODES if arguments.record else None)
        rows += _classical_rows(pairs, training, test, modes)
    results = BaselinesRecord(
        network=describe(SHIPPED),
        command=_command(arguments),
        split=arguments.split,
        images=len(test),
        training_images=len(training),
        seed=SEED,
        rows=_ranked(rows),
    )
    if arguments.record and arguments.features:
        results = _with_recorded(results)
    if arguments.record:
        write_json(results, RECORD)
    if arguments.chart:
        draw_chart(results["rows"], arguments.chart)
    return results


def _with_recorded(results: BaselinesRecord) -> BaselinesRecord:
    """Return results with the recorded rows of all other features.

    Raises:
        FileNotFoundError: nothing is recorded.
        ValueError: what is recorded was measured on other data or beside another network.
    """
    recorded = load(BaselinesRecord, RECORD)
    for name, before, now in (
        ("network", recorded["network"], results["network"]),
        ("split", recorded["split"], results["split"]),
        ("number of images", recorded["images"], results["images"]),
        ("number of training images", recorded["training_images"], results["training_images"]),
        ("seed", recorded["seed"], results["seed"]),
    ):
        if before != now:
            raise ValueError(
                f"{RECORD.name} was measured with another {name}: leave out --features to measure "
                "the whole table"
            )
    measured = {row["features"] for row in results["rows"]}
    kept = [row for row in recorded["rows"] if row["features"] not in measured]
    # The command stays that of the whole table, which measures these rows as well.
    recorded["rows"] = _ranked([*kept, *results["rows"]])
    return recorded


def _pairs(
    only: Sequence[str] | None, features: Sequence[str] | None = None
) -> list[tuple[str, str]]:
    """Return (feature, recipe) of every row that is trained, feature by feature."""
    names = {
        f"{feature}:{recipe}": (feature, recipe)
        for feature in features or ALL_FEATURES
        for recipe in RECIPES
    }
    for name in only or ():
        if name not in names:
            raise ValueError(f"Incorrect value for 'only' argument: {name!r}: {', '.join(names)}")
    return [pair for name, pair in names.items() if only is None or name in only]


def _networks(further: Sequence[Path]) -> list[tuple[str, Predict, int, str]]:
    """Return name, function, bytes and note of each of our networks."""
    found = []
    for path in (SHIPPED, *further):
        predict = load_predictor(path)
        # The path means nothing on another machine, and every run has a "best.keras".
        name = "Affectune" if path == SHIPPED else f"{path.parent.name}/{path.name}".lstrip("/")
        note = "timed in Keras, not in LiteRT" if path.suffix == ".keras" else ""
        size = path.stat().st_size
        found.append((name, predict, size, note))
        mirrored = "; ".join(filter(None, ["mean of the face and its mirror image", note]))
        found.append((f"{name} + mirror image", _with_mirror(predict), size, mirrored))
    return found


def _with_mirror(predict: Predict) -> Predict:
    return lambda images: predict_with_mirror(predict, images)


def _trained_row(name: str, predict: Predict, size: int, note: str, test: Split) -> BaselineRow:
    print(name, file=sys.stderr)
    predicted = predict(test.images).argmax(axis=1)
    return BaselineRow(
        name=name,
        features=LEARNED,
        classifier=NETWORK,
        training_images=None,
        accuracy=_accuracy(predicted, test),
        macro_f1=_macro_f1(predicted, test),
        training_seconds=None,
        milliseconds=milliseconds(predict, test.images),
        bytes=size,
        note=note,
    )


def _fer_row(python: str, test: Split) -> BaselineRow:
    print("fer", file=sys.stderr)
    with load_fer(python) as fer:
        found = fer.predict(test.images).argmax(axis=1)
        return BaselineRow(
            name="fer",
            features=LEARNED,
            classifier=NETWORK,
            training_images=None,
            accuracy=_accuracy(found, test),
            macro_f1=_macro_f1(found, test),
            training_seconds=None,
            milliseconds=fer.milliseconds,
            bytes=fer.size,
            note="PyPI's package, timed in its own process",
        )


def _classical_rows(
    pairs: Sequence[tuple[str, str]], training: Split, test: Split, modes: Path | None = None
) -> Iterator[BaselineRow]:
    """Train and measure one pair after another; each feature is extracted once.

    ``modes`` is where the modes of the appearance model are drawn, if it is among them.
    """
    for feature in dict.fromkeys(feature for feature, _ in pairs):
        print(f"{TITLES[feature]}: features", file=sys.stderr)
        begin = time.perf_counter()
        extract, model = _extractor(feature, training.images)
        preparation = time.perf_counter() - begin
        if modes and isinstance(model, AppearanceFeatures):
            draw_modes(model.model.model, face_outline(), modes)
        fits = str(fit_error(model, test.images) or "") if model else ""
        begin = time.perf_counter()
        train_features = extract(training.images)
        extraction = (time.perf_counter() - begin) / len(training)
        test_features = extract(test.images)
        for name in (recipe for found, recipe in pairs if found == feature):
            recipe = RECIPES[name]
            print(f"{TITLES[feature]} + {recipe.title}", file=sys.stderr)
            fitted = fit(recipe, train_features, training.labels)
            predict = fitted.pipeline.predict
            notes = [
                recipe.settings,
                ADDED.get(feature, ""),
                fits,
                "" if fitted.converged else "stopped before it had converged",
            ]
            predicted = predict(test_features)
            yield BaselineRow(
                name=f"{TITLES[feature]} + {recipe.title}",
                features=TITLES[feature],
                classifier=recipe.title,
                training_images=fitted.images,
                accuracy=_accuracy(predicted, test),
                macro_f1=_macro_f1(predicted, test),
                training_seconds=preparation + fitted.seconds + extraction * fitted.images,
                milliseconds=milliseconds(_chained(extract, predict), test.images),
                bytes=fitted.bytes + (size_bytes(model) if model else 0),
                note="; ".join(filter(None, notes)),
            )


def _extractor(
    feature: str, images: Images
) -> tuple[Callable[[Images], Features], ShapeFeatures | None]:
    """Return what extracts a feature, and the model behind it if one is trained."""
    if feature in FEATURES:
        return FEATURES[feature], None
    model = TRAINED_FEATURES[feature](images)
    return model, model


def _chained(
    extract: Callable[[Images], Features], predict: Callable[[Features], Any]
) -> Callable[[Images], Any]:
    return lambda images: predict(extract(images))


def _macro_f1(predicted: NDArray[np.int64], test: Split) -> float:
    from sklearn.metrics import f1_score

    f1 = f1_score(
        test.labels, predicted, labels=range(len(EMOTIONS)), average="macro", zero_division=0.0
    )
    return float(f1)


def _accuracy(predicted: NDArray[np.int64], test: Split) -> float:
    return float((predicted == test.labels).mean())


def milliseconds(read: Callable[[Images], Any], images: Images) -> float:
    """Return how long one image takes: the median over a hundred, one at a time.

    Args:
        read: takes uint8 ``(1, 48, 48, 1)``.
        images: uint8 ``(N, 48, 48, 1)``, taken in turn.
    """
    times = []
    for number in range(WARM_UP + TIMED):
        place = number % len(images)
        begin = time.perf_counter()
        read(images[place : place + 1])
        times.append(1000 * (time.perf_counter() - begin))
    return statistics.median(times[WARM_UP:])


def _command(arguments: argparse.Namespace) -> str:
    words = ["python -m model compare", f"--split {arguments.split}"]
    words += ["--fer PYTHON"] if arguments.fer else []
    if arguments.weights:
        words.append(f"--weights {' '.join(path.name for path in arguments.weights)}")
    words += [f"--features {' '.join(arguments.features)}"] if arguments.features else []
    words += [f"--only {' '.join(arguments.only)}"] if arguments.only else []
    words += [f"--limit {arguments.limit}"] if arguments.limit else []
    return " ".join(words)


def as_text(results: BaselinesRecord) -> str:
    """Return the figures as plain text."""
    lines = [
        f"{results['split']}, {results['images']:,} images; "
        f"{results['training_images']:,} to train on",
        f"  {'':28} accuracy  macro-F1  ms a face       size  training images  seconds",
    ]
    for row in _ranked(results["rows"]):
        images = "" if row["training_images"] is None else f"{row['training_images']:,}"
        seconds = "" if row["training_seconds"] is None else f"{row['training_seconds']:,.1f}"
        lines.append(
            f"  {row['name']:28} {row['accuracy']:8.1%}  {row['macro_f1']:8.3f}"
            f"  {row['milliseconds']:9.2f}  {_size(row['bytes']):>9}  {images:>15}"
            f"  {seconds:>7}".rstrip()
        )
    return "\n".join(lines)


def as_markdown(results: BaselinesRecord) -> str:
    """Return one table, the most accurate row first."""
    head = (
        "What",
        "Accuracy",
        "Macro-F1",
        "ms a face",
        "Size",
        "Training images",
        "Training seconds",
        "Note",
    )
    rows = [
        [
            row["name"],
            f"{row['accuracy']:.1%}",
            f"{row['macro_f1']:.3f}",
            f"{row['milliseconds']:.2f}",
            _size(row["bytes"]),
            "" if row["training_images"] is None else f"{row['training_images']:,}",
            "" if row["training_seconds"] is None else f"{row['training_seconds']:,.0f}",
            row["note"],
        ]
        for row in _ranked(results["rows"])
    ]
    return markdown_table(head, rows, text_columns=(0, len(head) - 1))


def _ranked(rows: Sequence[BaselineRow]) -> list[BaselineRow]:
    return sorted(rows, key=lambda row: -row["accuracy"])


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 1e6 else f"{count / 1e3:.0f} kB"


def draw_chart(rows: Sequence[BaselineRow], path: Path) -> Path:
    """Draw accuracy against milliseconds per face into an image.

    Networks are filled, hand-made features hollow, with a marker of its own for each feature.

    Args:
        rows: what to draw.
        path: the image to write; its suffix sets the format.

    Raises:
        ValueError: there are no rows.
    """
    if not rows:
        raise ValueError("Incorrect value for 'rows' argument: there is nothing to draw")
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot
    from matplotlib.ticker import FuncFormatter, PercentFormatter

    figure, axis = pyplot.subplots(figsize=(9, 6.4), layout="constrained", facecolor=PAPER)
    times = [row["milliseconds"] for row in rows]
    axis.set_xscale("log")
    axis.set_xlim(min(times) / 2.5, max(times) * 2.5)
    fractions = [row["accuracy"] for row in rows]
    axis.set_ylim(int(10 * min(fractions) - 0.2) / 10, 1.08 * max(*fractions, 0.2))
    for row in rows:
        axis.plot(
            row["milliseconds"],
            row["accuracy"],
            linestyle="",
            marker=MARKERS.get(row["features"], "o"),
            markersize=8 if row["features"] == LEARNED else 6,
            markeredgecolor=INK,
            markerfacecolor=INK if row["features"] == LEARNED else PAPER,
        )
    axis.set_xlabel("milliseconds a face", color=INK)
    axis.set_ylabel("accuracy", color=INK)
    axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axis.set_facecolor(PAPER)
    axis.grid(axis="y", color=INK, alpha=0.12)
    axis.tick_params(which="both", colors=INK, length=0)
    axis.spines[["top", "right", "left"]].set_visible(False)
    axis.spines["bottom"].set_color(INK)
    # The names are placed once the layout is fixed.
    figure.canvas.draw()
    figure.set_layout_engine("none")
    _name_marks(axis, _ranked(rows))
    figure.savefig(path, dpi=110, facecolor=PAPER)
    pyplot.close(figure)
    return path


def _name_marks(axis: Any, rows: Sequence[BaselineRow]) -> None:
    """Write every row's name where it covers no mark and no other name, if there is room."""
    from matplotlib.transforms import Bbox

    frame = axis.get_window_extent()
    marks = axis.transData.transform([(row["milliseconds"], row["accuracy"]) for row in rows])
    taken = [Bbox.from_extents(x - 7, y - 7, x + 7, y + 7) for x, y in marks]
    for row in rows:
        for place in (*LABEL_OFFSETS_PT, LABEL_OFFSETS_PT[0]):
            name = _name(axis, row, place)
            box = name.get_window_extent()
            inside = frame.x0 <= box.x0 and box.x1 <= frame.x1 and frame.y0 <= box.y0
            if inside and not box.count_overlaps(taken):
                break
            name.remove()
        else:
            _name(axis, row, LABEL_OFFSETS_PT[0])
            continue
        taken.append(box)
        if abs(place[1]) > LEADER_LINE_FROM_PT:
            name.remove()
            _name(axis, row, place, arrowprops={"arrowstyle": "-", "color": INK, "linewidth": 0.5})


def _name(axis: Any, row: BaselineRow, place: tuple[int, int], **more: Any) -> Any:
    return axis.annotate(
        row["name"],
        (row["milliseconds"], row["accuracy"]),
        xytext=place,
        textcoords="offset points",
        horizontalalignment="left" if place[0] > 0 else "right",
        verticalalignment="center",
        color=INK,
        fontsize=8,
        **more,
    )
