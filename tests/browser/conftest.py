"""The real app on a real server in a real Chromium, with nothing of it replaced.

What is not ours is: Spotify's player answers from here, and any other request that would leave
this machine finds no host and fails the test.
"""

import io
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright
from skimage import data

from tests.browser import spotify_player
from tests.browser.axe import DESKTOP
from tests.browser.tabs import Tabs, Visitors, visitors
from tests.browser.waiting import LIMIT_MS

ROOT = Path(__file__).parents[2]
# Server, browser and camera may share two busy cores: an answer has three minutes to come.
expect.set_options(timeout=LIMIT_MS)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)


def find_chromium() -> str | None:
    names = ("chromium", "chromium-browser", "google-chrome")
    return os.environ.get("AFFECTUNE_CHROMIUM") or next(
        filter(None, map(shutil.which, names)), None
    )


@pytest.fixture(scope="session")
def server(running: tuple[str, subprocess.Popen[bytes]]) -> str:
    """The address of a server of our own, whose diaries are nobody's."""
    return running[0]


@pytest.fixture(scope="session")
def running(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """That server's address and process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "app.py"]
    diaries = tmp_path_factory.mktemp("diaries") / "diary.sqlite"
    settings = {
        "STREAMLIT_SERVER_PORT": str(port),
        "STREAMLIT_SERVER_HEADLESS": "true",
        "AFFECTUNE_DATABASE_URL": f"sqlite:///{diaries}",
    }
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, **settings},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        wait_until_it_answers(address, process)
        yield address, process
    finally:
        process.terminate()
        process.wait(timeout=30)


def wait_until_it_answers(address: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(1800):
        if process.poll() is not None:
            pytest.fail(f"The server ended with exit status {process.returncode}")
        try:
            with urlopen(f"{address}/_stcore/health", timeout=5):
                return
        except (URLError, OSError):
            time.sleep(0.1)
    pytest.fail("The server did not answer within three minutes")


@pytest.fixture(scope="package")
def chromium() -> str:
    """The path of a Chromium."""
    found = find_chromium()
    if found is None:
        pytest.skip("No Chromium: install one, or name it in AFFECTUNE_CHROMIUM")
    return found


@pytest.fixture(scope="package")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    """With these arguments a browser finds this machine and its Spotify, and no other host."""
    with spotify_player.serving(tmp_path_factory.mktemp("spotify")) as arguments:
        yield arguments


# Not for the session: while Playwright is there, other tests in the process have no event loop.
@pytest.fixture(scope="package")
def browser(chromium: str, hosts: list[str]) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium,
            args=["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream", *hosts],
        )
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def tabs(browser: Browser) -> Tabs:
    return Tabs(browser)


@pytest.fixture
def guests(tabs: Tabs, server: str) -> Iterator[Visitors]:
    """Visitors of that server; afterwards nothing may have gone wrong or gone out."""
    with visitors(tabs, server, f"https://{spotify_player.HOST}/") as found:
        yield found


@pytest.fixture
def visit(guests: Visitors, server: str) -> Callable[..., Page]:
    """Open a page as a new visitor."""

    def arrive(path: str = "/", *, screen: ViewportSize = DESKTOP) -> Page:
        page = guests.arrive(server + path, screen=screen)
        expect(page.locator("h1")).to_have_count(1)
        return page

    return arrive


@pytest.fixture(scope="session")
def astronaut() -> bytes:
    """Eileen Collins, photographed by NASA: in the public domain."""
    return as_jpeg(Image.fromarray(data.astronaut()))


@pytest.fixture(scope="session")
def two_people(astronaut: bytes) -> bytes:
    one = Image.open(io.BytesIO(astronaut))
    both = Image.new("RGB", (1100, 512), "#888888")
    both.paste(one, (0, 0))
    both.paste(one.resize((450, 450)), (600, 40))
    return as_jpeg(both)


@pytest.fixture(scope="session")
def cup() -> bytes:
    """A picture without a face."""
    return as_jpeg(Image.fromarray(data.coffee()))


def as_jpeg(picture: Image.Image) -> bytes:
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=92)
    return out.getvalue()


@pytest.fixture
def hand_in() -> Callable[[Page, bytes], None]:
    """Give a file to the uploader."""

    def upload(page: Page, file: bytes, name: str = "me.jpg") -> None:
        uploader = page.locator("input[type=file]")
        # After a file that was refused, a fresh uploader takes the place of the old one.
        expect(uploader).to_have_count(1)
        expect(page.get_by_test_id("stFileUploaderFile")).to_have_count(0)
        uploader.set_input_files({"name": name, "mimeType": "image/jpeg", "buffer": file})

    return upload
