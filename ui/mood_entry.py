"""The ways to enter a mood, offered wherever one is missing."""

from __future__ import annotations

import streamlit as st

from ui.diary import diary
from ui.live.camera import live_camera
from ui.navigation import navigate_to
from ui.photo.upload import photo_choice, problem, uploader


def use_camera() -> None:
    """Go to the live page, where the camera starts at once. For callbacks."""
    live_camera().wanted = True
    navigate_to("live")


def mood_entry(*, by_hand: bool = False) -> None:
    """Offer the camera and a selfie, each with one tap.

    Args:
        by_hand: whether to offer the pad as well, where the page has none.
    """
    with st.container(horizontal=True):
        st.button("Use the camera", type="primary", icon=":material/videocam:", on_click=use_camera)
        photo_choice("Choose a selfie")
        if by_hand:
            st.button(
                "Set it by hand",
                icon=":material/touch_app:",
                on_click=navigate_to,
                args=("home",),
            )
    uploader()
    problem()
    st.caption(f":material/lock: {diary.privacy()}")
