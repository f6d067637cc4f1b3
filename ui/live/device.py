"""A camera that the visitor's own browser reads: its readings on the server, as a stream.

The browser (`ui/widgets/device_camera`) reports probabilities, boxes and names, up to a few times a
second. No image ever arrives here. The page uses it like the `emotion.live.stream.FaceStream` of a
camera that the server reads.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Final

from emotion.labels import EMOTIONS
from emotion.live.tracker import MAX_TRACKS, LiveFace, LiveReading
from emotion.personal import Recentring, RestingFace
from emotion.types import EmotionScores, Face, FaceReading
from ui import browser_values

MAX_ROWS: Final = 200
"""The most readings of a resting face that are accepted, far more than it takes."""

logger = logging.getLogger(__name__)


class DeviceStream:
    """What a browser has read from one camera, from start to stop.

    Args:
        recentring: applied by the browser to its readings of the visitor.
    """

    def __init__(self, recentring: Recentring | None = None) -> None:
        self.latest: LiveReading | None = None
        self.frames = 0
        self.silence = 0.0
        self.recentring = recentring or Recentring()
        self.resting: RestingFace | None = None
        self.rest_number = 0
        self._rows = 0

    @property
    def reads(self) -> int:
        """How many frames were read."""
        return self.frames

    def take(self, news: Mapping[str, Any]) -> None:
        """Update from a report of the browser.

        Raises:
            ValueError: it is not what the app's own script sends.
        """
        frames, silence = (
            browser_values.number(news.get("frames")),
            browser_values.number(news.get("silence")),
        )
        reading = news.get("reading")
        self.latest = None if reading is None else live_reading(reading)
        self.frames, self.silence = int(frames), silence
        rest = news.get("rest")
        if rest is not None:
            self._take_rest(rest)

    def recentre(self, recentring: Recentring) -> None:
        """Apply another re-centring; the browser gets it with the next run of its component."""
        self.recentring = recentring

    def collect_resting(self) -> None:
        """Collect the next second of the visitor's face as their resting face."""
        self.resting = RestingFace()
        self.rest_number += 1
        self._rows = 0

    def close(self) -> None:
        """Forget what was read."""
        self.latest = self.resting = None
        self.recentring = Recentring()

    def _take_rest(self, rest: Any) -> None:
        """Add new readings to the resting face that is being collected."""
        if not isinstance(rest, Mapping) or rest.get("number") != self.rest_number:
            return  # for an earlier request
        rows = rest.get("rows")
        if not isinstance(rows, list) or len(rows) > MAX_ROWS:
            raise ValueError("A resting face is a list of readings")
        for row in rows[self._rows :]:
            seconds, probabilities = row
            if self.resting is not None:
                self.resting.add(
                    None if probabilities is None else browser_values.probabilities(probabilities),
                    browser_values.number(seconds),
                )
        self._rows = len(rows)
        if self.resting is not None and self.resting.recentring is not None:
            self.recentre(self.resting.recentring)


class DeviceTimer:
    """How long a visitor has waited for video, as their browser measures it.

    Takes the place of `ui.live.fallback.ConnectionTimer`.
    """

    connecting = 0.0

    def __init__(self, stream: DeviceStream) -> None:
        self._stream = stream

    @property
    def silence(self) -> float:
        """Seconds since the last frame."""
        return self._stream.silence

    def check(self, *, playing: bool, signalling: bool, frames: int) -> None:
        """Do nothing: the browser measures the time."""


class DeviceCapture:
    """One capture that the browser reads, from start to stop.

    Args:
        number: identifies it among the visitor's captures.
        recentring: re-centres readings on this visitor's resting face.
    """

    def __init__(self, number: int, recentring: Recentring | None = None) -> None:
        self.number = number
        self.stream = DeviceStream(recentring)
        self.timer = DeviceTimer(self.stream)
        self.over = False

    @property
    def playing(self) -> bool:
        """Whether browser and server are connected; always, as no connection is needed."""
        return True

    def on_news(self, news: Mapping[str, Any]) -> None:
        """Handle the browser's report, unless it is invalid or of another capture."""
        if news.get("capture") != self.number or self.over:
            return
        try:
            self.over = bool(news.get("over"))
            self.stream.take(news)
        except (TypeError, ValueError, KeyError) as error:
            logger.warning("A browser's report on its camera was not understood: %s", error)


def live_reading(told: Mapping[str, Any]) -> LiveReading:
    """Return a browser's report of a reading as a `LiveReading`.

    Args:
        told: ``time``, ``emotion``, ``probabilities``, ``stableFor`` and ``faces``, each with
            ``identity``, ``box``, ``emotion`` and ``probabilities``.

    Raises:
        ValueError: a value is not valid.
        KeyError, TypeError: a value is missing.
    """
    faces = told["faces"]
    if not isinstance(faces, list) or not 1 <= len(faces) <= MAX_TRACKS:
        raise ValueError(f"A reading has 1 to {MAX_TRACKS} faces")
    return LiveReading(
        time=browser_values.number(told["time"]),
        faces=tuple(
            LiveFace(
                identity=int(browser_values.number(face["identity"])),
                reading=FaceReading(
                    Face(browser_values.box(face["box"])),
                    EmotionScores(browser_values.probabilities(face["probabilities"])),
                ),
                emotion=_emotion(face["emotion"]),
            )
            for face in faces
        ),
        scores=EmotionScores(browser_values.probabilities(told["probabilities"])),
        emotion=_emotion(told["emotion"]),
        stable_for=browser_values.number(told["stableFor"]),
    )


def _emotion(name: Any) -> str:
    if name not in EMOTIONS:
        raise ValueError("one of the seven emotions is needed")
    return str(name)
