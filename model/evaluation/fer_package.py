"""PyPI's ``fer`` as a baseline, run in another Python, since its dependencies clash with ours."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import tempfile
import weakref
from typing import IO

import numpy as np
from numpy.typing import NDArray

from emotion.labels import EMOTIONS
from model.data.fer2013 import SIZE

COUNT_BYTES = 8
"""Size of the image count, little-endian, with which each request begins."""

CHILD = """
import os, sys
answers = os.fdopen(os.dup(1), "wb")
os.dup2(2, 1)  # what TensorFlow prints must not mix with the answers

import json, statistics, time
import cv2
import numpy as np
from fer import fer

reader = fer.FER()

def predict(images):
    # What FER.detect_emotions does with a face once it has cropped it.
    size = tuple(reader._FER__emotion_target_size)
    grey = np.array([cv2.resize(image, size) for image in images], dtype="float32")
    return np.asarray(reader._classify_emotions((grey / 255.0 - 0.5) * 2.0), dtype="<f4")

side, length, few, many = (int(word) for word in sys.argv[1:])
image = np.random.default_rng(0).integers(0, 256, (1, side, side), dtype="uint8")
times = []
for _ in range(few + many):
    begin = time.perf_counter()
    predict(image)
    times.append(1000 * (time.perf_counter() - begin))
light = getattr(reader, "use_tflite", False)
weights = "emotion_model_quantized.tflite" if light else "emotion_model.hdf5"
hello = {
    "labels": [name for _, name in sorted(reader._get_labels().items())],
    "milliseconds": statistics.median(times[few:]),
    "size": os.path.getsize(os.path.join(os.path.dirname(fer.__file__), "data", weights)),
}
answers.write(json.dumps(hello).encode() + b"\\n")
answers.flush()
while True:
    head = sys.stdin.buffer.read(length)
    if len(head) < length:
        break
    count = int.from_bytes(head, "little")
    content = sys.stdin.buffer.read(count * side * side)
    images = np.frombuffer(content, np.uint8).reshape(count, side, side)
    answers.write(predict(images).tobytes())
    answers.flush()
"""

WARM_UP, TIMED = 10, 100
"""Faces read before and while the time is taken."""


class FerPackage:
    """The network of ``fer`` with its own pre-processing, running in a process of its own.

    Its face detection is left out: the images are faces already. Use it in a ``with``
    statement, or call `close`; the process ends with the object in any case.

    Args:
        python: the path of a Python that can import ``fer``.

    Attributes:
        milliseconds: a face, one at a time, pre-processing included: the median in its process.
        size: of its weights file, in bytes.

    Raises:
        ValueError: ``fer`` cannot be run there.
    """

    def __init__(self, python: str) -> None:
        self.python = python
        # A file, not a pipe, which would fill up and block the child.
        self._log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `_end`
        words = [python, "-c", CHILD, *map(str, (SIZE, COUNT_BYTES, WARM_UP, TIMED))]
        try:
            self._child = subprocess.Popen(
                words,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._log,
                env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
            )
        except OSError as error:
            self._log.close()
            raise ValueError(f"`fer` cannot be run with {python}: {error.strerror}") from error
        self._end = weakref.finalize(self, _end, self._child, self._log)
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self._questions: IO[bytes] = self._child.stdin
        self._answers: IO[bytes] = self._child.stdout
        try:
            hello = json.loads(self._answers.readline())
            self._order = [hello["labels"].index(emotion) for emotion in EMOTIONS]
            self.milliseconds = float(hello["milliseconds"])
            self.size = int(hello["size"])
        except (ValueError, KeyError, TypeError) as error:
            raise self._failed() from error

    def __enter__(self) -> FerPackage:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def predict(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the probabilities of grey uint8 faces ``(N, 48, 48, 1)``.

        Returns:
            float32 ``(N, 7)`` in the order of `EMOTIONS`.

        Raises:
            ValueError: another shape or type, or ``fer`` failed or was closed.
        """
        if images.shape[1:] != (SIZE, SIZE, 1) or images.dtype != np.uint8:
            raise ValueError(
                f"Incorrect value for 'images' argument: {images.dtype} {images.shape!r}: "
                f"uint8 (N, {SIZE}, {SIZE}, 1) is needed"
            )
        if not self._end.alive:
            raise ValueError(f"`fer` in {self.python} has been closed")
        count = len(images)
        if not count:
            return np.empty((0, len(EMOTIONS)), np.float32)
        expected = count * len(EMOTIONS) * np.dtype("<f4").itemsize
        try:
            self._questions.write(count.to_bytes(COUNT_BYTES, "little") + images.tobytes())
            self._questions.flush()
            answer = self._answers.read(expected)
        except BrokenPipeError as error:
            raise self._failed() from error
        if len(answer) < expected:
            raise self._failed()
        scores = np.frombuffer(answer, "<f4").reshape(count, len(EMOTIONS))
        return scores[:, self._order].astype(np.float32)

    def close(self) -> None:
        """End the process. A second call does nothing."""
        self._end()

    def _failed(self) -> ValueError:
        """End the process and return the error, with the last line that it wrote."""
        self._child.kill()
        self._child.wait()
        self._log.seek(0)
        lines = self._log.read().decode(errors="replace").split("\n")
        reason = next(
            (line.strip() for line in reversed(lines) if line.strip()), "no error message"
        )
        self.close()
        return ValueError(f"`fer` cannot be run with {self.python}: {reason}")


def load_fer(python: str) -> FerPackage:
    """Start ``fer`` in the Python at this path, which takes some seconds.

    Raises:
        ValueError: ``fer`` cannot be run there.
    """
    return FerPackage(python)


def _end(child: subprocess.Popen[bytes], log: IO[bytes]) -> None:
    child.kill()  # it has no state to save
    for pipe in (child.stdin, child.stdout, log):
        # What the child did not read before it ended cannot be flushed.
        with contextlib.suppress(BrokenPipeError):
            if pipe is not None:
                pipe.close()
    child.wait()
