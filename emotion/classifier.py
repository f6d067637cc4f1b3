"""The emotion network on LiteRT: face crops in, probabilities out."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from emotion.crop import CROP_SIDE_PX, crop_faces
from emotion.labels import EMOTIONS, HEADS, HeadName
from emotion.types import EmotionScores, Face

WEIGHTS: Final = Path(__file__).parent / "weights" / "emotion_cnn.tflite"


class WeightsError(RuntimeError):
    """The network's file is missing or broken, or holds a different network."""


class Classifier(Protocol):
    """What recognizers and streams read faces with. `EmotionClassifier` implements it."""

    def predict(self, crops: NDArray[Any]) -> NDArray[np.float32]:
        """Return ``(N, 7)`` probabilities of preprocessed grey crops ``(N, 48, 48)``."""
        ...

    def classify(
        self, image: NDArray[np.uint8], faces: Sequence[Face], *, mirror: bool = True
    ) -> list[EmotionScores]:
        """Return the scores of ``faces`` in RGB uint8 ``(H, W, 3)``."""
        ...


class EmotionClassifier:
    """Classifies face crops with the exported network.

    The network has two heads on the same features. "fer2013" predicts FER-2013's labels, which
    call many resting faces sad or angry; "people" predicts those of photographs of people, most
    of them at rest. The model card measures both.

    Safe to call from several threads: they take turns, a few milliseconds each.

    Args:
        path: a LiteRT file that takes float32 ``(N, 48, 48, 1)`` intensities 0-255 and returns
            ``(N, 7)`` probabilities: first FER-2013's, then those for people. The shipped file by
            default. If a file has only one output, that is read whatever ``head`` says.
        head: "people" or "fer2013".
        threads: how many threads LiteRT uses for one batch.

    Raises:
        ValueError: ``head`` is unknown.
        WeightsError: the file is missing or broken, or holds a different network.
    """

    def __init__(
        self, path: Path | None = None, *, head: HeadName = "people", threads: int = 1
    ) -> None:
        if head not in HEADS:
            raise ValueError(f"Incorrect value for 'head' argument: {head!r}: one of {HEADS}")
        self.path = WEIGHTS if path is None else Path(path)
        if not self.path.is_file():
            raise WeightsError(
                f"The network's weights are missing: {self.path}. `python -m model train` and "
                "`python -m model export` make them."
            )
        try:
            self._interpreter = Interpreter(model_path=str(self.path), num_threads=threads)
            source = self._interpreter.get_input_details()[0]
            targets = self._interpreter.get_output_details()
            target = targets[HEADS[::-1].index(head) if len(targets) > 1 else 0]
        except (ValueError, RuntimeError, IndexError) as error:
            raise WeightsError(
                f"The network's weights cannot be read: {self.path}: {error}"
            ) from error
        shapes = list(source["shape"][1:]), list(target["shape"][1:])
        if shapes != ([CROP_SIDE_PX, CROP_SIDE_PX, 1], [len(EMOTIONS)]):
            raise WeightsError(
                f"{self.path} holds a different network: it maps {shapes[0]} to {shapes[1]}, not "
                f"{[CROP_SIDE_PX, CROP_SIDE_PX, 1]} to {[len(EMOTIONS)]}."
            )
        self._input, self._output = int(source["index"]), int(target["index"])
        self._lock = threading.Lock()
        self._batch = 0

    def predict(self, crops: NDArray[Any]) -> NDArray[np.float32]:
        """Return the probabilities of a batch of crops.

        Args:
            crops: intensities 0-255 as uint8 or float, ``(N, 48, 48)`` or ``(N, 48, 48, 1)``.

        Returns:
            float32 ``(N, 7)`` in the order of ``EMOTIONS``; each row sums to 1.

        Raises:
            ValueError: wrong shape.
        """
        crops = np.asarray(crops)
        if crops.shape[1:] not in ((CROP_SIDE_PX, CROP_SIDE_PX), (CROP_SIDE_PX, CROP_SIDE_PX, 1)):
            raise ValueError(
                f"Incorrect value for 'crops' argument: shape {crops.shape!r}: "
                f"(N, {CROP_SIDE_PX}, {CROP_SIDE_PX}) or "
                f"(N, {CROP_SIDE_PX}, {CROP_SIDE_PX}, 1) is needed"
            )
        batch = np.ascontiguousarray(crops, dtype=np.float32).reshape(
            -1, CROP_SIDE_PX, CROP_SIDE_PX, 1
        )
        if not len(batch):
            return np.empty((0, len(EMOTIONS)), dtype=np.float32)
        with self._lock:
            if len(batch) != self._batch:
                self._interpreter.resize_tensor_input(self._input, batch.shape)
                self._interpreter.allocate_tensors()
                self._batch = len(batch)
            self._interpreter.set_tensor(self._input, batch)
            self._interpreter.invoke()
            probabilities: NDArray[np.float32] = self._interpreter.get_tensor(self._output)
        return probabilities

    def classify(
        self, image: NDArray[np.uint8], faces: Sequence[Face], *, mirror: bool = True
    ) -> list[EmotionScores]:
        """Return the scores of ``faces`` in RGB uint8 ``(H, W, 3)``, all in one batch.

        Args:
            image: the image in which the faces were detected.
            faces: to classify.
            mirror: whether to average over every crop and its mirror image, which is more
                accurate and takes twice the time.
        """
        crops = crop_faces(image, faces)
        if mirror:
            crops = np.concatenate([crops, crops[:, :, ::-1]])
        scores = self.predict(crops).astype(np.float64)
        if mirror:
            scores = (scores[: len(faces)] + scores[len(faces) :]) / 2
        return [EmotionScores(tuple(float(p) for p in row)) for row in scores]
