"""One visitor's live camera: what was requested, and the stream between start and stop.

It lives in the visitor's session. Streams run in threads of streamlit-webrtc, which must not call
Streamlit: they write their readings into their own `CaptureSession`, which the page polls.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import av
import numpy as np
import streamlit as st

from emotion.classifier import Classifier
from emotion.image.resize import downscale_factor
from emotion.live.overlay import Caption
from emotion.live.stream import FaceStream
from emotion.live.tracker import LiveReading
from emotion.personal import Recentring, RestingFace
from ui import services, wording
from ui._compat import webrtc as _compat_webrtc
from ui.live.device import DeviceCapture
from ui.live.fallback import CameraProblem, CameraSigns, ConnectionTimer, diagnose
from ui.server import device_assets

CONSTRAINTS: Final[dict[str, Any]] = {
    "audio": False,
    "video": {
        "width": {"ideal": 640},
        "height": {"ideal": 480},
        "frameRate": {"ideal": 30, "max": 30},
        "facingMode": "user",
    },
}
KEY: Final = "live-camera"

MAX_FRAME_SIDE_PX: Final = 1280
"""Larger frames, which a browser may send unasked, are downscaled: every copy of a 4K frame would
take 25 MB."""

logger = logging.getLogger(__name__)

_compat_webrtc.use_quiet_connections()
_compat_webrtc.skip_repeated_frames()
_compat_webrtc.remember_offers()


class CaptureSession:
    """One capture that the server reads, from start to stop: the stream and its two callbacks.

    Args:
        classifier: reads the faces; shared by all visitors.
        recentring: re-centres readings on this visitor's resting face.

    Attributes:
        restarting: whether the browser is to stop and connect anew.
    """

    def __init__(self, classifier: Classifier, recentring: Recentring | None = None) -> None:
        self.timer = ConnectionTimer()
        self.over = self.restarting = False
        self.stream = FaceStream(
            classifier, captions=captions(), mirror=True, recentring=recentring
        )
        self._logged_at = float("-inf")

    def on_frame(self, frame: av.VideoFrame) -> av.VideoFrame:
        """Return the frame to show. Never raises: that would freeze the picture for good."""
        try:
            at = self._seconds(frame)
            width, height = bounded(frame.width, frame.height)
            pixels = np.asarray(
                frame.to_ndarray(format="rgb24", width=width, height=height), dtype=np.uint8
            )
            shown, _ = self.stream.process(pixels, at)
            # The encoder needs this format; converting here delays only one visitor.
            return av.VideoFrame.from_ndarray(shown, format="rgb24").reformat(format="yuv420p")
        except Exception:
            if time.monotonic() - self._logged_at >= 1.0:
                self._logged_at = time.monotonic()
                logger.exception("A frame could not be converted")
            return frame

    def on_ended(self) -> None:
        """Forget what was seen."""
        self.stream.close()
        self.over = True

    @property
    def playing(self) -> bool:
        """Whether a frame has arrived."""
        return self.stream.frames > 0

    @staticmethod
    def _seconds(frame: av.VideoFrame) -> float:
        return time.perf_counter() if frame.time is None else float(frame.time)


@dataclass(slots=True)
class LiveCamera:
    """The state of the camera across runs of the page.

    Attributes:
        secure: whether the browser offers a camera to a page at this address.
        allowed: whether the visitor has allowed it before, so that the browser will not ask.
        reported: whether the browser has reported these two.
        wanted: whether another page asked for the camera, to be started on the live page.
        asked: how many times a button that starts the camera was pressed.
        answered: the last press that the browser has answered.
        able: whether the visitor's browser can read the camera itself.
        capture: the capture session, while the camera is on.
        keep: whether to keep reading after the mood is stable.
        failed: why there is no video.
        error: the name of the browser's error.
        tapped: whether the page has to be rerun for a tap of the visitor.
        seen: the last reading of the stream, which stays while the face is out of sight.
        recentring: re-centres readings on this visitor's resting face.
        heard: the last resting face that `new_rest` has returned.
    """

    secure: bool = True
    allowed: bool = False
    reported: bool = False
    wanted: bool = False
    able: bool = False
    asked: int = 0
    answered: int = 0
    capture: CaptureSession | DeviceCapture | None = None
    keep: bool = False
    failed: CameraProblem | None = None
    error: str = ""
    tapped: bool = False
    seen: LiveReading | None = None
    recentring: Recentring = field(default_factory=Recentring)
    heard: RestingFace | None = None

    @property
    def waiting(self) -> bool:
        """Whether the browser is asking the visitor for permission."""
        return self.asked > self.answered

    @property
    def reading(self) -> LiveReading | None:
        """The latest reading of the stream, or ``None`` while no face is in sight."""
        latest = self.capture.stream.latest if self.capture else None
        if latest is not None:
            self.seen = latest
        return latest

    @property
    def resting(self) -> RestingFace | None:
        """The resting face that was last requested in this stream, complete or not."""
        return self.capture.stream.resting if self.capture else None

    @property
    def collecting(self) -> bool:
        """Whether the visitor's resting face is being collected."""
        return self.resting is not None and self.resting.state == "collecting"

    def collect_resting(self) -> None:
        """Collect the next second as the resting face. Meanwhile no mood may become stable."""
        if self.capture is not None:
            self.keep = True
            self.capture.stream.collect_resting()

    def new_rest(self) -> Recentring | None:
        """Return the re-centring of a completed resting face, once."""
        resting = self.resting
        if resting is None or resting is self.heard or resting.state == "collecting":
            return None
        self.heard = resting
        return resting.recentring

    def recentre(self, recentring: Recentring) -> None:
        """Re-centre readings from now on, but not while a resting face is being collected."""
        self.recentring = recentring
        if self.capture is not None and (self.resting is None or self.resting is self.heard):
            self.capture.stream.recentre(recentring)

    def start(self) -> None:
        """Request the camera."""
        self.on_press(self.asked + 1, self.asked + self.allowed, "")

    def read_on(self) -> None:
        """Keep reading after the mood is stable; start the camera again if it has stopped."""
        if self.capture is None:
            self.start()
        self.keep = True

    def stop(self) -> None:
        """Stop the camera and forget its readings."""
        self.answered = self.asked
        if self.capture is not None:
            self.capture.stream.close()
            self.capture = None
        self.seen = None

    def fail(self, why: CameraProblem) -> None:
        """Stop for a reason."""
        self.stop()
        self.failed = why

    def on_report(self, secure: bool, allowed: bool) -> None:
        """Handle the browser's report, which comes before any press."""
        self.secure, self.allowed, self.reported = secure, allowed, True

    def on_press(self, asked: int, answered: int, error: str) -> None:
        """Handle the browser's report about the presses of the button.

        Args:
            asked: the last press.
            answered: the last one to which the visitor's or the browser's answer is known.
            error: the name of an error, then or later; empty where the camera works.
        """
        if asked > self.asked:
            self.failed, self.error, self.keep = None, "", False
            self.asked = asked
        if answered < self.asked:
            return
        if error:
            if self.waiting or self.capture is not None:
                self.error = error
                self.allowed = False
        elif self.waiting:
            self.answered = answered
            self.allowed = True
            self._start_capture()

    def on_earlier_presses(self, presses: int) -> None:
        """Continue the count of a session that was lost, without its camera."""
        self.asked = self.answered = max(self.asked, presses)

    def on_able(self, able: bool) -> None:
        """Handle the browser's report on whether it can read the camera itself.

        If it later turns out that it cannot, the server takes over.
        """
        self.able = able
        if not able and isinstance(self.capture, DeviceCapture):
            self._start_capture()

    def on_news(self, news: Mapping[str, Any]) -> None:
        """Handle the browser's report on the camera that it reads."""
        if isinstance(self.capture, DeviceCapture) and news.get("capture") == self.capture.number:
            self.capture.on_news(news)
            self.tapped = bool(news.get("tap"))
            if error := news.get("error"):
                self.error, self.allowed = str(error), False

    def update_connection(self, *, playing: bool, signalling: bool = False) -> None:
        """Update from the state of the connection, and stop if there is no video.

        Args:
            playing: whether browser and server are connected.
            signalling: whether they are trying.
        """
        if self.capture is not None and self.capture.over:
            self.stop()  # ended by the browser: unplugged, lid closed, page left
        capture = self.capture
        if capture is not None:
            capture.timer.check(
                playing=playing, signalling=signalling, frames=capture.stream.frames
            )
        signs = CameraSigns(
            error=self.error,
            secure=self.secure,
            connecting=capture.timer.connecting if capture else None,
            playing=playing or bool(capture and capture.playing),
            silence=capture.timer.silence if capture else 0.0,
        )
        why = diagnose(signs)
        if why is not None:
            self.fail(why)

    def _start_capture(self) -> None:
        self.stop()
        if self.able:
            self.capture = DeviceCapture(self.asked, self.recentring)
            return
        try:
            self.capture = CaptureSession(_classifier(), self.recentring)
        except Exception:
            logger.exception("The live camera could not be started")
            self.fail("broken")


def bounded(width: int, height: int) -> tuple[int, int]:
    """Return the size at which a frame is read and shown: even, and at most 1280 a side."""
    scale = downscale_factor(width, height, MAX_FRAME_SIDE_PX)
    if scale == 1.0:
        return width, height
    return max(2, round(width * scale / 2) * 2), max(2, round(height * scale / 2) * 2)


def live_camera() -> LiveCamera:
    """Return this visitor's own camera."""
    if "live" not in st.session_state:
        # Until the browser reports, assume that it can: no picture leaves it by mistake.
        able = device_assets.base_address() is not None
        st.session_state["live"] = LiveCamera(able=able)
    mine: LiveCamera = st.session_state["live"]
    return mine


def _classifier() -> Classifier:
    """Return the network, which all visitors share and which keeps no state of theirs."""
    return services.recognizer().classifier


def captions() -> dict[str, Caption]:
    """Return the words for emotions on the picture, in the colours of the dark theme: they stand on
    a dark background."""
    return {
        emotion: Caption(feeling.word, _rgb(st.get_option(f"theme.dark.{feeling.color}Color")))
        for emotion, feeling in wording.FEELINGS.items()
    }


def _rgb(colour: str | None) -> tuple[int, int, int]:
    text = (colour or "#FFFFFF").lstrip("#")
    return int(text[0:2], 16), int(text[2:4], 16), int(text[4:6], 16)
