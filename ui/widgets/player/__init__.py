"""The player: a set of tracks, one of them in Spotify's frame, and what can be done with it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Literal, get_args

import streamlit as st

from recommender.sharing.elsewhere import elsewhere
from recommender.types import Track
from ui import browser_values
from ui._compat.navigation import uninterrupted
from ui.place_color import place_color
from ui.server.player_frame import PATH
from ui.widgets.frontend import component

_player = component("player")

TEXTS: Final = {
    "label": "Player",
    "frame": "Spotify player",
    "asking": "Asking Spotify…",
    "previous": "Previous track",
    "play": "Play",
    "pause": "Pause",
    "next": "Next track",
    "like": "Like",
    "more": "Open elsewhere",
    "stop": "Stop and close the player",
    "again": "Try again",
    "new_tab": "in a new tab",
    "blocked": "Spotify isn’t answering. You can hear this track elsewhere:",
    "tap": "Your browser wants the first tap inside Spotify’s player: press play there.",
    "preview": "A 30-second preview. Sign in to Spotify in this browser to hear whole tracks.",
    "ended": "That was the set.",
}

Pressed = Literal["like", "next", "stop"]
_PRESSED: Final[tuple[Pressed, ...]] = get_args(Pressed)


@dataclass(frozen=True, slots=True)
class Position:
    """Where the player is.

    Attributes:
        turn: the last of Python's orders that it knows.
        track_id: the track that it is at.
        playing: whether the track is heard.
        ended: whether the set is over.
    """

    turn: int
    track_id: str
    playing: bool
    ended: bool


def player(
    queue: Sequence[Track],
    *,
    key: str,
    current: str,
    turn: int,
    idle: bool = False,
    dark: bool = False,
    liked: Collection[str] = (),
    on_position: Callable[[Position], None],
    on_press: Callable[[Pressed, str], None],
) -> None:
    """Draw the player. It goes from track to track by itself and says where it is.

    Args:
        queue: the tracks in playing order.
        key: one on the page.
        current: the id of the track to play.
        turn: counts the orders to play another track. The player obeys one that it has not heard
            of, and otherwise stays where it is.
        idle: whether to wait for a tap before Spotify is asked for anything.
        dark: whether Spotify's frame is to be dark.
        liked: ids of liked tracks.
        on_position: called when it has gone to another track, has begun to play, or has ended.
        on_press: called with what was pressed and the track that it was pressed for. Where it was
            "next", the player has gone on already.
    """
    tell = partial(hear, key=key, on_position=on_position, on_press=on_press)
    _player(
        key=key,
        on_at_change=tell,
        on_said_change=tell,
        data={
            "queue": [
                {
                    "id": track.id,
                    "title": track.title,
                    "artists": ", ".join(track.artists),
                    "duration_ms": track.duration_ms or 0,
                    "color": place_color(track.position),
                    "liked": track.id in liked,
                    "links": [link._asdict() for link in elsewhere(track)],
                }
                for track in queue
            ],
            "current": current,
            "turn": turn,
            "said": st.session_state.get(_last(key, "press"), 0),
            "reported": st.session_state.get(_last(key, "report"), 0),
            "idle": idle,
            "theme": "dark" if dark else "light",
            "frame": PATH,
            "texts": TEXTS,
        },
    )


def hear(
    *,
    key: str,
    on_position: Callable[[Position], None],
    on_press: Callable[[Pressed, str], None],
) -> None:
    """Take in what the player has told, once.

    To be called before the player is drawn: the callback of what comes in while a run begins may
    not be called, and the state that it brought is there all the same.

    Args:
        key, on_position, on_press: as of `player`.
    """
    with uninterrupted():
        _hear(key, on_position, on_press)


def _hear(
    key: str, on_position: Callable[[Position], None], on_press: Callable[[Pressed, str], None]
) -> None:
    report = browser_values.sent(key, "at", _report)
    if report and report[0] != st.session_state.get(_last(key, "report")):
        st.session_state[_last(key, "report")], position = report
        on_position(position)
    press = browser_values.sent(key, "said", _press)
    if press and press[0] > st.session_state.get(_last(key, "press"), 0):
        st.session_state[_last(key, "press")], pressed, track_id = press
        on_press(pressed, track_id)


def _report(values: Any) -> tuple[int, Position]:
    """Return the number of a report and where the player is."""
    position = Position(
        turn=browser_values.integer(values["turn"]),
        track_id=browser_values.text(values["id"]),
        playing=bool(values["playing"]),
        ended=bool(values["ended"]),
    )
    return browser_values.integer(values["n"]), position


def _press(values: Any) -> tuple[int, Pressed, str]:
    """Return the number of a press, what was pressed, and the track that it was pressed for."""
    return (
        browser_values.integer(values["n"]),
        browser_values.one_of(_PRESSED, values["does"]),
        browser_values.text(values["id"]),
    )


def _last(key: str, what: str) -> str:
    """Return where in the session's state the number of the last report or press is."""
    return f"{key}-last-{what}"
