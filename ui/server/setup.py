"""The web server: middleware in front of Streamlit, and cleaning up after visitors."""

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

from emotion.live.stream import SHARED_SCHEDULER
from ui import settings
from ui._compat import streamlit as _compat
from ui.server import device_assets, health, player_frame
from ui.server.http_guard import Guard
from ui.server.index_page import IndexPage, preview_route

MAX_UPLOAD_BYTES: Final = 108 * 1024 * 1024
"""More than the largest file that the uploader accepts."""

SWEEP_SECONDS: Final = 5.0
"""Interval at which the server looks for sessions that have ended."""
COLLECT_SECONDS: Final = 20.0
"""Interval between garbage collections while there are visitors. Every request waits for one, so
Streamlit's own after every run are switched off (``runner.postScriptGC``)."""

MIDDLEWARE: Final = (Middleware(Guard), Middleware(IndexPage))

_log = logging.getLogger(__name__)


def routes() -> list[Route]:
    """Return the routes that are served besides Streamlit's."""
    return [preview_route(), player_frame.route(), health.route(), *device_assets.routes()]


def keep_uploads_in_memory() -> None:
    """Have the web server receive whole photos in memory.

    Starlette spools uploads of more than 1 MB to a temporary file, but pictures must never reach
    the disk.
    """
    MultiPartParser.spool_max_size = MAX_UPLOAD_BYTES


def harden(app: App) -> None:
    """Apply what `docs/security.md` promises, before the server is started."""
    keep_uploads_in_memory()
    _compat.never_ask_for_this_address()
    _compat.keep_little(app)


@asynccontextmanager
async def lifespan(_app: App) -> AsyncIterator[dict[str, Any]]:
    """Clean up after visitors for as long as the server runs."""
    SHARED_SCHEDULER.share_with(settings.processes())
    sweeping = asyncio.create_task(_sweep(), name="sweep")
    warming = asyncio.create_task(asyncio.to_thread(device_assets.warm_up), name="warm-up")
    logging.getLogger().addHandler(health.ERRORS)
    asyncio.get_running_loop().call_soon(_compat.open_browser)
    try:
        yield {}
    finally:
        logging.getLogger().removeHandler(health.ERRORS)
        for task in (sweeping, warming):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def _sweep() -> None:
    used, collected = False, time.monotonic()
    while True:
        await asyncio.sleep(SWEEP_SECONDS)
        health.READINGS.now()  # takes a sample, so that the next rate covers the last seconds
        try:
            gone = _compat.sweep()
            used = used or gone > 0 or _compat.visitors() > 0
            if used and time.monotonic() - collected >= COLLECT_SECONDS:
                # A photo is part of a reference cycle, which Python may not collect for hours if
                # little happens. In a thread, because finalizers may wait for this event loop.
                await asyncio.to_thread(gc.collect)
                used, collected = False, time.monotonic()
        except Exception:
            _log.exception("Cleaning up after visitors failed")
