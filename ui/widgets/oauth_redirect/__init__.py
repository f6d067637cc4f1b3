"""The redirect to Spotify and back, with its cookie, in the visitor's browser."""

from __future__ import annotations

from typing import Any

import streamlit as st

from recommender.spotify.auth import AUTHORIZATION_SECONDS, PendingAuthorization
from ui.widgets.frontend import component

_component = component("oauth_redirect")


def leave(pending: PendingAuthorization, press: int) -> None:
    """Send the browser to Spotify, with a cookie to present when it comes back.

    Args:
        pending: what `PendingAuthorizations.begin` returned.
        press: counts the requests; the browser leaves once for each.
    """
    _mount(
        "oauth-redirect-out",
        leaving=True,
        press=press,
        url=pending.url,
        cookie=pending.cookie,
        value=pending.proof,
        seconds=int(AUTHORIZATION_SECONDS),
    )


def clean_up(cookie: str) -> bool:
    """Remove Spotify's response from the address, and the cookie from the browser.

    Returns:
        Whether the browser has reported that it is done, which causes a rerun.
    """
    key = "oauth-redirect-back"
    _mount(key, leaving=False, press=0, url="", cookie=cookie, value="", seconds=0)
    state = st.session_state.get(key)
    return state is not None and state.get("cleaned_up") == cookie


def _mount(key: str, **data: Any) -> None:
    _component(key=key, data=data, on_cleaned_up_change=lambda: None)
