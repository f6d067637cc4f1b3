"""Access to Streamlit's private parts, for moving between pages and for reruns.

If a release changes these parts, the app still works: nothing is patched, the log says so, and
`tests/ui/_compat/test_navigation.py` fails.
"""

from __future__ import annotations

import functools
import logging
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import Any, Final
from urllib.parse import urlsplit

logger = logging.getLogger(__name__)

_MARK: Final = "_affectune"
_asking = threading.local()


def ignore_news_of_left_pages() -> bool:
    """Make the server ignore requests for a page that its visitor has already left.

    Until a browser has learned that another page runs, fragments and components of the old page
    (the camera's, for one) keep sending requests for it. Streamlit 1.67 runs these after the new
    page: a fragment of the old page draws nothing, but the browser clears the screen for it, which
    stays blank (``handleNewSession`` → ``clearAppState``); a component brings the old page back.
    Nor may ``st.rerun`` in a run that is about to end replace a request for another page.

    https://github.com/streamlit/streamlit/blob/1.67.0/lib/streamlit/runtime/app_session.py
    (``request_rerun``) and …/runtime/scriptrunner_utils/script_requests.py
    (``_request_rerun_locked``: the page of the newer request wins).

    Returns:
        Whether the patch is applied. Calling it again changes nothing.
    """
    try:
        from streamlit.runtime.app_session import AppSession
        from streamlit.runtime.scriptrunner_utils.script_requests import ScriptRequests

        ask = AppSession.request_rerun
        put = ScriptRequests._request_rerun_locked
    except (ImportError, AttributeError):
        logger.warning("This version of Streamlit is not supported: a page may stay blank")
        return False
    if hasattr(ask, _MARK):
        return True

    @functools.wraps(ask)
    def request_rerun(session: Any, client_state: Any) -> None:
        page = _page_it_stays_on(session, client_state)
        # Nothing runs, so the visitor is on the page of the last run.
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
        # The page of the last request, pending or not, is where the visitor is going.
        heading = requests._rerun_data.page_script_hash
        page = getattr(_asking, "stays_on", "") or _page_that_runs(requests, new)
        if page and heading and page != heading:
            return True
        return bool(put(requests, new))

    setattr(request_rerun, _MARK, True)
    # mypy accepts neither an assignment to a method nor the type that `functools.wraps` returns.
    AppSession.request_rerun = request_rerun  # type: ignore[method-assign, assignment]
    ScriptRequests._request_rerun_locked = request_rerun_locked  # type: ignore[method-assign, assignment]
    return True


def finish_callbacks() -> bool:
    """Make Streamlit call the callbacks of a run before a newer request replaces the run.

    Streamlit 1.67 checks for newer requests just before it calls them, and whenever they access the
    session's state or draw something. A click whose run is replaced there is lost: the newer
    request, which may come from the camera's fragment, does not carry it.

    https://github.com/streamlit/streamlit/blob/1.67.0/lib/streamlit/runtime/state/safe_session_state.py
    (``on_script_will_rerun``).

    Returns:
        Whether the patch is applied. Calling it again changes nothing.
    """
    try:
        from streamlit.runtime.state.safe_session_state import SafeSessionState

        call = SafeSessionState.on_script_will_rerun
    except (ImportError, AttributeError):
        logger.warning("This version of Streamlit is not supported: a click may be lost")
        return False
    if hasattr(call, _MARK):
        return True

    @functools.wraps(call)
    def on_script_will_rerun(state: Any, *args: Any, **kwargs: Any) -> None:
        _asking.page_callback_ran = False
        with _requests_deferred(state):
            call(state, *args, **kwargs)
        if _asking.page_callback_ran:
            _request_page_run_from_fragment()

    setattr(on_script_will_rerun, _MARK, True)
    # mypy: as above
    SafeSessionState.on_script_will_rerun = on_script_will_rerun  # type: ignore[method-assign, assignment]
    return True


def rerun_page_for_its_callbacks() -> bool:
    """Rerun the whole page if a fragment's run called callbacks of the page around it.

    Streamlit 1.67's frontend sends simultaneous clicks together, in the request of whichever
    component was last. If that one is in a fragment, the callback of a click elsewhere is called,
    but what it changed is not drawn: only the fragment is.

    https://github.com/streamlit/streamlit/blob/1.67.0/lib/streamlit/runtime/state/session_state.py
    (``WStates.call_callback``, ``SessionState._execute_widget_callback``).

    Returns:
        Whether the patch is applied. Calling it again changes nothing.
    """
    try:
        from streamlit.runtime.state.session_state import SessionState, WStates

        call_one = WStates.call_callback
        call_of_many = SessionState._execute_widget_callback
    except (ImportError, AttributeError):
        logger.warning("This version of Streamlit is not supported: a click may not be drawn")
        return False
    if hasattr(call_one, _MARK):
        return True

    @functools.wraps(call_one)
    def call_callback(states: Any, widget_id: str) -> None:
        _record_callback(states.widget_metadata.get(widget_id))
        call_one(states, widget_id)

    @functools.wraps(call_of_many)
    def execute_widget_callback(
        state: Any, votes: Any, function: Any, metadata: Any, *rest: Any
    ) -> None:
        _record_callback(metadata)
        call_of_many(state, votes, function, metadata, *rest)

    setattr(call_callback, _MARK, True)
    # mypy: as above
    WStates.call_callback = call_callback  # type: ignore[method-assign, assignment]
    SessionState._execute_widget_callback = execute_widget_callback  # type: ignore[method-assign, assignment]
    return True


def keep_unsent_parts_of_finished_runs() -> bool:
    """Make the server send all of the runs that are finished before a fragment runs.

    Streamlit 1.67 discards what a finished run of the page has drawn in the fragment and was not
    sent yet, because the fragment is about to draw it again, but still sends that the run is
    finished. The browser then removes what is missing and mounts it anew: the player starts its
    track again, and the camera is cut off. Of another fragment's finished run it sends what was
    drawn, but not that it is finished, so that what that run no longer draws stays on the page.

    https://github.com/streamlit/streamlit/blob/1.67.0/lib/streamlit/runtime/forward_msg_queue.py
    (``ForwardMsgQueue.clear``, ``_update_script_finished_message``). A request for a run of the
    page is not concerned: the end of the run before it is sent as that of an interrupted one.

    Returns:
        Whether the patch is applied. Calling it again changes nothing.
    """
    try:
        from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
        from streamlit.runtime.forward_msg_queue import ForwardMsgQueue

        clear = ForwardMsgQueue.clear
        _ = ForwardMsgQueue()._queue
        status = ForwardMsg.ScriptFinishedStatus
        finished = (status.FINISHED_SUCCESSFULLY, status.FINISHED_FRAGMENT_RUN_SUCCESSFULLY)
    except (ImportError, AttributeError):
        logger.warning("This version of Streamlit is not supported: the player may start again")
        return False
    if hasattr(clear, _MARK):
        return True

    @functools.wraps(clear)
    def clear_queue(
        queue: Any,
        retain_lifecycle_msgs: bool = False,
        fragment_ids_this_run: list[str] | None = None,
    ) -> None:
        kept: list[Any] = []
        if retain_lifecycle_msgs and fragment_ids_this_run is not None:
            ends = [
                number
                for number, message in enumerate(queue._queue, 1)
                if message.WhichOneof("type") == "script_finished"
                and message.script_finished in finished
            ]
            last = ends[-1] if ends else 0
            kept, queue._queue = queue._queue[:last], queue._queue[last:]
        clear(queue, retain_lifecycle_msgs, fragment_ids_this_run)
        queue._queue = kept + queue._queue

    setattr(clear_queue, _MARK, True)
    # mypy: as above
    ForwardMsgQueue.clear = clear_queue  # type: ignore[method-assign, assignment]
    return True


def _record_callback(metadata: Any) -> None:
    if metadata is not None and metadata.fragment_id is None:
        _asking.page_callback_ran = True


def _request_page_run_from_fragment() -> None:
    from streamlit.runtime.scriptrunner import RerunData, get_script_run_ctx

    ctx = get_script_run_ctx(suppress_warning=True)
    if ctx is not None and ctx.script_requests is not None and ctx.fragment_ids_this_run:
        ctx.script_requests.request_rerun(
            RerunData(
                query_string=ctx.query_string,
                page_script_hash=ctx.page_script_hash,
                cached_message_hashes=ctx.cached_message_hashes,
                context_info=ctx.context_info,
            )
        )


def run_ending_exceptions() -> tuple[type[BaseException], ...]:
    """Return the exceptions with which Streamlit ends a run, for a newer request or for good.

    https://github.com/streamlit/streamlit/blob/1.67.0/lib/streamlit/runtime/scriptrunner_utils/exceptions.py
    """
    try:
        from streamlit.runtime.scriptrunner import RerunException, StopException
    except ImportError:
        logger.warning("This version of Streamlit is not supported: a click may be lost")
        return ()
    return RerunException, StopException


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Let the block finish before a newer request replaces the run.

    Streamlit 1.67 checks for newer requests at every access to the session's state and whenever
    something is drawn. State that is read once and then acted upon would be lost in between.

    https://github.com/streamlit/streamlit/blob/1.67.0/lib/streamlit/runtime/scriptrunner/script_runner.py
    (``_maybe_handle_execution_control_request``).
    """
    try:
        from streamlit.runtime.scriptrunner import get_script_run_ctx

        ctx = get_script_run_ctx(suppress_warning=True)
    except ImportError:
        ctx = None
    with _requests_deferred(ctx.session_state) if ctx else nullcontext():
        yield


@contextmanager
def _requests_deferred(state: Any) -> Iterator[None]:
    """Make the run that uses a session's state ignore newer requests inside the block."""
    give_way = getattr(state, "_yield_callback", None)
    if give_way is None:
        logger.warning("This version of Streamlit is not supported: a click may be lost")
        yield
        return
    runner = getattr(give_way, "__self__", None)  # it also checks whenever something is drawn
    executes = getattr(runner, "_execing", False)
    # A plain assignment would set an item of the session's state.
    object.__setattr__(state, "_yield_callback", lambda: None)
    if executes:
        runner._execing = False  # type: ignore[union-attr]
    try:
        yield
    finally:
        object.__setattr__(state, "_yield_callback", give_way)
        if executes:
            runner._execing = True  # type: ignore[union-attr]


def begin_at_the_top() -> bool:
    """Make this run of the router draw from the top of the page. To be called before anything else.

    Streamlit 1.67 leaves its drawing position in a fragment's container when the fragment has
    ended. A run of the whole script that follows in the same thread draws the page into that
    container, and the browser fails with a blank screen ("Cannot set a node at a delta path"). The
    position is reset only after interrupted runs.

    https://github.com/streamlit/streamlit/blob/1.67.0/lib/streamlit/runtime/fragment.py
    (``wrapped_fragment`` sets ``context_dg_stack``) and …/runtime/scriptrunner/exec_code.py
    (``exec_func_with_error_handling`` resets it on ``RerunException`` alone).

    Returns:
        Whether the position was reset.
    """
    try:
        from streamlit.delta_generator_singletons import (
            context_dg_stack,
            get_default_dg_stack_value,
        )
    except ImportError:
        logger.warning("This version of Streamlit is not supported: pages may be misplaced")
        return False
    context_dg_stack.set(get_default_dg_stack_value())
    return True


def json_from_browser() -> Iterator[str]:
    """Yield the states of custom components that the browser sent with this run, as JSON.

    Streamlit makes a state available once its component is drawn. A server that has just started
    runs the page before the router, where the component has another id, and drops the state.

    https://github.com/streamlit/streamlit/blob/1.67.0/lib/streamlit/runtime/state/session_state.py
    (``SessionState._new_widget_state``).
    """
    try:
        from streamlit.runtime.scriptrunner import get_script_run_ctx
        from streamlit.runtime.state.session_state import Serialized

        ctx = get_script_run_ctx(suppress_warning=True)
        sent = list(ctx.session_state._state._new_widget_state.states.values()) if ctx else []
    except (ImportError, AttributeError):
        logger.warning("This version of Streamlit is not supported: backups are not restored")
        return
    for state in sent:
        if isinstance(state, Serialized) and state.value.WhichOneof("value") == "json_value":
            yield state.value.json_value


def patch_streamlit() -> None:
    """Apply all patches, to this run and later ones."""
    begin_at_the_top()
    finish_callbacks()
    rerun_page_for_its_callbacks()
    keep_unsent_parts_of_finished_runs()
    ignore_news_of_left_pages()


def _page_it_stays_on(session: Any, client_state: Any) -> str:
    """Return the page of a browser's message, if the browser is on that page.

    A message that requests another page names it while the address is still that of the old one.
    """
    if client_state is None or client_state.is_history_navigation:
        return ""
    page = str(client_state.page_script_hash)
    pages = session._pages_manager.get_pages()
    return page if page and page == _page_at(client_state.context_info.url, pages) else ""


def _page_at(url: str, pages: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the hash of the page at an address; the default page has no path."""
    if not url:
        return ""
    last = urlsplit(url).path.rstrip("/").rpartition("/")[2]
    paths = {page.get("url_pathname", ""): hash_ for hash_, page in pages.items()}
    return paths.get(last) or paths.get("", "")


def _page_that_runs(requests: Any, new: Any) -> str:
    """Return the page of the current run, if the request is its own ``st.rerun``."""
    from streamlit.runtime.scriptrunner import get_script_run_ctx

    ctx = get_script_run_ctx(suppress_warning=True)
    if ctx is None or ctx.script_requests is not requests:
        return ""
    page = str(new.page_script_hash)
    return page if page == ctx.page_script_hash else ""
