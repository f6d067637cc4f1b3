from __future__ import annotations

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
import skimage.data

from emotion import mtcnn_networks
from emotion.auto_detector import AutoDetector
from emotion.boxes import overlap, turned
from emotion.detector import DETECTORS, FaceDetector, build_detector
from emotion.haar_detector import TRUE_FROM, HaarDetector
from emotion.mtcnn_detector import MtcnnDetector
from emotion.mtcnn_networks import MtcnnUnavailable, load_weights
from emotion.types import Box, Face

FACE = Box(180, 62, 86, 110)
"""The astronaut's."""


@pytest.fixture(params=DETECTORS)
def detector(request: pytest.FixtureRequest) -> FaceDetector:
    return build_detector(request.param)


@pytest.fixture
def without_mtcnn(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    load_weights.cache_clear()
    monkeypatch.setattr(mtcnn_networks.importlib.util, "find_spec", lambda name: None)
    yield
    load_weights.cache_clear()


def drawing() -> np.ndarray:
    """A smiley as one would draw it."""
    picture = np.full((400, 400, 3), 255, np.uint8)
    cv2.circle(picture, (200, 200), 120, (230, 180, 150), -1)
    cv2.circle(picture, (200, 200), 120, (0, 0, 0), 10)
    for x in (160, 240):
        cv2.circle(picture, (x, 165), 25, (0, 0, 0), -1)
    cv2.ellipse(picture, (200, 230), (60, 40), 0, 10, 170, (0, 0, 0), 12)
    cv2.line(picture, (200, 180), (195, 215), (0, 0, 0), 10)
    return picture


def inside(box: Box, picture: np.ndarray) -> bool:
    height, width = picture.shape[:2]
    return box.x >= 0 <= box.y and box.x + box.width <= width and box.y + box.height <= height


def test_one_face_is_found_where_it_is(detector: FaceDetector, astronaut: np.ndarray) -> None:
    (face,) = detector.detect(astronaut)
    assert overlap(face.box, FACE) > 0.8
    assert face.turn == 0


def test_all_faces_of_a_crowd_are_found(detector: FaceDetector, crowd: np.ndarray) -> None:
    faces = detector.detect(crowd)
    assert len(faces) == 40
    assert all(inside(face.box, crowd) for face in faces)
    areas = [face.box.area for face in faces]
    assert areas == sorted(areas, reverse=True)
    assert len({(face.box.x // 200, face.box.y // 200) for face in faces}) == 40


def test_a_face_over_the_edge_gets_a_box_within(
    detector: FaceDetector, astronaut: np.ndarray
) -> None:
    picture = astronaut[75:400, 100:400]
    faces = detector.detect(np.ascontiguousarray(picture))
    assert all(inside(face.box, picture) for face in faces)


@pytest.mark.parametrize("what", ["landscape", "drawing", "text", "coins", "black", "noise"])
def test_no_face_is_invented(
    detector: FaceDetector, what: str, request: pytest.FixtureRequest
) -> None:
    if what in ("drawing", "coins", "text") and isinstance(detector, HaarDetector):
        pytest.skip("Haar alone may take these for a face; auto asks MTCNN")
    picture = {
        "landscape": lambda: request.getfixturevalue("landscape"),
        "drawing": drawing,
        "text": lambda: np.stack([skimage.data.text()] * 3, axis=-1),
        "coins": lambda: np.stack([skimage.data.coins()] * 3, axis=-1),
        "black": lambda: np.zeros((300, 300, 3), np.uint8),
        "noise": lambda: np.random.default_rng(0).integers(0, 256, (300, 300, 3)).astype(np.uint8),
    }[what]()
    assert detector.detect(picture) == []


@pytest.mark.parametrize("shape", [(1, 1, 3), (5, 700, 3), (30, 30, 3)])
def test_tiny_pictures_are_no_problem(detector: FaceDetector, shape: tuple[int, ...]) -> None:
    assert detector.detect(np.full(shape, 128, np.uint8)) == []


def test_the_picture_is_left_alone(detector: FaceDetector, astronaut: np.ndarray) -> None:
    before = astronaut.copy()
    detector.detect(astronaut)
    assert (astronaut == before).all()


def test_several_threads_get_what_one_gets(detector: FaceDetector, astronaut: np.ndarray) -> None:
    pictures = [astronaut, np.ascontiguousarray(astronaut[:, ::-1]), astronaut[:300, :400].copy()]
    alone = [detector.detect(picture) for picture in pictures]
    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(detector.detect, pictures * 4)) == alone * 4


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_auto_turns_the_picture_until_the_face_is_upright(turn: int, astronaut: np.ndarray) -> None:
    picture = np.ascontiguousarray(np.rot90(astronaut, turn // 90))
    stages: list[str] = []
    (face,) = AutoDetector().detect(picture, on_stage=stages.append)
    assert face.turn == turn
    assert inside(face.box, picture)
    assert stages == ["find", "look again", "turn"]
    assert face.landmarks is not None
    # The eyes' line, in the picture as it is, leans by as much as the picture was turned.
    across = np.subtract(face.landmarks.right_eye, face.landmarks.left_eye)
    lean = np.degrees(np.arctan2(across[1], across[0]))
    assert abs((lean + turn + 180) % 360 - 180) < 10


@pytest.mark.parametrize(("lean", "turn"), [(45, 330), (-45, 30)])
def test_auto_finds_a_head_that_leans(lean: int, turn: int, astronaut: np.ndarray) -> None:
    head = astronaut[:200, 140:310].copy()
    (upright,) = AutoDetector().detect(head)
    picture = turned(head, lean % 360)
    assert HaarDetector().detect(picture) == []
    (face,) = AutoDetector().detect(picture)
    assert face.turn == turn
    assert inside(face.box, picture)
    assert face.landmarks is not None
    across = np.subtract(face.landmarks.right_eye, face.landmarks.left_eye)
    assert np.degrees(np.arctan2(across[1], across[0])) == pytest.approx(lean, abs=10)
    sine, cosine = np.sin(np.radians(lean)), np.cos(np.radians(lean))
    from_the_middle = np.array([[cosine, -sine], [sine, cosine]]) @ (
        np.array(middle(upright.box)) - np.array(head.shape[1::-1]) / 2
    )
    expected = from_the_middle + np.array(picture.shape[1::-1]) / 2
    assert np.hypot(*(expected - middle(face.box))) < 0.15 * face.box.height


class Scripted:
    """Both detectors at once: says of each picture, told by its shape, what it was told to."""

    votes = 4

    def __init__(self, says: dict[tuple[int, ...], list[tuple[Face, float]]]) -> None:
        self.says = says

    def warm_up(self) -> None: ...

    def detect_with_votes(self, image: np.ndarray) -> list[tuple[Face, float]]:
        return self.says.get(image.shape, [])

    detect_with_scores = detect_with_votes


def scripted(haar: dict, mtcnn: dict) -> AutoDetector:
    return AutoDetector(Scripted(haar), Scripted(mtcnn))  # type: ignore[arg-type]


SMALL = np.zeros((60, 100, 3), np.uint8)
LEANING = turned(SMALL, 30).shape
"""The same for both leans."""
LYING = turned(SMALL, 90).shape
A, B = Face(Box(5, 5, 20, 20)), Face(Box(35, 35, 20, 20))
MIDDLE = Face(Box(LEANING[1] // 2 - 10, LEANING[0] // 2 - 10, 20, 20))
"""Of a leaning picture, and so of the upright one."""


def test_a_leaning_look_adds_only_what_both_detectors_see() -> None:
    looks = {SMALL.shape: [(A, 0.95)], LEANING: [(MIDDLE, 0.85), (B, 0.97)]}
    both = scripted({LEANING: [(MIDDLE, 1)]}, looks).detect(SMALL)
    assert [face.turn for face in both] == [0, 330]
    assert both[0] == A
    assert scripted({}, looks).detect(SMALL) == [A]


def test_of_two_looks_at_a_face_the_better_describes_it() -> None:
    upright = Face(Box(40, 20, 20, 20))
    for score, turn in ((0.94, 0), (0.96, 330)):
        looks = {SMALL.shape: [(upright, 0.95)], LEANING: [(MIDDLE, score)]}
        (face,) = scripted({LEANING: [(MIDDLE, 1)]}, looks).detect(SMALL)
        assert face.turn == turn


def test_a_photo_that_lies_needs_one_face_that_both_detectors_see() -> None:
    looks = {LYING: [(A, 0.995), (B, 0.85)]}
    assert scripted({}, looks).detect(SMALL) == []
    (only,) = scripted({LYING: [(A, 1)]}, looks).detect(SMALL)
    assert only.turn == 90
    looks = {LYING: [(A, 0.995), (B, 0.95)]}
    assert [face.turn for face in scripted({LYING: [(A, 1)]}, looks).detect(SMALL)] == [90, 90]


def middle(box: Box) -> tuple[float, float]:
    return box.x + box.width / 2, box.y + box.height / 2


def test_auto_believes_a_sure_haar_without_a_second_look(astronaut: np.ndarray) -> None:
    stages: list[str] = []
    AutoDetector().detect(astronaut, on_stage=stages.append)
    assert stages == ["find"]


def test_auto_finds_in_the_dark_what_haar_does_not(astronaut: np.ndarray) -> None:
    dark = (astronaut * 0.15).astype(np.uint8)
    assert HaarDetector().detect(dark) == []
    (face,) = AutoDetector().detect(dark)
    assert overlap(face.box, FACE) > 0.8


def test_mtcnn_gives_what_its_own_package_gives(astronaut: np.ndarray) -> None:
    # Reference: mtcnn 1.0.0 on tensorflow 2.21, `MTCNN().detect_faces`.
    (face,) = MtcnnDetector(smallest=20).detect(astronaut)
    reference = Box(182, 64, 83, 107)
    assert np.allclose(
        [face.box.x, face.box.y, face.box.width, face.box.height],
        [reference.x, reference.y, reference.width, reference.height],
        atol=12,
    )
    assert face.landmarks is not None
    found = np.array([face.landmarks.left_eye, face.landmarks.right_eye, face.landmarks.nose,
                      face.landmarks.mouth_left, face.landmarks.mouth_right])  # fmt: skip
    expected = [(204, 100), (245, 102), (224, 126), (202, 139), (244, 140)]
    assert np.abs(found - expected).max() < 4


@pytest.mark.usefixtures("without_mtcnn")
def test_auto_goes_on_with_haar_where_mtcnn_is_missing(
    astronaut: np.ndarray, landscape: np.ndarray, caplog: pytest.LogCaptureFixture
) -> None:
    detector = AutoDetector()
    with caplog.at_level(logging.WARNING):
        detector.warm_up()
        assert detector.detect(landscape) == []
        assert len(detector.detect(astronaut)) == 1
        turned = np.ascontiguousarray(np.rot90(astronaut))
        assert [face.turn for face in detector.detect(turned)] == [90]
    assert len(caplog.records) == 1
    assert "not installed" in caplog.text


@pytest.mark.usefixtures("without_mtcnn")
def test_mtcnn_asked_for_by_name_says_what_is_missing(astronaut: np.ndarray) -> None:
    with pytest.raises(MtcnnUnavailable, match="not installed"):
        MtcnnDetector().detect(astronaut)


def test_an_mtcnn_with_other_files_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    load_weights.cache_clear()
    monkeypatch.setitem(mtcnn_networks.WEIGHT_COUNTS, "pnet", 14)
    with pytest.raises(MtcnnUnavailable, match="13 arrays, not 14"):
        load_weights("pnet")
    load_weights.cache_clear()


def test_an_unknown_detector_is_named() -> None:
    with pytest.raises(ValueError, match="'yolo': one of auto, haar, mtcnn"):
        build_detector("yolo")  # type: ignore[arg-type]


def test_small_boxes_of_haar_are_made_smaller_about_their_middle(astronaut: np.ndarray) -> None:
    small = cv2.resize(astronaut, None, fx=0.42, fy=0.42, interpolation=cv2.INTER_AREA)
    (face,) = HaarDetector().detect(small)
    (drawn,) = HaarDetector(too_large=0.0).detect(small)
    assert drawn.box.width < TRUE_FROM
    assert face.box.width < drawn.box.width
    assert face.box.x + face.box.width / 2 == pytest.approx(
        drawn.box.x + drawn.box.width / 2, abs=1
    )
    (large,) = HaarDetector().detect(astronaut)
    (as_drawn,) = HaarDetector(too_large=0.0).detect(astronaut)
    assert large == as_drawn
