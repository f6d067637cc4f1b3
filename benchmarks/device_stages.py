"""The processor time of each step of reading a frame in the visitor's browser.

    python benchmarks/device_stages.py [--times 40] [--json FILE]

The live page's worker runs in a real Chromium, and each of its steps on one frame of 640 x 480 with
one face, in a loop. Measured is the processor time of the worker's thread (Linux): other work on
the machine changes it little, but would change the elapsed time a lot. Each figure is the minimum
of three loops.
"""

from __future__ import annotations

import argparse
import base64
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.figures import Figures  # noqa: E402
from tests.browser import clips  # noqa: E402
from tests.browser.device import OPEN  # noqa: E402
from ui.server.device_assets import base_address  # noqa: E402

LOOPS: Final = 3

# `stream` and `networks` are the worker's own; what is added here has other names.
PREPARE: Final = """async ({ base, pixels, width, height }) => {
  const names = ["crop", "images", "templates"];
  const modules = await Promise.all(names.map((name) => import(`${base}${name}.js`)));
  const [crop, images, templates] = modules;
  const bytes = Uint8ClampedArray.from(atob(pixels), (letter) => letter.charCodeAt(0));
  const frame = images.fromCanvas({ data: bytes, width, height });
  const { rules } = stream;
  stream.forget();
  for (let time = 0; time < 5; time += 1) await stream.read(frame, time);
  const [track] = stream.tracker.tracks;
  const grey = images.toGrey(frame);
  const face = { ...track, x: track.x + track.width / 2, y: track.y + track.height / 2 };
  const region = crop.cropRegion(rules, { ...face, side: track.width });
  const inputs = Object.entries(networks).map(([name, { shape }]) => {
    return [name, new Float32Array(shape.reduce((a, b) => a * b)).fill(0.5)];
  });
  self.bench = {
    crop, images, templates, frame, rules, grey, region,
    small: templates.searchFrame(rules, grey),
    face: crop.extractCrop(rules, grey, region),
    known: stream.detector.asProposal(stream.detector.known[0]),
    bitmap: await createImageBitmap(new ImageData(bytes, width, height)),
    board: new OffscreenCanvas(width, height),
    inputs: Object.fromEntries(inputs),
    margin: rules.blazeface.NEAR_PADDING,
    above: rules.blazeface.PROPOSAL_THRESHOLD,
  };
}"""
STEPS: Final = {
    "a reading with a detection": "stream.detectedAt = -1e9; await stream.read(frame, time)",
    "a reading without": "stream.detectedAt = 1e9; await stream.read(frame, time)",
    "pixels of the camera's frame, mirrored": """
        const pen = board.getContext("2d", { willReadFrequently: true, alpha: false });
        pen.setTransform(-1, 0, 0, 1, board.width, 0);
        pen.drawImage(bitmap, 0, 0);
        pen.getImageData(0, 0, board.width, board.height)""",
    "grey": "images.toGrey(frame)",
    "tracking: a smaller frame": "templates.searchFrame(rules, grey)",
    "tracking: the template": "stream.tracker.trackTemplates(small)",
    "crop": "crop.extractCrop(rules, grey, region)",
    "contrast, noise and sharpness": "crop.preprocess(rules, face)",
    "emotion network": "await networks.emotion.run(inputs.emotion)",
    "detection": "await stream.detector.detect(frame)",
    "detection: proposals, near": "await stream.detector.near.detect(frame, { margin, above })",
    "detection: proposals, far": "await stream.detector.far.detect(frame, { above })",
    "detection: a proposal confirmed": """
        await stream.detector.confirm(frame, known.box, known.points)""",
    "network of near proposals alone": "await networks.shortRange.run(inputs.shortRange)",
    "network of far proposals alone": "await networks.fullRange.run(inputs.fullRange)",
    "network of landmarks alone": "await networks.landmark.run(inputs.landmark)",
}
"""Step → JavaScript that runs it once."""


def descendants() -> Iterator[Path]:
    """Yield the processes that this one has started, and those that they have started (Linux)."""
    parents = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            parents[process] = (process / "stat").read_text().rpartition(")")[2].split()[1]
        except OSError:  # it has ended
            continue
    mine = {str(os.getpid())}
    while found := [one for one, parent in parents.items() if parent in mine]:
        for one in found:
            del parents[one]
            mine.add(one.name)
        yield from found


def worker_seconds() -> float:
    """Return the processor time that the browser's workers have taken so far."""
    nanoseconds = 0
    for process in descendants():
        for thread in (process / "task").glob("*"):
            if (thread / "comm").read_text().startswith("DedicatedWorker"):
                nanoseconds += int((thread / "schedstat").read_text().split()[0])
    return nanoseconds / 1e9


def measure(times: int) -> Iterator[dict[str, Any]]:
    """Yield the figures as they are measured."""
    from page_server import chromium, serve
    from playwright.sync_api import sync_playwright

    path = base_address()
    if path is None:
        sys.exit("LiteRT's runtime for browsers is not installed: npm ci")
    frame = next(iter(clips.smiling(1.0)))
    height, width = frame.shape[:2]
    pixels = np.dstack([frame, np.full((height, width), 255, np.uint8)])
    with serve() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium())
        page = browser.new_page()
        page.goto(f"{address}/_stcore/health")
        page.evaluate(OPEN, f"{address}{path}worker.js")
        (worker,) = page.workers
        worker.evaluate(
            PREPARE,
            {
                "base": f"{address}{path}",
                "pixels": base64.b64encode(pixels.tobytes()).decode(),
                "width": width,
                "height": height,
            },
        )
        for name, step in STEPS.items():
            loop = f"""async (times) => {{
              const {{ crop, images, templates, frame, rules, grey, region, small, face, known,
                bitmap, board, inputs, margin, above }} = bench;
              for (let time = 0; time < times; time += 1) {{ {step}; }}
            }}"""
            worker.evaluate(loop, times)  # until its code is compiled
            took = []
            for _ in range(LOOPS):
                before = worker_seconds()
                worker.evaluate(loop, times)
                took.append(worker_seconds() - before)
            yield {f"{name}, ms": 1000 * min(took) / times}
        browser.close()


parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
parser.add_argument("--times", type=int, default=40, help="how often each step runs in a loop")
parser.add_argument("--json", type=Path, help="write the figures to this file")

if __name__ == "__main__":
    options = parser.parse_args()
    figures = Figures()
    for figure in measure(options.times):
        figures.add(figure)
    figures.write(options.json)
