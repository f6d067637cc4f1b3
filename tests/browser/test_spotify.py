"""Spotify in a real browser: sign in, save, play, sign out; and everything when it is down.

A small Spotify of our own answers, on loopback. What the app writes to its log is kept, and may
hold none of the tokens, codes and secrets that were handed out.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser import spotify_player
from tests.browser.axe import PHONE, check
from tests.browser.conftest import ROOT, wait_until_it_answers
from tests.browser.tabs import Tabs, visitors
from tests.recommender.spotify.server import (
    CLIENT_ID,
    CLIENT_SECRET,
    NO_ACTIVE_DEVICE,
    PREMIUM_REQUIRED,
    SECRET,
    SpotifyServer,
    dropped,
    slow,
)


@dataclass
class Installation:
    """The app with keys, its Spotify, and what it wrote."""

    address: str
    spotify: SpotifyServer
    log: Path


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = tmp_path_factory.mktemp("spotify") / "streamlit.log"
    address = f"http://127.0.0.1:{port}"
    with SpotifyServer() as spotify, log.open("wb") as out:
        settings = {
            "STREAMLIT_SERVER_PORT": str(port),
            "STREAMLIT_SERVER_HEADLESS": "true",
            "STREAMLIT_LOGGER_LEVEL": "debug",
            "SPOTIPY_CLIENT_ID": CLIENT_ID,
            "SPOTIPY_CLIENT_SECRET": CLIENT_SECRET,
            "SPOTIPY_REDIRECT_URI": f"{address}/",
            "AFFECTUNE_SPOTIFY_API_URL": spotify.api_url,
            "AFFECTUNE_SPOTIFY_ACCOUNTS_URL": spotify.accounts_url,
        }
        process = subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", "app.py"],
            cwd=ROOT,
            env={**os.environ, **settings},
            stdout=out,
            stderr=subprocess.STDOUT,
        )
        try:
            wait_until_it_answers(address, process)
            yield Installation(address, spotify, log)
        finally:
            process.terminate()
            process.wait(timeout=30)


@pytest.fixture
def spotify(installation: Installation) -> SpotifyServer:
    spotify = installation.spotify
    spotify.heal()
    spotify.user = "ann"
    spotify.ask = False
    spotify.playlists.clear()
    spotify.played.clear()
    return spotify


@pytest.fixture
def arrive(
    tabs: Tabs, installation: Installation, spotify: SpotifyServer
) -> Iterator[Callable[..., Page]]:
    """Open a page as a new visitor; nothing but the app and our Spotify may be asked."""
    here = installation.address
    by_another_name = here.replace("127.0.0.1", "localhost")
    player = f"https://{spotify_player.HOST}/"
    with visitors(tabs, here, by_another_name, spotify.url, player) as found:

        def open_page(path: str, *, host: str = here, **options: Any) -> Page:
            return found.arrive(host + path, **options)

        yield open_page


def section(page: Page) -> Locator:
    """Return the heading of the settings' section about Spotify."""
    return page.get_by_role("heading", level=2).filter(has_text=re.compile("^Connect"))


def heading(page: Page) -> Locator:
    return page.get_by_role("heading", level=1)


def named(page: Page) -> None:
    """Wait for the slider's name: its script gives it one after the slider is in the page."""
    expect(page.get_by_role("slider", name="From familiar to adventurous")).to_be_visible()


@pytest.fixture
def open_settings(arrive: Callable[..., Page]) -> Callable[..., Page]:
    def open_page(**options: Any) -> Page:
        page = arrive("/settings", **options)
        expect(section(page)).to_have_text("Connect Spotify, if you like")
        named(page)
        return page

    return open_page


def connect(page: Page, name: str) -> None:
    page.get_by_role("button", name="Connect Spotify").click()
    expect(section(page)).to_have_text(f"Connected to Spotify as {name}")
    named(page)


def allow(page: Page, label: str) -> None:
    """Press what needs a permission; be asked for it at Spotify, and be back."""
    # Not by the notice alone: that of the permission before is still to be read.
    with page.expect_navigation():
        page.get_by_role("button", name=label).click()
    expect(page.get_by_text("Connected to Spotify. Press the button again")).to_be_visible()


def no_answer_in(page: Page) -> None:
    """The address holds no answer of Spotify's, and no entry of this page's history does."""
    addresses = page.evaluate(
        "() => [location.href, ...(window.navigation?.entries() ?? []).map(e => e.url)]"
    )
    assert len(addresses) > 1
    for address in addresses:
        assert SECRET not in address
        assert "state=" not in address


def test_sign_in_taste_and_sign_out(
    open_settings: Callable[..., Page], installation: Installation, spotify: SpotifyServer
) -> None:
    page = open_settings()
    check(page)
    # Longer than the browser takes to clean up the address, which requests the next run.
    spotify.fault("POST /api/token", slow(2))
    connect(page, "Ann Example")
    assert page.url == f"{installation.address}/settings"
    no_answer_in(page)
    assert not [c for c in page.context.cookies() if c["name"].startswith("affectune")]
    expect(page.get_by_text("Often heard:")).to_be_visible()
    expect(page.get_by_text("Allowed")).to_have_count(1)
    check(page)

    page.get_by_role("button", name="Disconnect and delete").click()
    expect(section(page)).to_have_text("Connect Spotify, if you like")
    expect(
        page.get_by_text("The token and everything read from Spotify are deleted")
    ).to_be_visible()
    expect(page.get_by_text("Often heard:")).to_have_count(0)
    check(page)


def test_save_and_play(
    arrive: Callable[..., Page], installation: Installation, spotify: SpotifyServer
) -> None:
    page = arrive("/playlist")
    page.get_by_role("button", name="Set it by hand").click()
    page.get_by_role("button", name="Find music for this").click()
    tracks = page.get_by_role("list", name="Tracks in playing order").get_by_role("listitem")
    expect(tracks.first).to_be_visible()
    before = [title.split(" · ")[0] for title in tracks.all_inner_texts()]
    menu = page.get_by_role("button", name="Save", exact=True)

    # Nobody is connected: saving asks for just that, and brings back to the same set.
    menu.click()
    allow(page, "Save to Spotify")
    assert page.url.partition("?mine=")[0] == f"{installation.address}/playlist"
    no_answer_in(page)
    assert [title.split(" · ")[0] for title in tracks.all_inner_texts()] == before
    asked = spotify.account_requests[-2]
    assert set(asked.query["scope"][0].split()) == {
        "playlist-modify-private",
        "playlist-read-private",
    }

    menu.click()
    save = page.get_by_role("button", name="Save to Spotify")
    save.click()
    expect(page.get_by_text("Saved as a private playlist")).to_be_visible()
    save.click()
    page.wait_for_timeout(1000)
    (kept,) = spotify.playlists.values()
    assert len(kept.items) == len(before)
    assert (kept.owner, kept.public) == ("ann", False)

    # Playing asks for that too, and keeps what was allowed before.
    more = page.get_by_text("More ways")
    more.click()
    allow(page, "Play on a device")
    menu.click()
    more.click()
    page.get_by_role("button", name="Find my devices").click()
    page.get_by_text("Phone", exact=True).click()
    # Not the button of the same name that starts the page's own player.
    play = page.locator(".st-key-spotify-play").get_by_role("button", name="Play the set")
    play.click()
    expect(page.get_by_text("Playing on Phone")).to_be_visible()
    ((listener, device, uris),) = spotify.played
    assert (listener, device, uris) == ("ann", "d2", kept.items)

    spotify.fault("PUT /me/player/play", PREMIUM_REQUIRED, NO_ACTIVE_DEVICE)
    play.click()
    expect(page.get_by_text("only for accounts with Premium")).to_be_visible()
    play.click()
    expect(page.get_by_text("Spotify found no device to play on")).to_be_visible()
    page.get_by_role("button", name="Find my devices").click()
    expect(page.get_by_text("Kitchen", exact=True)).to_be_visible()

    # A session that Spotify ends is offered anew.
    spotify.revoke("ann")
    page.get_by_role("button", name="Refresh devices").click()
    expect(page.get_by_role("button", name="Play on a device")).to_be_visible()
    expect(page.get_by_text("Spotify sign-in has expired")).to_be_visible()
    assert [title.split(" · ")[0] for title in tracks.all_inner_texts()] == before


def test_two_visitors_never_meet(
    open_settings: Callable[..., Page], spotify: SpotifyServer
) -> None:
    spotify.ask = True
    ann, ben = (open_settings() for _ in range(2))
    # Both are at Spotify at the same time, and come back in the other order.
    for page in (ann, ben):
        page.get_by_role("button", name="Connect Spotify").click()
        page.get_by_role("link", name="Agree as").first.wait_for()
    ben.get_by_role("link", name="Agree as Ben").click()
    ann.get_by_role("link", name="Agree as Ann").click()
    expect(section(ann)).to_have_text("Connected to Spotify as Ann Example")
    expect(section(ben)).to_have_text("Connected to Spotify as Ben Example")
    expect(ann.get_by_text("Often heard:")).to_be_visible()
    heard = [page.get_by_text("Often heard:").inner_text() for page in (ann, ben)]
    assert heard[0] != heard[1]

    ann.get_by_role("button", name="Disconnect and delete").click()
    expect(section(ann)).to_have_text("Connect Spotify, if you like")
    ben.get_by_role("link", name="Home").first.click()
    expect(heading(ben)).to_contain_text("Music that meets your mood")
    stranger = open_settings()
    expect(stranger.get_by_role("button", name="Connect Spotify")).to_be_visible()
    # Every request went out with the token of the one whom it was about.
    for request in spotify.requests:
        assert request.headers["authorization"].startswith(f"Bearer {SECRET}-access-")


def test_stolen_oauth_answer_is_refused(
    arrive: Callable[..., Page], open_settings: Callable[..., Page], spotify: SpotifyServer
) -> None:
    page = open_settings()
    mine = page.context
    begun: list[str] = []
    mine.route(
        f"{spotify.url}authorize?**", lambda route: (begun.append(route.request.url), route.abort())
    )
    with page.expect_event("requestfailed"):
        page.get_by_role("button", name="Connect Spotify").click()
    # The answer is kept from its owner, and somebody else sees the address.
    stolen = mine.request.get(begun[0], max_redirects=0).headers["location"]
    assert f"code={SECRET}" in stolen

    thief = arrive("", host=stolen)
    expect(section(thief)).to_have_text("Connect Spotify, if you like")
    expect(thief.get_by_text("This sign-in was started in another browser")).to_be_visible()
    no_answer_in(thief)

    # Its owner still gets in, once.
    again = mine.new_page()
    again.goto(stolen)
    expect(section(again)).to_have_text("Connected to Spotify as Ann Example")
    replay = mine.new_page()
    replay.goto(stolen)
    expect(replay.get_by_text("was already used")).to_be_visible()
    expect(section(replay)).to_have_text("Connect Spotify, if you like")


def test_declining_authorization_loses_nothing(
    open_settings: Callable[..., Page], spotify: SpotifyServer
) -> None:
    spotify.ask = True
    page = open_settings()
    page.get_by_role("button", name="Connect Spotify").click()
    page.get_by_role("link", name="Agree as Nobody").click()
    expect(section(page)).to_have_text("Connect Spotify, if you like")
    expect(page.get_by_text("You didn’t allow it")).to_be_visible()
    no_answer_in(page)


def test_the_same_page_with_everything_down(
    open_settings: Callable[..., Page], spotify: SpotifyServer
) -> None:
    page = open_settings()
    spotify.always("POST /api/token", dropped())
    page.get_by_role("button", name="Connect Spotify").click()
    expect(page.get_by_text("Spotify is not answering right now")).to_be_visible()
    expect(section(page)).to_have_text("Connect Spotify, if you like")
    no_answer_in(page)

    spotify.heal()
    for name in (
        "GET /me",
        "GET /me/top/artists",
        "GET /me/top/tracks",
        "GET /me/player/recently-played",
    ):
        spotify.always(name, dropped())
    page.get_by_role("button", name="Connect Spotify").click()
    expect(section(page)).to_have_text("Connected to Spotify")
    expect(page.get_by_text("Spotify is not answering right now").first).to_be_visible()
    check(page)
    page.get_by_role("button", name="Disconnect and delete").click()
    expect(section(page)).to_have_text("Connect Spotify, if you like")


def test_wrong_host_name_is_reported_before_redirecting(
    arrive: Callable[..., Page], installation: Installation
) -> None:
    page = arrive("/settings", host=installation.address.replace("127.0.0.1", "localhost"))
    link = page.get_by_role("link", name=installation.address)
    expect(link).to_have_attribute("href", f"{installation.address}/")
    expect(page.get_by_role("button", name="Connect Spotify")).to_have_count(0)
    named(page)
    check(page)


def test_a_phone_at_night(open_settings: Callable[..., Page], spotify: SpotifyServer) -> None:
    page = open_settings(screen=PHONE, theme="dark")
    check(page)
    # Longer than the browser takes to clean up the address, which requests the next run.
    spotify.fault("POST /api/token", slow(2))
    connect(page, "Ann Example")
    expect(page.get_by_text("Often heard:")).to_be_visible()
    check(page)


def test_nothing_secret_was_written(installation: Installation) -> None:
    """Last, over the log of all that went before, at its most talkative."""
    text = installation.log.read_text(encoding="utf-8", errors="replace")
    assert "127.0.0.1" in text
    assert SECRET not in text
    for request in installation.spotify.account_requests:
        if request.path == "/authorize":
            assert request.query["state"][0] not in text
            assert request.query["code_challenge"][0] not in text
    assert "Traceback" not in text
