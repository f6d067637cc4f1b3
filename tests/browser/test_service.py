"""The app as a service: two processes behind the balancer of `deploy/`, with a relay for video."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.cookies import SimpleCookie
from urllib.request import urlopen

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, WebSocket, expect

from tests.browser import clips, server_camera, service, spotify_player
from tests.browser.axe import DESKTOP
from tests.browser.conftest import find_chromium
from tests.browser.listening import REMEMBER_NOTICES, listen, names, rows, settle
from tests.browser.server_camera import wait_for_frame
from tests.browser.service import AppProcess, Service
from tests.browser.waiting import LIMIT_MS, LIMIT_SECONDS, outcome, wait_until

pytestmark = pytest.mark.skipif(
    service.find("haproxy") is None, reason="HAProxy is not installed (make services)"
)
COOKIE = "AFFECTUNE"
FRAMES_PER_SECOND = 10

# Whatever else the server offers is taken out of its answer. What the two have agreed on is kept to
# be asked for.
NO_DIRECT_WAY = """
const Direct = window.RTCPeerConnection;
const relayed = (line) => !line.startsWith("a=candidate:") || line.includes(" typ relay");
top.connections ??= [];
window.RTCPeerConnection = class extends Direct {
  constructor(settings) { super(settings); top.connections.push(this); }
  setRemoteDescription({ type, sdp }) {
    sdp = sdp.split("\\r\\n").filter(relayed).join("\\r\\n");
    return super.setRemoteDescription({ type, sdp });
  }
  addIceCandidate(candidate) {
    const line = candidate?.candidate;
    return line && !relayed("a=" + line) ? Promise.resolve() : super.addIceCandidate(candidate);
  }
};
"""
ROUTES = """async () => {
  const found = [];
  for (const connection of top.connections) {
    const stats = await connection.getStats();
    for (const pair of stats.values()) {
      if (pair.type !== "candidate-pair" || pair.state !== "succeeded" || !pair.nominated) continue;
      const [ours, theirs] = [stats.get(pair.localCandidateId), stats.get(pair.remoteCandidateId)];
      found.push([ours.candidateType, theirs.candidateType, ours.relayProtocol]);
    }
  }
  return found;
}"""
"""The kinds of candidates between which video goes, and how the relay is reached."""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("service")
    with service.serve(
        folder,
        relay=service.find("turnserver") is not None,
        AFFECTUNE_DATABASE_URL=f"sqlite:///{folder}/diary.sqlite",
    ) as found:
        yield found


@pytest.fixture(scope="module")
def with_camera(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser whose camera shows someone who smiles."""
    film = clips.write(
        tmp_path_factory.mktemp("film") / "smiling.y4m",
        clips.smiling(6.0, FRAMES_PER_SECOND),
        FRAMES_PER_SECOND,
    )
    with_film = browser.browser_type.launch(
        executable_path=find_chromium(),
        args=[
            "--use-fake-ui-for-media-stream",
            "--use-fake-device-for-media-stream",
            f"--use-file-for-fake-video-capture={film}",
        ],
    )
    yield with_film
    with_film.close()


@dataclass(frozen=True, slots=True)
class Visitor:
    """A page, and its connections to the server, the present one last."""

    page: Page
    sockets: list[WebSocket]


@pytest.fixture
def arrive(with_camera: Browser, running: Service) -> Iterator[Callable[..., Visitor]]:
    """Open a page as a new visitor; afterwards no script may have failed."""
    contexts: list[BrowserContext] = []
    problems: list[str] = []

    def open_page(path: str = "/", *, script: str = "") -> Visitor:
        context = with_camera.new_context(viewport=DESKTOP)
        contexts.append(context)
        context.set_default_timeout(LIMIT_MS)
        context.route(re.compile("^https://"), spotify_player.answer)
        context.add_init_script(REMEMBER_NOTICES + script)
        page = context.new_page()
        page.on("pageerror", lambda error: problems.append(str(error)))
        sockets: list[WebSocket] = []
        page.on("websocket", lambda socket: sockets.append(socket))
        page.goto(running.address + path)
        page.locator("h1").wait_for()
        return Visitor(page, sockets)

    yield open_page
    for context in contexts:
        context.close()
    assert problems == []


def cookie(page: Page) -> str:
    """Return what the balancer knows the visitor's process by."""
    found = {one.get("name"): one.get("value") for one in page.context.cookies()}
    return str(found[COOKIE])


def wait_for_visitors(*counts: tuple[AppProcess, int]) -> None:
    """Wait until processes have as many open pages."""
    deadline = time.monotonic() + LIMIT_SECONDS
    while wrong := [n for p, n in counts if p.health()["visitors"] != n]:
        assert time.monotonic() < deadline, f"There are not {wrong} visitors"
        time.sleep(0.1)


@pytest.mark.skipif(
    service.find("turnserver") is None, reason="coturn is not installed (make services)"
)
@pytest.mark.parametrize("way", ["udp", "tcp"])
def test_the_camera_reaches_the_server_through_the_relay_alone(
    arrive: Callable[..., Visitor], running: Service, way: str
) -> None:
    relay = server_camera.RELAY_ALONE + server_camera.relay_over(way) + NO_DIRECT_WAY
    page = arrive("/live", script=server_camera.UNABLE + relay).page
    page.get_by_role("button", name="Start the camera").click()
    page.get_by_role("button", name="Keep reading").click()
    wait_for_frame(page, annotated=True)
    expect(page.locator("h1")).to_have_text("😊 Looks happy")
    deadline = time.monotonic() + LIMIT_SECONDS
    while not (routes := outcome(page, ROUTES)):
        assert time.monotonic() < deadline, "Video came on no route"
        page.wait_for_timeout(200)
    assert routes == [["relay", "relay", way]]
    assert sum(process.health()["streams"] for process in running.processes) == 1
    page.get_by_role("button", name="Stop").click()
    expect(page.locator("h1")).to_have_text("😊 Happy")


def test_a_killed_process_costs_its_visitors_a_moment_and_the_others_nothing(
    arrive: Callable[..., Visitor], running: Service
) -> None:
    one, other = running.processes
    wait_for_visitors((one, 0), (other, 0))
    ours = arrive()
    if other.health()["visitors"]:
        one, other = other, one
    theirs = arrive()
    wait_for_visitors((one, 1), (other, 1))
    process, neighbour = cookie(ours.page), cookie(theirs.page)
    assert process != neighbour
    before = {}
    for visitor in (ours, theirs):
        listen(visitor.page)
        settle(visitor.page)
        before[visitor.page] = names(visitor.page)
        # What is to come back stands in the address.
        expect(visitor.page).to_have_url(re.compile(r"[?&]mine="))

    one.kill()
    # No click is needed.
    page = ours.page
    # From the page's memory, or from its address.
    wait_until(page, "window.notices.some((said) => said.includes('Your set is still here'))")
    wait_for_visitors((other, 2))
    assert cookie(page) == neighbour
    assert_all_is_there(page, before[page])
    # Loaded anew, the page has nothing but its address.
    page.reload()
    assert_all_is_there(page, before[page])
    page.get_by_role("button", name="Another set").click()
    expect(rows(page).locator(".name")).not_to_have_text(before[page], use_inner_text=True)

    # The other one was not told anything, kept their connection, and goes on.
    page = theirs.page
    assert page.evaluate("window.notices") == []
    assert [socket.is_closed() for socket in theirs.sockets] == [False]
    assert_all_is_there(page, before[page])
    page.get_by_role("button", name="Another set").click()
    expect(rows(page).locator(".name")).not_to_have_text(before[page], use_inner_text=True)

    # Back again, the process has visitors as before.
    one.begin()
    one.wait()
    deadline = time.monotonic() + LIMIT_SECONDS
    while process_of_a_new_visitor(running.address) != process:
        assert time.monotonic() < deadline, "The balancer has not noticed that it is back"
        time.sleep(0.5)


def assert_all_is_there(page: Page, tracks: list[str]) -> None:
    """The set, the like and the track that plays, as `listen` left them."""
    expect(rows(page).locator(".name")).to_have_text(tracks, use_inner_text=True)
    expect(rows(page).nth(1).locator(".heart")).to_be_visible()
    title = page.get_by_role("region", name="Player").locator("b").inner_text()
    assert title in tracks[2]


def process_of_a_new_visitor(address: str) -> str:
    """Return the cookie that a browser without one is given."""
    with urlopen(address, timeout=30) as answer:
        found = SimpleCookie(answer.headers["Set-Cookie"])
    return found[COOKIE].value
