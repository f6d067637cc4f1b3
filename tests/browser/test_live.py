"""The live camera as the server reads it, in a real Chromium, whose camera is a clip of our own.

`test_device_camera.py` tests a camera that the browser reads. These browsers cannot.
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Error, Page, expect

from tests.browser import clips
from tests.browser.axe import PHONE, check, check_as_it_is
from tests.browser.server_camera import RELAY_ALONE, UNABLE, wait_for_frame
from tests.browser.tabs import Cameras, Visitors
from tests.browser.taps import Taps, music_plays
from tests.browser.waiting import LIMIT_SECONDS

INSECURE = "Object.defineProperty(window, 'isSecureContext', { value: false });"

FRAMES_PER_SECOND = 10
"""A third of a camera's: browser, server and a busy machine have to keep up with it."""


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("films")
    kinds = {"smiling": clips.smiling, "resting": clips.resting, "nobody": clips.nobody}
    return {
        name: clips.write(folder / f"{name}.y4m", frames(6.0, FRAMES_PER_SECOND), FRAMES_PER_SECOND)
        for name, frames in kinds.items()
    }


@pytest.fixture(scope="module")
def cameras(
    browser: Browser, chromium: str, hosts: list[str], films: dict[str, Path]
) -> Iterator[Cameras]:
    found = Cameras(browser, chromium, films, hosts)
    yield found
    found.close()


@pytest.fixture
def arrive(guests: Visitors, cameras: Cameras, server: str) -> Callable[..., Page]:
    """Open the live page as a new visitor with a camera of their own, or without one."""

    def open_page(
        film: str | None = "smiling",
        *,
        allowed: bool = True,
        script: str = "",
        path: str = "/live",
        **options: Any,
    ) -> Page:
        tabs = cameras.tabs(film, allowed=allowed, script=UNABLE + script)
        page = guests.arrive(f"{server}{path}", tabs=tabs, **options)
        expect(page.locator("h1")).to_have_count(1)
        return page

    return open_page


def says(page: Page, text: str) -> None:
    """Wait for the one heading, whatever of the last run is still on its way out."""
    expect(page.locator("h1")).to_have_text([text])


def start(page: Page) -> None:
    page.get_by_role("button", name="Start the camera").click()


def test_from_the_camera_to_a_playlist(arrive: Callable[..., Page]) -> None:
    page = arrive()
    says(page, "Let the camera catch your mood")
    check(page)
    start(page)
    # It settles by itself, and the picture is gone with it.
    expect(page.get_by_role("heading", name="What should the music do?")).to_be_visible()
    expect(page.locator("iframe[title*=webrtc_streamer]")).to_have_count(0)
    expect(page.get_by_text("Not quite?")).to_be_visible()
    check(page)
    page.get_by_role("button", name="Stay with it").click()
    says(page, "Keeping you happy")
    rows = page.get_by_role("list", name="Tracks in playing order").get_by_role("listitem")
    expect(rows.nth(9)).to_be_visible()  # an hour of music, whatever the tracks last


def test_from_home_to_music_by_camera_in_two_taps(arrive: Callable[..., Page]) -> None:
    page = arrive(path="/", screen=PHONE)
    finger = Taps(page)
    finger.tap(page.get_by_role("button", name="Use the camera"))
    finger.tap(page.get_by_role("button", name="Stay with it"))
    says(page, "Keeping you happy")
    music_plays(page)
    assert finger.count == 2


def keep_reading(page: Page) -> None:
    """Start the camera, and have it stay on: where the mood settled first, it is started anew."""
    start(page)
    reading = page.get_by_text("Reading until you stop it.")
    deadline = time.monotonic() + LIMIT_SECONDS
    while not reading.is_visible() and time.monotonic() < deadline:
        with suppress(Error):  # a run of the page may take the button away
            page.get_by_role("button", name="Keep reading").click(timeout=5_000)
        page.wait_for_timeout(1_000)
    expect(reading).to_be_visible()


def test_it_reads_on_until_stop_and_starts_again(
    arrive: Callable[..., Page], running: tuple[str, subprocess.Popen[bytes]]
) -> None:
    page = arrive()
    keep_reading(page)
    # A server that is too busy to answer for some seconds: the browser takes it for disconnected.
    os.kill(running[1].pid, signal.SIGSTOP)
    page.wait_for_timeout(4_000)
    os.kill(running[1].pid, signal.SIGCONT)
    bars = page.get_by_role("list", name="What the face shows").get_by_role("listitem")
    expect(bars).to_have_count(7)
    expect(bars.first).to_contain_text("angry")
    page.get_by_role("button", name="This is my resting face").click()
    # A broad smile is none.
    expect(page.get_by_text("That doesn’t look like a resting face.")).to_be_visible()
    check_as_it_is(page)  # which takes longer than a mood takes to settle
    says(page, "😊 Looks happy")
    page.get_by_role("button", name="Stop").click()
    says(page, "😊 Happy")
    expect(page.locator("iframe[title*=webrtc_streamer]")).to_have_count(0)
    page.get_by_role("button", name="Keep reading").click()
    says(page, "😊 Looks happy")
    # Left while it streams, and come back to.
    page.get_by_role("link", name="Home").click()
    says(page, "Music that meets your mood, then moves it.")
    expect(page.locator("iframe[title*=webrtc_streamer]")).to_have_count(0)
    page.get_by_role("link", name="Live").click()
    says(page, "😊 Happy")
    page.get_by_role("button", name="Keep reading").click()
    says(page, "😊 Looks happy")
    page.get_by_role("button", name="Use this mood now").click()
    says(page, "😊 Happy")


def test_a_resting_face_counts_as_neutral_until_it_is_forgotten(
    arrive: Callable[..., Page],
) -> None:
    page = arrive("resting", theme="dark", screen=PHONE)
    keep_reading(page)
    says(page, "😊 Looks happy")
    page.get_by_role("button", name="This is my resting face").click()
    expect(page.get_by_text("Your resting face now counts as neutral.")).to_be_visible()
    says(page, "😐 Looks neutral")
    check_as_it_is(page)
    page.get_by_role("button", name="Forget it").click()
    says(page, "😊 Looks happy")
    expect(page.get_by_role("button", name="This is my resting face")).to_be_visible()


def test_two_visitors_never_see_each_other(arrive: Callable[..., Page]) -> None:
    one, two = arrive("smiling"), arrive("nobody")
    start(two)
    keep_reading(one)
    says(two, "Looking for a face…")
    wait_for_frame(one, annotated=True)
    for _ in range(10):
        astronaut, cup = wait_for_frame(one), wait_for_frame(two)
        # A grey sky against a wooden table.
        assert astronaut["red"] - astronaut["blue"] < 75 < cup["red"] - cup["blue"]
        # None for a moment, while the heading is redrawn.
        assert set(two.locator("h1").all_inner_texts()) <= {"Looking for a face…"}
        one.wait_for_timeout(150)
    two.get_by_role("link", name="Playlist").click()
    says(two, "How do you feel?")


def test_camera_refused(arrive: Callable[..., Page]) -> None:
    page = arrive(allowed=False)
    start(page)
    says(page, "Camera blocked")
    check(page)
    page.get_by_role("button", name="Try again").click()
    says(page, "Camera blocked")
    with page.expect_file_chooser():
        page.get_by_role("button", name="Choose a selfie").click()


def test_no_camera(arrive: Callable[..., Page]) -> None:
    page = arrive(None)
    start(page)
    says(page, "No camera found")
    expect(page.get_by_text("Or set it by hand.")).to_be_visible()
    page.get_by_role("button", name="Find music for this").click()
    says(page, "Keeping things even")


def test_an_insecure_address(arrive: Callable[..., Page]) -> None:
    page = arrive(script=INSECURE)
    says(page, "No camera at this address")
    check(page)


def test_no_way_through(arrive: Callable[..., Page]) -> None:
    page = arrive(script=RELAY_ALONE)
    start(page)
    says(page, "The video can’t get through")
    page.get_by_role("button", name="Take a snapshot").click()
    expect(page.get_by_role("button", name="Take Photo")).to_be_visible()
