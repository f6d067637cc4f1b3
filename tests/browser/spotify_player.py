"""A stand-in for Spotify's iFrame API and the player that it makes, for a browser without Spotify.

It plays nothing and keeps no time: a test says when a track has ended.
"""

from __future__ import annotations

import datetime
import re
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from playwright.sync_api import Frame, Page, Route

HOST = "open.spotify.com"
API = f"https://{HOST}/embed/iframe-api/v1"
EMBED = f"https://{HOST}/embed/track/"
PLAYER = '<!doctype html><html lang="en"><title>Player</title><p>A player plays here.</p></html>'

SCRIPT = """(() => {
window.standIn = { calls: [], paused: true, position: 0, duration: 200000 };
const listeners = {};
const emit = (name, data) => (listeners[name] ?? []).forEach((hear) => hear({ data }));
const { standIn } = window;
const now = () => emit("playback_update", {
  isPaused: standIn.paused, isBuffering: false,
  position: standIn.position, duration: standIn.duration,
});
const set = (state) => { Object.assign(standIn, state); now(); };
Object.assign(standIn, {
  set,
  end: () => set({ position: standIn.duration, paused: true }),
  endAtZero() { set({ position: standIn.duration - 900 }); set({ position: 0, paused: true }); },
});
const controller = {
  addListener(name, hear) { (listeners[name] ??= []).push(hear); },
  loadUri(uri) {
    standIn.calls.push(uri);
    frame.src = EMBED + uri.split(":")[2];
    Object.assign(standIn, { position: 0, paused: true });
    setTimeout(() => emit("ready"));
  },
  play() { if (!window.HELD) set({ paused: false, position: 1 }); },
  resume() { if (!window.HELD) set({ paused: false }); },
  pause() { set({ paused: true }); },
  seek(seconds) { set({ position: 1000 * seconds }); },
};
const EMBED = "https://open.spotify.com/embed/track/";
let frame;
setTimeout(() => window.onSpotifyIframeApiReady({
  createController(element, options, callback) {
    frame = document.createElement("iframe");
    frame.title = "Spotify's own player";
    frame.allow = "autoplay; encrypted-media";
    frame.height = options.height;
    standIn.calls.push(options.uri);
    frame.src = EMBED + options.uri.split(":")[2];
    element.replaceWith(frame);
    callback(controller);
    frame.onload = () => emit("ready");
  },
}));
})();
"""


def answer_to(address: str) -> tuple[str, str] | None:
    """Return what Spotify would be asked for at an address, and its content type."""
    if address.startswith(API):
        return SCRIPT, "text/javascript"
    if address.startswith(EMBED):
        return PLAYER, "text/html"
    return None


def answer(route: Route) -> None:
    """Answer what Spotify would have been asked."""
    found = answer_to(route.request.url)
    if found is None:
        route.abort()
    else:
        route.fulfill(body=found[0], content_type=found[1])


class _Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        found = answer_to(f"https://{HOST}{self.path}")
        self.send_response(200 if found else 404)
        body, kind = found or ("", "text/plain")
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body.encode())))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    def handle_error(self, *_: Any) -> None:
        """Say nothing of a tab that was closed in between."""


@contextmanager
def serving(folder: Path) -> Iterator[list[str]]:
    """Answer at a port of this machine.

    Args:
        folder: where the key of the server is put.

    Yields:
        The arguments with which Chromium takes it for Spotify, and finds no other host at all.
    """
    server = _Server(("127.0.0.1", 0), _Answers)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(_certificate(folder / "spotify.pem"))
    # A handshake must not keep others waiting.
    server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        hosts = (
            f"MAP {HOST}:443 127.0.0.1:{server.server_address[1]}, MAP * ~NOTFOUND, "
            "EXCLUDE 127.0.0.1, EXCLUDE localhost"
        )
        yield [f"--host-resolver-rules={hosts}", "--ignore-certificate-errors"]
    finally:
        server.shutdown()
        server.server_close()
        thread.join(30)


def _certificate(path: Path) -> Path:
    """Write a key and a certificate that no authority has signed."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, HOST)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    return path


class StandIn:
    """What Spotify's script is told on a page, and what it tells."""

    def __init__(self, page: Page) -> None:
        self._page = page

    @property
    def frame(self) -> Frame:
        """The document in which Spotify's script runs."""
        self._page.locator("iframe[title='Spotify player']").wait_for(state="attached")
        for _ in range(600):
            found = [one for one in self._page.frames if one.url.startswith("data:")]
            if found:
                return found[0]
            self._page.wait_for_timeout(50)
        raise AssertionError("No frame for Spotify's script")

    def wait(self, what: str) -> None:
        """Wait until a JavaScript condition holds in that document."""
        # Not `wait_for_function`: that document lets nothing be evaluated within it.
        for _ in range(1200):
            if self.frame.evaluate(what):
                return
            self._page.wait_for_timeout(50)
        raise AssertionError(f"It did not come to this: {what}")

    def wait_until_playing(self, track: str | None = None) -> None:
        last = "window.standIn && !standIn.paused"
        self.wait(f"{last} && standIn.calls.at(-1).endsWith({track!r})" if track else last)

    def end(self, how: str = "end") -> None:
        """Let the track that plays end."""
        self.frame.evaluate(f"standIn.{how}()")

    @property
    def calls(self) -> list[str]:
        """The ids of the tracks that were asked for, in order, since the frame was opened."""
        uris: list[str] = self.frame.evaluate("window.standIn?.calls ?? []")
        return [re.sub("^spotify:track:", "", uri) for uri in uris]


def held(routes: Callable[..., Any]) -> None:
    """Have the browser hold music back until it was tapped for in Spotify's own frame."""
    routes(API, lambda route: route.fulfill(body=f"window.HELD = true;{SCRIPT}"))
