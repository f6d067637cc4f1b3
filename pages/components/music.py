"""Drawing a set of tracks for a visitor, and remembering it for the way back."""

from __future__ import annotations

from functools import partial
from typing import Final

import streamlit as st

from pages.components import services
from pages.components.state import Visit
from recommender.types import Playlist

LENGTH: Final = 15
"""Tracks in a set: about an hour."""


def current_set(me: Visit) -> Playlist:
    """Return the set for the visitor's mood, intent, genres and draw; draw it if it is new.

    Raises:
        ValueError: there is no mood to draw for.
    """
    if me.mood is None:
        raise ValueError("Incorrect value for 'me' argument: a visit without a mood")
    me.intent = me.intent or me.suggestion
    wanted = (me.intent, me.genres, me.draw)
    if wanted not in me.sets:
        heard = {
            pick.track.id
            for (intent, genres, _), earlier in me.sets.items()
            if (intent, genres) == wanted[:2]
            for pick in earlier.picks
        }
        with st.spinner("Choosing the music…"):
            recommender, _ = services.recommender()
            ask = partial(
                recommender.recommend,
                me.mood,
                intent=me.intent,
                n=LENGTH,
                genres=me.genres,
                emotions=me.emotions,
            )
            playlist = ask(exclude=heard)
            if heard and len(playlist.picks) < LENGTH:
                # Everything that fits was heard: begin again rather than show half a set.
                playlist = ask()
        me.sets[wanted] = playlist
    return me.sets[wanted]


def play(me: Visit, track_id: str) -> None:
    """Put a track into the player, or take it out again if it is there.

    A row may have been tapped just when another set took its place, so all sets are looked
    through, and an id of none of them is no reason to stop.
    """
    if me.playing is not None and me.playing.id == track_id:
        me.playing = None
        return
    for drawn in me.sets.values():
        for pick in drawn.picks:
            if pick.track.id == track_id:
                me.playing = pick.track
