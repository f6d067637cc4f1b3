"""``GET /healthz``: tells the operator whether the server works and how busy it is.

Counters of the whole process, and nothing about a face, a mood or a visitor. It answers only on the
machine itself: through a proxy, or under another name, there is no such page.
"""

from __future__ import annotations

import ipaddress
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Final, Self
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from emotion.live.stream import SHARED_SCHEDULER
from ui import settings
from ui._compat import streamlit as _compat

PATH: Final = "healthz"
FORWARDED: Final = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")
"""Headers in which a proxy says where a request came from."""
MIN_WINDOW_SECONDS: Final = 5.0
"""Readings per second are averaged over at least this long, once the server has run so long."""


class Gauge:
    """Counts how many threads are inside its ``with`` block."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.value = 0

    def __enter__(self) -> Self:
        with self._lock:
            self.value += 1
        return self

    def __exit__(self, *error: object) -> None:
        with self._lock:
            self.value -= 1


class ErrorCount(logging.Handler):
    """Counts what is logged as an error."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.value = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.value += 1  # under the handler's own lock


class Rate:
    """How much a total grows per second, over the last seconds.

    Args:
        total: returns the total.
        clock: a monotonic clock, in seconds.
    """

    def __init__(
        self, total: Callable[[], int], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._total, self._clock = total, clock
        self._before = self._latest = (clock(), total())

    def now(self) -> float:
        """Return the rate since the last sample that is old enough. Call it regularly."""
        time_, total = self._clock(), self._total()
        if time_ - self._latest[0] >= MIN_WINDOW_SECONDS:
            self._before, self._latest = self._latest, (time_, total)
        seconds = time_ - self._before[0]
        return (total - self._before[1]) / seconds if seconds > 0 else 0.0


FILES: Final = Gauge()
"""Photos and clips that are being read or waiting for it."""
ERRORS: Final = ErrorCount()
READINGS: Final = Rate(lambda: SHARED_SCHEDULER.readings)


@dataclass(frozen=True, slots=True)
class Health:
    """What ``/healthz`` reports.

    Attributes:
        status: ``ok``; a server that is not does not answer.
        visitors: open pages.
        streams: live cameras that this server reads; others are read in their visitors' browsers.
        readings_per_second: frames read from those, over the last seconds.
        files: photos and clips that are being read or waiting for it.
        errors: errors logged since the server was started.
    """

    status: str
    visitors: int
    streams: int
    readings_per_second: float
    files: int
    errors: int


def health() -> Health:
    """Return the server's present state."""
    return Health(
        status="ok",
        visitors=_compat.visitors(),
        streams=SHARED_SCHEDULER.streams,
        readings_per_second=round(READINGS.now(), 1),
        files=FILES.value,
        errors=ERRORS.value,
    )


def route() -> Route:
    """Return the route of ``/healthz``."""
    return Route(f"{settings.base_path()}/{PATH}", _answer, methods=["GET"])


async def _answer(request: Request) -> Response:
    if not is_local(request):
        return PlainTextResponse("Not found", 404)
    return JSONResponse(asdict(health()), headers={"Cache-Control": "no-store"})


def is_local(request: Request) -> bool:
    """Return whether a request was made on this machine, and not forwarded by a proxy."""
    if any(name in request.headers for name in FORWARDED):
        return False
    try:
        name = urlsplit(f"//{request.headers.get('host', '')}").hostname or ""
    except ValueError:
        return False
    return _loopback(name) and request.client is not None and _loopback(request.client.host)


def _loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
