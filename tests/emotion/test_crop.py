from __future__ import annotations

import cv2
import numpy as np
import pytest

from emotion.crop import (
    CROP_MARGIN,
    CROP_SIDE_PX,
    DENOISE_ABOVE,
    LEVEL_FROM_DEGREES,
    SHARPEN_BELOW,
    crop_faces,
    crop_region,
    estimate_noise,
    extract_crop,
    measure_sharpness,
    preprocess,
    stretch_contrast,
)
from emotion.types import Box, CropRegion, Face, Landmarks


def gradient(height: int = 200, width: int = 300) -> np.ndarray:
    """Grey that grows to the right by one a pixel from 0, as far as it goes."""
    return np.tile(np.minimum(np.arange(width), 255).astype(np.uint8), (height, 1))


def leaning_face(angle: float) -> Face:
    """A face at (150, 100) whose eyes' line leans clockwise by ``angle`` degrees."""
    radians = np.radians(angle)
    across = np.array([np.cos(radians), np.sin(radians)]) * 20
    down = np.array([-np.sin(radians), np.cos(radians)])
    middle = np.array([150.0, 100.0])
    points = [middle - down * 10 - across, middle - down * 10 + across, middle,
              middle + down * 20 - across, middle + down * 20 + across]  # fmt: skip
    return Face(Box(110, 60, 80, 80), Landmarks(*[(float(x), float(y)) for x, y in points]))


def test_a_region_is_the_box_made_square_and_enlarged() -> None:
    frame = crop_region(Face(Box(10, 20, 40, 40)))
    assert (frame.x, frame.y, frame.angle) == (30, 40, 0)
    assert frame.side == pytest.approx(40 * (1 + CROP_MARGIN))
    assert crop_region(Face(Box(10, 20, 40, 40)), margin=0.5).side == 60


@pytest.mark.parametrize("angle", [-30, -16, 25])
def test_a_region_leans_with_the_eyes(angle: float) -> None:
    assert crop_region(leaning_face(angle)).angle == pytest.approx(angle)
    assert crop_region(leaning_face(angle), level_from=90.0).angle == 0


@pytest.mark.parametrize("angle", [-14, 0, 8])
def test_a_little_lean_stays(angle: float) -> None:
    assert crop_region(leaning_face(angle)).angle == 0
    assert crop_region(leaning_face(angle), level_from=0.0).angle == pytest.approx(angle)


@pytest.mark.parametrize("angle", [-80, -20, -5, 0, 14, 16, 170])
def test_a_detected_region_is_kept(angle: float) -> None:
    region = CropRegion(30.5, -4.0, 50.0, angle)
    frame = crop_region(Face(Box(5, 0, 50, 21), leaning_face(3).landmarks, region=region))
    assert (frame.x, frame.y) == (30.5, -4.0)
    assert frame.side == pytest.approx(50 * (1 + CROP_MARGIN))
    assert frame.angle == (angle if abs(angle) >= LEVEL_FROM_DEGREES else 0)


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_a_region_without_landmarks_leans_as_the_image_was_rotated(turn: int) -> None:
    image = np.zeros((100, 100), np.uint8)
    image[20:40, 20:80] = 200  # a bright forehead
    turned = np.ascontiguousarray(np.rot90(image, turn // 90))
    crop = extract_crop(turned, crop_region(Face(Box(20, 20, 60, 60), rotation=turn), margin=0))
    assert crop[4:12, 2:-2].min() > 190
    assert crop[-20:].max() < 10


@pytest.mark.parametrize("side", [20.0, 48.0, 96.0, 190.0])
def test_a_crop_shows_what_lies_in_the_region(side: float) -> None:
    crop = extract_crop(gradient(), CropRegion(x=100, y=100, side=side))
    step = side / CROP_SIDE_PX
    expected = 100 - side / 2 - 0.5 + step * (np.arange(CROP_SIDE_PX) + 0.5)
    assert crop.shape == (CROP_SIDE_PX, CROP_SIDE_PX)
    assert np.abs(crop[CROP_SIDE_PX // 2] - expected).max() <= 1.5


def test_the_crop_of_a_leaning_region_is_upright() -> None:
    image = np.zeros((200, 300), np.uint8)
    rows, columns = np.mgrid[:200, :300]
    lean = np.radians(20)
    image[(columns - 150) * -np.sin(lean) + (rows - 100) * np.cos(lean) < 0] = 255
    crop = extract_crop(image, CropRegion(150, 100, 80, angle=20))
    # Cubic sampling rings a little beside an edge.
    assert crop[: CROP_SIDE_PX // 2 - 1].min() > 250
    assert crop[CROP_SIDE_PX // 2 + 1 :].max() < 5


def test_a_region_beyond_the_edge_repeats_the_edge() -> None:
    crop = extract_crop(gradient(), CropRegion(x=0, y=100, side=48))
    assert crop[:, :23].max() == 0
    assert crop[CROP_SIDE_PX // 2, -1] > 20


def test_crops_of_an_image_come_as_one_batch(astronaut: np.ndarray) -> None:
    faces = [Face(Box(177, 66, 97, 97)), Face(Box(150, 40, 150, 150))]
    crops = crop_faces(astronaut, faces)
    assert crops.shape == (2, CROP_SIDE_PX, CROP_SIDE_PX)
    assert crops.dtype == np.uint8
    assert crop_faces(astronaut, []).shape == (0, CROP_SIDE_PX, CROP_SIDE_PX)


def test_a_dark_photo_gives_the_same_crop(astronaut: np.ndarray) -> None:
    face = [Face(Box(177, 66, 97, 97))]
    bright, dark = (crop_faces(image, face).astype(int)
                    for image in (astronaut, (astronaut * 0.3).astype(np.uint8)))  # fmt: skip
    assert dark.min() == 0
    assert dark.max() == 255
    assert np.abs(bright - dark).mean() < 4


def test_a_flat_crop_is_not_stretched_into_noise() -> None:
    flat = np.full((CROP_SIDE_PX, CROP_SIDE_PX), 100, np.uint8)
    flat[0, 0] = 104
    assert (stretch_contrast(flat) == flat).all()


def face_crop(astronaut: np.ndarray) -> np.ndarray:
    (crop,) = crop_faces(astronaut, [Face(Box(177, 66, 97, 97))])
    return crop


def with_noise(crop: np.ndarray, deviation: float) -> np.ndarray:
    noise = np.random.default_rng(0).normal(0, deviation, crop.shape)
    return np.clip(np.rint(crop + noise), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("deviation", [10, 20, 30])
def test_noise_is_measured_on_a_face(astronaut: np.ndarray, deviation: int) -> None:
    # On the face in the middle of the intensity range, where nothing is clipped at black and white.
    middling = (64 + face_crop(astronaut) * 0.5).astype(np.uint8)
    assert estimate_noise(with_noise(middling, deviation)) == pytest.approx(deviation, rel=0.15)


def test_a_clean_face_is_only_stretched(astronaut: np.ndarray) -> None:
    crop = face_crop(astronaut)
    assert estimate_noise(crop) < DENOISE_ABOVE
    assert measure_sharpness(crop) > SHARPEN_BELOW
    assert np.array_equal(preprocess(crop), stretch_contrast(crop))


def test_a_face_in_the_dark_is_denoised(astronaut: np.ndarray) -> None:
    crop = face_crop(astronaut)
    shot = with_noise((20 + crop * 0.25).astype(np.uint8), 4)
    as_it_is, without = stretch_contrast(shot), preprocess(shot)
    assert estimate_noise(without) < estimate_noise(as_it_is) / 2
    assert without.min() == 0
    assert without.max() == 255

    def likeness(found: np.ndarray) -> float:
        return float(np.corrcoef(found.ravel(), crop.ravel())[0, 1])

    assert likeness(without) > likeness(as_it_is)


@pytest.mark.parametrize("blur", [1.0, 1.5, 2.0])
def test_a_soft_face_is_sharpened(astronaut: np.ndarray, blur: float) -> None:
    crop = face_crop(astronaut)
    shot = cv2.GaussianBlur(crop, (0, 0), blur)
    assert measure_sharpness(shot) < SHARPEN_BELOW
    assert measure_sharpness(shot) < measure_sharpness(preprocess(shot)) <= measure_sharpness(crop)

    # What is added is what the blur took away.
    lost = (stretch_contrast(crop).astype(float) - stretch_contrast(shot)).ravel()
    added = (preprocess(shot).astype(float) - stretch_contrast(shot)).ravel()
    assert np.corrcoef(lost, added)[0, 1] > 0.5


def test_an_empty_crop_stays_empty() -> None:
    flat = np.full((CROP_SIDE_PX, CROP_SIDE_PX), 100, np.uint8)
    assert estimate_noise(flat) == 0
    assert measure_sharpness(flat) == 1
    assert np.array_equal(preprocess(flat), flat)
