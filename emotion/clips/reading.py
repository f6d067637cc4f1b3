"""What each person in a clip shows, instant by instant: read as live, on the clip's clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import IO, Final

from emotion.classifier import Classifier, EmotionClassifier
from emotion.clips.frames import (
    DEFAULT_FPS,
    MAX_FRAME_PIXELS,
    ClipFrame,
    ClipInfo,
    clip_frames,
)
from emotion.clips.identity import FaceNumbers
from emotion.detectors.base import FaceDetector
from emotion.detectors.factory import DetectorName, build_detector
from emotion.live.detector import LiveDetector, build_live_detector, build_live_haar_detector
from emotion.live.scheduler import FrameScheduler
from emotion.live.stream import FaceStream
from emotion.live.tracker import LiveFace
from emotion.types import Box, FaceReading

_DETECTORS: Final[Mapping[str, Callable[[], FaceDetector]]] = MappingProxyType(
    {
        "auto": build_live_detector,
        "blazeface": LiveDetector,
        "haar": build_live_haar_detector,
        "mtcnn": lambda: build_detector("mtcnn"),
    }
)


@dataclass(frozen=True, slots=True)
class ClipFace:
    """A face at one instant of a clip.

    Attributes:
        number: of the person, from 1; they keep it if they were out of sight for a few seconds.
        reading: where it is, in pixels of the clip as it is shown, and what it shows, smoothed.
    """

    number: int
    reading: FaceReading


@dataclass(frozen=True, slots=True)
class Instant:
    """What a clip shows at one instant.

    Attributes:
        time: seconds from the start of the clip, by the container's clock.
        faces: the largest first; empty where no face is in view.
    """

    time: float
    faces: tuple[ClipFace, ...]


def read_clip(
    source: str | Path | IO[bytes],
    *,
    fps: float = DEFAULT_FPS,
    detector: DetectorName | FaceDetector = "auto",
    classifier: Classifier | None = None,
    info: ClipInfo | None = None,
    threads: int = 1,
    max_pixels: int = MAX_FRAME_PIXELS,
) -> Iterator[Instant]:
    """Yield what the faces of a clip show, instant by instant, while it is decoded.

    The result depends on the clip alone, and not on how fast the machine is. A face that is seen
    at one instant and not at the next is left out, as on the live page: false positives rarely
    last. One that stays is included from its first instant on, so each instant is yielded only
    once the next one has been read.

    Args:
        source: a file's path, or a file that is open for reading and can seek.
        fps: how many instants a second are read.
        detector: a detector, or the name of one, which is then set up for video.
        classifier: reads the faces; by default an `EmotionClassifier` with the shipped weights.
        info: filled in while instants are yielded.
        threads: how many decode; 0 for as many as the machine has cores.
        max_pixels: how many pixels a frame may have.

    Raises:
        ValueError: ``fps`` is out of range, or the detector is unknown.
        ClipError: it is not a clip, has no video, or nothing in it can be decoded.
        VideoUnavailable: the ``av`` package is not installed.
        OSError: the file cannot be opened.
        WeightsError: the network's file is missing or broken.
    """
    # A detector remembers where faces were, so each clip has its own.
    finder = build_clip_detector(detector) if isinstance(detector, str) else detector
    frames = clip_frames(source, fps=fps, info=info, threads=threads, max_pixels=max_pixels)
    yield from read_frames(frames, finder, classifier or EmotionClassifier())


def build_clip_detector(name: DetectorName) -> FaceDetector:
    """Return the detector called ``name``, set up for video.

    Raises:
        ValueError: the detector is unknown.
    """
    return _DETECTORS[name]() if name in _DETECTORS else build_detector(name)


def read_frames(
    frames: Iterator[ClipFrame], detector: FaceDetector, classifier: Classifier
) -> Iterator[Instant]:
    """Yield what the faces of a clip's frames show.

    Args:
        frames: of one clip, in their order.
        detector: for this clip alone: it may remember where faces were.
        classifier: reads the faces; may be shared.
    """
    now = 0.0
    people = FaceNumbers()
    # On the clip's clock, reading takes no time, so no frame is ever skipped for being late.
    stream = FaceStream(
        classifier,
        detector=detector,
        scheduler=FrameScheduler(cores=1),
        include_unconfirmed=True,
        clock=lambda: now,
    )
    previous: ClipFrame | None = None
    previous_faces: tuple[LiveFace, ...] = ()
    try:
        for frame in frames:
            now = frame.time
            reading = stream.read(frame.image, frame.time)
            current = reading is not None and reading.time == frame.time
            faces = reading.faces if reading is not None and current else ()
            if previous is not None:
                confirmed = {face.identity for face in faces if face.confirmed}
                yield _instant(previous, previous_faces, confirmed, people)
            previous, previous_faces = frame, faces
        if previous is not None:
            yield _instant(previous, previous_faces, set(), people)
    finally:
        stream.close()


def _instant(
    frame: ClipFrame, faces: tuple[LiveFace, ...], confirmed_later: set[int], people: FaceNumbers
) -> Instant:
    counted = [face for face in faces if face.confirmed or face.identity in confirmed_later]
    numbers = people.assign(frame.image, counted, frame.time)
    pairs = zip(numbers, counted, strict=True)
    return Instant(frame.time, tuple(_face(*pair, frame.scale) for pair in pairs))


def _face(number: int, face: LiveFace, scale: float) -> ClipFace:
    box = face.reading.face.box
    shown = Box(*(round(v / scale) for v in (box.x, box.y, box.width, box.height)))
    reading = replace(face.reading, face=replace(face.reading.face, box=shown))
    return ClipFace(number, reading)
