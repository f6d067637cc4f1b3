"""The one question: what should the music do?"""

from __future__ import annotations

import streamlit as st

from recommender.types import Intent
from ui import wording
from ui.navigation import navigate_to
from ui.state import visitor_state


def question() -> None:
    """Ask, with the suggestion in front; an answer leads to the playlist."""
    visitor = visitor_state()

    def answer(intent: Intent) -> None:
        visitor.intent, visitor.shared = intent, None
        navigate_to("playlist")

    st.header(wording.QUESTION, anchor=False)
    for column, (intent, choice) in zip(st.columns(3), wording.CHOICES.items(), strict=True):
        with column.container(gap="xsmall"):
            st.button(
                choice.label,
                key=f"intent-{intent}",
                type="primary" if intent == visitor.suggestion else "secondary",
                icon=choice.icon,
                width="stretch",
                on_click=answer,
                args=(intent,),
            )
            st.caption(choice.promise, text_alignment="center")
