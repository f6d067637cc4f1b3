"""Moving between pages: how a page ends, asks for another one, and requires the router."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, NoReturn

import streamlit as st

from ui._compat import navigation as _compat_navigation

NOTICE_SECONDS: Final = 5.0
"""How long a notice stays in the page at least, while the visitor stays on it."""


class PageEnd(Exception):
    """Raised to end a page early. The router draws the rest."""


def end_page() -> NoReturn:
    """End a page early.

    `st.stop` would end the whole run: what the router draws below every page would be gone, the
    player and its music included.
    """
    raise PageEnd


def navigate_to(page: str) -> None:
    """Ask the router for another page.

    For callbacks: they run before anything else, even if the script is interrupted. A click checked
    with ``if st.button(…)`` is lost when another gesture interrupts the run before that line, and
    on a pad gestures come quickly.
    """
    st.session_state["_navigate_to"] = page


@contextmanager
def one_time_notice(key: str, *, seconds: float = 0.0) -> Iterator[Any]:
    """Yield a message of the session, and forget it once the block has shown it.

    If the run is interrupted inside the block, the next one shows it again.

    Args:
        key: where the message is in the session's state.
        seconds: for how long later runs show it again: `NOTICE_SECONDS` for one that stands in the
            page, since a component may request a run at any moment, and each run draws the page
            anew. A toast stays by itself.
    """
    kept = st.session_state.get(key)
    now = time.monotonic()
    if not isinstance(kept, _Shown):
        kept = _Shown(kept, now)
    elif now - kept.since >= seconds:
        kept = _Shown(None, now)
    yield kept.message
    if kept.message is not None and seconds:
        st.session_state[key] = kept
    else:
        st.session_state.pop(key, None)


@dataclass(frozen=True, slots=True)
class _Shown:
    """A message that a run has shown, and when one did first, by the monotonic clock."""

    message: Any
    since: float


def require_router(page: str) -> str | None:
    """Send a page that runs on its own through the router, which brings the visitor back.

    A cold server that is first asked for ``/playlist`` finds the script in ``pages/`` before
    `app.py` has declared its navigation, and would run it bare: no logo, menu or player.

    The address gets its query parameters back when the page runs, and what the browser sent is
    kept for the router.

    Returns:
        The page of the run before; ``None`` in the first.
    """
    if not st.session_state.pop("_routed", False):
        st.session_state.setdefault("_navigate_to", page)
        # Switching pages clears the query parameters, which a link may need.
        st.session_state.setdefault("_asked", st.query_params.to_dict())
        st.session_state.setdefault("_sent", list(_compat_navigation.json_from_browser()))
        st.switch_page("app.py")
    with _compat_navigation.uninterrupted():
        asked = st.session_state.pop("_asked", None)
        if asked:
            st.query_params.from_dict(asked)
    before: str | None = st.session_state.get("_page")
    st.session_state["_page"] = page
    return before
