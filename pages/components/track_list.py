"""The rows of a playlist."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from pages.components.frontend import component
from recommender.types import Pick

_rows = component("track_list")


def track_list(
    picks: Sequence[Pick], *, key: str, current: str | None, on_play: Callable[[str], None]
) -> None:
    """Draw one row a track: play, title and artists, reason.

    An element of our own, because a Streamlit button that shows only an icon is called after its
    icon: a screen reader would meet fifteen buttons named "play_arrow".

    Args:
        picks: the tracks in playing order.
        key: one per list on the page.
        current: the id of the playing track; its row shows where else it plays.
        on_play: called with the id of the row whose button was pressed.
    """

    def pressed() -> None:
        track = st.session_state[key].get("play")
        if track:
            on_play(track)

    _rows(
        key=key,
        on_play_change=pressed,
        data={
            "label": "Tracks in playing order",
            "current": current,
            "rows": [
                {
                    "id": pick.track.id,
                    "number": number,
                    "title": pick.track.title,
                    "artists": ", ".join(pick.track.artists),
                    "reason": pick.reason,
                    "url": pick.track.url,
                }
                for number, pick in enumerate(picks, start=1)
            ],
        },
    )
