"""What a pasted link finds, and what every page wears beside the theme."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest
import streamlit
from PIL import Image
from starlette.responses import HTMLResponse, Response

from ui.photo.upload import UPLOADER_KEY
from ui.server import index_page
from ui.server.index_page import PREVIEW, PREVIEW_PX, IndexPage, complete

STREAMLITS = (Path(streamlit.__file__).parent / "static" / "index.html").read_text(encoding="utf-8")


def ask(
    path: str, answer: Response, method: str = "GET", **headers: str
) -> tuple[int, dict[str, str], str]:
    """Return status, headers and body of what comes through the layer."""
    sent: list[dict[str, Any]] = []
    lines = {"host": "music.example", **headers}
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "scheme": "http",
        "headers": [
            (name.replace("_", "-").encode(), text.encode()) for name, text in lines.items()
        ],
    }

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.request"}

    asyncio.run(IndexPage(answer)(scope, receive, send))  # type: ignore[arg-type]
    start, *bodies = sent
    found = {name.decode(): text.decode() for name, text in start["headers"]}
    return start["status"], found, b"".join(part.get("body", b"") for part in bodies).decode()


def property_of(page: str, name: str) -> str:
    (found,) = re.findall(rf'<meta (?:property|name)="{name}" content="([^"]*)"', page)
    return str(found)


@pytest.fixture
def below_music(monkeypatch: pytest.MonkeyPatch) -> None:
    """The app is served below ``/music``."""
    monkeypatch.setattr(index_page.settings, "base_path", lambda: "/music")


@pytest.mark.parametrize("path", ["/", "/live", "/playlist", "/~/+/", "/~/+/live"])
def test_a_pasted_link_has_a_title_a_description_and_a_picture(path: str) -> None:
    status, headers, page = ask(path, HTMLResponse(STREAMLITS, headers={"etag": "x"}))
    assert status == 200
    assert page.count("<title>") == 1
    assert "Streamlit" not in page.partition("<title>")[2].partition("</title>")[0]
    assert "music" in property_of(page, "og:title")
    assert "mood" in property_of(page, "description")
    assert property_of(page, "og:image") == "http://music.example/preview.jpg"
    assert int(headers["content-length"]) == len(page.encode())
    assert "etag" not in headers
    # What the page itself needs is still there.
    assert '<div id="root"></div>' in page
    assert 'type="module"' in page


@pytest.mark.parametrize("path", ["/music", "/music/", "/music/playlist"])
def test_pages_are_where_the_server_has_them(path: str, below_music: None) -> None:
    status, _, page = ask(path, HTMLResponse(STREAMLITS))
    assert status == 200
    assert property_of(page, "og:image") == "http://music.example/music/preview.jpg"


@pytest.mark.parametrize("path", ["/nope", "/live/x", "/live/playlist", "/<script>"])
def test_an_address_that_no_page_has_says_so_and_leads_home(path: str) -> None:
    status, headers, page = ask(path, HTMLResponse(STREAMLITS, headers={"etag": "x"}))
    assert status == 404
    assert int(headers["content-length"]) == len(page.encode())
    assert "There’s no page here" in page
    assert re.findall(r'href="([^"]*)"', page) == ["/"]
    assert "<script" not in page
    assert path not in page
    assert streamlit.get_option("theme.dark.backgroundColor") in page


def test_below_a_path_of_its_own_it_leads_home_to_that(below_music: None) -> None:
    _, _, page = ask("/music/nope", HTMLResponse(STREAMLITS))
    assert re.findall(r'href="([^"]*)"', page) == ["/music"]


def test_the_router_declares_just_the_pages_that_are_found() -> None:
    router = (index_page.ROOT / "app.py").read_text(encoding="utf-8")
    declared = set(re.findall(r'st\.Page\("pages/(\w+)\.py"', router))
    assert declared - {"home"} | {""} == index_page.page_paths()


def test_behind_a_proxy_the_picture_is_named_as_it_is_reached() -> None:
    _, _, page = ask("/", HTMLResponse(STREAMLITS), x_forwarded_proto="https")
    assert property_of(page, "og:image") == "https://music.example/preview.jpg"
    _, _, page = ask("/", HTMLResponse(STREAMLITS), host='"><script>', x_forwarded_proto="x")
    assert "<script>/preview" not in page


@pytest.mark.parametrize(
    "path", ["/static/js/index.js", "/_stcore/health", "/media/0.csv", "/favicon.png"]
)
def test_everything_else_passes_as_it_is(path: str) -> None:
    answer = Response("<html></html>", media_type="text/html", headers={"etag": "x"})
    status, headers, body = ask(path, answer)
    assert (status, headers["etag"], body) == (200, "x", "<html></html>")


def test_a_refusal_and_another_kind_pass_as_they_are() -> None:
    assert ask("/live", Response("No", 403, media_type="text/html"))[2] == "No"
    assert ask("/live", Response("{}", media_type="application/json"))[2] == "{}"


def test_the_style_sheet_hides_the_uploader_that_the_button_works() -> None:
    page = complete(STREAMLITS, "http://music.example")
    hidden = re.search(rf"\.st-key-{UPLOADER_KEY}\) {{([^}}]*)}}", page)
    assert hidden is not None
    assert "display: none" in hidden[1]


def test_the_script_runs_in_the_head_and_nothing_in_it_ends_it_early() -> None:
    page = complete(STREAMLITS, "http://music.example")
    script = Path(index_page.__file__).with_name("page.js").read_text(encoding="utf-8")
    assert f"<script>{script}</script>" in page.partition("</head>")[0]
    assert "</" not in script


def test_the_preview_picture_is_as_large_as_it_says() -> None:
    with Image.open(PREVIEW) as picture:
        assert picture.size == PREVIEW_PX
    assert PREVIEW.stat().st_size < 300_000  # messengers leave larger ones out
