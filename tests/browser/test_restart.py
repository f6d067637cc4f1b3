"""A server that is restarted while a page is open: what is on the screen stays there."""

import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest
from playwright.sync_api import Browser, Page, WebSocket, expect

from tests.browser import spotify_player
from tests.browser.axe import DESKTOP
from tests.browser.conftest import ROOT, wait_until_it_answers
from tests.browser.listening import REMEMBER_NOTICES, listen, names, rows, settle
from tests.browser.waiting import LIMIT_MS, LIMIT_SECONDS, outcome, wait_until


class Server:
    """A server of our own, to be ended and begun again at the same address."""

    def __init__(self, diaries: Path, script: str = "app.py") -> None:
        self._script = script
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.address = f"http://127.0.0.1:{port}"
        self._settings = {
            "STREAMLIT_SERVER_PORT": str(port),
            "STREAMLIT_SERVER_HEADLESS": "true",
            "AFFECTUNE_DATABASE_URL": f"sqlite:///{diaries}",
        }
        self._process: subprocess.Popen[bytes] | None = None

    def begin(self, **settings: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", self._script],
            cwd=ROOT,
            env={**os.environ, **self._settings, **settings},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_until_it_answers(self.address, self._process)

    def visitors(self) -> int:
        """Return how many pages are connected."""
        with urlopen(f"{self.address}/healthz", timeout=30) as answer:
            return int(json.load(answer)["visitors"])

    def end(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait(timeout=30)


class Backups:
    """What the page has told the server to hold as its backup, from its first run on."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._sent: list[str] = []
        page.on("websocket", lambda socket: socket.on("framesent", self._note))

    def _note(self, frame: str | bytes) -> None:
        text = frame.decode(errors="replace") if isinstance(frame, bytes) else frame
        self._sent += re.findall(r'\\"playing\\":\\"(\w+)\\"', text)

    def wait_for(self, track: str) -> None:
        """Wait until the browser has the backup of a set of which `track` plays."""
        deadline = time.monotonic() + LIMIT_SECONDS
        while not self._sent or self._sent[-1] != track:
            assert time.monotonic() < deadline, "The browser has no backup"
            self._page.wait_for_timeout(100)


@pytest.fixture(scope="module")
def restarted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("restarted") / "diary.sqlite")
    server.begin()
    yield server
    server.end()


@pytest.fixture
def page(browser: Browser, restarted: Server) -> Iterator[Page]:
    context = browser.new_context(viewport=DESKTOP)
    context.set_default_timeout(LIMIT_MS)
    context.route(re.compile("^https://"), spotify_player.answer)
    context.add_init_script(REMEMBER_NOTICES)
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    yield page
    context.close()
    assert problems == []


@pytest.fixture
def backups(page: Page, restarted: Server) -> Backups:
    """What the page has its browser keep, from the first run on."""
    found = Backups(page)
    page.goto(restarted.address)
    return found


def restart(page: Page, server: Server, **settings: str) -> WebSocket:
    """End the server and begin it anew; the browser connects again by itself."""
    settle(page)
    server.end()
    with page.expect_websocket(timeout=LIMIT_MS) as again:
        server.begin(**settings)
    connection = page.get_by_test_id("stApp")
    expect(connection).to_have_attribute("data-test-connection-state", "CONNECTED")
    return again.value


def test_a_restart_leaves_everything_on_the_screen(
    page: Page, backups: Backups, restarted: Server
) -> None:
    backups.wait_for(listen(page))
    title = page.locator("h1").inner_text()
    before = names(page)
    reasons = rows(page).locator(".reason").all_inner_texts()
    restarted.end()
    expect(page.get_by_text("The connection is lost. Trying again…")).to_be_visible()
    restarted.begin()
    # No click is needed.
    wait_until(page, "window.notices.some((said) => said.includes('Your set is still here'))")
    expect(page.get_by_text("The connection is lost.")).to_have_count(0)
    assert names(page) == before
    expect(page.locator("h1")).to_have_text([title])
    assert rows(page).locator(".reason").all_inner_texts() == reasons
    # What was liked and what plays is there, too, and everything works again.
    expect(rows(page).nth(1).locator(".heart")).to_be_visible()
    expect(rows(page).nth(2).get_by_role("button", name="Pause ")).to_be_visible()
    player = page.get_by_role("region", name="Player")
    playing = player.locator("b").inner_text()
    page.get_by_role("button", name="Another set").click()
    expect(rows(page).locator(".name")).not_to_have_text(before, use_inner_text=True)
    assert not set(names(page)) & set(before)
    expect(player.locator("b")).to_have_text(playing)


def test_other_pages_leave_the_set_to_come_back_to(
    page: Page, backups: Backups, restarted: Server
) -> None:
    track = listen(page)
    before = names(page)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_test_id("stPopover").filter(has_text="Save").get_by_role("button").click()
    page.get_by_role("button", name="Copy a link to this set").click()
    expect(page.get_by_text("Copied.")).to_be_visible()
    there = page.context.new_page()
    there.goto(outcome(page, "() => navigator.clipboard.readText()"))
    expect(there.locator("h1")).to_have_text("A set someone shared with you")
    shared = names(there)
    backups.wait_for(track)
    settle(page)
    connection = restart(there, restarted)
    # A set that came with a link comes with it again.
    with connection.expect_event("framesent"):
        rows(there).nth(2).get_by_role("button").click()
    settle(there)
    assert names(there) == shared
    expect(there.locator("h1")).to_have_text("A set someone shared with you")
    # And the visitor's own is back, wherever they go first.
    wait_until(page, "window.notices.some((said) => said.includes('Your set is still here'))")
    settle(page)
    page.get_by_role("link", name="Home").click()
    expect(page.locator("h1")).to_have_text(re.compile("^Music that meets"))
    page.get_by_role("link", name="Playlist").click()
    expect(rows(page).locator(".name")).to_have_text(before, use_inner_text=True)
