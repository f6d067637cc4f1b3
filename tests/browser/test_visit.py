"""A visitor's way from a face to music, in a real browser."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.axe import DESKTOP, PHONE
from tests.browser.spotify_player import StandIn
from tests.browser.taps import Taps, music_plays
from tests.browser.waiting import outcome, wait_until


def heading(page: Page) -> Locator:
    return page.get_by_role("heading", level=1)


def rows(page: Page) -> Locator:
    return page.get_by_role("list", name="Tracks in playing order").get_by_role("listitem")


def test_from_a_photo_to_a_playlist(
    visit: Callable[..., Page], hand_in: Any, astronaut: bytes
) -> None:
    page = visit("/")
    expect(heading(page)).to_have_text("Music that meets your mood, then moves it.")
    hand_in(page, astronaut)

    expect(heading(page)).to_contain_text("Happy")
    expect(page.get_by_alt_text("Your photo with the face outlined")).to_be_visible()
    bars = page.get_by_role("list", name="What the face shows").get_by_role("listitem")
    expect(bars).to_have_count(7)
    expect(bars.first).to_contain_text("happy")

    page.get_by_role("button", name="Wind down").click()
    expect(heading(page)).to_have_text("From happy to calm")
    expect(rows(page).nth(9)).to_be_visible()
    reasons = rows(page).locator(".reason").all_inner_texts()
    assert sum(map(bool, reasons)) > len(reasons) / 2

    rows(page).nth(2).get_by_role("button").click()
    spotify = StandIn(page)
    spotify.wait_until_playing()
    rows(page).nth(2).get_by_role("button", name="More about").click()
    expect(rows(page).nth(2).get_by_role("link")).to_have_text("Open in Spotify")


def test_from_home_to_music_by_selfie_in_three_taps(
    visit: Callable[..., Page], astronaut: bytes
) -> None:
    page = visit("/", screen=PHONE)
    finger = Taps(page)
    finger.choose(page.get_by_role("button", name="Choose a selfie"), astronaut)
    finger.tap(page.get_by_role("button", name="Stay with it"))
    expect(heading(page)).to_have_text("Keeping you happy")
    music_plays(page)
    assert finger.count == 3


def test_a_correction_moves_the_dot_and_the_music(
    visit: Callable[..., Page], hand_in: Any, astronaut: bytes
) -> None:
    page = visit("/selfie")
    hand_in(page, astronaut)
    pleasant = page.get_by_role("slider", name="How pleasant it feels")
    expect(pleasant).to_have_attribute("aria-valuetext", "very pleasant")
    page.get_by_role("radio", name="sad").click()
    expect(heading(page)).to_contain_text("You said: sad")
    expect(pleasant).to_have_attribute("aria-valuetext", "very unpleasant")
    page.get_by_role("button", name="Back to my face").click()
    expect(heading(page)).to_contain_text("Happy")
    expect(pleasant).to_have_attribute("aria-valuetext", "very pleasant")


def test_a_bad_file_loses_nothing(
    visit: Callable[..., Page], hand_in: Any, astronaut: bytes
) -> None:
    page = visit("/selfie")
    hand_in(page, b"This is only text.")
    expect(page.get_by_role("alert")).to_contain_text("This file is not a picture we can read")
    hand_in(page, astronaut)
    expect(heading(page)).to_contain_text("Happy")
    expect(page.get_by_role("alert")).to_have_count(0)
    hand_in(page, b"Text again.")
    expect(page.get_by_role("alert")).to_contain_text("This file is not a picture we can read")
    expect(heading(page)).to_contain_text("Happy")


def test_too_large_a_file_is_refused_with_the_limit(
    visit: Callable[..., Page], tmp_path: Path
) -> None:
    page = visit("/selfie")
    # Named and not handed over: Playwright would take seconds to pass that many bytes on.
    large = tmp_path / "me.jpg"
    large.write_bytes(bytes(20_000_000))
    page.locator("input[type=file]").set_input_files(large)
    expect(page.get_by_role("alert").filter(has_text="larger than 15 MB")).to_be_visible()
    expect(heading(page)).to_have_text("Show your face for a moment")


def test_several_faces(visit: Callable[..., Page], hand_in: Any, two_people: bytes) -> None:
    page = visit("/selfie")
    hand_in(page, two_people)
    expect(page.get_by_alt_text("Your photo with all 2 faces outlined")).to_be_visible()
    first = page.get_by_role("button", name="Face 1")
    second = page.get_by_role("button", name="Face 2")
    expect(first).to_have_attribute("aria-pressed", "true")
    # A face can be tapped in the photo, and its portrait below.
    page.locator(".photo button").nth(1).click()
    expect(second).to_have_attribute("aria-pressed", "true")
    expect(first).to_have_attribute("aria-pressed", "false")
    first.press("Enter")
    expect(first).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="Everyone together").click()
    expect(heading(page)).to_contain_text("Everyone together: ")


def test_a_snapshot(visit: Callable[..., Page]) -> None:
    page = visit("/selfie")
    page.get_by_role("button", name="Take a snapshot instead").click()
    wait_until(page, "document.querySelector('video')?.videoWidth > 0")
    # The browser's own test picture has no face.
    page.get_by_role("button", name="Take Photo").click()
    expect(heading(page)).to_have_text("No face found in this picture")
    # What was on the page before goes when the new one is complete.
    expect(page.get_by_role("button", name="Or set it by hand")).to_have_count(0)
    page.get_by_role("button", name="Set it by hand").click()
    expect(page.get_by_role("slider")).to_have_count(2)


def test_by_hand_with_the_keyboard(visit: Callable[..., Page]) -> None:
    page = visit("/")
    pleasant = page.get_by_role("slider", name="How pleasant it feels")
    energy = page.get_by_role("slider", name="How much energy it has")
    pleasant.focus()
    for _ in range(3):
        page.keyboard.press("Shift+ArrowLeft")
    for _ in range(8):
        page.keyboard.press("ArrowDown")
    expect(pleasant).to_have_value("-60")
    expect(energy).to_have_value("-40")
    expect(pleasant).to_have_attribute("aria-valuetext", "very unpleasant")
    expect(page.get_by_text("Sad", exact=True)).to_be_visible()
    page.get_by_role("button", name="Find music for this").click()
    expect(heading(page)).to_have_text("From sad to bright")
    expect(rows(page).nth(9)).to_be_visible()


@pytest.mark.parametrize("touch", [False, True], ids=["mouse", "touch"])
def test_by_hand_with_a_pointer(visit: Callable[..., Page], touch: bool) -> None:
    page = visit("/", screen=PHONE if touch else DESKTOP)
    pad = page.locator(".stage svg")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    assert box is not None
    # Near the sad glyph means the sad glyph's own place.
    place = (box["x"] + box["width"] * 0.24, box["y"] + box["height"] * 0.61)
    page.touchscreen.tap(*place) if touch else page.mouse.click(*place)
    expect(page.get_by_role("slider", name="How pleasant it feels")).to_have_value("-63")
    expect(page.get_by_role("slider", name="How much energy it has")).to_have_value("-27")


def test_dragging_the_dot_does_not_jump_back(visit: Callable[..., Page]) -> None:
    page = visit("/")
    box = page.locator(".stage svg").bounding_box()
    assert box is not None
    x, y, width = box["x"], box["y"], box["width"]
    page.mouse.move(x + width / 2, y + width / 2)
    page.mouse.down()
    page.mouse.move(x + width * 0.7, y + width * 0.4, steps=8)
    page.mouse.up()
    pleasant = page.get_by_role("slider", name="How pleasant it feels")
    seen = set()
    for _ in range(20):
        seen.add(pleasant.input_value())
        page.wait_for_timeout(50)
    assert seen == {"48"}


def test_the_pad_plays_tracks(visit: Callable[..., Page]) -> None:
    page = visit("/")
    page.get_by_role("button", name="Find music for this").click()
    expect(rows(page).nth(9)).to_be_visible()
    dot = page.locator(".stage .tracks circle").last.bounding_box()
    assert dot is not None
    page.mouse.click(dot["x"] + dot["width"] / 2, dot["y"] + dot["height"] / 2)
    playing = page.get_by_role("button", name=re.compile("^Pause ."))
    expect(playing).to_have_count(1)
    # The dot has grown, and a tap on it pauses.
    page.mouse.click(dot["x"] + dot["width"] / 2, dot["y"] + dot["height"] / 2)
    expect(playing).to_have_count(0)


def listen(page: Page) -> None:
    """From the first page to the third track of a set."""
    page.get_by_role("button", name="Find music for this").click()
    expect(rows(page).nth(9)).to_be_visible()
    rows(page).nth(2).get_by_role("button").click()
    expect(rows(page).nth(2).get_by_role("button", name="Pause ")).to_be_visible()


def test_verdicts_with_the_keyboard(visit: Callable[..., Page]) -> None:
    page = visit("/")
    listen(page)
    before = rows(page).locator(".name").all_inner_texts()
    # No verdicts but in the playing row.
    expect(page.get_by_role("button", name=re.compile("^Like: "))).to_have_count(1)
    like = rows(page).nth(2).get_by_role("button", name="Like: ")
    expect(like).to_have_attribute("aria-pressed", "false")
    like.focus()
    page.keyboard.press("Enter")
    expect(like).to_have_attribute("aria-pressed", "true")
    expect(like).to_be_focused()
    expect(page.get_by_role("status").filter(has_text="You like")).to_have_count(1)
    expect(rows(page).nth(2).locator(".change")).to_contain_text("You like")
    liked = rows(page).locator(".name").all_inner_texts()
    assert liked[:3] == before[:3]
    assert liked[3:] != before[3:]

    # The keyboard stays with what it does, in the row that plays now.
    page.keyboard.press("Tab")
    expect(rows(page).nth(2).get_by_role("button", name="Not for me: ")).to_be_focused()
    page.keyboard.press("Enter")
    expect(rows(page).nth(2).locator(".change")).to_contain_text("Removed ")
    expect(rows(page).nth(2).get_by_role("button", name="Not for me: ")).to_be_focused()
    assert rows(page).locator(".name").all_inner_texts()[2] != before[2]
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(rows(page).nth(3).get_by_role("button", name="Skip: ")).to_be_focused()


def test_an_artist_is_left_out_and_let_in_again(visit: Callable[..., Page]) -> None:
    page = visit("/")
    listen(page)
    name = rows(page).nth(2).locator(".name").inner_text()
    rows(page).nth(2).get_by_role("button", name="More about").click()
    ban = rows(page).nth(2).get_by_role("button", name="Don’t play ").first
    artist = ban.inner_text().removeprefix("Don’t play ")
    ban.click()
    expect(rows(page).nth(2).locator(".name")).not_to_have_text(name, use_inner_text=True)
    expect(rows(page).nth(2).locator(".change")).to_contain_text(f"{artist} won’t come up again.")
    page.get_by_role("button", name="Tune").click()
    page.get_by_role("button", name=f"Allow {artist} again").click()
    expect(page.get_by_role("button", name=f"Allow {artist} again")).to_have_count(0)


def test_undo_brings_the_set_back(visit: Callable[..., Page]) -> None:
    page = visit("/")
    listen(page)
    before = rows(page).locator(".name").all_inner_texts()
    rows(page).nth(2).get_by_role("button", name="Not for me: ").click()
    page.get_by_role("button", name="Undo").click()
    expect(rows(page).nth(2).locator(".name")).to_have_text(before[2], use_inner_text=True)
    assert rows(page).locator(".name").all_inner_texts() == before


def test_another_set_and_a_file_to_take_along(visit: Callable[..., Page]) -> None:
    page = visit("/")
    page.get_by_role("button", name="Find music for this").click()
    expect(rows(page).nth(9)).to_be_visible()
    first = rows(page).first.inner_text()
    page.get_by_role("button", name="Another set").click()
    expect(rows(page).first).not_to_have_text(first, use_inner_text=True)
    count = rows(page).count()
    page.get_by_test_id("stPopover").filter(has_text="Save").get_by_role("button").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download the set").click()
    assert download.value.suggested_filename == "affectune.m3u8"
    text = download.value.path().read_text(encoding="utf-8")
    assert text.startswith("#EXTM3U")
    assert text.count("https://open.spotify.com/track/") == count


def test_tuning_and_its_way_back(visit: Callable[..., Page]) -> None:
    page = visit("/")
    page.get_by_role("button", name="Find music for this").click()
    expect(rows(page).nth(9)).to_be_visible()
    page.get_by_role("button", name="Tune").click()
    slider = page.get_by_role("slider", name="From familiar to adventurous")
    expect(slider).to_have_attribute("aria-valuetext", "some of both")
    first = rows(page).locator(".name").all_inner_texts()
    slider.focus()
    page.keyboard.press("ArrowRight")
    expect(slider).to_have_attribute("aria-valuetext", "mostly new")
    expect(rows(page).locator(".name")).not_to_have_text(first, use_inner_text=True)
    page.get_by_role("button", name="1980s").click()
    expect(page.get_by_text("The 1980s")).to_be_visible()
    page.get_by_role("button", name="Clear filters").first.click()
    expect(page.get_by_text("The 1980s")).to_have_count(0)


def test_a_link_opens_the_same_set_elsewhere(visit: Callable[..., Page]) -> None:
    page = visit("/")
    page.get_by_role("button", name="Find music for this").click()
    expect(rows(page).nth(9)).to_be_visible()
    here = rows(page).locator(".name").all_inner_texts()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_test_id("stPopover").filter(has_text="Save").get_by_role("button").click()
    page.get_by_role("button", name="Copy a link to this set").click()
    expect(page.get_by_text("Copied.")).to_be_visible()
    link = outcome(page, "() => navigator.clipboard.readText()")
    there = visit(link[link.index("/playlist?set=") :])
    expect(heading(there)).to_have_text("A set someone shared with you")
    expect(rows(there).nth(9)).to_be_visible()
    assert rows(there).locator(".name").all_inner_texts() == here


def test_a_deep_link_finds_its_page(visit: Callable[..., Page]) -> None:
    expect(heading(visit("/playlist"))).to_have_text("How do you feel?")
    expect(heading(visit("/playlist?set=broken"))).to_have_text("This link doesn’t work")
