"""When the live camera does not come: what happened, in a sentence, and the next step down."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

import streamlit as st

from ui.navigation import navigate_to
from ui.state import Chooser, visitor_state

CONNECTING: Final = 12.0
"""Seconds after which no way between browser and server will be found any more."""
SILENCE: Final = 8.0
"""Seconds without a frame after which none will come."""

Trouble = Literal["insecure", "refused", "none", "busy", "unreachable", "silent", "broken"]
Step = Literal["again", "snapshot", "upload"]

ERRORS: Final[Mapping[str, Trouble]] = {
    "NotAllowedError": "refused",
    "SecurityError": "refused",
    "NotFoundError": "none",
    "OverconstrainedError": "none",
    "NotReadableError": "busy",
    "AbortError": "busy",
    "InsecureContext": "insecure",
}
"""What browsers call it, and `live_probe.js` for what they have no name for."""


@dataclass(frozen=True, slots=True)
class Signs:
    """What is known about a camera that was asked for.

    Attributes:
        error: the name of the browser's error, if it reported one.
        secure: whether the browser gives a camera to a page at this address.
        connecting: seconds since the connection was begun; nothing while it was not.
        playing: whether browser and server have found each other.
        silence: seconds since the last frame, or since the connection was begun.
    """

    error: str = ""
    secure: bool = True
    connecting: float | None = None
    playing: bool = False
    silence: float = 0.0


@dataclass(frozen=True, slots=True)
class Advice:
    """What to say about a trouble, and what to offer, the most promising step first.

    The last step, setting the mood by hand, stands beside the words in any case.
    """

    title: str
    text: str
    steps: tuple[Step, ...]


ADVICE: Final[Mapping[Trouble, Advice]] = {
    "refused": Advice(
        "The camera stayed off",
        "Your browser blocked it. Allow it with the camera sign beside the address and try "
        "again, or go on without it.",
        ("again", "upload"),
    ),
    "none": Advice(
        "No camera found",
        "Your browser sees no camera on this device. Plug one in and try again, or choose a "
        "photo of yourself.",
        ("upload", "again"),
    ),
    "busy": Advice(
        "The camera is taken",
        "Another program or tab seems to be using it. Close that one and try again, or choose a "
        "photo of yourself.",
        ("again", "upload"),
    ),
    "insecure": Advice(
        "No camera at this address",
        "Browsers open a camera only on a secure page, one whose address begins with https. "
        "A photo works here too.",
        ("upload",),
    ),
    "unreachable": Advice(
        "The picture does not get through",
        "Your camera is on, but your network lets no video pass to this page. A snapshot takes "
        "another way.",
        ("snapshot", "upload", "again"),
    ),
    "silent": Advice(
        "No picture from the camera",
        "It is connected, but nothing has come from it for some seconds. A snapshot may still "
        "work, or a photo.",
        ("snapshot", "upload", "again"),
    ),
    "broken": Advice(
        "The live camera does not work here just now",
        "That is our fault and not your camera's. A snapshot may still work, or set the mood by "
        "hand.",
        ("snapshot", "again"),
    ),
}

BUTTONS: Final[Mapping[Step, tuple[str, str]]] = {
    "again": ("Try again", ":material/refresh:"),
    "snapshot": ("Take a snapshot", ":material/photo_camera:"),
    "upload": ("Choose a selfie", ":material/image:"),
}


def trouble(signs: Signs) -> Trouble | None:
    """Return what keeps the picture away, or nothing while it may still come."""
    if not signs.secure:
        return "insecure"
    if signs.error:
        return ERRORS.get(signs.error, "busy")
    if signs.connecting is None:
        return None
    if not signs.playing:
        return "unreachable" if signs.connecting >= CONNECTING else None
    return "silent" if signs.silence >= SILENCE else None


def step_down(way: Chooser) -> None:
    """Lead to a picture taken or chosen by hand."""
    visitor_state().chooser = way
    navigate_to("selfie")


def steps(which: Trouble, on_again: Callable[[], None]) -> None:
    """Draw the buttons of the steps down, the first of them as the one to press."""
    actions: dict[Step, Callable[[], None]] = {
        "again": on_again,
        "snapshot": lambda: step_down("camera"),
        "upload": lambda: step_down(
            "upload",
        ),
    }
    with st.container(horizontal=True):
        for step in ADVICE[which].steps:
            label, icon = BUTTONS[step]
            first = step == ADVICE[which].steps[0]
            st.button(
                label,
                key=f"fallback-{step}",
                type="primary" if first else "secondary",
                icon=icon,
                on_click=actions[step],
            )
