"""Home: what the app does in one sentence, and the ways to enter a mood."""

import streamlit as st

from ui.mood_entry import mood_entry
from ui.navigation import navigate_to, require_router
from ui.state import MIDDLE, visitor_state
from ui.widgets.mood_pad import mood_pad

require_router("home")
visitor = visitor_state()


def find_music() -> None:
    visitor.shared = None
    if visitor.mood is None:
        visitor.set_manually(MIDDLE)
    navigate_to("playlist")


body = st.container(horizontal_alignment="center").container(width=1080)
intro, pad = body.columns([6, 5], gap="large", vertical_alignment="center")

with intro:
    st.title("Music that meets your mood, then moves it.", anchor=False)
    st.markdown(
        "Show your face for a moment. Affectune reads the mood on it and plays real tracks that "
        "fit."
    )
    mood_entry()

with pad:
    st.markdown("**Or set it by hand.** Drag the dot to how you feel.")
    mood_pad(
        key="home-pad",
        point=visitor.mood or MIDDLE,
        reading=visitor.photo.mood if visitor.photo else None,
        on_move=visitor.set_manually,
    )
    st.button(
        "Find music for this",
        icon=":material/arrow_forward:",
        icon_position="right",
        width="stretch",
        on_click=find_music,
    )
