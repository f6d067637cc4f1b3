"""Home: what it does in one sentence, and the ways in."""

import streamlit as st

from ui.mood_entry import ways_in
from ui.state import MIDDLE, go, require_router, visit
from ui.widgets.mood_pad import mood_pad

require_router("home")
me = visit()


def find_music() -> None:
    me.shared = None
    if me.mood is None:
        me.put(MIDDLE)
    go("playlist")


body = st.container(horizontal_alignment="center").container(width=1080)
intro, pad = body.columns([6, 5], gap="large", vertical_alignment="center")

with intro:
    st.title("Music that meets your mood, then moves it.", anchor=False)
    st.markdown(
        "Show your face for a moment. Affectune reads the mood on it, plays real tracks that fit, "
        "and tells you why each one is there."
    )
    ways_in()

with pad:
    st.markdown("**Or set it by hand.** Drag the dot to how you feel.")
    mood_pad(
        key="home-pad",
        point=me.mood or MIDDLE,
        reading=me.photo.mood if me.photo else None,
        on_move=me.put,
    )
    st.button(
        "Find music for this",
        icon=":material/arrow_forward:",
        icon_position="right",
        width="stretch",
        on_click=find_music,
    )
