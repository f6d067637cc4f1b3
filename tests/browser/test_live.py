"""The live camera in a real Chromium, whose camera is a clip of our own."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Error, Page, expect

from tests.browser import clips, spotify_player
from tests.browser.axe import check
from tests.browser.conftest import DESKTOP, PHONE, find_chromium
from tests.browser.taps import Taps, music_plays

ALLOWED = "--use-fake-ui-for-media-stream"
REFUSED = "--use-fake-ui-for-media-stream=deny"
CAMERA = "--use-fake-device-for-media-stream"

NO_WAY_THROUGH = """
const Connection = window.RTCPeerConnection;
window.RTCPeerConnection = class extends Connection {
  constructor(settings) { super({ ...settings, iceTransportPolicy: "relay" }); }
};
"""
INSECURE = "Object.defineProperty(window, 'isSecureContext', { value: false });"

# What the picture looks like: its mean colour, and how much of the yellow of "happy" is in it.
LOOK = """(video) => {
  if (!video.videoWidth) return null;
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [640, 480];
  const pen = canvas.getContext("2d");
  pen.drawImage(video, 0, 0, 640, 480);
  const { data } = pen.getImageData(0, 0, 640, 480);
  let [red, blue, yellow] = [0, 0, 0];
  for (let i = 0; i < data.length; i += 4) {
    red += data[i];
    blue += data[i + 2];
    if (data[i] > 200 && data[i + 1] > 180 && data[i + 2] < 150) yellow += 1;
  }
  return { red: red / 307200, blue: blue / 307200, yellow };
}"""


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("films")
    return {
        "smiling": clips.write(folder / "smiling.mjpeg", clips.smiling(6.0)),
        "resting": clips.write(folder / "resting.mjpeg", clips.resting(6.0)),
        "nobody": clips.write(folder / "nobody.mjpeg", clips.nobody(4.0)),
    }


@pytest.fixture
def arrive(browser: Browser, server: str, films: dict[str, Path]) -> Iterator[Callable[..., Page]]:
    """Open the live page as a visitor with a camera of their own, or without one."""
    opened: list[Browser] = []

    def open_page(
        film: str | None = "smiling",
        *,
        answer: str = ALLOWED,
        theme: str = "light",
        screen: dict[str, int] | None = None,
        script: str = "",
        path: str = "/live",
    ) -> Page:
        camera = [CAMERA, f"--use-file-for-fake-video-capture={films[film]}"] if film else []
        another = browser.browser_type.launch(
            executable_path=find_chromium(), args=[answer, *camera]
        )
        opened.append(another)
        context = another.new_context(
            viewport=screen or DESKTOP,  # type: ignore[arg-type]
            color_scheme=theme,  # type: ignore[arg-type]
            has_touch=screen == PHONE,
        )
        context.set_default_timeout(90_000)
        if script:
            context.add_init_script(script)
        page = context.new_page()
        page.route("https://open.spotify.com/**", lambda route: spotify_player.answer(route))
        page.goto(f"{server}{path}")
        page.locator("h1").wait_for()
        return page

    yield open_page
    for another in opened:
        another.close()


def says(page: Page, text: str) -> None:
    """Wait for the one heading, whatever of the last run is still on its way out."""
    expect(page.locator("h1")).to_have_text([text])


def start(page: Page) -> None:
    page.get_by_role("button", name="Start the camera").click()


def seen(page: Page) -> Any:
    """What the camera's picture looks like; the frame may be another one the next time."""
    try:
        video = page.frame_locator("iframe[title*=webrtc_streamer]").locator("video")
        return video.evaluate(LOOK, timeout=2000)
    except Error:
        return None


def wait_for_frame(page: Page, *, annotated: bool = False) -> Any:
    """Wait for a frame of the camera, or for one that carries its reading."""
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        if (frame := seen(page)) and (frame["yellow"] > 20 or not annotated):
            return frame
        page.wait_for_timeout(200)
    pytest.fail("No annotated frame" if annotated else "No frame")


def test_from_the_camera_to_a_playlist(arrive: Callable[..., Page]) -> None:
    page = arrive()
    says(page, "Let the camera catch your mood")
    start(page)
    says(page, "😊 Looks happy")
    expect(page.get_by_text("Hold that: settling in")).to_be_visible()
    bars = page.get_by_role("list", name="What the face shows").get_by_role("listitem")
    expect(bars).to_have_count(7)
    expect(bars.first).to_contain_text("angry")
    # It settles by itself, and the picture is gone with it.
    expect(page.get_by_role("heading", name="What should the music do?")).to_be_visible()
    expect(page.locator("iframe[title*=webrtc_streamer]")).to_have_count(0)
    expect(page.get_by_text("Not quite?")).to_be_visible()
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


def test_the_picture_carries_what_is_read_until_stop(arrive: Callable[..., Page]) -> None:
    page = arrive()
    start(page)
    page.get_by_role("button", name="Keep reading").click()
    wait_for_frame(page, annotated=True)
    # Longer than it would have taken to settle.
    page.wait_for_timeout(4000)
    says(page, "😊 Looks happy")
    page.get_by_role("button", name="Stop").click()
    # What was shown stays, and the music can start from it.
    says(page, "😊 Happy")
    expect(page.get_by_role("heading", name="What should the music do?")).to_be_visible()
    expect(page.locator("iframe[title*=webrtc_streamer]")).to_have_count(0)
    page.get_by_role("link", name="Home").click()
    expect(page.get_by_text("In the middle")).to_be_visible()


def test_a_resting_face_counts_as_neutral_until_it_is_forgotten(
    arrive: Callable[..., Page],
) -> None:
    page = arrive("resting")
    start(page)
    page.get_by_role("button", name="Keep reading").click()
    says(page, "😊 Looks happy")
    page.get_by_role("button", name="This is my resting face").click()
    expect(page.get_by_text("Your resting face now counts as neutral.")).to_be_visible()
    says(page, "😐 Looks neutral")
    check(page)
    page.get_by_role("button", name="Forget it").click()
    says(page, "😊 Looks happy")
    expect(page.get_by_role("button", name="This is my resting face")).to_be_visible()


def test_a_broad_smile_is_no_resting_face(arrive: Callable[..., Page]) -> None:
    page = arrive()
    start(page)
    page.get_by_role("button", name="This is my resting face").click()
    expect(page.get_by_text("That doesn’t look like a resting face.")).to_be_visible()
    says(page, "😊 Looks happy")


def test_it_can_be_left_and_started_again(arrive: Callable[..., Page]) -> None:
    page = arrive()
    start(page)
    page.get_by_role("button", name="Keep reading").click()
    page.get_by_role("link", name="Home").click()
    says(page, "Music that meets your mood, then moves it.")
    page.wait_for_timeout(3000)
    page.get_by_role("link", name="Live").click()
    says(page, "Let the camera catch your mood")
    start(page)
    says(page, "😊 Looks happy")


def test_two_visitors_never_see_each_other(arrive: Callable[..., Page]) -> None:
    one, two = arrive("smiling"), arrive("nobody")
    for page in (one, two):
        start(page)
    one.get_by_role("button", name="Keep reading").click()
    says(two, "Looking for a face…")
    wait_for_frame(one, annotated=True)
    for _ in range(20):
        astronaut, cup = wait_for_frame(one), wait_for_frame(two)
        # A grey sky against a wooden table.
        assert astronaut["red"] - astronaut["blue"] < 75 < cup["red"] - cup["blue"]
        assert two.locator("h1").inner_text() == "Looking for a face…"
        one.wait_for_timeout(150)
    two.get_by_role("link", name="Playlist").click()
    says(two, "How do you feel?")


def test_refused(arrive: Callable[..., Page]) -> None:
    page = arrive(answer=REFUSED)
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
    page = arrive(script=NO_WAY_THROUGH)
    start(page)
    says(page, "The video can’t get through")
    page.get_by_role("button", name="Take a snapshot").click()
    expect(page.get_by_role("button", name="Take Photo")).to_be_visible()


def test_everybody_can_use_it(
    arrive: Callable[..., Page], theme: str, screen: dict[str, int]
) -> None:
    page = arrive(theme=theme, screen=screen)
    expect(page.get_by_role("button", name="Start the camera")).to_be_visible()
    check(page)
    start(page)
    page.get_by_role("button", name="Keep reading").click()
    expect(page.get_by_text("Reading until you stop it.")).to_be_visible()
    check(page)
    page.get_by_role("button", name="Use this mood now").click()
    expect(page.get_by_text("Not quite?").or_(page.get_by_text("Tap the one"))).to_be_visible()
    check(page)
