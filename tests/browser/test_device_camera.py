"""The camera that the visitor's own browser reads, as the server would, without sending a picture.

The browser of these tests has no WebRTC at all: what works here works without it.
"""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import cv2
import numpy as np
import pytest
from playwright.sync_api import Browser, Page, Request, WebSocket, expect

from emotion.classifier import EmotionClassifier
from tests.browser import clips
from tests.browser.axe import PHONE, check
from tests.browser.device import ServerReader, compare, device_reader
from tests.browser.tabs import Cameras, Tabs, Visitors
from tests.browser.waiting import LIMIT_SECONDS, outcome, wait_until
from ui.live.fallback import ADVICE, CameraProblem
from ui.server.device_assets import base_address

pytestmark = pytest.mark.skipif(
    base_address() is None, reason="LiteRT's runtime for browsers could not be had from npm"
)

FRAMES_TO_READ = 30
LARGEST_MESSAGE = 4096
"""Bytes that the page may send at once: no picture is that small."""
NO_WEBRTC = """
delete window.RTCPeerConnection;
window.tracks = [];
const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
navigator.mediaDevices.getUserMedia = async (wanted) => {
  const stream = await open(wanted);
  window.tracks.push(...stream.getTracks());
  return stream;
};
"""
CAMERA_IS_OFF = "() => tracks.length > 0 && tracks.every((track) => track.readyState === 'ended')"
DRAWN = """(canvas) => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return data.some((value) => value > 0);
}"""
MIDDLE_OF_DRAWN = """(canvas) => {
  const { data, width, height } = canvas
    .getContext("2d")
    .getImageData(0, 0, canvas.width, canvas.height);
  let [sum, count] = [0, 0];
  for (let at = 3; at < data.length; at += 4) {
    if (!data[at]) continue;
    sum += ((at - 3) / 4) % width;
    count += 1;
  }
  return { x: sum / count / width, aspect: height / width };
}"""
PROMISE = "Your picture stays on this device."
# The first bytes of JPEG, PNG, WebP and of what a canvas gives, as they are and in base64.
PICTURES = (b"\xff\xd8\xff", b"\x89PNG", b"RIFF", b"/9j/", b"iVBOR", b"UklGR", b"data:image")


# As exactly as the server


def two_people() -> clips.Picture:
    """Return a frame with two faces, one smiling and one startled."""
    both = clips.astronaut()
    both[:, 320:] = cv2.flip(clips.half_smiling(), 1)[:, 320:]
    both[40:300, :260] = clips.startled()[0:260, 170:430]
    return both


def variations() -> Iterator[clips.Picture]:
    """Yield twelve frames: near, far, leaning, dark and noisy, blurred, and of two people."""
    faces = (clips.astronaut(), clips.startled(), clips.half_smiling())
    noise = np.random.default_rng(0)

    def turned(picture: clips.Picture, degrees: float, scale: float) -> clips.Picture:
        matrix = cv2.getRotationMatrix2D((290, 108), degrees, scale)
        matrix[:, 2] += (320 - 290, 240 - 108)
        size = (clips.WIDTH, clips.HEIGHT)
        return cv2.warpAffine(picture, matrix, size, borderValue=(110, 110, 110)).astype(np.uint8)

    for place, face in enumerate(faces):
        yield face
        yield turned(face, (-1) ** place * 22, 2.2)
        yield turned(face, 8, 0.7)
    dark = faces[0] * 0.35 + noise.normal(0, 14, faces[0].shape)
    yield np.clip(dark, 0, 255).astype(np.uint8)
    yield cv2.GaussianBlur(faces[1], (0, 0), 2.5).astype(np.uint8)
    yield two_people()


def test_browser_reads_faces_like_the_server(tabs: Tabs, server: str) -> None:
    page = tabs.take()
    base = base_address()
    assert base is not None
    classifier = EmotionClassifier()
    with device_reader(page, server, base) as device:
        results = compare(device, classifier, variations(), instants=3)
        # A face that moves, by tracking and detection, with what is remembered of it.
        device.tell(kind="forget")
        moving = ServerReader(classifier)
        told = []
        for number, frame in enumerate(clips.changing(4.0, rate=10, every=2.0)):
            ours, theirs = moving.read(frame, number / 10), device.read(frame, number / 10)
            told.append((ours, theirs["reading"]))
        moving.stream.close()
    tabs.give_back(page)
    assert len(results) >= 11
    assert all(result["found"] == (True, True) for result in results)
    differences = [result["difference"] for result in results]
    assert np.median(differences) <= 0.01
    assert max(differences) <= 0.04
    assert all(result["same"] for result in results)
    assert max(result["faces"][0] for result in results) == 2
    for result in results:
        assert result["faces"][0] == result["faces"][1]
        np.testing.assert_allclose(*result["boxes"], atol=4)
    both = [(ours, theirs) for ours, theirs in told if ours and theirs]
    assert len(both) >= len(told) - 3
    assert [ours is None for ours, _ in told] == [theirs is None for _, theirs in told]
    assert {theirs["emotion"] for _, theirs in both} >= {"happy", "surprise"}
    for ours, theirs in both:
        np.testing.assert_allclose(ours.scores.probabilities, theirs["probabilities"], atol=0.08)
    same = [ours.emotion == theirs["emotion"] for ours, theirs in both]
    assert np.mean(same) >= 0.97


IN_JAVASCRIPT = """async ({ base, grey, colour, side, matrices, small, large }) => {
  const images = await import(base + "images.js");
  const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const picture = (text, channels) => {
    return { data: bytes(text), width: side, height: side, channels };
  };
  const told = ({ data }) => btoa(Array.from(data, (value) => String.fromCharCode(value)).join(""));
  const [plain, rgb] = [picture(grey, 1), picture(colour, 3)];
  return [
    images.toGrey(rgb),
    ...matrices.flatMap((matrix) => [
      images.warpCubic(plain, matrix, 96),
      images.warpLinear(rgb, matrix, 128, [128, 128, 128]),
    ]),
    ...small.map(([width, height]) => images.resizeArea(rgb, width, height)),
    images.resizeLinear(rgb, ...large),
  ].map(told);
}"""


def test_its_pixels_are_those_of_opencv(tabs: Tabs, server: str) -> None:
    side = 200
    colour = np.ascontiguousarray(clips.astronaut()[:side, 200 : 200 + side])
    grey = cv2.cvtColor(colour, cv2.COLOR_RGB2GRAY)
    # They reach beyond the edges.
    matrices = [
        cv2.getRotationMatrix2D((55.3, 70.1), degrees, 1.3) for degrees in (0.0, 13.7, -31.0)
    ]
    small, large = [(100, 100), (61, 77), (98, 74)], (300, 260)
    page = tabs.take()
    page.goto(f"{server}/_stcore/health")
    told = outcome(
        page,
        IN_JAVASCRIPT,
        {
            "base": f"{server}{base_address()}",
            "grey": base64.b64encode(grey.tobytes()).decode(),
            "colour": base64.b64encode(colour.tobytes()).decode(),
            "side": side,
            "matrices": [matrix.tolist() for matrix in matrices],
            "small": small,
            "large": large,
        },
    )
    tabs.give_back(page)
    cubic = {"flags": cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP, "borderMode": cv2.BORDER_REPLICATE}
    linear = {"flags": cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, "borderValue": (128, 128, 128)}
    expected = [grey]
    for matrix in matrices:
        expected.append(cv2.warpAffine(grey, matrix, (96, 96), **cubic))
        expected.append(cv2.warpAffine(colour, matrix, (128, 128), **linear))
    expected += [cv2.resize(colour, size, interpolation=cv2.INTER_AREA) for size in small]
    expected.append(cv2.resize(colour, large, interpolation=cv2.INTER_LINEAR))
    for ours, text in zip(expected, told, strict=True):
        theirs = np.frombuffer(base64.b64decode(text), np.uint8)
        differences = np.abs(np.subtract(ours.ravel().astype(int), theirs))
        assert differences.max() <= 1
        assert np.mean(differences > 0) <= 0.002


# On the page


Hear = Callable[[Any, str, Callable[..., None]], object]
"""Has a page's events told to a function."""


@dataclass
class Sent:
    """Everything that has left the page, its worker included."""

    messages: list[bytes] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)
    methods: set[str] = field(default_factory=set)

    @property
    def frames(self) -> int:
        """How many frames the page has read, as far as the server was told."""
        counts = (re.findall(rb'"frames\\*":(\d+)', message) for message in self.messages)
        return max((int(count) for found in counts for count in found), default=0)

    def watch(self, page: Page, hear: Hear = lambda page, event, do: page.on(event, do)) -> None:
        def connected(socket: WebSocket) -> None:
            self.addresses.append(socket.url)
            socket.on("framesent", lambda data: self.messages.append(as_bytes(data)))

        def requested(request: Request) -> None:
            if not request.url.startswith(("data:", "blob:")):
                self.addresses.append(request.url)
            self.methods.add(request.method)
            self.messages.append(request.post_data_buffer or b"")

        hear(page, "websocket", connected)
        hear(page, "request", requested)


def as_bytes(data: str | bytes) -> bytes:
    return data.encode() if isinstance(data, str) else data


def portrait() -> clips.Picture:
    """Return a frame of a phone held upright: taller than wide, its face left of the middle."""
    frame = np.full((640, 480, 3), 110, np.uint8)
    frame[150:550, :400] = clips.astronaut()[:400, 200:600]
    return frame


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("films")
    return {
        "smiling": clips.write(folder / "smiling.mjpeg", clips.smiling(6.0)),
        "resting": clips.write(folder / "resting.mjpeg", clips.resting(6.0)),
        "portrait": clips.write_stills(folder / "portrait.mjpeg", (portrait(), 2.0)),
        "two": clips.write_stills(folder / "two.mjpeg", (two_people(), 2.0)),
        # Long enough for a busy machine to see the change, and for somebody to press a button.
        "startled": clips.write_stills(
            folder / "startled.mjpeg", (clips.astronaut(), 4.0), (clips.startled(), 20.0)
        ),
    }


@pytest.fixture(scope="module")
def cameras(browser: Browser, chromium: str, films: dict[str, Path]) -> Iterator[Cameras]:
    found = Cameras(browser, chromium, films)
    yield found
    found.close()


@pytest.fixture
def arrive(guests: Visitors, cameras: Cameras, server: str) -> Callable[..., Page]:
    """Open the live page as a visitor with a camera of their own, or several, or none."""

    def open_page(
        film: str | int | None = "smiling",
        *,
        allowed: bool = True,
        sent: Sent | None = None,
        **options: Any,
    ) -> Page:
        page = guests.arrive(
            f"{server}/live",
            tabs=cameras.tabs(film, allowed=allowed, script=NO_WEBRTC),
            before=lambda page: sent.watch(page, guests.hear) if sent else None,
            **options,
        )
        expect(page.get_by_text(PROMISE)).to_be_visible()
        return page

    return open_page


def says(page: Page, text: str) -> None:
    """Wait for the one heading, whatever of the last run is still on its way out."""
    expect(page.locator("h1")).to_have_text([text])


def start(page: Page) -> None:
    page.get_by_role("button", name="Start the camera").click()


def press_once_drawn(page: Page, name: str) -> None:
    """Press a button, of which a run of the page may leave an old one for a moment."""
    button = page.get_by_role("button", name=name)
    expect(button).to_have_count(1)
    button.click()


def wait_for_outline(page: Page) -> None:
    """Wait until something is drawn on the picture."""
    deadline = time.monotonic() + LIMIT_SECONDS
    while not page.locator("video + canvas").evaluate(DRAWN):
        assert time.monotonic() < deadline, "Nothing was drawn on the picture"
        page.wait_for_timeout(200)


def test_nothing_of_a_picture_leaves_the_page(arrive: Callable[..., Page], server: str) -> None:
    sent = Sent()
    page = arrive(sent=sent)
    start(page)
    # A mood that has settled ends it, and what was read stays.
    expect(page.get_by_role("heading", name="What should the music do?")).to_be_visible()
    wait_until(page, CAMERA_IS_OFF)
    expect(page.get_by_text("Not quite?")).to_be_visible()
    page.get_by_role("button", name="Keep reading").click()
    says(page, "😊 Looks happy")
    wait_for_outline(page)
    expect(page.locator("svg .outline")).to_be_hidden()  # what has the picture's place until then
    before, read = len(sent.messages), sent.frames
    # It goes on reading, and tells the server only now and then.
    deadline = time.monotonic() + LIMIT_SECONDS
    while sent.frames < read + FRAMES_TO_READ:
        assert time.monotonic() < deadline, f"It told the server of {sent.frames - read} frames"
        page.wait_for_timeout(200)
    assert len(sent.messages) - before <= FRAMES_TO_READ / 2
    # A smile is no resting face; the words are those of ever.
    page.get_by_role("button", name="This is my resting face").click()
    expect(page.get_by_text("That doesn’t look like a resting face.")).to_be_visible()
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("heading", name="What should the music do?")).to_be_visible()
    wait_until(page, CAMERA_IS_OFF)
    # Leaving the page ends it as well.
    page.get_by_role("button", name="Keep reading").click()
    wait_for_outline(page)
    page.get_by_role("link", name="Home").click()
    says(page, "Music that meets your mood, then moves it.")
    wait_until(page, CAMERA_IS_OFF)

    assert max(map(len, sent.messages)) <= LARGEST_MESSAGE
    for message in sent.messages:
        assert not any(first in message for first in PICTURES)
    # Requests have no bodies, of which Chromium would not tell a file's. Nor are addresses long.
    assert sent.methods == {"GET"}
    assert max(map(len, sent.addresses)) <= 512
    assert any(address.endswith("/emotion.tflite") for address in sent.addresses)  # the worker's
    assert {urlsplit(address).netloc for address in sent.addresses} == {urlsplit(server).netloc}


def test_a_resting_face_counts_as_neutral_until_it_is_forgotten(
    arrive: Callable[..., Page],
) -> None:
    page = arrive("resting", theme="dark", screen=PHONE)
    check(page)
    start(page)
    page.get_by_role("button", name="Keep reading").click()
    says(page, "😊 Looks happy")
    page.get_by_role("button", name="This is my resting face").click()
    expect(page.get_by_text("Your resting face now counts as neutral.")).to_be_visible()
    says(page, "😐 Looks neutral")
    check(page)
    page.get_by_role("button", name="Forget it").click()
    says(page, "😊 Looks happy")


@pytest.mark.parametrize(
    ("film", "allowed", "problem"), [("smiling", False, "refused"), (None, True, "none")]
)
def test_missing_camera_message_is_the_same(
    arrive: Callable[..., Page], film: str | None, allowed: bool, problem: CameraProblem
) -> None:
    page = arrive(film, allowed=allowed)
    start(page)
    says(page, ADVICE[problem].title)
    expect(page.get_by_text("Or set it by hand.")).to_be_visible()


def test_two_faces_are_read_together_and_one_can_count_more(arrive: Callable[..., Page]) -> None:
    page = arrive("two")
    start(page)
    # On a busy machine the mood may have settled before the button below it could be pressed.
    page.get_by_role("button", name="Keep reading").click()
    expect(page.get_by_text("Reading until you stop it.")).to_be_visible()
    expect(page.locator("h1")).to_contain_text("Everyone together:")
    page.get_by_role("button", name="Use this mood now").click()
    page.wait_for_function(CAMERA_IS_OFF)
    expect(page.get_by_text("Who counts more?")).to_be_visible()
    # They are told apart by what they show: no picture is left. The larger face comes first.
    press_once_drawn(page, "Face 1 😊")
    expect(page.locator("h1")).to_have_text(re.compile("^😊 Everyone together: happy"))
    press_once_drawn(page, "Face 1 😊")
    press_once_drawn(page, "Face 2 😮")
    expect(page.locator("h1")).to_have_text(re.compile("^😮 Everyone together: surprised"))


def test_the_mood_that_is_used_is_the_newest(arrive: Callable[..., Page]) -> None:
    page = arrive("startled")
    start(page)
    page.get_by_role("button", name="Keep reading").click()
    # The browser says so by itself. The server hears only now and then, and by the tap.
    says(page, "😮 Looks surprised")
    page.get_by_role("button", name="Use this mood now").click()
    expect(page.get_by_role("heading", name="What should the music do?")).to_be_visible()
    expect(page.locator("h1")).to_have_text(re.compile("surprised", re.IGNORECASE))
    expect(page.locator("h1")).not_to_have_text(re.compile("^😊"))


NEXT_FRAME = "(video) => new Promise((seen) => video.requestVideoFrameCallback(() => seen()))"
OPEN_CAMERA = """() => {
  const on = tracks.filter((track) => track.readyState === "live");
  return on.length === 1 ? on[0].getSettings().deviceId : null;
}"""


def test_cameras_can_be_switched_and_unplugged(arrive: Callable[..., Page]) -> None:
    page = arrive(2)
    start(page)
    says(page, "Looking for a face…")
    first = page.wait_for_function(OPEN_CAMERA).json_value()
    page.get_by_role("button", name="Switch camera").click()
    other = f"() => {{ const now = ({OPEN_CAMERA})(); return now !== '{first}' && now; }}"
    second = page.wait_for_function(other).json_value()
    outcome(page.locator("video"), NEXT_FRAME)
    says(page, "Looking for a face…")
    # A cable is pulled. The next time the visitor's camera is tried first.
    page.evaluate("() => tracks.at(-1).dispatchEvent(new Event('ended'))")
    says(page, "Let the camera catch your mood")
    page.wait_for_function(CAMERA_IS_OFF)
    start(page)
    says(page, "Looking for a face…")
    assert page.wait_for_function(OPEN_CAMERA).json_value() == second
    page.get_by_role("button", name="Stop").click()
    page.wait_for_function(CAMERA_IS_OFF)


def test_a_lost_worker_leaves_the_camera_to_the_server(arrive: Callable[..., Page]) -> None:
    page = arrive()
    start(page)
    page.get_by_role("button", name="Keep reading").click()
    expect(page.get_by_text("Reading until you stop it.")).to_be_visible()
    # Later, since it answers no more once it is closed.
    page.workers[0].evaluate("() => { setTimeout(() => self.close()); }")
    expect(page.locator("iframe[title*=webrtc_streamer]")).to_be_attached(timeout=60_000)
    page.wait_for_function(CAMERA_IS_OFF)


def test_a_phone_held_upright_shows_names_where_the_mirrored_faces_are(
    arrive: Callable[..., Page],
) -> None:
    page = arrive("portrait", screen=PHONE)
    # As a phone answers, whose camera turns with it: Chromium's would crop the picture.
    page.evaluate(
        """() => {
          const open = navigator.mediaDevices.getUserMedia;
          navigator.mediaDevices.getUserMedia = () =>
            open({ video: { width: 480, height: 640 }, audio: false });
        }"""
    )
    start(page)
    page.get_by_role("button", name="Keep reading").click()
    wait_for_outline(page)
    picture = page.locator("video").evaluate("(video) => video.videoHeight / video.videoWidth")
    drawn = page.locator("video + canvas").evaluate(MIDDLE_OF_DRAWN)
    assert picture == pytest.approx(4 / 3, abs=0.01)
    assert drawn["aspect"] == pytest.approx(picture, abs=0.01)
    # The face's middle is at 90 of 480 pixels.
    assert drawn["x"] == pytest.approx(1 - 90 / 480, abs=0.05)
