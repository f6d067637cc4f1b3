"""Take the pictures of the real page that the README shows.

    python benchmarks/page_screenshots.py [FOLDER] [--all]

Saves ``home.png``, ``reading.png``, ``playlist.png`` and ``phone.png``; with ``--all`` every
screen in both themes on a desktop and a phone, to look at before a release. With ``--preview`` it
saves ``static/preview.jpg`` instead, which messengers show for a pasted link. The face is Eileen
Collins's, photographed by NASA (public domain; it ships with scikit-image).
"""

import argparse
import base64
import io
import sys
from pathlib import Path

import streamlit
from page_server import chromium, serve
from PIL import Image
from playwright.sync_api import Browser, Page, Route, expect, sync_playwright
from skimage import data

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.browser import spotify_player

expect.set_options(timeout=120_000)

STREAMLIT_FONTS = Path(streamlit.__file__).parent / "static" / "static" / "media"
SCREENS = {"desktop": (1280, 800), "phone": (390, 844)}
# Spotify's player would need the internet, and shows a cover that is not ours to publish.
PLAYER = """<!doctype html><meta charset="utf-8"><body style="margin:0;height:80px;display:flex;
align-items:center;gap:16px;padding:0 20px;box-sizing:border-box;border-radius:12px;
background:#3b2f35;color:#fff;font:600 16px sans-serif">▶&ensp;Spotify's player"""


def answer(route: Route) -> None:
    """Answer for Spotify: with the tests' stand-in for its script, and a bar for its player."""
    if route.request.url.startswith(spotify_player.API):
        spotify_player.answer(route)
    else:
        route.fulfill(body=PLAYER, content_type="text/html")


def arrive(browser: Browser, address: str, *, theme: str, screen: str) -> Page:
    width, height = SCREENS[screen]
    page = browser.new_page(
        viewport={"width": width, "height": height},
        color_scheme=theme,  # type: ignore[arg-type]
        reduced_motion="reduce",
        device_scale_factor=1 if screen == "desktop" else 2,
    )
    page.route("https://open.spotify.com/**", answer)
    page.goto(address)
    expect(page.get_by_text("In the middle")).to_be_visible()
    return page


PREVIEW = """<!doctype html><meta charset="utf-8"><style>
@font-face { font-family: Heading; src: url("{address}{serif}"); }
@font-face { font-family: Text; src: url("{address}{sans}"); }
body { margin: 0; width: 1200px; height: 630px; display: grid; grid-template-columns: 1fr 540px;
  align-items: center; gap: 40px; padding: 0 45px 0 70px; box-sizing: border-box;
  background: #FFFBF7; color: #1D1419; font: 27px/1.4 Text }
h1 { font: 600 58px/1.15 Heading; margin: 34px 0 26px } p { margin: 0 } img { width: 100% }
</style><div><svg width="290" viewBox="0 0 163 34">{logo}</svg>
<h1>Music that meets your mood, then moves it.</h1><p>From a face to music in two taps.</p></div>
<img src="data:image/png;base64,{pad}">"""


def preview(browser: Browser, address: str) -> bytes:
    """Return the preview picture: what the app does, and a playlist's journey across the pad."""
    page = arrive(browser, address, theme="light", screen="phone")
    pad = page.locator(".stage svg")
    box = pad.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] * 0.24, box["y"] + box["height"] * 0.61)
    page.get_by_role("button", name="Find music for this").click()
    expect(page.locator(".journey .way")).to_be_attached()
    page.wait_for_timeout(1500)
    picture = base64.b64encode(page.locator(".stage svg").screenshot()).decode()
    fonts = {
        name: next(path for path in STREAMLIT_FONTS.glob(f"{start}*.woff2"))
        for name, start in (("serif", "SourceSerif"), ("sans", "SourceSansVF-Upright"))
    }
    logo = (Path(__file__).parents[1] / "static" / "logo.svg").read_text(encoding="utf-8")
    text = PREVIEW.replace("{logo}", logo.partition("</title>")[2].replace("</svg>", ""))
    for name, font in fonts.items():
        text = text.replace(f"{{{name}}}", f"/static/media/{font.name}")
    page.set_viewport_size({"width": 1200, "height": 630})
    page.set_content(text.replace("{address}", address).replace("{pad}", picture))
    page.wait_for_timeout(1500)
    shot = Image.open(io.BytesIO(page.screenshot())).convert("RGB").resize((1200, 630))
    out = io.BytesIO()
    shot.save(out, "JPEG", quality=88)
    return out.getvalue()


def walk(page: Page) -> list[tuple[str, bytes]]:
    """Go from the first page to a playing track, and return a picture of each screen."""
    taken = []

    def shoot(name: str) -> None:
        page.mouse.move(0, 0)
        page.wait_for_timeout(1500)
        taken.append((name, page.screenshot()))

    shoot("home")
    page.goto(page.url + "selfie")
    expect(page.get_by_role("button", name="Choose a photo")).to_be_visible()
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
        else:
            expect(page.get_by_text("Not quite?")).to_be_visible()
            expect(page.locator(".stage svg")).to_be_visible()
            shoot(name)
    page.get_by_role("radio", name="sad").click()
    expect(page.get_by_text("You said: ")).to_be_visible()
    shoot("corrected")
    page.get_by_role("button", name="Move gently").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("From sad")
    bar = page.get_by_role("region", name="Player")
    expect(bar.get_by_role("button", name="Pause")).to_be_visible()
    shoot("playlist")
    return taken


parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
parser.add_argument("folder", type=Path, nargs="?", default=Path("docs"))
parser.add_argument("--all", action="store_true", help="every screen, both themes, two sizes")
parser.add_argument("--preview", action="store_true", help="the picture for pasted links only")
options = parser.parse_args()
options.folder.mkdir(parents=True, exist_ok=True)

with sync_playwright() as playwright, serve() as address:
    browser = playwright.chromium.launch(executable_path=chromium())
    if options.preview:
        target = Path(__file__).parents[1] / "static" / "preview.jpg"
        target.write_bytes(preview(browser, address))
        print(target)
    for screen in () if options.preview else SCREENS:
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
