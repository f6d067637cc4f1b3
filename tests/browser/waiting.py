"""Waiting for what a page says of itself."""

from __future__ import annotations

import time
from typing import Any

from playwright.sync_api import Frame, Page

LIMIT_SECONDS = 180.0
"""The deadline of every wait, with room for a machine that is busy with something else."""
LIMIT_MS = 1000 * LIMIT_SECONDS
LOOK_MS = 100


def wait_until(page: Page | Frame, expression: str, arg: Any = None) -> None:
    """Wait until an expression, or a function of ``arg``, is true in a page.

    `Page.wait_for_function` compiles it within the page, which the page's own policy forbids.
    """
    deadline = time.monotonic() + LIMIT_SECONDS
    while not page.evaluate(expression, arg):
        assert time.monotonic() < deadline, f"It did not come true: {expression}"
        page.wait_for_timeout(LOOK_MS)
