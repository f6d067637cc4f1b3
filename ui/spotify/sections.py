"""The sections of the settings page: what Spotify adds, permissions, quota and privacy."""

from __future__ import annotations

from typing import Final

import streamlit as st

from recommender.spotify import SpotifyError
from recommender.spotify.auth import REDIRECT
from ui import wording
from ui.spotify import lookup, sign_in
from ui.spotify.panel import connect_button

ADDED: Final = (
    (
        ":material/library_music:",
        "Your own music counts",
        "Artists and genres that you hear often come first.",
    ),
    (
        ":material/explore:",
        "Fresh tracks",
        "Spotify’s search is ranked together with the catalogue here.",
    ),
    (
        ":material/playlist_add:",
        "Save and play",
        "A set becomes a playlist in your account, or plays on your speakers.",
    ),
)

PRIVACY: Final = """
- **Your face, your feelings, your mood are never sent to Spotify.** A search asks for genres, years
  and words of music. A saved playlist says how many tracks it has, not how you felt.
- What Affectune reads (who is connected, top artists and tracks, what was played lately) stays in
  the memory of this one page of your browser’s, on the machine that serves it. It is written to no
  file, trains nothing and reaches no other visitor.
- Closing or reloading the page forgets it. *Disconnect and delete* does so at once.
"""

PERMISSION_ELSEWHERE: Final = (
    "Spotify keeps its own record of the permission. You can take it back in "
    "[your account at Spotify](https://www.spotify.com/account/apps/); it ends by itself after six "
    "months."
)


def what_it_adds() -> None:
    """Draw the three things that Spotify adds."""
    columns = st.grid(3, min_column_width=250, gap="medium")
    for icon, title, text in ADDED:
        columns.markdown(f"{icon} **{title}**  \n{text}")


def privacy() -> None:
    """Say what is sent to Spotify and what is kept of it."""
    st.header("What stays private", anchor=False)
    st.markdown(PRIVACY)


def how_to_get_keys() -> None:
    """Say step by step how whoever runs the app gets a client id."""
    st.header("How to get a key", anchor=False)
    st.markdown(
        "It is free for your own use, takes five minutes, and whoever runs Affectune does it once. "
        "The account that owns the key needs Spotify Premium.\n\n"
        "1. Open [Spotify’s developer dashboard](https://developer.spotify.com/dashboard) and "
        "choose *Create app*. Name and description are up to you; tick *Web API*.\n"
        "2. As *Redirect URI* register exactly this, with the slash at its end:"
    )
    redirect = sign_in.redirect_uri_to_register()
    st.code(redirect, language=None)
    st.markdown(
        "3. Under *User Management*, add the e-mail address of everybody who shall connect, your "
        "own too. Spotify allows five.\n"
        "4. Copy the *Client ID* from the app’s settings into the file `.streamlit/secrets.toml`. "
        "The secret is not needed:"
    )
    lines = ['SPOTIPY_CLIENT_ID = "the client id"']
    if redirect != REDIRECT:
        lines.append(f'SPOTIPY_REDIRECT_URI = "{redirect}"')
    st.code("\n".join(lines), language=None)
    st.markdown(f"5. Start Affectune again and open [{redirect}]({redirect}) (not *localhost*).")


def permissions() -> None:
    """Draw each permission, allowed or with a button that asks for it."""
    st.header("What it may do", anchor=False)
    for name, permission in sign_in.PERMISSIONS.items():
        with st.container(
            border=True,
            horizontal=True,
            horizontal_alignment="distribute",
            vertical_alignment="center",
        ):
            st.markdown(
                f"{permission.icon} **{permission.label}**  \n{permission.text}", width="content"
            )
            if sign_in.may(name):
                st.markdown(":material/check: Allowed", width="content")
            else:
                with st.container(width="content"):
                    connect_button("Allow", name, page="settings")


def your_music() -> None:
    """Say what is known of the visitor's music."""
    st.header("Your music", anchor=False)
    known = lookup.profile()
    if isinstance(known, SpotifyError):
        st.markdown(f":material/info: {known.sentence}")
        return
    if not known.artists:
        st.markdown("Spotify knows of nothing that you played yet.")
        return
    said = f"Often heard: {', '.join(wording.escape_markdown(name) for name in known.artists[:8])}."
    if known.genres:
        said += f" Mostly {', '.join(wording.escape_markdown(name) for name in known.genres[:5])}."
    st.markdown(f"{said} From [Spotify](https://open.spotify.com), read for this visit only.")
    if known.trouble:
        st.caption(f":material/info: Not everything could be read. {known.trouble.sentence}")


def quota() -> None:
    """Say which calls Spotify has asked to pause, and until when."""
    st.header("Quota", anchor=False)
    rests = lookup.resting()
    if not rests:
        st.markdown("Spotify limits how often an app may ask. Nothing has to rest just now.")
        return
    st.markdown("Spotify asked to be left alone for a while. The catalogue answers meanwhile.")
    st.info("  \n".join(rests), icon=":material/hourglass_empty:")
