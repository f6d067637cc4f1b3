"""What every screen has to keep: axe finds nothing, and a phone never scrolls sideways."""

from __future__ import annotations

import time
from typing import Any, Final

from axe_playwright_python.sync_playwright import DEFAULT_OPTIONS, Axe
from playwright.sync_api import Page, ViewportSize, expect

from tests.browser.waiting import outcome, wait_until

DESKTOP: Final[ViewportSize] = {"width": 1280, "height": 800}
PHONE: Final[ViewportSize] = {"width": 390, "height": 844}

CONTRAST: Final = {"resultTypes": ["violations"], "runOnly": ["color-contrast"]}
"""Options of axe for the one rule of its that looks at colours."""

LOOKS: Final = (
    ("light", DESKTOP, DEFAULT_OPTIONS),
    ("dark", DESKTOP, CONTRAST),
    ("dark", PHONE, DEFAULT_OPTIONS),
)
"""Every theme, and every width, with what to check there: colours do not depend on the width, and
nothing but colours depends on the theme."""

NOT_OURS = {
    "presentation-role-conflict": "[data-testid=stFileUploaderDropzone]",
    "list": "[data-testid=stSidebarNav]",
    "listitem": "[data-testid=stSidebarNav]",
    "scrollable-region-focusable": "[data-testid=stTable], [height='1px']",
}
"""Not in our hands: Streamlit 1.67 gives its drop zone a role and a name at once, puts a section
of the phone's menu between list and items, and leaves it to the browser to let the keyboard
scroll a wide table, which Chromium does. The camera's connection waits in a box of one pixel until
it is wanted; there is nothing to scroll to."""

# What fades in is looked at when it has; what turns until something is ready never ends.
AFTER_ANIMATIONS = """() => Promise.allSettled(
  document.getAnimations()
    .filter((one) => one.effect?.getComputedTiming().endTime !== Infinity)
    .map((one) => one.finished)
)"""


MOUNTING_SECONDS: Final = 20.0
"""A component's HTML may stand on a busy machine for a moment before its script has labelled it.
What a screen reader would meet later as well is a violation."""


def check(page: Page, part: str | None = None) -> None:
    """Check a screen in every look, and leave it in the one in which it was.

    Args:
        page: the screen.
        part: the CSS selector of what has come since all of it was checked.
    """
    before = page.viewport_size
    assert before is not None
    was_dark = is_dark(page)
    for theme, screen, options in LOOKS:
        show(page, theme == "dark", screen)
        check_as_it_is(page, part, options)
    show(page, was_dark, before)


def check_as_it_is(
    page: Page, part: str | None = None, options: dict[str, Any] = DEFAULT_OPTIONS
) -> None:
    """Check a screen in the look that it has: one with a camera's picture, which others delay."""
    if part is not None:
        expect(page.locator(part)).to_be_visible()
    found = violations(page, part, options)
    deadline = time.monotonic() + MOUNTING_SECONDS
    while found and time.monotonic() < deadline:
        page.wait_for_timeout(1_000)
        found = violations(page, part, options)
    assert not found, "\n".join([f"{page.viewport_size}, dark: {is_dark(page)}", *found])
    width = page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth")
    viewport = page.viewport_size
    assert viewport is not None
    assert width <= viewport["width"]


def violations(page: Page, part: str | None, options: dict[str, Any]) -> list[str]:
    """Return what axe finds in our part of a page."""
    return [
        f"{violation['id']}: {node['html']}"
        for violation in Axe().run(page, part, options).response["violations"]
        for node in violation["nodes"]
        if not is_within(page, node["target"][0], NOT_OURS.get(violation["id"]))
    ]


def show(page: Page, dark: bool, screen: ViewportSize) -> None:
    """Show a page in another theme and size, as a visitor's system would."""
    page.set_viewport_size(screen)
    page.emulate_media(color_scheme="dark" if dark else "light")
    wait_until(page, f"({IS_DARK})() === {str(dark).lower()}")
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")
    outcome(page, AFTER_ANIMATIONS)


IS_DARK = """() => {
  const colour = getComputedStyle(document.querySelector("[data-testid=stApp]")).backgroundColor;
  return colour.match(/[\\d.]+/g).slice(0, 3).every((channel) => channel < 100);
}"""


def is_dark(page: Page) -> bool:
    return bool(page.evaluate(IS_DARK))


def is_within(page: Page, target: str, place: str | None) -> bool:
    return place is not None and bool(
        page.evaluate("([a, b]) => !!document.querySelector(a)?.closest(b)", [target, place])
    )
