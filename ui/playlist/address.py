"""The visitor's session in the page's address, so that a reload or a new tab restores it."""

from __future__ import annotations

import streamlit as st

from recommender.session import Session
from recommender.sharing import resume
from recommender.sharing.resume import PARAMETER
from ui import services, wording
from ui.playlist import music
from ui.state import VisitorState


def written(visitor: VisitorState) -> str | None:
    """Return the visitor's session as text for the address.

    ``None`` until there is a set, or a mood that was set by hand. If a face was read, such a mood
    alone does not count: a dot near the reading would reveal it.
    """
    session = music.session_of(visitor)
    playlist = session.sets.get(session.options)
    by_hand = visitor.manual_mood is not None and visitor.photo is None
    if playlist is None and not by_hand:
        return None
    # Not in every run: finding the journey of a set takes a search.
    what = session.mood if playlist is None else id(playlist)
    state = (what, session.options, session.taste.feedback, session.playing)
    last: tuple[object, str | None] | None = st.session_state.get("_address")
    if last is None or last[0] != state:
        recommender, _ = services.recommender()
        text = resume.encode(session, catalog=recommender.catalog, mood_by_hand=by_hand)
        last = (state, text)
        st.session_state["_address"] = last
    return last[1]


def asked() -> str | None:
    """Return the text in the address when this session began."""
    # On a cold server a page has saved the query parameters: see `require_router`.
    early = st.session_state.get("_asked") or {}
    text = st.query_params.get(PARAMETER) or early.get(PARAMETER)
    return text if isinstance(text, str) else None


def restore(visitor: VisitorState, text: str) -> str | None:
    """Restore a visitor's state from an address. An invalid text changes nothing.

    The mood comes back as one that was set by hand: the address knows nothing of a face.

    Args:
        visitor: a new state, in which nothing has happened yet.
        text: from the address, so untrusted.

    Returns:
        The sentence to show, if it was restored.
    """
    try:
        found = services.with_catalog(lambda catalog: resume.decode(text, catalog=catalog))
    except ValueError:
        return None
    session: Session = found.session
    visitor.manual_mood = session.mood
    options = session.options
    visitor.minutes, visitor.draw = options.minutes, options.draw
    # Without a set the question is still open.
    visitor.intent = options.intent if session.sets else None
    visitor.filters = visitor.filters_before = options.filters
    visitor.adventure = min(wording.ADVENTURE, key=lambda step: abs(step - options.adventure))
    visitor.taste, visitor.playing = session.taste, session.playing
    playlist = session.playlist
    visitor.sets = {visitor.options: playlist} if playlist else {}
    visitor.idle = visitor.playing is not None
    count = len(playlist.picks) if playlist else 0
    return wording.welcome_back(found.missing, found.missing + count, found.forgotten)
