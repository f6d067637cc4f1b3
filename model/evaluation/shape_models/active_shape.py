"""Active Shape Models: a point distribution model that is fitted to an image by local search.

Cootes, Taylor, Cooper & Graham (1995), "Active Shape Models: Their Training and Application",
Computer Vision and Image Understanding 61(1), with the search at several resolutions of Cootes,
Taylor & Lanitis (1994), "Active Shape Models: Evaluation of a Multi-Resolution Method for
Improving Image Search", BMVC.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from model.evaluation.shape_models.points import Array, Pose, ShapeModel, similarity
from model.evaluation.shape_models.sampling import blur, sample

HALF_PROFILE: Final = 6
"""Steps of a profile on either side of its point."""
HALF_SEARCH: Final = 2
"""Steps that a point may move at once, inwards or outwards."""
RESOLUTIONS: Final = ((1.5, 1.5, 6), (0.75, 0.7, 8))
"""Step along a profile and standard deviation of the blur, both in pixels, and iterations, the
coarsest first. A wider step on a blurred image does what a smaller image would."""
RIGID_ITERATIONS: Final = 6
"""Iterations at the coarsest resolution, before all others, that move the mean shape as a whole.
FER-2013's crops differ so much that a shape free to bend at once settles on the wrong edges."""
COVARIANCE_RIDGE: Final = 0.05
"""What is added to a profile's covariance, as a fraction of its mean variance."""
BATCH_FACES: Final = 256
"""Faces handled at once, so that their samples stay in the processor's cache."""


@dataclass(frozen=True, slots=True)
class Outline:
    """Which points of a shape are neighbours, for the normals to its contours.

    Attributes:
        before: ``(P,)``, position of the point before each, or of the point itself at an end.
        after: ``(P,)``, likewise of the point after it.
    """

    before: NDArray[np.int64]
    after: NDArray[np.int64]

    @classmethod
    def of(cls, contours: Sequence[tuple[int, bool]]) -> Outline:
        """Return the outline of contours that follow one another.

        Args:
            contours: the number of points of each, and whether its last point is followed by
                its first.
        """
        before, after, first = [], [], 0
        for count, closed in contours:
            places = np.arange(count)
            if closed:
                before.append(first + (places - 1) % count)
                after.append(first + (places + 1) % count)
            else:
                before.append(first + np.maximum(places - 1, 0))
                after.append(first + np.minimum(places + 1, count - 1))
            first += count
        return cls(np.concatenate(before), np.concatenate(after))

    def normals(self, points: Array) -> Array:
        """Return the unit normals ``(N, P, 2)`` to the contours of shapes ``(N, P, 2)``."""
        along = points[:, self.after] - points[:, self.before]
        across = np.stack([-along[..., 1], along[..., 0]], axis=-1)
        length = np.linalg.norm(across, axis=2, keepdims=True)
        return np.asarray(across / np.maximum(length, 1e-6), np.float32)


@dataclass(frozen=True, slots=True)
class ProfileModel:
    """How the intensity changes across every point's contour, at one resolution.

    Attributes:
        step_px: from one sample to the next, in pixels.
        blur_sd_px: what the image is blurred with before.
        iterations: of the search.
        mean: ``(P, L)``, mean profiles: differences of neighbouring samples over the sum of
            their absolute values.
        whitening: ``(P, L, L)``; the Mahalanobis distance is the norm of a difference times this.
    """

    step_px: float
    blur_sd_px: float
    iterations: int
    mean: Array
    whitening: Array


@dataclass(frozen=True, slots=True)
class ActiveShapeModel:
    """A shape model with the profiles by which its points are found."""

    shape: ShapeModel
    outline: Outline
    profiles: tuple[ProfileModel, ...]

    @classmethod
    def of(
        cls, shape: ShapeModel, outline: Outline, images: NDArray[np.uint8], points: Array
    ) -> ActiveShapeModel:
        """Learn the profiles of faces whose points are known.

        Args:
            shape: the shape model.
            outline: of its contours.
            images: grayscale uint8 ``(N, H, W)``.
            points: ``(N, P, 2)``, in pixels.
        """
        levels = []
        for step_px, blur_sd_px, iterations in RESOLUTIONS:
            parts = []
            for start in range(0, len(images), BATCH_FACES):
                batch = slice(start, start + BATCH_FACES)
                blurred = blur(images[batch].astype(np.float32), blur_sd_px)
                found = _profiles(blurred, points[batch], outline, step_px, HALF_PROFILE)
                parts.append(_normalised(found))
            learned = np.concatenate(parts).transpose(1, 0, 2)
            mean = learned.mean(axis=1, keepdims=True)
            centred = (learned - mean).astype(np.float64)
            covariance = centred.transpose(0, 2, 1) @ centred / centred.shape[1]
            size = covariance.shape[-1]
            ridge = COVARIANCE_RIDGE * np.trace(covariance, axis1=1, axis2=2) / size + 1e-6
            covariance += ridge[:, np.newaxis, np.newaxis] * np.eye(size)
            whitening = np.linalg.cholesky(np.linalg.inv(covariance)).astype(np.float32)
            levels.append(ProfileModel(step_px, blur_sd_px, iterations, mean[:, 0], whitening))
        return cls(shape, outline, tuple(levels))

    def fit(self, images: NDArray[np.uint8]) -> tuple[Array, Pose]:
        """Fit the model to face crops, from the mean shape at the mean pose.

        Args:
            images: grayscale uint8 ``(N, H, W)``.

        Returns:
            The shape parameters ``(N, K)``, each within three standard deviations, and the
            poses, complex ``(N, 2)``.
        """
        parameters = np.zeros((len(images), len(self.shape.components.modes)), np.float32)
        poses = np.repeat(self.shape.pose, len(images), axis=0)
        for start in range(0, len(images), BATCH_FACES):
            batch = slice(start, start + BATCH_FACES)
            parameters[batch], poses[batch] = self._search(
                images[batch].astype(np.float32), parameters[batch], poses[batch]
            )
        return parameters, poses

    def _search(self, images: Array, parameters: Array, pose: Pose) -> tuple[Array, Pose]:
        for number, level in enumerate(self.profiles):
            blurred = blur(images, level.blur_sd_px)
            if number == 0:
                for _ in range(RIGID_ITERATIONS):
                    wanted = self._wanted(blurred, self.shape.place(parameters, pose), level)
                    pose = similarity(self.shape.shapes(parameters), wanted)
            for _ in range(level.iterations):
                wanted = self._wanted(blurred, self.shape.place(parameters, pose), level)
                parameters, pose = self.shape.fit(wanted)
        return parameters, pose

    def _wanted(self, images: Array, points: Array, level: ProfileModel) -> Array:
        """Return where the profiles fit best near points ``(N, P, 2)``."""
        moves = self._moves(images, points, level)
        wanted = points + moves[..., np.newaxis] * self.outline.normals(points)
        return np.asarray(wanted, np.float32)

    def _moves(self, images: Array, points: Array, level: ProfileModel) -> Array:
        """Return how far along its normal each point should move, ``(N, P)`` in pixels."""
        reach = HALF_PROFILE + HALF_SEARCH
        wide = _profiles(images, points, self.outline, level.step_px, reach)
        windows = np.lib.stride_tricks.sliding_window_view(wide, level.mean.shape[1], axis=2)
        candidates = _normalised(windows) - level.mean[:, np.newaxis]
        # A matrix product for each point: its candidates of all faces at once.
        by_point = candidates.transpose(1, 0, 2, 3)
        count, faces, shifts, size = by_point.shape
        whitened = by_point.reshape(count, faces * shifts, size) @ level.whitening
        costs = (whitened**2).sum(axis=2).reshape(count, faces, shifts)
        best = costs.argmin(axis=2).T - HALF_SEARCH
        return np.asarray(best * level.step_px, np.float32)


def _profiles(images: Array, points: Array, outline: Outline, step_px: float, reach: int) -> Array:
    """Return differences of neighbouring samples across the contours, ``(N, P, 2 reach + 1)``."""
    offsets = (np.arange(2 * reach + 2, dtype=np.float32) - reach - 0.5) * np.float32(step_px)
    normals = outline.normals(points)[:, :, np.newaxis]
    places = points[:, :, np.newaxis] + offsets[:, np.newaxis] * normals
    return np.diff(sample(images, places), axis=2)


def _normalised(profiles: Array) -> Array:
    total = np.abs(profiles).sum(axis=-1, keepdims=True)
    return np.asarray(profiles / np.maximum(total, 1.0), np.float32)
