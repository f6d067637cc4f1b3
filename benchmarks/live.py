"""Measures the live camera: the pipeline alone, then a real Chromium on a real server.

    python benchmarks/live.py [--seconds 20] [--minutes 5] [--fer PYTHON] [--no-browser] [--json F]
    python benchmarks/live.py --ways [--seconds 20] [--visitors 10]
    python benchmarks/live.py --press press_faces.zip

The clip is 640 x 480 at 30 frames a second and made here from the astronaut in scikit-image, who
moves about, smiles and is startled. Frames come as often as from a camera. Everything runs on this
machine, browser and server side by side, so keep it quiet. `--fer` names a Python that can import
PyPI's `fer`, which needs packages of its own; it reads the same frames.

With --ways it compares the two ways of reading a camera, on the server over WebRTC and in the
visitor's browser: how soon there is a reading, how many a second, the server's processor time and
what is sent (`live_ways.py`).

With --press, an archive of photographs (``<emotion>/<person>-<id>.jpg``), it only prints what
percentage of 64 of them give a reading when shown as still camera frames.
"""

from __future__ import annotations

import argparse
import importlib.util
import itertools
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from emotion.classifier import EmotionClassifier  # noqa: E402
from emotion.live.detector import build_live_detector, build_live_haar_detector  # noqa: E402
from emotion.live.scheduler import FrameScheduler  # noqa: E402
from emotion.live.stream import FaceStream  # noqa: E402
from tests.browser import clips  # noqa: E402

RATE = clips.RATE
EVERY = 4.0
"""Seconds for which each expression lasts in the clip that changes."""

AT_LEAST = {
    "shown frames a second": 25,
    "read frames a second, one face": 15,
}
AT_MOST = {
    "START to the first annotated frame, s": 2.0,
    "pipeline time per read frame, median, ms": 16.0,
    "change of expression to change of name, slowest, s": 1.0,
    "wrong flickers of the name in a 30 s still clip": 0,
}


def paced(frames: Iterable[clips.Picture]) -> Iterator[tuple[float, clips.Picture]]:
    """Yield frames with their times, when a camera would; an overdue one comes at once."""
    start = time.perf_counter()
    for number, frame in enumerate(frames):
        due = number / RATE
        wait = start + due - time.perf_counter()
        if wait > 0:
            time.sleep(wait)
        yield due, frame


def alone(classifier: EmotionClassifier, seconds: float) -> dict[str, Any]:
    """Read the moving clip with one stream and nothing else."""
    stream = FaceStream(classifier, mirror=True, scheduler=FrameScheduler())
    frames = list(clips.smiling(seconds))
    read_times, shown_times = [], []
    start = time.perf_counter()
    for at, frame in paced(frames):
        reads, begin = stream.reads, time.perf_counter()
        stream.process(frame, at)
        took = 1000 * (time.perf_counter() - begin)
        (read_times if stream.reads > reads else shown_times).append(took)
    elapsed = time.perf_counter() - start
    stream.close()
    return {
        "pipeline time per read frame, median, ms": statistics.median(read_times),
        "pipeline time per read frame, 95 %, ms": float(np.percentile(read_times, 95)),
        "pipeline time per unread frame, median, ms": (
            statistics.median(shown_times) if shown_times else None
        ),
        "read frames a second, pipeline alone": len(read_times) / elapsed,
    }


def detections(seconds: float = 4.0) -> dict[str, Any]:
    """Time a detection with the app's detector and with Haar, alternating on the same frames."""
    detectors = {"": build_live_detector(), " with Haar": build_live_haar_detector()}
    times: dict[str, list[float]] = {name: [] for name in detectors}
    for frame in clips.smiling(seconds):
        for name, detector in detectors.items():
            start = time.process_time()
            detector.detect(frame)
            times[name].append(1000 * (time.process_time() - start))
    return {
        f"time of a detection{name}, median, ms of one processor": statistics.median(values)
        for name, values in times.items()
    }


def reaction(classifier: EmotionClassifier, seconds: float = 24.0) -> dict[str, Any]:
    """Measure how soon the name follows a change of expression, in real time."""
    stream = FaceStream(classifier, scheduler=FrameScheduler())
    named: list[tuple[float, str]] = []
    for at, frame in paced(list(clips.changing(seconds, every=EVERY))):
        _, reading = stream.process(frame, at)
        if reading and (not named or named[-1][1] != reading.emotion):
            named.append((at, reading.emotion))
    stream.close()
    changes = [EVERY * n for n in range(1, round(seconds / EVERY))]
    delays = []
    for change in changes:
        after = [at - change for at, _ in named if change <= at < change + EVERY]
        delays.append(after[0] if after else float("inf"))
    return {
        "change of expression to change of name, median, s": statistics.median(delays),
        "change of expression to change of name, slowest, s": max(delays),
        "names in the clip that changes": [name for _, name in named],
    }


def flickers(classifier: EmotionClassifier, seconds: float = 30.0) -> dict[str, Any]:
    """Count changes of the name while the face is still and only the camera's noise changes."""
    count, names = 0, []
    for image in (clips.astronaut(), clips.startled()):
        stream = FaceStream(classifier, scheduler=FrameScheduler())
        before = None
        for at, frame in paced(list(clips.still(image, seconds))):
            _, reading = stream.process(frame, at)
            if reading:
                count += before is not None and reading.emotion != before
                before = reading.emotion
        stream.close()
        names.append(before)
    return {
        "wrong flickers of the name in a 30 s still clip": count,
        "names in the still clips": names,
    }


def crowd(classifier: EmotionClassifier, minutes: float, people: int = 10) -> dict[str, Any]:
    """Read ten cameras at once in one process."""
    scheduler = FrameScheduler()
    clip = list(clips.smiling(4.0))
    end = time.perf_counter() + 60 * minutes
    counts: list[tuple[int, int, int]] = []

    def visitor(number: int) -> None:
        stream = FaceStream(classifier, mirror=True, scheduler=scheduler)
        readings = 0
        endless = itertools.islice(itertools.cycle(clip), number * 7, None)
        for at, frame in paced(endless):
            if time.perf_counter() > end:
                break
            readings += stream.process(frame, at)[1] is not None
        counts.append((stream.frames, stream.reads, readings))
        stream.close()

    threads = [threading.Thread(target=visitor, args=(n,)) for n in range(people)]
    for thread in threads:
        thread.start()
    memory = []
    while any(thread.is_alive() for thread in threads):
        memory.append(resident())
        time.sleep(min(5.0, max(0.1, end - time.perf_counter())))
    for thread in threads:
        thread.join()
    settled = memory[min(len(memory) - 1, 4) :]
    seconds = 60 * minutes
    return {
        "ten streams: shown a second, slowest": min(f for f, _, _ in counts) / seconds,
        "ten streams: read a second, slowest": min(r for _, r, _ in counts) / seconds,
        "ten streams: read a second, quickest": max(r for _, r, _ in counts) / seconds,
        "ten streams: memory after 20 s, MB": settled[0],
        "ten streams: memory at the end, MB": settled[-1],
        "ten streams: memory at most, MB": max(settled),
        "ten streams: minutes": minutes,
    }


def resident() -> float:
    """Return this process's memory in MB."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def people(archive: Path, classifier: EmotionClassifier, count: int = 64) -> dict[str, Any]:
    """Show photographs as frames of 640 x 480 for a third of a second, by size and lean."""
    from benchmarks.photographs import in_camera, load_photos

    photos = load_photos(archive, count)
    fractions: dict[str, Any] = {}
    for title, size in (("whole", 1.0), ("a third of the size", 1 / 3), ("filling it", 1.6)):
        for lean in (0, 15, 25, 35):
            read = 0
            for place, photo in enumerate(photos):
                frame = in_camera(photo, size=size, lean=(-1) ** place * lean).image
                clock = itertools.count(1 / RATE, 1 / RATE)
                now = [0.0]
                stream = FaceStream(
                    classifier, scheduler=FrameScheduler(cores=2), clock=lambda now=now: now[0]
                )
                reading = None
                for now[0] in itertools.islice(clock, 10):
                    _, reading = stream.process(frame, now[0])
                read += reading is not None
                stream.close()
            fractions[f"frames read, {title}, {lean} degrees, %"] = 100 * read / len(photos)
    return fractions


def beside_fer(python: str | None, seconds: float) -> dict[str, Any]:
    """Read the same moving clip with PyPI's `fer`, in a Python that can import it."""
    if python is None and importlib.util.find_spec("fer"):
        python = sys.executable
    if python is None:
        return {"fer": "not measured: `fer` cannot be imported here; name a Python with --fer"}
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder) / "clip.npy"
        np.save(clip, np.stack(list(clips.smiling(min(seconds, 10.0)))))
        child = subprocess.run(
            [python, "-c", FER, str(clip)], capture_output=True, text=True, check=False
        )
    if child.returncode:
        return {"fer": f"not measured: {child.stderr.strip().splitlines()[-1]}"}
    result: dict[str, Any] = json.loads(child.stdout.splitlines()[-1])
    return result


FER = """
import json, statistics, sys, time
import numpy as np
from fer.fer import FER
clip = np.load(sys.argv[1])
reader = FER()
reader.detect_emotions(clip[0][..., ::-1])
times, found, named, changes, before = [], 0, 0, 0, None
for frame in clip:
    bgr = np.ascontiguousarray(frame[..., ::-1])
    begin = time.perf_counter()
    faces = reader.detect_emotions(bgr)
    times.append(1000 * (time.perf_counter() - begin))
    found += len(faces) == 1
    if faces:
        name = max(faces[0]["emotions"], key=faces[0]["emotions"].get)
        named += name == "happy"
        changes += before is not None and name != before
        before = name
print(json.dumps({
    "fer: time per frame, median, ms": statistics.median(times),
    "fer: frames a second at most": 1000 / statistics.mean(times),
    "fer: frames with exactly the one face, %": 100 * found / len(clip),
    "fer: frames named happy, %": 100 * named / len(clip),
    "fer: changes of the name in the clip": changes,
}))
"""

WATCH = """() => {
  const found = (window.seen = { annotated: 0, shown: 0, different: 0 });
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [160, 120];
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  const whole = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  // The name at the face, "happy", is yellow, in strokes so thin that they need the full size.
  const isAnnotated = (video) => {
    const { videoWidth: width, videoHeight: height } = video;
    Object.assign(whole.canvas, { width, height });
    whole.drawImage(video, 0, 0);
    const { data } = whole.getImageData(0, 0, width, height);
    let yellow = 0;
    for (let i = 0; i < data.length; i += 4) {
      // Skin and hair are redder.
      if (data[i] > 210 && data[i + 1] > 190 && data[i + 2] < 150 && data[i] - data[i + 1] < 45) {
        yellow += 1;
      }
    }
    return yellow > 20;
  };
  let before;
  const look = (video) => {
    if (!found.annotated && isAnnotated(video)) found.annotated = Date.now();
    pen.drawImage(video, 0, 0, 160, 120);
    const { data } = pen.getImageData(0, 0, 160, 120);
    found.shown += 1;
    let change = 0;
    for (let i = 0; i < data.length; i += 4) {
      if (before) change += Math.abs(data[i] - before[i]);
    }
    if (!before || change > 160 * 120 * 0.25) found.different += 1;
    before = data;
    video.requestVideoFrameCallback(() => look(video));
  };
  const wait = () => {
    const video = document.querySelector("video");
    if (video) video.requestVideoFrameCallback(() => look(video));
    else setTimeout(wait, 5);
  };
  wait();
}"""


def in_a_browser(seconds: float) -> dict[str, Any]:
    """Press the button in a real Chromium and watch the image that comes back."""
    from live_ways import SERVER, WAYS, camera
    from page_server import chromium, serve
    from playwright.sync_api import sync_playwright

    from tests.browser.waiting import wait_until

    with tempfile.TemporaryDirectory() as folder:
        clip = clips.write(Path(folder) / "clip.mjpeg", clips.smiling(10.0))
        log = Path(folder) / "log.txt"
        with (
            log.open("w") as out,
            serve([sys.executable, "-c", SERVER], stderr=out) as address,
            sync_playwright() as playwright,
        ):
            browser = playwright.chromium.launch(
                executable_path=chromium(),
                args=[*camera(clip)],
            )
            starts, rates, different = [], [], []
            for _ in range(3):
                context = browser.new_context(permissions=["camera"])
                context.add_init_script(WAYS["the server, WebRTC"])
                page = context.new_page()
                page.goto(f"{address}/live")
                button = page.get_by_role("button", name="Start the camera")
                button.wait_for(timeout=120_000)
                page.wait_for_timeout(3000)
                handle = page.wait_for_selector("iframe[title*=webrtc_streamer]", state="attached")
                frame = handle.content_frame()
                assert frame is not None
                frame.evaluate(WATCH)
                button.evaluate(
                    "b => b.addEventListener('click', () => (window.pressed = Date.now()))"
                )
                button.click()
                page.get_by_role("button", name="Keep reading").click(timeout=60_000)
                wait_until(frame, "window.seen.annotated > 0")
                starts.append((frame.evaluate("seen.annotated") - page.evaluate("pressed")) / 1000)
                page.wait_for_timeout(2000)
                one = frame.evaluate("({...seen, at: performance.now()})")
                page.wait_for_timeout(1000 * seconds / 2)
                two = frame.evaluate("({...seen, at: performance.now()})")
                span = (two["at"] - one["at"]) / 1000
                rates.append((two["shown"] - one["shown"]) / span)
                different.append((two["different"] - one["different"]) / span)
                page.get_by_role("button", name="Stop").click()
                page.get_by_role("button", name="Keep reading").wait_for(timeout=60_000)
                context.close()
            browser.close()
        ends = re.findall(r"ended: (\d+) frames, (\d+) read, ([\d.]+) s", log.read_text())
    reads = [int(read) / float(span) for _, read, span in ends]
    return {
        "START to the first annotated frame, s": statistics.median(starts),
        "START to the first annotated frame, each, s": starts,
        "shown frames a second": statistics.median(rates),
        "shown frames a second that differ from the one before": statistics.median(different),
        "read frames a second, one face": statistics.median(reads) if reads else None,
    }


parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
parser.add_argument("--seconds", type=float, default=20.0, help="length of the moving clip")
parser.add_argument("--minutes", type=float, default=5.0, help="how long ten streams go on")
parser.add_argument("--fer", help="a Python that can import PyPI's fer")
parser.add_argument("--no-browser", action="store_true", help="measure the pipeline alone")
parser.add_argument(
    "--ways", action="store_true", help="only compare reading in the browser with WebRTC"
)
parser.add_argument("--visitors", type=int, default=10, help="with --ways: how many at once")
parser.add_argument("--press", help="an archive of photographs: measure with them alone")
parser.add_argument("--json", type=Path, help="write the figures to this file")

if __name__ == "__main__":
    from benchmarks.figures import Figures

    options = parser.parse_args()
    network = EmotionClassifier()
    figures = Figures(AT_LEAST, AT_MOST)
    figures.add({"processors": os.cpu_count()})
    parts: Iterable[Callable[[], dict[str, Any]]] = [
        lambda: alone(network, options.seconds),
        detections,
        lambda: reaction(network),
        lambda: flickers(network),
        lambda: {} if options.no_browser else in_a_browser(options.seconds),
        lambda: beside_fer(options.fer, options.seconds),
        lambda: crowd(network, options.minutes),
    ]
    if options.press:
        parts = [lambda: people(Path(options.press), network)]
    if options.ways:
        from live_ways import measure_ways

        for measured in measure_ways(options.seconds, options.visitors):
            figures.add(measured)
        parts = []
    for part in parts:
        figures.add(part())
    figures.write(options.json)
