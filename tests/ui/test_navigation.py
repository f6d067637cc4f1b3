"""What is said once, and what becomes of it when a run is interrupted."""

from types import SimpleNamespace
from typing import Any

import pytest
import streamlit as st

from ui import navigation
from ui.navigation import NOTICE_SECONDS, one_time_notice


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    state: dict[str, Any] = {}
    monkeypatch.setattr(st, "session_state", state)
    return state


def test_a_notice_is_forgotten_once_it_was_said(session: dict[str, Any]) -> None:
    session["notice"] = "Disconnected."
    with one_time_notice("notice") as notice:
        assert notice == "Disconnected."
    with one_time_notice("notice") as notice:
        assert notice is None


def test_a_notice_outlives_a_run_that_was_interrupted_while_saying_it(
    session: dict[str, Any],
) -> None:
    session["notice"] = "Disconnected."
    with pytest.raises(KeyboardInterrupt), one_time_notice("notice"):
        raise KeyboardInterrupt
    with one_time_notice("notice") as notice:
        assert notice == "Disconnected."


@pytest.mark.parametrize("following", ["Disconnected.", "Connected."])
def test_a_notice_in_the_page_outlives_runs_that_follow_at_once(
    session: dict[str, Any], monkeypatch: pytest.MonkeyPatch, following: str
) -> None:
    now = 100.0
    monkeypatch.setattr(navigation, "time", SimpleNamespace(monotonic=lambda: now))

    def shown() -> Any:
        with one_time_notice("notice", seconds=NOTICE_SECONDS) as notice:
            return notice

    session["notice"] = "Disconnected."
    assert shown() == "Disconnected."
    now += NOTICE_SECONDS - 0.1
    assert shown() == "Disconnected."
    now += 0.2
    assert shown() is None
    # One that comes later has its own time.
    session["notice"] = following
    assert shown() == following
    now += NOTICE_SECONDS + 0.1
    session["notice"] = following
    assert shown() == following
    assert shown() == following
    now += NOTICE_SECONDS + 0.1
    assert shown() is None
    assert "notice" not in session
