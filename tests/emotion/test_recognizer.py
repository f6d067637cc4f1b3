from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from emotion.recognizer import MAX_FACES, MIN_FACE_PX, EmotionRecognizer
from emotion.types import Box, Face, Landmarks

if TYPE_CHECKING:
    from tests.emotion.conftest import FakeClassifier


class FixedDetector:
    """Sees the faces it was told, largest first."""

    def __init__(self, *sides: int) -> None:
        self.sides = sides

    def detect(self, image: Any, *, on_stage: Callable[[str], None] | None = None) -> list[Face]:
        if on_stage:
            on_stage("detect")
        return [Face(Box(0, 0, side, side)) for side in sorted(self.sides, reverse=True)]

    def warm_up(self) -> None: ...


BLACK = np.zeros((500, 500, 3), np.uint8)


def test_a_smile_is_read_as_happy(astronaut: np.ndarray) -> None:
    (reading,) = EmotionRecognizer().read(astronaut)
    assert reading.scores.emotion == "happy"
    assert reading.face.box.width > 50


@pytest.mark.parametrize("turn", [1, 2, 3])
def test_a_smile_lying_on_its_side_is_still_happy(turn: int, astronaut: np.ndarray) -> None:
    (reading,) = EmotionRecognizer().read(np.ascontiguousarray(np.rot90(astronaut, turn)))
    assert reading.scores.emotion == "happy"


def test_no_face_means_no_emotion(landscape: np.ndarray, fake_classifier: FakeClassifier) -> None:
    reading = EmotionRecognizer(classifier=fake_classifier).analyze(landscape)
    assert reading.faces == ()
    assert reading.notes == ()


def test_forty_faces_are_read_in_one_batch_and_capped(
    crowd: np.ndarray, fake_classifier: FakeClassifier
) -> None:
    reading = EmotionRecognizer(classifier=fake_classifier).analyze(crowd)
    assert len(reading.faces) == MAX_FACES
    assert [len(batch) for batch in fake_classifier.batches] == [MAX_FACES]
    assert reading.notes == ("40 faces were found; the 32 largest were read.",)
    areas = [face.face.box.area for face in reading.faces]
    assert areas == sorted(areas, reverse=True)


@pytest.mark.parametrize(
    ("tiny", "words"), [(1, "One face is too small"), (3, "3 faces are too small")]
)
def test_tiny_faces_are_refused_with_the_reason(
    tiny: int, words: str, fake_classifier: FakeClassifier
) -> None:
    detector = FixedDetector(60, MIN_FACE_PX, *[MIN_FACE_PX - 1] * tiny)
    reading = EmotionRecognizer(detector, fake_classifier).analyze(BLACK)
    assert [face.face.box.width for face in reading.faces] == [60, MIN_FACE_PX]
    (note,) = reading.notes
    assert note.startswith(words)
    assert str(MIN_FACE_PX) in note


def looking_aside(offset: float, *, ears: bool) -> Face:
    """A face whose nose lies by ``offset`` of the ears' or eyes' distance beside the middle."""
    nose = (100 + 80 * offset, 110.0)
    sides = ((60.0, 100.0), (140.0, 100.0))
    eyes = ((85.0, 90.0), (115.0, 90.0)) if ears else sides
    mouth = ((90.0, 130.0), (110.0, 130.0))
    return Face(Box(50, 50, 100, 100), Landmarks(*eyes, nose, *mouth, *(sides if ears else ())))


@pytest.mark.parametrize("ears", [True, False])
@pytest.mark.parametrize("side", [-1, 1])
def test_face_turned_away_is_reported_and_not_read(
    ears: bool, side: int, fake_classifier: FakeClassifier
) -> None:
    faces = [looking_aside(side * offset, ears=ears) for offset in (0.0, 0.4, 0.85)]
    for face, away in zip(faces, (False, False, True), strict=True):
        detector = FixedDetector()
        detector.detect = lambda image, *, on_stage=None, face=face: [face]  # type: ignore[method-assign]
        reading = EmotionRecognizer(detector, fake_classifier).analyze(BLACK)
        assert len(reading.faces) == (not away)
        expected = ("One face is turned away too far to be read.",) if away else ()
        assert reading.notes == expected


def test_faces_turned_away_do_not_count_toward_max_faces(fake_classifier: FakeClassifier) -> None:
    away, front = looking_aside(0.9, ears=True), Face(Box(300, 300, 90, 90))
    detector = FixedDetector()
    detector.detect = lambda image, *, on_stage=None: [away, away, front]  # type: ignore[method-assign]
    reading = EmotionRecognizer(detector, fake_classifier, max_faces=1).analyze(BLACK)
    assert [face.face for face in reading.faces] == [front]
    assert reading.notes == ("2 faces are turned away too far to be read.",)


def test_stages_are_reported_in_order(fake_classifier: FakeClassifier) -> None:
    stages: list[str] = []
    recognizer = EmotionRecognizer(FixedDetector(60), fake_classifier)
    recognizer.analyze(BLACK, on_stage=stages.append)
    assert stages == ["detect", "classify"]


def test_without_a_face_no_reading_stage_is_reported(fake_classifier: FakeClassifier) -> None:
    stages: list[str] = []
    EmotionRecognizer(FixedDetector(), fake_classifier).analyze(BLACK, on_stage=stages.append)
    assert stages == ["detect"]


@pytest.mark.parametrize(("image", "echo"), [
    (np.zeros((10, 10), np.uint8), r"shape \(10, 10\)"),
    (np.zeros((10, 10, 4), np.uint8), r"shape \(10, 10, 4\)"),
    (np.zeros((0, 10, 3), np.uint8), r"shape \(0, 10, 3\)"),
    (np.zeros((10, 10, 3), np.float32), "dtype float32"),
    ("happy.jpg", "a str"),
    (None, "a NoneType"),
])  # fmt: skip
def test_non_image_argument_is_refused_with_its_type(
    image: Any, echo: str, fake_classifier: FakeClassifier
) -> None:
    recognizer = EmotionRecognizer(FixedDetector(60), fake_classifier)
    with pytest.raises(ValueError, match=f"'image' argument: {echo}"):
        recognizer.read(image)
    assert fake_classifier.batches == []


def test_max_faces_must_be_positive(fake_classifier: FakeClassifier) -> None:
    with pytest.raises(ValueError, match="'max_faces' argument: 0"):
        EmotionRecognizer("haar", fake_classifier, max_faces=0)


def test_an_unknown_detector_is_named(fake_classifier: FakeClassifier) -> None:
    with pytest.raises(ValueError, match="'dlib'"):
        EmotionRecognizer("dlib", fake_classifier)  # type: ignore[arg-type]


def test_warm_up_reads_once_so_that_the_first_photo_need_not(
    fake_classifier: FakeClassifier,
) -> None:
    EmotionRecognizer("haar", fake_classifier).warm_up()
    assert len(fake_classifier.batches) == 1
