"""The one HTML page that Streamlit serves, with a head of our own.

Streamlit fills its page in the browser, so a program that only fetches it, as messengers do to
preview a link, finds the title "Streamlit" and nothing else. This middleware adds a title, a
description, a preview picture, and a style sheet and script for what the theme cannot express.

Streamlit answers every address with that page. At an unknown address a visitor would get a dialog
about "the app's main page" and a *Back* button that leads to the dialog again, and one folder
deeper (``/live/x``) a blank screen. Such an address gets a page of our own, with status 404.
"""

from __future__ import annotations

import base64
import hashlib
import html
import re
from functools import cache
from pathlib import Path
from typing import Final
from urllib.parse import quote

import streamlit as st
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import FileResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ui import settings

TITLE: Final = "Affectune: music that meets your mood, then moves it"
DESCRIPTION: Final = (
    "Show your face for a moment. Affectune reads the mood on it and plays real tracks that fit. "
    "Pictures are read in memory and forgotten."
)

COMMUNITY_CLOUD: Final = "/~/+"
"""Streamlit's Community Cloud serves apps below this path, in a frame of its own page."""

ROOT: Final = Path(__file__).parents[2]
PREVIEW_PATH: Final = "/preview.jpg"
PREVIEW: Final = ROOT / "static" / "preview.jpg"
PREVIEW_ALT: Final = (
    "Affectune: a mood pad from unpleasant to pleasant, with a path of tracks across it"
)
PREVIEW_PX: Final = (1200, 630)

_PAGE: Final = re.compile(r"(?!.*/_stcore/)(?!.*/(?:static|media|component)/).*/[^/.]*")
"""What may be a page's path: no dot in its last part, and not in one of Streamlit's folders."""
_TITLE: Final = re.compile(r"<title>.*?</title>", re.DOTALL)
_SCRIPT: Final = re.compile(r"<script>(.*?)</script>", re.DOTALL)
_NOSCRIPT: Final = re.compile(r"<noscript>.*?</noscript>", re.DOTALL)
_CONDITIONAL: Final = (b"if-none-match", b"if-modified-since", b"accept-encoding", b"range")
"""Headers for which Streamlit might not send the whole page, uncompressed."""


class IndexPage:
    """Complete the page's head on its way to the browser. Everything else passes unchanged."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if (
            scope["type"] != "http"
            or scope["method"] not in ("GET", "HEAD")
            or not _PAGE.fullmatch(scope["path"])
        ):
            await self._app(scope, receive, send)
            return
        kept = [(name, value) for name, value in scope["headers"] if name not in _CONDITIONAL]
        known = _below_base(scope["path"]) in page_paths()
        await self._app({**scope, "headers": kept}, receive, _completing(send, scope, known))


def preview_route() -> Route:
    """Return the route of the preview picture."""
    return Route(settings.base_path() + PREVIEW_PATH, _preview, methods=["GET"])


@cache
def page_paths() -> frozenset[str]:
    """Return the paths of the pages, below the server's own and without slashes.

    `app.py`, which routes to the scripts in ``pages/``, runs only once there is a visitor.
    """
    names = {script.stem for script in (ROOT / "pages").glob("[!_]*.py")}
    return frozenset(names - {"home"} | {""})


@cache
def script_hashes() -> tuple[str, ...]:
    """Return the hashes of the page's inline scripts, Streamlit's and ours, for its policy.

    See https://github.com/streamlit/streamlit/blob/1.67.0/frontend/app/index.html
    """
    page = (Path(st.__file__).parent / "static" / "index.html").read_text(encoding="utf-8")
    scripts = (*_SCRIPT.findall(page), _beside("page.js"))
    digests = (hashlib.sha256(script.encode()).digest() for script in scripts)
    return tuple(f"'sha256-{base64.b64encode(digest).decode('ascii')}'" for digest in digests)


def complete(page: str, address: str) -> str:
    """Return an HTML page with our title, description, preview, style and script in its head.

    Args:
        page: Streamlit's page.
        address: this server's URL, without a slash at the end.
    """
    picture = f"{address}{PREVIEW_PATH}"
    width, height = PREVIEW_PX
    named = {
        "description": DESCRIPTION,
        "twitter:card": "summary_large_image",
    }
    properties = {
        "og:type": "website",
        "og:site_name": "Affectune",
        "og:title": TITLE,
        "og:description": DESCRIPTION,
        "og:image": picture,
        "og:image:width": str(width),
        "og:image:height": str(height),
        "og:image:alt": PREVIEW_ALT,
    }
    head = [
        f"<title>{html.escape(TITLE)}</title>",
        *(_meta("name", name, text) for name, text in named.items()),
        *(_meta("property", name, text) for name, text in properties.items()),
        f"<style>{_beside('page.css')}</style>",
        f"<script>{_beside('page.js')}</script>",
    ]
    page = _TITLE.sub("", page, count=1)
    page = _NOSCRIPT.sub(f"<noscript><p>{NO_SCRIPT}</p></noscript>", page, count=1)
    return page.replace("</head>", "\n".join((*head, "</head>")), 1)


def missing_page(home: str) -> str:
    """Return the HTML page for an unknown address, in the theme's colours.

    Args:
        home: the path of the home page.
    """

    def colors(theme: str) -> str:
        names = ("backgroundColor", "textColor", "primaryColor")
        return ";".join(f"--{name}:{st.get_option(f'theme.{theme}.{name}')}" for name in names)

    logo = (ROOT / "static" / "logo.svg").read_text(encoding="utf-8")
    return _beside("missing_page.html").format(
        title=html.escape(TITLE),
        light=colors("light"),
        dark=colors("dark"),
        logo=logo,
        home=html.escape(home),
    )


NO_SCRIPT: Final = "Affectune needs JavaScript. Please switch it on and reload this page."


def _meta(kind: str, name: str, text: str) -> str:
    return f'<meta {kind}="{name}" content="{html.escape(text)}" />'


@cache
def _beside(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


async def _preview(_request: object) -> FileResponse:
    return FileResponse(PREVIEW, headers={"Cache-Control": "public, max-age=86400"})


def _address(scope: Scope) -> str:
    """Return the URL of this server in a request; a proxy may say that it uses TLS."""
    headers = Headers(scope=scope)
    said = headers.get("x-forwarded-proto", "").split(",")[0].strip().lower()
    scheme = said if said in ("http", "https") else scope.get("scheme", "http")
    return f"{scheme}://{headers.get('host', '')}{quote(settings.base_path())}"


def _below_base(path: str) -> str:
    """Return a request's path below the server's own, without slashes around it."""
    return path.removeprefix(settings.base_path()).removeprefix(COMMUNITY_CLOUD).strip("/")


def _completing(send: Send, scope: Scope, known: bool) -> Send:
    """Return a `send` that completes an HTML page, and passes on anything else.

    Args:
        send: the server's.
        scope: of the request.
        known: whether there is a page at this address; otherwise `missing_page` is sent.
    """
    start: Message | None = None
    body = bytearray()

    async def say(message: Message) -> None:
        nonlocal start
        if message["type"] == "http.response.start":
            kind = Headers(raw=message["headers"]).get("content-type", "")
            if message["status"] == 200 and kind.startswith("text/html"):
                start = message  # its length is known once its body is
                return
        if start is None:
            await send(message)
            return
        body.extend(message.get("body", b""))
        if message.get("more_body"):
            return
        if not known:
            start["status"] = 404
        page = b""
        if body:
            text = (
                complete(body.decode(), _address(scope))
                if known
                else missing_page(quote(settings.base_path()) or "/")
            )
            page = text.encode()
        headers = MutableHeaders(scope=start)
        for name in ("etag", "last-modified", "accept-ranges"):
            del headers[name]
        if page:
            headers["content-length"] = str(len(page))
        else:  # a HEAD request
            del headers["content-length"]
        await send(start)
        await send({"type": "http.response.body", "body": page})

    return say
