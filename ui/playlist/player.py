"""The one player, at the foot of every page."""

from __future__ import annotations

import streamlit as st

from ui.state import visitor_state

PLAYER_HEIGHT_PX = 80
"""Pixels of Spotify's compact player."""


def draw() -> None:
    """Draw the player with the chosen track; before one is chosen, nothing is fetched."""
    track = visitor_state().playing
    if track is None:
        return
    look = "0" if st.context.theme.type == "dark" else "1"
    with st.bottom, st.container(horizontal_alignment="center").container(width=1080):
        st.iframe(
            f"https://open.spotify.com/embed/track/{track.id}?utm_source=generator&theme={look}",
            height=PLAYER_HEIGHT_PX,
            alt=f"Spotify player: {track.title} by {', '.join(track.artists)}",
        )
