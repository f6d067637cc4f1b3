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
import streamlit as st
from aiortc import MediaStreamTrack
from streamlit_webrtc import component
from streamlit_webrtc.component import (
    WebRtcStreamerContext,
    WebRtcStreamerState,
    generate_frontend_component_key,
)
from streamlit_webrtc.process import AsyncVideoProcessTrack
from streamlit_webrtc.webrtc import WebRtcWorker

from ui._compat import webrtc

RECONCILE = component._handle_worker_lifecycle


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


class Worker:
    """The server's end of a connection."""

    def __init__(self, offer: str) -> None:
        self._offer = offer
        self.stopped = False
        self.callbacks: tuple[object, ...] = ("frame", None, "ended")

    def update_video_callbacks(self, *callbacks: object) -> None:
        self.callbacks = callbacks

    def stop(self) -> None:
        # The present capture is another one, and is not to be told that it has ended.
        assert self.callbacks == (None, None, None)
        self.stopped = True


def made_offer(sdp: str | None) -> dict[str, object]:
    return {"playing": False, "sdpOffer": None if sdp is None else {"type": "offer", "sdp": sdp}}


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    state: dict[str, object] = {}
    monkeypatch.setattr(st, "session_state", state)
    return state


def connected(worker: Worker, *, sent: bool) -> WebRtcStreamerContext[object, object]:
    context: WebRtcStreamerContext[object, object] = WebRtcStreamerContext(
        worker=worker,  # type: ignore[arg-type]
        state=WebRtcStreamerState(playing=False, signalling=True),
    )
    context._sdp_answer_json, context._is_sdp_answer_sent = "{}", sent
    return context


@pytest.mark.parametrize("sent", [True, False])
def test_the_answer_to_an_earlier_offer_is_dropped(session: dict[str, object], sent: bool) -> None:
    worker = Worker("first")
    context = connected(worker, sent=sent)
    session[webrtc.component_state_key("live")] = made_offer("second")
    assert webrtc.drop_outdated_answer(context, "live") is sent
    assert worker.stopped
    assert context._get_worker() is context._sdp_answer_json is None
    # Only then does streamlit-webrtc answer the second one.
    assert context.state == WebRtcStreamerState(playing=False, signalling=True)
    assert not webrtc.drop_outdated_answer(context, "live")


@pytest.mark.parametrize(
    "state", [made_offer("first"), made_offer(None), None, "x", {"sdpOffer": 1}]
)
def test_the_answer_to_the_last_offer_is_kept(session: dict[str, object], state: object) -> None:
    worker = Worker("first")
    context = connected(worker, sent=True)
    session[webrtc.component_state_key("live")] = state
    assert not webrtc.drop_outdated_answer(context, "live")
    assert not webrtc.drop_outdated_answer(None, "live")
    assert context._get_worker() is worker
    assert not worker.stopped


@pytest.mark.parametrize(
    ("state", "stopped"),
    [
        (None, True),
        (made_offer(None), True),
        (made_offer("first"), False),
        ({"playing": True, "sdpOffer": None}, False),
    ],
)
def test_whether_the_browser_has_stopped(
    session: dict[str, object], state: object, stopped: bool
) -> None:
    session[webrtc.component_state_key("live")] = state
    assert webrtc.has_stopped("live") is stopped


def test_offers_are_remembered_and_can_be_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    answered = []

    def process_offer(worker: object, sdp: str, type_: str, timeout: float) -> None:
        answered.append(sdp)

    class Answering(Worker):
        local_description = None

    monkeypatch.setattr(WebRtcWorker, "process_offer", process_offer)
    monkeypatch.setattr(component, "_handle_worker_lifecycle", RECONCILE)
    webrtc.remember_offers()
    Answering.process_offer = WebRtcWorker.process_offer  # type: ignore[attr-defined]
    workers = [Answering("")]
    context: WebRtcStreamerContext[object, object] = WebRtcStreamerContext(
        worker=None, state=WebRtcStreamerState(playing=False, signalling=True)
    )

    def reconcile() -> None:
        component._handle_worker_lifecycle(
            context,
            "live",
            {"type": "offer", "sdp": "first"},
            make_worker=lambda: workers[0],  # type: ignore[arg-type, return-value]
        )

    with webrtc.offers_ignored(True):
        reconcile()
    assert answered == []
    with webrtc.offers_ignored(False):
        reconcile()
    assert answered == ["first"]
    assert workers[0]._offer == "first"


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
