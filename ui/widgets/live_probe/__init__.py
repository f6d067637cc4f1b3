"""The button that starts the camera, and the browser's reports on the camera."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ui import browser_values
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
    """

    def reported() -> None:
        report = browser_values.sent(key, "report", _report)
        if report:
            on_report(*report)

    def pressed() -> None:
        press = browser_values.sent(key, "press", _press)
        if press:
            on_press(*press)

    _probe(
        key=key,
        on_report_change=reported,
        on_press_change=pressed,
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
