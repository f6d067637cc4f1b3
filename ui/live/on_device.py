"""The camera that the visitor's own browser reads, on the page."""

from __future__ import annotations

import streamlit as st

from ui import wording
from ui.diary import diary
from ui.live.camera import CONSTRAINTS, LiveCamera
from ui.live.device import DeviceCapture
from ui.server import device_assets
from ui.widgets.device_camera import device_camera

KEY = "device-camera"


def on_device(camera: LiveCamera) -> None:
    """Mount the camera, where what a browser reads it with is installed."""
    base = device_assets.base_address()
    if base is not None:
        # A fragment: what the browser says a few times a second draws nothing else anew.
        st.fragment(_mount)(camera, base, drawn=_state(camera))


def live_privacy(camera: LiveCamera) -> tuple[str, str]:
    """Return what becomes of this visitor's picture: in a sentence, and in more words."""
    if camera.able:
        return diary.privacy(on_device=True), wording.DEVICE_PROMISE
    return diary.privacy(), wording.LIVE_PROMISE


def _state(camera: LiveCamera) -> tuple[object, ...]:
    """Return what the rest of the page is drawn by."""
    return camera.able, camera.capture, camera.waiting


def _mount(camera: LiveCamera, base: str, *, drawn: tuple[object, ...]) -> None:
    if _state(camera) != drawn:
        # News of the camera brought other news with it, which the rest of the page has not seen.
        st.rerun()
    capture = camera.capture if isinstance(camera.capture, DeviceCapture) else None
    stream = capture.stream if capture else None
    device_camera(
        key=KEY,
        base=base,
        capture=capture.number if capture else 0,
        offsets=stream.recentring.offsets if stream and stream.recentring else None,
        rest=stream.rest_number if stream else 0,
        captions={
            emotion: (feeling.word, str(st.get_option(f"theme.dark.{feeling.color}Color")))
            for emotion, feeling in wording.FEELINGS.items()
        },
        constraints=CONSTRAINTS,
        on_able=camera.on_able,
        on_news=camera.on_news,
    )
