"""One tap that corrects the network."""

from __future__ import annotations

import streamlit as st

from emotion.labels import EMOTIONS
from ui import wording
from ui.state import visitor_state


def correction() -> None:
    """Offer the seven emotions; tapping the chosen one again takes the correction back."""
    visitor = visitor_state()
    if visitor.photo is None:
        return
    scores = visitor.photo.scores
    unsure = scores.unsure and visitor.corrected_emotion is None
    # The two in question come first, then the others in their usual order.
    first = wording.mentioned(scores) if unsure else ()
    # The dot on the pad may have overridden the pill since it was tapped.
    st.session_state["corrected_emotion"] = visitor.corrected_emotion
    st.pills(
        "Tap the one that fits." if unsure else "**Not quite?** Tap what fits.",
        (*first, *(emotion for emotion in EMOTIONS if emotion not in first)),
        # Gray: on a selected pill the primary colour would be too faint in the dark theme.
        format_func=lambda emotion: (
            f"{wording.FEELINGS[emotion].glyph} :gray[{wording.FEELINGS[emotion].word}]"
        ),
        key="corrected_emotion",
        on_change=lambda: visitor.correct_emotion(st.session_state["corrected_emotion"]),
        wrap=True,
    )
