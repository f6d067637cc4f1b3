"""A stand-in for Spotify's iFrame API and the player that it makes, for a browser without Spotify.

It plays nothing and keeps no time: a test says when a track has ended.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Frame, Page, Route

API = "https://open.spotify.com/embed/iframe-api/v1"
EMBED = "https://open.spotify.com/embed/track/"
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


def answer(route: Route) -> bool:
    """Answer what Spotify would have been asked. Returns whether it would."""
    address = route.request.url
    if address.startswith(API):
        route.fulfill(body=SCRIPT, content_type="text/javascript")
    elif address.startswith(EMBED):
        route.fulfill(body=PLAYER, content_type="text/html")
    else:
        return False
    return True


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
