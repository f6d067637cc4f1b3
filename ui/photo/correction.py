"""One tap for whoever knows better than the network."""

from __future__ import annotations

import streamlit as st

from emotion.labels import EMOTIONS
from ui import wording
from ui.state import visit


def correction() -> None:
    """Offer the seven emotions; tapping the chosen one again takes the correction back."""
    me = visit()
    if me.photo is None:
        return
    unsure = me.photo.scores.unsure and me.said is None
    # The dot on the pad may have overruled the pill since it was tapped.
    st.session_state["said"] = me.said
    st.pills(
        "Tap the one that fits." if unsure else "**Not quite?** Tap what fits.",
        EMOTIONS,
        # Gray letters: the theme's primary would be too faint on a chosen pill by night.
        format_func=lambda emotion: (
            f"{wording.FEELINGS[emotion].glyph} :gray[{wording.FEELINGS[emotion].word}]"
        ),
        key="said",
        on_change=lambda: me.say(st.session_state["said"]),
        wrap=True,
    )
