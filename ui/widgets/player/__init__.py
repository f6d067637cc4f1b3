"""The player: a set of tracks, one of them in Spotify's frame, with its controls."""

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
    "ended": "That’s the end of the set.",
}

Pressed = Literal["like", "next", "stop"]
_PRESSED: Final[tuple[Pressed, ...]] = get_args(Pressed)


@dataclass(frozen=True, slots=True)
class Position:
    """Where the player is.

    Attributes:
        turn: the last order from Python that it has received.
        track_id: its current track.
        playing: whether the track is playing.
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
    """Draw the player. It moves from track to track by itself and reports its position.

    Args:
        queue: the tracks in playing order.
        key: unique on the page.
        current: the id of the track to play.
        turn: counts the orders to play another track. The player obeys a new one, and otherwise
            stays where it is.
        idle: whether to wait for a tap before contacting Spotify.
        dark: whether Spotify's frame is dark.
        liked: ids of liked tracks.
        on_position: called when it has moved to another track, has begun to play, or has ended.
        on_press: called with the button that was pressed and the track it was pressed for. After
            "next" the player has already moved on.
    """
    tell = partial(hear, key=key, on_position=on_position, on_press=on_press)
    with uninterrupted():  # a press that comes in between would count as an earlier one
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
        if _last(key, "press") not in st.session_state:
            # What was pressed in a session that was lost has been done.
            press = browser_values.sent(key, "said", _press)
            st.session_state[_last(key, "press")] = press[0] if press else 0


def hear(
    *,
    key: str,
    on_position: Callable[[Position], None],
    on_press: Callable[[Pressed, str], None],
) -> None:
    """Handle the player's reports, each once.

    To be called before the player is drawn: when a report arrives as a run begins, its callback may
    not be called, but its state is there.

    Args:
        key, on_position, on_press: as for `player`.
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
    if press and press[0] > st.session_state.get(_last(key, "press"), press[0]):
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
    """Return the number of a press, the button, and the track it was pressed for."""
    return (
        browser_values.integer(values["n"]),
        browser_values.one_of(_PRESSED, values["does"]),
        browser_values.text(values["id"]),
    )


def _last(key: str, what: str) -> str:
    """Return the key in the session's state for the number of the last report or press."""
    return f"{key}-last-{what}"
