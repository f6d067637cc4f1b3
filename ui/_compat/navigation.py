"""What reaches into Streamlit's private parts, in one place, with why and where.

A release that moves these parts must not take the app down: then nothing is changed, the log says
so, and `tests/ui/_compat/test_navigation.py` fails.
"""

from __future__ import annotations

import functools
import logging
import threading
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

logger = logging.getLogger(__name__)

_MARK: Final = "_affectune"
_asking = threading.local()


def ignore_news_of_left_pages() -> bool:
    """Have the server ignore what a browser sends of a page that its visitor has left already.

    Until a browser has heard that another page runs, what ticks and reports on the old one (the
    fragment that looks at the camera, the camera's own frame) goes on sending, in the name of the
    old page. Streamlit 1.67 runs such a request after the new page: a fragment of a page that is
    gone draws nothing, and the browser clears the screen for it, which stays blank
    (``handleNewSession`` → ``clearAppState``); a component brings the old page back. Nor may
    ``st.rerun`` in a run that is about to end take the place of a page that was just asked for.

    https://github.com/streamlit/streamlit/blob/1.67.0/lib/streamlit/runtime/app_session.py
    (``request_rerun``) and …/runtime/scriptrunner_utils/script_requests.py
    (``_request_rerun_locked``: the newer request's page counts, whatever it is).

    Returns:
        Whether it is in force. Calling it again changes nothing.
    """
    try:
        from streamlit.runtime.app_session import AppSession
        from streamlit.runtime.scriptrunner_utils.script_requests import ScriptRequests

        ask = AppSession.request_rerun
        put = ScriptRequests._request_rerun_locked
    except (ImportError, AttributeError):
        logger.warning("This Streamlit is another one: leaving a page may leave it blank")
        return False
    if hasattr(ask, _MARK):
        return True

    @functools.wraps(ask)
    def request_rerun(session: Any, client_state: Any) -> None:
        page = _page_it_stays_on(session, client_state)
        # No run is going on: the page of the last one is where the visitor is.
        if page and session._scriptrunner is None:
            here = session._client_state.page_script_hash
            if here and page != here:
                return
        _asking.stays_on = page
        try:
            ask(session, client_state)
        finally:
            _asking.stays_on = ""

    @functools.wraps(put)
    def request_rerun_locked(requests: Any, new: Any) -> bool:
        # The last request, whether it waits, runs or has run: there the visitor is heading.
        heading = requests._rerun_data.page_script_hash
        page = getattr(_asking, "stays_on", "") or _page_that_runs(requests, new)
        if page and heading and page != heading:
            return True
        return bool(put(requests, new))

    setattr(request_rerun, _MARK, True)
    # mypy takes neither an assignment to a method nor a function from `functools.wraps` for one.
    AppSession.request_rerun = request_rerun  # type: ignore[method-assign, assignment]
    ScriptRequests._request_rerun_locked = request_rerun_locked  # type: ignore[method-assign, assignment]
    return True


def finish_callbacks() -> bool:
    """Have the callbacks of a run called before another request takes the run's place.

    Streamlit 1.67 looks for newer requests just before it calls them, and at every look into the
    session that they take. A click whose run gives way there is gone: the request that follows,
    which may be a tick of the camera's, knows nothing of it.

    https://github.com/streamlit/streamlit/blob/1.67.0/lib/streamlit/runtime/state/safe_session_state.py
    (``on_script_will_rerun``).

    Returns:
        Whether it is in force. Calling it again changes nothing.
    """
    try:
        from streamlit.runtime.state.safe_session_state import SafeSessionState

        call = SafeSessionState.on_script_will_rerun
    except (ImportError, AttributeError):
        logger.warning("This Streamlit is another one: a click may be lost among others")
        return False
    if hasattr(call, _MARK):
        return True

    @functools.wraps(call)
    def on_script_will_rerun(state: Any, *args: Any, **kwargs: Any) -> None:
        give_way = state._yield_callback
        # Setting it the usual way would set an item of the session.
        object.__setattr__(state, "_yield_callback", lambda: None)
        try:
            call(state, *args, **kwargs)
        finally:
            object.__setattr__(state, "_yield_callback", give_way)

    setattr(on_script_will_rerun, _MARK, True)
    # mypy: as above
    SafeSessionState.on_script_will_rerun = on_script_will_rerun  # type: ignore[method-assign, assignment]
    return True


def begin_at_the_top() -> bool:
    """Have this run of the router draw from the top of the page. To be called first of all.

    A fragment draws where it stands, and Streamlit 1.67 leaves things so when it has ended: a run
    of the whole script that waited for it in the same thread then draws the page into the
    fragment's column. What comes next in the old place the browser has no room for, and it gives
    up with a blank screen ("Cannot set a node at a delta path"). Only runs that are interrupted
    are cleaned up after.

    https://github.com/streamlit/streamlit/blob/1.67.0/lib/streamlit/runtime/fragment.py
    (``wrapped_fragment`` sets ``context_dg_stack``) and …/runtime/scriptrunner/exec_code.py
    (``exec_func_with_error_handling`` resets it on ``RerunException`` alone).

    Returns:
        Whether it is in force.
    """
    try:
        from streamlit.delta_generator_singletons import (
            context_dg_stack,
            get_default_dg_stack_value,
        )
    except ImportError:
        logger.warning("This Streamlit is another one: a page may be drawn in the wrong place")
        return False
    context_dg_stack.set(get_default_dg_stack_value())
    return True


def json_from_browser() -> Iterator[str]:
    """Yield the states of components of our own that the browser sent along with this run.

    Streamlit hands a state out once its component is drawn, and keeps the states that come with a
    session's first run for it. A cold server runs the page before the router, where the component
    is another one, and forgets what it was sent on the way.

    https://github.com/streamlit/streamlit/blob/1.67.0/lib/streamlit/runtime/state/session_state.py
    (``SessionState._new_widget_state``).
    """
    try:
        from streamlit.runtime.scriptrunner import get_script_run_ctx
        from streamlit.runtime.state.session_state import Serialized

        ctx = get_script_run_ctx(suppress_warning=True)
        sent = list(ctx.session_state._state._new_widget_state.states.values()) if ctx else []
    except (ImportError, AttributeError):
        logger.warning("This Streamlit is another one: a set is lost with the server's session")
        return
    for state in sent:
        if isinstance(state, Serialized) and state.value.WhichOneof("value") == "json_value":
            yield state.value.json_value


def mend_streamlit() -> None:
    """Do all of the above, for this run and those to come."""
    begin_at_the_top()
    finish_callbacks()
    ignore_news_of_left_pages()


def _page_it_stays_on(session: Any, client_state: Any) -> str:
    """Return the page that a browser's message is about, where the browser stays on it.

    A message that asks for another page names that one while the address is still the old one's.
    """
    if client_state is None or client_state.is_history_navigation:
        return ""
    page = str(client_state.page_script_hash)
    pages = session._pages_manager.get_pages()
    return page if page and page == _page_at(client_state.context_info.url, pages) else ""


def _page_at(url: str, pages: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the hash of the page that an address shows; the default page has no path."""
    if not url:
        return ""
    last = urlsplit(url).path.rstrip("/").rpartition("/")[2]
    paths = {page.get("url_pathname", ""): hash_ for hash_, page in pages.items()}
    return paths.get(last) or paths.get("", "")


def _page_that_runs(requests: Any, new: Any) -> str:
    """Return the page of the run that asks to be run again, where it does so itself."""
    from streamlit.runtime.scriptrunner import get_script_run_ctx

    ctx = get_script_run_ctx(suppress_warning=True)
    if ctx is None or ctx.script_requests is not requests:
        return ""
    page = str(new.page_script_hash)
    return page if page == ctx.page_script_hash else ""
