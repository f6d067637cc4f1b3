"""The live page in Streamlit's harness: real frames through the real callback, no network."""

import functools
import logging
import math
from collections.abc import Callable, Iterator
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import av
import numpy as np
import pytest
import skimage.data
import streamlit_webrtc
from streamlit.testing.v1 import AppTest
from streamlit_webrtc.component import WebRtcStreamerState, generate_frontend_component_key

from emotion import personal
from emotion.labels import EMOTIONS
from emotion.live.scheduler import StreamSlot
from emotion.live.smoothing import STABLE_AFTER_SECONDS, WARM_UP_SECONDS
from emotion.live.stream import FaceStream
from emotion.personal import Recentring
from ui import wording
from ui._compat import webrtc
from ui.live import camera as live_camera
from ui.live import fallback
from ui.live.camera import CaptureSession, LiveCamera
from ui.live.fallback import (
    ADVICE,
    CAMERA_GRACE_SECONDS,
    CONNECT_TIMEOUT_SECONDS,
    ERRORS,
    MAX_CHECK_SECONDS,
    NO_FRAME_TIMEOUT_SECONDS,
)
from ui.live.ice import SETTING
from ui.server import device_assets


class Network:
    """Sees one emotion in every face, or fails."""

    def __init__(self, emotion: str = "happy") -> None:
        self.emotion = emotion
        self.problem: Exception | None = None

    def predict(self, crops: np.ndarray) -> np.ndarray:
        if self.problem:
            raise self.problem
        rows = np.full((len(crops), len(EMOTIONS)), 0.02, np.float32)
        rows[:, EMOTIONS.index(self.emotion)] = 0.88
        return rows


class Connection:
    """What streamlit-webrtc would be: it plays as soon as it is wanted, with our frames."""

    def __init__(self) -> None:
        self.asked: dict[str, Any] = {}
        self.there = True
        self.reachable = True
        self.renew = True
        self.problem: Exception | None = None

    def __call__(self, **asked: Any) -> SimpleNamespace:
        import streamlit as st

        if self.problem:
            raise self.problem
        self.asked = asked
        if self.there:
            st.session_state[generate_frontend_component_key(asked["key"])] = {"playing": False}
        wanted = bool(asked["desired_playing_state"])
        state = WebRtcStreamerState(playing=wanted and self.reachable, signalling=False)
        if self.renew:
            st.session_state[asked["key"]] = SimpleNamespace(state=state, _get_worker=lambda: None)
        return st.session_state[asked["key"]]


def video_frame(image: np.ndarray, seconds: float, pixels: str = "yuv420p") -> av.VideoFrame:
    frame = av.VideoFrame.from_ndarray(image, format="rgb24").reformat(format=pixels)
    frame.pts, frame.time_base = round(seconds * 90_000), Fraction(1, 90_000)
    return frame


class Clock:
    """Goes on with the frames, so that no stream has to wonder why they come so quickly."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> Network:
    fake = Network()
    monkeypatch.setattr(live_camera, "FaceStream", functools.partial(FaceStream, clock=clock))
    # These frames come quicker than a camera's, and all of them are to be read.
    monkeypatch.setattr(
        StreamSlot, "try_begin", lambda slot, _: slot._scheduler._free_cores.acquire(blocking=False)
    )
    monkeypatch.setattr(live_camera, "_classifier", lambda: fake)
    return fake


@pytest.fixture
def connection(monkeypatch: pytest.MonkeyPatch) -> Connection:
    fake = Connection()
    monkeypatch.setattr(streamlit_webrtc, "webrtc_streamer", fake)
    # The server reads; `tests/ui/live/test_device.py` has what a browser reads itself.
    monkeypatch.setattr(device_assets, "base_address", lambda: None)
    return fake


@pytest.fixture
def live(app: AppTest, network: Network, connection: Connection) -> Iterator[AppTest]:
    app.switch_page("pages/live.py").run()
    yield app
    if "live" in app.session_state:
        app.session_state["live"].stop()


@pytest.fixture
def camera(live: AppTest) -> LiveCamera:
    """The visitor's camera, which they have allowed before."""
    camera: LiveCamera = live.session_state["live"]
    camera.on_report(secure=True, allowed=True)
    return camera


@pytest.fixture
def roll(live: AppTest, connection: Connection, clock: Clock) -> Callable[..., AppTest]:
    """Let the astronaut look into the camera for some seconds, and draw the page."""

    def run(seconds: float, image: np.ndarray | None = None, *, start: float = 0.0) -> AppTest:
        picture = skimage.data.astronaut() if image is None else image
        for number in range(round(seconds * 10)):
            callback = connection.asked["video_frame_callback"]
            clock.now += 0.1
            assert callback(video_frame(picture, start + number / 10)).width == picture.shape[1]
        return live.run()

    return run


def press(app: AppTest) -> None:
    """Press the button as its script in the browser does, which the harness does not run."""
    camera: LiveCamera = app.session_state["live"]
    camera.on_press(camera.asked + 1, camera.asked + camera.allowed, "")
    app.run()


def answer(app: AppTest, error: str = "") -> None:
    """Answer the browser's question."""
    camera: LiveCamera = app.session_state["live"]
    camera.on_press(camera.asked, camera.asked, error)
    app.run()


def settle(app: AppTest, roll: Any) -> None:
    """Look into the camera until the mood has settled."""
    press(app)
    roll(STABLE_AFTER_SECONDS + WARM_UP_SECONDS + 0.5)
    app.run()


def title(app: AppTest) -> str:
    assert not app.exception
    (only,) = app.title
    return only.value


# --- the page -----------------------------------------------------------------------------------


def test_before_the_camera(live: AppTest, connection: Connection, sent_to: Any) -> None:
    assert title(live) == "Let the camera catch your mood"
    assert connection.asked["desired_playing_state"] is False
    assert connection.asked["rtc_configuration"] == {"iceServers": []}
    assert connection.asked["media_stream_constraints"]["audio"] is False
    probe = sent_to(live, "live_probe")
    assert probe["poster"]
    assert probe["idle"]
    assert probe["turn"] == 0
    assert not probe["waiting"]


def test_camera_permission_is_requested_once(
    live: AppTest, connection: Connection, sent_to: Any
) -> None:
    press(live)
    assert title(live) == "May we see you?"
    probe = sent_to(live, "live_probe")
    assert not probe["idle"]
    assert (probe["turn"], probe["waiting"]) == (1, True)
    assert connection.asked["desired_playing_state"] is False
    answer(live)
    assert title(live) == "Starting the camera…"
    assert connection.asked["desired_playing_state"] is True
    assert not sent_to(live, "live_probe")["waiting"]


def test_a_browser_that_took_the_answer_to_another_offer_connects_anew(
    live: AppTest, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    outdated, stopped = [False, True], [False, True]
    monkeypatch.setattr(
        webrtc, "drop_outdated_answer", lambda *_: outdated.pop(0) if outdated else False
    )
    monkeypatch.setattr(webrtc, "has_stopped", lambda _: stopped.pop(0))
    press(live)
    answer(live)
    wanted = [connection.asked["desired_playing_state"]]
    while outdated or stopped:
        live.run()
        wanted.append(connection.asked["desired_playing_state"])
    # It is told to stop until it has, and then to start.
    assert wanted == [True, False, False, True]
    assert title(live) == "Starting the camera…"


def test_granted_camera_permission_is_not_requested_again(
    live: AppTest, camera: LiveCamera, connection: Connection
) -> None:
    press(live)
    assert connection.asked["desired_playing_state"] is True


def test_a_press_is_taken_once_and_waits_for_its_answer(live: AppTest) -> None:
    camera: LiveCamera = live.session_state["live"]
    # The browser's state comes again with every run.
    camera.on_press(1, 0, "")
    camera.on_press(1, 0, "")
    assert camera.waiting
    assert camera.capture is None
    camera.on_press(1, 1, "")
    capture = camera.capture
    assert capture is not None
    camera.on_press(1, 1, "")
    assert camera.capture is capture


def test_the_connection_is_not_wanted_before_its_frame_is_there(
    live: AppTest, camera: LiveCamera, connection: Connection
) -> None:
    connection.there = False
    live.session_state[generate_frontend_component_key(live_camera.KEY)] = None
    press(live)
    assert camera.capture is not None
    assert connection.asked["desired_playing_state"] is False
    connection.there = True
    live.run()
    live.run()
    assert connection.asked["desired_playing_state"] is True


def test_interrupted_runs_are_not_page_changes(
    live: AppTest, camera: LiveCamera, connection: Connection
) -> None:
    press(live)
    live.session_state[live_camera.KEY]._last_rendered_run_count = 7
    connection.renew = False
    live.run()
    assert live.session_state[live_camera.KEY]._last_rendered_run_count is None


def test_leaving_the_page_lets_go_of_the_camera(
    live: AppTest, camera: LiveCamera, roll: Any
) -> None:
    press(live)
    roll(0.5)
    live.switch_page("pages/home.py").run()
    live.switch_page("pages/live.py").run()
    assert title(live) == "Let the camera catch your mood"
    assert camera.capture is None


def test_a_mood_is_named_with_its_countdown(
    live: AppTest, camera: LiveCamera, roll: Any, sent_to: Any
) -> None:
    press(live)
    roll(1.0)
    assert title(live) == "😊 Looks happy"
    (progress,) = live.get("progress")
    assert progress.proto.text == "Hold that: settling in **2 seconds**"
    assert 0 < progress.proto.value < 100
    rows = sent_to(live, "emotion_bars")["rows"]
    assert [row["word"] for row in rows] == [
        *("angry", "disgusted", "afraid", "happy", "sad", "surprised", "neutral")
    ]
    assert sent_to(live, "mood_pad")["point"]["valence"] > 0.5
    assert not sent_to(live, "live_probe")["poster"]


def test_a_steady_mood_settles_and_leads_to_music(
    live: AppTest, camera: LiveCamera, connection: Connection, button: Any, roll: Any
) -> None:
    press(live)
    capture = camera.capture
    roll(STABLE_AFTER_SECONDS + WARM_UP_SECONDS + 0.5)
    live.run()
    assert title(live) == "😊 Happy"
    assert camera.capture is None
    assert capture is not None
    assert capture.stream.latest is None
    visitor = live.session_state["visitor"]
    assert visitor.photo.image is None
    assert visitor.mood.valence > 0.5
    assert [h.value for h in live.header] == ["What should the music do?"]
    button(live, "Stay with it").click().run()
    assert title(live) == "Keeping you happy"


def test_one_tap_corrects_what_has_settled(live: AppTest, camera: LiveCamera, roll: Any) -> None:
    settle(live, roll)
    live.pills[0].select("sad").run()
    assert title(live) == "😢 You said: sad"
    assert live.session_state["visitor"].mood.valence < 0


def test_keep_reading_does_not_settle(
    live: AppTest, camera: LiveCamera, button: Any, roll: Any
) -> None:
    press(live)
    roll(1.0)
    button(live, "Keep reading").click().run()
    roll(STABLE_AFTER_SECONDS + WARM_UP_SECONDS + 1, start=1.0)
    assert title(live) == "😊 Looks happy"
    assert not live.get("progress")
    button(live, "Use this mood now").click().run()
    assert live.session_state["visitor"].photo is not None
    live.run()
    assert title(live).startswith("😊 Happy")


def test_reading_can_go_on_after_it_has_settled(
    live: AppTest, camera: LiveCamera, network: Network, button: Any, roll: Any
) -> None:
    settle(live, roll)
    button(live, "Keep reading").click().run()
    network.emotion = "sad"
    roll(4.0)
    assert title(live) == "😢 Looks sad"


def test_stop_keeps_what_is_shown_and_forgets_the_stream(
    live: AppTest, camera: LiveCamera, button: Any, roll: Any
) -> None:
    press(live)
    roll(1.0)
    capture = camera.capture
    button(live, "Stop").click().run()
    live.run()
    assert title(live) == "😊 Happy"
    assert [header.value for header in live.header] == ["What should the music do?"]
    assert capture is not None
    assert capture.stream.latest is None
    assert camera.seen is None


def test_stop_before_anything_was_read_keeps_nothing(
    live: AppTest, camera: LiveCamera, button: Any
) -> None:
    press(live)
    button(live, "Stop").click().run()
    live.run()
    assert title(live) == "Let the camera catch your mood"
    assert live.session_state["visitor"].mood is None


def test_a_face_lost_for_a_moment_leaves_the_panel_where_it_is(
    live: AppTest, camera: LiveCamera, button: Any, roll: Any
) -> None:
    press(live)
    roll(1.0)
    roll(2.0, skimage.data.coffee(), start=1.0)
    assert camera.reading is None
    assert title(live) == "😊 Looks happy"
    button(live, "Use this mood now").click().run()
    live.run()
    assert title(live) == "😊 Happy"


def test_a_camera_asked_for_on_the_first_page_starts_at_once(
    app: AppTest, network: Network, connection: Connection, button: Any
) -> None:
    button(app, "Use the camera").click().run()
    assert app.session_state["live"].waiting
    assert title(app) == "May we see you?"


def test_several_people_are_a_room(
    live: AppTest, camera: LiveCamera, button: Any, roll: Any
) -> None:
    press(live)
    head = skimage.data.astronaut()[0:240, 100:340]
    roll(1.0, np.concatenate([head, head], axis=1))
    assert title(live) == "😊 Everyone together: happy"
    button(live, "Use this mood now").click().run()
    live.run()
    assert title(live) == "😊 Everyone together: happy"
    assert live.session_state["visitor"].mood_in_words == "happy"


def test_empty_view(live: AppTest, camera: LiveCamera, roll: Any) -> None:
    press(live)
    roll(0.5, skimage.data.coffee())
    assert title(live) == "Looking for a face…"
    assert live.session_state["visitor"].mood is None


def test_a_mood_read_live_is_no_photo_on_the_selfie_page(
    live: AppTest, camera: LiveCamera, button: Any, roll: Any
) -> None:
    press(live)
    roll(1.0)
    button(live, "Use this mood now").click().run()
    live.switch_page("pages/selfie.py").run()
    assert title(live) == "Show your face for a moment"


# --- the visitor's resting face ----------------------------------------------------------------


BUTTON = "This is my resting face"
LEARNED = ":small[Your resting face now counts as neutral.]"
ANGRY_REST = {"angry": 0.55, "neutral": 0.30, "sad": 0.06, "fear": 0.05, "disgust": 0.01}
ANGRY_REST |= {"happy": 0.02, "surprise": 0.01}


def lines(app: AppTest) -> list[str]:
    return [text.value for text in app.markdown]


@pytest.fixture(autouse=True)
def typical(monkeypatch: pytest.MonkeyPatch) -> None:
    typical = (-2.5, -3.9, -3.0, -3.0, -2.5, -3.9, -0.5)
    monkeypatch.setattr(personal, "typical_log_probabilities", lambda: typical)


@pytest.fixture
def angry_at_rest(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        network,
        "predict",
        lambda crops: np.tile(np.float32([ANGRY_REST[e] for e in EMOTIONS]), (len(crops), 1)),
    )


@pytest.mark.usefixtures("angry_at_rest")
def test_one_button_makes_the_rest_neutral_and_one_takes_it_back(
    live: AppTest,
    camera: LiveCamera,
    button: Any,
    roll: Any,
) -> None:
    press(live)
    roll(1.0)
    assert title(live) == "😠 Looks angry"
    button(live, BUTTON).click().run()
    assert title(live) == "Relax your face"
    roll(1.5, start=1.0)
    assert title(live) == "😐 Looks neutral"
    assert LEARNED in lines(live)
    assert not [b for b in live.button if b.label == BUTTON]
    button(live, ":small[Forget it]").click().run()
    roll(1.0, start=2.5)
    assert title(live) == "😠 Looks angry"
    assert LEARNED not in lines(live)
    assert button(live, BUTTON)


@pytest.mark.usefixtures("angry_at_rest")
def test_calibration_does_not_settle_a_mood(
    live: AppTest,
    camera: LiveCamera,
    button: Any,
    roll: Any,
) -> None:
    press(live)
    roll(1.0)
    button(live, BUTTON).click().run()
    roll(STABLE_AFTER_SECONDS + WARM_UP_SECONDS + 2.0, start=1.0)
    assert title(live) == "😐 Looks neutral"
    assert camera.capture is not None


@pytest.mark.usefixtures("angry_at_rest")
def test_it_lasts_for_the_visit_and_holds_for_photos(
    live: AppTest,
    camera: LiveCamera,
    button: Any,
    roll: Any,
    selfie: Any,
) -> None:
    press(live)
    roll(1.0)
    button(live, BUTTON).click().run()
    roll(1.5, start=1.0)
    button(live, "Stop").click().run()
    live.run()
    press(live)
    roll(1.0)
    assert title(live) == "😐 Looks neutral"
    app = selfie(ANGRY_REST)
    assert "eutral" in title(app)
    assert LEARNED in lines(app)
    button(app, ":small[Forget it]").click().run()
    assert "ngry" in title(app)
    assert LEARNED not in lines(app)


@pytest.mark.usefixtures("angry_at_rest")
def test_what_was_collected_counts_though_the_mood_is_taken_at_once(
    live: AppTest,
    camera: LiveCamera,
    button: Any,
    roll: Any,
    connection: Connection,
    clock: Clock,
) -> None:
    press(live)
    roll(1.0)
    page = button(live, "Use this mood now")
    camera.collect_resting()
    for number in range(15):
        clock.now += 0.1
        connection.asked["video_frame_callback"](
            video_frame(skimage.data.astronaut(), 1.0 + number / 10)
        )
    page.click().run()
    live.run()
    assert live.session_state["visitor"].resting is not None


def test_a_face_that_is_not_there_is_said_and_can_be_tried_again(
    live: AppTest,
    camera: LiveCamera,
    button: Any,
    roll: Any,
) -> None:
    press(live)
    roll(1.0)
    button(live, BUTTON).click().run()
    roll(6.0, skimage.data.coffee(), start=1.0)
    assert [w.value for w in live.warning] == [
        "Your face was not in view for long enough. Look into the camera and try again."
    ]
    assert live.session_state["visitor"].resting is None
    roll(1.0, start=7.5)
    assert button(live, BUTTON)


def test_already_neutral_face_gets_the_same_message(
    live: AppTest,
    camera: LiveCamera,
    network: Network,
    button: Any,
    roll: Any,
) -> None:
    network.emotion = "neutral"
    press(live)
    roll(1.0)
    button(live, BUTTON).click().run()
    roll(1.5, start=1.0)
    assert LEARNED in lines(live)
    assert live.session_state["visitor"].resting == Recentring()


def test_the_promise_is_at_the_button(
    live: AppTest,
    camera: LiveCamera,
    button: Any,
    roll: Any,
) -> None:
    press(live)
    roll(1.0)
    assert button(live, BUTTON).help == wording.VISIT_PROMISE


# --- the fallback ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", list(ERRORS))
def test_every_error_of_a_browser_has_its_sentence_and_a_step_down(
    live: AppTest, sent_to: Any, name: str
) -> None:
    press(live)
    answer(live, name)
    advice = ADVICE[ERRORS[name]]
    assert title(live) == advice.title
    assert live.markdown[0].value == advice.text
    labels = [fallback.BUTTONS[step][0] for step in advice.steps if step != "upload"]
    assert [b.label for b in live.button][: len(labels)] == labels
    if "upload" in advice.steps:
        chooser = sent_to(live, "photo_button")
        assert chooser["label"] == "Choose a selfie"
        assert (chooser["look"] == "primary") == (advice.steps[0] == "upload")
    assert sent_to(live, "mood_pad")["point"] == {"valence": 0.0, "arousal": 0.0}


def test_the_words_for_a_refused_camera(live: AppTest, button: Any) -> None:
    press(live)
    answer(live, "NotAllowedError")
    assert title(live) == "Camera blocked"
    button(live, "Try again").click().run()
    assert title(live) == "May we see you?"


def test_an_insecure_address_is_told_before_the_button(live: AppTest) -> None:
    live.session_state["live"].on_report(secure=False, allowed=False)
    live.run()
    assert title(live) == "No camera at this address"
    assert len(live.file_uploader) == 1


def wait(capture: CaptureSession, seconds: float, *, playing: bool = False) -> None:
    """Have the page look at a connection on which nothing comes."""
    timer = capture.timer
    for _ in range(math.ceil(seconds / MAX_CHECK_SECONDS) + 1):
        timer._checked_at -= MAX_CHECK_SECONDS
        timer.check(playing=playing, signalling=False, frames=capture.stream.frames)


def test_no_way_through_leads_to_a_snapshot(
    live: AppTest, camera: LiveCamera, connection: Connection, button: Any
) -> None:
    connection.reachable = False
    press(live)
    assert title(live) == "Starting the camera…"
    assert camera.capture is not None
    wait(camera.capture, CAMERA_GRACE_SECONDS + CONNECT_TIMEOUT_SECONDS)
    live.run()
    live.run()
    assert title(live) == "The video can’t get through"
    button(live, "Take a snapshot").click().run()
    assert len(live.camera_input) == 1


def test_connection_without_frames_times_out(
    live: AppTest, camera: LiveCamera, button: Any, roll: Any, sent_to: Any
) -> None:
    press(live)
    roll(0.5)
    assert camera.capture is not None
    wait(camera.capture, NO_FRAME_TIMEOUT_SECONDS, playing=True)
    live.run()
    live.run()
    assert title(live) == "No picture from the camera"
    button(live, "Find music for this").click().run()
    assert title(live) == "Keeping things even"


def test_a_connection_that_cannot_be_made(
    live: AppTest,
    camera: LiveCamera,
    connection: Connection,
    caplog: pytest.LogCaptureFixture,
) -> None:
    connection.problem = OSError("no network")
    press(live)
    assert title(live) == "The video can’t get through"
    assert "no network" in caplog.text


def test_a_network_that_cannot_be_loaded(
    live: AppTest,
    camera: LiveCamera,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken() -> None:
        raise RuntimeError("no weights")

    monkeypatch.setattr(live_camera, "_classifier", broken)
    press(live)
    assert title(live) == ADVICE["broken"].title
    assert "no weights" in caplog.text


def test_a_stream_that_ends_on_the_other_side(live: AppTest, camera: LiveCamera, roll: Any) -> None:
    press(live)
    roll(0.5)
    assert camera.capture is not None
    camera.capture.on_ended()
    live.run()
    live.run()
    assert title(live) == "Let the camera catch your mood"


# --- the callback -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("width", "height", "pixels"),
    [
        (640, 480, "yuv420p"),
        (320, 240, "yuv420p"),
        (1280, 720, "nv12"),
        (641, 479, "yuv444p"),
        (640, 480, "rgba"),
        (640, 480, "gray"),
        (160, 120, "yuyv422"),
    ],
)
def test_frames_of_any_size_and_format(
    network: Network, width: int, height: int, pixels: str, caplog: pytest.LogCaptureFixture
) -> None:
    capture = CaptureSession(network)
    picture = np.full((height, width, 3), 128, np.uint8)
    for number in range(3):
        shown = capture.on_frame(video_frame(picture, number / 30, pixels))
        assert (shown.width, shown.height) == (width, height)
    assert capture.stream.frames == 3
    assert not caplog.records
    capture.on_ended()


def test_sizes_that_change_on_the_way_and_a_network_that_fails(
    network: Network, caplog: pytest.LogCaptureFixture
) -> None:
    capture = CaptureSession(network)
    picture = skimage.data.astronaut()
    sizes = [(512, 512), (256, 256), (512, 512)]
    for number in range(30):
        network.problem = RuntimeError("the network fell over") if 10 <= number < 20 else None
        frame = video_frame(picture, number / 30)
        width, height = sizes[number // 10]
        shown = capture.on_frame(frame.reformat(width=width, height=height))
        assert (shown.width, shown.height) == (width, height)
    assert capture.stream.latest is not None
    assert 1 <= len(caplog.records) <= 3
    capture.on_ended()
    assert capture.stream.latest is None


def test_a_frame_that_cannot_be_converted_goes_on_as_it_is(
    network: Network, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken:
        time = 0.0

        def to_ndarray(self, **_: Any) -> None:
            raise ValueError("no such pixels")

    capture = CaptureSession(network)
    frame = Broken()
    for _ in range(5):
        assert capture.on_frame(frame) is frame  # type: ignore[arg-type, comparison-overlap]
    assert len(caplog.records) == 1
    assert caplog.records[0].levelno == logging.ERROR
    capture.on_ended()


def test_two_visitors_have_two_streams(network: Network, connection: Connection) -> None:
    one, two = LiveCamera(allowed=True), LiveCamera(allowed=True)
    one.start()
    two.start()
    assert one.capture is not None
    assert two.capture is not None
    for number in range(10):
        one.capture.on_frame(video_frame(skimage.data.astronaut(), number / 10))
        two.capture.on_frame(video_frame(skimage.data.coffee(), number / 10))
    assert one.reading is not None
    assert two.reading is None
    one.stop()
    two.stop()


# --- the setting --------------------------------------------------------------------------------


def test_a_wrong_setting_is_shown_and_the_page_goes_on(
    app: AppTest, network: Network, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SETTING, "nonsense")
    app.switch_page("pages/live.py").run()
    assert SETTING in app.error[0].value
    assert title(app) == "Let the camera catch your mood"
    assert connection.asked["rtc_configuration"] == {"iceServers": []}
