"""Take the pictures of the real page that the README shows.

    python benchmarks/page_screenshots.py [FOLDER] [--all]

Saves ``home.png``, ``reading.png``, ``playlist.png`` and ``phone.png``; with ``--all`` every
screen in both themes on a desktop and a phone, for looking at before a release. The face is
Eileen Collins's, photographed by NASA (public domain; it ships with scikit-image).
"""

import argparse
import io
from pathlib import Path

from page_server import chromium, serve
from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright
from skimage import data

expect.set_options(timeout=120_000)

SCREENS = {"desktop": (1280, 800), "phone": (390, 844)}
# Spotify's player would need the internet, and shows a cover that is not ours to publish.
PLAYER = """<!doctype html><meta charset="utf-8"><body style="margin:0;height:80px;display:flex;
align-items:center;gap:16px;padding:0 20px;box-sizing:border-box;border-radius:12px;
background:#3b2f35;color:#fff;font:600 16px sans-serif">▶&ensp;Spotify's player"""


def arrive(browser: Browser, address: str, *, theme: str, screen: str) -> Page:
    width, height = SCREENS[screen]
    page = browser.new_page(
        viewport={"width": width, "height": height},
        color_scheme=theme,  # type: ignore[arg-type]
        reduced_motion="reduce",
        device_scale_factor=1 if screen == "desktop" else 2,
    )
    page.route(
        "https://open.spotify.com/**",
        lambda route: route.fulfill(body=PLAYER, content_type="text/html"),
    )
    page.goto(address)
    expect(page.get_by_text("In the middle")).to_be_visible()
    return page


def walk(page: Page) -> list[tuple[str, bytes]]:
    """Go from the first page to a playing track, and return a picture of each screen."""
    taken = []

    def shoot(name: str) -> None:
        page.mouse.move(0, 0)
        page.wait_for_timeout(1500)
        taken.append((name, page.screenshot()))

    shoot("home")
    page.get_by_role("button", name="Choose a selfie").click()
    expect(page.get_by_text("A photo with your face")).to_be_visible()
    shoot("selfie")
    for name, picture in (("no-face", data.coffee()), ("reading", data.astronaut())):
        out = io.BytesIO()
        Image.fromarray(picture).save(out, "JPEG", quality=92)
        page.locator("input[type=file]").set_input_files(
            {"name": "me.jpg", "mimeType": "image/jpeg", "buffer": out.getvalue()}
        )
        if name == "no-face":
            expect(page.get_by_role("heading", level=1)).to_have_text(
                "No face found in this picture"
            )
            shoot(name)
            page.get_by_role("button", name="Try another photo").click()
        else:
            expect(page.get_by_text("What should the music do?")).to_be_visible()
            shoot(name)
    page.get_by_role("radio", name="sad").click()
    expect(page.get_by_text("You said: ")).to_be_visible()
    shoot("corrected")
    page.get_by_role("button", name="Move gently").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("From sad")
    page.get_by_role("button", name="Play ").nth(2).click()
    expect(page.locator("iframe[title^='Spotify player: ']")).to_be_visible()
    shoot("playlist")
    return taken


parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
parser.add_argument("folder", type=Path, nargs="?", default=Path("docs"))
parser.add_argument("--all", action="store_true", help="every screen, both themes, two sizes")
options = parser.parse_args()
options.folder.mkdir(parents=True, exist_ok=True)

with sync_playwright() as playwright, serve() as address:
    browser = playwright.chromium.launch(executable_path=chromium())
    for screen in SCREENS:
        for theme in ("light", "dark") if options.all else ("light",):
            for name, picture in walk(arrive(browser, address, theme=theme, screen=screen)):
                if options.all:
                    name = f"{name}-{screen}-{theme}"
                elif screen == "phone":
                    name = {"reading": "phone"}.get(name, "")
                elif name not in ("home", "reading", "playlist"):
                    name = ""
                if name:
                    (options.folder / f"{name}.png").write_bytes(picture)
                    print(options.folder / f"{name}.png")
    browser.close()
