"""The private parts of streamlit-webrtc that the live page relies on.

Those of aiortc and aioice are tested in `tests/security/test_live_privacy.py`.
"""

import asyncio
import gc
import threading
from fractions import Fraction
from importlib.metadata import version

import av
import pytest
from aiortc import MediaStreamTrack
from streamlit_webrtc.component import (
    WebRtcStreamerContext,
    WebRtcStreamerState,
    generate_frontend_component_key,
)
from streamlit_webrtc.process import AsyncVideoProcessTrack

from ui._compat import webrtc


def test_installed_version_is_the_supported_one() -> None:
    assert version("streamlit-webrtc").startswith("0.79.")


def test_a_connection_forgets_the_runs_without_it() -> None:
    context: WebRtcStreamerContext[object, object] = WebRtcStreamerContext(
        worker=None, state=WebRtcStreamerState(playing=False, signalling=False)
    )
    assert context._last_rendered_run_count is None  # what a new connection begins with
    context._last_rendered_run_count = 7
    webrtc.forget_rendered_runs(context)
    assert context._last_rendered_run_count is None
    webrtc.forget_rendered_runs(None)


def test_the_browser_part_has_a_key_of_its_own() -> None:
    assert webrtc.component_state_key("live") == generate_frontend_component_key("live") != "live"


class Film(MediaStreamTrack):
    """Frames without end, as fast as they are asked for."""

    kind = "video"

    def __init__(self) -> None:
        super().__init__()
        self.sent = 0

    async def recv(self) -> av.VideoFrame:
        await asyncio.sleep(0.001)
        self.sent += 1
        frame = av.VideoFrame(16, 16, "yuv420p")
        frame.pts, frame.time_base = self.sent, Fraction(1, 30)
        return frame


class SlowReader:
    """Reads a frame each time that it is allowed to."""

    def __init__(self) -> None:
        self.turns = threading.Semaphore(0)

    def recv(self, frame: av.VideoFrame) -> av.VideoFrame:
        self.turns.acquire(timeout=60)
        return av.VideoFrame(16, 16, "yuv420p")


# The library leaves its thread's event loop open, which is said when it is collected.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_each_picture_is_sent_once_and_the_camera_is_heard_meanwhile() -> None:
    webrtc.skip_repeated_frames()
    webrtc.skip_repeated_frames()

    async def watch() -> None:
        film, reader = Film(), SlowReader()
        track = AsyncVideoProcessTrack(track=film, processor=reader)
        seen = []
        for picture in range(3):
            before = film.sent
            waiting = asyncio.ensure_future(track.recv())
            while film.sent < before + 20:
                await asyncio.sleep(0.001)
            assert not waiting.done()
            reader.turns.release()
            shown = await waiting
            assert shown.pts >= before + 20, picture
            seen.append(shown)
        assert len({id(frame) for frame in seen}) == 3
        reader.turns.release(10)
        track.stop()

    asyncio.run(watch())
    gc.collect()
