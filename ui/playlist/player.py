"""The one player, at the foot of every page."""

from __future__ import annotations

from functools import partial
from typing import Final

import streamlit as st

from ui.playlist import music
from ui.state import visitor_state
from ui.widgets.player import hear, player

KEY: Final = "player"


def draw() -> None:
    """Draw the player once a track is chosen; until then nothing is fetched.

    To be called last in a run, when the page has decided what plays next.
    """
    if visitor_state().playing is None:
        return
    with st.bottom, st.container(horizontal_alignment="center").container(width=1080):
        _bar()


@st.fragment
def _bar() -> None:
    # A fragment, so that the player's reports cause no rerun of the whole page.
    visitor = visitor_state()
    tell = {
        "on_position": partial(music.follow, visitor),
        "on_press": partial(music.press, visitor),
    }
    hear(key=KEY, **tell)
    if visitor.playing is not None:
        player(
            music.queue(visitor),
            key=KEY,
            current=visitor.playing.id,
            turn=visitor.turn,
            idle=visitor.idle,
            dark=st.context.theme.type == "dark",
            liked=visitor.liked,
            **tell,
        )
    if visitor.redraw:
        visitor.redraw = False
        st.rerun()
