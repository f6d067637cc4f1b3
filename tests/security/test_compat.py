"""The parts of Streamlit that we reach into are there, and do what we take them to do."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
import streamlit
from streamlit import net_util
from streamlit.runtime import RuntimeConfig
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.uploaded_file_manager import UploadedFileRec
from streamlit.starlette import App
from streamlit.web.server import server_util

from tests.security.served import ROOT
from ui._compat import streamlit as _compat
from ui._compat.streamlit import BYTES_PER_SESSION, FILES_PER_SESSION, Sessions, Uploads


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def file(name: str, size: int = 10) -> UploadedFileRec:
    return UploadedFileRec(name, "me.jpg", "image/jpeg", bytes(size))


def names(uploads: Uploads, session: str = "a") -> list[str]:
    return list(uploads.file_storage.get(session, {}))


def test_installed_streamlit_is_supported() -> None:
    assert streamlit.__version__.startswith(_compat.VERSION + ".")
    requirements = (ROOT / "requirements-app.txt").read_text(encoding="utf-8")
    _, minor = _compat.VERSION.split(".")
    assert f"streamlit>={_compat.VERSION},<1.{int(minor) + 1}\n" in requirements


def test_a_server_can_be_given_keepers_of_our_own() -> None:
    assert callable(App._create_runtime)
    assert callable(App._resolve_script_path)
    asked = inspect.signature(RuntimeConfig).parameters
    assert {"uploaded_file_manager", "session_storage", "media_file_storage"} <= set(asked)
    source = inspect.getsource(AppSession)
    for part in ("self._session_state", "self._fragment_storage", "def flush_browser_queue"):
        assert part in source


def test_no_external_service_is_asked_for_the_server_address(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[Any] = []

    def ask(*where: Any, **how: Any) -> None:
        asked.append(where)

    monkeypatch.setattr(net_util, "_make_blocking_http_get", ask)
    monkeypatch.setattr(net_util, "get_external_ip", net_util.get_external_ip)
    monkeypatch.setattr(net_util, "_external_ip", None)
    _compat.never_ask_for_this_address()
    assert server_util.is_url_from_allowed_origins("http://evil.example") is False
    assert asked == []


def test_uploads_of_one_visitor_are_few_and_small(clock: Clock) -> None:
    uploads = Uploads("/up", clock=clock)
    third = BYTES_PER_SESSION // 3
    for number in range(4):
        uploads.add_file("a", file(str(number), third))
    uploads.add_file("b", file("other", third))
    assert names(uploads) == ["1", "2", "3"]
    assert names(uploads, "b") == ["other"]
    uploads.add_file("a", file("huge", 2 * BYTES_PER_SESSION))  # never the latest
    assert names(uploads) == ["huge"]
    for number in range(3 * FILES_PER_SESSION):
        uploads.add_file("a", file(f"small {number}"))
    assert len(names(uploads)) <= FILES_PER_SESSION
    uploads.add_file("a", file("again", 5))
    uploads.add_file("a", file("again", 7))
    assert uploads.bytes_of("a") == sum(len(one.data) for one in uploads.file_storage["a"].values())
    for name in names(uploads):
        uploads.remove_file("a", name)
    assert "a" not in uploads.file_storage
    uploads.remove_file("a", "nothing")
    uploads.remove_session_files("b")
    assert uploads.get_stats() == {}


def test_unclaimed_uploads_are_removed(clock: Clock) -> None:
    uploads = Uploads("/up", clock=clock)
    uploads.add_file("a", file("old"))
    clock.now += _compat.UNREAD_SECONDS - 1
    uploads.add_file("a", file("new"))
    uploads.add_file("gone", file("late"))  # arrived after its session had ended
    uploads.sweep(lambda session: session == "a")
    assert names(uploads) == ["old", "new"]
    assert "gone" not in uploads.file_storage
    clock.now += 1
    uploads.sweep(lambda session: True)
    assert names(uploads) == ["new"]


class Session:
    def __init__(self, name: str) -> None:
        self.id = name


class Info:
    def __init__(self, name: str) -> None:
        self.session = Session(name)


def test_sessions_are_waited_for_as_long_as_that(clock: Clock) -> None:
    sessions = Sessions(120, clock=clock)
    info: Any = Info("a")
    sessions.save(info)
    clock.now += 119
    assert sessions.expired() == []
    assert sessions.get("a") is info
    sessions.save(info)  # came back, and left again
    clock.now += 119
    assert sessions.expired() == []
    clock.now += 1
    assert sessions.expired() == ["a"]
    assert sessions.list() == [info]
    sessions.delete("a")
    sessions.delete("a")
    assert sessions.get("a") is None
    assert sessions.expired() == []


def test_not_too_many_are_waited_for(clock: Clock) -> None:
    sessions = Sessions(120, clock=clock)
    for number in range(_compat.SESSIONS_KEPT + 3):
        one: Any = Info(str(number))
        sessions.save(one)
    assert sorted(sessions.expired()) == ["0", "1", "2"]
