"""The player plays the set, whatever is done on the page, and says so where it cannot."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import Locator, Page, expect

from tests.browser.axe import PHONE, check
from tests.browser.spotify_player import API, StandIn, held


def rows(page: Page) -> Locator:
    return page.get_by_role("list", name="Tracks in playing order").get_by_role("listitem")


def bar(page: Page) -> Locator:
    return page.get_by_role("region", name="Player")


def titles(page: Page) -> list[str]:
    """The titles of a set, without their numbers."""
    expect(rows(page).nth(9)).to_be_visible()
    return [re.sub(r"^\d+\. ", "", title) for title in rows(page).locator("b").all_inner_texts()]


def test_a_set_plays_through_and_survives_everything(visit: Callable[..., Page]) -> None:
    page = visit("/")
    page.get_by_role("button", name="Find music for this").click()
    first_set = titles(page)
    page.get_by_role("button", name="Play the set").click()
    spotify = StandIn(page)

    def plays(row: int) -> None:
        expect(rows(page).nth(row).get_by_role("button", name="Pause ")).to_be_visible()
        expect(page.get_by_role("button", name=re.compile("^Pause ."))).to_have_count(1)
        expect(bar(page).locator("b")).to_have_text(titles(page)[row])

    plays(0)
    # Spotify's script has an origin of its own, from which it reaches nothing of ours.
    assert spotify.frame.evaluate("origin") == "null"
    for there in ("parent", "top"):
        with pytest.raises(PlaywrightError, match="SecurityError"):
            spotify.frame.evaluate(f"{there}.document.title")
    spotify.frame.evaluate("window.stillHere = true")

    spotify.end()
    plays(1)
    spotify.end("endAtZero")
    plays(2)
    bar(page).get_by_role("button", name="Next track").click()
    plays(3)
    bar(page).get_by_role("button", name="Previous track").click()
    plays(2)

    # A row shows that it plays only while it does.
    rows(page).nth(2).get_by_role("button", name="Pause ").click()
    expect(page.get_by_role("button", name=re.compile("^Pause "))).to_have_count(0)
    bar(page).get_by_role("button", name="Play", exact=True).click()
    plays(2)

    spotify.frame.evaluate("standIn.set({ duration: 29500 })")
    expect(bar(page).get_by_role("status")).to_contain_text("A 30-second preview.")

    asked_for = spotify.calls
    for name, title in (("Home", "Music that meets"), ("Live", "Let the camera"), ("Playlist", "")):
        page.get_by_role("link", name=name).click()
        expect(page.locator("h1")).to_contain_text(title)
        expect(bar(page).locator("b")).to_have_text(first_set[2])
    plays(2)
    page.get_by_role("button", name="Another set").click()
    expect(rows(page).first).not_to_contain_text(first_set[0])
    expect(bar(page).locator("b")).to_have_text(first_set[2])
    like = bar(page).get_by_role("button", name="Like")
    like.click()
    expect(like).to_have_attribute("aria-pressed", "true")
    assert spotify.calls == asked_for
    # What played ends, and the set on the page begins.
    spotify.end()
    plays(0)
    like.click()
    expect(rows(page).nth(0).locator(".change")).to_contain_text("You like")
    plays(0)
    assert spotify.frame.evaluate("window.stillHere")

    bar(page).get_by_role("button", name="Stop").click()
    expect(bar(page)).to_have_count(0)
    expect(page.locator("iframe[title='Spotify player']")).to_have_count(0)


def test_where_spotify_does_not_answer_the_player_says_so_and_leads_elsewhere(
    visit: Callable[..., Page],
) -> None:
    page = visit("/", screen=PHONE)
    silent = False
    page.route(API, lambda route: None if silent else route.abort())
    page.get_by_role("button", name="Find music for this").click()
    first, second, *_ = titles(page)
    page.get_by_role("button", name="Play the set").click()
    said = bar(page).get_by_role("status")
    frame = page.locator("iframe[title='Spotify player']")

    # Refused at once.
    expect(said).to_contain_text("Spotify isn’t answering.")
    expect(bar(page).get_by_role("link")).to_have_text(
        ["Spotify", "YouTube Music", "Apple Music", "Deezer", "Bandcamp"]
    )
    expect(frame).to_be_hidden()
    expect(page.get_by_role("button", name=re.compile("^Pause "))).to_have_count(0)
    check(page)

    # No answer at all: four seconds, and the same. The way through the set stays open.
    silent = True
    bar(page).get_by_role("button", name="Next track").click()
    expect(bar(page).locator("b")).to_have_text(second)
    expect(said).to_contain_text("Spotify isn’t answering.")
    expect(bar(page).get_by_role("link").nth(1)).to_have_attribute(
        "href", re.compile(r"^https://music\.youtube\.com/search\?q=\S+$")
    )

    # It answers again, and the browser wants a tap of its own before there is sound. The route of
    # before stays under the new one: without any, what waits for its answer would have it now.
    held(page.route)
    bar(page).get_by_role("button", name="Try again").click()
    expect(said).to_contain_text("Your browser wants the first tap inside Spotify’s player")
    expect(frame).to_be_visible()
    StandIn(page).frame.evaluate("standIn.set({ paused: false })")
    expect(bar(page).get_by_role("button", name="Pause")).to_be_visible()
    expect(said).to_be_empty()
    bar(page).get_by_role("button", name="Previous track").click()
    expect(bar(page).locator("b")).to_have_text(first)
