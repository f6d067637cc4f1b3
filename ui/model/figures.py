"""The files in ``model/weights`` that the model page's figures come from, and figures as words.

Nothing here knows a figure of its own, but for what people do: a network that is replaced brings
its files along. A file that cannot be read is told from one that is not there.
"""

from __future__ import annotations

import hashlib
import json
import logging
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import streamlit as st

from emotion.classifier import WEIGHTS as SHIPPED
from emotion.labels import EMOTIONS
from ui import wording

WEIGHTS: Final = Path(__file__).parents[2] / "model" / "weights"
CARD: Final = WEIGHTS.parent / "MODEL_CARD.md"

PREFERRED: Final = ("private-test+tta", "private-test", "public-test+tta", "public-test")
"""The figure to quote: the app reads a face and its mirror image (``tta``), and PrivateTest is the
half of the test that nothing was chosen on."""

PEOPLE, PEOPLE_WITHIN = 0.65, 0.05
"""How often people name FER-2013's label (Goodfellow et al. 2013, "Challenges in Representation
Learning")."""

ENOUGH: Final = 10
"""Fewer photographs of an emotion say nothing about it."""

TIMES: Final = (
    *("hardly ever", "once", "twice", "three times", "four times", "five times"),
    *("six times", "seven times", "eight times", "nine times", "almost always"),
)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Figure:
    """A network measured on one split, one way. Shares are 0-1, ``confusion`` counts
    [true][predicted]; the last three are left out by older files."""

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
    reliability: tuple[Mapping[str, float], ...] = ()
    ferplus: Mapping[str, float] | None = None
    unsure: Mapping[str, float] | None = None

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
class Change:
    """What one way to spoil a picture costs: (severity, accuracy, accuracy of ``fer``)."""

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
        """The highest accuracy, 0-1: where nothing is changed, which may be in the middle."""
        return max(accuracy for _, accuracy, _ in self.points)

    @property
    def worst(self) -> float:
        """The lowest accuracy, 0-1."""
        return min(accuracy for _, accuracy, _ in self.points)


@dataclass(frozen=True, slots=True)
class Robustness:
    """All of ``robustness.json``, the costliest change first."""

    sha256: str
    split: str
    images: int
    command: str
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Yardstick:
    """Something that reads the same test pictures: its accuracy 0-1 and milliseconds a picture."""

    name: str
    features: str
    classifier: str
    accuracy: float
    macro_f1: float | None
    milliseconds: float
    bytes: int | None
    training_images: int | None
    note: str


@dataclass(frozen=True, slots=True)
class Yardsticks:
    """All of ``yardsticks.json``, the most accurate first."""

    split: str
    images: int
    command: str
    rows: tuple[Yardstick, ...]


# Reading


@dataclass(frozen=True, slots=True)
class Reader:
    """How photographs were read: fractions, 0-1."""

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


def read(name: str, parse: Callable[[Any], T]) -> tuple[T | None, bool]:
    """Return what a file of ``model/weights`` says, and whether it is there but makes no sense.

    Args:
        name: the file.
        parse: makes the result of its JSON; a KeyError, TypeError or ValueError means nonsense.
    """
    path = WEIGHTS / name
    if not path.is_file():
        return None, False
    try:
        return parse(json.loads(path.read_text(encoding="utf-8"))), False
    except (OSError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        logging.getLogger(__name__).exception("%s cannot be read", path)
        return None, True


def measured(data: Any) -> Measured:
    """Parse ``metrics.json``."""
    found = data["figures"]
    names = [name for name in PREFERRED if name in found]
    if not names:
        raise ValueError(f"Incorrect value for 'figures': {list(found)}: none of {PREFERRED}")
    calibration = data.get("calibration") or {}
    return Measured(
        file=str(data["network"]["file"]),
        bytes=int(data["network"]["bytes"]),
        sha256=str(data["network"]["sha256"]),
        figures=tuple(_figure(found[name]) for name in names),
        temperature=_number(calibration.get("temperature")),
    )


def robustness(data: Any) -> Robustness:
    """Parse ``robustness.json``; changes of less than two points say nothing and are left out."""
    changes = [
        Change(
            name=str(change["name"]),
            unit=str(change["unit"]),
            explanation=str(change["explanation"]),
            points=tuple(
                (float(point["severity"]), float(point["accuracy"]), _number(point.get("fer")))
                for point in change["points"]
            ),
        )
        for change in data["changes"]
    ]
    return Robustness(
        sha256=str(data["network"]["sha256"]),
        split=str(data["split"]),
        images=int(data["images"]),
        command=str(data["command"]),
        changes=tuple(
            sorted((c for c in changes if len(c.points) > 1), key=lambda c: c.worst - c.best)
        ),
    )


def yardsticks(data: Any) -> Yardsticks:
    """Parse ``yardsticks.json``."""
    rows = [
        Yardstick(
            name=str(row["name"]),
            features=str(row.get("features") or ""),
            classifier=str(row.get("classifier") or ""),
            accuracy=float(row["accuracy"]),
            macro_f1=_number(row.get("macro_f1")),
            milliseconds=float(row["milliseconds"]),
            bytes=_whole(row.get("bytes")),
            training_images=_whole(row.get("training_images")),
            note=str(row.get("note") or ""),
        )
        for row in data["rows"]
        if row.get("accuracy") is not None and (row.get("milliseconds") or 0) > 0
    ]
    if not rows:
        raise ValueError("Incorrect value for 'rows': nothing was measured")
    return Yardsticks(
        split=str(data["split"]),
        images=int(data["images"]),
        command=str(data["command"]),
        rows=tuple(sorted(rows, key=lambda row: row.accuracy, reverse=True)),
    )


def photographs(data: Any) -> Photographs:
    """Read ``photographs.json``.

    Raises:
        KeyError, TypeError, ValueError: it is not such a file.
    """
    app = data["heads"]["people"]
    others = {"the same network, by FER-2013's labels": data["heads"].get("fer2013")}
    others["fer, a package many use"] = app.get("fer")
    return Photographs(
        photos=_positive(app["photos"]),
        counts={emotion: int(count) for emotion, count in app["images"].items()},
        app=_reader(app),
        others={name: _reader(found) for name, found in others.items() if found},
    )


def _reader(data: Any) -> Reader:
    return Reader(
        recall={emotion: float(value) for emotion, value in data["recall"].items()},
        mean_recall=float(data["mean_recall"]),
        neutral_read_negative=float(data["neutral_read_negative"]),
    )


def is_shipped(sha256: str, file: str) -> bool | None:
    """Return whether the network that was measured is the one that the app runs on.

    Nothing where its file is not there to be compared.
    """
    path = SHIPPED.with_name(Path(file).name)
    if not path.is_file():
        return None
    return _sha256(str(path), path.stat().st_mtime_ns) == sha256


@st.cache_data(show_spinner=False, max_entries=4)
def _sha256(path: str, changed: int) -> str:
    """Return a file's checksum; ``changed`` is there to notice another file of the same name."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def _figure(data: Any) -> Figure:
    per_class = {emotion: data["per_class"][emotion] for emotion in EMOTIONS}
    confusion = tuple(tuple(int(count) for count in row) for row in data["confusion"])
    if [len(row) for row in confusion] != [len(EMOTIONS)] * len(EMOTIONS):
        raise ValueError(f"Incorrect value for 'confusion': {len(confusion)} rows")
    return Figure(
        split=str(data["split"]),
        tta=bool(data["tta"]),
        images=_positive(data["images"]),
        accuracy=float(data["accuracy"]),
        clean_images=_positive(data["clean_images"]),
        clean_accuracy=float(data["clean_accuracy"]),
        recall={emotion: float(row["recall"]) for emotion, row in per_class.items()},
        precision={emotion: float(row["precision"]) for emotion, row in per_class.items()},
        counts={emotion: _positive(row["images"]) for emotion, row in per_class.items()},
        confusion=confusion,
        command=str(data.get("command") or ""),
        reliability=tuple(
            {key: float(bin_[key]) for key in ("confidence", "accuracy", "images")}
            for bin_ in data.get("reliability") or ()
        ),
        ferplus=_numbers(data.get("ferplus"), "images", "agreement", "agreed_images"),
        unsure=_numbers(data.get("unsure"), "share", "accuracy_when_unsure"),
    )


def _numbers(data: Any, *needed: str) -> Mapping[str, float] | None:
    if not data or any(data.get(key) is None for key in needed):
        return None
    return {key: float(value) for key, value in data.items() if value is not None}


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def _whole(value: Any) -> int | None:
    return None if value is None else int(value)


def _positive(value: Any) -> int:
    if int(value) < 1:
        raise ValueError(f"Incorrect value for 'images': {value!r}: 1 or more")
    return int(value)


# Words


def margin(share: float, images: int) -> float:
    """Return the half-width of the 95 % interval of a share of so many images, 0-1."""
    return 1.96 * math.sqrt(max(share * (1 - share), 0.0) / images)


def percent(share: float, digits: int = 1) -> str:
    """Return a share as text: "69.4 %", with a space that does not break."""
    return f"{share * 100:.{digits}f}\u00a0%"


def in_ten(share: float) -> str:
    """Return a share as people say it: "seven times in ten"."""
    tenths = min(10, max(0, round(share * 10)))
    return f"{TIMES[tenths]} in ten" if 0 < tenths < 10 else TIMES[tenths]


def named(emotion: str) -> str:
    """Return an emotion with its glyph, as the charts label it."""
    return f"{wording.FEELINGS[emotion].glyph} {wording.FEELINGS[emotion].word}"


def mistaken(figure: Figure) -> tuple[str, str]:
    """Return the emotion that is most often taken for one certain other, and that other."""
    shares = {
        (true, said): figure.confusion[i][j] / max(sum(figure.confusion[i]), 1)
        for i, true in enumerate(EMOTIONS)
        for j, said in enumerate(EMOTIONS)
        if i != j
    }
    return max(shares, key=shares.__getitem__)


def share_of(figure: Figure, true: str, said: str) -> float:
    """Return how often faces labelled ``true`` are called ``said``, 0-1."""
    row = figure.confusion[EMOTIONS.index(true)]
    return row[EMOTIONS.index(said)] / max(sum(row), 1)


def overconfidence(figure: Figure) -> float:
    """Return by how much the network claims more than it keeps; negative: it is too modest."""
    total = sum(row["images"] for row in figure.reliability)
    gaps = (
        (row["confidence"] - row["accuracy"]) * row["images"] / total for row in figure.reliability
    )
    return sum(gaps)
