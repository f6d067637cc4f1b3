"""Hand-crafted features of a face, as used before convolutional networks.

Every function takes grey faces, uint8 ``(N, 48, 48, 1)`` as `model.data.fer2013` gives them, and
returns float32 ``(N, D)``. `FEATURES` names them for ``python -m model compare``.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import combinations
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from emotion.detectors.mtcnn_networks import describe
from model.data.fer2013 import SIZE
from model.evaluation.shape_models.training import (
    ShapeFeatures,
    train_active_appearance,
    train_active_shape,
)

Images = NDArray[np.uint8]
Features = NDArray[np.float32]

CELL_SIDE_PX: Final = 8
"""Side of a square cell in pixels: statistics are taken over a grid of 6x6 of them."""
GRID: Final = SIZE // CELL_SIDE_PX

LBP_POINTS, LBP_RADIUS = 8, 2
LBP_CODES = LBP_POINTS * (LBP_POINTS - 1) + 3
"""Uniform patterns, each by itself, and one code for all others: 59."""

GABOR_WAVELENGTHS = (4.0, 8.0, 16.0)
GABOR_ORIENTATIONS = 6

HOG_BINS = 9

ONET_BATCH = 16
"""Faces O-Net sees at once: its layers then stay in the processor's cache."""


def local_binary_patterns(images: Images) -> Features:
    """Return histograms of Local Binary Patterns over a grid.

    A pattern says which of eight points around a pixel are at least as bright as it is, which no
    change of brightness alters. Uniform patterns are those of Ojala, Pietikäinen & Mäenpää
    (2002), "Multiresolution Gray-Scale and Rotation Invariant Texture Classification with Local
    Binary Patterns", IEEE TPAMI 24(7); radius 2 and histograms by cell are those of Shan, Gong &
    McOwan (2009), "Facial Expression Recognition Based on Local Binary Patterns", Image and
    Vision Computing 27(6).

    Args:
        images: uint8 ``(N, 48, 48, 1)``.

    Returns:
        float32 ``(N, 2124)``: 6x6 cells, row by row, of 59 square roots of fractions that sum to 1.
        The root turns Euclidean distance into Hellinger distance, which suits histograms.

    Raises:
        ValueError: another shape or type.
    """
    from skimage.feature import local_binary_pattern

    cells = np.arange(SIZE) // CELL_SIDE_PX
    first = (cells[:, None] * GRID + cells) * LBP_CODES
    bins = GRID * GRID * LBP_CODES

    def read(image: Images) -> NDArray[np.float64]:
        # Beyond the edge scikit-image sees black, so that codes there would depend on brightness.
        wide = np.pad(image, LBP_RADIUS, mode="reflect")
        codes = local_binary_pattern(wide, LBP_POINTS, LBP_RADIUS, method="nri_uniform")
        codes = codes[LBP_RADIUS:-LBP_RADIUS, LBP_RADIUS:-LBP_RADIUS]
        counts = np.bincount((first + codes.astype(np.int64)).ravel(), minlength=bins)
        return np.sqrt(counts / CELL_SIDE_PX**2)

    return _each(read, images, bins)


def gabor_energies(images: Images) -> Features:
    """Return the mean energy of Gabor filters over a grid.

    Three wavelengths in six orientations, as Lyons, Akamatsu, Kamachi & Gyoba (1998), "Coding
    Facial Expressions with Gabor Wavelets", International Conference on Automatic Face and
    Gesture Recognition. Energy is the magnitude of a filter's even and odd response. The
    image is standardised to mean 0 and standard deviation 1 first.

    Args:
        images: uint8 ``(N, 48, 48, 1)``.

    Returns:
        float32 ``(N, 648)``: 18 filters (wavelength by wavelength) of 6x6 cells.

    Raises:
        ValueError: another shape or type.
    """
    filters = _gabor_filters()

    def read(image: Images) -> Features:
        grey = image.astype(np.float32)
        grey = (grey - grey.mean()) / max(float(grey.std()), 1.0)
        energies = [
            cv2.magnitude(*(cv2.filter2D(grey, cv2.CV_32F, half) for half in pair))
            for pair in filters
        ]
        return np.stack(
            [cv2.resize(e, (GRID, GRID), interpolation=cv2.INTER_AREA) for e in energies]
        ).astype(np.float32)

    return _each(read, images, len(filters) * GRID**2)


def gradient_histograms(images: Images) -> Features:
    """Return Histograms of Oriented Gradients.

    Dalal & Triggs (2005), "Histograms of Oriented Gradients for Human Detection", CVPR: nine
    orientations without sign in cells of 8x8 pixels, each block of 2x2 cells normalised
    separately (L2-Hys), blocks overlapping by one cell.

    Args:
        images: uint8 ``(N, 48, 48, 1)``.

    Returns:
        float32 ``(N, 900)``, fractions 0-1: 5x5 blocks of 4 cells of 9 orientations.

    Raises:
        ValueError: another shape or type.
    """
    block, cell = (2 * CELL_SIDE_PX, 2 * CELL_SIDE_PX), (CELL_SIDE_PX, CELL_SIDE_PX)
    hog = cv2.HOGDescriptor((SIZE, SIZE), block, cell, cell, HOG_BINS)
    return _each(
        lambda image: np.asarray(hog.compute(image), np.float32),
        images,
        (GRID - 1) ** 2 * 4 * HOG_BINS,
    )


def landmark_geometry(images: Images) -> Features:
    """Return distances, angles and ratios between the five points of a face.

    The points are `landmarks`', the measures `geometry`'s.

    Args:
        images: uint8 ``(N, 48, 48, 1)``.

    Returns:
        float32 ``(N, 19)``.

    Raises:
        ValueError: another shape or type.
        MtcnnUnavailable: the `mtcnn` package is not installed.
    """
    return geometry(landmarks(images))


def landmarks(images: Images) -> Features:
    """Return where eyes, nose and mouth corners are.

    MTCNN's last network, O-Net (Zhang et al. 2016), is run on the whole image, which is a face
    already. The whole detector on the enlarged and padded image takes four times as long and
    finds a face in 85 % of Training only. Where it finds one, its points and these lie 0.6
    pixels apart in the median.

    Args:
        images: uint8 ``(N, 48, 48, 1)``.

    Returns:
        float32 ``(N, 5, 2)``: x and y in pixels of the left eye, right eye, nose, left and right
        mouth corner; left and right are the viewer's.

    Raises:
        ValueError: another shape or type.
        MtcnnUnavailable: the `mtcnn` package is not installed.
    """
    _check(images)
    points = np.empty((len(images), 5, 2), np.float32)
    for start in range(0, len(images), ONET_BATCH):
        part = slice(start, start + ONET_BATCH)
        # O-Net was trained on colours of about [-1, 1].
        scaled = (images[part].astype(np.float32) - np.float32(127.5)) / np.float32(128)
        _, fractions, _ = describe(np.repeat(scaled, 3, axis=3))
        points[part] = fractions.reshape(-1, 2, 5).transpose(0, 2, 1) * np.float32(SIZE)
    return points


def geometry(points: Features) -> Features:
    """Return the geometry of five landmarks, invariant to position and size in the image.

    As Kobayashi & Hara (1992), "Recognition of Six Basic Facial Expressions and Their Strength by
    Neural Network", IEEE International Workshop on Robot and Human Communication, who had thirty
    points of a face, not five.

    Args:
        points: float32 ``(N, 5, 2)`` as `landmarks` returns them.

    Returns:
        float32 ``(N, 19)``: the distances between all pairs of points but the eyes (9, in eye
        distances, a pair of points in the order left eye, right eye, nose, left and right mouth
        corner), the slope of the mouth against the eyes (1), the angles at the nose between
        neighbouring points (4: eyes, right eye and right corner, corners, left corner and left
        eye) and those of the quadrangle of eyes and corners (4; left eye, right eye, right
        corner, left corner), all in radians, and the logarithm of the ratio of the nose's distance
        from the eyes to that from the mouth (1).

    Raises:
        ValueError: another shape.
    """
    if points.shape[1:] != (5, 2):
        raise ValueError(
            f"Incorrect value for 'points' argument: shape {points.shape!r}: (N, 5, 2) is needed"
        )
    left_eye, right_eye, nose, left_mouth, right_mouth = (points[:, n] for n in range(5))
    between = np.maximum(_length(right_eye - left_eye), 1.0)
    pairs = list(combinations(range(5), 2))[1:]
    distances = [_length(points[:, a] - points[:, b]) / between for a, b in pairs]
    slope = _turn(right_eye - left_eye, right_mouth - left_mouth)
    ring = [left_eye, right_eye, right_mouth, left_mouth]
    seen = [_angle(ring[n] - nose, ring[(n + 1) % 4] - nose) for n in range(4)]
    corners = [_angle(ring[n - 1] - ring[n], ring[(n + 1) % 4] - ring[n]) for n in range(4)]
    half = np.float32(0.5)
    over = _length(nose - (left_eye + right_eye) * half)
    under = _length(nose - (left_mouth + right_mouth) * half)
    balance = np.log(np.maximum(over, 1.0) / np.maximum(under, 1.0))
    return np.stack([*distances, slope, *seen, *corners, balance], axis=1).astype(np.float32)


FEATURES: Final[dict[str, Callable[[Images], Features]]] = {
    "lbp": local_binary_patterns,
    "gabor": gabor_energies,
    "hog": gradient_histograms,
    "geometry": landmark_geometry,
}
"""The features by their names on the command line."""

TRAINED_FEATURES: Final[dict[str, Callable[[Images], ShapeFeatures]]] = {
    "asm": train_active_shape,
    "aam": train_active_appearance,
}
"""Features whose model is trained first, by name: from training faces to the features."""


def _check(images: Images) -> None:
    if images.shape[1:] != (SIZE, SIZE, 1) or images.dtype != np.uint8:
        raise ValueError(
            f"Incorrect value for 'images' argument: {images.dtype} {images.shape!r}: "
            f"uint8 (N, {SIZE}, {SIZE}, 1) is needed"
        )


def _each(read: Callable[[Images], NDArray[np.floating]], images: Images, wide: int) -> Features:
    """Return ``read``'s values of every ``(48, 48)`` image, a row each."""
    _check(images)
    found = np.empty((len(images), wide), np.float32)
    for row, image in zip(found, images[..., 0], strict=True):
        row[:] = read(image).ravel()
    return found


@cache
def _gabor_filters() -> tuple[tuple[Features, Features], ...]:
    """Return the even and odd half of every filter, the even one blind to uniform brightness."""
    filters = []
    for wavelength in GABOR_WAVELENGTHS:
        envelope = _kernel(wavelength, 0.0, 0.0, waves=False)
        envelope /= envelope.sum()
        for step in range(GABOR_ORIENTATIONS):
            angle = np.pi * step / GABOR_ORIENTATIONS
            even, odd = (_kernel(wavelength, angle, phase) for phase in (0.0, np.pi / 2))
            weight = 1 / np.abs(even).sum()
            filters.append(((even - even.sum() * envelope) * weight, odd * weight))
    return tuple(filters)


def _kernel(wavelength: float, angle: float, phase: float, *, waves: bool = True) -> Features:
    # Half a wavelength wide as Lyons's are (k sigma = pi), cut off at twice that.
    sigma = wavelength / 2
    side = 2 * round(2 * sigma) + 1
    period = wavelength if waves else np.inf
    kernel = cv2.getGaborKernel((side, side), sigma, angle, period, 1.0, phase, cv2.CV_32F)
    return kernel.astype(np.float32)


def _length(vectors: Features) -> Features:
    return np.hypot(vectors[:, 0], vectors[:, 1])


def _turn(first: Features, second: Features) -> Features:
    """Return the angle from ``first`` to ``second``, clockwise as seen, -pi to pi."""
    across = first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]
    along = (first * second).sum(axis=1)
    turn: Features = np.arctan2(across, along)
    return turn


def _angle(first: Features, second: Features) -> Features:
    """Return the angle between two vectors, 0 to pi."""
    return np.abs(_turn(first, second))
