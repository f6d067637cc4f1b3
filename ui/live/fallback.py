"""Fallbacks if the live camera does not work: what happened, in a sentence, and what to do."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

import streamlit as st

from ui.navigation import navigate_to
from ui.photo.upload import photo_choice, problem, uploader
from ui.state import visitor_state

CAMERA_GRACE_SECONDS: Final = 10.0
"""Time to open the camera, before the connection is attempted."""
CONNECT_TIMEOUT_SECONDS: Final = 20.0
"""Browser and server connect within this time or not at all."""
NO_FRAME_TIMEOUT_SECONDS: Final = 8.0
"""Without a frame for this long, none will come."""
MAX_CHECK_SECONDS: Final = 0.5
"""The most seconds that one check of the connection counts; the page checks every 0.4 s."""

CameraProblem = Literal["insecure", "refused", "none", "busy", "unreachable", "silent", "broken"]
Fallback = Literal["again", "snapshot", "upload"]

ERRORS: Final[Mapping[str, CameraProblem]] = {
    "NotAllowedError": "refused",
    "SecurityError": "refused",
    "NotFoundError": "none",
    "OverconstrainedError": "none",
    "NotReadableError": "busy",
    "AbortError": "busy",
    "InsecureContext": "insecure",
}
"""Error names of the browser, and of `live_probe.js` where the browser has none."""


@dataclass(frozen=True, slots=True)
class CameraSigns:
    """What is known about a camera that was requested.

    Attributes:
        error: the name of the browser's error, if it reported one.
        secure: whether the browser offers a camera to a page at this address.
        connecting: seconds since the connection attempt began, negative before; ``None`` while the
            camera is off.
        playing: whether browser and server are connected.
        silence: seconds since the last frame, or since they were connected.
    """

    error: str = ""
    secure: bool = True
    connecting: float | None = None
    playing: bool = False
    silence: float = 0.0


class ConnectionTimer:
    """How long a visitor has waited for video, measured in checks of the connection.

    If the page checks less often than it should, browser or server is busy, and connecting takes
    longer, too. So a check counts for `MAX_CHECK_SECONDS` at most: a slow machine gets more time.

    Attributes:
        silence: seconds since the last frame, or since browser and server were connected.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._checked_at = clock()
        self._opening = self._connecting = self.silence = 0.0
        self._offered = self._connected = False
        self._frames = 0

    @property
    def connecting(self) -> float:
        """Seconds for which browser and server have been trying to connect.

        Negative while the camera may still be opening.
        """
        return self._connecting if self._offered else self._opening - CAMERA_GRACE_SECONDS

    def check(self, *, playing: bool, signalling: bool, frames: int) -> None:
        """Count the time since the last check.

        Args:
            playing: whether browser and server are connected.
            signalling: whether they are trying.
            frames: how many frames have arrived so far.
        """
        now = self._clock()
        elapsed = min(now - self._checked_at, MAX_CHECK_SECONDS)
        self._checked_at = now
        if frames > self._frames:
            self.silence, self._frames = 0.0, frames
        elif self._connected:
            self.silence += elapsed
        elif self._offered:
            self._connecting += elapsed
        else:
            self._opening += elapsed
        self._connected |= playing
        self._offered |= playing or signalling


@dataclass(frozen=True, slots=True)
class Advice:
    """What to say about a problem, and which fallbacks to offer, the most promising first.

    Setting the mood by hand is always offered beside them.
    """

    title: str
    text: str
    steps: tuple[Fallback, ...]


ADVICE: Final[Mapping[CameraProblem, Advice]] = {
    "refused": Advice(
        "Camera blocked",
        "Click the camera icon in the address bar, allow it, and try again. Or go on without it.",
        ("again", "upload"),
    ),
    "none": Advice(
        "No camera found",
        "Your browser can’t find a camera on this device. Plug one in and try again, or choose a "
        "photo of yourself.",
        ("upload", "again"),
    ),
    "busy": Advice(
        "The camera is in use",
        "Another app or tab seems to be using it. Close it and try again, or choose a photo of "
        "yourself.",
        ("again", "upload"),
    ),
    "insecure": Advice(
        "No camera at this address",
        "Browsers only open the camera on secure pages, whose address starts with https. You can "
        "still use a photo.",
        ("upload",),
    ),
    "unreachable": Advice(
        "The video can’t get through",
        "Your camera is on, but your network is blocking live video. A snapshot doesn’t need it.",
        ("snapshot", "upload", "again"),
    ),
    "silent": Advice(
        "No picture from the camera",
        "It’s connected, but no picture has arrived for several seconds. Try a snapshot or a "
        "photo instead.",
        ("snapshot", "upload", "again"),
    ),
    "broken": Advice(
        "The live camera isn’t working right now",
        "That’s our fault, not your camera’s. Try a snapshot, or set your mood by hand.",
        ("snapshot", "again"),
    ),
}

BUTTONS: Final[Mapping[Fallback, tuple[str, str]]] = {
    "again": ("Try again", ":material/refresh:"),
    "snapshot": ("Take a snapshot", ":material/photo_camera:"),
    "upload": ("Choose a selfie", ":material/image:"),
}


def diagnose(signs: CameraSigns) -> CameraProblem | None:
    """Return why there is no video, or ``None`` while it may still come."""
    if not signs.secure:
        return "insecure"
    if signs.error:
        return ERRORS.get(signs.error, "busy")
    if signs.connecting is None:
        return None
    if not signs.playing:
        return "unreachable" if signs.connecting >= CONNECT_TIMEOUT_SECONDS else None
    return "silent" if signs.silence >= NO_FRAME_TIMEOUT_SECONDS else None


def take_snapshot() -> None:
    """Go to the selfie page with its camera open. For callbacks."""
    visitor_state().chooser = "camera"
    navigate_to("selfie")


def fallback_buttons(which: CameraProblem, on_again: Callable[[], None]) -> None:
    """Draw the buttons of the fallbacks, the first of them as the primary one."""
    actions: dict[Fallback, Callable[[], None]] = {"again": on_again, "snapshot": take_snapshot}
    with st.container(horizontal=True):
        for place, step in enumerate(ADVICE[which].steps):
            look: Literal["primary", "secondary"] = "secondary" if place else "primary"
            label, icon = BUTTONS[step]
            if step == "upload":
                photo_choice(label, look=look)
            else:
                st.button(
                    label, key=f"fallback-{step}", type=look, icon=icon, on_click=actions[step]
                )
    uploader()
    problem()
