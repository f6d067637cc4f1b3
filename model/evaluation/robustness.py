"""Accuracy on corrupted images: rotated, small, blurred, noisy, dark and occluded faces.

``python -m model robustness --fer PYTHON`` corrupts a test split in nine ways, each from not at
all to severely, and reads it with the shipped network: one crop a face, as from a live frame,
preprocessed as the app does (`emotion.crop.preprocess`) but not levelled. PyPI's ``fer`` reads the
same corrupted images. ``--record`` writes what was measured into ``robustness.json``.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from emotion.crop import preprocess
from model import options
from model.data.fer2013 import Split, load_fer2013
from model.evaluation.evaluate import Predict, load_predictor
from model.evaluation.fer_package import load_fer
from model.markdown import markdown_table
from model.palette import INK, MUTED, PAPER
from model.records import (
    WEIGHTS,
    CorruptionFigures,
    CorruptionPoint,
    RobustnessRecord,
    describe,
    write_json,
)

RECORD = WEIGHTS / "robustness.json"
SEED = 0
BAR_GREY = 128
EYES, MOUTH = (10, 28), (28, 46)
"""Rows of a 48x48 face. In nine PublicTest faces of ten, MTCNN places the eyes between rows 11 and
23 and the mouth between 32 and 42."""

MIN_LABEL_GAP = 0.05
"""Smallest distance between two lines' names in a chart, as accuracy, 0-1."""
UNITS = {"°": "degrees", "px": "pixels", "×": "times as bright", "%": "% of the part"}

Images = NDArray[np.uint8]
Corrupt = Callable[[Images, float], Images]


@dataclass(frozen=True, slots=True)
class Corruption:
    """One way in which an image is made worse.

    Attributes:
        name: as shown.
        unit: of the severity.
        explanation: one sentence on what is done.
        severities: in the order in which they are shown.
        none: the severity that changes nothing.
        corrupt: from uint8 images ``(N, 48, 48, 1)`` and a severity to such images.
    """

    name: str
    unit: str
    explanation: str
    severities: tuple[float, ...]
    none: float
    corrupt: Corrupt


def rotate(images: Images, degrees: float) -> Images:
    """Rotate faces ``(N, 48, 48, 1)`` clockwise about their middle; the edge is repeated."""
    height, width = images.shape[1:3]
    turn = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), -degrees, 1.0)
    return _each(
        images,
        lambda face: cv2.warpAffine(
            face, turn, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        ),
    )


def shrink(images: Images, side: float) -> Images:
    """Shrink faces ``(N, 48, 48, 1)`` to ``side`` pixels, averaged, and enlarge them again."""
    height, width = images.shape[1:3]
    small = (round(side), round(side))
    return _each(
        images,
        lambda face: cv2.resize(
            cv2.resize(face, small, interpolation=cv2.INTER_AREA),
            (width, height),
            interpolation=cv2.INTER_LINEAR,
        ),
    )


def blur(images: Images, sigma: float) -> Images:
    """Blur faces ``(N, 48, 48, 1)`` with a Gaussian of ``sigma`` pixels."""
    if not sigma:
        return images.copy()
    return _each(
        images,
        lambda face: cv2.GaussianBlur(face, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE),
    )


def add_noise(images: Images, deviation: float, *, seed: int = SEED) -> Images:
    """Add Gaussian noise of ``deviation`` intensities to faces ``(N, 48, 48, 1)``."""
    noise = np.random.default_rng(seed).standard_normal(images.shape, dtype=np.float32)
    return _to_uint8(images + noise * np.float32(deviation))


def compress(images: Images, quality: float) -> Images:
    """Pass faces ``(N, 48, 48, 1)`` through a JPEG of ``quality`` 1-100."""

    def through(face: Images) -> NDArray[Any]:
        _, content = cv2.imencode(".jpg", face, [cv2.IMWRITE_JPEG_QUALITY, round(quality)])
        return np.asarray(cv2.imdecode(content, cv2.IMREAD_GRAYSCALE))

    return _each(images, through)


def expose(images: Images, gain: float) -> Images:
    """Multiply the intensities of faces ``(N, 48, 48, 1)``; what exceeds 255 is lost."""
    return _to_uint8(images * np.float32(gain))


def hide_mouth(images: Images, percent: float) -> Images:
    """Lay a grey bar over ``percent`` % of the rows around the mouth."""
    return _hide(images, MOUTH, percent)


def hide_eyes(images: Images, percent: float) -> Images:
    """Lay a grey bar over ``percent`` % of the rows around the eyes."""
    return _hide(images, EYES, percent)


def preprocess_all(images: Images) -> Images:
    """Preprocess each face ``(N, 48, 48, 1)`` as `emotion.crop` does."""
    return _each(images, preprocess)


def _hide(images: Images, rows: tuple[int, int], percent: float) -> Images:
    """Grow the bar from the middle of ``rows`` outwards."""
    first, last = rows
    height = round((last - first) * percent / 100)
    top = first + (last - first - height) // 2
    hidden = images.copy()
    hidden[:, top : top + height] = BAR_GREY
    return hidden


def _each(images: Images, function: Callable[[Images], NDArray[Any]]) -> Images:
    """Apply a function to each image ``(H, W)``."""
    found = np.empty_like(images)
    for target, image in zip(found, images, strict=True):
        target[..., 0] = function(image[..., 0])
    return found


def _to_uint8(values: NDArray[np.float32]) -> Images:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


CORRUPTIONS: tuple[Corruption, ...] = (
    Corruption(
        name="Rotation",
        unit="°",
        explanation="The face rotated clockwise, without levelling the eyes.",
        severities=(-30, -20, -10, 0, 10, 20, 30),
        none=0,
        corrupt=rotate,
    ),
    Corruption(
        name="Size",
        unit="px",
        explanation="The face reduced to this width in pixels and enlarged to 48.",
        severities=(48, 40, 32, 28, 24, 20, 16),
        none=48,
        corrupt=shrink,
    ),
    Corruption(
        name="Blur",
        unit="px",
        explanation="A Gaussian blur with this standard deviation, on a face 48 pixels wide.",
        severities=(0, 0.5, 1, 1.5, 2, 2.5, 3),
        none=0,
        corrupt=blur,
    ),
    Corruption(
        name="Noise",
        unit="intensities",
        explanation="Gaussian noise with this standard deviation, of intensities 0-255.",
        severities=(0, 5, 10, 15, 20, 30, 40),
        none=0,
        corrupt=add_noise,
    ),
    Corruption(
        name="JPEG",
        unit="quality",
        explanation="The face stored as a JPEG of this quality.",
        severities=(100, 80, 60, 45, 30, 20, 10),
        none=100,
        corrupt=compress,
    ),
    Corruption(
        name="Too dark",
        unit="×",
        explanation="Every pixel darkened by this factor.",
        severities=(1, 0.75, 0.5, 0.35, 0.25, 0.15),
        none=1,
        corrupt=expose,
    ),
    Corruption(
        name="Too bright",
        unit="×",
        explanation="Every pixel brightened by this factor; what exceeds white is lost.",
        severities=(1, 1.25, 1.5, 2, 2.5, 3),
        none=1,
        corrupt=expose,
    ),
    Corruption(
        name="Mouth hidden",
        unit="%",
        explanation="A grey bar over this much of the area around the mouth.",
        severities=(0, 20, 40, 60, 80, 100),
        none=0,
        corrupt=hide_mouth,
    ),
    Corruption(
        name="Eyes hidden",
        unit="%",
        explanation="A grey bar over this much of the area around the eyes.",
        severities=(0, 20, 40, 60, 80, 100),
        none=0,
        corrupt=hide_eyes,
    ),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    add = parser.add_argument
    options.add_data(parser)
    options.add_split(parser)
    options.add_fer(parser)
    add("--limit", type=int, metavar="N", help="N faces, drawn at random (default: all)")
    options.add_weights(parser)
    add("--charts", type=Path, metavar="PNG", help="draw them into this image as well")
    options.add_json(parser)
    options.add_record(parser, RECORD.name)


def run(arguments: argparse.Namespace) -> RobustnessRecord:
    """Measure as the command line asks, and record and draw if it asks for that.

    Raises:
        FileNotFoundError: there is no data or there are no weights.
        ValueError: a value is out of range, or ``fer`` cannot be run.
    """
    predict = load_predictor(arguments.weights)
    data = load_fer2013(arguments.data)
    split = sample(
        data.public_test if arguments.split == "public-test" else data.private_test,
        arguments.limit,
    )
    if arguments.fer:
        with load_fer(arguments.fer) as fer:
            corruptions = measure(split, predict, fer.predict)
    else:
        corruptions = measure(split, predict)
    results = RobustnessRecord(
        network=describe(arguments.weights),
        command=f"python -m model robustness --split {arguments.split}"
        + (" --fer PYTHON" if arguments.fer else "")
        + (f" --limit {arguments.limit}" if arguments.limit else ""),
        split=arguments.split,
        images=len(split),
        corruptions=corruptions,
    )
    if arguments.record:
        write_json(results, RECORD)
    if arguments.charts:
        draw_charts(results, arguments.charts)
    return results


def sample(split: Split, limit: int | None, *, seed: int = SEED) -> Split:
    """Return ``limit`` faces of a split, drawn at random; all of them for ``None``.

    Raises:
        ValueError: ``limit`` is below 1.
    """
    if limit is None:
        return split
    if limit < 1:
        raise ValueError(f"Incorrect value for 'limit' argument: {limit}: 1 or more")
    return split.take(np.random.default_rng(seed).permutation(len(split))[:limit])


def measure(
    split: Split,
    predict: Predict,
    fer: Predict | None = None,
    *,
    corruptions: Sequence[Corruption] | None = None,
) -> list[CorruptionFigures]:
    """Read a split under every corruption.

    Args:
        split: the faces, unaltered.
        predict: the network, whose images are preprocessed first.
        fer: reads the corrupted images as they are.
        corruptions: what is done to them; all of `CORRUPTIONS` by default.
    """
    found = []
    clean = _accuracies(split.images, split, predict, fer)
    for corruption in CORRUPTIONS if corruptions is None else corruptions:
        print(f"{corruption.name} …", file=sys.stderr)
        points = []
        for severity in corruption.severities:
            corrupted = corruption.corrupt(split.images, severity)
            same = np.array_equal(corrupted, split.images)
            ours, theirs = clean if same else _accuracies(corrupted, split, predict, fer)
            points.append(CorruptionPoint(severity=severity, accuracy=ours, fer=theirs))
        found.append(
            CorruptionFigures(
                name=corruption.name,
                unit=corruption.unit,
                explanation=corruption.explanation,
                none=corruption.none,
                points=points,
            )
        )
    return found


def _accuracies(
    images: Images, split: Split, predict: Predict, fer: Predict | None
) -> tuple[float, float | None]:
    ours = _accuracy(predict(preprocess_all(images)), split)
    return ours, None if fer is None else _accuracy(fer(images), split)


def _accuracy(probabilities: NDArray[np.float32], split: Split) -> float:
    return float((probabilities.argmax(axis=1) == split.labels).mean())


@dataclass(frozen=True, slots=True)
class Step:
    """A severity without its sign, and the mean accuracy (0-1) there."""

    label: str
    accuracy: float
    fer: float | None


def steps(corruption: CorruptionFigures) -> list[Step]:
    """Return a corruption's points by increasing severity, averaged over both directions."""

    def distance(point: CorruptionPoint) -> float:
        return abs(point["severity"] - corruption["none"])

    found = []
    for far, group in groupby(sorted(corruption["points"], key=distance), key=distance):
        points = list(group)
        fer = [point["fer"] for point in points if point["fer"] is not None]
        label = with_unit(points[0]["severity"], corruption["unit"])
        found.append(
            Step(
                label=f"±{with_unit(far, corruption['unit'])}" if len(points) > 1 else label,
                accuracy=float(np.mean([point["accuracy"] for point in points])),
                fer=float(np.mean(fer)) if fer else None,
            )
        )
    return found


def with_unit(severity: float, unit: str) -> str:
    """Return a severity with its unit, as text."""
    if unit == "°":
        return f"{severity:g}°"
    if unit in ("×", "quality"):
        return f"{unit}{'' if unit == '×' else ' '}{severity:g}"
    return f"{severity:g} {unit}"


def as_markdown(results: RobustnessRecord) -> str:
    """Return a table for the model card: accuracy by severity of corruption."""
    corruptions = [(corruption, steps(corruption)) for corruption in results["corruptions"]]
    compared = any(found[0].fer is not None for _, found in corruptions)
    head = ["Corruption (moderate, severe)", "Clean", "Moderate", "Severe"]
    if compared:
        head += ["`fer`: clean", "Moderate", "Severe"]
    rows = []
    for corruption, found in corruptions:
        chosen = [found[0], found[len(found) // 2], found[-1]]
        cells = [f"{corruption['name']} ({chosen[1].label}, {chosen[2].label})"]
        cells += [_percent(step.accuracy) for step in chosen]
        if compared:
            cells += [_percent(step.fer) for step in chosen]
        rows.append(cells)
    return markdown_table(head, rows)


def _percent(fraction: float | None) -> str:
    return "–" if fraction is None else f"{fraction:.1%}"


def as_text(results: RobustnessRecord) -> str:
    """Return the figures as plain text."""
    lines = [f"{results['split']}, {results['images']:,} faces: accuracy of ours (of fer)"]
    for corruption in results["corruptions"]:
        lines.append(f"{corruption['name']}: {corruption['explanation']}")
        for point in corruption["points"]:
            fer = "" if point["fer"] is None else f"  ({point['fer']:6.1%})"
            label = with_unit(point["severity"], corruption["unit"])
            lines.append(f"  {label:>12} {point['accuracy']:7.1%}{fer}")
    return "\n".join(lines)


def draw_charts(results: RobustnessRecord, path: Path) -> Path:
    """Draw accuracy against severity, a panel a corruption, into an image.

    Args:
        results: what `run` found.
        path: the image to write; its suffix sets the format.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot
    from matplotlib.ticker import PercentFormatter

    columns = 3
    rows = -(-len(results["corruptions"]) // columns)
    figure, grid = pyplot.subplots(
        rows,
        columns,
        figsize=(3.4 * columns, 2.7 * rows),
        sharey=True,
        squeeze=False,
        layout="constrained",
        facecolor=PAPER,
    )
    panels = list(grid.flat)
    for panel, corruption in zip(panels, results["corruptions"], strict=False):
        _draw(panel, corruption)
    for panel in panels[len(results["corruptions"]) :]:
        panel.axis("off")
    panels[0].set_ylim(0, max(0.8, panels[0].get_ylim()[1]))
    panels[0].yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    figure.savefig(path, dpi=110, facecolor=PAPER)
    pyplot.close(figure)
    return path


def _draw(panel: Any, corruption: CorruptionFigures) -> None:
    severities = [point["severity"] for point in corruption["points"]]
    ours = [point["accuracy"] for point in corruption["points"]]
    fer = [point["fer"] for point in corruption["points"]]
    panel.plot(severities, ours, color=INK, linewidth=1.8)
    ends = [("Affectune", ours[-1], INK)]
    if fer[-1] is not None:
        panel.plot(severities, fer, color=MUTED, linewidth=1.4, linestyle=(0, (4, 2)))
        ends.append(("fer", fer[-1], MUTED))
    # Names that would overlap are moved apart.
    ends.sort(key=lambda end: end[1])
    close = len(ends) > 1 and ends[1][1] - ends[0][1] < MIN_LABEL_GAP
    for (name, value, colour), away in zip(ends, (-4, 4), strict=False):
        panel.annotate(
            name,
            (severities[-1], value),
            xytext=(5, away if close else 0),
            textcoords="offset points",
            va="center",
            color=colour,
            fontsize=8,
        )
    if severities[-1] < severities[0]:
        panel.invert_xaxis()
    panel.set_title(corruption["name"], loc="left", color=INK, fontsize=10)
    panel.set_xlabel(UNITS.get(corruption["unit"], corruption["unit"]), color=MUTED, fontsize=8)
    panel.set_facecolor(PAPER)
    panel.grid(axis="y", color=MUTED, alpha=0.15)
    panel.tick_params(colors=MUTED, labelsize=8, length=0)
    panel.spines[["top", "right", "left"]].set_visible(False)
    panel.spines["bottom"].set_color(MUTED)
