"""The server keeps to itself: foreign pages, foreign names, headers, what is the operator's."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from base64 import b64encode
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from starlette.datastructures import Headers
from websockets.exceptions import InvalidStatus

from tests.security.served import Answer, Served, arrive
from tests.security.server_fixture import Trap, served, trap  # noqa: F401
from ui import wording
from ui.server import device_assets
from ui.server.http_guard import (
    HEADERS,
    UPLOADS_AT_ONCE,
    Guard,
    host_allowed,
    origin_allowed,
    policy,
)

FOREIGN = (
    "http://evil.example",
    "https://evil.example:8501",
    "null",
    "file://",
    "http://localhost:3000",
    "http://127.0.0.1",
    "http://127.0.0.1:1",
    "http://0.0.0.0:{port}",
    "http://localhost:{port}",
    "http://[::1]:{port}",
    "http://127.0.0.1:{port}.evil.example",
    "http://127.0.0.1.evil.example:{port}",
    "http://127.0.0.1:{port}@evil.example",
    "http://evil.example#127.0.0.1:{port}",
    "http://evil.example/127.0.0.1:{port}",
    "http://evil.example?http://127.0.0.1:{port}",
    "http://2130706433:{port}",
    "http://127.1:{port}",
    "ws://127.0.0.1:{port}",
    "127.0.0.1:{port}",
    "http://127.0.0.1:{port}, http://evil.example",
    "http://198.51.100.7",
    "http://[fd00::7]:{port}",
    "http://xn--e1afmkfd.example",
    "http://" + "a" * 4000 + ".example",
    "http://evil.example:99999999",
    "http://[::1",
    "javascript:alert(1)",
    "",
)


# Origins


@pytest.mark.parametrize("origin", FOREIGN)
def test_a_foreign_page_gets_nothing(served: Served, trap: Trap, origin: str) -> None:  # noqa: F811
    origin = origin.format(port=served.port)
    if origin:
        with pytest.raises(InvalidStatus) as refused:
            arrive(served, origin=origin)
        assert refused.value.response.status_code == 403
    for path in ("/", "/_stcore/health", "/_stcore/host-config", "/media/x.jpg", "/static/x.js"):
        answer = served.ask(path, headers={"Origin": origin})
        assert answer.status == 403, path
        assert "access-control-allow-origin" not in answer.headers
    # Streamlit would have asked an address service whether it is us.
    assert trap.asked == []


def test_many_foreign_handshakes_trigger_no_lookups(served: Served, trap: Trap) -> None:  # noqa: F811
    for number in range(40):
        with pytest.raises(InvalidStatus):
            arrive(served, origin=f"http://{number}.evil.example")
    assert trap.asked == []
    assert served.ask("/_stcore/health").status == 200


def test_the_servers_own_page_is_served(served: Served, trap: Trap) -> None:  # noqa: F811
    visitor = arrive(served)
    visitor.run()
    assert "Music that meets your mood" in visitor.text
    visitor.leave()
    assert trap.asked == []


@pytest.mark.parametrize(
    ("origin", "host", "more"),
    [
        ("http://127.0.0.1:8501", "127.0.0.1:8501", {}),
        ("http://localhost:8501", "LOCALHOST:8501", {}),
        ("http://[::1]:8501", "[::1]:8501", {}),
        # Behind a proxy that hands on the Host as it came ($http_host), whatever its port.
        ("https://mood.example.org", "mood.example.org", {"secure": True}),
        ("https://mood.example.org:8443", "mood.example.org:8443", {"secure": True}),
        ("https://mood.example.org", "mood.example.org:443", {}),
        # Behind one that does not, the operator names the page.
        ("https://mood.example.org", "127.0.0.1:8501", {"others": ["https://mood.example.org/"]}),
    ],
)
def test_origins_that_are_ours(origin: str, host: str, more: dict[str, Any]) -> None:
    assert origin_allowed(origin, host, **more)


@pytest.mark.parametrize(
    ("origin", "host", "more"),
    [
        ("https://mood.example.org:8443", "mood.example.org", {}),
        ("https://mood.example.org", "mood.example.org:8443", {}),
        ("http://mood.example.org", "mood.example.org", {"secure": True}),
        ("https://evil.example", "mood.example.org", {"others": ["https://mood.example.org"]}),
        ("http://mood.example.org", "127.0.0.1:8501", {"others": ["https://mood.example.org"]}),
        ("null", "null", {}),
        ("http://", "", {}),
    ],
)
def test_origins_that_are_not(origin: str, host: str, more: dict[str, Any]) -> None:
    assert not origin_allowed(origin, host, **more)


def test_no_foreign_page_reads_or_sends_without_an_origin_either(served: Served) -> None:  # noqa: F811
    for site in ("cross-site", "same-site"):
        for mode in ("no-cors", "cors", "websocket"):
            said = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": mode}
            assert served.ask("/_stcore/health", headers=said).status == 403
    # A link from elsewhere, and the way back from Spotify's sign-in.
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert served.ask("/?code=x&state=y", headers=link).status == 200
    assert served.ask("/", headers={"Sec-Fetch-Site": "none"}).status == 200


# Names


@pytest.mark.parametrize(
    "host",
    [
        *("evil.example", "evil.example:80", "127.0.0.1.evil.example", "localhost.evil.example"),
        *("127.0.0.1@evil.example", "evil.example/127.0.0.1", "", "[::1", "127.0.0.1 x", "::1"),
        *("0.0.0.0", "127.1", "2130706433", "xlocalhost", "127.0.0.1:80:80", "127.0.0.1:x"),
    ],
)
def test_a_name_that_leads_here_is_not_enough(served: Served, host: str) -> None:  # noqa: F811
    assert not host_allowed(host, ["127.0.0.1", "localhost", "::1"])
    answer = served.ask("/", headers={"Host": host})
    assert answer.status in (400, 403)
    assert b"<" not in answer.body


def test_names_that_an_operator_allows() -> None:
    assert host_allowed("Mood.Example.org.:8443", ["mood.example.org"])
    assert host_allowed("a.example.org", ["*.example.org"])
    assert not host_allowed("example.org", ["*.example.org"])
    assert not host_allowed("evilexample.org", ["*.example.org"])
    assert host_allowed("[::1]:8501", ["::1"])
    assert host_allowed("[::1]:8501", ["[::1]"])
    assert host_allowed("anything.example", ["*"])
    assert host_allowed("anything.example", [])
    assert not host_allowed("any<thing", ["*"])


def test_a_balancer_may_ask_for_health_by_any_name(served: Served) -> None:  # noqa: F811
    elsewhere = {"Host": "10.0.0.7:8501"}
    assert served.ask("/_stcore/health", headers=elsewhere).status == 200
    for path in ("/x/healthz", "/media/healthz", "/x/_stcore/health"):
        assert served.ask(path, headers=elsewhere).status == 403


def run(work: Coroutine[Any, Any, Any]) -> Any:
    # In a thread of its own: where the browser's tests have run, this one has a loop already.
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


@pytest.mark.parametrize("names", [(b"a", b"b"), ()])
def test_a_request_names_one_host(names: tuple[bytes, ...]) -> None:
    assert run(status([(b"host", name) for name in names])) == 400


def test_a_request_names_at_most_one_origin() -> None:
    ours = (b"host", b"127.0.0.1"), *[(b"origin", b"http://127.0.0.1")] * 2
    assert run(status(list(ours))) == 400


async def status(headers: list[tuple[bytes, bytes]], path: str = "/") -> int:
    """Return what the guard answers to a request with these headers; 200 is what is behind it."""
    said: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        said.append(message)

    async def behind(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "scheme": "http",
        "query_string": b"",
        "headers": headers,
    }
    await Guard(behind)(scope, receive, send)
    return int(said[0]["status"])


# What every answer says


@pytest.mark.parametrize(
    "path", ["/", "/selfie", "/_stcore/health", "/_stcore/host-config", "/media/none.jpg"]
)
def test_the_usual_headers(served: Served, path: str) -> None:  # noqa: F811
    answer = served.ask(path)
    for name, value in HEADERS.items():
        assert answer.headers[name] == value
    rules = answer.headers["Content-Security-Policy"]
    assert "frame-ancestors 'self'" in rules
    assert f"connect-src 'self' data: blob: ws://{served.host} wss://{served.host}" in rules
    assert not re.search(r"https?:(?!//open\.spotify\.com)", rules)
    if path.startswith(("/_stcore", "/media")):
        assert answer.headers["Cache-Control"] == "no-store"
    assert "access-control-allow-origin" not in answer.headers


def test_public_assets_may_be_cached(served: Served) -> None:  # noqa: F811
    page = served.ask("/").body.decode()
    script = re.search(r'src="\./(static/js/[^"]+)"', page)
    assert script
    for path in (f"/{script[1]}", "/static/media/font.woff2"):
        assert served.ask(path).headers["Cache-Control"] != "no-store"


def directives(answer: Answer) -> dict[str, list[str]]:
    rules = answer.headers["Content-Security-Policy"].split("; ")
    return {name: sources for name, *sources in map(str.split, rules)}


def test_the_page_runs_no_script_but_the_server_s(served: Served) -> None:  # noqa: F811
    answer = served.ask("/")
    scripts = directives(answer)["script-src"]
    inline = re.findall(rb"<script>(.*?)</script>", answer.body, re.DOTALL)
    hashes = [b64encode(hashlib.sha256(script).digest()).decode() for script in inline]
    assert scripts == ["'self'", "blob:", *(f"'sha256-{digest}'" for digest in hashes)]
    assert directives(answer)["frame-src"] == ["'self'"]
    assert directives(answer)["object-src"] == ["'none'"]


def test_what_reads_faces_may_do_nothing_else(served: Served) -> None:  # noqa: F811
    answer = served.ask(f"/{device_assets.PATH}/0123456789abcdef/worker.js")
    assert directives(answer) == {
        "default-src": ["'none'"],
        "script-src": ["'self'", "'wasm-unsafe-eval'"],
        "connect-src": ["'self'"],
        "frame-ancestors": ["'none'"],
    }


def test_a_host_cannot_write_into_the_policy() -> None:
    assert "evil" not in policy("x; script-src evil")
    assert "evil" not in policy("evil example")


def test_who_frames_the_page_cannot_say_where_photos_go(served: Served) -> None:  # noqa: F811
    assert b'"allowedOrigins":[]' in served.ask("/_stcore/host-config").body


@pytest.mark.parametrize(
    "path",
    [
        *("/_stcore/metrics", "/_stcore/metrics/", "/_stcore/%6detrics", "/x/_stcore/metrics"),
        *("//_stcore/metrics", "/_stcore/metrics?families=active_sessions"),
    ],
)
def test_what_is_measured_is_not_public(served: Served, path: str) -> None:  # noqa: F811
    answer = served.ask(path)
    assert b"TYPE" not in answer.body
    assert b"session" not in answer.body or answer.body.lstrip().startswith(b"<!")
    assert served.ask("/_stcore/metrics").status == 404


def test_health_is_served_only_to_the_local_machine(served: Served) -> None:  # noqa: F811
    visitor = arrive(served)
    answer = served.ask("/healthz")
    assert answer.status == 200
    said = json.loads(answer.body)
    assert set(said) == {
        *("status", "visitors", "streams", "readings_per_second", "files", "errors")
    }
    assert said["status"] == "ok"
    assert said["visitors"] >= 1
    assert said["streams"] == said["files"] == 0
    visitor.leave()
    for headers in (
        {"X-Forwarded-For": "203.0.113.9"},
        {"Forwarded": "for=203.0.113.9"},
        {"X-Real-IP": "127.0.0.1"},
        {"Host": "mood.example.org"},
        {"Host": "[::"},
    ):
        refused = served.ask("/healthz", headers=headers)
        assert refused.status in (403, 404)
        assert b"visitors" not in refused.body


def test_a_server_with_a_name_says_how_it_is_by_its_machines_address(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("streamlit.get_option", {"server.allowedHosts": ["mood.example.org"]}.get)
    here = [(b"host", b"127.0.0.1:8511")]
    assert run(status(here, "/healthz")) == 200
    assert run(status(here, "/")) == 403


def test_the_interface_for_programs_is_off(served: Served) -> None:  # noqa: F811
    assert served.ask("/_stcore/agent/interact", method="POST", body=b"{}").status >= 400


# The local diary

OPEN, SHUT = "Keep a diary", "This server can’t tell its visitors apart"


def test_the_local_diary_opens_to_the_servers_own_page(served: Served) -> None:  # noqa: F811
    visitor = arrive(served)
    visitor.run("diary")
    assert OPEN in visitor.text
    assert wording.DIARY_ASSUMES in visitor.text
    visitor.leave()


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-For": "203.0.113.9"},
        {"X-Forwarded-For": "127.0.0.1"},
        {"Forwarded": "for=127.0.0.1"},
        {"Via": "1.1 tunnel"},
        {"X-Real-IP": "127.0.0.1"},
        {"X-Forwarded-Host": "mood.example.org"},
        {"X-Something-Nobody-Knows": "1"},
    ],
)
def test_the_local_diary_stays_shut_for_what_was_forwarded(
    served: Served,  # noqa: F811
    headers: dict[str, str],
) -> None:
    visitor = arrive(served, headers=headers)
    visitor.run("diary")
    assert SHUT in visitor.text
    assert OPEN not in visitor.text
    visitor.leave()


def test_the_local_diary_stays_shut_for_what_is_no_page(served: Served) -> None:  # noqa: F811
    visitor = arrive(served, origin=None)
    visitor.run("diary")
    assert SHUT in visitor.text
    visitor.leave()


def test_a_forwarder_that_forges_the_host_gets_nowhere(served: Served) -> None:  # noqa: F811
    # Its visitors' pages are at its own address, and browsers say so.
    for origin in ("http://203.0.113.9:9000", "https://mood.example.org", "http://localhost:3000"):
        with pytest.raises(InvalidStatus):
            arrive(served, origin=origin)


# One file after the other


def test_uploads_of_one_session_wait_for_each_other() -> None:
    async def attack() -> list[int]:
        inside, go = 0, asyncio.Event()
        answers: list[int] = []

        async def behind(scope: Any, receive: Any, send: Any) -> None:
            nonlocal inside
            inside += 1
            await go.wait()
            await send({"type": "http.response.start", "status": 204, "headers": []})
            await send({"type": "http.response.body", "body": b""})

        guard = Guard(behind)

        async def put(session: str) -> None:
            async def send(message: Any) -> None:
                if message["type"] == "http.response.start":
                    answers.append(message["status"])

            async def receive() -> Any:
                return {"type": "http.request", "body": b"", "more_body": False}

            scope = {
                "type": "http",
                "method": "PUT",
                "path": f"/_stcore/upload_file/{session}/file",
                "scheme": "http",
                "query_string": b"",
                "headers": Headers({"host": "127.0.0.1"}).raw,
            }
            await guard(scope, receive, send)

        many = [asyncio.create_task(put("one")) for _ in range(10)]
        other = asyncio.create_task(put("other"))
        while inside < UPLOADS_AT_ONCE + 1:
            await asyncio.sleep(0)
        go.set()
        await asyncio.gather(*many, other)
        await put("one")
        return answers

    answers = run(attack())
    assert answers.count(429) == 10 - UPLOADS_AT_ONCE
    assert answers.count(204) == UPLOADS_AT_ONCE + 2
    assert answers[-1] == 204
