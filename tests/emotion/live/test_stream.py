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

from emotion.crop import crop_faces
from emotion.detectors.base import OnStage
from emotion.detectors.blazeface import BlazefaceDetector
from emotion.detectors.haar import HaarDetector
from emotion.labels import EMOTIONS
from emotion.live.detector import LiveDetector, _warn_once, build_live_detector
from emotion.live.frame_clock import LATE_SECONDS, FrameClock
from emotion.live.overlay import Caption, draw_reading
from emotion.live.scheduler import MAX_DETECTION_INTERVAL_SECONDS, FrameScheduler
from emotion.live.smoothing import STABLE_AFTER_SECONDS
from emotion.live.stream import MAX_READING_EXPIRES_SECONDS, FaceStream
from emotion.live.template_tracking import Template, extract_template, locate, search_frame
from emotion.live.tracker import LiveFace, LiveReading
from emotion.types import Box, EmotionScores, Face, FaceReading, Landmarks

Image = NDArray[np.uint8]


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def profile(box: Box) -> Landmarks:
    """A face whose nose lies beyond its ears."""
    x, y, side = box.x, box.y, box.width
    return Landmarks(
        left_eye=(x + 0.2 * side, y + 0.4 * side),
        right_eye=(x + 0.4 * side, y + 0.4 * side),
        nose=(x + 0.1 * side, y + 0.55 * side),
        mouth_left=(x + 0.2 * side, y + 0.75 * side),
        mouth_right=(x + 0.2 * side, y + 0.75 * side),
        left_ear=(x + 0.3 * side, y + 0.5 * side),
        right_ear=(x + 0.8 * side, y + 0.5 * side),
    )


class OneFace:
    """A detector that knows where the face is, as fractions of the image."""

    def __init__(self, clock: Clock) -> None:
        self.place: tuple[float, float, float, float] | None = (0.4, 0.2, 0.25, 0.33)
        self.clock = clock
        self.detections = 0
        self.cost = 0.0
        self.turned_away = False

    def detect(self, image: Image, *, on_stage: OnStage | None = None) -> list[Face]:
        self.detections += 1
        self.clock.now += self.cost
        if self.place is None:
            return []
        height, width = image.shape[:2]
        x, y, w, h = self.place
        box = Box(*(round(v) for v in (x * width, y * height, w * width, h * height)))
        return [Face(box, profile(box) if self.turned_away else None)]

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
        self.intensity_range = (0, 0)

    def predict(self, crops: NDArray[Any]) -> NDArray[np.float32]:
        self.clock.now += self.cost
        if self.problem:
            raise self.problem
        self.shapes.append(crops.shape)
        self.intensity_range = int(crops.min()), int(crops.max())
        rows = np.full((len(crops), len(EMOTIONS)), 0.02, np.float32)
        rows[:, EMOTIONS.index(self.emotion)] = 0.88
        return rows


class Camera:
    """A stream and everything around it."""

    def __init__(self, **settings: Any) -> None:
        self.clock = Clock()
        self.detector = OneFace(self.clock)
        self.classifier = Mood(self.clock)
        settings.setdefault("scheduler", FrameScheduler(cores=2))
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
def image() -> Image:
    """Something with texture, 640 x 480."""
    rng = np.random.default_rng(5)
    coarse = rng.integers(0, 256, (48, 64, 3)).astype(np.uint8)
    return cv2.resize(coarse, (640, 480), interpolation=cv2.INTER_CUBIC).astype(np.uint8)


# --- reading ------------------------------------------------------------------------------------


def test_frames_come_back_annotated_and_read(camera: Camera, image: Image) -> None:
    before = image.copy()
    camera.frame(image)
    shown, reading = camera.frame(image)
    assert reading is not None
    assert reading.emotion == "happy"
    assert camera.stream.latest == reading
    assert shown.shape == image.shape
    assert shown.dtype == np.uint8
    assert not np.array_equal(shown, image)
    assert np.array_equal(image, before)
    assert camera.classifier.shapes[-1] == (1, 48, 48)


def test_a_face_in_the_dark_is_shown_to_the_network_as_by_day(camera: Camera, image: Image) -> None:
    camera.run(0.5, (image * 0.15).astype(np.uint8))
    assert camera.classifier.intensity_range == (0, 255)


def test_a_mood_becomes_stable(camera: Camera, image: Image) -> None:
    reading = camera.run(STABLE_AFTER_SECONDS + 1, image)
    assert reading is not None
    assert reading.is_stable


def test_frames_are_mirrored_on_request(image: Image) -> None:
    camera = Camera(mirror=True)
    camera.detector.place = None
    shown, _ = camera.frame(image)
    assert np.array_equal(shown, image[:, ::-1])


def test_no_face_in_view(camera: Camera, image: Image) -> None:
    camera.detector.place = None
    shown, reading = camera.frame(image)
    assert reading is None
    assert np.array_equal(shown, image)


def test_a_face_that_leaves_is_forgotten(camera: Camera, image: Image) -> None:
    assert camera.run(1, image) is not None
    camera.detector.place = None
    # Gone to the eye as well as to the detector: the template has nothing to hold on to.
    assert camera.run(1.5, np.zeros_like(image)) is None
    assert camera.stream.latest is None


def test_between_detections_the_face_is_tracked(camera: Camera, image: Image) -> None:
    camera.detector.cost = 0.03
    reading = camera.run(0.5, image)
    assert reading is not None
    start = reading.faces[0].reading.face.box
    detections = camera.detector.detections
    moved = np.roll(image, 24, axis=1)
    reading = camera.frame(moved)[1]
    assert camera.detector.detections == detections
    assert reading is not None
    box = reading.faces[0].reading.face.box
    assert box.x - start.x == pytest.approx(24, abs=2)
    assert box.y == pytest.approx(start.y, abs=2)


def real_stream() -> tuple[FaceStream, Clock, Mood]:
    """BlazeFace, and in LiteRT's place any classifier will do."""
    clock = Clock()
    mood = Mood(clock)
    return FaceStream(mood, scheduler=FrameScheduler(cores=2), clock=clock), clock, mood


@pytest.fixture(scope="module")
def astronaut() -> Image:
    return np.asarray(skimage.data.astronaut())


def test_astronaut_is_tracked_with_blazeface(astronaut: Image) -> None:
    stream, clock, _ = real_stream()
    reading = None
    for number in range(30):
        clock.now += 1 / 30
        shift = round(12 * np.sin(number / 5))
        _, reading = stream.process(np.roll(astronaut, shift, axis=1), number / 30)
        if reading:
            middle = reading.faces[0].reading.face.box
            assert abs(middle.x + middle.width / 2 - (224 + shift)) < 25
    assert reading is not None
    assert reading.faces[0].identity == 1


def camera_frame(
    head: Image, *, scale: float, lean: float, x: float = 320, y: float = 240
) -> Image:
    """A head in a grey frame of 640 x 480, its middle at x and y, leaning clockwise."""
    middle = (head.shape[1] / 2, head.shape[0] / 2)
    small = min(scale, 1.0)
    if small < 1:
        head = cv2.resize(head, None, fx=small, fy=small, interpolation=cv2.INTER_AREA)
        middle = (head.shape[1] / 2, head.shape[0] / 2)
    matrix = cv2.getRotationMatrix2D(middle, -lean, scale / small)
    matrix[:, 2] += x - middle[0], 240 - middle[1]
    grey = (110, 110, 110)
    return cv2.warpAffine(head, matrix, (640, 480), borderValue=grey).astype(np.uint8)


@pytest.mark.parametrize("lean", [-50, -35, -25, 0, 15, 25, 35, 50])
@pytest.mark.parametrize("scale", [0.5, 1.0, 2.0, 4.5])
def test_leaning_distant_and_near_faces_are_read(
    astronaut: Image, lean: float, scale: float
) -> None:
    # Half the size: 45 pixels across. 4.5 times: forehead and chin lie outside the frame.
    head = astronaut[40:190, 150:300] if scale > 4 else astronaut[0:230, 110:340]
    stream, clock, mood = real_stream()
    frame = camera_frame(head, scale=scale, lean=lean)
    reading = None
    for number in range(12):
        clock.now += 1 / 30
        _, reading = stream.process(frame, number / 30)
    assert reading is not None
    assert len(reading.faces) == 1
    assert mood.shapes


@pytest.mark.parametrize("lean", [0, 35])
def test_a_leaning_head_is_tracked_and_shown_upright_to_the_network(
    astronaut: Image, lean: float
) -> None:
    head = astronaut[0:230, 110:340]
    crops: list[NDArray[Any]] = []

    class Keeps(Mood):
        def predict(self, crops_: NDArray[Any]) -> NDArray[np.float32]:
            crops.append(crops_[0].astype(np.float32))
            return super().predict(crops_)

    clock = Clock()
    stream = FaceStream(Keeps(clock), scheduler=FrameScheduler(cores=2), clock=clock)
    for number in range(30):
        clock.now += 1 / 30
        x = 320 + 60 * np.sin(number / 8)
        _, reading = stream.process(camera_frame(head, scale=1.5, lean=lean, x=x), number / 30)
        if number > 3:
            assert reading is not None
            assert reading.faces[0].identity == 1
    (upright,) = crop_faces(astronaut, BlazefaceDetector().detect(astronaut))
    alike = [
        np.corrcoef(crop.ravel(), mirrored.ravel())[0, 1]
        for crop in crops[5:]
        for mirrored in [upright.astype(np.float32)]
    ]
    # Every second reading sees the mirror image.
    assert np.median([max(pair) for pair in zip(alike[::2], alike[1::2], strict=False)]) > 0.85


@pytest.mark.parametrize("scale", [1.0, 4.5])
@pytest.mark.parametrize("lean", [0, 25])
def test_a_moving_face_is_where_it_is_said_to_be(
    astronaut: Image, scale: float, lean: float
) -> None:
    head = astronaut[40:190, 150:300] if scale > 4 else astronaut[0:230, 110:340]
    stream, clock, _ = real_stream()
    away = []
    for number in range(40):
        clock.now += 1 / 30
        x = 320 + 40 * np.sin(number / 6)
        stream.process(camera_frame(head, scale=scale, lean=lean, x=x), number / 30)
        if number > 10:
            (track,) = stream._tracker.tracks
            away.append(track.x + track.width / 2 - x)
    # Within a fiftieth of the face, once its middle is allowed for.
    assert np.percentile(np.abs(away - np.median(away)), 90) < max(2.0, 0.02 * track.width)


def test_a_face_stays_in_view_where_it_is_not_proposed_anew(astronaut: Image) -> None:
    head = astronaut[0:230, 110:340]
    detector = LiveDetector()
    near = camera_frame(head, scale=1.0, lean=0)
    assert len(detector.detect(near)) == 1
    far = camera_frame(head, scale=0.28, lean=0)
    looks = [len(LiveDetector().detect(far)) for _ in range(2)]
    assert looks == [0, 0] or looks == [1, 1]
    found = [len(detector.detect(far)) for _ in range(6)]
    assert 1 in found
    assert found[found.index(1) :] == [1] * (6 - found.index(1))
    detector.forget()
    assert detector.detect(np.zeros_like(far)) == []


def test_a_face_turned_away_is_not_read(camera: Camera, image: Image) -> None:
    assert camera.run(0.5, image) is not None
    reads = len(camera.classifier.shapes)
    camera.detector.turned_away = True
    assert camera.run(0.5, image) is not None  # what it showed a moment ago
    settled = len(camera.classifier.shapes)
    assert settled - reads < 8
    assert camera.run(1.5, image) is None
    assert len(camera.classifier.shapes) == settled
    camera.detector.turned_away = False
    reading = camera.run(0.5, image)
    assert reading is not None
    assert reading.faces[0].identity == 1


def test_a_face_that_walks_out_of_the_frame_is_not_read(camera: Camera, image: Image) -> None:
    for left in np.arange(0.4, 0.8, 0.05):
        camera.detector.place = (float(left), 0.2, 0.25, 0.33)
        assert camera.run(0.2, image) is not None
    reads = len(camera.classifier.shapes)
    camera.classifier.emotion = "sad"  # what half a face looks like
    camera.detector.place = (0.875, 0.2, 0.25, 0.33)
    reading = camera.run(0.5, image)
    assert reading is not None
    assert [(face.identity, face.emotion) for face in reading.faces] == [(1, "happy")]
    assert len(camera.classifier.shapes) - reads < 8
    assert camera.run(1.5, image) is None


@pytest.mark.usefixtures("without_blazeface")
def test_haar_is_used_where_blazeface_is_missing(caplog: pytest.LogCaptureFixture) -> None:
    _warn_once.cache_clear()
    with caplog.at_level(logging.WARNING):
        detectors = [build_live_detector(), build_live_detector()]
    assert all(isinstance(detector, HaarDetector) for detector in detectors)
    assert len(caplog.records) == 1
    assert "not installed" in caplog.text


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
    camera: Camera, image: Image, odd: Any, caplog: pytest.LogCaptureFixture
) -> None:
    camera.run(0.2, image)
    assert camera.frame(odd)[0] is odd
    assert "could not be read" in caplog.text
    assert camera.run(0.2, image) is not None


@pytest.mark.parametrize("shape", [(1, 1, 3), (2, 640, 3), (480, 7, 3), (30, 40, 3)])
def test_a_tiny_frame_does_no_harm(
    camera: Camera, shape: tuple[int, ...], caplog: pytest.LogCaptureFixture
) -> None:
    tiny = np.full(shape, 90, np.uint8)
    for _ in range(4):
        assert camera.frame(tiny)[0].shape == shape
    assert not caplog.records


def test_a_fault_is_logged_once_a_second_and_the_image_goes_on(
    camera: Camera, image: Image, caplog: pytest.LogCaptureFixture
) -> None:
    camera.classifier.problem = RuntimeError("the network fell over")
    for _ in range(60):
        shown, reading = camera.frame(image)
        assert np.array_equal(shown, image)
        assert reading is None
    assert 2 <= len(caplog.records) <= 3
    assert caplog.records[0].levelno == logging.ERROR
    camera.classifier.problem = None
    assert camera.run(0.3, image) is not None


def test_the_size_changes_on_the_way(
    camera: Camera, image: Image, caplog: pytest.LogCaptureFixture
) -> None:
    reading = camera.run(1, image)
    assert reading is not None
    identity = reading.faces[0].identity
    for width, height in ((320, 240), (640, 360), (640, 480)):
        small = cv2.resize(image, (width, height)).astype(np.uint8)
        assert camera.frame(small)[0].shape == small.shape
        reading = camera.run(0.3, small)
        assert reading is not None
        box = reading.faces[0].reading.face.box
        assert box.x + box.width <= width
        assert box.y + box.height <= height
        assert reading.faces[0].identity == identity
    assert reading is not None
    assert reading.stable_for > 1.0
    assert not caplog.records


# --- time ---------------------------------------------------------------------------------------


def test_a_late_frame_is_shown_unread(camera: Camera, image: Image) -> None:
    camera.run(1, image)
    reads = camera.stream.reads
    shown, reading = camera.frame(image, delay=LATE_SECONDS + 0.1)
    assert camera.stream.reads == reads
    assert reading is not None
    assert not np.array_equal(shown, image)
    camera.run(0.2, image)
    assert camera.stream.reads > reads


@pytest.mark.parametrize("back", [0.6, 1.0, 2.0, 2.9, 5.0, 3600.0, -0.7, -2.0, -10.0])
def test_timestamps_that_begin_anew_starve_nothing(
    camera: Camera, image: Image, back: float
) -> None:
    camera.run(5, image)
    camera.offset += back
    reads = camera.stream.reads
    before = camera.stream.latest
    assert before is not None
    reading = camera.run(0.5, image)
    assert camera.stream.reads >= reads + 14
    assert reading is not None
    assert reading.faces[0].identity == before.faces[0].identity
    # What is shown goes on at once, and what has been steady stays so.
    assert reading.time > before.time
    assert reading.stable_for >= before.stable_for
    camera.classifier.emotion = "sad"
    reading = camera.run(1.5, image)
    assert reading is not None
    assert reading.emotion == "sad"


def test_timestamps_that_fall_back_again_and_again_starve_nothing(
    camera: Camera, image: Image
) -> None:
    for _ in range(6):
        camera.run(1, image)
        camera.offset += 1.5
    assert camera.stream.reads > 0.9 * camera.stream.frames


@pytest.mark.parametrize("pause", [0.5, 2.0, 2.8, 20.0])
def test_a_camera_that_pauses_and_goes_on_counting_is_not_late(
    camera: Camera, image: Image, pause: float
) -> None:
    camera.run(3, image)
    camera.clock.now += pause
    camera.offset += pause  # its timestamps know of no pause
    camera.run(1.5, image)
    reads = camera.stream.reads
    camera.run(1, image)
    assert camera.stream.reads >= reads + 28


def test_frames_that_queue_up_are_not_taken_for_another_clock() -> None:
    clock = FrameClock()
    for number in range(60):
        assert clock.update(number / 30, 10 + number / 30) == (number / 30, False)
    # A second's standstill, then all of its frames at once, and then as the camera sends them.
    late = [clock.update(2 + n / 30, 13 + n / 300)[1] for n in range(30)]
    assert all(late[:24])
    assert not clock.update(3.1, 13.1)[1]


def test_time_never_runs_back() -> None:
    clock = FrameClock()
    rng = np.random.default_rng(2)
    now, stamp, before = 50.0, 7.0, float("-inf")
    for _ in range(2000):
        now += float(rng.uniform(0.0, 0.1))
        stamp += float(
            rng.choice(
                [0.033, 0.033, 0.033, -0.2, -3, 2, 40, -100],
                p=[0.3, 0.3, 0.3, 0.02, 0.02, 0.02, 0.02, 0.02],
            )
        )
        moment, _ = clock.update(stamp, now)
        assert moment >= before
        before = moment


def test_a_slow_machine_reads_less_and_shows_all(image: Image) -> None:
    quick, slow = Camera(), Camera()
    slow.classifier.cost = 0.08
    for camera in (quick, slow):
        camera.run(6, image)
    assert quick.stream.reads == quick.stream.frames == 180
    # Shown frames keep coming between the readings that take eighty milliseconds each.
    assert 40 < slow.stream.reads < 60
    assert slow.stream.frames > 100


def test_detections_take_a_bounded_fraction_of_the_time(image: Image) -> None:
    camera = Camera()
    camera.detector.cost = 0.5
    camera.run(10, image)
    assert camera.detector.detections <= 2 + 14 / MAX_DETECTION_INTERVAL_SECONDS


def test_streams_share_a_machine_evenly() -> None:
    scheduler = FrameScheduler(cores=2)
    slots = [scheduler.join() for _ in range(10)]
    turns = dict.fromkeys(slots, 0)
    now = 0.0
    while now < 20:
        for slot in slots:
            if slot.try_begin(now):
                slot.end(now, 0.02, 0.02)
                turns[slot] += 1
        now += 1 / 30
    assert max(turns.values()) - min(turns.values()) <= 1
    # Ten times 20 ms on half of two processors are five readings a second each.
    assert min(turns.values()) == pytest.approx(20 * 5, rel=0.25)
    for slot in slots[1:]:
        slot.leave()
    assert scheduler.streams == 1
    assert scheduler.read_interval(slots[0]) < 0.05


def test_processes_share_a_machine() -> None:
    alone, beside_others = FrameScheduler(cores=2), FrameScheduler(cores=2)
    beside_others.share_with(4)
    for scheduler in (alone, beside_others):
        for _ in range(10):
            slot = scheduler.join()
            slot.read_cost, slot.detection_cost = 0.02, 0.01
    assert beside_others.read_interval(slot) == pytest.approx(4 * 10 * 0.02)
    assert beside_others.detection_interval() > alone.detection_interval()
    with pytest.raises(ValueError, match="'processes' argument: 0"):
        alone.share_with(0)


def shared_camera(interval: float, **settings: Any) -> Camera:
    """A camera beside others, which leave it a reading every ``interval`` seconds."""
    scheduler = FrameScheduler(cores=2)
    scheduler.join().read_cost = interval
    return Camera(scheduler=scheduler, **settings)


def names(camera: Camera, seconds: float, image: Image) -> list[str | None]:
    """Return the name over the face in each of the frames to come."""
    readings = []
    end = camera.clock.now + seconds
    while camera.clock.now < end - 0.001:
        readings.append(camera.frame(image)[1])
    return [reading and reading.emotion for reading in readings]


@pytest.fixture(scope="module")
def elsewhere(image: Image) -> Image:
    """A frame in which nothing of the other one is found."""
    return image[::-1, ::-1].copy()


SPARSE = pytest.mark.parametrize("interval", [0.1, 0.5, 2.0, 4.0])


@SPARSE
def test_the_name_of_a_face_stays_between_readings_far_apart(image: Image, interval: float) -> None:
    camera = shared_camera(interval)
    camera.run(2 * interval + 1, image)
    before = camera.stream.reads
    assert set(names(camera, 5 * interval + 1, image)) == {"happy"}
    assert camera.stream.reads - before <= (5 * interval + 1) / interval + 1


@SPARSE
def test_the_outline_moves_with_the_face_between_readings(image: Image, interval: float) -> None:
    camera = shared_camera(interval)
    camera.run(2 * interval + 1, image)
    before = camera.stream.latest
    camera.detector.place = (0.4 + 24 / 640, 0.2, 0.25, 0.33)
    reading = camera.run(0.4, np.roll(image, 24, axis=1))
    assert before is not None
    assert reading is not None
    moved = reading.faces[0].reading.face.box.x - before.faces[0].reading.face.box.x
    assert moved == pytest.approx(24, abs=3)


@SPARSE
@pytest.mark.parametrize("after", [0.1, 0.4, 1.3])
def test_the_name_goes_with_the_face_between_readings_far_apart(
    image: Image, elsewhere: Image, interval: float, after: float
) -> None:
    camera = shared_camera(interval)
    camera.run(2 * interval + 1 + after, image)
    camera.detector.place = None
    names(camera, 1.5, elsewhere)
    assert set(names(camera, 2 * interval + 1, elsewhere)) == {None}


@SPARSE
@pytest.mark.parametrize("gap", [0.0, 0.5])
@pytest.mark.parametrize("after", [0.1, 0.4, 1.3])
def test_the_next_person_is_not_given_the_last_ones_name(
    image: Image, elsewhere: Image, interval: float, gap: float, after: float
) -> None:
    camera = shared_camera(interval)
    camera.run(2 * interval + 1 + after, image)
    place, camera.detector.place = camera.detector.place, None
    names(camera, gap, np.zeros_like(image))
    camera.detector.place, camera.classifier.emotion = place, "sad"
    names(camera, 1.5, elsewhere)
    shown = names(camera, 2 * interval + 1, elsewhere)
    assert "happy" not in shown
    assert shown[-1] == "sad"


def test_a_reading_holds_no_longer_than_its_limit_however_long_the_next_one_takes(
    image: Image,
) -> None:
    camera = shared_camera(20.0)
    camera.run(41, image)
    shown = names(camera, 20, image)
    assert shown.count("happy") / 30 == pytest.approx(MAX_READING_EXPIRES_SECONDS, abs=0.3)


@SPARSE
def test_a_new_face_is_named_before_its_second_turn(image: Image, interval: float) -> None:
    camera = shared_camera(interval)
    camera.detector.place, place = None, camera.detector.place
    camera.run(2 * interval, image)
    camera.detector.place = place
    assert "happy" in names(camera, 1.5 * interval + 0.4, image)


def test_a_reading_out_of_turn_waits_for_half_an_interval_and_for_its_detection() -> None:
    scheduler = FrameScheduler(cores=2)
    slot, other = scheduler.join(), scheduler.join()
    other.read_cost = 2.0
    assert slot.try_begin(0.0)
    slot.end(0.0, 0.01, 0.01)
    assert not slot.try_begin(1.5)
    slot.hurry()
    assert not slot.try_begin(0.9)
    assert slot.try_begin(1.1)
    slot.end(1.1, 0.01, 0.01)
    assert not slot.try_begin(2.9)
    other.detection_cost = 1.0
    slot.hurry()
    assert not slot.try_begin(1.1 + MAX_DETECTION_INTERVAL_SECONDS - 0.1)
    assert slot.try_begin(1.1 + MAX_DETECTION_INTERVAL_SECONDS)


def test_streams_that_wait_for_one_another_are_not_read_less() -> None:
    """Nine others make every reading take longer. That must not be counted nine times."""
    waits, works, starved = (FrameScheduler(cores=2) for _ in range(3))
    for scheduler, seconds in ((works, 0.02), (waits, 0.04), (starved, 0.4)):
        for _ in range(10):
            slot = scheduler.join()
            assert slot.try_begin(0.0)
            slot.end(0.0, seconds, 0.02)
    assert waits.read_interval(waits.join()) == works.read_interval(works.join())
    # A thread that gets a twentieth of a processor is on a machine with other things to do.
    assert starved.read_interval(starved.join()) == pytest.approx(2.0)


def test_no_more_read_at_once_than_there_are_processors() -> None:
    scheduler = FrameScheduler(cores=1)
    one, two = scheduler.join(), scheduler.join()
    assert one.try_begin(0.0)
    assert not two.try_begin(0.0)
    one.end(0.0, 0.01, 0.01)
    assert two.try_begin(0.01)


def test_ten_streams_in_ten_threads_all_advance(image: Image) -> None:
    scheduler = FrameScheduler(cores=2)
    cameras = [Camera(scheduler=scheduler) for _ in range(10)]

    def stream(camera: Camera) -> None:
        for _ in range(20):
            camera.frame(image)
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


def test_nothing_of_a_frame_outlives_the_stream(camera: Camera, image: Image) -> None:
    frame = image.copy()
    seen = weakref.ref(frame)
    camera.run(0.5, frame)
    camera.stream.close()
    del frame
    gc.collect()
    assert seen() is None
    assert camera.stream.latest is None
    held = [o for o in gc.get_objects() if isinstance(o, (Template, LiveReading))]
    assert held == []


def test_a_closed_stream_passes_frames_on_and_leaves_the_scheduler(image: Image) -> None:
    scheduler = FrameScheduler(cores=2)
    camera = Camera(scheduler=scheduler)
    camera.run(0.5, image)
    camera.stream.close()
    camera.stream.close()
    shown, reading = camera.frame(image)
    assert shown is image
    assert reading is None
    assert scheduler.streams == 0


def test_two_streams_share_no_reading(image: Image) -> None:
    scheduler = FrameScheduler(cores=2)
    one, two = Camera(scheduler=scheduler), Camera(scheduler=scheduler)
    two.classifier.emotion = "sad"
    for _ in range(30):
        one.frame(image)
        two.frame(image)
    assert one.stream.latest is not None
    assert two.stream.latest is not None
    assert (one.stream.latest.emotion, two.stream.latest.emotion) == ("happy", "sad")
    one.stream.close()
    assert one.stream.latest is None
    assert two.stream.latest is not None


# --- tracking and drawing -----------------------------------------------------------------------


@pytest.mark.parametrize("shift", [(0, 0), (4, 0), (-5, 3), (2, -6)])
def test_a_template_is_found_where_it_went(image: Image, shift: tuple[int, int]) -> None:
    frame = search_frame(image)
    assert frame.scale == 0.25
    template = extract_template(frame.grey, 60, 40, 32, 32)
    assert template is not None
    found = locate(np.roll(frame.grey, shift, axis=(1, 0)), template)
    assert found is not None
    assert (found.x, found.y) == pytest.approx((60 + shift[0], 40 + shift[1]), abs=0.3)
    assert found.pixels is template.pixels


def test_template_without_a_match_is_not_found(image: Image) -> None:
    grey = search_frame(image).grey
    template = extract_template(grey, 60, 40, 32, 32)
    assert template is not None
    assert locate(np.zeros_like(grey), template) is None
    assert locate(grey[::-1, ::-1].copy(), template) is None
    assert locate(grey[:20, :20], template) is None
    assert extract_template(grey, 0, 0, 5, 5) is None


@pytest.fixture
def reading() -> Callable[..., LiveReading]:
    def make(*boxes: Box) -> LiveReading:
        scores = EmotionScores((0.0, 0.0, 0.0, 0.6, 0.3, 0.1, 0.0))
        faces = tuple(
            LiveFace(n, FaceReading(Face(box), scores), "happy") for n, box in enumerate(boxes)
        )
        return LiveReading(0.0, faces, scores, "happy", 0.0)

    return make


def test_a_face_carries_its_emotion_in_its_colour_and_nothing_else(
    image: Image, reading: Callable[..., LiveReading]
) -> None:
    captions = {name: Caption(name, (10 * n, 250, 20)) for n, name in enumerate(EMOTIONS, start=1)}
    grey = np.full_like(image, 128)
    drawn = draw_reading(grey, reading(Box(260, 100, 120, 120)), captions)
    pixels = drawn.reshape(-1, 3).tolist()
    assert {n for n in range(1, 8) if [10 * n, 250, 20] in pixels} == {4}
    assert (drawn[250:] == 128).all()
    assert (grey == 128).all()


def test_a_name_leaves_the_face_free_where_it_can(
    image: Image, reading: Callable[..., LiveReading]
) -> None:
    grey = np.full_like(image, 128)
    at_the_top = draw_reading(grey, reading(Box(260, 4, 120, 120)))
    assert (at_the_top[20:110, 280:360] == 128).all()
    assert (at_the_top[130:170, 280:360] != 128).any()
    filling = draw_reading(grey, reading(Box(100, 4, 470, 470)))
    assert (filling[20:110, 280:360] != 128).any()


@pytest.mark.parametrize("box", [Box(0, 0, 60, 60), Box(580, 420, 60, 60), Box(0, 0, 640, 480)])
def test_names_stay_within_the_image(
    image: Image, reading: Callable[..., LiveReading], box: Box
) -> None:
    assert draw_reading(image, reading(box)).shape == image.shape
    small = np.full((60, 80, 3), 50, np.uint8)
    assert draw_reading(small, reading(Box(10, 10, 30, 30))).shape == small.shape


def test_a_frame_can_be_read_without_being_drawn_on_and_errors_are_raised() -> None:
    camera = Camera()
    frame = np.full((96, 128, 3), 90, np.uint8)
    before = frame.copy()
    for _ in range(3):
        camera.clock.now += 0.2
        reading = camera.stream.read(frame, camera.clock.now)
    assert reading is not None
    assert reading.emotion == "happy"
    assert (frame == before).all()
    camera.classifier.problem = RuntimeError("no network")
    with pytest.raises(RuntimeError, match="no network"):
        camera.stream.read(frame, camera.clock.now + 0.2)
    with pytest.raises(ValueError, match="'image'"):
        camera.stream.read(frame[..., 0], camera.clock.now)
    camera.stream.close()
    assert camera.stream.read(frame, camera.clock.now) is None
