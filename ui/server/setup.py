"""The server under the pages: what stands before Streamlit, and what is cleared up behind it."""

from __future__ import annotations

import asyncio
import gc
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

from starlette.formparsers import MultiPartParser
from starlette.middleware import Middleware
from starlette.routing import Route
from streamlit.starlette import App

from ui._compat import streamlit as _compat
from ui.server.http_guard import Guard
from ui.server.index_page import IndexPage, preview_route

MAX_UPLOAD_BYTES: Final = 32 * 1024 * 1024
"""Above everything that the uploader lets through, in bytes."""

SWEEP_SECONDS: Final = 5.0
"""How often the server looks who is gone."""
COLLECT_SECONDS: Final = 20.0
"""How often, at most, it has Python collect what they held: everything waits for that a moment."""

MIDDLEWARE: Final = (Middleware(Guard), Middleware(IndexPage))

_log = logging.getLogger(__name__)


def routes() -> list[Route]:
    """Return what is served beside Streamlit's pages."""
    return [preview_route()]


def keep_uploads_in_memory() -> None:
    """Have the web server receive whole photos in memory.

    Starlette writes the part of an upload that is beyond 1 MB to a temporary file. We promise
    that pictures are read in memory, so it must not.
    """
    MultiPartParser.spool_max_size = MAX_UPLOAD_BYTES


def harden(app: App) -> None:
    """Prepare a server that has not been started for keeping what `docs/security.md` promises."""
    keep_uploads_in_memory()
    _compat.never_ask_for_this_address()
    _compat.keep_little(app)


@asynccontextmanager
async def lifespan(_app: App) -> AsyncIterator[dict[str, Any]]:
    """Clear up behind visitors for as long as the server runs."""
    sweeping = asyncio.create_task(_sweep(), name="sweep")
    asyncio.get_running_loop().call_soon(_compat.open_browser)
    try:
        yield {}
    finally:
        sweeping.cancel()
        with suppress(asyncio.CancelledError):
            await sweeping


async def _sweep() -> None:
    gone, collected = 0, time.monotonic()
    while True:
        await asyncio.sleep(SWEEP_SECONDS)
        try:
            gone += _compat.sweep()
            if gone and time.monotonic() - collected >= COLLECT_SECONDS:
                # On a quiet server Python would not come by for hours, and a photo is in a cycle.
                # In a thread of its own, because what is collected may wait for this loop.
                await asyncio.to_thread(gc.collect)
                gone, collected = 0, time.monotonic()
        except Exception:
            _log.exception("Clearing up behind visitors failed")
