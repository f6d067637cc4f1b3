"""The document that holds Spotify's player, apart from the page.

    the app's page (may hold the camera)         loads nothing of Spotify's
      └ this document (ours, from this server)   runs no script
          └ a data: address (no origin)          runs Spotify's script
              └ open.spotify.com                 the player

A document at a ``data:`` address has an origin of its own, so Spotify's script cannot reach ours.
It has the policy of the document that embeds it, which is why there is one in between: the page's
own policy need not allow Spotify's script. A sandbox without ``allow-same-origin`` would isolate
the script as well, but break Spotify's player, which needs its own origin to know who has signed
in: what a sandbox forbids, it forbids to every frame within.
"""

from __future__ import annotations

import base64
import hashlib
import html
import re
from functools import cache
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from ui import settings

PATH: Final = "affectune/player.html"
"""Its path, below the app's own."""

_INNER: Final = Path(__file__).parents[1] / "widgets" / "player" / "frame" / "spotify.html"

_OUTER: Final = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Player</title>
<style>
html, body {{ height: 100%; margin: 0; overflow: hidden; background: transparent; }}
iframe {{ display: block; width: 100%; height: 100%; border: 0; }}
</style>
<iframe title="Spotify" src="data:text/html;base64,{inner}"
  sandbox="allow-scripts allow-same-origin allow-popups allow-popups-to-escape-sandbox allow-forms
    allow-storage-access-by-user-activation"
  allow="autoplay *; encrypted-media *; clipboard-write *; camera 'none'; microphone 'none'">
</iframe>
"""


def route() -> Route:
    """Return the route to the document."""
    return Route(f"{settings.base_path()}/{PATH}", _answer, methods=["GET"])


@cache
def document() -> str:
    """Return the outer document, as HTML."""
    inner = base64.b64encode(_INNER.read_bytes()).decode("ascii")
    return _OUTER.format(inner=html.escape(inner))


@cache
def policy() -> str:
    """Return its Content-Security-Policy, which is also that of the document within.

    It allows our script by its hash, Spotify's by their hosts, and the two frames within.
    """
    (script,) = re.findall(r"<script>(.*?)</script>", _INNER.read_text("utf-8"), re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
    spotify = "https://open.spotify.com https://*.spotifycdn.com"
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'sha256-{digest}' {spotify}",
            "style-src 'unsafe-inline'",
            "connect-src https://open.spotify.com",
            "frame-src data: https://open.spotify.com",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'self'",
        )
    )


async def _answer(_request: Request) -> Response:
    return HTMLResponse(document(), headers={"Cache-Control": "no-cache"})
