"""What was learned about the visitor's face in this visit, and how to forget it."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from ui.live.camera import LiveCamera
from ui.state import VisitorState, visitor_state


def apply_resting_face(visitor: VisitorState, camera: LiveCamera) -> None:
    """Apply a resting face that the camera has collected, and re-centre the camera's readings."""
    rest = camera.new_rest()
    if rest is not None:
        visitor.use_resting_face(rest)
    camera.recentre(visitor.recentring)


def nothing_learned() -> bool:
    """Return whether nothing was learned about the visitor's face."""
    visitor = visitor_state()
    return visitor.resting is None and not visitor.corrections


def personalization(*, key: str) -> None:
    """Say what was learned about the visitor's face, with a button for each to forget it.

    Args:
        key: makes the buttons' keys unique on the page.
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
