"""The table's rows, one for each face and instant, as text."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from emotion.clips.reading import ClipFace
from emotion.labels import EMOTIONS
from emotion.types import Box, EmotionScores

COLUMNS: Final[Mapping[str, str]] = {
    "file": "VARCHAR",
    "time": "DOUBLE",
    "face": "INTEGER",
    **dict.fromkeys(("x", "y", "width", "height"), "INTEGER"),
    "emotion": "VARCHAR",
    "confidence": "DOUBLE",
    **dict.fromkeys(EMOTIONS, "DOUBLE"),
    **dict.fromkeys(("valence", "arousal"), "DOUBLE"),
}
"""The table's columns in their order, with the DuckDB type of each."""
LINE_END: Final = "\n"


class Place(Protocol):
    """A point on the plane of valence and arousal, -1 to 1 each."""

    @property
    def valence(self) -> float: ...

    @property
    def arousal(self) -> float: ...


MoodOf = Callable[[Mapping[str, float]], Place]
"""Returns where probabilities of the emotions lie on the plane. It must be picklable, like
``recommender.mood_of``: other processes call it."""


@dataclass(frozen=True, slots=True)
class Row:
    """A face at one instant, as the table has it.

    Attributes:
        file: name of the photo or clip.
        time: seconds from the clip's start; 0 for a photo.
        face: number of the person in the clip, or of the face in the photo, from 1.
        box: where it is, in pixels.
        scores: what it shows.
        valence, arousal: where that lies, -1 to 1.
    """

    file: str
    time: float
    face: int
    box: Box
    scores: EmotionScores
    valence: float
    arousal: float


class RowWriter:
    """Collects a file's rows, compressed: an hour of one face takes less than two megabytes.

    Args:
        file: its name in the table.
        mood_of: maps probabilities to the plane.
    """

    def __init__(self, file: str, mood_of: MoodOf) -> None:
        self._file, self._mood_of = file, mood_of
        self._bytes = io.BytesIO()
        self._zip = gzip.GzipFile(fileobj=self._bytes, mode="wb", compresslevel=4, mtime=0)
        self._text = io.TextIOWrapper(self._zip, "utf-8", newline="", write_through=False)
        self._csv = csv.writer(self._text, lineterminator=LINE_END)
        self.count = 0

    def add(self, time: float, faces: Iterable[ClipFace]) -> None:
        """Add what was read at one instant."""
        for face in faces:
            scores, box = face.reading.scores, face.reading.face.box
            place = self._mood_of(scores.as_dict())
            numbers = (scores.confidence, *scores.probabilities, place.valence, place.arousal)
            self._csv.writerow(
                (
                    self._file,
                    f"{time:.3f}",
                    face.number,
                    *(box.x, box.y, box.width, box.height),
                    scores.emotion,
                    *(f"{number:.6f}" for number in numbers),
                )
            )
            self.count += 1

    def finish(self) -> bytes:
        """Return the rows as gzipped CSV without a header. Nothing can be added afterwards."""
        self._text.close()
        return self._bytes.getvalue()


def header() -> str:
    """Return the table's first line."""
    return ",".join(COLUMNS) + LINE_END


def rows_of(data: bytes) -> Iterator[Row]:
    """Yield the rows that `RowWriter.finish` returned."""
    with gzip.open(io.BytesIO(data), "rt", encoding="utf-8", newline="") as text:
        for fields in csv.reader(text):
            named = dict(zip(COLUMNS, fields, strict=True))
            yield Row(
                file=named["file"],
                time=float(named["time"]),
                face=int(named["face"]),
                box=Box(*(int(named[name]) for name in ("x", "y", "width", "height"))),
                scores=EmotionScores(tuple(float(named[name]) for name in EMOTIONS)),
                valence=float(named["valence"]),
                arousal=float(named["arousal"]),
            )
