"""Serves the files with which our scripts read faces in the visitor's browser.

LiteRT's WebAssembly runtime comes from npm (``package.json``), BlazeFace from the Python package
that the server uses as well, the rest is ours. Without the runtime or BlazeFace, only the server
reads faces.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from emotion._compat import BLAZEFACE_FILES, blazeface_file
from ui import settings

ROOT: Final = Path(__file__).parents[2]
RUNTIME: Final = ROOT / "node_modules" / "@litertjs"
WIDGETS: Final = ROOT / "ui" / "widgets"
SCRIPTS: Final = (
    WIDGETS / "device_camera" / "worker",
    WIDGETS / "device_photo" / "worker",
    WIDGETS / "device_photo" / "page",
)
"""Folders of scripts; their files are served in one folder."""
PHOTOS: Final = "photos.js"
"""The script that pages import, which holds the photos that only the browser has."""
PATH: Final = "reading"
"""The path of the files, below the app's own."""
FOREVER: Final = "public, max-age=31536000, immutable"
"""The address contains a digest of the files."""

JAVASCRIPT: Final = "text/javascript; charset=utf-8"
BINARY: Final = "application/octet-stream"
TYPES: Final[Mapping[str, str]] = {
    ".js": JAVASCRIPT,
    ".json": "application/json",
    ".wasm": "application/wasm",
    ".tflite": BINARY,
}
WASM_BUILDS: Final = ("litert_wasm_internal", "litert_wasm_compat_internal")
"""Builds of the runtime, for browsers with relaxed SIMD and for others. Builds with threads would
need headers that block Spotify's player."""

logger = logging.getLogger(__name__)


class AssetsMissing(RuntimeError):
    """Something that the browser needs is not installed. The message says what."""


@dataclass(frozen=True, slots=True)
class Asset:
    """A file to send.

    Attributes:
        body: its bytes.
        packed: the same, compressed with gzip.
        media_type: its media type.
    """

    body: bytes
    packed: bytes
    media_type: str


def base_address() -> str | None:
    """Return the path of the files, which changes whenever one of them does.

    Returns:
        A path that begins and ends with a slash; ``None`` if something is missing, which is logged
        once.
    """
    digest = _digest()
    return None if digest is None else f"{_prefix()}/{digest}/"


def routes() -> list[Route]:
    """Return the routes that serve the files."""
    return [Route(f"{_prefix()}/{{digest}}/{{name:path}}", _serve, methods=["GET"])]


def warm_up() -> None:
    """Read and compress the files before the first request."""
    if _digest() is not None:
        for name in _sources():
            _asset(name)


async def _serve(request: Request) -> Response:
    # Compressing the runtime takes a moment of CPU time: once, and not in the event loop.
    digest = await run_in_threadpool(_digest)
    name = request.path_params["name"]
    if digest is None or request.path_params["digest"] != digest or name not in _sources():
        return PlainTextResponse("Not found", 404)
    asset = await run_in_threadpool(_asset, name)
    headers = {"Cache-Control": FOREVER, "Vary": "Accept-Encoding"}
    body = asset.body
    if "gzip" in request.headers.get("accept-encoding", ""):
        body, headers["Content-Encoding"] = asset.packed, "gzip"
    return Response(body, headers=headers, media_type=asset.media_type)


def _prefix() -> str:
    return f"{settings.base_path()}/{PATH}"


@cache
def _digest() -> str | None:
    """Return a digest of all files; ``None`` if something is missing."""
    digest = hashlib.blake2b(digest_size=8)
    try:
        for name, read in _sources().items():
            digest.update(name.encode() + read())
    except (AssetsMissing, OSError) as error:
        logger.warning("Faces are read on this server and not in browsers: %s", error)
        return None
    return digest.hexdigest()


@cache
def _asset(name: str) -> Asset:
    body = _sources()[name]()
    return Asset(body, gzip.compress(body, 6, mtime=0), TYPES[Path(name).suffix])


@cache
def _sources() -> Mapping[str, Callable[[], bytes]]:
    """Return a mapping of each file's name to the function that reads it."""
    sources: dict[str, Callable[[], bytes]] = {
        script.name: script.read_bytes
        for folder in SCRIPTS
        for script in sorted(folder.glob("*.js"))
    }
    sources |= {
        "litert/core.js": _core,
        "litert/wasm-utils.js": lambda: _runtime("wasm-utils/dist/index.js"),
        "networks/emotion.tflite": _emotion_network,
        "rules.json": _rules,
    }
    for build in WASM_BUILDS:
        for suffix in (".js", ".wasm"):
            sources[f"litert/{build}{suffix}"] = _Runtime(f"core/wasm/{build}{suffix}")
    for network in BLAZEFACE_FILES:
        sources[f"networks/{network}.tflite"] = _Blazeface(network)
    return sources


@dataclass(frozen=True, slots=True)
class _Runtime:
    path: str

    def __call__(self) -> bytes:
        return _runtime(self.path)


@dataclass(frozen=True, slots=True)
class _Blazeface:
    network: str

    def __call__(self) -> bytes:
        try:
            return blazeface_file(self.network).read_bytes()
        except ModuleNotFoundError as error:
            raise AssetsMissing(str(error)) from error


def _runtime(path: str) -> bytes:
    file = RUNTIME / path
    if not file.is_file():
        raise AssetsMissing(
            "LiteRT's runtime for browsers is not installed; `npm ci` installs it, or `make run`"
        )
    return file.read_bytes()


def _core() -> bytes:
    """Return the runtime's module, importing its other one by path: workers have no import maps."""
    return _runtime("core/dist/index.js").replace(b'"@litertjs/wasm-utils"', b'"./wasm-utils.js"')


def _emotion_network() -> bytes:
    from emotion.classifier import WEIGHTS
    from emotion.fixed_batch import with_fixed_batch
    from emotion.float_depthwise import with_float_depthwise

    return with_fixed_batch(with_float_depthwise(WEIGHTS.read_bytes()))


def _rules() -> bytes:
    from emotion.photo_rules import photo_rules

    return json.dumps(photo_rules(head=settings.head())).encode()
