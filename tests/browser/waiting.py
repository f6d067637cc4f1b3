"""Waiting for what a page says of itself."""

from __future__ import annotations

import time
from typing import Any

from playwright.sync_api import Frame, Locator, Page, Worker

LIMIT_SECONDS = 180.0
"""The deadline of every wait, with room for a machine that is busy with something else."""
LIMIT_MS = 1000 * LIMIT_SECONDS
LOOK_MS = 100

WITH_DEADLINE = """(...given) => Promise.race([
  (%s)(...given),
  new Promise((_, fail) => setTimeout(() => fail(new Error("It did not end in time")), %d)),
])"""


def outcome(place: Page | Frame | Locator | Worker, function: str, arg: Any = None) -> Any:
    """Run an asynchronous JavaScript function in a page, and return what its promise resolves to.

    `evaluate` alone would wait forever for a promise that is never settled, since what would settle
    it is gone, such as an element that was replaced.

    Args:
        place: where to run it. A locator's element is the function's first argument.
        function: its source.
        arg: its argument.

    Raises:
        playwright.sync_api.Error: it failed, or was not settled within `LIMIT_MS`.
    """
    return place.evaluate(WITH_DEADLINE % (function, LIMIT_MS), arg)


def wait_until(page: Page | Frame, expression: str, arg: Any = None) -> None:
    """Wait until an expression, or a function of ``arg``, is true in a page.

    `Page.wait_for_function` compiles it within the page, which the page's own policy forbids.
    """
    deadline = time.monotonic() + LIMIT_SECONDS
    while not page.evaluate(expression, arg):
        assert time.monotonic() < deadline, f"It did not come true: {expression}"
        page.wait_for_timeout(LOOK_MS)
