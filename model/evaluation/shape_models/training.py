"""Shape models as features: trained on FER-2013, fitted to any face crop.

The landmark network gives the points of the training faces, and what the fits are measured
against. New faces are fitted by the models' own search.
"""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from model.evaluation.landmarks import CLOSED, CONTOURS, MIN_FACE_PROBABILITY, face_shapes
from model.evaluation.shape_models.active_shape import ActiveShapeModel, Outline
from model.evaluation.shape_models.appearance import ActiveAppearanceModel, AppearanceModel
from model.evaluation.shape_models.points import Array, ShapeModel, distances, transform

TRAINING_FACES: Final = 6_000
"""Faces, at most, that a model is trained on; its classifier is trained on all."""
SHAPE_KEPT_VARIANCE: Final = 0.98
"""Of the shapes. The usual 95 % would keep four modes, which turn and nod the head: FER-2013's
faces are seldom frontal, and an expression moves fewer points than a turn of the head."""
MEASURED_FACES: Final = 1_000
"""Faces, at most, in which fits are compared with the landmark network."""
SEED: Final = 0


class ShapeFeatures(Protocol):
    """A trained model that turns face crops into features."""

    def __call__(self, images: NDArray[np.uint8]) -> Array:
        """Return features float32 ``(N, D)`` of grayscale uint8 ``(N, 48, 48, 1)``."""
        ...

    def points(self, images: NDArray[np.uint8]) -> Array:
        """Return the points ``(N, P, 2)`` of the fit, in pixels of the crop."""
        ...

    @property
    def start(self) -> Array:
        """The points ``(P, 2)`` that the search begins with, in pixels of the crop."""
        ...


@dataclass(frozen=True, slots=True)
class ActiveShapeFeatures:
    """The shape parameters of a fitted Active Shape Model, in standard deviations."""

    model: ActiveShapeModel

    def __call__(self, images: NDArray[np.uint8]) -> Array:
        """Return features float32 ``(N, K)`` of grayscale uint8 ``(N, 48, 48, 1)``."""
        parameters, _ = self.model.fit(images[..., 0])
        return np.asarray(parameters / self.model.shape.components.deviations, np.float32)

    def points(self, images: NDArray[np.uint8]) -> Array:
        """Return the points ``(N, P, 2)`` of the fit, in pixels of the crop."""
        return self.model.shape.place(*self.model.fit(images[..., 0]))

    @property
    def start(self) -> Array:
        """The points ``(P, 2)`` that the search begins with, in pixels of the crop."""
        return _start(self.model.shape)


@dataclass(frozen=True, slots=True)
class AppearanceFeatures:
    """The combined parameters of a fitted Active Appearance Model, in standard deviations."""

    model: ActiveAppearanceModel

    def __call__(self, images: NDArray[np.uint8]) -> Array:
        """Return features float32 ``(N, C)`` of grayscale uint8 ``(N, 48, 48, 1)``."""
        combined, _ = self.model.fit(images[..., 0])
        return np.asarray(combined / self.model.model.combined.deviations, np.float32)

    def points(self, images: NDArray[np.uint8]) -> Array:
        """Return the points ``(N, P, 2)`` of the fit, in pixels of the crop."""
        return self.model.model.place(*self.model.fit(images[..., 0]))

    @property
    def start(self) -> Array:
        """The points ``(P, 2)`` that the search begins with, in pixels of the crop."""
        return _start(self.model.model.shape)


def _start(shape: ShapeModel) -> Array:
    return np.asarray(transform(shape.mean, shape.pose)[0], np.float32)


def face_outline() -> Outline:
    """Return the outline of the landmark network's contours."""
    return Outline.of([(len(points), name in CLOSED) for name, points in CONTOURS.items()])


def train_active_shape(images: NDArray[np.uint8]) -> ActiveShapeFeatures:
    """Train an Active Shape Model on faces.

    Args:
        images: grayscale uint8 ``(N, 48, 48, 1)``, of which `TRAINING_FACES` are drawn.

    Raises:
        ValueError: another shape or type, or too few faces.
        BlazefaceUnavailable: the landmark network is not installed.
    """
    faces, shapes = _annotated(images)
    shape = ShapeModel.of(shapes, kept=SHAPE_KEPT_VARIANCE)
    model = ActiveShapeModel.of(shape, face_outline(), faces, shapes)
    return ActiveShapeFeatures(model)


def train_active_appearance(images: NDArray[np.uint8]) -> AppearanceFeatures:
    """Train an Active Appearance Model on faces.

    Args:
        images: grayscale uint8 ``(N, 48, 48, 1)``, of which `TRAINING_FACES` are drawn.

    Raises:
        ValueError: another shape or type, or too few faces.
        BlazefaceUnavailable: the landmark network is not installed.
    """
    faces, shapes = _annotated(images)
    shape = ShapeModel.of(shapes, kept=SHAPE_KEPT_VARIANCE)
    model = AppearanceModel.of(shape, faces, shapes)
    return AppearanceFeatures(ActiveAppearanceModel.of(model, faces, shapes, seed=SEED))


@dataclass(frozen=True, slots=True)
class FitError:
    """How far fitted points lie from the landmark network's, in pixels of the 48x48 crop.

    Attributes:
        faces: those in which the network is sure of a face; the others are not counted.
        mean_px: of all faces' mean distance between their points.
        median_px: likewise.
        start_px: the mean before the search.
    """

    faces: int
    mean_px: float
    median_px: float
    start_px: float

    def __str__(self) -> str:
        return (
            f"fitted points {self.mean_px:.1f} pixels from the landmark network's on average, "
            f"median {self.median_px:.1f}, mean shape at the start {self.start_px:.1f}"
        )


def fit_error(features: ShapeFeatures, images: NDArray[np.uint8]) -> FitError | None:
    """Measure a model's fits; None where the network is sure of no face.

    Args:
        features: the trained model.
        images: grayscale uint8 ``(N, 48, 48, 1)``, of which `MEASURED_FACES` are drawn.

    Raises:
        BlazefaceUnavailable: the landmark network is not installed.
    """
    images = _drawn(images, MEASURED_FACES)
    shapes, probabilities = face_shapes(images)
    known = probabilities > MIN_FACE_PROBABILITY
    if not known.any():
        return None
    found = distances(features.points(images[known]), shapes[known])
    start = distances(np.broadcast_to(features.start, shapes[known].shape), shapes[known])
    return FitError(
        faces=int(known.sum()),
        mean_px=float(found.mean()),
        median_px=float(np.median(found)),
        start_px=float(start.mean()),
    )


def size_bytes(features: ShapeFeatures) -> int:
    """Return the size of a pickled model."""
    return len(pickle.dumps(features))


def _annotated(images: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], Array]:
    """Return faces ``(N, 48, 48)`` and their points, where the network is sure of a face."""
    images = _drawn(images, TRAINING_FACES)
    shapes, probabilities = face_shapes(images)
    known = probabilities > MIN_FACE_PROBABILITY
    return images[known][..., 0], shapes[known]


def _drawn(images: NDArray[np.uint8], most: int) -> NDArray[np.uint8]:
    """Return at most that number of images, drawn at random and in their order."""
    if len(images) <= most:
        return images
    return images[np.sort(np.random.default_rng(SEED).choice(len(images), most, replace=False))]
