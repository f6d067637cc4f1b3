"""The one question: what should the music do?"""

from __future__ import annotations

import streamlit as st

from pages.components import words
from pages.components.state import visit


def question() -> None:
    """Ask, with the suggestion in front; an answer leads to the playlist."""
    me = visit()
    st.header(words.QUESTION, anchor=False)
    for column, (intent, choice) in zip(st.columns(3), words.CHOICES.items(), strict=True):
        with column.container(gap="xsmall"):
            if st.button(
                choice.label,
                key=f"intent-{intent}",
                type="primary" if intent == me.suggestion else "secondary",
                icon=choice.icon,
                width="stretch",
            ):
                me.intent = intent
                st.switch_page("pages/playlist.py")
            st.caption(choice.promise, text_alignment="center")
