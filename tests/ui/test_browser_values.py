"""What the components' browser parts send, well-formed and not."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import streamlit as st

from recommender.types import Mood
from ui import browser_values
from ui.widgets import (
    device_camera,
    live_probe,
    mood_pad,
    photo_button,
    player,
    steps_slider,
    track_list,
)

KEY = "component"


class Component:
    """Stands in for a mounted component: keeps its callbacks, and sends what a browser sends."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.state: dict[str, Any] = {}
        self.callbacks: dict[str, Callable[[], None]] = {}
        self.heard: list[tuple[Any, ...]] = []
        monkeypatch.setattr(st, "session_state", self.state)
        self.monkeypatch = monkeypatch

    def mount(self, **more: Any) -> None:
        self.callbacks = {
            name.removeprefix("on_").removesuffix("_change"): callback
            for name, callback in more.items()
            if name.startswith("on_")
        }

    def send(self, name: str, value: Any) -> None:
        self.state[KEY] = {name: value}
        self.callbacks[name]()

    def note(self, *said: Any) -> None:
        self.heard.append(said)


@contextmanager
def no_run() -> Iterator[None]:
    yield


def pad(component: Component) -> None:
    component.monkeypatch.setattr(mood_pad, "_pad", component.mount)
    mood_pad.mood_pad(key=KEY, point=Mood(0, 0), on_move=component.note, on_pick=component.note)


def rows(component: Component) -> None:
    component.monkeypatch.setattr(track_list, "_rows", component.mount)
    track_list.track_list(
        (),
        key=KEY,
        current=None,
        on_play=component.note,
        on_verdict=component.note,
        on_ban=component.note,
        on_similar=component.note,
        on_undo=component.note,
    )


def play(component: Component) -> None:
    component.monkeypatch.setattr(player, "_player", component.mount)
    component.monkeypatch.setattr(player, "uninterrupted", no_run)
    player.player(
        (), key=KEY, current="", turn=0, on_position=component.note, on_press=component.note
    )


def probe(component: Component) -> None:
    component.monkeypatch.setattr(live_probe, "_probe", component.mount)
    component.monkeypatch.setattr(live_probe, "uninterrupted", no_run)
    live_probe.live_probe(
        key=KEY,
        poster=True,
        idle=True,
        turn=0,
        waiting=False,
        watch=False,
        known=False,
        allowed=False,
        constraints={},
        on_report=component.note,
        on_press=component.note,
        on_earlier_presses=component.note,
    )


def slider(component: Component) -> None:
    component.monkeypatch.setattr(steps_slider, "_slider", component.mount)
    steps_slider.steps_slider("", ["a", "b", "c"], key=KEY, step=0, on_step=component.note)


def button(component: Component) -> None:
    component.monkeypatch.setattr(photo_button, "_button", component.mount)
    photo_button.photo_button(
        "",
        key=KEY,
        uploader="",
        suffixes=(),
        megabytes=1,
        clip_suffixes=(),
        clip_megabytes=1,
        turn=0,
        base=None,
        unreadable="",
        on_read=component.note,
        on_able=component.note,
    )


def camera(component: Component) -> None:
    component.monkeypatch.setattr(device_camera, "_camera", component.mount)
    device_camera.device_camera(
        key=KEY,
        base="",
        capture=0,
        offsets=None,
        rest=0,
        collecting=False,
        keep=False,
        captions={},
        constraints={},
        on_able=component.note,
        on_news=component.note,
    )


AT = {"n": 1, "turn": 1, "id": "track", "playing": True, "ended": False}
SENT: list[tuple[Callable[[Component], None], str, Any, tuple[Any, ...]]] = [
    (pad, "point", {"turn": 1, "valence": -0.5, "arousal": 1}, (Mood(-0.5, 1),)),
    (pad, "track", "track", ("track",)),
    (rows, "play", "track", ("track",)),
    (rows, "verdict", {"id": "track", "verdict": "like"}, ("track", "like")),
    (rows, "ban", {"id": "track", "artist": "Someone"}, ("track", "Someone")),
    (rows, "similar", "track", ("track",)),
    (rows, "undo", True, ()),
    (play, "at", AT, (player.Position(1, "track", True, False),)),
    (play, "said", {"n": 1, "does": "next", "id": "track"}, ("next", "track")),
    (probe, "report", {"secure": True, "allowed": False}, (True, False)),
    (probe, "press", {"asked": 2, "answered": 1, "error": ""}, (2, 1, "")),
    (slider, "step", 2, (2,)),
    (camera, "able", False, (False,)),
    (camera, "news", {"capture": 1}, ({"capture": 1},)),
    (button, "read", {"number": 1}, ({"number": 1},)),
    (button, "able", False, (False,)),
]
"""A component, a value of it, what its script sends, and what the page is told."""

WRONG_REPORTS: list[dict[str, Any]] = [{"n": "1"}, {"turn": None}, {"id": 7}, {"id": []}]
WRONG_GESTURES: list[dict[str, Any]] = [
    {"turn": "1"},
    {"turn": None},
    {"turn": -1},
    {"turn": 2**60},
    {"valence": 1.01},
    {"valence": float("nan")},
    {"valence": 10**400},
    {"arousal": "0"},
    {"arousal": None},
    {"arousal": [0]},
]

MALFORMED: list[tuple[Callable[[Component], None], str, Any]] = [
    *(
        (mount, name, value)
        for mount, name, value, _ in SENT
        if isinstance(value, dict) and name not in ("read", "news")
        for value in ([], [1, 2], "text", 7, 0.5, True, {}, {"turn": 1}, {"n": 1}, {"id": None})
    ),
    *(
        (mount, name, value)
        for mount, name in [(pad, "track"), (rows, "play"), (rows, "similar")]
        for value in ([1], 7, True, {"id": "track"}, "x" * 1_001, "\ud800")
    ),
    *((slider, "step", value) for value in (-1, 3, 1.5, "1", True, [0], {"step": 1}, 10**400)),
    *((button, "read", value) for value in ([1], "text", 7, True)),
    *((camera, "news", value) for value in ([1], "text", 7, True)),
    *((pad, "point", {"turn": 1, "valence": 0, "arousal": 0} | wrong) for wrong in WRONG_GESTURES),
    *((play, "at", AT | wrong) for wrong in WRONG_REPORTS),
    (play, "said", {"n": 1, "does": "steal", "id": "track"}),
    (play, "said", {"n": 1, "does": ["like"], "id": "track"}),
    (rows, "verdict", {"id": "track", "verdict": "ban"}),
    (rows, "verdict", {"id": ["track"], "verdict": "like"}),
    (rows, "ban", {"id": "track", "artist": ["Someone"]}),
    (probe, "press", {"asked": float("inf"), "answered": 1, "error": ""}),
    (probe, "press", {"asked": 1, "answered": 1, "error": {"name": "NotAllowedError"}}),
]


@pytest.fixture
def component(monkeypatch: pytest.MonkeyPatch) -> Component:
    return Component(monkeypatch)


@pytest.mark.parametrize(("mount", "name", "value", "expected"), SENT)
def test_a_page_is_told_what_the_script_of_a_component_sends(
    component: Component,
    mount: Callable[[Component], None],
    name: str,
    value: Any,
    expected: tuple[Any, ...],
) -> None:
    mount(component)
    component.send(name, value)
    assert component.heard == [expected]


@pytest.mark.parametrize(("mount", "name", "value"), MALFORMED)
def test_malformed_values_are_logged_and_change_nothing(
    component: Component,
    caplog: pytest.LogCaptureFixture,
    mount: Callable[[Component], None],
    name: str,
    value: Any,
) -> None:
    mount(component)
    before = dict(component.state)
    with caplog.at_level(logging.WARNING, logger="ui.browser_values"):
        component.send(name, value)
    assert component.heard == []
    assert component.state == before | {KEY: {name: value}}
    # A step that the slider does not have is a well-formed number.
    assert "malformed" in caplog.text or (mount, value) == (slider, 3)


@pytest.mark.parametrize(
    ("mount", "name", "before", "after"),
    [
        (pad, "point", {"turn": 7, "valence": 0, "arousal": 0}, {"turn": 8}),
        (play, "said", {"n": 7, "does": "like", "id": "track"}, {"n": 8}),
        (probe, "press", {"asked": 7, "answered": 7, "error": ""}, {"asked": 8}),
    ],
)
def test_a_new_session_repeats_nothing_of_a_lost_one(
    component: Component,
    mount: Callable[[Component], None],
    name: str,
    before: dict[str, Any],
    after: dict[str, Any],
) -> None:
    component.state[KEY] = {name: before}
    mount(component)
    earlier = [(7,)] if mount is probe else []  # the number of its presses goes on
    component.send(name, before)
    assert component.heard == earlier
    component.send(name, before | after)
    assert len(component.heard) == len(earlier) + 1


def test_a_new_session_hears_once_that_a_browser_cannot_read_faces(component: Component) -> None:
    component.state[KEY] = {"able": False}
    camera(component)
    camera(component)
    assert component.heard == [(False,)]


def test_nothing_sent_is_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    state: dict[str, Any] = {}
    monkeypatch.setattr(st, "session_state", state)
    assert browser_values.sent(KEY, "point", str) is None
    state[KEY] = {"point": None}
    assert browser_values.sent(KEY, "point", str) is None
