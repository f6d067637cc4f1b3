"""What the face detectors find, how fast, and what MTCNN's own package would cost instead.

    python benchmarks/emotion_detectors.py PHOTO… [--package] [--repeat 5]

prints for each photo, made at most 1280 pixels a side as the app does, what every detector
found and the median time. With --package it goes on to import the `mtcnn` package and with it
tensorflow, in this process, and prints what that costs: seconds, memory, and the longest time
for which another thread got no turn, which is how long every visitor's page would stand still.
Last it compares the package's boxes and landmarks with those of `emotion.mtcnn_detector`.

What was decided with it: MTCNN's three networks run in numpy on the package's weights. That is
faster than the package, needs neither a worker process nor a warm-up, and never blocks a page.
"""

from __future__ import annotations

import argparse
import statistics
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from emotion.detector import DETECTORS, build_detector
from emotion.image import decode_image
from emotion.mtcnn_detector import MtcnnDetector


def timed(call: Callable[[], Any], repeat: int) -> tuple[Any, float]:
    """Return the result and the median time in milliseconds, after one call unmeasured."""
    result, times = call(), []
    for _ in range(repeat):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return result, statistics.median(times) * 1e3


def resident() -> int:
    """Return this process's memory in megabytes."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) // 1024


class Ticker(threading.Thread):
    """Notes the longest time between two turns of a thread that wants one every 5 ms."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.longest = 0.0
        self.stopped = False

    def run(self) -> None:
        last = time.perf_counter()
        while not self.stopped:
            time.sleep(0.005)
            now = time.perf_counter()
            self.longest, last = max(self.longest, now - last - 0.005), now


def report_detectors(photos: dict[str, np.ndarray], repeat: int) -> None:
    for name, image in photos.items():
        print(f"\n{name}, {image.shape[1]} x {image.shape[0]}")
        for detector_name in DETECTORS:
            detector = build_detector(detector_name)
            faces, milliseconds = timed(lambda d=detector, i=image: d.detect(i), repeat)
            boxes = ", ".join(
                f"{f.box.width} x {f.box.height} at {f.box.x}, {f.box.y}"
                + (f" turned {f.turn}" if f.turn else "")
                for f in faces
            )
            print(f"  {detector_name:8}{milliseconds:6.0f} ms   {boxes or 'no face'}")


def report_package(photos: dict[str, np.ndarray], repeat: int) -> None:
    before, ticker = resident(), Ticker()
    ticker.start()
    time.sleep(0.1)
    start = time.perf_counter()
    from mtcnn import MTCNN

    package = MTCNN()
    seconds = time.perf_counter() - start
    ticker.stopped = True
    print(
        f"\nThe mtcnn package: {seconds:.1f} s to load, {resident() - before} MB more, other "
        f"threads without a turn for up to {ticker.longest:.2f} s"
    )
    ours = MtcnnDetector(smallest=20, accept_above=0.8)
    for name, image in photos.items():
        theirs, slow = timed(lambda i=image: package.detect_faces(i), repeat)
        mine, fast = timed(lambda i=image: ours.detect_with_scores(i), repeat)
        print(
            f"  {name}: package {slow:.0f} ms, {len(theirs)} found; here {fast:.0f} ms, {len(mine)}"
        )
        for face, score in mine:
            near = [t for t in theirs if abs(t["box"][0] - face.box.x) < face.box.width / 2]
            if near and face.landmarks:
                eyes = np.subtract(near[0]["keypoints"]["left_eye"], face.landmarks.left_eye)
                print(
                    f"    box {near[0]['box']} and {[face.box.x, face.box.y]}"
                    f"{[face.box.width, face.box.height]}, scores {near[0]['confidence']:.3f} "
                    f"and {score:.3f}, left eyes {np.hypot(*eyes):.1f} pixels apart"
                )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", nargs="+", type=Path)
    parser.add_argument("--package", action="store_true", help="measure the mtcnn package, too")
    parser.add_argument("--repeat", type=int, default=5)
    arguments = parser.parse_args()
    photos = {path.name: decode_image(path.read_bytes()) for path in arguments.photos}
    report_detectors(photos, arguments.repeat)
    if arguments.package:
        report_package(photos, arguments.repeat)


if __name__ == "__main__":
    main()
