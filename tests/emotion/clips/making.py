"""Clips made here, of the astronaut that scikit-image ships: small, and a second or two long."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from recommender.mood import mood_of
from recommender.types import Mood

Image = NDArray[np.uint8]
SIZE = 160


def write_clip(
    path: Path,
    frames: Iterable[Image],
    *,
    codec: str = "mpeg4",
    rate: int = 10,
    times_ms: Sequence[int] | None = None,
    rotation: int | None = None,
    pix_fmt: str = "yuv420p",
    options: dict[str, str] | None = None,
) -> Path:
    """Write frames as a clip.

    Args:
        path: the file; its suffix names the container.
        frames: RGB uint8, all of one size.
        codec: FFmpeg's name of it. The test is skipped where PyAV cannot encode it.
        rate: frames a second.
        times_ms: when each frame is shown, where that is not regular.
        rotation: degrees by which it is turned counter-clockwise when shown.
        pix_fmt: how its pixels are stored.
        options: of the codec.
    """
    try:
        av.codec.Codec(codec, "w")
    except av.codec.codec.UnknownCodecError:
        pytest.skip(f"this PyAV does not encode {codec}")
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate, options=options or {})
        stream.pix_fmt, stream.bit_rate = pix_fmt, 1_000_000
        if times_ms is not None:
            stream.codec_context.time_base = stream.time_base = Fraction(1, 1000)
        if rotation is not None:
            stream.set_display_rotation(rotation)
        for number, image in enumerate(frames):
            if not number:
                stream.height, stream.width = image.shape[:2]
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
            if times_ms is not None:
                frame.pts, frame.time_base = times_ms[number], Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


FLAG = "AFFECTUNE_TEST_FLAG"
"""Names a file that does not exist, for `dies_once` and `dies_always`."""


def dies_once(probabilities: Mapping[str, float]) -> Mood:
    """Be `mood_of`, but for the first process that calls it, which is killed on the spot."""
    try:
        Path(os.environ[FLAG]).touch(exist_ok=False)
    except FileExistsError:
        return mood_of(probabilities)
    return dies_always(probabilities)


def dies_always(probabilities: Mapping[str, float]) -> Mood:
    """Kill the process, unless it is the one that the tests run in."""
    assert os.getpid() != int(os.environ[f"{FLAG}_NOT"])
    os.kill(os.getpid(), signal.SIGKILL)
    return mood_of(probabilities)
