"""The ways to a mood, wherever one is missing."""

from __future__ import annotations

import streamlit as st

from pages.components import words
from pages.components.state import visit


def ways_in(*, by_hand: bool = False) -> None:
    """Offer the camera and a selfie, and, where no pad is near, to set the mood by hand."""
    me = visit()
    with st.container(horizontal=True):
        if st.button("Use the camera", type="primary", icon=":material/videocam:"):
            me.chooser = "camera"
            st.switch_page("pages/selfie.py")
        if st.button("Choose a selfie", icon=":material/image:"):
            me.chooser = "upload"
            st.switch_page("pages/selfie.py")
        if by_hand and st.button("Set it by hand", icon=":material/touch_app:"):
            st.switch_page("pages/home.py")
    st.caption(f":material/lock: {words.PRIVACY}")
