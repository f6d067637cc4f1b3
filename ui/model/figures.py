"""The figures of the model page, read from the files in ``model/weights``, and figures as words.

Except for the accuracy of people, no figure is written here: a new network brings its own files. A
file that cannot be read is distinguished from one that is missing.
"""

from __future__ import annotations

import hashlib
import logging
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

import streamlit as st

from emotion.labels import EMOTIONS
from model import records
from model.records import (
    SHIPPED,
    BaselinesRecord,
    FerplusMetrics,
    MetricsRecord,
    PhotographsRecord,
    ReadingFigures,
    ReliabilityBin,
    RobustnessRecord,
    SplitMetrics,
    UnsureMetrics,
)
from ui import wording

WEIGHTS: Final = records.WEIGHTS
CARD: Final = WEIGHTS.parent / "MODEL_CARD.md"
MODES: Final = WEIGHTS.parent / "figures" / "modes.png"

PREFERRED: Final = ("private-test+tta", "private-test", "public-test+tta", "public-test")
"""Which figure to quote, the best first: the app reads a face and its mirror image (``tta``), and
PrivateTest is the half of the test set that no choice was based on."""

HUMAN_ACCURACY, HUMAN_ACCURACY_MARGIN = 0.65, 0.05
"""How often people name FER-2013's label (Goodfellow et al. 2013, "Challenges in Representation
Learning")."""

MIN_PHOTOGRAPHS: Final = 10
"""Emotions with fewer photographs are not shown: too few to say anything."""

TIMES: Final = (
    *("hardly ever", "one time", "two times", "three times", "four times", "five times"),
    *("six times", "seven times", "eight times", "nine times", "almost always"),
)

Record = TypeVar("Record")
View = TypeVar("View")


@dataclass(frozen=True, slots=True)
class Figure:
    """A network measured on one split, with or without ``tta`` (`model.records.SplitMetrics`)."""

    split: str
    tta: bool
    images: int
    accuracy: float
    clean_images: int
    clean_accuracy: float
    recall: Mapping[str, float]
    precision: Mapping[str, float]
    counts: Mapping[str, int]
    confusion: tuple[tuple[int, ...], ...]
    command: str
    reliability: tuple[ReliabilityBin, ...] = ()
    ferplus: FerplusMetrics | None = None
    unsure: UnsureMetrics | None = None

    @property
    def most_frequent(self) -> float:
        """The accuracy of always naming the most frequent emotion."""
        return max(self.counts.values()) / self.images


@dataclass(frozen=True, slots=True)
class Measured:
    """All of ``metrics.json``: the file that was measured, and its figures, best to quote first."""

    file: str
    bytes: int
    sha256: str
    figures: tuple[Figure, ...]
    temperature: float | None = None


@dataclass(frozen=True, slots=True)
class Corruption:
    """Accuracy under one corruption; a point is (severity, accuracy, accuracy of ``fer``)."""

    name: str
    unit: str
    explanation: str
    points: tuple[tuple[float, float, float | None], ...]

    @property
    def scale(self) -> str:
        """What the severities are, for an axis: "Rotation, °"."""
        return f"{self.name}, {self.unit}"

    @property
    def best(self) -> float:
        """The highest accuracy, 0-1: of the unchanged image, which may be in the middle."""
        return max(accuracy for _, accuracy, _ in self.points)

    @property
    def worst(self) -> float:
        """The lowest accuracy, 0-1."""
        return min(accuracy for _, accuracy, _ in self.points)


@dataclass(frozen=True, slots=True)
class Robustness:
    """All of ``robustness.json``, the corruption that costs most accuracy first."""

    sha256: str
    split: str
    images: int
    command: str
    corruptions: tuple[Corruption, ...]


@dataclass(frozen=True, slots=True)
class Baseline:
    """One method, measured on the same test images (`model.records.BaselineRow`)."""

    name: str
    features: str
    classifier: str
    accuracy: float
    macro_f1: float
    milliseconds: float
    bytes: int
    training_images: int | None
    note: str


@dataclass(frozen=True, slots=True)
class Baselines:
    """All of ``baselines.json``, the most accurate first."""

    split: str
    images: int
    command: str
    rows: tuple[Baseline, ...]


# Reading


@dataclass(frozen=True, slots=True)
class Reader:
    """How well one reader reads photographs: fractions, 0-1."""

    recall: Mapping[str, float]
    mean_recall: float
    neutral_read_negative: float


@dataclass(frozen=True, slots=True)
class Photographs:
    """All of ``photographs.json``: photographs of people who were held out of training."""

    photos: int
    counts: Mapping[str, int]
    app: Reader
    others: Mapping[str, Reader]


def read(
    name: str, schema: type[Record], view: Callable[[Record], View]
) -> tuple[View | None, bool]:
    """Return the contents of a record in ``model/weights``, and whether it is there but unreadable.

    Args:
        name: the file.
        schema: the record's type in `model.records`.
        view: turns the record into the result; a ValueError means that it is unreadable.
    """
    path = WEIGHTS / name
    if not path.is_file():
        return None, False
    try:
        return view(records.load(schema, path)), False
    except (OSError, ArithmeticError, LookupError, TypeError, ValueError):
        logging.getLogger(__name__).exception("%s cannot be read", path)
        return None, True


def measured(record: MetricsRecord) -> Measured:
    """Return what is shown of ``metrics.json``."""
    found = record["figures"]
    names = [name for name in PREFERRED if name in found]
    if not names:
        raise ValueError(f"Incorrect value for 'figures': {list(found)}: none of {PREFERRED}")
    calibration = record.get("calibration")
    return Measured(
        **record["network"],
        figures=tuple(_figure(found[name]) for name in names),
        temperature=calibration["temperature"] if calibration else None,
    )


def robustness(record: RobustnessRecord) -> Robustness:
    """Return what is shown of ``robustness.json``: corruptions of more than one severity."""
    corruptions = [
        Corruption(
            name=corruption["name"],
            unit=corruption["unit"],
            explanation=corruption["explanation"],
            points=tuple(
                (point["severity"], point["accuracy"], point["fer"])
                for point in corruption["points"]
            ),
        )
        for corruption in record["corruptions"]
        if len(corruption["points"]) > 1
    ]
    return Robustness(
        sha256=record["network"]["sha256"],
        split=record["split"],
        images=record["images"],
        command=record["command"],
        corruptions=tuple(sorted(corruptions, key=lambda one: one.worst - one.best)),
    )


def baselines(record: BaselinesRecord) -> Baselines:
    """Return what is shown of ``baselines.json``."""
    rows = [
        Baseline(
            name=row["name"],
            features=row["features"],
            classifier=row["classifier"],
            accuracy=row["accuracy"],
            macro_f1=row["macro_f1"],
            milliseconds=row["milliseconds"],
            bytes=row["bytes"],
            training_images=row["training_images"],
            note=row["note"],
        )
        for row in record["rows"]
        if row["milliseconds"] > 0
    ]
    if not rows:
        raise ValueError("Incorrect value for 'rows': nothing was measured")
    return Baselines(
        split=record["split"],
        images=record["images"],
        command=record["command"],
        rows=tuple(sorted(rows, key=lambda row: row.accuracy, reverse=True)),
    )


def photographs(record: PhotographsRecord) -> Photographs:
    """Return what is shown of ``photographs.json``.

    Raises:
        KeyError, ValueError: the head that the app uses was not measured.
    """
    app = record["heads"]["people"]
    readers: dict[str, ReadingFigures | None] = {
        "the same network, by FER-2013's labels": record["heads"].get("fer2013"),
        "fer, a widely used package": app.get("fer"),
    }
    return Photographs(
        photos=_positive(app["photos"]),
        counts=app["images"],
        app=_reader(app),
        others={name: _reader(found) for name, found in readers.items() if found},
    )


def _reader(found: ReadingFigures) -> Reader:
    mean, negative = found["mean_recall"], found["neutral_read_negative"]
    if mean is None or negative is None:
        raise ValueError("Incorrect value for 'mean_recall': nothing was measured")
    return Reader(recall=found["recall"], mean_recall=mean, neutral_read_negative=negative)


def is_shipped(sha256: str, file: str) -> bool | None:
    """Return whether the measured network is the one that the app runs.

    ``None`` where its file is missing and cannot be compared.
    """
    path = SHIPPED.with_name(Path(file).name)
    if not path.is_file():
        return None
    return _sha256(str(path), path.stat().st_mtime_ns) == sha256


@st.cache_data(show_spinner=False, max_entries=4)
def _sha256(path: str, changed: int) -> str:
    """Return a file's SHA-256; ``changed``, its time of change, is part of the cache's key."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def _figure(found: SplitMetrics) -> Figure:
    per_class = {emotion: found["per_class"][emotion] for emotion in EMOTIONS}
    confusion = tuple(tuple(row) for row in found["confusion"])
    if [len(row) for row in confusion] != [len(EMOTIONS)] * len(EMOTIONS):
        raise ValueError(f"Incorrect value for 'confusion': {len(confusion)} rows")
    return Figure(
        split=found["split"],
        tta=found["tta"],
        images=_positive(found["images"]),
        accuracy=found["accuracy"],
        clean_images=_positive(found["clean_images"]),
        clean_accuracy=found["clean_accuracy"],
        recall={emotion: row["recall"] for emotion, row in per_class.items()},
        precision={emotion: row["precision"] for emotion, row in per_class.items()},
        counts={emotion: _positive(row["images"]) for emotion, row in per_class.items()},
        confusion=confusion,
        command=found.get("command", ""),
        reliability=tuple(found.get("reliability", ())),
        ferplus=found.get("ferplus"),
        unsure=found.get("unsure"),
    )


def _positive(count: int) -> int:
    if count < 1:
        raise ValueError(f"Incorrect value for 'images': {count}: 1 or more")
    return count


# Words


def margin(fraction: float, images: int) -> float:
    """Return the half-width of the 95 % interval of a fraction of ``images``, 0-1."""
    return 1.96 * math.sqrt(max(fraction * (1 - fraction), 0.0) / images)


def percent(fraction: float, digits: int = 1) -> str:
    """Return a fraction as text: "69.4 %", with a non-breaking space."""
    return f"{fraction * 100:.{digits}f}\u00a0%"


def in_ten(fraction: float) -> str:
    """Return a fraction as people say it: "about seven times in ten"."""
    tenths = min(10, max(0, round(fraction * 10)))
    return f"about {TIMES[tenths]} in ten" if 0 < tenths < 10 else TIMES[tenths]


def named(emotion: str) -> str:
    """Return an emotion with its glyph, as the charts label it."""
    return f"{wording.FEELINGS[emotion].glyph} {wording.FEELINGS[emotion].word}"


def mistaken(figure: Figure) -> tuple[str, str]:
    """Return the most frequent confusion: the true emotion and the one it is mistaken for."""
    fractions = {
        (true, predicted): figure.confusion[i][j] / max(sum(figure.confusion[i]), 1)
        for i, true in enumerate(EMOTIONS)
        for j, predicted in enumerate(EMOTIONS)
        if i != j
    }
    return max(fractions, key=fractions.__getitem__)


def confusion_rate(figure: Figure, true: str, predicted: str) -> float:
    """Return how often faces labelled ``true`` are called ``predicted``, 0-1."""
    row = figure.confusion[EMOTIONS.index(true)]
    return row[EMOTIONS.index(predicted)] / max(sum(row), 1)


def overconfidence(figure: Figure) -> float:
    """Return mean confidence minus accuracy; negative where the network is too modest."""
    total = sum(row["images"] for row in figure.reliability)
    gaps = (
        (row["confidence"] - row["accuracy"]) * row["images"] / total for row in figure.reliability
    )
    return sum(gaps)
