"""What a browser says of the camera that it reads itself, and what becomes of it."""

from __future__ import annotations

from typing import Any

import pytest

from emotion.labels import EMOTIONS
from emotion.personal import REST_SECONDS, Recentring
from emotion.types import Box
from ui.live.camera import LiveCamera
from ui.live.device import DeviceCapture, DeviceStream
from ui.live.fallback import NO_FRAME_TIMEOUT_SECONDS

HAPPY = [0.02, 0.02, 0.02, 0.86, 0.02, 0.02, 0.04]
AT_REST = [0.1, 0.02, 0.02, 0.3, 0.16, 0.02, 0.38]


def face(identity: int = 1, **more: Any) -> dict[str, Any]:
    box = {"x": 10, "y": 20, "width": 100, "height": 110}
    told = {"identity": identity, "box": box, "emotion": "happy", "probabilities": HAPPY}
    return told | more


def reading(*faces: dict[str, Any], **more: Any) -> dict[str, Any]:
    told = {
        "time": 12.5,
        "faces": list(faces) or [face()],
        "emotion": "happy",
        "probabilities": HAPPY,
        "stableFor": 0.75,
    }
    return told | more


def news(**more: Any) -> dict[str, Any]:
    told = {"capture": 1, "frames": 7, "silence": 0.02, "reading": reading(), "rest": None}
    return told | more


@pytest.fixture
def camera() -> LiveCamera:
    """A camera that the visitor's browser reads, just started."""
    camera = LiveCamera()
    camera.on_report(secure=True, allowed=True)
    camera.on_able(True)
    camera.start()
    assert isinstance(camera.capture, DeviceCapture)
    return camera


def test_browser_reading_equals_a_server_reading(camera: LiveCamera) -> None:
    assert camera.reading is None
    camera.on_news(news(reading=reading(face(), face(4, emotion="sad"))))
    told = camera.reading
    assert told is not None
    assert [one.identity for one in told.faces] == [1, 4]
    assert told.faces[0].reading.face.box == Box(10, 20, 100, 110)
    assert told.faces[1].emotion == "sad"
    assert told.scores.as_dict()["happy"] == pytest.approx(0.86)
    assert (told.emotion, told.stable_for, told.is_stable) == ("happy", 0.75, False)
    camera.on_news(news(reading=None))
    assert camera.reading is None


@pytest.mark.parametrize(
    "told",
    [
        news(frames=-1),
        news(frames="seven"),
        news(silence=float("nan")),
        news(silence=10**400),
        news(reading=[]),
        news(reading={}),
        news(reading=reading(faces=[])),
        news(reading=reading(*[face()] * 40)),
        news(reading=reading(emotion="bored")),
        news(reading=reading(probabilities=[1.0])),
        news(reading=reading(probabilities=[5.0] * 7)),
        news(reading=reading(face(probabilities=[float("inf")] * 7))),
        news(reading=reading(face(box={"x": 1}))),
        news(reading=reading(face(box={"x": 1, "y": 1, "width": 1e9, "height": 1}))),
        news(reading=reading(stableFor=-3)),
        news(reading=reading(stableFor=True)),
    ],
)
def test_malformed_messages_change_nothing(camera: LiveCamera, told: dict[str, Any]) -> None:
    camera.on_news(news())
    before = camera.reading
    camera.on_news(told)
    assert camera.reading is before


def test_messages_of_another_capture_change_nothing(camera: LiveCamera) -> None:
    camera.on_news(news(capture=0, error="NotAllowedError"))
    camera.on_news(news(capture=2))
    assert camera.reading is None
    assert camera.error == ""
    camera.stop()
    camera.on_news(news())
    assert camera.reading is None


@pytest.mark.parametrize(
    ("error", "why"),
    [("NotAllowedError", "refused"), ("NotFoundError", "none"), ("NotReadableError", "busy")],
)
def test_camera_that_does_not_open_is_explained(camera: LiveCamera, error: str, why: str) -> None:
    camera.on_news(news(frames=0, reading=None, error=error))
    camera.update_connection(playing=False)
    assert camera.failed == why
    assert camera.capture is None


def test_camera_without_frames_is_reported(camera: LiveCamera) -> None:
    camera.on_news(news(frames=0, reading=None, silence=NO_FRAME_TIMEOUT_SECONDS - 1))
    camera.update_connection(playing=False)
    assert camera.failed is None
    camera.on_news(news(frames=0, reading=None, silence=NO_FRAME_TIMEOUT_SECONDS))
    camera.update_connection(playing=False)
    assert camera.failed == "silent"


def test_a_camera_that_is_pulled_out_ends_the_capture(camera: LiveCamera) -> None:
    camera.on_news(news(over=True))
    camera.update_connection(playing=False)
    assert camera.capture is None
    assert camera.failed is None


def test_where_it_turns_out_that_the_browser_cannot_the_server_reads_on(
    camera: LiveCamera, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Capture:
        def __init__(self, *_: object) -> None:
            self.over = False

    monkeypatch.setattr("ui.live.camera.CaptureSession", Capture)
    monkeypatch.setattr("ui.live.camera._classifier", lambda: None)
    camera.on_able(False)
    assert isinstance(camera.capture, Capture)
    assert not camera.waiting


def rows(until: float) -> list[Any]:
    return [[3.0 + step / 10, AT_REST] for step in range(round(until * 10) + 1)]


def test_a_resting_face_is_collected_from_what_the_network_said(camera: LiveCamera) -> None:
    camera.collect_resting()
    assert camera.collecting
    assert camera.keep
    stream = camera.capture.stream  # type: ignore[union-attr]
    camera.on_news(news(rest={"number": 0, "rows": rows(2)}))  # of an earlier request
    camera.on_news(news(rest={"number": 1, "rows": rows(REST_SECONDS / 2)}))
    camera.on_news(news(rest={"number": 1, "rows": rows(REST_SECONDS / 2)}))
    assert camera.collecting
    camera.on_news(news(rest={"number": 1, "rows": rows(REST_SECONDS)}))
    assert not camera.collecting
    found = camera.new_rest()
    assert found is not None
    assert stream.recentring == found
    moved = found.apply(AT_REST)
    assert EMOTIONS[moved.index(max(moved))] == "neutral"


def test_a_face_that_is_not_in_view_is_no_resting_face(camera: LiveCamera) -> None:
    camera.collect_resting()
    gone = [[float(second), None] for second in range(7)]
    camera.on_news(news(reading=None, rest={"number": 1, "rows": gone}))
    assert camera.resting is not None
    assert "not in view" in camera.resting.problem


def test_nothing_is_left_of_a_stream_that_was_closed() -> None:
    stream = DeviceStream(Recentring((0.5, 0, 0, 0, 0, 0, 0)))
    stream.take(news())
    stream.collect_resting()
    stream.close()
    assert stream.latest is None
    assert stream.resting is None
    assert not stream.recentring
