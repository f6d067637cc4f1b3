"""Smoothing, naming, stability and tracking, as functions of readings and times."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest

from emotion.labels import EMOTIONS
from emotion.live.smoothing import (
    SMOOTHING_SECONDS,
    STABLE_AFTER_SECONDS,
    SWITCH_AFTER_SECONDS,
    WARM_UP_SECONDS,
    Trace,
    mean_probabilities,
    total_variation_distance,
)
from emotion.live.template_tracking import SearchFrame
from emotion.live.tracker import LOST_AFTER_SECONDS, MAX_TRACKS, FaceTracker, LiveReading, Track
from emotion.types import Box, Face


def shows(**probabilities: float) -> tuple[float, ...]:
    rest = (1 - sum(probabilities.values())) / (len(EMOTIONS) - len(probabilities))
    return tuple(probabilities.get(emotion, rest) for emotion in EMOTIONS)


HAPPY, SAD, NEUTRAL = shows(happy=0.9), shows(sad=0.9), shows(neutral=0.8)


def ticks(start: float, seconds: float, rate: float) -> Iterator[float]:
    return (start + number / rate for number in range(1, round(seconds * rate) + 1))


def follow(trace: Trace, row: tuple[float, ...], seconds: float, rate: float = 30) -> Trace:
    for time in ticks(trace.time, seconds, rate):
        trace = trace.after(row, time)
    return trace


# --- smoothing ----------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [5, 15, 30, 60])
def test_smoothing_does_not_depend_on_the_frame_rate(rate: float) -> None:
    trace = follow(Trace.begin(HAPPY, 0.0), HAPPY, 3.0, rate)
    trace = follow(trace, SAD, 0.6, rate)
    expected = 0.9 * np.exp(-0.6 / SMOOTHING_SECONDS) + SAD[3] * (
        1 - np.exp(-0.6 / SMOOTHING_SECONDS)
    )
    assert trace.probabilities[3] == pytest.approx(expected, abs=0.01)
    assert sum(trace.probabilities) == pytest.approx(1)


def test_the_first_readings_count_alike() -> None:
    trace = Trace.begin(SAD, 0.0).after(HAPPY, 0.03).after(HAPPY, 0.06)
    assert trace.probabilities == pytest.approx(mean_probabilities([SAD, HAPPY, HAPPY]))


def test_no_smoothing_takes_readings_as_they_are() -> None:
    trace = Trace.begin(SAD, 0.0).after(HAPPY, 0.1, time_constant=0.0)
    assert trace.probabilities == pytest.approx(HAPPY)


def test_time_running_backwards_is_clamped() -> None:
    trace = follow(Trace.begin(HAPPY, 10.0), HAPPY, 1.0)
    assert trace.after(SAD, 3.0).time == trace.time


# --- the name -----------------------------------------------------------------------------------


@pytest.mark.parametrize("seconds", [1.0, 2.0, 4.0])
def test_readings_far_apart_give_the_name_at_once(seconds: float) -> None:
    trace = follow(Trace.begin(HAPPY, 0.0), HAPPY, 4 * seconds, 1 / seconds)
    trace = trace.after(SAD, trace.time + seconds)
    assert trace.emotion == "sad"
    close = trace.after(shows(happy=0.45, sad=0.4), trace.time + seconds)
    assert close.emotion == "sad"


@pytest.mark.parametrize("rate", [8, 15, 30])
def test_one_wrong_frame_changes_nothing(rate: float) -> None:
    trace = follow(Trace.begin(HAPPY, 0.0), HAPPY, 2.0, rate)
    trace = trace.after(shows(sad=0.99), trace.time + 1 / rate)
    assert trace.emotion == "happy"
    assert follow(trace, HAPPY, 2.0, rate).emotion == "happy"


@pytest.mark.parametrize("rate", [8, 15, 30])
def test_a_real_change_is_named_within_a_second(rate: float) -> None:
    trace = follow(Trace.begin(HAPPY, 0.0), HAPPY, 2.0, rate)
    changed = trace.time
    while trace.emotion == "happy":
        trace = trace.after(SAD, trace.time + 1 / rate)
    assert trace.emotion == "sad"
    assert SWITCH_AFTER_SECONDS <= trace.time - changed < 1.0


def test_equally_probable_emotions_do_not_alternate() -> None:
    rng = np.random.default_rng(1)
    trace = Trace.begin(shows(neutral=0.41, sad=0.40), 0.0)
    names = []
    for time in ticks(0.0, 30.0, 15):
        tilt = rng.normal(0, 0.08)
        trace = trace.after(shows(neutral=0.41 + tilt, sad=0.40 - tilt), time)
        names.append(trace.emotion)
    assert set(names) == {"neutral"}


def test_a_rival_has_to_lead_without_a_break() -> None:
    trace = follow(Trace.begin(HAPPY, 0.0), HAPPY, 2.0)
    for _ in range(10):
        trace = follow(follow(trace, SAD, 0.2), HAPPY, 0.5)
        assert trace.emotion == "happy"


# --- stability -----------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [5, 15, 30])
def test_an_unchanged_mood_is_stable_after_its_time(rate: float) -> None:
    trace = Trace.begin(HAPPY, 0.0)
    while trace.stable_for < STABLE_AFTER_SECONDS:
        trace = trace.after(HAPPY, trace.time + 1 / rate)
    assert trace.time == pytest.approx(WARM_UP_SECONDS + STABLE_AFTER_SECONDS, abs=1.5 / rate)


def test_another_mood_begins_again() -> None:
    trace = follow(Trace.begin(HAPPY, 0.0), HAPPY, 2.2)
    assert 1.5 < trace.stable_for < STABLE_AFTER_SECONDS
    trace = follow(trace, SAD, 0.7)
    assert trace.emotion == "sad"
    assert trace.stable_for < 0.5


def test_a_drift_within_the_same_name_begins_again() -> None:
    trace = follow(Trace.begin(HAPPY, 0.0), HAPPY, 2.2)
    less = shows(happy=0.5, surprise=0.4)
    assert total_variation_distance(HAPPY, less) > 0.3
    trace = follow(trace, less, 1.0)
    assert trace.emotion == "happy"
    assert trace.stable_for < 1.0


# --- tracking -----------------------------------------------------------------------------------


@pytest.fixture
def tracker() -> FaceTracker:
    return FaceTracker()


@pytest.fixture
def see(tracker: FaceTracker) -> Callable[..., LiveReading | None]:
    """Detect and read faces: box → what it shows."""

    def once(time: float, faces: dict[Box, tuple[float, ...]]) -> LiveReading | None:
        tracker.update([Face(box) for box in faces], time)
        rows = {}
        for track in tracker.tracks:
            nearest = min(faces, key=lambda b: abs(b.x - track.x), default=None)
            if nearest is not None and abs(nearest.x - track.x) < 100:
                rows[track.identity] = faces[nearest]
        return tracker.read(rows, time, width=640, height=480)

    return once


LEFT, RIGHT = Box(60, 100, 100, 100), Box(400, 100, 90, 90)


def test_a_face_counts_from_its_second_detection(see: Callable[..., LiveReading | None]) -> None:
    assert see(0.0, {LEFT: HAPPY}) is None
    reading = see(0.1, {LEFT: HAPPY})
    assert reading is not None
    assert (reading.emotion, len(reading.faces)) == ("happy", 1)
    assert reading.scores.emotion == "happy"


def test_a_moving_face_keeps_its_identity(see: Callable[..., LiveReading | None]) -> None:
    identities = set()
    for number in range(20):
        box = Box(60 + 15 * number, 100, 100, 100)
        reading = see(number * 0.2, {box: HAPPY})
        if reading:
            identities.add(reading.faces[0].identity)
            assert abs(reading.faces[0].reading.face.box.x - box.x) < 30
    assert len(identities) == 1


@pytest.mark.parametrize("rate", [5, 10, 15])
def test_a_face_that_moves_quickly_stays_one_face(
    see: Callable[..., LiveReading | None], rate: float
) -> None:
    for number in range(8):
        box = Box(20 + 70 * number, 100, 120, 120)
        reading = see(number / rate, {box: HAPPY})
        if number:
            assert reading is not None
            (face,) = reading.faces
            assert face.identity == 1
            assert abs(face.reading.face.box.x - box.x) < 10


def test_box_jitter_is_smoothed(see: Callable[..., LiveReading | None]) -> None:
    places = []
    for number in range(40):
        reading = see(number * 0.05, {Box(300 + 6 * (number % 2), 100, 120, 120): HAPPY})
        places.append(reading.faces[0].reading.face.box.x if reading else 303)
    assert max(places[10:]) - min(places[10:]) <= 3


@pytest.mark.parametrize(
    ("box", "readable"),
    [
        (Box(200, 100, 150, 150), True),
        (Box(-30, 100, 150, 150), True),
        (Box(-60, 100, 150, 150), False),
        (Box(550, 100, 150, 150), False),
        (Box(200, 400, 150, 150), False),
        (Box(-40, -30, 150, 150), False),
        (Box(-40, -120, 720, 720), True),  # close to the camera
        (Box(700, 100, 150, 150), False),
        (Box(700, 500, 150, 150), False),
        (Box(200, 100, 0, 0), False),
    ],
)
def test_a_face_cut_off_by_the_edge_is_not_readable(box: Box, readable: bool) -> None:
    track = Track(1, box.x, box.y, box.width, box.height, 0.0)
    assert track.is_readable(640, 480) is readable
    assert not replace(track, turned_away=True).is_readable(640, 480)


def test_two_faces_are_not_mixed_up_and_make_a_room(
    see: Callable[..., LiveReading | None],
) -> None:
    reading = None
    for number in range(20):
        # The order in which a detector names them is no help.
        faces = {LEFT: HAPPY, RIGHT: SAD} if number % 2 else {RIGHT: SAD, LEFT: HAPPY}
        reading = see(number * 0.2, faces)
    assert reading is not None
    assert [face.emotion for face in reading.faces] == ["happy", "sad"]
    assert [face.reading.face.box.x for face in reading.faces] == [LEFT.x, RIGHT.x]
    assert reading.scores.probabilities == pytest.approx(mean_probabilities([HAPPY, SAD]), abs=0.01)


def test_a_room_becomes_stable_too(see: Callable[..., LiveReading | None]) -> None:
    reading = None
    for number in range(30):
        reading = see(number * 0.1, {LEFT: HAPPY, RIGHT: NEUTRAL})
    assert reading is not None
    assert reading.is_stable
    assert reading.remaining == 0


def test_a_face_that_is_missed_once_stays(
    tracker: FaceTracker, see: Callable[..., LiveReading | None]
) -> None:
    see(0.0, {LEFT: HAPPY})
    see(0.2, {LEFT: HAPPY})
    see(0.4, {})
    assert len(tracker.tracks) == 1
    see(0.4 + LOST_AFTER_SECONDS, {})
    assert not tracker.tracks


def test_next_person_starts_with_a_new_trace(see: Callable[..., LiveReading | None]) -> None:
    for number in range(20):
        see(number * 0.1, {LEFT: HAPPY})
    for number in range(8):
        assert see(2.0 + number * 0.1, {}) is None or number < 6
    see(3.0, {LEFT: SAD})
    reading = see(3.1, {LEFT: SAD})
    assert reading is not None
    assert reading.scores.probabilities == pytest.approx(SAD)
    assert reading.stable_for == 0


def test_largest_faces_of_a_crowd_are_tracked(tracker: FaceTracker) -> None:
    many = range(MAX_TRACKS + 3)
    tracker.update([Face(Box(70 * n, 10, 40 + n, 40 + n)) for n in many], 0.0)
    assert len(tracker.tracks) == MAX_TRACKS
    assert tracker.tracks[0].width == 40 + MAX_TRACKS + 2


def texture(shift: tuple[int, int] = (0, 0)) -> SearchFrame:
    grey = np.random.default_rng(4).integers(0, 256, (120, 160)).astype(np.uint8)
    return SearchFrame(np.roll(grey, shift, axis=(1, 0)), scale=0.25)


def test_a_template_belongs_to_its_track(tracker: FaceTracker) -> None:
    tracker.update([Face(LEFT), Face(RIGHT)], 0.0)
    assert [track.template for track in tracker.tracks] == [None, None]
    assert tracker.track_templates(texture())  # without templates none is missed
    tracker.renew_templates(texture())
    before = tracker.tracks
    assert tracker.track_templates(texture(shift=(3, -2)))
    for old, new in zip(before, tracker.tracks, strict=True):
        assert (new.x, new.y) == pytest.approx((old.x + 12, old.y - 8), abs=0.1)
        assert old.template is not None
        assert new.template is not None
        assert new.template.pixels is old.template.pixels
        assert new.template.x == pytest.approx(old.template.x + 3, abs=0.1)


def test_a_face_whose_template_is_not_found_stays_where_it_was(tracker: FaceTracker) -> None:
    tracker.update([Face(LEFT)], 0.0)
    tracker.renew_templates(texture())
    empty = SearchFrame(np.zeros((120, 160), np.uint8), scale=0.25)
    assert not tracker.track_templates(empty)
    assert tracker.tracks[0].box == LEFT


def test_a_face_too_small_for_a_template_has_none(tracker: FaceTracker) -> None:
    tracker.update([Face(Box(60, 100, 30, 30))], 0.0)
    tracker.renew_templates(texture())
    assert tracker.tracks[0].template is None


def test_boxes_scale_with_the_frame(tracker: FaceTracker) -> None:
    tracker.update([Face(LEFT)], 0.0)
    tracker.renew_templates(texture())
    tracker.resize(0.5, 0.5)
    assert tracker.tracks[0].box == Box(30, 50, 50, 50)
    assert tracker.tracks[0].template is None
