"""Tabs that one test after the other uses, each as a new visitor.

To the server a visitor is a page that was loaded. Loading one in a tab that has shown the app
before costs a fifth of what a new tab costs, where Chromium starts a process and compiles every
script anew: most of what a browser test would do otherwise. Nothing is routed in them either,
which would turn the browser's cache off; `spotify_player` has a server.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from playwright.sync_api import Browser, ConsoleMessage, Error, Page, Request, ViewportSize

from tests.browser.axe import DESKTOP, PHONE
from tests.browser.waiting import LIMIT_MS

OWN_SCHEMES: Final = ("data", "blob", "about")
"""Of addresses that need no server."""


class Tabs:
    """The free tabs of a browser.

    Args:
        browser: whose.
        script: JavaScript that is run in every document before its own.
    """

    def __init__(self, browser: Browser, script: str = "") -> None:
        self._browser = browser
        self._script = script
        self._free: dict[bool, list[Page]] = {False: [], True: []}

    def take(self, screen: ViewportSize = DESKTOP) -> Page:
        """Return a tab whose cookies and permissions are its own; a phone's can be touched."""
        touch = screen == PHONE
        if self._free[touch]:
            page = self._free[touch].pop()
            page.set_viewport_size(screen)
            return page
        context = self._browser.new_context(
            viewport=screen, has_touch=touch, reduced_motion="reduce"
        )
        context.set_default_timeout(LIMIT_MS)
        if self._script:
            context.add_init_script(self._script)
        return context.new_page()

    def give_back(self, page: Page) -> None:
        """Have a visitor leave, and nothing of theirs stay in the tab."""
        context = page.context
        try:
            for another in context.pages:
                if another is not page:
                    another.close()
            page.unroute_all(behavior="ignoreErrors")
            context.unroute_all(behavior="ignoreErrors")
            # At an address of the same server, so that the tab keeps its process.
            here = urlsplit(page.url)
            page.goto(f"{here.scheme}://{here.netloc}/_stcore/health")
            context.clear_cookies()
            context.clear_permissions()
            touch = page.evaluate("navigator.maxTouchPoints > 0")
        except Error:  # as a failed test may leave it
            context.close()
            return
        self._free[touch].append(page)


class Cameras:
    """Browsers by what their camera shows, each opened when it is asked for.

    Args:
        browser: another one, from which Playwright is known.
        executable: the path of Chromium.
        films: files that a camera can show.
        more: arguments for all of them.
    """

    def __init__(
        self, browser: Browser, executable: str, films: Mapping[str, Path], more: Sequence[str] = ()
    ) -> None:
        self._kind = browser.browser_type
        self._executable = executable
        self._films = films
        self._more = more
        self._opened: dict[tuple[str | int | None, bool], Browser] = {}
        self._tabs: dict[tuple[str | int | None, bool, str], Tabs] = {}

    def tabs(self, film: str | int | None, *, allowed: bool = True, script: str = "") -> Tabs:
        """Return the tabs of one.

        Args:
            film: what its camera shows, ``None`` if it has none. As a number: how many it has,
                which show Chromium's own test picture.
            allowed: whether the visitor allows the camera.
            script: JavaScript that is run in every document before its own.
        """
        key = (film, allowed, script)
        if key not in self._tabs:
            self._tabs[key] = Tabs(self._browser(film, allowed), script)
        return self._tabs[key]

    def close(self) -> None:
        """Close them."""
        for browser in self._opened.values():
            browser.close()

    def _browser(self, film: str | int | None, allowed: bool) -> Browser:
        if (film, allowed) not in self._opened:
            arguments = ["--use-fake-ui-for-media-stream" + ("" if allowed else "=deny")]
            if isinstance(film, int):
                arguments.append(f"--use-fake-device-for-media-stream=device-count={film}")
            elif film is not None:
                arguments += [
                    "--use-fake-device-for-media-stream",
                    f"--use-file-for-fake-video-capture={self._films[film]}",
                ]
            self._opened[film, allowed] = self._kind.launch(
                executable_path=self._executable, args=[*arguments, *self._more]
            )
        return self._opened[film, allowed]


class Visitors:
    """The visitors of a test, and what went wrong in their tabs.

    Args:
        tabs: where they come from, unless it is said otherwise.
        servers: how all addresses begin that may be asked.
    """

    def __init__(self, tabs: Tabs, servers: Sequence[str]) -> None:
        self._tabs = tabs
        self._servers = tuple(servers)
        self._heard: list[tuple[Any, str, Callable[..., None]]] = []
        self._pages: list[tuple[Page, Tabs]] = []
        self.strangers: list[str] = []
        self.problems: list[str] = []

    def arrive(
        self,
        address: str,
        *,
        screen: ViewportSize = DESKTOP,
        theme: Literal["light", "dark"] = "light",
        before: Callable[[Page], None] = lambda _: None,
        tabs: Tabs | None = None,
    ) -> Page:
        """Open an address as a new visitor.

        Args:
            address: to open.
            screen: the size of the page.
            theme: what the visitor's system prefers.
            before: is called with the page before it opens the address.
            tabs: where the visitor comes from.
        """
        tabs = tabs or self._tabs
        page = tabs.take(screen)
        self._pages.append((page, tabs))
        page.emulate_media(color_scheme=theme)
        self.hear(page.context, "request", self._note)
        self.hear(page.context, "weberror", lambda error: self.problems.append(str(error.error)))
        self.hear(page.context, "console", self._complain)
        before(page)
        page.goto(address)
        return page

    def hear(self, source: Any, event: str, handler: Callable[..., None]) -> None:
        """Listen to a page or context until the visitors leave."""
        source.on(event, handler)
        self._heard.append((source, event, handler))

    def leave(self) -> None:
        """Have all of them leave."""
        for source, event, handler in self._heard:
            source.remove_listener(event, handler)
        self._heard.clear()
        for page, tabs in self._pages:
            tabs.give_back(page)
        self._pages.clear()

    def _note(self, request: Request) -> None:
        ours = request.url.startswith(self._servers)
        if not ours and urlsplit(request.url).scheme not in OWN_SCHEMES:
            self.strangers.append(request.url)

    def _complain(self, said: ConsoleMessage) -> None:
        # What the page's own policy keeps it from: then the policy, or the page, is wrong.
        if "Content Security Policy" in said.text:
            self.problems.append(said.text)


@contextmanager
def visitors(tabs: Tabs, *servers: str) -> Iterator[Visitors]:
    """Let visitors come; afterwards nothing may have gone wrong or gone out."""
    found = Visitors(tabs, servers)
    try:
        yield found
    finally:
        found.leave()
    assert found.strangers == []
    assert found.problems == []
