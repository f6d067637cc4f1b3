"""The ways to a mood, wherever one is missing."""

from __future__ import annotations

import streamlit as st

from ui.diary import diary
from ui.navigation import navigate_to
from ui.state import visitor_state


def mood_entry(*, by_hand: bool = False) -> None:
    """Offer the camera and a selfie, and, where no pad is near, to set the mood by hand."""
    visitor = visitor_state()

    def choose() -> None:
        visitor.chooser = "upload"
        navigate_to("selfie")

    with st.container(horizontal=True):
        st.button(
            "Use the camera",
            type="primary",
            icon=":material/videocam:",
            on_click=navigate_to,
            args=("live",),
        )
        st.button("Choose a selfie", icon=":material/image:", on_click=choose)
        if by_hand:
            st.button(
                "Set it by hand",
                icon=":material/touch_app:",
                on_click=navigate_to,
                args=("home",),
            )
    st.caption(f":material/lock: {diary.privacy()}")
