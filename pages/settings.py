"""Settings: the music, the visitor's face, the diary and Spotify, each in a few lines."""

import streamlit as st

from recommender.spotify import SpotifyError
from ui import wording
from ui.diary import identity
from ui.diary import view as diary_view
from ui.live.resting_face import nothing_learned, personalization
from ui.navigation import NOTICE_SECONDS, one_time_notice, require_router
from ui.playlist import controls
from ui.spotify import lookup, sections, sign_in
from ui.spotify.panel import connect_button
from ui.state import visitor_state

require_router("settings")
visitor = visitor_state()
body = st.container(horizontal_alignment="center").container(width=900)

with body:
    st.title("Settings", anchor=False)
    with one_time_notice(sign_in.NOTICE_KEY, seconds=NOTICE_SECONDS) as notice:
        if notice:
            st.info(notice, icon=":material/info:")

    st.header("Music", anchor=False)
    with st.container(width=420):
        controls.how_far_and_long(visitor)

    st.header("Your face", anchor=False)
    if nothing_learned():
        st.markdown(
            "Nothing learned yet. When you correct a reading, or set your resting face on the Live "
            "page, you can undo it here."
        )
    personalization(key="settings")

    st.header("Diary", anchor=False)
    if identity.who().kind in ("computer", "person"):
        diary_view.switch()
        diary_view.problem()
    st.page_link("pages/diary.py", label="Open the diary", icon=":material/book:")

    # No client id
    if sign_in.keys() is None:
        st.header("Spotify", anchor=False)
        st.markdown(
            "You don’t need an account: the music comes from Affectune’s own catalogue and plays "
            "in Spotify’s player. With a key of your own, Spotify adds three things:"
        )
        sections.what_it_adds()
        st.page_link("pages/spotify_key.py", label="Get a Spotify key", icon=":material/key:")

    # Not connected
    elif sign_in.connection() is None:
        st.header("Connect Spotify, if you like", anchor=False)
        st.markdown("Everything works without it. Connecting your account adds:")
        sections.what_it_adds()
        connect_button("Connect Spotify", "taste", page="settings", primary=True)
        st.markdown(
            "Spotify will ask if Affectune can read what you listen to. It asks about saving and "
            "playing when you first use them."
        )
        sections.quota()
        sections.privacy()

    # Connected
    else:
        with st.spinner("Asking Spotify…"):
            lookup.remember("account", *(["profile"] if sign_in.may("taste") else []))
            who = lookup.account()
        if sign_in.connection() is None:  # Spotify has ended it
            st.rerun()
        if isinstance(who, SpotifyError):
            st.header("Connected to Spotify", anchor=False)
            st.info(who.sentence, icon=":material/info:")
        else:
            st.header(
                f"Connected to Spotify as {wording.escape_markdown(who.display_name)}", anchor=False
            )
        sections.permissions()
        if sign_in.may("taste"):
            sections.your_music()
        sections.quota()
        st.subheader("Disconnect", anchor=False)
        st.markdown(
            "The token and everything read from Spotify are only in this page’s memory. "
            f"{sections.PERMISSION_ELSEWHERE}"
        )
        st.button("Disconnect and delete", icon=":material/link_off:", on_click=sign_in.disconnect)
        sections.privacy()
