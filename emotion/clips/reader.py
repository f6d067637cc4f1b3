"""Reads files one after the other, photos and clips alike, into the table's rows."""

from __future__ import annotations

import io
import itertools
import logging
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emotion.annotation import annotate
from emotion.classifier import EmotionClassifier, WeightsError
from emotion.clips.frames import DEFAULT_FPS, ClipError, ClipFrame, ClipInfo, clip_frames
from emotion.clips.reading import ClipFace, build_clip_detector, read_frames
from emotion.clips.rows import MoodOf, RowWriter
from emotion.clips.sources import Kind, Source, SourceError, reason
from emotion.detectors.factory import DetectorName
from emotion.image.decoding import ImageError, check_bytes, decode_image
from emotion.labels import HeadName
from emotion.output import OutputError, save_new
from emotion.recognizer import EmotionRecognizer
from emotion.types import FaceReading

OnProgress = Callable[[float], None]
"""Called with the fraction of a file that is read, 0-1."""

_stderr = threading.Lock()

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Settings:
    """How files are read. The result depends on these settings and on nothing else.

    Attributes:
        mood_of: maps probabilities to the plane of valence and arousal.
        fps: instants of a clip that are read per second.
        detector: how faces are detected.
        head: what the probabilities are calibrated to.
    """

    mood_of: MoodOf
    fps: float = DEFAULT_FPS
    detector: DetectorName = "auto"
    head: HeadName = "people"


@dataclass(frozen=True, slots=True)
class Outline:
    """Where a photo is saved with its faces outlined.

    Attributes:
        target: the file.
        inputs: files that are never written to.
        overwrite: whether a file that exists may be replaced.
    """

    target: Path
    inputs: tuple[Path, ...]
    overwrite: bool


@dataclass(frozen=True, slots=True)
class Task:
    """A file to read, and what else to do with it."""

    source: Source
    outline: Outline | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of reading a file.

    Attributes:
        source: the file.
        kind: what it turned out to be: a clip of one frame is a photo.
        rows: the table's rows, as `RowWriter.finish` returns them.
        count: how many rows there are.
        instants: how many instants of a clip were read; 1 for a photo.
        notes: sentences for the user on what was left out and why.
        problem: why it could not be read, in words; empty if it was.
        not_outlined: why its outlined copy was not saved, as a sentence; empty if it was.
    """

    source: Source
    kind: Kind
    rows: bytes = b""
    count: int = 0
    instants: int = 0
    notes: tuple[str, ...] = ()
    problem: str = ""
    not_outlined: str = ""


@dataclass(slots=True)
class Reader:
    """Reads files. Each network is loaded when a file first needs it.

    Args:
        settings: how files are read.
        threads: how many decode a clip; 0 for as many as there are cores.
    """

    settings: Settings
    threads: int = 1
    _classifiers: list[EmotionClassifier] = field(default_factory=list)
    _recognizers: list[EmotionRecognizer] = field(default_factory=list)

    def read(self, task: Task, *, on_progress: OnProgress | None = None) -> Outcome:
        """Read a file. A problem with the file is reported in the outcome, not raised.

        Raises:
            WeightsError: the network's file is missing or broken.
        """
        source = task.source
        try:
            if source.kind == "photo":
                return self._photo(task)
            return self._clip(task, on_progress or (lambda fraction: None))
        except WeightsError:
            raise
        except (ImageError, ClipError, SourceError) as error:
            problem = str(error)
        except OSError as error:
            problem = reason(error)
        except Exception as error:  # a bug of ours, or of a decoder: go on with the other files
            logger.debug("%s could not be read", source.name, exc_info=True)
            problem = f"it cannot be read ({type(error).__name__}: {error})"
        return Outcome(source, source.kind, problem=problem)

    def _photo(self, task: Task) -> Outcome:
        check_bytes(task.source.size)
        with task.source.open() as file:
            data = file.read()
        return self._analyze(task, decode_image(data))

    def _analyze(self, task: Task, image: NDArray[np.uint8]) -> Outcome:
        reading = self._recognizer().analyze(image)
        writer = RowWriter(task.source.name, self.settings.mood_of)
        writer.add(0.0, (ClipFace(number, face) for number, face in enumerate(reading.faces, 1)))
        return Outcome(
            task.source,
            "photo",
            rows=writer.finish(),
            count=writer.count,
            instants=1,
            notes=reading.notes,
            not_outlined=_save_outlined(image, reading.faces, task.outline),
        )

    def _clip(self, task: Task, on_progress: OnProgress) -> Outcome:
        with task.source.open() as file:
            info = ClipInfo()
            settings = self.settings
            frames = clip_frames(file, fps=settings.fps, info=info, threads=self.threads)
            first = next(frames)
            second = next(frames, None)
            if second is None and info.frames == 1:
                return self._analyze(task, first.image)
            every = itertools.chain([first] if second is None else [first, second], frames)
            del first, second
            return self._instants(task, every, info, on_progress)

    def _instants(
        self, task: Task, frames: Iterator[ClipFrame], info: ClipInfo, on_progress: OnProgress
    ) -> Outcome:
        writer = RowWriter(task.source.name, self.settings.mood_of)
        instants = 0
        classifier = self._classifier()
        with quiet_loading():
            detector = build_clip_detector(self.settings.detector)
        for instant in read_frames(frames, detector, classifier):
            writer.add(instant.time, instant.faces)
            instants += 1
            if info.duration > 0:
                on_progress(min(1.0, instant.time / info.duration))
        return Outcome(
            task.source,
            "clip",
            rows=writer.finish(),
            count=writer.count,
            instants=instants,
            notes=_notes(info),
        )

    def _classifier(self) -> EmotionClassifier:
        if not self._classifiers:
            with quiet_loading():
                self._classifiers.append(EmotionClassifier(head=self.settings.head))
        return self._classifiers[0]

    def _recognizer(self) -> EmotionRecognizer:
        if not self._recognizers:
            classifier = self._classifier()
            with quiet_loading():
                self._recognizers.append(load_recognizer(self.settings.detector, classifier))
        return self._recognizers[0]


def load_recognizer(detector: DetectorName, classifier: EmotionClassifier) -> EmotionRecognizer:
    """Return a recognizer that is ready for its first image."""
    recognizer = EmotionRecognizer(detector, classifier)
    recognizer.warm_up()
    return recognizer


@contextmanager
def quiet_loading() -> Iterator[None]:
    """Keep LiteRT's "INFO: Created … delegate", which no setting turns off, out of stderr.

    What Python writes to stderr meanwhile, mostly warnings, appears afterwards.
    """
    with _stderr:
        sys.stderr.flush()
        written = io.StringIO()
        kept = os.dup(2)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(nowhere, 2)
            with redirect_stderr(written):
                yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            os.close(nowhere)
            sys.stderr.write(written.getvalue())


def _save_outlined(
    image: NDArray[np.uint8], faces: tuple[FaceReading, ...], outline: Outline | None
) -> str:
    """Save a photo with its faces outlined, and return why that failed, if it did."""
    if outline is None:
        return ""
    labels = [f"{face.scores.emotion} {face.scores.confidence:.0%}" for face in faces]
    drawn = annotate(image, faces, labels=labels)
    try:
        save_new(drawn, outline.target, inputs=outline.inputs, overwrite=outline.overwrite)
    except OutputError as error:
        return str(error)
    return ""


def _notes(info: ClipInfo) -> tuple[str, ...]:
    if not info.damaged:
        return ()
    packets = "One packet" if info.damaged == 1 else f"{info.damaged:,} packets"
    return (f"{packets} of this clip could not be decoded and were left out.",)
