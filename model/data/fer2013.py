"""FER-2013 in its official split, cleaned of what leaks.

The data set comes in three shapes and all are read: the Kaggle archive
(``train/<class>/*.jpg`` and ``test/<class>/*.jpg``), the same unpacked, and the
competition's original ``fer2013.csv``. The Kaggle folders merge the two test sets;
the official split survives in the file names (``Training_*``, ``PublicTest_*``,
``PrivateTest_*``) and is what is used here.
"""

from __future__ import annotations

import csv
import hashlib
import io
import os
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from emotion.labels import EMOTIONS

SPLITS = ("Training", "PublicTest", "PrivateTest")
SIZE = 48
BLANK_BELOW = 8
"""An image whose brightest and darkest grey differ by less than this shows nothing.
In FER-2013 twelve Training images and one test image differ by at most 3; the next
faintest image spans 47."""
FERPLUS_COLUMNS = (
    "neutral",
    "happiness",
    "surprise",
    "sadness",
    "anger",
    "disgust",
    "fear",
    "contempt",
)
"""The eight FER+ emotions (Barsoum et al. 2016) in the order of its vote table."""

WHERE_TO_GET_IT = (
    "FER-2013 was not found. Download it from Kaggle (msambare/fer2013, or the original "
    "fer2013.csv of the 2013 challenge) and pass the zip, the unpacked folder or the csv with "
    "--data, or set FER2013_PATH to it."
)


@dataclass(frozen=True, slots=True)
class Split:
    """One part of FER-2013.

    Attributes:
        images: uint8 ``(N, 48, 48, 1)``, intensities 0-255.
        labels: int64 ``(N,)``, positions in ``EMOTIONS``.
        names: N names, the path inside the archive (``""`` where the csv has none).
        clean: bool ``(N,)``. For a test split: false where the image is pixel-identical
            to a Training image. All true for Training.
        votes: float32 ``(N, 8)``, FER+ votes as fractions that sum to 1, or all zero where
            no one voted for an emotion. ``None`` when no vote table was given.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    names: tuple[str, ...]
    clean: NDArray[np.bool_]
    votes: NDArray[np.float32] | None = None

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, where: NDArray[np.bool_] | NDArray[np.int64]) -> Split:
        """Return the rows that a mask or an index array selects."""
        index = np.arange(len(self))[where]
        return Split(
            images=self.images[index],
            labels=self.labels[index],
            names=tuple(self.names[i] for i in index),
            clean=self.clean[index],
            votes=None if self.votes is None else self.votes[index],
        )


@dataclass(frozen=True, slots=True)
class Cleaning:
    """What was dropped from Training, in the order of the checks."""

    before: int
    blank: int
    in_test: int
    repeats: int

    @property
    def after(self) -> int:
        return self.before - self.blank - self.in_test - self.repeats

    def __str__(self) -> str:
        return (
            f"Training: {self.before:,} images - {self.blank} blank - {self.in_test} that equal "
            f"a test image - {self.repeats} repeats = {self.after:,}"
        )


@dataclass(frozen=True, slots=True)
class Fer2013:
    """The three splits, Training cleaned, and what the cleaning did."""

    training: Split
    public_test: Split
    private_test: Split
    cleaning: Cleaning


def data_path(given: str | os.PathLike[str] | None = None) -> Path:
    """Return where FER-2013 is: ``given``, else the environment variable ``FER2013_PATH``.

    Raises:
        FileNotFoundError: neither is set, or nothing is there. The message says where to
            get the data and where to put it.
    """
    place = given or os.environ.get("FER2013_PATH")
    if not place:
        raise FileNotFoundError(WHERE_TO_GET_IT)
    path = Path(place)
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist. {WHERE_TO_GET_IT}")
    return path


def load_fer2013(
    path: str | os.PathLike[str] | None = None,
    *,
    ferplus: str | os.PathLike[str] | None = None,
) -> Fer2013:
    """Read FER-2013 and drop from Training what would leak or teach nothing.

    Args:
        path: the Kaggle zip, its unpacked folder, or ``fer2013.csv``; ``None`` asks the
            environment, see `data_path`.
        ferplus: FER+ votes as a csv with an ``image`` column (the path inside the zip) and
            one column an emotion. ``None`` leaves ``votes`` out.

    Raises:
        FileNotFoundError: there is no data at that place.
        ValueError: what is there is not FER-2013, or an image in it does not decode.
    """
    place = data_path(path)
    splits = read_splits(place)
    if ferplus is not None:
        votes = _read_votes(Path(ferplus))
        splits = {name: _with_votes(split, votes) for name, split in splits.items()}
    return _clean(splits)


def read_splits(place: Path) -> dict[str, Split]:
    """Return the three splits as they were published, with nothing cleaned or marked.

    Args:
        place: the Kaggle zip, its unpacked folder, or ``fer2013.csv``.

    Raises:
        ValueError: what is there is not FER-2013, or an image in it does not decode.
    """
    rows: dict[str, list[tuple[str, int, NDArray[np.uint8]]]] = {name: [] for name in SPLITS}
    for split, name, label, image in _rows(place):
        rows[split].append((name, label, image))
    # What `model.data.pack` makes holds no PrivateTest: training never reads it.
    missing = [name for name, found in rows.items() if not found and name != "PrivateTest"]
    if missing:
        raise ValueError(f"{place} holds no image of {', '.join(missing)}: is it FER-2013?")
    return {
        split: Split(
            images=np.array([image for _, _, image in found], dtype=np.uint8).reshape(
                -1, SIZE, SIZE, 1
            ),
            labels=np.array([label for _, label, _ in found], dtype=np.int64),
            names=tuple(name for name, _, _ in found),
            clean=np.ones(len(found), dtype=np.bool_),
        )
        for split, found in rows.items()
    }


def _rows(place: Path) -> Iterator[tuple[str, str, int, NDArray[np.uint8]]]:
    """Yield (split, name, label, image) of every image, always in the same order."""
    if place.suffix == ".csv":
        yield from _csv_rows(place)
        return
    for name, content in _zip_files(place) if place.is_file() else _folder_files(place):
        *_, folder, file = name.split("/")
        split = file.split("_", 1)[0]
        if split not in SPLITS or folder not in EMOTIONS:
            continue
        image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_GRAYSCALE)
        if image is None or image.shape != (SIZE, SIZE):
            raise ValueError(f"{name} in {place} is not a {SIZE}x{SIZE} image")
        yield split, name, EMOTIONS.index(folder), image.astype(np.uint8)


def _zip_files(place: Path) -> Iterator[tuple[str, bytes]]:
    try:
        archive = zipfile.ZipFile(place)
    except zipfile.BadZipFile as error:
        raise ValueError(f"{place} is neither a zip archive nor a folder nor a csv") from error
    with archive:
        for name in sorted(archive.namelist()):
            if name.endswith(".jpg"):
                yield name, archive.read(name)


def _folder_files(place: Path) -> Iterator[tuple[str, bytes]]:
    for file in sorted(place.rglob("*.jpg")):
        yield file.relative_to(place).as_posix(), file.read_bytes()


def _csv_rows(place: Path) -> Iterator[tuple[str, str, int, NDArray[np.uint8]]]:
    with place.open(newline="") as lines:
        table = csv.DictReader(lines)
        if not {"emotion", "pixels", "Usage"} <= set(table.fieldnames or ()):
            raise ValueError(f"{place} lacks the columns emotion, pixels and Usage of fer2013.csv")
        for row in table:
            pixels = np.array(row["pixels"].split(), dtype=np.uint8)
            yield row["Usage"], "", int(row["emotion"]), pixels.reshape(SIZE, SIZE)


def _read_votes(place: Path) -> dict[str, NDArray[np.float32]]:
    votes = {}
    with io.TextIOWrapper(place.open("rb"), encoding="utf-8", newline="") as lines:
        table = csv.DictReader(lines)
        lacking = {"image", *FERPLUS_COLUMNS} - set(table.fieldnames or ())
        if lacking:
            raise ValueError(f"{place} lacks the columns {', '.join(sorted(lacking))}")
        for row in table:
            cast = np.array([float(row[name]) for name in FERPLUS_COLUMNS], dtype=np.float32)
            votes[row["image"]] = cast / max(float(cast.sum()), 1.0)
    return votes


def _with_votes(split: Split, votes: dict[str, NDArray[np.float32]]) -> Split:
    no_votes = np.zeros(len(FERPLUS_COLUMNS), dtype=np.float32)
    cast = [votes.get(name, no_votes) for name in split.names]
    return replace(split, votes=np.array(cast, dtype=np.float32).reshape(-1, len(FERPLUS_COLUMNS)))


def _clean(splits: dict[str, Split]) -> Fer2013:
    training, public, private = (splits[name] for name in SPLITS)
    keys = [_pixels_key(image) for image in training.images]
    tested = {_pixels_key(i) for split in (public, private) for i in split.images}
    seen: set[bytes] = set()
    keep = np.zeros(len(training), dtype=np.bool_)
    blank = in_test = repeats = 0
    for position, key in enumerate(keys):
        image = training.images[position]
        if int(image.max()) - int(image.min()) < BLANK_BELOW:
            blank += 1
        elif key in tested:
            in_test += 1
        elif key in seen:
            repeats += 1
        else:
            seen.add(key)
            keep[position] = True
    in_training = set(keys)

    def marked(split: Split) -> Split:
        clean = [_pixels_key(image) not in in_training for image in split.images]
        return replace(split, clean=np.array(clean, dtype=np.bool_))

    return Fer2013(
        training=training.take(keep),
        public_test=marked(public),
        private_test=marked(private),
        cleaning=Cleaning(len(training), blank, in_test, repeats),
    )


def _pixels_key(image: NDArray[np.uint8]) -> bytes:
    return hashlib.blake2b(image.tobytes(), digest_size=16).digest()
