"""Several faces at once: who counts how much, and how far apart they are."""

from __future__ import annotations

import streamlit as st

from recommender.room import room as room_of
from ui import wording
from ui.state import ROOM, visitor_state


def room() -> None:
    """If the whole room was chosen, say how far apart its moods are and ask who counts more."""
    visitor = visitor_state()
    if visitor.photo is None or visitor.photo.chosen != ROOM:
        return
    st.markdown(room_of(visitor.photo.moods, visitor.photo.weights).sentence)
    # The live camera leaves no picture, so faces are identified by what they show.
    names = [
        f":gray[Face {number} {wording.FEELINGS[face.scores.emotion].glyph}]"
        for number, face in enumerate(visitor.photo.reading.faces, start=1)
    ]
    st.session_state["favoured"] = list(visitor.photo.favoured)
    st.pills(
        "Who counts more?",
        range(len(names)),
        selection_mode="multi",
        format_func=names.__getitem__,
        key="favoured",
        on_change=lambda: visitor.favour(st.session_state["favoured"]),
        wrap=True,
    )
