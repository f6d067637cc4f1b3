"""The way out to Spotify and back in, in the visitor's browser."""

from __future__ import annotations

from typing import Any

import streamlit as st

from recommender.spotify.auth import LIFETIME, PendingAuthorization
from ui.widgets.frontend import component

_door = component("spotify_door")


def leave(pending: PendingAuthorization, press: int) -> None:
    """Send the browser to Spotify, with the cookie that it will have to show afterwards.

    Args:
        pending: what `PendingAuthorizations.begin` returned.
        press: how often that was asked for; the browser goes once for each.
    """
    _mount(
        "spotify-door-out",
        leaving=True,
        press=press,
        url=pending.url,
        cookie=pending.cookie,
        value=pending.proof,
        seconds=int(LIFETIME),
    )


def tidy_up(cookie: str) -> bool:
    """Take Spotify's answer out of the address, and the cookie out of the browser.

    Returns:
        Whether the browser says that it is done; it causes a rerun when it does.
    """
    key = "spotify-door-in"
    _mount(key, leaving=False, press=0, url="", cookie=cookie, value="", seconds=0)
    state = st.session_state.get(key)
    return state is not None and state.get("tidy") == cookie


def _mount(key: str, **data: Any) -> None:
    _door(key=key, data=data, on_tidy_change=lambda: None)
