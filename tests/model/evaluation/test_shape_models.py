"""The shape models on synthetic shapes and drawn faces: what is put in is what they find."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from model.evaluation.features import TRAINED_FEATURES
from model.evaluation.shape_models import training
from model.evaluation.shape_models.active_shape import ActiveShapeModel, Outline
from model.evaluation.shape_models.appearance import (
    ActiveAppearanceModel,
    AppearanceModel,
    TextureFrame,
)
from model.evaluation.shape_models.modes import draw_modes
from model.evaluation.shape_models.points import (
    PrincipalComponents,
    ShapeModel,
    distances,
    inverse,
    procrustes,
    similarity,
    transform,
)
from model.evaluation.shape_models.sampling import blur, sample

RING = 16
OUTLINE = Outline.of([(RING, True), (8, True)])


def shapes(count: int, *, seed: int = 0, bend: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Make faces ``(N, 24, 2)`` in 48x48 pixels, and how far their mouths are open."""
    random = np.random.default_rng(seed)
    around = 2 * np.pi * np.arange(RING) / RING
    head = np.stack([14 * np.cos(around), 17 * np.sin(around)], axis=-1)
    around = 2 * np.pi * np.arange(8) / 8
    lips = np.stack([6 * np.cos(around), 3 * np.sin(around) + 7], axis=-1)
    opening = random.normal(0, 1, count)
    found = np.repeat(np.concatenate([head, lips])[np.newaxis], count, axis=0)
    found[:, RING:, 1] += bend * opening[:, np.newaxis] * np.sin(around)
    angle, scale = random.normal(0, 0.08, count), random.uniform(0.9, 1.1, count)
    pose = np.stack([scale * np.exp(1j * angle), random.normal(0, 1.5, (count, 2)) @ [1, 1j]], 1)
    pose[:, 1] += 24 + 24j
    return transform(found.astype(np.float32), pose.astype(np.complex64)), opening


def drawn(points: np.ndarray) -> np.ndarray:
    """Draw faces: a light head on a dark ground, dark lips in it, uint8 ``(N, 48, 48)``."""
    images = np.full((len(points), 48, 48), 60, np.uint8)
    for image, shape in zip(images, points, strict=True):
        for part, intensity in ((shape[:RING], 190), (shape[RING:], 90)):
            polygon = np.round(part * 16).astype(np.int32)
            cv2.fillPoly(image, [polygon], intensity, lineType=cv2.LINE_AA, shift=4)
    return images


TURN = np.array([[1.7 * np.exp(0.6j), 5 - 3j]], np.complex64)


def test_procrustes_removes_similarity_transforms() -> None:
    faces, _ = shapes(40)
    poses = np.concatenate([TURN, TURN**2] * 20)
    mean, aligned = procrustes(faces)
    _, again = procrustes(transform(faces, poses))
    back = transform(again, similarity(again.mean(axis=0), mean))
    assert np.abs(back - aligned).max() < 1e-3
    assert mean.mean(axis=0) == pytest.approx([0, 0], abs=1e-6)
    assert np.linalg.norm(mean) == pytest.approx(1, abs=1e-5)


def test_similarity_is_found_and_undone() -> None:
    faces, _ = shapes(3)
    moved = transform(faces, TURN)
    assert similarity(faces, moved) == pytest.approx(np.repeat(TURN, 3, axis=0), abs=1e-4)
    assert transform(moved, inverse(TURN)) == pytest.approx(faces, abs=1e-4)
    assert distances(moved, moved + np.float32([3, 4])) == pytest.approx([5, 5, 5], abs=1e-5)


@pytest.mark.parametrize("shape", [(1, 24, 2), (5, 24, 3), (5, 1, 2), (24, 2)])
def test_procrustes_refuses_what_cannot_be_aligned(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="at least two"):
        procrustes(np.ones(shape, np.float32))


@pytest.mark.parametrize("count", [20, 400])
def test_components_of_synthetic_shapes_are_recovered(count: int) -> None:
    random = np.random.default_rng(0)
    directions = np.linalg.qr(random.normal(size=(60, 2)))[0].T
    weights = random.normal(0, 1, (count, 2)) * [5.0, 2.0]
    vectors = (weights @ directions + 7).astype(np.float32)
    found = PrincipalComponents.of(vectors, kept=0.999)
    assert found.modes.shape == (2, 60)
    assert np.abs(found.modes @ found.modes.T - np.eye(2)).max() < 1e-4
    # The same plane, and everything in it.
    assert found.reconstruct(found.project(vectors)) == pytest.approx(vectors, abs=1e-3)
    assert found.deviations == pytest.approx(found.project(vectors).std(axis=0), rel=1e-3)
    assert len(PrincipalComponents.of(vectors, kept=0.5).modes) == 1
    assert found.limit(np.float32([[1e3, -1e3]])) == pytest.approx(
        np.float32([3, -3]) * found.deviations[np.newaxis]
    )


def test_a_shape_model_recovers_the_mode_that_shapes_differ_by() -> None:
    faces, opening = shapes(300)
    model = ShapeModel.of(faces)
    assert model.components.modes.shape == (1, 48)
    parameters, pose = model.fit(faces)
    assert abs(np.corrcoef(parameters[:, 0], opening)[0, 1]) > 0.99
    inside = np.abs(opening) < 2.5
    assert distances(model.place(parameters, pose), faces)[inside].max() < 0.2
    # The pose is not part of what is said of a shape.
    turned, _ = model.fit(transform(faces, TURN))
    assert turned == pytest.approx(parameters, abs=2e-3)


def test_samples_lie_between_pixels_and_end_at_the_edge() -> None:
    ramp = np.tile(np.arange(6, dtype=np.float32), (2, 5, 1))
    ramp[1] += 100
    points = np.float32([[[1.5, 2], [9, 9]], [[0.25, 0], [-4, 1]]])
    assert sample(ramp, points) == pytest.approx(np.float32([[1.5, 5], [100.25, 100]]), abs=2e-3)
    assert blur(ramp, 0) is ramp
    assert blur(ramp, 1.0).shape == ramp.shape


def test_normals_stand_on_the_contour() -> None:
    around = 2 * np.pi * np.arange(12) / 12
    circle = np.stack([np.cos(around), np.sin(around)], axis=-1)[np.newaxis].astype(np.float32)
    normals = Outline.of([(12, True)]).normals(circle)
    assert np.abs((normals * circle).sum(axis=2)) == pytest.approx(np.ones((1, 12)), abs=1e-5)
    line = np.float32([[[0, 0], [1, 0], [2, 0]]])
    assert np.abs(Outline.of([(3, False)]).normals(line)[0, :, 1]) == pytest.approx([1, 1, 1])


@pytest.fixture(scope="module")
def shape_model() -> ShapeModel:
    return ShapeModel.of(shapes(300)[0])


def test_an_active_shape_model_moves_to_the_face(shape_model: ShapeModel) -> None:
    faces, _ = shapes(300)
    model = ActiveShapeModel.of(shape_model, OUTLINE, drawn(faces), faces)
    truth, opening = shapes(60, seed=1)
    start = transform(shape_model.mean, np.repeat(shape_model.pose, 60, axis=0))
    parameters, pose = model.fit(drawn(truth))
    assert (parameters.shape, parameters.dtype) == ((60, 1), np.float32)
    found = distances(shape_model.place(parameters, pose), truth)
    assert found.mean() < 0.4 * distances(start, truth).mean()
    assert found.mean() < 0.8
    assert abs(np.corrcoef(parameters[:, 0], opening)[0, 1]) > 0.8
    assert (np.abs(parameters) <= 3.001 * shape_model.components.deviations).all()
    # A face is fitted alone as among others.
    alone, _ = model.fit(drawn(truth[5:6]))
    assert alone == pytest.approx(parameters[5:6], abs=1e-4)


def test_a_texture_frame_warps_piece_by_piece(shape_model: ShapeModel) -> None:
    frame = TextureFrame.of(shape_model.mean, 300)
    assert frame.weights.shape[0] == pytest.approx(300, rel=0.1)
    assert frame.weights.sum(axis=1) == pytest.approx(np.ones(len(frame.weights)), abs=1e-5)
    assert frame.weights.min() > -1e-5
    assert frame.mask.sum() == len(frame.weights)
    # An image that the warp undoes has one texture, whatever the shape.
    faces, _ = shapes(20, bend=0)
    textures = frame.sample(drawn(faces).astype(np.float32), faces)
    assert textures.mean(axis=1) == pytest.approx(np.zeros(20), abs=1e-4)
    assert textures.std(axis=1) == pytest.approx(np.ones(20), abs=1e-4)
    assert np.corrcoef(textures).min() > 0.9
    flat = frame.sample(np.full((1, 48, 48), 9, np.float32), faces[:1])
    assert (flat == 0).all()


@pytest.fixture(scope="module")
def appearance() -> ActiveAppearanceModel:
    faces, _ = shapes(300)
    model = AppearanceModel.of(ShapeModel.of(faces), drawn(faces), faces)
    return ActiveAppearanceModel.of(model, drawn(faces), faces)


def test_an_active_appearance_model_moves_to_the_face(appearance: ActiveAppearanceModel) -> None:
    model = appearance.model
    truth, opening = shapes(60, seed=1)
    start = transform(model.shape.mean, np.repeat(model.shape.pose, 60, axis=0))
    images = drawn(truth)
    combined, pose = appearance.fit(images)
    assert combined.shape == (60, len(model.combined.modes))
    assert combined.dtype == np.float32
    found = distances(model.place(combined, pose), truth)
    assert found.mean() < 0.4 * distances(start, truth).mean()
    shape, texture = model.split(combined)
    assert abs(np.corrcoef(shape[:, 0], opening)[0, 1]) > 0.8
    assert model.join(shape, texture) == pytest.approx(combined, abs=1e-3)
    # Brightness and contrast are no part of the appearance.
    darker, _ = appearance.fit((images * 0.6 + 20).astype(np.uint8))
    assert np.abs(darker - combined).mean() < 0.2 * np.abs(combined).mean()
    alone, _ = appearance.fit(images[5:6])
    assert alone == pytest.approx(combined[5:6], abs=1e-3)


def test_search_in_noise_stays_within_shape_limits(appearance: ActiveAppearanceModel) -> None:
    model = appearance.model
    noise = np.random.default_rng(0).integers(0, 255, (8, 48, 48)).astype(np.uint8)
    combined, pose = appearance.fit(noise)
    assert np.isfinite(combined).all()
    assert np.isfinite(pose).all()
    assert (np.abs(combined) <= 3.001 * model.combined.deviations).all()


def test_modes_are_drawn(appearance: ActiveAppearanceModel, tmp_path: Path) -> None:
    path = draw_modes(appearance.model, OUTLINE, tmp_path / "modes.png", count=2)
    image = cv2.imread(str(path))
    assert image.shape[1] == pytest.approx(814, abs=2)
    # Lines on the left, faces on the right, both on a light ground.
    ground = image[0, 0].astype(int)
    assert ground.min() > 240
    different = np.abs(image.astype(int) - ground).max(axis=2) > 60
    assert different[:, :380].any()
    assert different[:, 430:].any()


@pytest.fixture
def known_points(monkeypatch: pytest.MonkeyPatch) -> np.ndarray:
    """Have the landmark network find the points of drawn faces, but be unsure of the last."""
    points, _ = shapes(120)

    def found(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        probabilities = np.ones(len(images), np.float32)
        probabilities[-1] = 0.1
        return points[: len(images)], probabilities

    monkeypatch.setattr(training, "face_shapes", found)
    monkeypatch.setattr(training, "face_outline", lambda: OUTLINE)
    return drawn(points)[..., np.newaxis]


@pytest.mark.parametrize("name", TRAINED_FEATURES)
def test_features_are_trained_and_measured(
    name: str, known_points: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "TRAINING_FACES", 100)
    train: Callable[..., training.ShapeFeatures] = TRAINED_FEATURES[name]
    features = train(known_points)
    found = features(known_points)
    assert found.shape[0] == 120
    assert found.dtype == np.float32
    assert np.isfinite(found).all()
    assert np.abs(found).max() <= 3.001
    assert features(known_points[:1]) == pytest.approx(found[:1], abs=2e-3)
    assert features(known_points[:0]).shape == (0, found.shape[1])
    error = training.fit_error(features, known_points)
    assert error is not None
    assert error.faces == 119
    assert error.mean_px < error.start_px
    assert "pixels from the landmark network's" in str(error)
    assert training.size_bytes(features) > 1_000
    assert training.fit_error(features, known_points[-1:]) is None
