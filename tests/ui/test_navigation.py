"""What is said once, and what becomes of it when a run is interrupted."""

from typing import Any

import pytest
import streamlit as st

from ui.navigation import one_time_notice


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
