"""The two ways of reading a live camera, side by side: in the visitor's browser, and over WebRTC.

Run by ``python benchmarks/live.py --ways``. Browser and server share this machine. So latency is
measured with one visitor; with several, only the server's processor time, and how many readings
that was for. In that part, each browser that reads the camera itself gets a frame every 0.4 s, as
often as it may report to the server: at full speed the browsers would fill the machine, and the
server would have the same work. Over WebRTC the server reads as many frames as it can.
"""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import numpy as np
from page_server import chromium, serve
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from playwright.sync_api import TimeoutError as PageTimeout

from tests.browser import clips

WAYS: Final = {"the device": "", "the server, WebRTC": "delete window.OffscreenCanvas;"}
"""Where the camera is read → script that the browser runs first: without OffscreenCanvas, it leaves
the reading to the server."""

EVERY_SECONDS: Final = 4.0
"""How long each expression lasts in the clip."""
CLIP_SECONDS: Final = 24.0
MARK_PX: Final = 24
"""Side of the square in a corner of the clip that is white while the face is startled."""
WORDS: Final = {"bright": "surprised", "dark": "happy"}
"""Brightness of the mark → what the page says of the face."""
READY_SECONDS: Final = 180
"""For a page that shares the machine with nine others."""
THROTTLE_MS: Final = 400

SERVER: Final = """
import logging, sys
logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(message)s")
logging.getLogger("emotion.live.stream").setLevel(logging.INFO)
from streamlit.web.cli import main
sys.argv = ["streamlit", "run", "app.py"]
main()
"""

WATCH_CAMERA: Final = """
// When the mark in the camera's picture changes, whichever document opens the camera; when the page
// says another name; and every connection, for its statistics.
top.cameraChanges ??= [];
top.nameChanges ??= [];
top.connections ??= [];
if (navigator.mediaDevices) {
  const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = async (wanted) => {
    const stream = await open(wanted);
    if (WATCHED && wanted?.video) watch(stream);
    return stream;
  };
}
function watch(stream) {
  const video = document.createElement("video");
  Object.assign(video, { srcObject: new MediaStream(stream.getVideoTracks()), muted: true });
  video.play();
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [4, 4];
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  let before = null;
  const timer = setInterval(() => {
    if (stream.getVideoTracks()[0].readyState === "ended") return clearInterval(timer);
    if (!video.videoWidth) return;
    pen.drawImage(video, 4, 4, 12, 12, 0, 0, 4, 4);
    const bright = pen.getImageData(1, 1, 1, 1).data[1];
    const mark = bright > 170 ? "bright" : bright < 85 ? "dark" : before;
    if (before && mark !== before) top.cameraChanges.push([Date.now(), mark]);
    before = mark;
  }, 30); // more often would take the camera's time
}
if (window === top) {
  let before = "";
  const roots = [document]; // and those of components
  const look = () => {
    const titles = roots.flatMap((root) => [...root.querySelectorAll("h1")]);
    const said = titles.map((title) => title.textContent).join();
    if (said !== before) top.nameChanges.push([Date.now(), (before = said)]);
  };
  const observer = new MutationObserver(look);
  const observe = (root) =>
    observer.observe(root, { childList: true, subtree: true, characterData: true });
  observe(document);
  const attach = Element.prototype.attachShadow;
  Element.prototype.attachShadow = function (options) {
    const root = attach.call(this, options);
    roots.push(root);
    observe(root);
    return root;
  };
}
const Connection = window.RTCPeerConnection;
window.RTCPeerConnection = class extends Connection {
  constructor(...settings) { super(...settings); top.connections.push(this); }
};
"""
THROTTLE: Final = f"""
const nextFrame = HTMLVideoElement.prototype.requestVideoFrameCallback;
HTMLVideoElement.prototype.requestVideoFrameCallback = function (then) {{
  return nextFrame.call(this, (...frame) => setTimeout(() => then(...frame), {THROTTLE_MS}));
}};
"""
VIDEO_SENT: Final = """async () => {
  let bytes = 0;
  for (const connection of top.connections) {
    for (const report of (await connection.getStats()).values()) {
      if (report.type === "outbound-rtp") bytes += report.bytesSent;
    }
  }
  return bytes;
}"""


def measure_ways(seconds: float, visitors: int) -> Iterator[dict[str, Any]]:
    """Yield the figures of each way as they are measured.

    Args:
        seconds: how long each part is measured.
        visitors: how many there are in the part with several.
    """
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        clip = clips.write(Path(folder) / "clip.mjpeg", marked(CLIP_SECONDS))
        log = Path(folder) / "log.txt"
        servers: list[subprocess.Popen[bytes]] = []
        for way, script in WAYS.items():
            with (
                log.open("w") as out,
                serve(
                    [sys.executable, "-c", SERVER], stderr=out, on_start=servers.append
                ) as address,
            ):
                browser = playwright.chromium.launch(
                    executable_path=chromium(), args=[*camera(clip)]
                )
                visit = _Visit(browser, address, servers[-1].pid, script, log)
                for part in (visit.alone(seconds), visit.together(seconds, visitors)):
                    yield {f"{way}: {name}": value for name, value in part.items()}
                browser.close()


def camera(clip: Path) -> Iterator[str]:
    """Yield the arguments that make Chromium use a clip as its camera."""
    yield "--use-fake-ui-for-media-stream"
    yield "--use-fake-device-for-media-stream"
    yield f"--use-file-for-fake-video-capture={clip}"


def marked(seconds: float) -> Iterator[clips.Picture]:
    """Yield the face that changes its expression, with a mark in a corner that changes with it."""
    for number, frame in enumerate(clips.changing(seconds, every=EVERY_SECONDS)):
        startled = int(number / clips.RATE / EVERY_SECONDS) % 2
        shown = np.array(frame)
        shown[:MARK_PX, :MARK_PX] = 255 * startled
        yield shown


class _Visit:
    """Visitors of one server, whose cameras are all read in the same way."""

    def __init__(self, browser: Browser, address: str, server: int, script: str, log: Path) -> None:
        self._browser, self._address, self._server = browser, address, server
        self._script, self._log = script, log

    def alone(self, seconds: float) -> dict[str, Any]:
        """Measure one visitor whose browser has cached the page's files, as on a second visit."""
        context = self._context(watched=True)
        page = context.new_page()
        sent = _Messages(page)
        for _ in range(2):
            self._open(page)
            page.wait_for_timeout(4000)
        pressed = time.monotonic()
        self._start(page)
        first = time.monotonic() - pressed
        page.get_by_role("button", name="Keep reading").click()
        page.wait_for_timeout(2000)
        since = page.evaluate("Date.now()")
        processor, video, begin = self._processor(), page.evaluate(VIDEO_SENT), time.monotonic()
        page.wait_for_timeout(1000 * max(seconds, 3 * EVERY_SECONDS))
        span = time.monotonic() - begin
        processor, video = self._processor() - processor, page.evaluate(VIDEO_SENT) - video
        delays = name_delays(
            [change for change in page.evaluate("cameraChanges") if change[0] >= since],
            page.evaluate("nameChanges"),
        )
        page.get_by_role("button", name="Stop").click()
        page.wait_for_timeout(2000)
        context.close()
        return {
            "START to the first reading on the page, s": first,
            "readings a second": sent.rate(begin, span) or self._read_by_server(),
            "change of expression to change of name, median, s": (
                statistics.median(delays) if delays else None
            ),
            "change of expression to change of name, slowest, s": max(delays, default=None),
            "changes of expression": len(delays),
            "server's processor time, ms a second": 1000 * processor / span,
            "video sent, kB a second": video / span / 1000,
            "messages sent, kB a second": sent.bytes(begin, span) / span / 1000,
            "largest message, kB": sent.largest(begin, span) / 1000,
        }

    def together(self, seconds: float, visitors: int) -> dict[str, Any]:
        """Measure the server's work for several visitors at once."""
        if not visitors:
            return {}
        context = self._context(watched=False)
        pages = [context.new_page() for _ in range(visitors)]
        sent = [_Messages(page) for page in pages]
        reading = []
        for page in pages:  # one after the other: loading is not what is measured
            with suppress(PageTimeout):
                self._open(page)
                self._start(page)
                page.get_by_role("button", name="Keep reading").click()
                reading.append(page)
        pages[0].wait_for_timeout(2000)
        self._forget_streams()
        processor, begin, busy = self._processor(), time.monotonic(), _machine()
        pages[0].wait_for_timeout(1000 * seconds)
        span = time.monotonic() - begin
        processor, busy = self._processor() - processor, _machine() - busy
        for page in reading:
            with suppress(PageTimeout):
                page.get_by_role("button", name="Stop").click(timeout=20_000)
        pages[0].wait_for_timeout(2000)
        rates = [rate for one in sent if (rate := one.rate(begin, span))]
        rates = rates or self._rates_of_server()
        context.close()
        title = f"{visitors} visitors"
        return {
            f"{title}: with a reading": len(reading),
            f"{title}: readings a second, together": sum(rates) if rates else None,
            f"{title}: readings a second, slowest": min(rates, default=None),
            f"{title}: server's processor time, ms a second": 1000 * processor / span,
            f"{title}: the machine was busy, %": 100 * busy / span / (os.cpu_count() or 1),
        }

    def _context(self, *, watched: bool) -> BrowserContext:
        context = self._browser.new_context(permissions=["camera"])
        context.set_default_timeout(1000 * READY_SECONDS)
        watching = WATCH_CAMERA.replace("WATCHED", str(watched).lower())
        throttle = "" if watched or self._script else THROTTLE
        context.add_init_script(f"{{ {self._script} {watching} {throttle} }}")
        return context

    def _open(self, page: Page) -> None:
        page.goto(f"{self._address}/live")
        page.get_by_role("button", name="Start the camera").wait_for()

    def _start(self, page: Page) -> None:
        page.get_by_role("button", name="Start the camera").click()
        page.get_by_role("button", name="Keep reading").wait_for()

    def _processor(self) -> float:
        """Return the processor time that the server has taken so far, in seconds (Linux)."""
        fields = Path(f"/proc/{self._server}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def _forget_streams(self) -> None:
        self._streams = len(self._rates_of_server())

    def _rates_of_server(self) -> list[float]:
        """Return the readings a second of the streams that ended since `_forget_streams`."""
        ends = re.findall(r"ended: (\d+) frames, (\d+) read, ([\d.]+) s", self._log.read_text())
        rates = [int(read) / float(span) for _, read, span in ends if float(span)]
        return rates[getattr(self, "_streams", 0) :]

    def _read_by_server(self) -> float | None:
        return next(iter(self._rates_of_server()), None)


class _Messages:
    """The messages that a page has sent to the server."""

    def __init__(self, page: Page) -> None:
        self._messages: list[tuple[float, bytes]] = []
        page.on("websocket", lambda socket: socket.on("framesent", self._take))

    def _take(self, data: str | bytes) -> None:
        message = data.encode() if isinstance(data, str) else data
        self._messages.append((time.monotonic(), message))

    def _during(self, begin: float, span: float) -> list[tuple[float, bytes]]:
        return [one for one in self._messages if begin <= one[0] <= begin + span]

    def bytes(self, begin: float, span: float) -> int:
        return sum(len(data) for _, data in self._during(begin, span))

    def largest(self, begin: float, span: float) -> int:
        return max((len(data) for _, data in self._during(begin, span)), default=0)

    def rate(self, begin: float, span: float) -> float | None:
        """Return how many frames a second the browser says that it has read."""
        counts = [
            (at, int(found[-1]))
            for at, data in self._during(begin, span)
            if (found := re.findall(rb'"frames":(\d+)', data))
        ]
        if len(counts) < 2 or counts[-1][1] == counts[0][1]:
            return None
        return (counts[-1][1] - counts[0][1]) / (counts[-1][0] - counts[0][0])


def name_delays(changes: list[tuple[float, str]], names: list[tuple[float, str]]) -> list[float]:
    """Return how many seconds each change of the face took to be named on the page.

    Args:
        changes: when the mark changed, in ms, and to what.
        names: when the page's title changed, in ms, and to what.

    Returns:
        A delay for each change that the page named before the next change; an infinite one for each
        other that lasted as long as an expression does.
    """
    delays = []
    for (at, mark), (end, _) in zip(changes, [*changes[1:], (float("inf"), "")], strict=True):
        after = [when - at for when, said in names if at <= when < end and WORDS[mark] in said]
        if after:
            delays.append(after[0] / 1000)
        elif end < float("inf"):
            delays.append(float("inf"))
    return delays


def _machine() -> float:
    """Return the processor time that the whole machine has taken so far, in seconds."""
    fields = [int(field) for field in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) / os.sysconf("SC_CLK_TCK")
