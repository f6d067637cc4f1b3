"""Settings: what Spotify would add, who is connected, and how to end it."""

import streamlit as st

from recommender.spotify import SpotifyError
from recommender.spotify.auth import REDIRECT
from ui import wording
from ui.navigation import require_router
from ui.spotify import lookup, sign_in
from ui.spotify.panel import connect_button

require_router("settings")

ADDED = (
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

PRIVACY = """
- **Your face, your feelings, your mood are never sent to Spotify.** A search asks for genres, years
  and words of music. A saved playlist says how many tracks it has, not how you felt.
- What Affectune reads (who is connected, top artists and tracks, what was played lately) stays in
  the memory of this one page of your browser’s, on the machine that serves it. It is written to no
  file, trains nothing and reaches no other visitor.
- Closing or reloading the page forgets it. *Disconnect and delete* does so at once.
"""

ELSEWHERE = (
    "Spotify keeps its own record of the permission. You can take it back in "
    "[your account at Spotify](https://www.spotify.com/account/apps/); it ends by itself after six "
    "months."
)


def what_it_adds() -> None:
    columns = st.grid(3, min_column_width=250, gap="medium")
    for icon, title, text in ADDED:
        columns.markdown(f"{icon} **{title}**  \n{text}")


def privacy() -> None:
    st.header("What stays private", anchor=False)
    st.markdown(PRIVACY)


def how_to_get_keys() -> None:
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


def without_keys() -> None:
    st.title("Everything works without an account", anchor=False)
    st.markdown(
        "The music comes from Affectune’s own catalogue and plays in Spotify’s player. With a key "
        "of your own, Spotify adds three things:"
    )
    what_it_adds()
    how_to_get_keys()
    privacy()


def not_connected() -> None:
    st.title("Connect your Spotify, if you like", anchor=False)
    st.markdown("Everything works without. With your account, there is more:")
    what_it_adds()
    connect_button("Connect Spotify", "taste", page="settings", primary=True)
    st.markdown(
        "Spotify will ask whether Affectune may read what you listen to. Saving and playing are "
        "asked for when you first use them."
    )
    quota()
    privacy()


def connected() -> None:
    with st.spinner("Asking Spotify…"):
        lookup.remember("account", *(["profile"] if sign_in.may("taste") else []))
        who = lookup.account()
    if sign_in.connection() is None:  # Spotify has ended it
        st.rerun()
    if isinstance(who, SpotifyError):
        st.title("Connected to Spotify", anchor=False)
        st.info(who.sentence, icon=":material/info:")
    else:
        st.title(f"Connected to Spotify as {wording.plain(who.display_name)}", anchor=False)
    permissions()
    if sign_in.may("taste"):
        your_music()
    quota()
    st.header("Ending it", anchor=False)
    st.markdown(
        "The token and everything that was read are in this page’s memory only. " + ELSEWHERE
    )
    st.button("Disconnect and delete", icon=":material/link_off:", on_click=sign_in.disconnect)
    privacy()


def permissions() -> None:
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
    st.header("Your music", anchor=False)
    known = lookup.profile()
    if isinstance(known, SpotifyError):
        st.markdown(f":material/info: {known.sentence}")
        return
    if not known.artists:
        st.markdown("Spotify knows of nothing that you played yet.")
        return
    said = f"Often heard: {', '.join(wording.plain(name) for name in known.artists[:8])}."
    if known.genres:
        said += f" Mostly {', '.join(wording.plain(name) for name in known.genres[:5])}."
    st.markdown(f"{said} From [Spotify](https://open.spotify.com), read for this visit only.")
    if known.trouble:
        st.caption(f":material/info: Not everything could be read. {known.trouble.sentence}")


def quota() -> None:
    st.header("Quota", anchor=False)
    rests = lookup.resting()
    if not rests:
        st.markdown("Spotify limits how often an app may ask. Nothing has to rest just now.")
        return
    st.markdown("Spotify asked to be left alone for a while. The catalogue answers meanwhile.")
    st.info("  \n".join(rests), icon=":material/hourglass_empty:")


body = st.container(horizontal_alignment="center").container(width=900)

with body:
    notice = sign_in.take_notice()
    if notice:
        st.info(notice, icon=":material/info:")
    if sign_in.keys() is None:
        without_keys()
    elif sign_in.connection() is None:
        not_connected()
    else:
        connected()
