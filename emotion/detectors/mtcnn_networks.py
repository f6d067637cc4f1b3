"""The three networks of MTCNN in numpy, on the weights that the `mtcnn` package carries.

Why not the package's own code: it runs on TensorFlow, whose import in a web server's process
takes 3-14 s, holds the GIL for up to 0.6 s at a stretch (every visitor's page stands still) and
keeps 600 MB for good. The networks are tiny, half a million parameters in all, and NumPy's matrix
product runs them in less time than TensorFlow does.
``benchmarks/emotion_detectors.py`` measures both and compares their boxes.

The networks are those of Zhang et al. (2016), "Joint Face Detection and Alignment Using
Multitask Cascaded Convolutional Networks", IEEE Signal Processing Letters 23(10).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from emotion._compat import mtcnn_weights_file

Array = NDArray[np.float32]
NetworkName = Literal["pnet", "rnet", "onet"]

WEIGHT_COUNTS = {"pnet": 13, "rnet": 16, "onet": 21}
"""How many arrays a file of weights holds: another number is another network."""

MAX_SINGLE_THREAD_PRODUCTS = 65_536 * 4
"""Multiplications up to which OpenBLAS computes a matrix product in one thread (its constants
SMP_THRESHOLD_MIN and GEMM_MULTITHREAD_THRESHOLD)."""


class MtcnnUnavailable(RuntimeError):
    """The `mtcnn` package, or its weights as this module knows them, is not installed."""


@cache
def load_weights(name: NetworkName) -> tuple[Array, ...]:
    """Return one network's arrays in the order of its layers.

    Raises:
        MtcnnUnavailable: the package is missing, or its files are not those of mtcnn 1.0.
    """
    try:
        import joblib  # type: ignore[import-untyped]

        arrays = joblib.load(mtcnn_weights_file(name))
        weights = tuple(np.ascontiguousarray(array, dtype=np.float32) for array in arrays)
    except Exception as error:  # a broken file can raise anything
        raise MtcnnUnavailable(f"MTCNN's {name} cannot be loaded: {error}") from error
    if len(weights) != WEIGHT_COUNTS[name]:
        raise MtcnnUnavailable(
            f"MTCNN's {name} holds {len(weights)} arrays, not {WEIGHT_COUNTS[name]}"
        )
    return weights


def propose(pixels: Array) -> tuple[Array, Array]:
    """Run P-Net, fully convolutional: one 12x12 window every second pixel.

    Args:
        pixels: float32 ``(H, W, 3)``, scaled to about [-1, 1]; H and W at least 12.

    Returns:
        ``(h, w, 4)`` box offsets as fractions of the window, and ``(h, w)`` probability of a face.
    """
    weights = iter(load_weights("pnet"))
    x = _pool(_conv_prelu(pixels[np.newaxis], weights), size=2)
    x = _conv_prelu(_conv_prelu(x, weights), weights)
    offsets = _convolve(x, next(weights), next(weights))
    scores = _softmax(_convolve(x, next(weights), next(weights)))
    return offsets[0], scores[0, ..., 1]


def refine(patches: Array) -> tuple[Array, Array]:
    """Run R-Net on float32 ``(N, 24, 24, 3)``: ``(N, 4)`` offsets and ``(N,)`` probabilities."""
    weights = iter(load_weights("rnet"))
    x = _pool(_conv_prelu(patches, weights), size=3)
    x = _pool(_conv_prelu(x, weights), size=3, pad=False)
    x = _conv_prelu(x, weights)
    x = _prelu(_dense(_flatten(x), weights), next(weights))
    return _dense(x, weights), _softmax(_dense(x, weights))[:, 1]


def describe(patches: Array) -> tuple[Array, Array, Array]:
    """Run O-Net on float32 ``(N, 48, 48, 3)``.

    Returns:
        ``(N, 4)`` box offsets, ``(N, 10)`` landmarks as fractions of the box (five x, then five
        y: eyes, nose, mouth corners, the viewer's left first) and ``(N,)`` probabilities.
    """
    weights = iter(load_weights("onet"))
    x = _pool(_conv_prelu(patches, weights), size=3)
    x = _pool(_conv_prelu(x, weights), size=3, pad=False)
    x = _pool(_conv_prelu(x, weights), size=2)
    x = _conv_prelu(x, weights)
    x = _prelu(_dense(_flatten(x), weights), next(weights))
    offsets, landmarks = _dense(x, weights), _dense(x, weights)
    return offsets, landmarks, _softmax(_dense(x, weights))[:, 1]


def _conv_prelu(x: Array, weights: Iterator[Array]) -> Array:
    return _prelu(_convolve(x, next(weights), next(weights)), next(weights))


def _convolve(x: Array, kernel: Array, bias: Array) -> Array:
    """Convolve ``(N, H, W, C)`` with ``(k, k, C, D)``, stride 1, no padding."""
    size, _, depth, filters = kernel.shape
    count, height, width = x.shape[0], x.shape[1] - size + 1, x.shape[2] - size + 1
    columns = np.empty((count, height, width, size, size, depth), dtype=np.float32)
    for row in range(size):
        for column in range(size):
            columns[:, :, :, row, column] = x[:, row : row + height, column : column + width]
    flat = _product(columns.reshape(-1, size * size * depth), kernel.reshape(-1, filters))
    flat += bias
    return flat.reshape(count, height, width, filters)


def _prelu(x: Array, slope: Array) -> Array:
    return np.where(x > 0, x, x * slope)


def _pool(x: Array, *, size: int, pad: bool = True) -> Array:
    """Take maxima over ``size`` x ``size`` every second pixel.

    With ``pad`` the last window may reach over the lower and right edge, which is all that
    TensorFlow's "same" does at the sizes that occur here.
    """
    if pad:
        needed = [(-(-side // 2) - 1) * 2 + size - side for side in x.shape[1:3]]
        over = [(0, max(0, n)) for n in needed]
        x = np.pad(x, [(0, 0), *over, (0, 0)], constant_values=-np.inf)
    height, width = ((side - size) // 2 + 1 for side in x.shape[1:3])
    result: Array | None = None
    for row in range(size):
        for column in range(size):
            part = x[:, row : row + 2 * height : 2, column : column + 2 * width : 2]
            part = part[:, :height, :width]
            result = part if result is None else np.maximum(result, part)
    assert result is not None
    return result


def _flatten(x: Array) -> Array:
    """Flatten ``(N, H, W, C)`` column by column, the order in which the networks were trained."""
    return x.transpose(0, 2, 1, 3).reshape(len(x), -1)


def _dense(x: Array, weights: Iterator[Array]) -> Array:
    return _product(x, next(weights)) + next(weights)


def _product(rows: Array, matrix: Array) -> Array:
    """Return ``rows @ matrix``, computed in slices that stay in the calling thread.

    OpenBLAS spreads a larger product over all cores, which then wait for one another. On a
    server whose cores are busy that takes four times as long (measured: 500 against 110 ms for
    a photo).
    """
    step = max(1, MAX_SINGLE_THREAD_PRODUCTS // matrix.size)
    whole = len(rows) // step * step
    result = np.empty((len(rows), matrix.shape[1]), dtype=np.float32)
    np.matmul(
        rows[:whole].reshape(-1, step, rows.shape[1]),
        matrix,
        out=result[:whole].reshape(-1, step, matrix.shape[1]),
    )
    np.matmul(rows[whole:], matrix, out=result[whole:])
    return result


def _softmax(x: Array) -> Array:
    powers: Array = np.exp(x - x.max(axis=-1, keepdims=True))
    probabilities: Array = powers / powers.sum(axis=-1, keepdims=True)
    return probabilities
