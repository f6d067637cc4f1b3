"""What the face detectors find, how fast they are, and what MTCNN's own package would cost instead.

    python benchmarks/emotion_detectors.py PHOTO… [--package] [--repeat 5]
    python benchmarks/emotion_detectors.py --press press_faces.zip [--count 100] [--detector NAME]…

prints for each photo, downscaled to at most 1280 pixels a side as in the app, what every detector
found and the median time. With --package it then imports the `mtcnn` package and with it
tensorflow, in this process, and prints what that costs: seconds, memory, and the longest time
for which other threads could not run, which is how long every visitor's page would stand still.
Finally it compares the package's boxes and landmarks with those of `emotion.detectors.mtcnn`.

With --press, an archive of labelled photographs (``<emotion>/<person>-<id>.jpg``; by default the
one that PRESS_FACES_PATH names), it prints in how many of them each detector finds the face, as
they are, leaning, and in a camera's frame at several sizes, how many false positives it has there
and in images without faces, and what a detection costs, in milliseconds of one thread. Only
photographs count in which two of BlazeFace, MTCNN and Haar agree on one upright face.

What was decided with it: BlazeFace is asked first, and confirms what it proposes. MTCNN's three
networks run in NumPy on the package's weights. That is faster than the package, needs
neither a worker process nor a warm-up, and never blocks a page.
"""

from __future__ import annotations

import argparse
import itertools
import os
import statistics
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.photographs import Photo, Scene, any_photos, as_it_is, in_camera, load_photos
from emotion.detectors.base import FaceDetector
from emotion.detectors.factory import DETECTORS, build_detector
from emotion.detectors.mtcnn import MtcnnDetector
from emotion.image.decoding import decode_image
from emotion.live.detector import build_live_detector
from emotion.types import Face
from model.data.backgrounds import empty_images


def timed(call: Callable[[], Any], repeat: int) -> tuple[Any, float]:
    """Return the result and the median time in milliseconds; a first call is not timed."""
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
    """Records how late a thread that wakes up every 5 ms runs at worst."""

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
                + (f" rotated {f.rotation}°" if f.rotation else "")
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
    ours = MtcnnDetector(min_face=20, accept_above=0.8)
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


def _conditions() -> dict[str, Callable[[Photo, int], Scene]]:
    """Return the ways in which photographs are shown; every second one leans to the other side."""
    found: dict[str, Callable[[Photo, int], Scene]] = {}
    for lean in (0, 15, 25, 35, 50):
        found[f"turned by ±{lean}°" if lean else "as it is"] = lambda photo, sign, lean=lean: (
            as_it_is(photo, lean=sign * lean)
        )
    for name, size in (("whole", 1.0), ("half", 1 / 2), ("a third", 1 / 3)):
        for lean in (0, 35):
            found[f"camera, {name}{f', ±{lean}°' if lean else ''}"] = (
                lambda photo, sign, size=size, lean=lean: in_camera(
                    photo, size=size, lean=sign * lean
                )
            )
    return found


def report_photographs(archive: Path, count: int, names: Sequence[str]) -> None:
    photos = load_photos(archive, count)
    detectors: dict[str, FaceDetector] = {name: build_detector(name) for name in names}
    detectors["live"] = FirstLook()
    print(f"\n{len(photos)} photographs of one face: found in %, false positives, ms a detection")
    print(f"{'':22}" + "".join(f"{name:>20}" for name in detectors))
    for title, scene_of in _conditions().items():
        scenes = [scene_of(photo, (-1) ** place) for place, photo in enumerate(photos)]
        print(f"{title:22}" + "".join(f"{_row(d, scenes):>20}" for d in detectors.values()))
    people = [image for _, image in itertools.islice(any_photos(archive, seed=1), count)]
    cells = []
    for detector in detectors.values():
        seen, milliseconds = _looked(detector, people)
        cells.append(f"{100 * sum(map(bool, seen)) / len(seen):.0f}     {milliseconds:7.0f}")
    print(f"{'any photograph, a face':22}" + "".join(f"{cell:>20}" for cell in cells))
    empty = empty_images()
    cells = []
    for detector in detectors.values():
        seen, milliseconds = _looked(detector, empty)
        cells.append(f"{sum(map(len, seen))}{milliseconds:7.0f}")
    print(f"{f'{len(empty)} without a face':22}" + "".join(f"{cell:>20}" for cell in cells))


def _row(detector: FaceDetector, scenes: Sequence[Scene]) -> str:
    seen, milliseconds = _looked(detector, [scene.image for scene in scenes])
    pairs = list(zip(scenes, seen, strict=True))
    found = 100 * sum(scene.found(faces) for scene, faces in pairs) / len(pairs)
    false = sum(scene.false(faces) for scene, faces in pairs)
    return f"{found:.0f}{false:5d}{milliseconds:7.0f}"


def _looked(detector: FaceDetector, images: Sequence[np.ndarray]) -> tuple[list[list[Face]], float]:
    """Return the faces found in each image, and the median processor time in milliseconds."""
    detector.detect(images[0])
    seen, times = [], []
    for image in images:
        start = time.process_time()
        seen.append(detector.detect(image))
        times.append(time.process_time() - start)
    return seen, statistics.median(times) * 1e3


class FirstLook:
    """The live camera's detector, each time as if the frame were the first."""

    def warm_up(self) -> None: ...

    def detect(self, image: np.ndarray) -> list[Face]:
        return build_live_detector().detect(image)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", nargs="*", type=Path)
    parser.add_argument("--press", type=Path, default=os.environ.get("PRESS_FACES_PATH"))
    parser.add_argument("--count", type=int, default=100, help="photographs; default: 100")
    parser.add_argument("--detector", action="append", choices=DETECTORS, help="default: all")
    parser.add_argument("--package", action="store_true", help="measure the mtcnn package, too")
    parser.add_argument("--repeat", type=int, default=5)
    arguments = parser.parse_args()
    if not arguments.photos and arguments.press is None:
        parser.error("name photos, or an archive of photographs with --press")
    photos = {path.name: decode_image(path.read_bytes()) for path in arguments.photos}
    report_detectors(photos, arguments.repeat)
    if arguments.package:
        report_package(photos, arguments.repeat)
    if arguments.press and not arguments.photos:
        names = list(dict.fromkeys(arguments.detector or DETECTORS))
        report_photographs(Path(arguments.press), arguments.count, names)


if __name__ == "__main__":
    main()
