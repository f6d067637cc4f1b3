"""What the visitor's browser says about its camera."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from pages.components.frontend import component

_probe = component("live_probe")


def live_probe(
    *,
    key: str,
    poster: bool,
    ask: int,
    watch: bool,
    known: bool,
    constraints: dict[str, Any],
    on_report: Callable[[bool, bool], None],
    on_answer: Callable[[int, str], None],
) -> None:
    """Mount the probe.

    Args:
        key: one per page.
        poster: whether to draw the place of the picture; otherwise it draws nothing.
        ask: counts the presses of the button; each new one puts the question to the visitor.
        watch: whether the connection is being made or is there, and may report errors.
        known: whether the browser has reported already.
        constraints: what kind of camera is wanted.
        on_report: called with whether this page may have a camera and whether it was allowed
            before.
        on_answer: called with the press that is answered and the error's name, empty where the
            camera is there.
    """

    def reported() -> None:
        report = st.session_state[key].get("report")
        if report:
            on_report(bool(report["secure"]), bool(report["allowed"]))

    def answered() -> None:
        answer = st.session_state[key].get("answer")
        if answer:
            on_answer(int(answer["turn"]), str(answer["error"]))

    _probe(
        key=key,
        on_report_change=reported,
        on_answer_change=answered,
        data={
            "poster": poster,
            "ask": ask,
            "watch": watch,
            "known": known,
            "constraints": constraints,
        },
    )
