"""Every screen for everybody: axe finds nothing, and a phone never scrolls sideways."""

from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page, expect

from tests.browser.axe import PHONE, check
from tests.browser.spotify_player import StandIn

POPOVER = "[data-testid=stPopoverBody]"


def heading(page: Page, text: str) -> None:
    expect(page.get_by_role("heading", level=1)).to_contain_text(text)


def test_home(visit: Callable[..., Page]) -> None:
    page = visit("/")
    expect(page.get_by_text("In the middle")).to_be_visible()
    check(page)


def test_the_phone_menu_is_named_as_it_is_written(visit: Callable[..., Page]) -> None:
    page = visit("/", screen=PHONE)
    menu = page.get_by_role("button", name="Menu", exact=True)
    expect(menu).to_have_accessible_name("Menu")
    menu.click()
    expect(page.get_by_role("button", name="Close menu", exact=True)).to_be_visible()
    page.get_by_role("link", name="Diary").click()
    heading(page, "A diary, if you want one")
    expect(menu).to_be_visible()


def test_selfie(
    visit: Callable[..., Page],
    hand_in: Any,
    two_people: bytes,
    cup: bytes,
) -> None:
    page = visit("/selfie")
    check(page)
    hand_in(page, b"This is only text.")
    expect(page.get_by_role("alert")).to_be_visible()
    check(page)
    hand_in(page, cup)
    heading(page, "No face found")
    check(page)
    page.get_by_role("button", name="Set it by hand", exact=True).click()
    expect(page.get_by_role("slider")).to_have_count(2)
    check(page)
    hand_in(page, two_people)
    heading(page, "Happy")
    check(page)
    page.get_by_role("radio", name="sad").click()
    heading(page, "You said: sad")
    page.get_by_role("button", name="Take a snapshot").click()
    expect(page.get_by_role("button", name="Take Photo")).to_be_visible()
    check(page)


def test_playlist(visit: Callable[..., Page]) -> None:
    page = visit("/playlist")
    heading(page, "How do you feel?")
    check(page)
    page.get_by_role("button", name="Set it by hand").click()
    page.get_by_role("button", name="Find music for this").click()
    heading(page, "Keeping things even")
    page.get_by_role("radio", name="Move gently").click()
    heading(page, "From the middle to bright")
    expect(page.locator(".journey .way")).to_be_attached()
    page.get_by_role("button", name="Play the set").click()
    StandIn(page).wait_until_playing()
    page.get_by_role("button", name="Open elsewhere").click()
    check(page)
    page.get_by_role("button", name="Save").click()
    page.get_by_text("More ways").click()
    check(page, POPOVER)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Tune").click()
    check(page, POPOVER)


def test_model(
    visit: Callable[..., Page],
    hand_in: Any,
    astronaut: bytes,
) -> None:
    page = visit("/model")
    expect(page.get_by_role("heading", name="What is it not for?")).to_be_visible()
    expect(page.locator("[data-testid=stVegaLiteChart] svg").first).to_be_visible()
    # What is closed now is looked at together with all the rest of the page.
    for table in page.get_by_text("As a table").all():
        table.click()
    page.get_by_text("How was this measured?").click()
    check(page)
    hand_in(page, astronaut)
    page.get_by_role("radio", name="Mouth covered").click()
    page.get_by_role("radio", name="Extremely").click()
    expect(page.get_by_text("The lower 50 % of the face covered")).to_be_visible()
    check(page)


def test_notebook(visit: Callable[..., Page]) -> None:
    page = visit("/notebook")
    expect(page.get_by_text("Show the code")).to_be_visible()
    check(page)
    page.get_by_text("Show the code").click()
    expect(page.get_by_test_id("stCode").first).to_be_visible()
    check(page)
