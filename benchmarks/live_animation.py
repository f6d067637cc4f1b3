"""Make the short animation of the live page that the README shows.

    python benchmarks/live_animation.py [FILE.webp] [--seconds 7]

A real Chromium opens the page on a server of its own; its camera is a clip of the astronaut in
scikit-image (NASA, public domain), who moves about, smiles and is startled.
"""

from __future__ import annotations

import argparse
import io
import sys
import tempfile
import time
from pathlib import Path

from page_server import chromium, serve
from PIL import Image
from playwright.sync_api import expect, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.browser import clips

SCREEN = {"width": 1280, "height": 640}
WIDTH = 800
PER_SECOND = 5

parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
parser.add_argument("file", nargs="?", type=Path, default=Path("docs/live.webp"))
parser.add_argument("--seconds", type=float, default=7.0)


def shrunk(shot: bytes) -> Image.Image:
    picture = Image.open(io.BytesIO(shot)).convert("RGB")
    height = round(picture.height * WIDTH / picture.width)
    return picture.resize((WIDTH, height), Image.Resampling.LANCZOS)


if __name__ == "__main__":
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        film = clips.write(Path(folder) / "film.mjpeg", clips.changing(12.0, every=3.0))
        with serve() as address, sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=chromium(),
                args=[
                    "--use-fake-ui-for-media-stream",
                    "--use-fake-device-for-media-stream",
                    f"--use-file-for-fake-video-capture={film}",
                ],
            )
            context = browser.new_context(
                viewport=SCREEN,  # type: ignore[arg-type]
                color_scheme="dark",
                permissions=["camera"],
            )
            page = context.new_page()
            page.goto(f"{address}/live")
            page.get_by_role("button", name="Start the camera").click(timeout=120_000)
            page.get_by_role("button", name="Keep reading").click(timeout=120_000)
            expect(page.get_by_text("Reading until you stop it.")).to_be_visible(timeout=60_000)
            page.mouse.move(0, 0)
            frames = []
            start = time.monotonic()
            for number in range(round(options.seconds * PER_SECOND)):
                time.sleep(max(0.0, start + number / PER_SECOND - time.monotonic()))
                frames.append(shrunk(page.screenshot()))
            browser.close()
    options.file.parent.mkdir(parents=True, exist_ok=True)
    frames[0].save(
        options.file,
        save_all=True,
        append_images=frames[1:],
        duration=1000 // PER_SECOND,
        loop=0,
        quality=70,
        method=6,
    )
    print(f"{options.file}: {len(frames)} pictures, {options.file.stat().st_size / 1e3:.0f} kB")
