"""What the pages say about Spotify: what it adds, permissions, quota, privacy, getting a key."""

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
        "Your taste counts",
        "Artists and genres you play often come first.",
    ),
    (
        ":material/explore:",
        "New tracks",
        "Tracks from Spotify’s search join the ones here.",
    ),
    (
        ":material/playlist_add:",
        "Save and play",
        "A set becomes a playlist in your account, or plays on your speakers.",
    ),
)

PRIVACY: Final = """
- **Your face, your feelings and your mood are never sent to Spotify.** A search only asks for
  genres, years and words that describe music. A saved playlist’s name gives its
  length, not how you felt.
- What Affectune reads (your account’s name, top artists and tracks, what you played lately) stays
  in the server’s memory for this page only. It isn’t written to a file, trains nothing, and no
  other visitor sees it.
- Closing or reloading the page forgets it. *Disconnect and delete* forgets it right away.
"""

PERMISSION_ELSEWHERE: Final = (
    "Spotify keeps its own record of the permission. You can withdraw it in "
    "[your Spotify account](https://www.spotify.com/account/apps/); it expires after six months."
)


def what_it_adds() -> None:
    """Draw the three things that Spotify adds."""
    columns = st.grid(3, min_column_width=250, gap="medium")
    for icon, title, text in ADDED:
        columns.markdown(f"{icon} **{title}**  \n{text}")


def privacy() -> None:
    """Say what is sent to Spotify, and what is kept of its answers."""
    st.header("What stays private", anchor=False)
    st.markdown(PRIVACY)


def how_to_get_keys() -> None:
    """Say step by step how the operator of the app gets a client id."""
    st.header("Step by step", anchor=False)
    st.markdown(
        "It’s free for personal use, takes five minutes, and only the person who runs "
        "Affectune has to do it. The account that owns the key needs Spotify Premium.\n\n"
        "1. Open [Spotify’s developer dashboard](https://developer.spotify.com/dashboard) and "
        "choose *Create app*. Pick any name and description, and tick *Web API*.\n"
        "2. As *Redirect URI*, enter exactly this, including the slash at the end:"
    )
    redirect = sign_in.redirect_uri_to_register()
    st.code(redirect, language=None, wrap_lines=True)
    st.markdown(
        "3. Under *User Management*, add the email address of everyone who should be able to "
        "connect, yourself included. Spotify allows five.\n"
        "4. Copy the *Client ID* from the app’s settings into the file `.streamlit/secrets.toml`. "
        "You don’t need the secret:"
    )
    lines = ['SPOTIPY_CLIENT_ID = "the client id"']
    if redirect != REDIRECT:
        lines.append(f'SPOTIPY_REDIRECT_URI = "{redirect}"')
    st.code("\n".join(lines), language=None, wrap_lines=True)
    st.markdown(f"5. Start Affectune again and open [{redirect}]({redirect}) (not *localhost*).")


def permissions() -> None:
    """Draw each permission: that it is allowed, or a button that asks for it."""
    st.subheader("What it may do", anchor=False)
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
    """Say what is known about the visitor's music."""
    st.subheader("Your music", anchor=False)
    known = lookup.profile()
    if isinstance(known, SpotifyError):
        st.markdown(f":material/info: {known.sentence}")
        return
    if not known.artists:
        st.markdown("Spotify has no listening history for you yet.")
        return
    said = f"Often heard: {', '.join(wording.escape_markdown(name) for name in known.artists[:8])}."
    if known.genres:
        said += f" Mostly {', '.join(wording.escape_markdown(name) for name in known.genres[:5])}."
    st.markdown(f"{said} From [Spotify](https://open.spotify.com), read for this visit only.")
    if known.trouble:
        st.caption(f":material/info: Not everything could be read. {known.trouble.sentence}")


def quota() -> None:
    """Say which requests Spotify has asked to pause, and until when."""
    st.subheader("Quota", anchor=False)
    rests = lookup.resting()
    if not rests:
        st.markdown("Spotify limits how often an app can ask. No limit applies right now.")
        return
    st.markdown("Spotify has asked us to wait. Music from the catalogue keeps playing.")
    st.info("  \n".join(rests), icon=":material/hourglass_empty:")
