"""The ways to a mood, wherever one is missing."""

from __future__ import annotations

import streamlit as st

from ui.diary import diary
from ui.state import go, visit


def ways_in(*, by_hand: bool = False) -> None:
    """Offer the camera and a selfie, and, where no pad is near, to set the mood by hand."""
    me = visit()

    def choose() -> None:
        me.chooser = "upload"
        go("selfie")

    with st.container(horizontal=True):
        st.button(
            "Use the camera",
            type="primary",
            icon=":material/videocam:",
            on_click=go,
            args=("live",),
        )
        st.button("Choose a selfie", icon=":material/image:", on_click=choose)
        if by_hand:
            st.button(
                "Set it by hand",
                icon=":material/touch_app:",
                on_click=go,
                args=("home",),
            )
    st.caption(f":material/lock: {diary.privacy()}")
