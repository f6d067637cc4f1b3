"""What a browser says of a photo that it has read itself, and what becomes of it."""

from __future__ import annotations

from typing import Any

import pytest

from emotion.labels import EMOTIONS
from emotion.personal import Recentring
from emotion.recognizer import MAX_FACES
from emotion.types import Box
from ui.photo.device import DeviceCopy, device_reading
from ui.state import VisitorState

HAPPY = [0.02, 0.02, 0.02, 0.86, 0.02, 0.02, 0.04]


def face(**more: Any) -> dict[str, Any]:
    box = {"x": 10, "y": 20, "width": 100, "height": 110}
    return {"box": box, "probabilities": HAPPY} | more


def told(*faces: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "number": 3,
        "width": 640,
        "height": 480,
        "unsure": False,
        "tiny": 0,
        "away": 0,
        "leftOut": 0,
        "faces": list(faces),
    } | more


def test_browser_reading_equals_a_server_reading() -> None:
    copy, reading = device_reading(told(face(), face(), tiny=1, unsure=True))
    assert copy == DeviceCopy(3, 640, 480, unsure=True)
    assert [one.face.box for one in reading.faces] == [Box(10, 20, 100, 110)] * 2
    assert reading.faces[0].scores.emotion == "happy"
    assert reading.notes == ("One face is too small to read: fewer than 28 pixels across.",)


def test_probabilities_are_those_of_every_other_reading() -> None:
    rounded = [0.0001, 0.0002, 0.0003, 0.9991, 0.0001, 0.0001, 0.0002]
    scores = device_reading(told(face(probabilities=rounded)))[1].faces[0].scores
    assert sum(scores.probabilities) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        told(width=0),
        told(height=10**6),
        told(number="1"),
        told(number=-1),
        told(tiny=float("nan")),
        told(tiny=10**400),
        told(faces={}),
        told(*[face()] * (MAX_FACES + 1)),
        told(face(box={"x": 600, "y": 20, "width": 100, "height": 110})),
        told(face(box={"x": 10, "y": 20, "width": 0, "height": 110})),
        told(face(box=None)),
        told(face(probabilities=HAPPY[:6])),
        told(face(probabilities=[1.0] * len(EMOTIONS))),
        told(face(probabilities="happy")),
    ],
)
def test_malformed_readings_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises((ValueError, TypeError, KeyError)):
        device_reading(wrong)


def test_the_visitor_s_own_face_counts_as_on_the_server() -> None:
    """What was learned of it is applied here: the browser says what the network says."""
    visitor = VisitorState()
    visitor.resting = Recentring((0.0, 0.0, 0.0, -3.0, 0.0, 0.0, 3.0))
    visitor.show(*device_reading(told(face())))
    assert visitor.photo is not None
    assert visitor.photo.scores.emotion == "neutral"
    visitor.forget_resting()
    assert visitor.photo.scores.emotion == "happy"


def test_a_photo_without_a_face_leaves_the_earlier_reading() -> None:
    visitor = VisitorState()
    visitor.show(*device_reading(told(face())))
    visitor.show(*device_reading(told(number=4)))
    assert visitor.faceless == DeviceCopy(4, 640, 480)
    assert visitor.photo is not None
    assert visitor.photo.image == DeviceCopy(3, 640, 480)
