"""A diary from switching it on to deleting it, on the real server: this computer's only."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from playwright.sync_api import Page, expect

from tests.browser.axe import check
from tests.browser.listening import settle

OFF = "A diary, if you want one"


def heading(page: Page, text: str) -> None:
    expect(page.get_by_role("heading", level=1)).to_contain_text(text)


def keep(page: Page) -> None:
    page.get_by_test_id("stCheckbox").get_by_text("Keep a diary").click()


@contextmanager
def emptied_after_failure(visit: Callable[..., Page]) -> Iterator[None]:
    """Leave nothing in the diary of the server, which other tests use as well."""
    try:
        yield
    except BaseException:
        rest = visit("/diary")
        expect(rest.get_by_text("Keep a diary")).to_be_visible()
        settle(rest)
        if rest.get_by_role("button", name="Delete everything").count():
            rest.get_by_role("button", name="Delete everything").click()
            rest.get_by_role("button", name="Yes, delete everything").click()
            heading(rest, OFF)
        raise


def test_diary_from_first_to_last_entry(visit: Callable[..., Page]) -> None:
    with emptied_after_failure(visit):
        write_and_delete(visit)


def write_and_delete(visit: Callable[..., Page]) -> None:
    diary = visit("/diary")
    heading(diary, OFF)
    check(diary)
    keep(diary)
    heading(diary, "Your ")
    check(diary)
    diary.get_by_role("button", name="Set it by hand").click()
    diary.get_by_role("button", name="Find music for this").click()
    heading(diary, "Keeping things even")

    # In another tab, which is another session: on this computer there is one owner.
    other = visit("/diary")
    expect(other.get_by_text("One entry: set by hand.")).to_be_visible()
    other.get_by_role("radio", name="happy").click()
    expect(other.get_by_text("one brighter than before")).to_be_visible()
    check(other)

    other.get_by_role("button", name="Delete everything").click()
    check(other)
    other.get_by_role("button", name="Yes, delete everything").click()
    expect(other.get_by_text("from the database file too")).to_be_visible()
    heading(other, OFF)
