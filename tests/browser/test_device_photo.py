"""Photos that the visitor's own browser reads, as the server would, without sending them."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, FilePayload, Page, expect
from skimage import data

from emotion import decode_image
from emotion.recognizer import EmotionRecognizer
from tests.browser.axe import PHONE, check
from tests.browser.conftest import as_jpeg
from tests.browser.tabs import Tabs, Visitors
from tests.browser.test_device_camera import LARGEST_MESSAGE, PICTURES, Sent
from tests.browser.waiting import outcome, wait_until
from ui.photo.device import device_reading
from ui.server.device_assets import PHOTOS, base_address
from ui.wording import ON_DEVICE

pytestmark = pytest.mark.skipif(
    base_address() is None, reason="LiteRT's runtime for browsers could not be had from npm"
)

READ = """async ([module, file]) => {
  const photos = await import(module);
  const bytes = Uint8Array.from(atob(file), (letter) => letter.charCodeAt(0));
  return photos.read(new File([bytes], "me"));
}"""


def png(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def oriented(image: Image.Image, orientation: int) -> bytes:
    """A JPEG that says how it is to be turned."""
    out = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = orientation
    image.save(out, "JPEG", quality=92, exif=exif)
    return out.getvalue()


def photographs() -> dict[str, bytes]:
    astronaut = Image.fromarray(data.astronaut())
    small = Image.new("RGB", (1600, 1200), "#777777")
    small.paste(astronaut.resize((300, 300)), (900, 200))
    cut_out = astronaut.convert("RGBA")
    cut_out.putalpha(Image.radial_gradient("L").resize(cut_out.size).point(lambda v: 255 - v))
    noise = np.random.default_rng(0).normal(0, 14, (512, 512, 3))
    dark = np.clip(np.asarray(astronaut) * 0.35 + noise, 0, 255).astype(np.uint8)
    return {
        "as it is": as_jpeg(astronaut),
        "turned by its EXIF data": oriented(astronaut.transpose(Image.Transpose.ROTATE_90), 6),
        "of twelve megapixels": as_jpeg(astronaut.resize((3500, 3500), Image.Resampling.BICUBIC)),
        "small in a large picture": png(small),
        "cut out": png(cut_out),
        "dark and noisy": png(Image.fromarray(dark)),
        "upside down": as_jpeg(astronaut.rotate(180)),
        "on its side": as_jpeg(astronaut.rotate(90)),
    }


def test_browser_reads_photos_like_the_server(
    tabs: Tabs, server: str, two_people: bytes, cup: bytes
) -> None:
    page = tabs.take()
    page.goto(f"{server}/_stcore/health")
    recognizer = EmotionRecognizer()
    files = photographs() | {"two people": two_people, "no face": cup}
    for name, file in files.items():
        image = decode_image(file)
        ours = recognizer.read(image)
        module = f"{server}{base_address()}{PHOTOS}"
        told = outcome(page, READ, [module, base64.b64encode(file).decode()])
        copy, theirs = device_reading(told)
        assert (copy.height, copy.width) == image.shape[:2], name
        assert len(theirs.faces) == len(ours) == {"two people": 2, "no face": 0}.get(name, 1), name
        for mine, other in zip(ours, theirs.faces, strict=True):
            assert mine.scores.emotion == other.scores.emotion, name
            np.testing.assert_allclose(
                mine.scores.probabilities, other.scores.probabilities, atol=0.02, err_msg=name
            )
            sides = ("x", "y", "width", "height")
            np.testing.assert_allclose(
                [getattr(mine.face.box, side) for side in sides],
                [getattr(other.face.box, side) for side in sides],
                atol=2,
                err_msg=name,
            )
    tabs.give_back(page)


# On the page


@pytest.fixture
def open_selfie(guests: Visitors, server: str) -> Callable[..., Page]:
    """Open the page of a visitor from whom everything that is sent is noted."""

    def arrive(sent: Sent, **options: Any) -> Page:
        page = guests.arrive(
            f"{server}/selfie", before=lambda page: sent.watch(page, guests.hear), **options
        )
        expect(page.get_by_text(ON_DEVICE)).to_be_visible()
        return page

    return arrive


def choose(page: Page, label: str, file: bytes, name: str = "me.jpg") -> None:
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name=label).first.click()
    payload: FilePayload = {"name": name, "mimeType": "image/jpeg", "buffer": file}
    chooser.value.set_files(payload)


def has_a_picture(page: Page, alt: str) -> bool:
    """Whether the image with this alternative text is one of this browser's own, and drawn."""
    picture = page.get_by_alt_text(alt)
    expect(picture).to_be_visible()
    wait_until(page, "(image) => image.naturalWidth > 0", picture.element_handle())
    return bool(picture.evaluate("(image) => image.src.startsWith('blob:')"))


def nothing_has_left(sent: Sent, server: str) -> None:
    # A file in a form is not in what Playwright knows of the request.
    assert not any("/upload_file/" in address for address in sent.addresses)
    assert max(map(len, sent.messages)) <= LARGEST_MESSAGE
    for message in sent.messages:
        assert not any(first in message for first in PICTURES)
    assert {urlsplit(address).netloc for address in sent.addresses} == {urlsplit(server).netloc}


def test_a_photo_stays_in_the_browser(
    open_selfie: Callable[..., Page], server: str, astronaut: bytes, two_people: bytes
) -> None:
    sent = Sent()
    page = open_selfie(sent)
    choose(page, "Choose a photo", astronaut)
    expect(page.locator("h1")).to_have_text("😊 Happy")
    assert has_a_picture(page, "Your photo with the face outlined")
    expect(page.get_by_text(ON_DEVICE)).to_be_visible()
    check(page)
    # One tap corrects it, another takes that back.
    page.get_by_role("radio", name="sad").click()
    expect(page.locator("h1")).to_have_text("😢 You said: sad")
    page.get_by_role("radio", name="sad").click()
    expect(page.locator("h1")).to_have_text("😊 Happy")
    # It is still there on the way back.
    page.get_by_role("link", name="Home").click()
    expect(page.locator("h1")).to_have_text("Music that meets your mood, then moves it.")
    page.get_by_role("link", name="Selfie").click()
    assert has_a_picture(page, "Your photo with the face outlined")
    choose(page, "Another photo", two_people)
    assert has_a_picture(page, "Your photo with all 2 faces outlined")
    page.get_by_role("button", name="Face 2").click()
    expect(page.get_by_role("button", name="Face 2")).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="Everyone together").click()
    expect(page.locator("h1")).to_contain_text("Everyone together")
    expect(page.get_by_text("Who counts more?")).to_be_visible()
    check(page)
    nothing_has_left(sent, server)


def test_a_photo_without_a_face_is_sent_for_a_closer_look_if_the_visitor_says_so(
    open_selfie: Callable[..., Page], server: str, cup: bytes
) -> None:
    sent = Sent()
    page = open_selfie(sent, theme="dark", screen=PHONE)
    choose(page, "Choose a photo", cup)
    expect(page.locator("h1")).to_have_text("No face found in this picture")
    assert has_a_picture(page, "Your picture, in which no face was found")
    check(page)
    nothing_has_left(sent, server)
    page.get_by_role("button", name="Send it to the server for a closer look").click()
    expect(page.get_by_text("This device found no face")).to_be_hidden()
    expect(page.locator("h1")).to_have_text("No face found in this picture")
    picture = page.get_by_alt_text("Your picture, in which no face was found")
    assert picture.evaluate("(image) => image.src.startsWith('data:')")
    assert any("/upload_file/" in address for address in sent.addresses)


def test_what_the_browser_cannot_open_is_sent_if_the_visitor_says_so(
    open_selfie: Callable[..., Page], server: str, heic: bytes
) -> None:
    sent = Sent()
    page = open_selfie(sent)
    choose(page, "Choose a photo", heic, "me.heic")
    expect(page.get_by_text("This device can’t read that photo.")).to_be_visible()
    check(page)
    nothing_has_left(sent, server)
    page.get_by_role("button", name="Send it to the server").click()
    expect(page.get_by_alt_text("Your photo with the face outlined")).to_be_visible()


def test_a_browser_without_webassembly_leaves_it_to_the_server(
    browser: Browser, server: str, astronaut: bytes
) -> None:
    page = browser.new_context().new_page()
    page.add_init_script("delete window.WebAssembly")
    page.goto(f"{server}/selfie")
    promise = page.get_by_text("Pictures are read in memory and forgotten.")
    # Whatever of the last run is still on its way out, on a busy machine.
    expect(promise).to_have_count(1)
    expect(promise).to_be_visible()
    choose(page, "Choose a photo", astronaut)
    picture = page.get_by_alt_text("Your photo with the face outlined")
    expect(picture).to_have_count(1)
    expect(picture).to_be_visible()
    assert picture.evaluate("(image) => image.src.startsWith('data:')")
    expect(page.get_by_text(ON_DEVICE)).to_be_hidden()
    page.context.close()


def test_runtime_failure_is_reported_before_upload(
    open_selfie: Callable[..., Page], server: str, astronaut: bytes
) -> None:
    sent = Sent()
    page = open_selfie(sent)
    page.context.route("**/*.wasm", lambda route: route.abort())
    choose(page, "Choose a photo", astronaut)
    expect(page.get_by_text("This device can’t read that photo.")).to_be_visible()
    nothing_has_left(sent, server)
    # From now on the page makes no promise that it cannot keep.
    expect(page.get_by_text("Pictures are read in memory and forgotten.")).to_be_visible()
    page.get_by_role("button", name="Send it to the server").click()
    expect(page.get_by_alt_text("Your photo with the face outlined")).to_be_visible()


@pytest.fixture(scope="module")
def heic(astronaut: bytes) -> bytes:
    heif = pytest.importorskip("pillow_heif")
    out = io.BytesIO()
    heif.from_pillow(Image.open(io.BytesIO(astronaut))).save(out)
    return out.getvalue()
