"""The button that starts the camera, and the browser's reports on the camera."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import streamlit as st

from ui import browser_values
from ui._compat.navigation import uninterrupted
from ui.widgets.frontend import component

_probe = component("live_probe")


def live_probe(
    *,
    key: str,
    poster: bool,
    idle: bool,
    turn: int,
    waiting: bool,
    watch: bool,
    known: bool,
    allowed: bool,
    constraints: dict[str, Any],
    on_report: Callable[[bool, bool], None],
    on_press: Callable[[int, int, str], None],
    on_earlier_presses: Callable[[int], None],
) -> None:
    """Mount the probe.

    Args:
        key: unique on the page.
        poster: whether to draw a placeholder for the picture; if not, it stays until there is one.
        idle: whether to draw the button in it.
        turn: how many presses there have been, of this button and the page's other ones.
        waiting: whether the browser still has to ask for permission for the last press.
        watch: whether to watch a connection, existing or being made, for errors.
        known: whether the browser has already reported.
        allowed: whether the visitor has allowed the camera, as far as is known.
        constraints: the MediaStreamConstraints of the camera.
        on_report: called with whether this page may have a camera, and whether it was allowed
            before.
        on_press: called with the last press, the last one answered, and the error's name, empty
            if the camera works.
        on_earlier_presses: called, in a session's first run, with how many presses the browser
            remembers of a session that was lost. No camera is on for them.
    """
    tell = partial(hear, key=key, on_report=on_report, on_press=on_press)
    with uninterrupted():  # a press that comes in between would count as an earlier one
        _probe(
            key=key,
            on_report_change=tell,
            on_press_change=tell,
            data={
                "poster": poster,
                "idle": idle,
                "turn": turn,
                "waiting": waiting,
                "watch": watch,
                "known": known,
                "allowed": allowed,
                "constraints": constraints,
            },
        )
        if _heard(key) in st.session_state:
            return
        press = browser_values.sent(key, "press", _press)
        st.session_state[_heard(key)] = (None, press)
    if press is not None:
        on_earlier_presses(press[0])


def hear(
    *,
    key: str,
    on_report: Callable[[bool, bool], None],
    on_press: Callable[[int, int, str], None],
) -> None:
    """Handle what the browser has sent since the last run, once.

    Call it before anything depends on it: a press whose callback Streamlit did not call would be
    lost, and its button with it.

    Args:
        key, on_report, on_press: as of `live_probe`.
    """
    with uninterrupted():
        last = st.session_state.get(_heard(key))
        if last is None:  # not mounted yet
            return
        report = browser_values.sent(key, "report", _report)
        press = browser_values.sent(key, "press", _press)
        st.session_state[_heard(key)] = (report, press)
        if report is not None and report != last[0]:
            on_report(*report)
        if press is not None and press != last[1]:
            on_press(*press)


def _heard(key: str) -> str:
    """Return where in the session's state the last report and press are."""
    return f"{key}-heard"


def _report(values: Any) -> tuple[bool, bool]:
    """Return whether a page may have a camera, and whether it was allowed before."""
    return bool(values["secure"]), bool(values["allowed"])


def _press(values: Any) -> tuple[int, int, str]:
    """Return the last press, the last one answered, and the error's name."""
    return (
        browser_values.integer(values["asked"]),
        browser_values.integer(values["answered"]),
        browser_values.text(values["error"]),
    )
