"""How closely the visitor's browser agrees with the server: both read the same photographs.

    python benchmarks/device_parity.py --press press_faces.zip [--frames 200] [--json FILE]

Each photograph (``<emotion>/<person>-<id>.jpg``, one a person) is drawn into a frame of 640 x 480
at full or a third of the size, upright or leaning, and every fourth one as a camera sees it in the
dark: with noise, which is removed before a face is read. The same frames are read by
`emotion.FaceStream` and by the live page's worker in a real Chromium, for two seconds of a camera's
time each.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.figures import Figures  # noqa: E402
from benchmarks.photographs import Photo, any_photos, in_camera  # noqa: E402
from emotion.classifier import EmotionClassifier  # noqa: E402
from emotion.types import Box  # noqa: E402
from tests.browser.device import compare, device_reader  # noqa: E402
from ui.server.device_assets import base_address  # noqa: E402

AT_MOST = {"difference, median": 0.02, "difference, largest": 0.08}
AT_LEAST = {"same name, %": 97.0, "found by both or neither, %": 99.0}


def frames(archive: Path, count: int) -> Iterator[NDArray[np.uint8]]:
    """Yield photographs as camera frames, each differently."""
    noise = np.random.default_rng(0)
    for place, (name, image) in enumerate(itertools.islice(any_photos(archive), count)):
        height, width = image.shape[:2]
        lean = (0.0, 10.0, -25.0)[place % 3]
        size = (1.0, 1 / 3)[place // 2 % 2]
        scene = in_camera(Photo(name, image, Box(0, 0, width, height)), size=size, lean=lean)
        frame = scene.image
        if place % 4 == 3:
            frame = frame * 0.35 + noise.normal(0, 12, frame.shape)
        yield np.clip(frame, 0, 255).astype(np.uint8)


def measure(archive: Path, count: int) -> dict[str, Any]:
    """Return the figures."""
    from page_server import chromium, serve
    from playwright.sync_api import sync_playwright

    base = base_address()
    if base is None:
        sys.exit("LiteRT's runtime for browsers is not installed: npm ci")
    with serve() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium())
        with device_reader(browser.new_page(), address, base) as device:
            results = compare(device, EmotionClassifier(), frames(archive, count))
        browser.close()
    both = [result for result in results if all(result["found"])]
    differences = [result["difference"] for result in both]
    return {
        "frames": count,
        "with a face": len(results),
        "found by both or neither, %": 100 * (1 - (len(results) - len(both)) / count),
        "difference, median": statistics.median(differences),
        "difference, 95 %": float(np.percentile(differences, 95)),
        "difference, largest": max(differences),
        "same name, %": 100 * statistics.mean(result["same"] for result in both),
    }


parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
parser.add_argument("--press", type=Path, required=True, help="an archive of photographs")
parser.add_argument("--frames", type=int, default=200)
parser.add_argument("--json", type=Path, help="write the figures to this file")

if __name__ == "__main__":
    options = parser.parse_args()
    figures = Figures(AT_LEAST, AT_MOST, digits=4)
    figures.add(measure(options.press, options.frames))
    figures.write(options.json)
