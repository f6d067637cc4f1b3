"""Reading a clip that a visitor uploads. It stays in memory and is dropped once it is read."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Callable, Iterator
from typing import Final

from emotion.classifier import Classifier
from emotion.clips.frames import ClipError, ClipInfo
from emotion.clips.reading import Instant, read_clip
from emotion.clips.sources import looks_like_clip
from emotion.clips.summary import ClipSummary, summarize

SUFFIXES: Final = ("mp4", "m4v", "mov", "webm", "mkv", "avi", "3gp")
MAX_MEGABYTES: Final = 100
MAX_SECONDS: Final = 60.0
SPARE_SECONDS: Final = 1.0
"""Tolerance: phones stop recording a little late."""
MAX_PIXELS: Final = 4096 * 2304
"""Pixels of a frame. A decoder holds up to sixteen frames: 230 MB."""
MAX_READING_SECONDS: Final = 240.0
"""Reading a clip that takes longer than this is aborted."""

STAGE: Final = "Watching your clip…"
IN_LINE: Final = "Waiting in line: another clip is being read…"
TOO_LONG: Final = f"This clip is too long. Clips of up to {MAX_SECONDS:.0f} seconds can be read."
TOO_SLOW: Final = "This clip takes too long to read. A smaller or shorter one may work."
NO_FACE: Final = (
    "No face found in this clip. It helps to have light from the front, and the whole face in the "
    "picture."
)

_turn = threading.Lock()
"""One clip is read at a time: each takes a core for seconds."""


def is_clip(data: bytes) -> bool:
    """Return whether an uploaded file is a clip, not a photo."""
    return looks_like_clip(data[:16])


def read_uploaded_clip(
    data: bytes,
    classifier: Classifier,
    *,
    on_wait: Callable[[], None],
    on_progress: Callable[[float], None],
    clock: Callable[[], float] = time.monotonic,
) -> ClipSummary:
    """Read a clip and return its summary.

    Args:
        data: the file.
        classifier: reads the faces.
        on_wait: called if another clip has to be read first.
        on_progress: called with the fraction that is read, 0-1.
        clock: a monotonic clock, in seconds.

    Raises:
        ClipError: the clip cannot be read. Its message is the sentence for the visitor.
    """
    if not _turn.acquire(blocking=False):
        on_wait()
        _turn.acquire()
    try:
        info = ClipInfo()
        instants = read_clip(
            io.BytesIO(data), classifier=classifier, info=info, max_pixels=MAX_PIXELS
        )
        try:
            summary = summarize(_bounded(instants, info, on_progress, clock))
        except ClipError as error:
            said = str(error)
            raise ClipError(f"{said[:1].upper()}{said[1:].rstrip('.')}.") from error
    finally:
        _turn.release()
    if summary is None:
        raise ClipError(NO_FACE)
    return summary


def _bounded(
    instants: Iterator[Instant],
    info: ClipInfo,
    on_progress: Callable[[float], None],
    clock: Callable[[], float],
) -> Iterator[Instant]:
    """Yield instants, and raise a ClipError if the clip is too long or takes too long to read."""
    began = clock()
    for instant in instants:
        if max(info.duration, instant.time) > MAX_SECONDS + SPARE_SECONDS:
            raise ClipError(TOO_LONG)
        if clock() - began > MAX_READING_SECONDS:
            raise ClipError(TOO_SLOW)
        if info.duration > 0:
            on_progress(min(1.0, instant.time / info.duration))
        yield instant
