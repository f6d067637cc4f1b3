"""A set as a link: made on one device, opened on another."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from recommender.sharing import link as share
from recommender.sharing.link_repair import PARAMETER, in_address
from recommender.sharing.resume import without_reading
from recommender.types import Playlist
from ui import services, wording
from ui.state import Shared, VisitorState
from ui.widgets.frontend import component

_button = component("share_link")


def share_link(text: str, *, key: str) -> None:
    """Draw a button that copies a link to the set.

    A component of our own, because only the browser knows the address at which it reached us.

    Args:
        text: from `recommender.sharing.link.encode`.
        key: unique on the page.
    """
    _button(
        key=key,
        data={
            "address": f"playlist?{PARAMETER}={text}",
            "label": "Copy a link to this set",
            "done": "Copied. The link opens this set.",
            "by_hand": "Your browser won’t let us copy it. Here’s the link:",
        },
    )


def written(visitor: VisitorState, playlist: Playlist) -> str:
    """Return a set as the text of a link, without anything read on a face.

    The mood in it is rounded, see `recommender.sharing.resume`.
    """
    return _encoded("_link", visitor, playlist, without_reading)


def written_exactly(visitor: VisitorState, playlist: Playlist) -> str:
    """Return a set as text with its exact mood, never for an address or anyone else."""
    return _encoded("_exact", visitor, playlist, lambda exact: exact)


def _encoded(
    kept_as: str,
    visitor: VisitorState,
    playlist: Playlist,
    prepare: Callable[[Playlist], Playlist],
) -> str:
    # Once per set, not in every run: finding its journey takes a search.
    last: tuple[Playlist, str] | None = st.session_state.get(kept_as)
    if last is None or last[0] is not playlist:
        recommender, _ = services.recommender()
        text = share.encode(prepare(playlist), catalog=recommender.catalog, filters=visitor.filters)
        last = st.session_state[kept_as] = (playlist, text)
    return last[1]


def read_link(visitor: VisitorState) -> None:
    """Open the set in the address, once; the visitor's own mood stays as it is."""
    asked = map(_asked, st.query_params.items())
    text = next((one for one in asked if one is not None), None)
    if text is None or (visitor.shared is not None and visitor.shared.text == text):
        return
    recommender, _ = services.recommender()
    try:
        found = share.decode(text, catalog=recommender.catalog)
    except ValueError as error:
        visitor.shared = Shared(text, None, (str(error),))
        return
    notes = []
    if found.missing:
        notes.append(
            wording.missing_tracks(found.missing, found.missing + len(found.playlist.picks))
        )
    visitor.shared = Shared(text, found.playlist, tuple(notes))
    visitor.change = None


def close_link(visitor: VisitorState) -> None:
    """Go back to the visitor's own music."""
    visitor.shared = visitor.change = None
    for item in list(st.query_params.items()):
        if _asked(item) is not None:
            del st.query_params[item[0]]


def _asked(item: tuple[str, str]) -> str | None:
    """Return the set in a part of the address, also from a damaged "&amp;set" or "set%3D"."""
    return in_address("=".join(item))
