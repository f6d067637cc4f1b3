"""What was learned of the visitor's own face in this visit, and how to forget it."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from ui.live.camera import LiveCamera
from ui.state import VisitorState, visitor_state


def apply_resting_face(visitor: VisitorState, camera: LiveCamera) -> None:
    """Apply a resting face that the camera has collected, and re-centre the camera's readings."""
    rest = camera.new_rest()
    if rest is not None:
        visitor.rest_like(rest)
    camera.recentre(visitor.recentring)


def nothing_learned() -> bool:
    """Whether nothing is known of the visitor's own face."""
    visitor = visitor_state()
    return visitor.resting is None and not visitor.corrections


def personalization(*, key: str) -> None:
    """Say what is known of the visitor's face, each with one tap to forget it.

    Args:
        key: tells the buttons of one place from those of another.
    """
    visitor = visitor_state()
    if visitor.resting is not None:
        _line(
            "Your resting face now counts as neutral.",
            "Forget it",
            key=f"{key}-forget-resting",
            on_click=visitor.forget_resting,
        )
    if visitor.corrections:
        _line(
            "New readings now lean towards your corrections.",
            "Forget my corrections",
            key=f"{key}-forget-corrections",
            on_click=visitor.forget_corrections,
        )


def _line(text: str, label: str, *, key: str, on_click: Callable[[], None]) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        st.markdown(f":small[{text}]", width="content")
        st.button(
            f":small[{label}]",
            type="tertiary",
            icon=":material/undo:",
            key=key,
            on_click=on_click,
        )
