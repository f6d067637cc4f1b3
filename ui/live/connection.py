"""The WebRTC connection between the visitor's browser and the server."""

from __future__ import annotations

import logging

import streamlit as st
import streamlit_webrtc

from ui._compat import webrtc as _compat_webrtc
from ui.live.camera import CONSTRAINTS, KEY, CaptureSession, LiveCamera
from ui.live.ice import SETTING, ice_servers

logger = logging.getLogger(__name__)


def connected() -> bool:
    """Return whether browser and server are connected, or about to be."""
    connection = st.session_state.get(KEY)
    return connection is not None and any(connection.state)


def update(camera: LiveCamera) -> None:
    """Tell the camera what has happened to the connection since the last run."""
    connection = st.session_state.get(KEY)
    playing, signalling = (False, False) if connection is None else connection.state
    camera.update_connection(playing=playing, signalling=signalling)


def connect(camera: LiveCamera) -> None:
    """Mount the connection between browser and server, unless the browser reads itself."""
    if camera.able:
        return
    # Until the component's iframe has reported, a request to play would reach it several times. It
    # would send as many offers, and the server might answer another one than the browser keeps.
    mounted = st.session_state.get(_compat_webrtc.component_state_key(KEY)) is not None
    capture = camera.capture if mounted and isinstance(camera.capture, CaptureSession) else None
    if capture is not None:
        connection = st.session_state.get(KEY)
        _compat_webrtc.forget_rendered_runs(connection)
        if _compat_webrtc.drop_outdated_answer(connection, KEY):
            logger.info("The browser has made another offer, and connects anew")
            capture.restarting = True
        elif capture.restarting and _compat_webrtc.has_stopped(KEY):
            capture.restarting = False
    wanted = capture is not None and not capture.restarting
    try:
        servers = ice_servers()
    except ValueError as error:
        # Only to the log: the faulty part may be next to a password.
        logger.error("%s", error)
        st.error(
            f"{SETTING} cannot be used; the server's log says why.", icon=":material/settings:"
        )
        servers = []
    try:
        with _compat_webrtc.offers_ignored(not wanted):
            streamlit_webrtc.webrtc_streamer(
                key=KEY,
                mode=streamlit_webrtc.WebRtcMode.SENDRECV,
                rtc_configuration={"iceServers": servers},
                media_stream_constraints=CONSTRAINTS,
                desired_playing_state=wanted,
                video_frame_callback=capture.on_frame if capture else None,
                on_video_ended=capture.on_ended if capture else None,
                video_html_attrs={
                    "autoPlay": True,
                    "muted": True,
                    "playsInline": True,
                    "controls": False,
                    "style": {"width": "100%", "borderRadius": "0.9rem"},
                },
                media_toggle_controls=False,
                sendback_audio=False,
            )
    except Exception:
        logger.exception("The connection could not be made")
        if camera.capture is not None:
            camera.fail("unreachable")
            st.rerun()
