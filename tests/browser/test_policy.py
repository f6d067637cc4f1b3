"""What the page's own policy keeps from happening, whatever script might have got into it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Worker

from tests.browser.tabs import Tabs
from tests.browser.waiting import outcome, wait_until
from ui.server.device_assets import base_address


@dataclass
class Stranger:
    """Another server, which lets any page use it."""

    address: str
    asked: list[str] = field(default_factory=list)


@pytest.fixture
def stranger() -> Iterator[Stranger]:
    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            there.asked.append(self.path)
            self.send_response(200)
            self.send_header("Access-Control-Allow-Origin", "*")
            self.send_header("Content-Type", "text/javascript")
            self.end_headers()
            self.wfile.write(b"window.injected = true;")

        do_POST = do_GET

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    there = Stranger(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield there
    server.shutdown()
    server.server_close()
    thread.join(30)


@pytest.fixture
def page(tabs: Tabs, server: str) -> Iterator[Page]:
    page = tabs.take()
    page.goto(f"{server}/selfie")
    page.locator("h1").wait_for()
    yield page
    tabs.give_back(page)


FETCH = "(address) => fetch(address).then(() => 'answered', () => 'refused')"
ATTEMPTS = {
    "connect-src": FETCH,
    "img-src": """(address) => new Promise((resolve) => {
      const image = new Image();
      image.onload = () => resolve("answered");
      image.onerror = () => resolve("refused");
      image.src = address;
    })""",
    "script-src-elem": """(address) => new Promise((resolve) => {
      const script = document.createElement("script");
      script.onload = () => resolve("answered");
      script.onerror = () => resolve("refused");
      script.src = address;
      document.head.append(script);
    })""",
    # Later: what Playwright runs itself may compile strings.
    "script-src": """() => new Promise((resolve) => {
      setTimeout(() => {
        try {
          resolve(Function("return 'answered'")());
        } catch {
          resolve("refused");
        }
      });
    })""",
    "script-src-attr": """() => {
      const image = document.createElement("img");
      image.setAttribute("onclick", "window.injected = true");
      image.click();
      return window.injected ? "answered" : "refused";
    }""",
    "frame-src": """(address) => new Promise((resolve) => {
      document.addEventListener("securitypolicyviolation", () => resolve("refused"));
      const frame = document.createElement("iframe");
      frame.src = address;
      document.body.append(frame);
    })""",
    "form-action": """(address) => new Promise((resolve) => {
      document.addEventListener("securitypolicyviolation", () => resolve("refused"));
      const form = document.createElement("form");
      Object.assign(form, { action: address, method: "post" });
      document.body.append(form);
      form.submit();
    })""",
}


@pytest.mark.parametrize("directive", ATTEMPTS)
def test_the_page_s_policy_refuses_it(page: Page, stranger: Stranger, directive: str) -> None:
    page.evaluate("""() => {
      window.violations = [];
      document.addEventListener(
        "securitypolicyviolation", (event) => violations.push(event.effectiveDirective),
      );
    }""")
    assert outcome(page, ATTEMPTS[directive], f"{stranger.address}/picture") == "refused"
    wait_until(page, "() => violations.length > 0")
    assert page.evaluate("() => violations") == [directive]
    assert stranger.asked == []


@pytest.mark.skipif(
    base_address() is None, reason="LiteRT's runtime for browsers could not be had from npm"
)
def test_what_reads_faces_reaches_no_other_server(
    page: Page, server: str, stranger: Stranger
) -> None:
    with page.expect_worker() as started:
        page.evaluate("(script) => new Worker(script)", f"{server}{base_address()}worker.js")
    reader: Worker = started.value
    assert outcome(reader, FETCH, f"{server}/_stcore/health") == "answered"
    assert outcome(reader, FETCH, f"{stranger.address}/picture") == "refused"
    assert stranger.asked == []


def test_the_stranger_would_have_answered(browser: Browser, stranger: Stranger) -> None:
    """So what is refused above is refused by the policy."""
    page = browser.new_context().new_page()
    page.goto(f"{stranger.address}/page")
    assert outcome(page, FETCH, f"{stranger.address}/picture") == "answered"
    assert "/picture" in stranger.asked
    page.context.close()
