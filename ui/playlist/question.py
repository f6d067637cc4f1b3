"""The question "What should the music do?"."""

from __future__ import annotations

import streamlit as st

from recommender.journey import offered_intents
from recommender.types import Intent
from ui import wording
from ui.navigation import navigate_to
from ui.state import visitor_state


def question() -> None:
    """Ask, with the suggestion highlighted; an answer leads to the playlist and starts it."""
    visitor = visitor_state()
    if visitor.mood is None:
        return

    def answer(intent: Intent) -> None:
        visitor.intent, visitor.shared, visitor.start = intent, None, True
        navigate_to("playlist")

    st.header(wording.QUESTION, anchor=False)
    offered = offered_intents(visitor.mood)
    # Side by side where there is room, one below the other on a phone.
    columns = st.grid(len(offered), min_column_width=200, gap="small")
    for intent in offered:
        with columns.cell(), st.container(gap="xsmall"):
            st.button(
                wording.CHOICES[intent].label,
                key=f"intent-{intent}",
                type="primary" if intent == visitor.suggestion else "secondary",
                icon=wording.CHOICES[intent].icon,
                width="stretch",
                on_click=answer,
                args=(intent,),
            )
            st.caption(
                wording.promise(intent, visitor.mood_in_words, visitor.mood),
                text_alignment="center",
            )
