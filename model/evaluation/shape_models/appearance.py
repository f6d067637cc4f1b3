"""Active Appearance Models: shape and texture in one model that explains a whole face.

Cootes, Edwards & Taylor (2001), "Active Appearance Models", IEEE TPAMI 23(6): texture is sampled
in the frame of the mean shape, shape and texture parameters are put on one scale and their
correlation is taken out by a further PCA, and the search turns the difference between image and
model into an update by a matrix that was learned from displaced models.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import Delaunay

from model.evaluation.shape_models.points import (
    Array,
    Pose,
    PrincipalComponents,
    ShapeModel,
    inverse,
)
from model.evaluation.shape_models.sampling import blur, sample

TEXTURE_PIXELS: Final = 800
"""Approximate pixels of a texture: no more than FER-2013's faces have inside their points."""
FLAT_BELOW: Final = 1.0
"""Standard deviation of intensities (0-255) below which a texture is taken for empty."""
BATCH_FACES: Final = 256
"""Faces handled at once, so that their samples stay in the processor's cache."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A part of the search, with an update matrix of its own.

    Attributes:
        blur_sd_px: what the image is blurred with before.
        displacement: of the models that the matrix was learned from, as a fraction of how far off
            the start is.
        iterations: at most; a face whose residual no longer falls stays where it is.
    """

    blur_sd_px: float
    displacement: float
    iterations: int


STAGES: Final = (Stage(1.5, 1.0, 5), Stage(0.7, 0.4, 8))
DISPLACEMENTS_A_FACE: Final = 3
"""Displaced models for every face that the update matrices are learned from."""
UPDATE_RIDGE: Final = 0.1
"""Penalty of the update matrices, as a fraction of a residual's mean variance, for each face."""
STEPS: Final = (1.0, 0.5)
"""Fractions of an update that are tried; the first that reduces the residual is taken."""


@dataclass(frozen=True, slots=True)
class TextureFrame:
    """Where the pixels of a texture lie in a shape: a piecewise affine warp.

    Attributes:
        weights: ``(T, P)``, barycentric coordinates in a triangle of three of the points.
        mask: bool ``(rows, columns)``, T pixels of which belong to the face; for drawing.
    """

    weights: Array
    mask: NDArray[np.bool_]

    @classmethod
    def of(cls, shape: Array, pixels: int = TEXTURE_PIXELS) -> TextureFrame:
        """Return the frame of a mean shape ``(P, 2)`` with about that number of pixels."""
        triangles = Delaunay(shape.astype(np.float64))
        low, high = shape.min(axis=0), shape.max(axis=0)
        # The area inside the points, measured on a fine grid, sets the size of a pixel.
        fine = np.stack(np.meshgrid(*(np.linspace(low[n], high[n], 200) for n in (0, 1))), -1)
        inside = (triangles.find_simplex(fine.reshape(-1, 2)) >= 0).mean()
        side = float(np.sqrt(inside * np.prod(high - low) / pixels))
        x, y = (np.arange(low[n] + side / 2, high[n], side) for n in (0, 1))
        grid = np.stack(np.meshgrid(x, y), axis=-1)
        found = triangles.find_simplex(grid.reshape(-1, 2))
        mask = (found >= 0).reshape(grid.shape[:2])
        places, simplices = grid.reshape(-1, 2)[found >= 0], found[found >= 0]
        affine = triangles.transform[simplices]
        first_two = np.einsum("tij,tj->ti", affine[:, :2], places - affine[:, 2])
        barycentric = np.column_stack([first_two, 1 - first_two.sum(axis=1)])
        weights = np.zeros((len(places), len(shape)), np.float32)
        np.put_along_axis(
            weights, triangles.simplices[simplices], barycentric.astype(np.float32), axis=1
        )
        return cls(weights, mask)

    def sample(self, images: Array, shapes: Array) -> Array:
        """Return normalised textures, mean 0 and standard deviation 1.

        Args:
            images: ``(N, H, W)``, 0-255.
            shapes: ``(N, P, 2)``, in pixels.

        Returns:
            ``(N, T)``.
        """
        places = np.stack([shapes[..., n] @ self.weights.T for n in (0, 1)], axis=-1)
        textures = sample(images, places)
        textures -= textures.mean(axis=1, keepdims=True)
        deviation = textures.std(axis=1, keepdims=True)
        return np.asarray(textures / np.maximum(deviation, FLAT_BELOW), np.float32)

    def image(self, texture: Array) -> Array:
        """Return a texture ``(T,)`` as an image, nan outside the face."""
        image = np.full(self.mask.shape, np.nan, np.float32)
        image[self.mask] = texture
        return image


@dataclass(frozen=True, slots=True)
class AppearanceModel:
    """How shape and texture vary together.

    Attributes:
        shape: the point distribution model.
        frame: of the textures.
        texture: components of normalised textures.
        combined: components of weighted shape parameters and texture parameters, side by side.
        weight: of a shape parameter: the square root of texture variance over shape variance.
    """

    shape: ShapeModel
    frame: TextureFrame
    texture: PrincipalComponents
    combined: PrincipalComponents
    weight: float

    @classmethod
    def of(cls, shape: ShapeModel, images: NDArray[np.uint8], points: Array) -> AppearanceModel:
        """Learn the appearance of faces whose points are known.

        Args:
            shape: the shape model.
            images: grayscale uint8 ``(N, H, W)``.
            points: ``(N, P, 2)``, in pixels.
        """
        frame = TextureFrame.of(shape.mean)
        parameters, poses = shape.fit(points)
        textures = _textures(frame, images, shape.place(parameters, poses), 0.0)
        texture = PrincipalComponents.of(textures)
        weight = float(
            np.sqrt((texture.deviations**2).sum() / (shape.components.deviations**2).sum())
        )
        both = np.concatenate([weight * parameters, texture.project(textures)], axis=1)
        return cls(shape, frame, texture, PrincipalComponents.of(both), weight)

    def split(self, combined: Array) -> tuple[Array, Array]:
        """Return the shape parameters and the texture parameters of combined ones ``(N, C)``."""
        both = self.combined.reconstruct(combined)
        modes = len(self.shape.components.modes)
        return both[:, :modes] / np.float32(self.weight), both[:, modes:]

    def join(self, shape: Array, texture: Array) -> Array:
        """Return the combined parameters ``(N, C)`` of shape and texture parameters."""
        both = np.concatenate([np.float32(self.weight) * shape, texture], axis=1)
        return self.combined.limit(self.combined.project(both))

    def place(self, combined: Array, pose: Pose) -> Array:
        """Return the shapes ``(N, P, 2)``, in pixels, of combined parameters and poses."""
        return self.shape.place(self.split(combined)[0], pose)

    def residuals(self, images: Array, combined: Array, pose: Pose) -> Array:
        """Return the differences ``(N, T)`` between the images' textures and the model's."""
        shape, texture = self.split(combined)
        found = self.frame.sample(images, self.shape.place(shape, pose))
        return found - self.texture.reconstruct(texture)


@dataclass(frozen=True, slots=True)
class ActiveAppearanceModel:
    """An appearance model with the update matrices that fit it to a face.

    Attributes:
        model: the appearance model.
        updates: for each of `STAGES`, ``(T, 4 + C)``: from a residual to the update of the pose
            (scale and rotation as a complex factor less 1, translation in the frame of the mean
            shape) and of the combined parameters.
    """

    model: AppearanceModel
    updates: tuple[Array, ...]

    @classmethod
    def of(
        cls,
        model: AppearanceModel,
        images: NDArray[np.uint8],
        points: Array,
        *,
        seed: int = 0,
    ) -> ActiveAppearanceModel:
        """Learn the update matrices from models displaced on faces whose points are known.

        The paper estimates the matrix as the pseudo-inverse of a mean gradient; here it is the
        ridge regression of displacements on residuals, as in Cootes, Edwards & Taylor (1998).

        Args:
            model: the appearance model.
            images: grayscale uint8 ``(N, H, W)``.
            points: ``(N, P, 2)``, in pixels.
            seed: of the displacements.
        """
        random = np.random.default_rng(seed)
        shape, poses = model.shape.fit(points)
        placed = model.shape.place(shape, poses)
        textures = _textures(model.frame, images, placed, 0.0)
        truth = model.join(shape, model.texture.project(textures))
        start = np.repeat(model.shape.pose, len(images), axis=0)
        updates = []
        for stage in STAGES:
            blurred = blur(images.astype(np.float32), stage.blur_sd_px)
            size = model.frame.weights.shape[0]
            width = 4 + truth.shape[1]
            scatter = np.zeros((size, size), np.float64)
            products = np.zeros((size, width), np.float64)
            for _ in range(DISPLACEMENTS_A_FACE):
                # Poses are as far off as the start is for another face, or a fraction of that.
                other = _compose(inverse(poses), start)[random.permutation(len(images))]
                part = stage.displacement * random.uniform(0, 1, (len(images), 1))
                moved = np.array([1, 0]) + part * (other - np.array([1, 0]))
                moved = moved.astype(np.complex64)
                noise = random.normal(0, 1, truth.shape) * model.combined.deviations
                mixed = truth * (1 - part) + 0.3 * stage.displacement * noise
                combined = model.combined.limit(mixed.astype(np.float32))
                wanted = np.concatenate([_real(inverse(moved)), truth - combined], axis=1)
                pose = _compose(poses, moved)
                for first in range(0, len(images), BATCH_FACES):
                    batch = slice(first, first + BATCH_FACES)
                    residuals = model.residuals(blurred[batch], combined[batch], pose[batch])
                    scatter += residuals.T @ residuals
                    products += residuals.T @ wanted[batch]
            scatter += UPDATE_RIDGE * np.trace(scatter) / size * np.eye(size)
            updates.append(np.linalg.solve(scatter, products).astype(np.float32))
        return cls(model, tuple(updates))

    def fit(self, images: NDArray[np.uint8]) -> tuple[Array, Pose]:
        """Fit the model to face crops, from the mean face at the mean pose.

        Args:
            images: grayscale uint8 ``(N, H, W)``.

        Returns:
            The combined parameters ``(N, C)``, each within three standard deviations, and the
            poses, complex ``(N, 2)``.
        """
        combined = np.zeros((len(images), len(self.model.combined.modes)), np.float32)
        poses = np.repeat(self.model.shape.pose, len(images), axis=0)
        for start in range(0, len(images), BATCH_FACES):
            batch = slice(start, start + BATCH_FACES)
            combined[batch], poses[batch] = self._search(
                images[batch].astype(np.float32), combined[batch], poses[batch]
            )
        return combined, poses

    def _search(self, images: Array, combined: Array, pose: Pose) -> tuple[Array, Pose]:
        for stage, update in zip(STAGES, self.updates, strict=True):
            blurred = blur(images, stage.blur_sd_px)
            residuals = self.model.residuals(blurred, combined, pose)
            active = np.arange(len(images))
            for _ in range(stage.iterations):
                change = residuals[active] @ update
                waiting = np.ones(len(active), bool)
                for step in STEPS:
                    rows = active[waiting]
                    part = np.float32(step) * change[waiting]
                    new = self.model.combined.limit(combined[rows] + part[:, 4:])
                    new_pose = _compose(pose[rows], _pose(part[:, :4]))
                    found = self.model.residuals(blurred[rows], new, new_pose)
                    better = (found**2).sum(axis=1) < (residuals[rows] ** 2).sum(axis=1)
                    taken = rows[better]
                    combined[taken], pose[taken] = new[better], new_pose[better]
                    residuals[taken] = found[better]
                    waiting[np.flatnonzero(waiting)[better]] = False
                    if not waiting.any():
                        break
                active = active[~waiting]
                if not len(active):
                    break
        return combined, pose


def _textures(
    frame: TextureFrame, images: NDArray[np.uint8], shapes: Array, blur_sd_px: float
) -> Array:
    parts = [
        frame.sample(
            blur(images[start : start + BATCH_FACES].astype(np.float32), blur_sd_px),
            shapes[start : start + BATCH_FACES],
        )
        for start in range(0, len(images), BATCH_FACES)
    ]
    return np.concatenate(parts)


def _compose(outer: Pose, inner: Pose) -> Pose:
    """Return the poses that apply ``inner`` first."""
    factor = outer[:, 0] * inner[:, 0]
    return np.stack([factor, outer[:, 0] * inner[:, 1] + outer[:, 1]], axis=1)


def _real(pose: Pose) -> Array:
    """Return poses near the identity as ``(N, 4)`` numbers near 0."""
    moved = pose - np.array([1, 0], np.complex64)
    return np.concatenate([moved.real, moved.imag], axis=1).astype(np.float32)


def _pose(numbers: Array) -> Pose:
    """Undo `_real`."""
    pose = numbers[:, :2] + 1j * numbers[:, 2:] + np.array([1, 0])
    return np.asarray(pose, np.complex64)
