"""Middleware in front of Streamlit: which requests are answered, and security headers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

import streamlit as st
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ui import settings
from ui.server import device_assets, health, player_frame
from ui.server.index_page import script_hashes

UPLOADS_AT_ONCE: Final = 2
"""Uploads that one session may have in progress at the same time."""

PORTS: Final = {"http": 80, "https": 443}

POLICY: Final = {
    "default-src": "'self'",
    # Streamlit writes style elements, our components' among them.
    "style-src": "'self' 'unsafe-inline'",
    # Pictures are embedded in the page, or exist only in this browser.
    "img-src": "'self' data: blob:",
    # The camera's video is a stream, without an address.
    "media-src": "'self'",
    "font-src": "'self' data:",
    "worker-src": "'self' blob:",
    "frame-src": "'self'",
    "object-src": "'none'",
    "base-uri": "'self'",
    "form-action": "'self'",
    "frame-ancestors": "'self'",
}
"""The page's Content-Security-Policy: only this server. `policy` adds scripts and connections.
Spotify's player is in a frame with a policy of its own, see `player_frame`."""

READER_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self' 'wasm-unsafe-eval'",
        "connect-src 'self'",
        "frame-ancestors 'none'",
    )
)
"""The policy of the worker that reads faces in the browser (`device_assets`): a worker has the
policy of its own script, not the page's. It fetches its networks and the runtime's WebAssembly."""

HEADERS: Final = {
    "X-Frame-Options": "SAMEORIGIN",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": (
        "camera=(self), microphone=(), geolocation=(), display-capture=(), payment=(), usb=()"
    ),
    "Cross-Origin-Opener-Policy": "same-origin-allow-popups",
    "Cross-Origin-Resource-Policy": "same-origin",
}

_HOST: Final = re.compile(r"[A-Za-z0-9._\-]+(:\d{1,5})?|\[[0-9A-Fa-f:.]+\](:\d{1,5})?")
_UPLOAD: Final = re.compile(r"/_stcore/upload_file/([^/]+)/[^/]+/?$")
_PLAYER: Final = re.compile(rf"/{re.escape(player_frame.PATH)}$")
_READER: Final = re.compile(rf"/{re.escape(device_assets.PATH)}/[0-9a-f]+/")
_CLOSED: Final = re.compile(r"/_stcore/metrics/*$")
_HEALTH: Final = (f"/{health.PATH}", "/_stcore/health")
"""Paths that may be requested by the machine's address instead of an allowed host name."""
_VOLATILE: Final = re.compile(r"(?<!/static)/(media|_stcore)/")
"""Paths that no cache may keep: downloads and messages for one visitor. The fonts in
``/static/media/`` are the same for all."""


class Guard:
    """Refuse foreign hosts and origins, hide the metrics, and add security headers.

    It uses Streamlit's settings: ``server.allowedHosts`` lists the host names of this server,
    ``server.corsAllowedOrigins`` the other origins that may use it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._uploading: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refused = refusal(scope, headers)
        if refused and scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": refused[1]})
            return
        if scope["type"] == "websocket":
            await self._app(scope, receive, send)
            return
        say = _with_headers(send, scope, headers)
        if refused:
            status, sentence = refused
            await PlainTextResponse(sentence, status)(scope, receive, say)
            return
        await self._let_in(scope, receive, say)

    async def _let_in(self, scope: Scope, receive: Receive, send: Send) -> None:
        upload = _UPLOAD.search(scope["path"]) if scope["method"] == "PUT" else None
        if upload is None:
            await self._app(scope, receive, send)
            return
        session = upload[1]
        if self._uploading[session] >= UPLOADS_AT_ONCE:
            await PlainTextResponse("Please upload fewer files at once.", 429)(scope, receive, send)
            return
        self._uploading[session] += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._uploading[session] -= 1
            if not self._uploading[session]:
                del self._uploading[session]


def refusal(scope: Scope, headers: Headers) -> tuple[int, str] | None:
    """Return the status and message with which to refuse a request; ``None`` to accept it.

    Args:
        scope: of a request or of a WebSocket's handshake.
        headers: its headers.
    """
    if _CLOSED.search(scope["path"]):
        return 404, "Not found"
    hosts, origins = headers.getlist("host"), headers.getlist("origin")
    if len(hosts) != 1 or len(origins) > 1:
        return 400, "A request names one host, and at most one origin."
    host = hosts[0]
    about_health = scope["path"].rstrip("/").removeprefix(settings.base_path()) in _HEALTH
    if not about_health and not host_allowed(host, st.get_option("server.allowedHosts")):
        return 403, (
            "This server does not answer to that host name. Its operator can add it to "
            "server.allowedHosts."
        )
    secure = scope.get("scheme") in ("https", "wss")
    if origins:
        if not origin_allowed(
            origins[0], host, secure=secure, others=st.get_option("server.corsAllowedOrigins")
        ):
            return 403, "Other pages may not use this server."
    elif (
        # Recent browsers say where a request comes from even without an Origin.
        headers.get("sec-fetch-site") in ("cross-site", "same-site")
        and headers.get("sec-fetch-mode") != "navigate"
    ):
        return 403, "Other pages may not use this server."
    return None


def host_allowed(host: str, allowed: Iterable[str]) -> bool:
    """Return whether a Host header names this server, on any port.

    Args:
        host: as received.
        allowed: names; ``*.example.org`` allows every subdomain and ``*`` every host. So does an
            empty list, as in Streamlit.
    """
    if not _HOST.fullmatch(host):
        return False
    name = (urlsplit(f"//{host}").hostname or "").rstrip(".")
    patterns = [pattern.strip().lower().strip("[]").rstrip(".") for pattern in allowed]
    return not patterns or any(
        pattern == "*" or name == pattern or (pattern[:2] == "*." and name.endswith(pattern[1:]))
        for pattern in patterns
    )


def origin_allowed(
    origin: str, host: str, *, secure: bool = False, others: Iterable[str] = ()
) -> bool:
    """Return whether an Origin header names this server, scheme and port included.

    No name is resolved.

    Args:
        origin: as received; ``null`` matches nothing.
        host: the Host header.
        secure: whether the request is known to use TLS.
        others: other origins that may use this server.
    """
    came = _origin(origin)
    if came is None:
        return False
    if came in [_origin(other) for other in others]:
        return True
    here = _origin(f"{came[0]}://{host}")
    return came == here and not (secure and came[0] == "http")


def _origin(text: str) -> tuple[str, str, int] | None:
    scheme, separator, authority = text.strip().lower().rstrip("/").partition("://")
    if not separator or scheme not in PORTS or not _HOST.fullmatch(authority):
        return None
    try:
        parts = urlsplit(f"//{authority}")
        return scheme, parts.hostname or "", parts.port or PORTS[scheme]
    except ValueError:
        return None


def policy(host: str) -> str:
    """Return the Content-Security-Policy for pages of this host."""
    connect = "'self' data: blob:"  # Streamlit fetches a snapshot from its data: URL
    if _HOST.fullmatch(host):  # in older browsers 'self' does not cover WebSockets
        connect += f" ws://{host} wss://{host}"
    # Streamlit loads our components' scripts as modules from blobs.
    scripts = " ".join(("'self'", "blob:", *script_hashes()))
    rules = POLICY | {"script-src": scripts, "connect-src": connect}
    return "; ".join(f"{name} {value}" for name, value in rules.items())


def _policy_of(path: str, host: str) -> str:
    if _PLAYER.search(path):
        return player_frame.policy()
    return READER_POLICY if _READER.search(path) else policy(host)


def _with_headers(send: Send, scope: Scope, request: Headers) -> Send:
    host, path = request.get("host", ""), scope["path"]
    crossing = request.get("origin") is not None and not origin_allowed(
        request["origin"], host, others=()
    )

    async def say(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers[name] = value
            headers["Content-Security-Policy"] = _policy_of(path, host)
            if _VOLATILE.search(path):
                headers["Cache-Control"] = "no-store"
            if not crossing:  # Streamlit allows origins that the operator did not
                for name in [name for name in headers if name.startswith("access-control-")]:
                    del headers[name]
        await send(message)

    return say
