"""One visitor's live camera: what was asked for, and the stream between two presses.

Lives in the visitor's session. Streams run in threads of streamlit-webrtc's, where nothing of
Streamlit may be called: they write what they read into their own `Take`, and the page looks.
"""

from __future__ import annotations

import logging
import time
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
from ui.live.fallback import CameraProblem, CameraSigns, diagnose

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
CAMERA_GRACE_SECONDS: Final = 10.0
"""Seconds for what lies before a connection is tried: opening the camera, a busy server."""

MAX_FRAME_SIDE_PX: Final = 1280
"""Pixels. A browser that sends more than it was asked for gets it back smaller: a frame of 4K
would be 25 MB in every copy."""

logger = logging.getLogger(__name__)

_compat_webrtc.say_little()


class CaptureSession:
    """From START to STOP: the stream and its two callbacks.

    Args:
        classifier: reads the faces; shared by all visitors.
        recentring: moves what is read to this visitor's own rest.
    """

    def __init__(self, classifier: Classifier, recentring: Recentring | None = None) -> None:
        self.began = time.monotonic()
        self.over = False
        self.stream = FaceStream(
            classifier, captions=captions(), mirror=True, recentring=recentring
        )
        self.offered: float | None = None
        self.connected: float | None = None
        self._complained = float("-inf")

    def on_frame(self, frame: av.VideoFrame) -> av.VideoFrame:
        """Return the frame to be shown. Never raises: that would freeze the picture for good."""
        try:
            at = self._seconds(frame)
            width, height = bounded(frame.width, frame.height)
            pixels = np.asarray(
                frame.to_ndarray(format="rgb24", width=width, height=height), dtype=np.uint8
            )
            shown, _ = self.stream.process(pixels, at)
            # The encoder wants this format; here the conversion holds up one visitor only.
            return av.VideoFrame.from_ndarray(shown, format="rgb24").reformat(format="yuv420p")
        except Exception:
            if time.monotonic() - self._complained >= 1.0:
                self._complained = time.monotonic()
                logger.exception("A frame could not be converted")
            return frame

    def on_ended(self) -> None:
        """Forget what was seen."""
        self.stream.close()
        self.over = True

    @property
    def connecting(self) -> float:
        """Seconds for which browser and server have been looking for each other."""
        now = time.monotonic()
        return (
            now - self.began - CAMERA_GRACE_SECONDS if self.offered is None else now - self.offered
        )

    def silence(self, *, playing: bool) -> float:
        """Return the seconds without a frame, counted from the connection on."""
        if playing and self.connected is None:
            self.connected = time.monotonic()
        if self.connected is None:
            return 0.0
        return min(self.stream.silence, time.monotonic() - self.connected)

    @staticmethod
    def _seconds(frame: av.VideoFrame) -> float:
        return time.perf_counter() if frame.time is None else float(frame.time)


@dataclass(slots=True)
class LiveCamera:
    """What the page remembers from run to run.

    Attributes:
        secure: whether the browser gives this page a camera.
        allowed: whether the visitor has allowed it before, so that nothing needs to be asked.
        reported: whether the browser has said so.
        asked: how often a button was pressed that starts the camera.
        answered: the last press to which the browser had an answer.
        take: the stream, while the camera is wanted.
        keep: whether to read on although the mood has settled.
        failed: why there is no picture.
        error: what the browser called it.
        recentring: moves what is read to this visitor's own rest.
        heard: the resting face that was heard of last.
    """

    secure: bool = True
    allowed: bool = False
    reported: bool = False
    asked: int = 0
    answered: int = 0
    capture: CaptureSession | None = None
    keep: bool = False
    failed: CameraProblem | None = None
    error: str = ""
    recentring: Recentring = field(default_factory=Recentring)
    heard: RestingFace | None = None

    @property
    def waiting(self) -> bool:
        """Whether the browser is asking the visitor just now."""
        return self.asked > self.answered

    @property
    def reading(self) -> LiveReading | None:
        """What the camera shows just now."""
        return self.capture.stream.latest if self.capture else None

    @property
    def resting(self) -> RestingFace | None:
        """The resting face that was asked for last in this stream, done or not."""
        return self.capture.stream.resting if self.capture else None

    @property
    def collecting(self) -> bool:
        """Whether the visitor's resting face is being collected just now."""
        return self.resting is not None and self.resting.state == "collecting"

    def collect_resting(self) -> None:
        """Take the next second as the visitor's rest. Who shows that has shown no mood yet."""
        if self.capture is not None:
            self.keep = True
            self.capture.stream.collect_resting()

    def new_rest(self) -> Recentring | None:
        """Return what came of the resting face, once."""
        resting = self.resting
        if resting is None or resting is self.heard or resting.state == "collecting":
            return None
        self.heard = resting
        return resting.recentring

    def recentre(self, recentring: Recentring) -> None:
        """Move what is read from now on. While a rest is being collected, that comes first."""
        self.recentring = recentring
        if self.capture is not None and (self.resting is None or self.resting is self.heard):
            self.capture.stream.recentre(recentring)

    def start(self) -> None:
        """Ask for the camera."""
        self.on_press(self.asked + 1, self.asked + self.allowed, "")

    def read_on(self) -> None:
        """Let the mood settle no more by itself; open the camera again if it has."""
        if self.capture is None:
            self.start()
        self.keep = True

    def stop(self) -> None:
        """Let go of the camera and of everything that was seen."""
        self.answered = self.asked
        if self.capture is not None:
            self.capture.stream.close()
            self.capture = None

    def fail(self, why: CameraProblem) -> None:
        """Stop for a reason."""
        self.stop()
        self.failed = why

    def on_report(self, secure: bool, allowed: bool) -> None:
        """Take what the browser says before anything was asked."""
        self.secure, self.allowed, self.reported = secure, allowed, True

    def on_press(self, asked: int, answered: int, error: str) -> None:
        """Take what the browser says of the presses of the button.

        Args:
            asked: the last press.
            answered: the last one to which the visitor's or the browser's answer is known.
            error: its name, also of one that came later; empty where the camera is there.
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

    def look(self, *, playing: bool, signalling: bool = False) -> None:
        """Notice what keeps the picture away.

        Args:
            playing: whether browser and server are connected.
            signalling: whether they are trying.
        """
        if self.capture is not None and self.capture.over:
            self.stop()  # from the other side: a cable pulled, a lid closed, another page
        capture = self.capture
        if capture and capture.offered is None and (playing or signalling):
            capture.offered = time.monotonic()
        signs = CameraSigns(
            error=self.error,
            secure=self.secure,
            connecting=capture.connecting if capture else None,
            playing=playing or bool(capture and capture.stream.frames),
            silence=capture.silence(playing=playing) if capture else 0.0,
        )
        why = diagnose(signs)
        if why is not None:
            self.fail(why)

    def _start_capture(self) -> None:
        self.stop()
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
    mine: LiveCamera = st.session_state.setdefault("live", LiveCamera())
    return mine


def _classifier() -> Classifier:
    """Return the network, which all visitors share and which remembers nobody."""
    return services.recognizer().classifier


def captions() -> dict[str, Caption]:
    """Return how emotions are written on the picture: as everywhere, in the colours of the night,
    because words on a picture stand on a dark ground."""
    return {
        emotion: Caption(feeling.word, _rgb(st.get_option(f"theme.dark.{feeling.color}Color")))
        for emotion, feeling in wording.FEELINGS.items()
    }


def _rgb(colour: str | None) -> tuple[int, int, int]:
    text = (colour or "#FFFFFF").lstrip("#")
    return int(text[0:2], 16), int(text[2:4], 16), int(text[4:6], 16)
