"""A clip's frames, one at a time: decoded, turned upright, a few of them a second.

Whatever PyAV opens is read: MP4, MOV, WebM, Matroska, AVI, MPEG, GIF. No more than one frame is
held at any time, so that memory does not grow with a clip's length.
"""

from __future__ import annotations

import errno
import logging
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import IO, Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

DEFAULT_FPS: Final = 5.0
"""Instants read in a second. An expression lasts from half a second to four, and is smoothed over
0.3 s: more instants add time and rows, and little else."""
MAX_FPS: Final = 240.0
MAX_SIDE_PX: Final = 1920
"""Frames are read at no more than this many pixels on the longer side."""
MAX_FRAME_PIXELS: Final = 8192 * 4320
"""Larger frames are refused before they are decoded: decoders hold up to sixteen of them."""
CONTAINERS: Final = (
    "3gp,asf,avi,dv,flv,gif,h264,hevc,ivf,matroska,webm,mjpeg,mov,mp4,mpeg,mpegts,mpegvideo,mxf,"
    "nut,ogg,rm,swf,wtv,yuv4mpegpipe"
)
"""FFmpeg's names of the containers that are opened: those that hold the whole clip. Playlists are
not among them: FFmpeg would open whatever file or address they name."""
EARLY_SECONDS: Final = 1e-4
"""A frame may come this much before it is due: containers round their times."""
NOT_INSTALLED: Final = (
    "Clips cannot be read here: the av package is not installed (pip install av)."
)

logger = logging.getLogger(__name__)


class ClipError(ValueError):
    """A clip that cannot be read. Its text is the sentence for the user."""


class VideoUnavailable(ClipError):
    """No clip can be read: the package that opens them is not installed."""


@dataclass(frozen=True, slots=True)
class ClipFrame:
    """One frame of a clip.

    Attributes:
        time: when it is shown, in seconds from the start of the clip, by the container's clock.
        image: RGB uint8 ``(H, W, 3)``, upright, with square pixels.
        scale: its size relative to the clip as it is shown, at most 1.
    """

    time: float
    image: NDArray[np.uint8]
    scale: float


@dataclass(slots=True)
class ClipInfo:
    """What is known of a clip, filled in while it is read.

    Attributes:
        duration: in seconds, as the container says; 0 where it does not.
        frames: decoded so far.
        damaged: packets that could not be decoded so far.
    """

    duration: float = 0.0
    frames: int = 0
    damaged: int = field(default=0)


def check_fps(fps: float) -> float:
    """Return ``fps``, a number of instants a second, as a float.

    Raises:
        ValueError: not above 0, or above `MAX_FPS`.
    """
    if not 0 < fps <= MAX_FPS:  # also refuses NaN
        raise ValueError(
            f"Incorrect value for 'fps' argument: {fps!r}: above 0, and at most {MAX_FPS:g}"
        )
    return float(fps)


def clip_frames(
    source: str | Path | IO[bytes],
    *,
    fps: float = DEFAULT_FPS,
    info: ClipInfo | None = None,
    threads: int = 1,
    max_pixels: int = MAX_FRAME_PIXELS,
) -> Iterator[ClipFrame]:
    """Yield the frames of a clip that are due: the first one in each ``1 / fps`` seconds.

    If a clip has fewer frames a second than that, every frame is yielded.

    Args:
        source: a file's path, or a file that is open for reading and can seek.
        fps: how many frames a second to yield.
        info: filled in while frames are yielded.
        threads: how many decode; 0 for as many as the machine has cores.
        max_pixels: how many pixels a frame may have.

    Raises:
        ValueError: ``fps`` is out of range.
        ClipError: it is not a clip, has no video, or nothing in it can be decoded.
        VideoUnavailable: the ``av`` package is not installed.
        OSError: the file cannot be opened, or read to its end.
        Exception: whatever else ``source`` raises while it is read.
    """
    check_fps(fps)
    with _watched(source) as opened:
        yield from _frames(opened, fps, ClipInfo() if info is None else info, threads, max_pixels)


class _WatchedFile:
    """A file that ends where reading it fails, and keeps the exception.

    FFmpeg may hide what a file raises: it takes some exceptions for a damaged packet, and PyAV
    writes those that follow to stderr.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.fault: Exception | None = None

    def read(self, size: int = -1) -> bytes:
        try:
            return b"" if self.fault else self._file.read(size)
        except Exception as error:
            self.fault = error
            return b""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


@contextmanager
def _watched(source: str | Path | IO[bytes]) -> Iterator[str | _WatchedFile]:
    """Yield what PyAV is to open, and afterwards raise what the file raised meanwhile."""
    if isinstance(source, str | Path):
        yield str(source)
        return
    file = _WatchedFile(source)
    try:
        yield file
    except ClipError:
        if file.fault is None:
            raise
    if file.fault is not None:
        raise file.fault


def _frames(
    opened: str | _WatchedFile, fps: float, info: ClipInfo, threads: int, max_pixels: int
) -> Iterator[ClipFrame]:
    av = load_av()
    try:
        container = av.open(
            opened,
            "r",
            metadata_errors="replace",
            container_options={"format_whitelist": CONTAINERS},
        )
    except (av.FFmpegError, OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno != errno.EINVAL:
            raise
        # FFmpeg reports an invalid argument if a file is empty.
        raise ClipError("this file is not a clip or a picture we can read") from error
    with container:
        stream = _video_stream(container, av)
        context = stream.codec_context
        if context.width * context.height > max_pixels:
            raise ClipError(f"its frames are too large: {context.width} × {context.height} pixels")
        context.thread_count = threads
        context.options = {**context.options, "max_pixels": str(max_pixels)}
        start = (container.start_time or 0) / av.time_base
        info.duration = (container.duration or 0) / av.time_base
        due = last = -math.inf
        matrix = None
        for frame in _decoded(container, stream, av, info):
            time = _time(frame, start, last, stream)
            if time <= last or time < -EARLY_SECONDS:
                continue  # out of order, or cut off by the container's edit list
            last = time
            if time < due - EARLY_SECONDS:
                continue
            due = (math.floor((time + EARLY_SECONDS) * fps) + 1) / fps
            # Of the first frame alone: reading a frame's side data keeps the frame in memory until
            # Python's garbage collector runs.
            matrix = matrix or display_matrix(frame)
            yield _clip_frame(frame, max(0.0, time), stream, matrix)
        if not info.frames:
            raise ClipError("nothing in this clip can be decoded: it is damaged or cut short")


def load_av() -> ModuleType:
    """Import PyAV, which not every installation has, and return it.

    Raises:
        VideoUnavailable: it is not installed.
    """
    try:
        import av
    except ImportError as error:
        raise VideoUnavailable(NOT_INSTALLED) from error
    av.logging.set_level(None)  # FFmpeg's log lines are not meant for users
    return av


def _video_stream(container: Any, av: ModuleType) -> Any:
    """Return the stream to read: the default one, leaving out cover pictures."""
    streams = [
        stream
        for stream in container.streams.video
        if not stream.disposition & av.stream.Disposition.attached_pic
        and stream.codec_context is not None
    ]
    if not streams:
        raise ClipError("there is no video in this file that we can read")
    default = av.stream.Disposition.default
    return next((stream for stream in streams if stream.disposition & default), streams[0])


def _decoded(container: Any, stream: Any, av: ModuleType, info: ClipInfo) -> Iterator[Any]:
    """Yield the frames that can be decoded. Damaged packets are counted and left out."""
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets, None)
            if packet is None:
                return
            frames = packet.decode()
        except EOFError:
            return
        except (av.FFmpegError, ValueError):
            info.damaged += 1
            if packet is None or info.damaged > 1000 + info.frames:
                return
            continue
        for frame in frames:
            info.frames += 1
            yield frame


def _time(frame: Any, start: float, last: float, stream: Any) -> float:
    """Return when a frame is shown, in seconds from the start of the clip."""
    if frame.time is not None:
        return float(frame.time) - start
    rate = float(stream.guessed_rate or stream.average_rate or 25)
    return 0.0 if last == -math.inf else last + 1 / rate


def _clip_frame(
    frame: Any, time: float, stream: Any, matrix: tuple[int, int, int, int]
) -> ClipFrame:
    """Return a decoded frame as it is shown: square pixels, upright, of bounded size."""
    aspect = float(stream.sample_aspect_ratio or 1) or 1.0
    width, height = float(frame.width), float(frame.height)
    if aspect > 1:
        width *= aspect
    else:
        height /= aspect
    scale = min(1.0, MAX_SIDE_PX / max(width, height))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    if scale < 1.0:
        # Scaled by FFmpeg and not OpenCV, so that there is never a large frame in RGB.
        image = frame.to_ndarray(
            format="rgb24", width=size[0], height=size[1], interpolation="AREA"
        )
    else:
        image = frame.to_ndarray(format="rgb24")
        if image.shape[1::-1] != size:
            image = cv2.resize(image, size, interpolation=cv2.INTER_LINEAR)
    return ClipFrame(time, upright(image, matrix), scale)


def display_matrix(frame: Any) -> tuple[int, int, int, int]:
    """Return the signs of a frame's display matrix, which maps stored pixels to shown ones.

    Cameras store pictures as the sensor sees them and note how the camera was held. That makes
    quarter turns and mirroring; any other angle is rounded to the nearest quarter turn.
    """
    for data in frame.side_data:
        if data.type.name == "DISPLAYMATRIX":
            a, b, _, c, d, *_rest = np.frombuffer(bytes(data), np.int32)[:9].tolist()
            if abs(a) + abs(d) >= abs(b) + abs(c):
                return (1 if a >= 0 else -1), 0, 0, (1 if d >= 0 else -1)
            return 0, (1 if b >= 0 else -1), (1 if c >= 0 else -1), 0
    return 1, 0, 0, 1


def upright(image: NDArray[np.uint8], matrix: tuple[int, int, int, int]) -> NDArray[np.uint8]:
    """Return an image as it is to be shown.

    Args:
        image: RGB uint8 ``(H, W, 3)`` as it is stored.
        matrix: ``(a, b, c, d)`` of `display_matrix`: a pixel at x, y is shown at a·x + c·y,
            b·x + d·y.
    """
    a, b, c, d = matrix
    if a:
        shown = image[:: 1 if d > 0 else -1, :: 1 if a > 0 else -1]
    else:
        # Rows become columns, so the direction is that of the axis on which they now lie.
        shown = image.transpose(1, 0, 2)[:: 1 if b > 0 else -1, :: 1 if c > 0 else -1]
    return np.ascontiguousarray(shown)
