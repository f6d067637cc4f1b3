"""How long a visitor waits: for the first page of a cold server, and from a photo to music.

    python benchmarks/page_speed.py [--runs 5]

A server is started anew, a real Chromium opens it, and the clock runs from the start of the
process until the heading and the mood pad are on the screen. Then a 12-megapixel JPEG is handed
in and the question answered at once; the clock runs from the file to the first row of the
playlist. The first photo shows what a server that has just started costs and is not counted.
"""

import argparse
import os
import statistics
import time

from page_server import chromium, serve, twelve_megapixels
from playwright.sync_api import Page, expect, sync_playwright

expect.set_options(timeout=120_000)


def first_page(page: Page, address: str) -> None:
    page.goto(address)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.get_by_text("In the middle")).to_be_visible()


def photo_to_playlist(page: Page, photo: bytes) -> tuple[float, float]:
    """Return the seconds from the file to the reading, and from the file to the playlist."""
    page.get_by_role("link", name="Selfie").click()
    again = page.get_by_role("button", name="Another photo", exact=True)
    uploader = page.locator("input[type=file]")
    expect(again.or_(uploader).first).to_be_attached()
    if not uploader.count():
        again.click()
    expect(uploader).to_be_attached()
    page.wait_for_timeout(1000)

    start = time.perf_counter()
    uploader.set_input_files({"name": "me.jpg", "mimeType": "image/jpeg", "buffer": photo})
    expect(uploader).to_have_count(0)  # it goes when the reading comes
    reading = time.perf_counter() - start
    page.get_by_role("button", name="Lift me up").click()
    rows = page.get_by_role("list", name="Tracks in playing order").get_by_role("listitem")
    expect(rows.first).to_be_visible()
    return reading, time.perf_counter() - start


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
        first = photo_to_playlist(page, photo)
        times = [photo_to_playlist(page, photo) for _ in range(runs)]
    browser.close()

print(f"{os.cpu_count()} cores, load {load:.1f} before the start")
print(f"cold server to first page   {cold:.2f} s (the server answers after {answered:.2f} s)")
print(f"photo: {len(photo) / 1e6:.1f} MB, 12 megapixels; the first one {first[1]:.2f} s")
for name, values in (
    ("photo to reading", [reading for reading, _ in times]),
    ("photo to playlist", [playlist for _, playlist in times]),
):
    middle, least, most = statistics.median(values), min(values), max(values)
    print(f"{name:<27} {middle:.2f} s (median of {runs}; {least:.2f} to {most:.2f})")
