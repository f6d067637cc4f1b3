"""A visitor who listens: a set by hand, a track that is liked, another one that plays."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect

from tests.browser.spotify_player import StandIn

# A notice fades; what was said is kept here to be asked for.
REMEMBER_NOTICES = """
window.notices = [];
new MutationObserver(() => {
  for (const { innerText } of document.querySelectorAll("[data-testid=stToast]"))
    if (!window.notices.includes(innerText)) window.notices.push(innerText);
}).observe(document, { childList: true, subtree: true, characterData: true });
"""


def rows(page: Page) -> Locator:
    return page.get_by_role("list", name="Tracks in playing order").get_by_role("listitem")


def names(page: Page) -> list[str]:
    expect(rows(page).nth(9)).to_be_visible()
    return rows(page).locator(".name").all_inner_texts()


def settle(page: Page) -> None:
    """Wait until the server has answered. A run that a restart cuts off is asked for again."""
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")


def listen(page: Page) -> str:
    """Feel bad, like the second track and play the third, whose id is returned."""
    pleasant = page.get_by_role("slider", name="How pleasant it feels")
    pleasant.focus()
    for _ in range(3):
        page.keyboard.press("Shift+ArrowLeft")
    page.get_by_role("button", name="Find music for this").click()
    expect(rows(page).nth(9)).to_be_visible()
    rows(page).nth(1).get_by_role("button").click()
    rows(page).nth(1).get_by_role("button", name="Like: ").click()
    expect(rows(page).nth(1).locator(".change")).to_contain_text("You like")
    rows(page).nth(2).get_by_role("button").click()
    expect(rows(page).nth(2).get_by_role("button", name="Pause ")).to_be_visible()
    StandIn(page).wait_until_playing()
    return StandIn(page).calls[-1]
