"""Spotify key: how the operator of the app gets a client id, step by step."""

import streamlit as st

from ui.navigation import require_router
from ui.spotify import sections

require_router("spotify_key")

body = st.container(horizontal_alignment="center").container(width=900)

with body:
    st.title("How to get a Spotify key", anchor=False)
    st.markdown("Everything works without one. With a key, Spotify adds three things:")
    sections.what_it_adds()
    sections.how_to_get_keys()
    sections.privacy()
