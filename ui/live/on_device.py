"""The camera that the visitor's own browser reads, on the page."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from ui import wording
from ui.diary import diary
from ui.live import connection
from ui.live.camera import CONSTRAINTS, LiveCamera
from ui.live.device import DeviceCapture
from ui.server import device_assets
from ui.widgets.device_camera import device_camera

KEY = "device-camera"


def on_device(camera: LiveCamera) -> None:
    """Mount the camera, if the files with which a browser reads it are installed."""
    base = device_assets.base_address()
    if base is not None:
        # A fragment: most reports of the browser require no rerun of the page.
        st.fragment(_mount)(camera, base, drawn=_state(camera))


def live_privacy(camera: LiveCamera) -> tuple[str, str]:
    """Return what happens to this visitor's picture: in a sentence, and in detail."""
    if camera.able:
        return diary.privacy(on_device=True), wording.DEVICE_PROMISE
    return diary.privacy(), wording.LIVE_PROMISE


def refresh(camera: LiveCamera) -> None:
    """Handle the browser's last report on the camera, in case no callback of this run has."""
    state = st.session_state.get(KEY)
    news = state.get("news") if isinstance(state, Mapping) else None
    if isinstance(news, Mapping):
        camera.on_news(news)


def _state(camera: LiveCamera) -> tuple[object, ...]:
    """Return what the rest of the page depends on, without what the browser draws itself."""
    reading = camera.reading
    return (
        camera.able,
        camera.capture,
        camera.waiting,
        bool(camera.capture and camera.capture.stream.frames),
        (reading or camera.seen) is not None,
        reading is not None and reading.is_stable and not camera.keep,
        camera.resting and camera.resting.state,
    )


def _mount(camera: LiveCamera, base: str, *, drawn: tuple[object, ...]) -> None:
    connection.update(camera)
    if camera.tapped or _state(camera) != drawn:
        # The report changes the rest of the page. The browser may also have sent a button's click
        # along with it, for which there is no other run.
        camera.tapped = False
        st.rerun()
    capture = camera.capture if isinstance(camera.capture, DeviceCapture) else None
    stream = capture.stream if capture else None
    device_camera(
        key=KEY,
        base=base,
        capture=capture.number if capture else 0,
        offsets=stream.recentring.offsets if stream and stream.recentring else None,
        rest=stream.rest_number if stream else 0,
        collecting=camera.collecting,
        keep=camera.keep,
        captions={
            emotion: (feeling.word, str(st.get_option(f"theme.dark.{feeling.color}Color")))
            for emotion, feeling in wording.FEELINGS.items()
        },
        constraints=CONSTRAINTS,
        on_able=camera.on_able,
        on_news=camera.on_news,
    )
