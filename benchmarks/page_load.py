"""How long a page of a running server takes to load, against an app that only writes a heading.

    python benchmarks/page_load.py [--runs 10]

Two servers run at once: the app's, and one whose script only writes a heading. A real Chromium
opens them in turn, so that other work on the machine affects both. The clock runs from the request
until the page's main content is on the screen: Home's pad, the playlist's first row, the bare app's
heading. A second time is taken when the script's run has ended and the browser's main thread is
idle: from then on a tap is answered at once. A first visit has an empty cache; a return has loaded
the page before.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from page_server import chromium, serve
from playwright.sync_api import Browser, Page, expect, sync_playwright

TIMEOUT_MS = 120_000
BARE = 'import streamlit as st\nst.title("Bare")\nst.write("Nothing else.")\n'
SETTLED = '[data-testid="stApp"][data-test-script-state="notRunning"]'
IDLE = "new Promise((resolve) => requestIdleCallback(() => resolve()))"

expect.set_options(timeout=TIMEOUT_MS)

parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
parser.add_argument("--runs", type=int, default=10)

Content = Callable[[Page], object]


def home(page: Page) -> None:
    expect(page.get_by_text("In the middle")).to_be_visible()


def playlist(page: Page) -> None:
    rows = page.get_by_role("list", name="Tracks in playing order").get_by_role("listitem")
    expect(rows.first).to_be_visible()


def bare(page: Page) -> None:
    expect(page.get_by_role("heading", name="Bare")).to_be_visible()


def load(page: Page, address: str, content: Content) -> tuple[float, float]:
    """Return the seconds until the content is there, and until the page is idle."""
    start = time.perf_counter()
    page.goto(address, wait_until="commit")
    content(page)
    there = time.perf_counter() - start
    page.locator(SETTLED).wait_for(state="attached")
    page.evaluate(IDLE)
    return there, time.perf_counter() - start


def visit(browser: Browser, address: str, content: Content) -> dict[str, tuple[float, float]]:
    """Return the times of a first visit and of a return."""
    with browser.new_context() as context:
        context.set_default_timeout(TIMEOUT_MS)
        first, again = context.new_page(), context.new_page()
        times = {"first visit": load(first, address, content)}
        first.close()
        times["return"] = load(again, address, content)
        return times


def address_of_a_set(browser: Browser, server: str) -> str:
    """Return the address of a playlist, as its listener sees it."""
    with browser.new_context() as context:
        context.set_default_timeout(TIMEOUT_MS)
        page = context.new_page()
        load(page, server, home)
        page.get_by_role("button", name="Find music for this").click()
        playlist(page)
        page.wait_for_url("**/playlist?mine=*")
        return page.url


def main() -> None:
    runs = parser.parse_args().runs
    with TemporaryDirectory() as folder, sync_playwright() as playwright:
        script = Path(folder) / "bare.py"
        script.write_text(BARE, encoding="utf-8")
        command = (sys.executable, "-m", "streamlit", "run", str(script))
        busy = os.getloadavg()[0]
        browser = playwright.chromium.launch(executable_path=chromium())
        with serve() as ours, serve(command) as theirs:
            pages = {
                "bare app": (theirs, bare),
                "Home": (ours, home),
                "Playlist": (address_of_a_set(browser, ours), playlist),
            }
            times: dict[tuple[str, str], list[tuple[float, float]]] = {}
            for run in range(runs + 1):
                for name, (address, content) in pages.items():
                    for which, measured in visit(browser, address, content).items():
                        if run:  # the first one warms the servers up
                            times.setdefault((name, which), []).append(measured)
        browser.close()
    print(f"{os.cpu_count()} cores, load {busy:.1f} before the start; medians of {runs}, seconds")
    print(f"{'':<24}{'content':>9}{'idle':>8}{'content, of bare':>20}")
    for (name, which), measured in times.items():
        content, idle = (statistics.median(column) for column in zip(*measured, strict=True))
        base = statistics.median(there for there, _ in times["bare app", which])
        print(f"{name + ', ' + which:<24}{content:9.2f}{idle:8.2f}{content / base:19.1f}x")


if __name__ == "__main__":
    main()
