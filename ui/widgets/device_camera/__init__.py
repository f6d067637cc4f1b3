"""The camera, read by the visitor's own browser: its picture never leaves their device."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from ui import browser_values
from ui.widgets.frontend import component

_camera = component("device_camera")


def device_camera(
    *,
    key: str,
    base: str,
    capture: int,
    offsets: tuple[float, ...] | None,
    rest: int,
    collecting: bool,
    keep: bool,
    captions: Mapping[str, tuple[str, str]],
    constraints: Mapping[str, Any],
    on_able: Callable[[bool], None],
    on_news: Callable[[Mapping[str, Any]], None],
) -> None:
    """Mount the camera. Until a capture begins it draws nothing, but loads what it needs.

    Args:
        key: unique on the page.
        base: the path of the files with which it reads faces.
        capture: the number of the capture to run, 0 for none. Any other one ends.
        offsets: to add to the log-probabilities of the visitor's readings; ``None`` for none.
        rest: how often a resting face was requested in this capture.
        collecting: whether it is still being collected.
        keep: whether to keep reading once the mood has settled.
        captions: emotion → its word and CSS colour on the picture.
        constraints: the MediaStreamConstraints of the camera.
        on_able: called with whether this browser can read faces. It may find out later that it
            cannot.
        on_news: called with a report when the server has something to do: a first frame or face,
            one lost or found again, a mood that has settled, a tap on the page, no video; and every
            few seconds. A report has the number of the ``capture``, whether it is ``over``, the
            name of an ``error``, how many ``frames`` were read, for how many seconds none arrived
            (``silence``), the ``reading``, and the ``rest``.
    """

    def able_changed() -> None:
        able = browser_values.sent(key, "able", bool)
        if able is not None and able != st.session_state.get(f"{key}-able"):
            st.session_state[f"{key}-able"] = able
            on_able(able)

    def news_changed() -> None:
        news = browser_values.sent(key, "news", browser_values.mapping)
        if news is not None:
            on_news(news)

    _camera(
        key=key,
        on_able_change=able_changed,
        on_news_change=news_changed,
        data={
            "base": base,
            "capture": capture,
            "offsets": None if offsets is None else list(offsets),
            "rest": rest,
            "collecting": collecting,
            "keep": keep,
            "captions": {emotion: list(caption) for emotion, caption in captions.items()},
            "constraints": dict(constraints),
        },
    )
    able_changed()  # a new session calls no callback for what the browser said in a lost one
