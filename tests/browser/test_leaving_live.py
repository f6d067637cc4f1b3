"""Whoever leaves the live camera while it streams arrives: at no blank page, and not back again."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from tests.browser import clips
from tests.browser.axe import DESKTOP
from tests.browser.conftest import find_chromium
from tests.browser.waiting import LIMIT_MS
from tests.browser.wire import Wire, far_away, visitor

FAR = 0.3
"""Seconds that an answer of the server's takes: what a phone has on a train."""


def page_of(message: ForwardMsg) -> str:
    is_new = message.WhichOneof("type") == "new_session"
    return message.new_session.page_script_hash if is_new else ""


def component_in(message: ForwardMsg, name: str) -> str:
    found = message.delta.new_element.bidi_component
    return found.id if found.component_name == f"affectune.{name}" else ""


def ticking(message: ForwardMsg) -> str:
    return message.auto_rerun.fragment_id


def button_in(message: ForwardMsg, label: str) -> str:
    found = message.delta.new_element.button
    return found.id if label in found.label else ""


@pytest.fixture
def streaming(server: str) -> Iterator[Wire]:
    """A visitor who has pressed START; the fragment that looks at the camera ticks."""
    with visitor(server) as wire:
        wire.ask("live")
        probe = wire.listen_for(lambda message: component_in(message, "live_probe"))
        states = {probe: json.dumps({"press": press(1)})}
        wire.listen()
        # The server reads, and so the page ticks, for browsers that cannot.
        cameras = (component_in(message, "device_camera") for message in wire.news)
        states |= {camera: json.dumps({"able": False}) for camera in cameras if camera}
        # The page's own hash is known from now on.
        wire.ask("live", states=states)
        wire.probe, wire.tick = probe, wire.listen_for(ticking)  # type: ignore[attr-defined]
        wire.listen()
        yield wire


def press(turn: int) -> dict[str, object]:
    return {"asked": turn, "answered": turn - 1, "error": ""}


def test_a_whole_page_that_waited_for_a_fragment_is_drawn_from_the_top(streaming: Wire) -> None:
    probe, tick = streaming.probe, streaming.tick  # type: ignore[attr-defined]
    states = {probe: json.dumps({"press": press(1)})}
    heard: list[ForwardMsg] = []
    for _ in range(12):
        streaming.ask("live", fragment=tick, states=states)
        streaming.ask("live", states=states)
        heard += streaming.listen()
        tick = next(filter(None, map(ticking, reversed(heard))), tick)
    runs = 0
    begins = False
    for message in heard:
        if page_of(message):
            begins = not message.metadata.run.fragment_ids
        elif begins and message.WhichOneof("type") == "delta":
            # The page's outermost container: the first in the main part of the screen.
            assert list(message.metadata.delta_path) == [0, 0]
            begins, runs = False, runs + 1
    assert runs >= 6


@pytest.mark.parametrize("late", ["fragment", "component"])
def test_messages_from_a_left_page_change_nothing(streaming: Wire, late: str) -> None:
    probe, tick = streaming.probe, streaming.tick  # type: ignore[attr-defined]
    live, home = streaming.pages["live"], streaming.pages[""]
    fragment = tick if late == "fragment" else ""
    states = {probe: json.dumps({"press": press(1)})}
    streaming.ask("", at="live")
    # The browser has not heard of the new page yet.
    for _ in range(6):
        streaming.ask("live", fragment=fragment, states=states)
    heard = streaming.listen()
    assert [page for page in map(page_of, heard) if page][-1] == home
    after = [page for page in map(page_of, heard) if page]
    assert live not in after[after.index(home) :]
    assert any(message.delta.new_element.heading.body for message in heard)
    # And later on, when nothing runs any more.
    streaming.ask("live", fragment=fragment, states=states)
    assert [page for page in map(page_of, streaming.listen()) if page] == []
    # Going back on purpose still works.
    streaming.ask("live", at="")
    assert [page for page in map(page_of, streaming.listen()) if page][-1] == live


def test_a_button_that_leads_elsewhere_is_not_overtaken(streaming: Wire) -> None:
    probe, tick = streaming.probe, streaming.tick  # type: ignore[attr-defined]
    states = {probe: json.dumps({"press": press(1)})}
    snapshot = next(filter(None, (button_in(one, "snapshot") for one in streaming.news)))
    streaming.ask("live", states=states, presses=(snapshot,))
    for _ in range(10):
        streaming.ask("live", fragment=tick, states=states)
        streaming.news += streaming.listen(0.05)
    heard = streaming.listen(1.5)
    pages = [page for page in map(page_of, [*streaming.news, *heard]) if page]
    assert pages[-1] == streaming.pages["selfie"]


@pytest.fixture
def arrive(browser: Browser, server: str, tmp_path: Path) -> Iterator[Callable[[], Page]]:
    """Open the live page of a server that is far away."""
    film = clips.write(tmp_path / "smiling.y4m", clips.smiling(3.0, 10), 10)
    camera = [
        *("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"),
        f"--use-file-for-fake-video-capture={film}",
    ]
    mine = browser.browser_type.launch(executable_path=find_chromium(), args=camera)
    problems: list[str] = []

    with far_away(server, FAR) as address:

        def open_page() -> Page:
            context = mine.new_context(viewport=DESKTOP)
            context.set_default_timeout(LIMIT_MS)
            context.add_init_script("delete window.OffscreenCanvas;")  # the server reads
            page = context.new_page()
            page.on("pageerror", lambda error: problems.append(str(error)))
            page.goto(f"{address}/live")
            expect(page.locator("h1")).to_have_count(1)
            return page

        yield open_page
        mine.close()
    assert problems == []


def test_leaving_while_it_streams(arrive: Callable[[], Page]) -> None:
    page = arrive()
    ways = {
        "Home": "Music that meets your mood, then moves it.",
        "No picture? Take a snapshot instead": "Show your face for a moment",
        "Playlist": "How do you feel?",
    }
    for way, arrived in ways.items():
        page.get_by_role("button", name="Start the camera").click()
        # While browser and server are still finding each other there is the most to say.
        expect(page.get_by_role("button", name="Stop")).to_be_visible()
        page.get_by_role("link" if way in ("Home", "Playlist") else "button", name=way).click()
        expect(page.locator("h1")).to_have_text([arrived])
        page.wait_for_timeout(2500)
        expect(page.locator("h1")).to_have_text([arrived])
        expect(page.locator("iframe[title*=webrtc_streamer]")).to_have_count(0)
        page.get_by_role("link", name="Live").click()
        expect(page.locator("h1")).to_have_text(["Let the camera catch your mood"])
