"""Counting what a visitor has to tap, on a phone and without scrolling."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect


class Taps:
    """A finger that counts, and that taps only what is on the screen as it stands."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self.count = 0

    def tap(self, target: Locator) -> None:
        expect(target).to_be_visible()
        expect(target).to_be_in_viewport(ratio=1)
        target.tap()
        self.count += 1

    def choose(self, opener: Locator, file: bytes) -> None:
        """Tap what opens the phone's own chooser, and there the photo: two taps."""
        with self._page.expect_file_chooser() as chooser:
            self.tap(opener)
        chooser.value.set_files({"name": "me.jpg", "mimeType": "image/jpeg", "buffer": file})
        self.count += 1


def music_plays(page: Page) -> None:
    """Wait for the player to play, without another tap."""
    bar = page.get_by_role("region", name="Player")
    expect(bar.get_by_role("button", name="Pause")).to_be_visible()
