"""A second of the visitor's rest in the live stream, on a clock that the tests set."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from emotion import personal
from emotion.detectors.base import OnStage
from emotion.labels import EMOTIONS
from emotion.live.scheduler import FrameScheduler
from emotion.live.stream import FaceStream
from emotion.live.tracker import LiveReading
from emotion.personal import REST_SECONDS, REST_TIMEOUT_SECONDS, Recentring
from emotion.types import Box, Face

Image = NDArray[np.uint8]
# What is shipped changes with the network; these tests are about what is done with it.
TYPICAL = np.array((-2.5, -4.5, -3.0, -3.0, -2.5, -4.0, -0.5))
ANGRY, NEUTRAL = EMOTIONS.index("angry"), EMOTIONS.index("neutral")


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Boxes:
    """A detector that knows where the faces are."""

    def __init__(self, *boxes: Box) -> None:
        self.boxes = list(boxes)

    def detect(self, image: Image, *, on_stage: OnStage | None = None) -> list[Face]:
        return [Face(box) for box in self.boxes]

    def warm_up(self) -> None:
        """Nothing to load."""


class Faces:
    """A network that reads every face with a bias, and what it shows besides."""

    def __init__(self, **bias: float) -> None:
        self.bias = np.array([bias.get(name, 0.0) for name in EMOTIONS])
        self.shows = "neutral"

    def predict(self, crops: NDArray[Any]) -> NDArray[np.float32]:
        logs = TYPICAL + self.bias
        if self.shows != "neutral":
            logs = logs + 4.0 * np.array([name == self.shows for name in EMOTIONS])
            logs[NEUTRAL] -= 2.0
        weights = np.exp(logs)
        return np.tile((weights / weights.sum()).astype(np.float32), (len(crops), 1))


class Visitor:
    def __init__(self, *boxes: Box, scheduler: FrameScheduler | None = None, **bias: float) -> None:
        self.clock = Clock()
        self.faces = Faces(**bias)
        self.detector = Boxes(*(boxes or (Box(240, 100, 160, 160),)))
        self.stream = FaceStream(
            self.faces,
            detector=self.detector,
            scheduler=scheduler or FrameScheduler(cores=2),
            clock=self.clock,
        )
        coarse = np.random.default_rng(5).integers(0, 256, (48, 64, 3)).astype(np.uint8)
        self.image = cv2.resize(coarse, (640, 480), interpolation=cv2.INTER_CUBIC).astype(np.uint8)

    def run(self, seconds: float, shows: str = "neutral") -> LiveReading | None:
        self.faces.shows = shows
        reading, end = None, self.clock.now + seconds
        while self.clock.now < end - 0.001:
            _, reading = self.stream.process(self.image, self.clock.now)
            self.clock.now += 1 / 30
        return reading

    def shown(self, seconds: float, shows: str = "neutral") -> str:
        reading = self.run(seconds, shows)
        assert reading is not None
        return reading.emotion

    def rest(self) -> None:
        self.stream.collect_resting()
        self.run(REST_SECONDS + 0.3)
        assert self.stream.resting is not None
        assert self.stream.resting.state == "done"


@pytest.fixture(autouse=True)
def typical(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(personal, "typical_log_probabilities", lambda: tuple(TYPICAL))


@pytest.fixture
def visitor() -> Visitor:
    """Whose rest is read as angry, 55 %."""
    visitor = Visitor(angry=2.35)
    angry = visitor.faces.predict(np.zeros((1, 48, 48)))[0, ANGRY]
    assert angry == pytest.approx(0.55, abs=0.04)
    return visitor


def test_a_second_of_rest_makes_it_neutral(visitor: Visitor) -> None:
    assert visitor.shown(1.0) == "angry"
    visitor.stream.collect_resting()
    assert visitor.shown(REST_SECONDS - 0.3) == "angry"
    assert visitor.stream.resting is not None
    assert visitor.stream.resting.state == "collecting"
    # No half of the old name lingers in what follows.
    assert visitor.shown(0.6) == "neutral"
    assert visitor.stream.resting.recentring == visitor.stream.recentring


@pytest.mark.parametrize("emotion", ["happy", "surprise", "angry", "sad"])
def test_expressions_are_still_named(visitor: Visitor, emotion: str) -> None:
    visitor.run(0.5)
    visitor.rest()
    assert visitor.shown(1.5, emotion) == emotion
    assert visitor.shown(1.5) == "neutral"


def test_recentring_can_be_undone(visitor: Visitor) -> None:
    visitor.run(0.5)
    visitor.rest()
    visitor.stream.recentre(Recentring())
    assert visitor.shown(0.3) == "angry"


def test_recentring_is_gone_with_the_stream(visitor: Visitor) -> None:
    visitor.run(0.5)
    visitor.rest()
    visitor.stream.close()
    assert visitor.stream.recentring == Recentring()
    assert visitor.stream.resting is None
    visitor.stream.collect_resting()
    assert visitor.stream.resting is None


def test_stream_starts_with_the_visitors_recentring(visitor: Visitor) -> None:
    visitor.run(0.5)
    visitor.rest()
    again = FaceStream(
        visitor.faces,
        detector=visitor.detector,
        scheduler=FrameScheduler(cores=2),
        recentring=visitor.stream.recentring,
        clock=visitor.clock,
    )
    visitor.stream = again
    assert visitor.shown(0.5) == "neutral"


def test_two_visitors_never_share() -> None:
    scheduler = FrameScheduler(cores=2)
    one, two = Visitor(scheduler=scheduler, angry=2.5), Visitor(scheduler=scheduler, angry=2.5)
    one.run(0.5)
    one.rest()
    assert one.shown(0.5) == "neutral"
    assert two.shown(1.0) == "angry"
    assert two.stream.recentring == Recentring()


def test_of_two_faces_the_larger_is_the_visitor() -> None:
    both = Visitor(Box(60, 100, 200, 200), Box(400, 120, 120, 120), angry=2.5)
    both.run(0.5)
    both.rest()
    reading = both.run(0.5)
    assert reading is not None
    assert [face.emotion for face in reading.faces] == ["neutral", "angry"]
    # They stay the visitor when somebody else comes nearer.
    both.detector.boxes = [Box(60, 100, 200, 200), Box(380, 80, 230, 230)]
    reading = both.run(2.0)
    assert reading is not None
    moods = {face.reading.face.box.x < 300: face.emotion for face in reading.faces}
    assert moods == {True: "neutral", False: "angry"}


def test_no_face_in_view_changes_nothing(visitor: Visitor) -> None:
    visitor.detector.boxes = []
    visitor.stream.collect_resting()
    visitor.run(REST_TIMEOUT_SECONDS + 1.0)
    assert visitor.stream.resting is not None
    assert visitor.stream.resting.state == "failed"
    assert "not in view" in visitor.stream.resting.problem
    assert visitor.stream.recentring == Recentring()


def test_changing_expression_is_refused_as_resting_face(visitor: Visitor) -> None:
    visitor.run(0.5)
    visitor.stream.collect_resting()
    for shows in ("happy", "sad", "surprise", "neutral"):
        visitor.run(0.3, shows)
    assert visitor.stream.resting is not None
    assert visitor.stream.resting.state == "failed"
    assert visitor.stream.recentring == Recentring()
    # And the second try works.
    visitor.rest()
    assert visitor.shown(0.3) == "neutral"
