"""The live page's worker in a real Chromium, fed with frames of our own: for comparing it with
`emotion`, which reads the same frames."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray
from playwright.sync_api import Page

from emotion.classifier import EmotionClassifier
from emotion.live.scheduler import FrameScheduler
from emotion.live.stream import FaceStream
from emotion.live.tracker import LiveReading
from tests.browser.waiting import outcome

OPEN = """(address) => new Promise((resolve, reject) => {
  const worker = new Worker(address);
  const waiting = new Map();
  worker.onerror = (event) => reject(new Error(event.message));
  worker.onmessage = ({ data }) => {
    if (data.kind === "ready") {
      window.read = ({ pixels, width, height, time }) => new Promise((done, failed) => {
        const number = waiting.size;
        waiting.set(number, [done, failed]);
        const text = atob(pixels);
        const data = new Uint8ClampedArray(4 * width * height).fill(255);
        for (let from = 0, to = 0; from < text.length; to += 4)
          for (let channel = 0; channel < 3; channel += 1, from += 1)
            data[to + channel] = text.charCodeAt(from);
        worker.postMessage({ kind: "frame", pixels: { data, width, height }, time, number });
      });
      window.tell = (message) => worker.postMessage(message);
      resolve();
    } else if (data.kind === "failed") {
      const [, failed] = waiting.get(data.number) ?? [resolve, reject];
      failed(new Error(data.message));
    } else {
      waiting.get(data.number)[0](data);
    }
  };
  worker.postMessage({ kind: "load", frameClock: true });
})"""


class DeviceReader:
    """Reads frames as the page would, one after the other.

    Detections are as frequent as they can be on either side: how long one takes counts as nothing.
    """

    def __init__(self, page: Page) -> None:
        self._page = page

    def read(self, frame: NDArray[np.uint8], seconds: float) -> dict[str, Any]:
        """Return what the worker says about RGB uint8 ``(H, W, 3)``."""
        height, width = frame.shape[:2]
        told: dict[str, Any] = outcome(
            self._page,
            "(frame) => window.read(frame)",
            {
                "pixels": base64.b64encode(frame.tobytes()).decode(),
                "width": width,
                "height": height,
                "time": seconds,
            },
        )
        return told

    def tell(self, **message: Any) -> None:
        """Send another message than a frame."""
        self._page.evaluate("(message) => window.tell(message)", message)


@contextmanager
def device_reader(page: Page, server: str, base: str) -> Iterator[DeviceReader]:
    """Load the worker of a server in a page of its."""
    page.goto(f"{server}/_stcore/health")
    outcome(page, OPEN, f"{server}{base}worker.js")
    yield DeviceReader(page)


class ServerReader:
    """Reads frames as the server would, in the frames' own time."""

    def __init__(self, classifier: EmotionClassifier) -> None:
        self._now = 0.0
        self.stream = FaceStream(classifier, scheduler=FrameScheduler(), clock=lambda: self._now)

    def read(self, frame: NDArray[np.uint8], seconds: float) -> LiveReading | None:
        """Return what the server says about RGB uint8 ``(H, W, 3)``."""
        self._now = seconds
        return self.stream.process(frame, seconds)[1]


def compare(
    device: DeviceReader,
    classifier: EmotionClassifier,
    frames: Iterable[NDArray[np.uint8]],
    *,
    instants: int = 4,
) -> list[dict[str, Any]]:
    """Show both sides each frame for some instants, as a camera on which nothing moves.

    Returns:
        For every frame in which either finds a face: ``found`` (by the server, by the device),
        ``difference`` (the largest of the seven probabilities), ``same`` (whether both say the
        same name) and ``boxes``.
    """
    results = []
    for frame in frames:
        device.tell(kind="forget")
        server = ServerReader(classifier)
        for instant in range(instants):
            ours = server.read(frame, instant / 2)
            theirs = device.read(frame, instant / 2)["reading"]
        server.stream.close()
        if ours is None and theirs is None:
            continue
        result: dict[str, Any] = {"found": (ours is not None, theirs is not None)}
        if ours is not None and theirs is not None:
            difference = np.subtract(ours.scores.probabilities, theirs["probabilities"])
            box = ours.faces[0].reading.face.box
            result |= {
                "difference": float(np.abs(difference).max()),
                "same": ours.emotion == theirs["emotion"],
                "faces": (len(ours.faces), len(theirs["faces"])),
                "boxes": (
                    [box.x, box.y, box.width, box.height],
                    [theirs["faces"][0]["box"][n] for n in ("x", "y", "width", "height")],
                ),
            }
        results.append(result)
    return results
