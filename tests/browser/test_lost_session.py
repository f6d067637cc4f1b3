"""A session that is lost on a server that runs on: nothing is done twice, and all of it works."""

import re
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import clips, spotify_player
from tests.browser.axe import DESKTOP
from tests.browser.listening import listen, settle
from tests.browser.server_camera import UNABLE
from tests.browser.tabs import Cameras
from tests.browser.test_restart import Server
from tests.browser.waiting import LIMIT_MS, LIMIT_SECONDS
from ui.server.setup import SWEEP_SECONDS

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
    """A server that forgets visitors at the first sweep a second after they are gone."""
    found = Server(tmp_path_factory.mktemp("forgetful") / "diary.sqlite")
    found.begin(STREAMLIT_SERVER_DISCONNECTED_SESSION_TTL="1")
    yield found
    found.end()


@pytest.fixture(params=["", UNABLE], ids=["read in the browser", "read by the server"])
def page(
    request: pytest.FixtureRequest,
    browser: Browser,
    chromium: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Page]:
    film = tmp_path_factory.mktemp("films") / "nobody.y4m"
    clips.write(film, clips.nobody(2.0, FRAMES_PER_SECOND), FRAMES_PER_SECOND)
    cameras = Cameras(browser, chromium, {"nobody": film})
    yield cameras.tabs("nobody", script=CUT_OFF + request.param).take()
    cameras.close()


def lose_session(page: Page, server: Server) -> None:
    """Take the connection away for longer than the server remembers a visitor."""
    page.evaluate("window.offline = true; window.sockets.forEach((socket) => socket.close())")
    expect(page.get_by_text("The connection is lost. Trying again…")).to_be_visible()
    # A busy server takes a while to notice.
    deadline = time.monotonic() + LIMIT_SECONDS
    while server.visitors():
        assert time.monotonic() < deadline, "The server has not noticed"
        page.wait_for_timeout(100)
    page.wait_for_timeout(1000 * (1 + SWEEP_SECONDS + 1))
    page.evaluate("window.offline = false")
    expect(page.get_by_text("The connection is lost.")).to_have_count(0)
    settle(page)


def start(page: Page) -> None:
    page.get_by_role("button", name="Start the camera").click()
    expect(page.locator("h1")).to_have_text(["Looking for a face…"])


def test_the_camera_can_be_started_again_in_a_new_session(page: Page, server: Server) -> None:
    # The router has run, so that the page's components keep their ids in the next session.
    page.goto(server.address)
    expect(page.locator("h1")).to_have_count(1)
    page.goto(f"{server.address}/live")
    start(page)
    for _ in range(5):
        lose_session(page, server)
        # A busy server may remember the visitor for longer.
        if page.locator("h1").all_inner_texts() != ["Looking for a face…"]:
            break
    # The new session knows of no press, and its camera stays off until there is one.
    expect(page.locator("h1")).to_have_text(["Let the camera catch your mood"])
    start(page)


def test_a_like_in_the_player_is_not_taken_back_in_a_new_session(
    browser: Browser, server: Server
) -> None:
    context = browser.new_context(viewport=DESKTOP)
    context.set_default_timeout(LIMIT_MS)
    context.route(re.compile("^https://"), spotify_player.answer)
    context.add_init_script(CUT_OFF)
    page = context.new_page()
    page.goto(server.address)
    listen(page)
    like = page.get_by_role("region", name="Player").get_by_role("button", name="Like")
    like.click()
    expect(like).to_have_attribute("aria-pressed", "true")
    settle(page)
    lose_session(page, server)
    # A second run, in which the new session hears what the browser has sent before.
    page.get_by_role("button", name="Another set").click()
    settle(page)
    expect(like).to_have_attribute("aria-pressed", "true")
    context.close()
