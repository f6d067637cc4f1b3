"""How long a visitor waits: for the first page of a cold server, and from a photo to music.

    python benchmarks/page_speed.py [--runs 5]

A server is started, a real Chromium opens it, and the clock runs from the start of the process
until the heading and the mood pad are on the screen. Then a 12-megapixel JPEG is chosen and the
question answered at once; the clock runs from the file to the first row of the playlist, both when
the browser reads the photo and when the server does. Each run is a new visit. The first, when
server and browser have just started, is not counted.
"""

import argparse
import os
import statistics
import time

from page_server import chromium, serve, twelve_megapixels
from playwright.sync_api import Browser, Page, expect, sync_playwright

expect.set_options(timeout=120_000)

WAYS = {"browser": "", "server": "delete window.OffscreenCanvas;"}
"""Who reads the photo → script that the browser runs first: without OffscreenCanvas, it leaves the
reading to the server."""
LOOKING_MS = 3000
"""How long a visitor looks for the photo in the chooser, while the page loads its networks."""


def first_page(page: Page, address: str) -> None:
    page.goto(address)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.get_by_text("In the middle")).to_be_visible()


def photo_to_playlist(browser: Browser, address: str, script: str, photo: bytes) -> list[float]:
    """Return the seconds from the file to the reading, and from the file to the playlist."""
    page = browser.new_page()
    page.add_init_script(script)
    page.goto(f"{address}/selfie")
    page.get_by_text("stays on this device" if not script else "read in memory").wait_for()
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose a photo").click()
    page.wait_for_timeout(LOOKING_MS)

    start = time.perf_counter()
    chooser.value.set_files({"name": "me.jpg", "mimeType": "image/jpeg", "buffer": photo})
    expect(page.get_by_alt_text("Your photo with the face outlined")).to_be_visible()
    reading = time.perf_counter() - start
    page.get_by_role("button", name="Stay with it").click()
    rows = page.get_by_role("list", name="Tracks in playing order").get_by_role("listitem")
    expect(rows.first).to_be_visible()
    playlist = time.perf_counter() - start
    page.close()
    return [reading, playlist]


parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
parser.add_argument("--runs", type=int, default=5)
runs = parser.parse_args().runs

photo = twelve_megapixels()
with sync_playwright() as playwright:
    browser = playwright.chromium.launch(executable_path=chromium())
    browser.new_page().close()
    load = os.getloadavg()[0]
    start = time.perf_counter()
    with serve() as address:
        answered = time.perf_counter() - start
        page = browser.new_page()
        first_page(page, address)
        cold = time.perf_counter() - start
        times = {}
        for way, script in WAYS.items():
            # The first one is slow, since server and browser have just started.
            _, *times[way] = [
                photo_to_playlist(browser, address, script, photo) for _ in range(runs + 1)
            ]
    browser.close()

print(f"{os.cpu_count()} cores, load {load:.1f} before the start")
print(f"cold server to first page   {cold:.2f} s (the server answers after {answered:.2f} s)")
print(f"photo: {len(photo) / 1e6:.1f} MB, 12 megapixels, read by")
for way, pairs in times.items():
    for name, values in zip(("reading", "playlist"), zip(*pairs, strict=True), strict=True):
        middle, least, most = statistics.median(values), min(values), max(values)
        title = f"{way}: photo to {name}"
        print(f"{title:<31} {middle:.2f} s (median of {runs}; {least:.2f} to {most:.2f})")
