"""Settings: what Spotify would add, who is connected, and how to end it."""

import streamlit as st

from recommender.spotify import SpotifyError
from ui import wording
from ui.navigation import require_router
from ui.spotify import lookup, sections, sign_in
from ui.spotify.panel import connect_button

require_router("settings")
body = st.container(horizontal_alignment="center").container(width=900)

with body:
    notice = sign_in.take_notice()
    if notice:
        st.info(notice, icon=":material/info:")

    # No client id
    if sign_in.keys() is None:
        st.title("Everything works without an account", anchor=False)
        st.markdown(
            "The music comes from Affectune’s own catalogue and plays in Spotify’s player. With a "
            "key of your own, Spotify adds three things:"
        )
        sections.what_it_adds()
        sections.how_to_get_keys()

    # Not connected
    elif sign_in.connection() is None:
        st.title("Connect your Spotify, if you like", anchor=False)
        st.markdown("Everything works without. With your account, there is more:")
        sections.what_it_adds()
        connect_button("Connect Spotify", "taste", page="settings", primary=True)
        st.markdown(
            "Spotify will ask whether Affectune may read what you listen to. Saving and playing "
            "are asked for when you first use them."
        )
        sections.quota()

    # Connected
    else:
        with st.spinner("Asking Spotify…"):
            lookup.remember("account", *(["profile"] if sign_in.may("taste") else []))
            who = lookup.account()
        if sign_in.connection() is None:  # Spotify has ended it
            st.rerun()
        if isinstance(who, SpotifyError):
            st.title("Connected to Spotify", anchor=False)
            st.info(who.sentence, icon=":material/info:")
        else:
            st.title(
                f"Connected to Spotify as {wording.escape_markdown(who.display_name)}", anchor=False
            )
        sections.permissions()
        if sign_in.may("taste"):
            sections.your_music()
        sections.quota()
        st.header("Ending it", anchor=False)
        st.markdown(
            "The token and everything that was read are in this page’s memory only. "
            f"{sections.PERMISSION_ELSEWHERE}"
        )
        st.button("Disconnect and delete", icon=":material/link_off:", on_click=sign_in.disconnect)

    sections.privacy()
