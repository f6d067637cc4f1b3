"""A session that is lost while the camera is on: the visitor can start the camera again."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import clips
from tests.browser.tabs import Cameras
from tests.browser.test_restart import Server

FRAMES_PER_SECOND = 10
CUT_OFF = """
window.sockets = [];
const Socket = window.WebSocket;
window.WebSocket = class extends Socket {
  constructor(address, protocols) {
    super(window.offline ? "ws://127.0.0.1:9/" : address, protocols);
    window.sockets.push(this);
  }
};
"""
"""With it a test can take a page's connection away, and keep it away."""


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that forgets a visitor a second after their connection is lost."""
    found = Server(tmp_path_factory.mktemp("forgetful") / "diary.sqlite")
    found.begin(STREAMLIT_SERVER_DISCONNECTED_SESSION_TTL="1")
    yield found
    found.end()


@pytest.fixture
def page(
    browser: Browser, chromium: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Page]:
    film = tmp_path_factory.mktemp("films") / "nobody.y4m"
    clips.write(film, clips.nobody(2.0, FRAMES_PER_SECOND), FRAMES_PER_SECOND)
    cameras = Cameras(browser, chromium, {"nobody": film})
    yield cameras.tabs("nobody", script=CUT_OFF).take()
    cameras.close()


def start(page: Page) -> None:
    page.get_by_role("button", name="Start the camera").click()
    expect(page.locator("h1")).to_have_text(["Looking for a face…"])


def test_the_camera_can_be_started_again_in_a_new_session(page: Page, server: Server) -> None:
    # The router has run, so that the page's components keep their ids in the next session.
    page.goto(server.address)
    expect(page.locator("h1")).to_have_count(1)
    page.goto(f"{server.address}/live")
    start(page)
    page.evaluate("window.offline = true; window.sockets.forEach((socket) => socket.close())")
    expect(page.get_by_text("The connection is lost. Trying again…")).to_be_visible()
    page.wait_for_timeout(3_000)
    page.evaluate("window.offline = false")
    # The new session knows of no press, and its camera stays off until there is one.
    expect(page.locator("h1")).to_have_text(["Let the camera catch your mood"])
    start(page)
