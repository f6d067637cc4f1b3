"""Shapes as sets of points: alignment, and the point distribution model.

Cootes, Taylor, Cooper & Graham (1995), "Active Shape Models: Their Training and Application",
Computer Vision and Image Understanding 61(1). A similarity transform of the plane is a complex
product and sum, so that a pose is two complex numbers: a point x + iy goes to w (x + iy) + t.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Pose = NDArray[np.complex64]
"""Similarity transforms, complex ``(N, 2)``: w, whose modulus is the scale and whose argument the
rotation, and t, the translation."""

DEFAULT_KEPT_VARIANCE: Final = 0.95
LIMIT_SD: Final = 3.0
"""How far a parameter may be from the mean shape, in standard deviations."""
MAX_ALIGNMENTS: Final = 50
ALIGNED_BELOW: Final = 1e-6


def similarity(source: Array, target: Array) -> Pose:
    """Return the similarity transforms that bring shapes nearest to others, by least squares.

    Args:
        source: ``(N, P, 2)`` or ``(P, 2)``.
        target: ``(N, P, 2)`` or ``(P, 2)``.
    """
    start, end = (np.atleast_2d(_complex(points)) for points in (source, target))
    start_mean, end_mean = (part.mean(axis=1, keepdims=True) for part in (start, end))
    start, end_centred = start - start_mean, end - end_mean
    power = np.maximum((np.abs(start) ** 2).sum(axis=1), 1e-12)
    factor = (np.conj(start) * end_centred).sum(axis=1) / power
    shift = end_mean[:, 0] - factor * start_mean[:, 0]
    return np.stack(np.broadcast_arrays(factor, shift), axis=1).astype(np.complex64)


def transform(points: Array, pose: Pose) -> Array:
    """Return shapes ``(N, P, 2)``, or one ``(P, 2)`` for all poses, after similarity transforms."""
    moved = _complex(points) * pose[:, :1] + pose[:, 1:]
    return np.stack([moved.real, moved.imag], axis=-1).astype(np.float32)


def inverse(pose: Pose) -> Pose:
    """Return the similarity transforms that undo others."""
    factor = 1 / pose[:, 0]
    return np.stack([factor, -pose[:, 1] * factor], axis=1).astype(np.complex64)


def procrustes(shapes: Array) -> tuple[Array, Array]:
    """Align shapes by similarity transforms to each other (generalised Procrustes analysis).

    Args:
        shapes: ``(N, P, 2)``.

    Returns:
        Their mean ``(P, 2)``, centred and of norm 1, upright as the shapes are on average; and
        the aligned shapes ``(N, P, 2)``, in the tangent space of the mean.

    Raises:
        ValueError: fewer than two shapes or points.
    """
    if shapes.ndim != 3 or shapes.shape[0] < 2 or shapes.shape[1] < 2 or shapes.shape[2] != 2:
        raise ValueError(
            f"Incorrect value for 'shapes' argument: {shapes.shape!r}: (N, P, 2) with at least two "
            "shapes of at least two points is needed"
        )
    # The plain mean comes first, so that the result stands upright.
    mean = _normalised(shapes.mean(axis=0))
    for _ in range(MAX_ALIGNMENTS):
        aligned = to_tangent(transform(shapes, similarity(shapes, mean)), mean)
        update = _normalised(aligned.mean(axis=0))
        update = transform(update, similarity(update, mean))[0]
        moved = float(np.abs(update - mean).max())
        mean = _normalised(update)
        if moved < ALIGNED_BELOW:
            break
    return mean, to_tangent(transform(shapes, similarity(shapes, mean)), mean)


def to_tangent(aligned: Array, mean: Array) -> Array:
    """Return aligned shapes scaled so that their differences from the mean are orthogonal to it."""
    along = np.maximum((aligned * mean).sum(axis=(1, 2), keepdims=True), 1e-6)
    return np.asarray(aligned * (mean**2).sum() / along, np.float32)


@dataclass(frozen=True, slots=True)
class PrincipalComponents:
    """A mean and the directions in which vectors vary most.

    Attributes:
        mean: ``(D,)``.
        modes: ``(K, D)``, orthonormal rows, the strongest first.
        deviations: ``(K,)``, standard deviations along the modes.
        variance: of the vectors in all, including what the modes leave out.
    """

    mean: Array
    modes: Array
    deviations: Array
    variance: float

    @classmethod
    def of(cls, vectors: Array, *, kept: float = DEFAULT_KEPT_VARIANCE) -> PrincipalComponents:
        """Return the components that hold at least a fraction of the variance.

        Args:
            vectors: ``(N, D)``.
            kept: the fraction, 0-1.
        """
        mean = vectors.mean(axis=0)
        centred = vectors - mean
        # Both products have the same eigenvalues other than 0: the smaller matrix is quicker.
        wide = centred.shape[1] > centred.shape[0]
        scatter = (centred @ centred.T if wide else centred.T @ centred).astype(np.float64)
        values, directions = np.linalg.eigh(scatter / len(vectors))
        values, directions = np.maximum(values[::-1], 0), directions[:, ::-1]
        total = max(float(values.sum()), 1e-30)
        count = int(np.searchsorted(np.cumsum(values) / total, kept - 1e-9)) + 1
        modes = (centred.T @ directions if wide else directions)[:, :count].T
        modes = modes / np.maximum(np.linalg.norm(modes, axis=1, keepdims=True), 1e-12)
        # The sign of an eigenvector is arbitrary, and must not depend on the machine.
        strongest = np.abs(modes).argmax(axis=1)
        modes *= np.sign(modes[np.arange(len(modes)), strongest])[:, np.newaxis]
        return cls(
            mean=np.asarray(mean, np.float32),
            modes=np.asarray(modes, np.float32),
            deviations=np.sqrt(values[:count]).astype(np.float32),
            variance=float(values.sum()),
        )

    def project(self, vectors: Array) -> Array:
        """Return the parameters ``(N, K)`` of vectors ``(N, D)``."""
        return np.asarray((vectors - self.mean) @ self.modes.T, np.float32)

    def reconstruct(self, parameters: Array) -> Array:
        """Return the vectors ``(N, D)`` of parameters ``(N, K)``."""
        return np.asarray(parameters @ self.modes + self.mean, np.float32)

    def limit(self, parameters: Array) -> Array:
        """Return parameters ``(N, K)`` brought within three standard deviations of the mean."""
        most = LIMIT_SD * self.deviations
        return np.clip(parameters, -most, most)


@dataclass(frozen=True, slots=True)
class ShapeModel:
    """A point distribution model: the mean shape, and how shapes differ from it.

    Attributes:
        components: of aligned shapes, flattened to x, y, x, y, …
        pose: complex ``(1, 2)``, from the mean shape to where faces are on average, in pixels.
    """

    components: PrincipalComponents
    pose: Pose

    @classmethod
    def of(cls, shapes: Array, *, kept: float = DEFAULT_KEPT_VARIANCE) -> ShapeModel:
        """Return the model of shapes ``(N, P, 2)``, in pixels, with a fraction of their variance.

        Raises:
            ValueError: fewer than two shapes or points.
        """
        mean, aligned = procrustes(shapes)
        components = PrincipalComponents.of(aligned.reshape(len(aligned), -1), kept=kept)
        poses = similarity(np.broadcast_to(mean, shapes.shape), shapes)
        return cls(components, poses.mean(axis=0, keepdims=True))

    @property
    def mean(self) -> Array:
        """The mean shape ``(P, 2)``, of norm 1 around its centre."""
        return self.components.mean.reshape(-1, 2)

    def shapes(self, parameters: Array) -> Array:
        """Return the shapes ``(N, P, 2)``, without their pose, of parameters ``(N, K)``."""
        return self.components.reconstruct(parameters).reshape(len(parameters), -1, 2)

    def place(self, parameters: Array, pose: Pose) -> Array:
        """Return shapes ``(N, P, 2)`` in pixels."""
        return transform(self.shapes(parameters), pose)

    def fit(self, points: Array, *, steps: int = 2) -> tuple[Array, Pose]:
        """Return the parameters and poses that come nearest to points.

        Cootes et al. (1995), section 5.1: the pose is found for the shape as it is, then the
        shape for the pose, and so on, each parameter kept within its limit.

        Args:
            points: ``(N, P, 2)`` in pixels.
            steps: how often both are found.

        Returns:
            ``(N, K)``, and complex ``(N, 2)``.
        """
        parameters = np.zeros((len(points), len(self.components.modes)), np.float32)
        pose = similarity(np.broadcast_to(self.mean, points.shape), points)
        for step in range(steps):
            if step:
                pose = similarity(self.shapes(parameters), points)
            aligned = to_tangent(transform(points, inverse(pose)), self.mean)
            flat = aligned.reshape(len(points), -1)
            parameters = self.components.limit(self.components.project(flat))
        return parameters, similarity(self.shapes(parameters), points)


def distances(points: Array, others: Array) -> Array:
    """Return the mean distance between the points of shapes, ``(N,)``, of two ``(N, P, 2)``."""
    return np.asarray(np.linalg.norm(points - others, axis=2).mean(axis=1), np.float32)


def _complex(points: Array) -> NDArray[np.complex64]:
    return np.asarray(points[..., 0] + 1j * points[..., 1], np.complex64)


def _normalised(shape: Array) -> Array:
    centred = shape - shape.mean(axis=0)
    return np.asarray(centred / np.linalg.norm(centred), np.float32)
