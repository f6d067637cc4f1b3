"""The router: what every page has around it, and nothing else."""

import streamlit as st

from pages.components import player, services

services.keep_uploads_in_memory()
st.set_page_config(page_title="Affectune", page_icon="static/icon.png", layout="wide")
st.logo("static/logo.svg", size="large")

page = st.navigation(
    [
        st.Page("pages/home.py", title="Home", default=True),
        st.Page("pages/selfie.py", title="Selfie"),
        st.Page("pages/playlist.py", title="Playlist"),
    ],
    position="top",
)

services.warm_up()

# Outside the page, so that the music goes on when the page changes.
player.draw()

st.session_state["_routed"] = True
if wanted := st.session_state.pop("_wanted", None):
    st.switch_page(wanted)
page.run()
