"""Several faces at once: who counts how much, and how far apart they are."""

from __future__ import annotations

import streamlit as st

from recommender.room import room as room_of
from ui.state import ROOM, visit


def room() -> None:
    """Where the whole room was chosen, say how far apart people are and ask who counts more."""
    me = visit()
    if me.photo is None or me.photo.chosen != ROOM:
        return
    st.markdown(room_of(me.photo.moods, me.photo.weights).sentence)
    st.session_state["favoured"] = list(me.photo.favoured)
    st.pills(
        "Who counts more?",
        range(len(me.photo.reading.faces)),
        selection_mode="multi",
        format_func=lambda face: f":gray[Face {face + 1}]",
        key="favoured",
        on_change=lambda: me.favour(st.session_state["favoured"]),
        wrap=True,
    )
