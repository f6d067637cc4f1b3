"""A camera that the server reads: what makes a browser need that, and what it shows then."""

from __future__ import annotations

import time
from typing import Any

import pytest
from playwright.sync_api import Error, Page

from tests.browser.waiting import LIMIT_SECONDS

UNABLE = "delete window.OffscreenCanvas;"
"""Without it a browser cannot read the camera itself."""

RELAY_ALONE = """
const Connection = window.RTCPeerConnection;
window.RTCPeerConnection = class extends Connection {
  constructor(settings) { super({ ...settings, iceTransportPolicy: "relay" }); }
};
"""
"""The browser's video goes through a TURN relay or not at all."""


def relay_over(transport: str) -> str:
    """Return a script by which a browser reaches relays in one way alone.

    Args:
        transport: ``udp``, or ``tcp`` as in a network that blocks the other.
    """
    return """
const Relayed = window.RTCPeerConnection;
window.RTCPeerConnection = class extends Relayed {
  constructor({ iceServers, ...settings }) {
    const fits = (url) => url.endsWith("?transport=tcp") === WANTED;
    const servers = iceServers.map((server) => ({ ...server, urls: server.urls.filter(fits) }));
    super({ ...settings, iceServers: servers });
  }
};
""".replace("WANTED", str(transport == "tcp").lower())


# What the picture looks like: its mean colour, and how many pixels above the middle have the yellow
# in which "Happy" is written over a face: some 300, where the plain picture has 5.
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
    const high = i / 4 < 640 * 240;
    if (high && data[i] > 190 && data[i + 1] > 165 && data[i] - data[i + 2] > 80) yellow += 1;
  }
  return { red: red / 307200, blue: blue / 307200, yellow };
}"""


def seen(page: Page) -> Any:
    """What the camera's picture looks like, or why that cannot be said now.

    The frame may be another one the next time.
    """
    try:
        video = page.frame_locator("iframe[title*=webrtc_streamer]").locator("video")
        return video.evaluate(LOOK, timeout=30_000)
    except Error as error:
        return str(error)


def wait_for_frame(page: Page, *, annotated: bool = False) -> Any:
    """Wait for a frame of the camera, or for one that carries its reading."""
    deadline = time.monotonic() + LIMIT_SECONDS
    while time.monotonic() < deadline:
        frame = seen(page)
        if isinstance(frame, dict) and (frame["yellow"] > 100 or not annotated):
            return frame
        page.wait_for_timeout(200)
    pytest.fail(f"No {'annotated ' if annotated else ''}frame; the last was {frame}")
