"""What every page relies on: the router, the shared services, the theme, the elements' files."""

import asyncio
import re
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from starlette.datastructures import Headers
from starlette.formparsers import MultiPartParser
from streamlit.navigation.page import StreamlitPage
from streamlit.runtime.scriptrunner import RerunData, RerunException
from streamlit.testing.v1 import AppTest

from emotion.image.decoding import MAX_BYTES
from ui import services
from ui.clip import upload as clip
from ui.photo import upload as photo
from ui.playlist import player
from ui.server import setup as server

ROOT = Path(__file__).parents[2]
PAGES = sorted(path.name for path in (ROOT / "pages").glob("*.py") if path.stem != "__init__")
CONFIG = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("page", PAGES)
def test_no_page_runs_without_the_router(page: str) -> None:
    source = (ROOT / "pages" / page).read_text(encoding="utf-8")
    assert f'require_router("{page.removesuffix(".py")}")' in source


def test_the_navigation_names_pages_that_are_there() -> None:
    named = re.findall(
        r'st\.Page\("pages/(\w+\.py)"', (ROOT / "app.py").read_text(encoding="utf-8")
    )
    assert named[0] == "home.py"
    assert set(named) <= set(PAGES)


@pytest.mark.parametrize(
    ("page", "title"),
    [("playlist", "How do you feel?"), ("model", "How well does it read faces?")],
)
def test_a_page_that_was_asked_for_too_early_is_found_again(
    recognizer: Any, page: str, title: str
) -> None:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.session_state["_navigate_to"] = page
    app.run()
    assert app.title[0].value == title
    assert "_navigate_to" not in app.session_state


def test_a_failing_catalogue_or_network_does_not_stop_the_first_page(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail() -> None:
        raise OSError("nothing there")

    monkeypatch.setattr(services, "_load_recognizer", fail)
    monkeypatch.setattr(services, "_load_recommender", fail)
    services._recognizer.clear()
    services._recommender.clear()
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    assert not app.exception
    assert app.title[0].value.startswith("Music")
    services._recognizer.clear()
    services._recommender.clear()


def test_an_upload_never_touches_the_disk() -> None:
    server.keep_uploads_in_memory()

    async def receive() -> Any:
        yield b'--x\r\nContent-Disposition: form-data; name="f"; filename="me.jpg"\r\n\r\n'
        for _ in range(15):
            yield bytes(1_000_000)
        yield b"\r\n--x--\r\n"

    async def upload() -> bool:
        headers = Headers({"content-type": "multipart/form-data; boundary=x"})
        form = await MultiPartParser(headers, receive()).parse()
        file: Any = form["f"]
        rolled = file.file._rolled
        await form.close()
        return bool(rolled)

    # In a thread of its own: where the browser's tests have run, this one has a loop already.
    with ThreadPoolExecutor(1) as thread:
        assert thread.submit(asyncio.run, upload()).result() is False


def test_the_uploader_lets_through_what_the_library_reads_and_little_more() -> None:
    assert MAX_BYTES <= photo.MAX_PHOTO_MEGABYTES * 2**20
    assert clip.MAX_MEGABYTES <= CONFIG["server"]["maxUploadSize"] <= clip.MAX_MEGABYTES + 5
    assert CONFIG["server"]["maxUploadSize"] * 2**20 < server.MAX_UPLOAD_BYTES


def test_the_server_is_safe_by_default() -> None:
    assert CONFIG["server"]["address"] == "127.0.0.1"
    assert set(CONFIG["server"]["allowedHosts"]) == {"127.0.0.1", "localhost", "::1"}
    assert CONFIG["client"]["allowedOrigins"] == []
    assert CONFIG["browser"]["gatherUsageStats"] is False


def test_both_themes_define_the_same_colours() -> None:
    assert CONFIG["theme"]["light"].keys() == CONFIG["theme"]["dark"].keys()


@pytest.mark.parametrize("page", ["playlist", "selfie", "notebook", "diary"])
def test_a_page_that_ends_early_keeps_what_stands_below_every_page(
    app: AppTest, sent_to: Any, page: str
) -> None:
    app.switch_page(f"pages/{page}.py").run()
    assert "connection is lost" in sent_to(app, "connection_notice")["text"]


def test_a_run_that_gives_way_draws_nothing_more(
    monkeypatch: pytest.MonkeyPatch, warm_server: None
) -> None:
    drawn: list[int] = []
    runs = 0
    run = StreamlitPage.run

    def interrupted_once(page: Any) -> Any:
        nonlocal runs
        runs += 1
        if runs == 1:
            raise RerunException(RerunData())
        return run(page)

    monkeypatch.setattr(StreamlitPage, "run", interrupted_once)
    monkeypatch.setattr(player, "draw", lambda: drawn.append(runs))
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    assert not app.exception
    assert drawn == [2]


def test_our_elements_fetch_nothing_and_write_no_markup() -> None:
    # Modules of our own, and what the server itself hands to the reading in the browser.
    own = (
        "http://www.w3.org/2000/svg",
        'fetch(new URL("rules.json", self.location))',
        'fetch(new URL("rules.json", base))',
    )
    for script in (ROOT / "ui").rglob("*.js"):
        source = re.sub(r"/\*.*?\*/", "", script.read_text(encoding="utf-8"), flags=re.DOTALL)
        source = re.sub(r'^import \{[^}]*\} from "\./\w+\.js";$', "", source, flags=re.MULTILINE)
        for mine in own:
            source = source.replace(mine, "")
        for forbidden in ("innerHTML", "fetch(", "import ", "http:", "https:"):
            assert forbidden not in source, script.name
