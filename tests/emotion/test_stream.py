"""The live pipeline, frame by frame, on a clock that the tests set."""

from __future__ import annotations

import gc
import logging
import threading
import time
import weakref
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest
import skimage.data
from numpy.typing import NDArray

from emotion.detector import OnStage
from emotion.follow import Template, find_again, small_grey, template_of
from emotion.frame_clock import LATE
from emotion.labels import EMOTIONS
from emotion.overlay import Caption, draw_reading
from emotion.pace import SLOWEST_LOOK, Pace
from emotion.smoothing import HOLD
from emotion.stream import FaceStream
from emotion.tracker import LiveFace, LiveReading
from emotion.types import Box, EmotionScores, Face, FaceReading

Image = NDArray[np.uint8]


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class OneFace:
    """A detector that knows where the face is, as shares of the picture."""

    def __init__(self, clock: Clock) -> None:
        self.place: tuple[float, float, float, float] | None = (0.4, 0.2, 0.25, 0.33)
        self.clock = clock
        self.looks = 0
        self.cost = 0.0

    def detect(self, image: Image, *, on_stage: OnStage | None = None) -> list[Face]:
        self.looks += 1
        self.clock.now += self.cost
        if self.place is None:
            return []
        height, width = image.shape[:2]
        x, y, w, h = self.place
        return [Face(Box(*(round(v) for v in (x * width, y * height, w * width, h * height))))]

    def warm_up(self) -> None:
        """Nothing to load."""


class Mood:
    """A classifier that sees one emotion everywhere."""

    def __init__(self, clock: Clock, emotion: str = "happy") -> None:
        self.clock = clock
        self.emotion = emotion
        self.problem: Exception | None = None
        self.cost = 0.0
        self.shapes: list[tuple[int, ...]] = []
        self.greys = (0, 0)

    def predict(self, crops: NDArray[Any]) -> NDArray[np.float32]:
        self.clock.now += self.cost
        if self.problem:
            raise self.problem
        self.shapes.append(crops.shape)
        self.greys = int(crops.min()), int(crops.max())
        rows = np.full((len(crops), len(EMOTIONS)), 0.02, np.float32)
        rows[:, EMOTIONS.index(self.emotion)] = 0.88
        return rows


class Camera:
    """A stream and everything around it."""

    def __init__(self, **settings: Any) -> None:
        self.clock = Clock()
        self.detector = OneFace(self.clock)
        self.classifier = Mood(self.clock)
        settings.setdefault("pace", Pace(cores=2))
        self.stream = FaceStream(
            self.classifier, detector=self.detector, clock=self.clock, **settings
        )
        self.offset = self.clock.now

    def frame(self, image: Any, *, delay: float = 0.0) -> tuple[Any, LiveReading | None]:
        """Hand a frame in. The next one comes in a thirtieth of a second, or after the work."""
        begin = self.clock.now
        shown = self.stream.process(image, begin - self.offset - delay)
        self.clock.now = max(self.clock.now, begin + 1 / 30)
        return shown

    def run(self, seconds: float, image: Image) -> LiveReading | None:
        reading, end = None, self.clock.now + seconds
        while self.clock.now < end - 0.001:
            _, reading = self.frame(image)
        return reading


@pytest.fixture
def camera() -> Camera:
    return Camera()


@pytest.fixture(scope="module")
def picture() -> Image:
    """Something with texture, 640 x 480."""
    rng = np.random.default_rng(5)
    coarse = rng.integers(0, 256, (48, 64, 3)).astype(np.uint8)
    return cv2.resize(coarse, (640, 480), interpolation=cv2.INTER_CUBIC).astype(np.uint8)


# --- reading ------------------------------------------------------------------------------------


def test_frames_come_back_annotated_and_read(camera: Camera, picture: Image) -> None:
    before = picture.copy()
    camera.frame(picture)
    shown, reading = camera.frame(picture)
    assert reading is not None
    assert reading.emotion == "happy"
    assert camera.stream.latest == reading
    assert shown.shape == picture.shape
    assert shown.dtype == np.uint8
    assert not np.array_equal(shown, picture)
    assert np.array_equal(picture, before)
    assert camera.classifier.shapes[-1] == (1, 48, 48)


def test_a_face_in_the_dark_is_shown_to_the_network_as_by_day(
    camera: Camera, picture: Image
) -> None:
    camera.run(0.5, (picture * 0.15).astype(np.uint8))
    assert camera.classifier.greys == (0, 255)


def test_a_mood_settles(camera: Camera, picture: Image) -> None:
    reading = camera.run(HOLD + 1, picture)
    assert reading is not None
    assert reading.settled


def test_a_mirror(picture: Image) -> None:
    camera = Camera(mirror=True)
    camera.detector.place = None
    shown, _ = camera.frame(picture)
    assert np.array_equal(shown, picture[:, ::-1])


def test_nobody_in_view(camera: Camera, picture: Image) -> None:
    camera.detector.place = None
    shown, reading = camera.frame(picture)
    assert reading is None
    assert np.array_equal(shown, picture)


def test_a_face_that_leaves_is_forgotten(camera: Camera, picture: Image) -> None:
    assert camera.run(1, picture) is not None
    camera.detector.place = None
    # Gone to the eye as well as to the detector: the template has nothing to hold on to.
    assert camera.run(1.5, np.zeros_like(picture)) is None
    assert camera.stream.latest is None


def test_between_looks_the_face_is_followed(camera: Camera, picture: Image) -> None:
    camera.detector.cost = 0.03
    reading = camera.run(0.5, picture)
    assert reading is not None
    start = reading.faces[0].reading.face.box
    looks = camera.detector.looks
    moved = np.roll(picture, 24, axis=1)
    reading = camera.frame(moved)[1]
    assert camera.detector.looks == looks
    assert reading is not None
    box = reading.faces[0].reading.face.box
    assert box.x - start.x == pytest.approx(24, abs=2)
    assert box.y == pytest.approx(start.y, abs=2)


def test_the_real_thing() -> None:
    """Haar and LiteRT's place, without the network's file: any classifier will do."""
    astronaut = np.asarray(skimage.data.astronaut())
    clock = Clock()
    stream = FaceStream(Mood(clock), pace=Pace(cores=2), clock=clock)
    reading = None
    for number in range(30):
        clock.now += 1 / 30
        shift = round(12 * np.sin(number / 5))
        _, reading = stream.process(np.roll(astronaut, shift, axis=1), number / 30)
        if reading:
            middle = reading.faces[0].reading.face.box
            assert abs(middle.x + middle.width / 2 - (222 + shift)) < 25
    assert reading is not None
    assert reading.faces[0].identity == 1


# --- what goes wrong ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "odd",
    [
        np.zeros((0, 0, 3), np.uint8),
        np.zeros((480, 640), np.uint8),
        np.zeros((480, 640, 4), np.uint8),
        np.zeros((480, 640, 3), np.float32),
        None,
    ],
    ids=["empty", "grey", "with alpha", "floats", "nothing"],
)
def test_an_odd_frame_is_passed_on(
    camera: Camera, picture: Image, odd: Any, caplog: pytest.LogCaptureFixture
) -> None:
    camera.run(0.2, picture)
    assert camera.frame(odd)[0] is odd
    assert "could not be read" in caplog.text
    assert camera.run(0.2, picture) is not None


@pytest.mark.parametrize("shape", [(1, 1, 3), (2, 640, 3), (480, 7, 3), (30, 40, 3)])
def test_a_tiny_frame_does_no_harm(
    camera: Camera, shape: tuple[int, ...], caplog: pytest.LogCaptureFixture
) -> None:
    tiny = np.full(shape, 90, np.uint8)
    for _ in range(4):
        assert camera.frame(tiny)[0].shape == shape
    assert not caplog.records


def test_a_fault_is_logged_once_a_second_and_the_picture_goes_on(
    camera: Camera, picture: Image, caplog: pytest.LogCaptureFixture
) -> None:
    camera.classifier.problem = RuntimeError("the network fell over")
    for _ in range(60):
        shown, reading = camera.frame(picture)
        assert np.array_equal(shown, picture)
        assert reading is None
    assert 2 <= len(caplog.records) <= 3
    assert caplog.records[0].levelno == logging.ERROR
    camera.classifier.problem = None
    assert camera.run(0.3, picture) is not None


def test_the_size_changes_on_the_way(
    camera: Camera, picture: Image, caplog: pytest.LogCaptureFixture
) -> None:
    reading = camera.run(1, picture)
    assert reading is not None
    identity = reading.faces[0].identity
    for width, height in ((320, 240), (640, 360), (640, 480)):
        small = cv2.resize(picture, (width, height)).astype(np.uint8)
        assert camera.frame(small)[0].shape == small.shape
        reading = camera.run(0.3, small)
        assert reading is not None
        box = reading.faces[0].reading.face.box
        assert box.x + box.width <= width
        assert box.y + box.height <= height
        assert reading.faces[0].identity == identity
    assert reading is not None
    assert reading.held > 1.0
    assert not caplog.records


# --- time ---------------------------------------------------------------------------------------


def test_a_late_frame_is_shown_unread(camera: Camera, picture: Image) -> None:
    camera.run(1, picture)
    reads = camera.stream.reads
    shown, reading = camera.frame(picture, delay=LATE + 0.1)
    assert camera.stream.reads == reads
    assert reading is not None
    assert not np.array_equal(shown, picture)
    camera.run(0.2, picture)
    assert camera.stream.reads > reads


def test_timestamps_that_begin_anew_are_not_late(camera: Camera, picture: Image) -> None:
    camera.run(5, picture)
    camera.offset = camera.clock.now
    reads = camera.stream.reads
    camera.run(0.5, picture)
    assert camera.stream.reads >= reads + 14


def test_a_slow_machine_reads_less_and_shows_all(picture: Image) -> None:
    quick, slow = Camera(), Camera()
    slow.classifier.cost = 0.08
    for camera in (quick, slow):
        camera.run(6, picture)
    assert quick.stream.reads == quick.stream.frames == 180
    # Shown frames keep coming between the readings that take eighty milliseconds each.
    assert 40 < slow.stream.reads < 60
    assert slow.stream.frames > 100


def test_looks_for_faces_take_a_bounded_share(picture: Image) -> None:
    camera = Camera()
    camera.detector.cost = 0.5
    camera.run(10, picture)
    assert camera.detector.looks <= 2 + 14 / SLOWEST_LOOK


def test_streams_share_a_machine_evenly() -> None:
    pace = Pace(cores=2)
    seats = [pace.join() for _ in range(10)]
    turns = dict.fromkeys(seats, 0)
    now = 0.0
    while now < 20:
        for seat in seats:
            if seat.enter(now):
                seat.done(now, 0.02)
                turns[seat] += 1
        now += 1 / 30
    assert max(turns.values()) - min(turns.values()) <= 1
    # Ten times 20 ms on half of two processors are five readings a second each.
    assert min(turns.values()) == pytest.approx(20 * 5, rel=0.25)
    for seat in seats[1:]:
        seat.leave()
    assert pace.streams == 1
    assert pace.interval(seats[0]) < 0.05


def test_no_more_read_at_once_than_there_are_processors() -> None:
    pace = Pace(cores=1)
    one, two = pace.join(), pace.join()
    assert one.enter(0.0)
    assert not two.enter(0.0)
    one.done(0.0, 0.01)
    assert two.enter(0.01)


def test_ten_streams_in_ten_threads_all_advance(picture: Image) -> None:
    pace = Pace(cores=2)
    cameras = [Camera(pace=pace) for _ in range(10)]

    def stream(camera: Camera) -> None:
        for _ in range(20):
            camera.frame(picture)
            time.sleep(0.01)

    threads = [threading.Thread(target=stream, args=(camera,)) for camera in cameras]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    for camera in cameras:
        assert camera.stream.frames == 20
        assert camera.stream.reads > 0


# --- privacy ------------------------------------------------------------------------------------


def test_nothing_of_a_frame_outlives_the_stream(camera: Camera, picture: Image) -> None:
    frame = picture.copy()
    seen = weakref.ref(frame)
    camera.run(0.5, frame)
    camera.stream.close()
    del frame
    gc.collect()
    assert seen() is None
    assert camera.stream.latest is None
    held = [o for o in gc.get_objects() if isinstance(o, (Template, LiveReading))]
    assert held == []


def test_a_closed_stream_passes_frames_on_and_gives_its_seat_up(picture: Image) -> None:
    pace = Pace(cores=2)
    camera = Camera(pace=pace)
    camera.run(0.5, picture)
    camera.stream.close()
    camera.stream.close()
    shown, reading = camera.frame(picture)
    assert shown is picture
    assert reading is None
    assert pace.streams == 0


def test_two_streams_share_no_reading(picture: Image) -> None:
    pace = Pace(cores=2)
    one, two = Camera(pace=pace), Camera(pace=pace)
    two.classifier.emotion = "sad"
    for _ in range(30):
        one.frame(picture)
        two.frame(picture)
    assert one.stream.latest is not None
    assert two.stream.latest is not None
    assert (one.stream.latest.emotion, two.stream.latest.emotion) == ("happy", "sad")
    one.stream.close()
    assert one.stream.latest is None
    assert two.stream.latest is not None


# --- following and drawing ----------------------------------------------------------------------


@pytest.mark.parametrize("shift", [(0, 0), (4, 0), (-5, 3), (2, -6)])
def test_a_template_is_found_where_it_went(picture: Image, shift: tuple[int, int]) -> None:
    grey, shrink = small_grey(picture)
    assert shrink == 0.25
    template = template_of(grey, 60, 40, 32, 32)
    assert template is not None
    place = find_again(np.roll(grey, shift, axis=(1, 0)), template)
    assert place == pytest.approx((60 + shift[0], 40 + shift[1]), abs=0.3)


def test_what_is_not_there_is_not_found(picture: Image) -> None:
    grey, _ = small_grey(picture)
    template = template_of(grey, 60, 40, 32, 32)
    assert template is not None
    assert find_again(np.zeros_like(grey), template) is None
    assert find_again(grey[::-1, ::-1].copy(), template) is None
    assert find_again(grey[:20, :20], template) is None
    assert template_of(grey, 0, 0, 5, 5) is None


@pytest.fixture
def reading() -> Callable[..., LiveReading]:
    def make(*boxes: Box) -> LiveReading:
        scores = EmotionScores((0.0, 0.0, 0.0, 0.6, 0.3, 0.1, 0.0))
        faces = tuple(
            LiveFace(n, FaceReading(Face(box), scores), "happy") for n, box in enumerate(boxes)
        )
        return LiveReading(0.0, faces, scores, "happy", 0.0)

    return make


def test_the_chart_is_in_the_corner_in_its_colours(
    picture: Image, reading: Callable[..., LiveReading]
) -> None:
    captions = {name: Caption(name, (10 * n, 250, 20)) for n, name in enumerate(EMOTIONS, start=1)}
    grey = np.full_like(picture, 128)
    drawn = draw_reading(grey, reading(Box(260, 100, 120, 120)), captions)
    corner = drawn[300:, :320].reshape(-1, 3).tolist()
    lengths = {n: corner.count([10 * n, 250, 20]) for n in range(1, 8)}
    assert {n for n, pixels in lengths.items() if pixels} == {4, 5, 6}
    assert lengths[4] == pytest.approx(2 * lengths[5], rel=0.05)
    assert (grey == 128).all()


@pytest.mark.parametrize("box", [Box(0, 0, 60, 60), Box(580, 420, 60, 60), Box(0, 0, 640, 480)])
def test_names_stay_within_the_picture(
    picture: Image, reading: Callable[..., LiveReading], box: Box
) -> None:
    assert draw_reading(picture, reading(box)).shape == picture.shape
    small = np.full((60, 80, 3), 50, np.uint8)
    assert draw_reading(small, reading(Box(10, 10, 30, 30))).shape == small.shape
