"""What is mended in Streamlit: that it is there to be mended, and does what it should.

The races themselves are run in `tests/browser/test_leaving_live.py`.
"""

import asyncio
import json
import threading
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from streamlit.delta_generator_singletons import context_dg_stack, get_default_dg_stack_value
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetStates
from streamlit.runtime import scriptrunner
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue
from streamlit.runtime.fragment import MemoryFragmentStorage
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.pages_manager import PagesManager
from streamlit.runtime.scriptrunner.script_cache import ScriptCache
from streamlit.runtime.scriptrunner.script_runner import ScriptRunner
from streamlit.runtime.scriptrunner_utils import script_run_context
from streamlit.runtime.scriptrunner_utils.exceptions import RerunException
from streamlit.runtime.scriptrunner_utils.script_requests import (
    RerunData,
    ScriptRequests,
    ScriptRequestType,
)
from streamlit.runtime.scriptrunner_utils.script_run_context import ThreadState
from streamlit.runtime.state import SafeSessionState, SessionState, session_state
from streamlit.runtime.state.common import WidgetMetadata
from streamlit.runtime.state.session_state import WStates

from ui._compat import navigation as _compat


@pytest.fixture(autouse=True)
def mended() -> None:
    _compat.patch_streamlit()


def test_installed_streamlit_has_the_patched_functions() -> None:
    assert _compat.begin_at_the_top()
    for mend, owner, name in (
        (_compat.finish_callbacks, SafeSessionState, "on_script_will_rerun"),
        (_compat.rerun_page_for_its_callbacks, WStates, "call_callback"),
        (_compat.rerun_page_for_its_callbacks, SessionState, "_execute_widget_callback"),
        (_compat.ignore_news_of_left_pages, AppSession, "request_rerun"),
        (_compat.keep_unsent_parts_of_finished_runs, ForwardMsgQueue, "clear"),
    ):
        assert mend()
        once = getattr(owner, name)
        assert mend()
        assert getattr(owner, name) is once


FINISHED = ForwardMsg.ScriptFinishedStatus.FINISHED_SUCCESSFULLY
FRAGMENT_FINISHED = ForwardMsg.ScriptFinishedStatus.FINISHED_FRAGMENT_RUN_SUCCESSFULLY
INTERRUPTED = ForwardMsg.ScriptFinishedStatus.FINISHED_EARLY_FOR_RERUN


def drawn(place: int, fragment: str = "") -> ForwardMsg:
    message = ForwardMsg()
    message.metadata.delta_path[:] = [0, place]
    message.delta.new_element.markdown.body = "drawn"
    message.delta.fragment_id = fragment
    return message


def end(status: "ForwardMsg.ScriptFinishedStatus.ValueType") -> ForwardMsg:
    return ForwardMsg(script_finished=status)


@pytest.mark.parametrize(
    ("queued", "sent"),
    [
        pytest.param(
            [drawn(0), drawn(1, "player"), end(FINISHED)],
            [drawn(0), drawn(1, "player"), end(FINISHED)],
            id="of a finished run",
        ),
        pytest.param(
            [drawn(0), drawn(1, "player"), end(INTERRUPTED)],
            [drawn(0), end(INTERRUPTED)],
            id="of an interrupted run",
        ),
        pytest.param(
            [drawn(1, "player"), end(FINISHED), drawn(1, "player"), drawn(2, "camera")],
            [drawn(1, "player"), end(FINISHED), drawn(2, "camera")],
            id="of a finished run, and of a fragment's after it",
        ),
        pytest.param(
            [
                drawn(1, "player"),
                end(FRAGMENT_FINISHED),
                drawn(2, "camera"),
                end(FRAGMENT_FINISHED),
            ],
            [
                drawn(1, "player"),
                end(FRAGMENT_FINISHED),
                drawn(2, "camera"),
                end(FRAGMENT_FINISHED),
            ],
            id="of fragments' finished runs",
        ),
    ],
)
def test_what_is_sent_before_a_fragment_runs(
    queued: list[ForwardMsg], sent: list[ForwardMsg]
) -> None:
    queue = ForwardMsgQueue()
    for message in queued:
        queue.enqueue(message)
    queue.clear(retain_lifecycle_msgs=True, fragment_ids_this_run=["player"])
    again = drawn(1, "player")
    queue.enqueue(again)
    assert queue.flush() == [*sent, again]


def test_a_run_of_the_page_replaces_what_was_not_sent() -> None:
    queue = ForwardMsgQueue()
    for message in (drawn(0), end(FINISHED), drawn(1, "player"), end(FRAGMENT_FINISHED)):
        queue.enqueue(message)
    queue.clear(retain_lifecycle_msgs=True)
    assert queue.flush() == [end(INTERRUPTED), end(INTERRUPTED)]


def test_a_run_begins_at_the_top() -> None:
    top = get_default_dg_stack_value()
    context_dg_stack.set((*top, *top))
    _compat.begin_at_the_top()
    assert context_dg_stack.get() == top


def test_callbacks_are_called_before_a_run_gives_way() -> None:
    looked = []
    state = SafeSessionState(SessionState(), yield_callback=lambda: looked.append(1))
    state.on_script_will_rerun(WidgetStates())
    assert looked == []
    assert "anything" not in state
    assert looked == [1]


def runner_with_a_newer_request(state: SessionState) -> ScriptRunner:
    """A run of the script that is to be replaced at the next occasion."""
    runner = ScriptRunner(
        session_id="s",
        main_script_path="app.py",
        session_state=state,
        uploaded_file_mgr=MemoryUploadedFileManager("/upload"),
        script_cache=ScriptCache(),
        initial_rerun_data=RerunData(),
        user_info={},
        fragment_storage=MemoryFragmentStorage(),
        pages_manager=PagesManager("app.py"),
        event_loop=asyncio.new_event_loop(),
    )
    runner._event_loop.close()
    runner._script_thread = threading.current_thread()
    runner._requests.on_scriptrunner_ready()
    runner._requests.request_rerun(RerunData())
    return runner


@pytest.mark.parametrize("drawn", [False, True], ids=["session", "drawing"])
def test_an_uninterrupted_block_is_finished_before_a_newer_request(drawn: bool) -> None:
    runner = runner_with_a_newer_request(SessionState())
    state = runner._session_state

    def act() -> None:
        if drawn:
            runner._enqueue_forward_msg(ForwardMsg())
        else:
            state["step"] = 1

    with runner._set_execing_flag():
        with _compat._requests_deferred(state):
            act()
            with _compat._requests_deferred(state):
                act()
            act()
        with pytest.raises(RerunException):
            act()


def test_without_a_run_an_uninterrupted_block_is_just_a_block() -> None:
    with _compat.uninterrupted():
        pass
    with pytest.raises(ZeroDivisionError), _compat.uninterrupted():
        _ = 1 / 0


@pytest.mark.parametrize("several", [False, True], ids=["one callback", "one for each trigger"])
@pytest.mark.parametrize("running", [[], ["player"]], ids=["page runs", "fragment runs"])
@pytest.mark.parametrize("drawn_by", [None, "player"])
def test_the_page_runs_where_a_fragment_called_its_callbacks(
    monkeypatch: pytest.MonkeyPatch, several: bool, running: list[str], drawn_by: str | None
) -> None:
    requests, called = ScriptRequests(), []
    ctx = SimpleNamespace(
        fragment_ids_this_run=running,
        script_requests=requests,
        query_string="",
        page_script_hash="playlist",
        cached_message_hashes=set(),
        context_info=None,
        session_state=None,
    )
    for module in (script_run_context, scriptrunner, session_state):
        monkeypatch.setattr(module, "get_script_run_ctx", lambda **_: ctx)
    ThreadState.initialize()
    like = partial(called.append, "like")
    widget: dict[str, Any] = {
        "value_type": "int_value",
        "deserializer": lambda value: value,
        "callback": like,
    }
    if several:
        widget = {
            "value_type": "json_trigger_value",
            "deserializer": json.loads,
            "callbacks": {"like": like},
        }
    inner = SessionState()
    inner._new_widget_state.set_widget_metadata(
        WidgetMetadata(
            id="tracks",
            serializer=lambda value: value,
            fragment_id=drawn_by,
            **widget,
        )
    )
    clicked = WidgetStates()
    state = clicked.widgets.add(id="tracks")
    if several:
        state.json_trigger_value = '[{"event": "like", "value": true}]'
    else:
        state.int_value = 1
    SafeSessionState(inner, yield_callback=lambda: None).on_script_will_rerun(clicked)
    assert called == ["like"]
    assert runs(requests) == ("playlist" if running and drawn_by is None else None)


PAGES = {
    "home": {"page_script_hash": "home", "url_pathname": ""},
    "live": {"page_script_hash": "live", "url_pathname": "live"},
    "selfie": {"page_script_hash": "selfie", "url_pathname": "selfie"},
}


@pytest.mark.parametrize(
    ("url", "page"),
    [
        ("http://127.0.0.1:8501/", "home"),
        ("http://127.0.0.1:8501", "home"),
        ("http://127.0.0.1:8501/?set=abc", "home"),
        ("http://127.0.0.1:8501/live", "live"),
        ("https://example.org/music/live/?x=/selfie#selfie", "live"),
        ("https://example.org/music/", "home"),
        ("", ""),
    ],
)
def test_which_page_an_address_shows(url: str, page: str) -> None:
    assert _compat._page_at(url, PAGES) == page


def session(requests: ScriptRequests | None, page: str = "") -> Any:
    """As much of a session as `request_rerun` looks at."""
    made: list[RerunData] = []
    runner = SimpleNamespace(request_rerun=requests.request_rerun) if requests else None
    return SimpleNamespace(
        _state=None,
        _client_state=ClientState(page_script_hash=page),
        _pages_manager=SimpleNamespace(get_pages=lambda: PAGES),
        _scriptrunner=runner,
        has_fragment=lambda _: True,
        _create_scriptrunner=made.append,
        made=made,
    )


def ask(mine: Any, page: str, at: str, *, fragment: str = "", history: bool = False) -> None:
    state = ClientState(page_script_hash=page, fragment_id=fragment, is_history_navigation=history)
    path = "" if at == "home" else at
    state.context_info.url = f"http://127.0.0.1:8501/{path}"
    AppSession.request_rerun(mine, state)


def runs(requests: ScriptRequests) -> str | None:
    """The page that runs next, if one waits."""
    if requests._state != ScriptRequestType.RERUN:
        return None
    return requests.on_scriptrunner_ready().rerun_data.page_script_hash


@pytest.mark.parametrize("fragment", ["", "f"])
@pytest.mark.parametrize("has_begun", [False, True], ids=["waits", "runs"])
def test_messages_from_a_left_page_are_ignored(fragment: str, has_begun: bool) -> None:
    requests = ScriptRequests()
    mine = session(requests)
    ask(mine, "live", "live")
    assert runs(requests) == "live"
    ask(mine, "selfie", "live")
    if has_begun:
        assert runs(requests) == "selfie"
    ask(mine, "live", "live", fragment=fragment)
    assert runs(requests) == (None if has_begun else "selfie")
    # From the new page everything is heard.
    ask(mine, "selfie", "selfie", fragment=fragment)
    assert runs(requests) == "selfie"
    assert mine.made == []


def test_browser_back_is_not_ignored() -> None:
    requests = ScriptRequests()
    mine = session(requests)
    for page, at, history in (
        ("live", "live", False),
        ("selfie", "live", False),
        ("live", "live", True),
    ):
        ask(mine, page, at, history=history)
        assert runs(requests) == page


def test_messages_from_a_left_page_start_no_run() -> None:
    mine = session(None, page="home")
    ask(mine, "live", "live", fragment="f")
    ask(mine, "live", "live")
    assert mine.made == []
    ask(mine, "live", "home")
    assert [data.page_script_hash for data in mine.made] == ["live"]


def test_a_new_visit_begins() -> None:
    mine = session(None)
    ask(mine, "", "live")
    ask(mine, "live", "live")
    assert len(mine.made) == 2
