"""A live camera's frames in, annotated frames and the mood of the moment out."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from emotion.boxes import scale_face
from emotion.crop import crop_region, extract_crop, preprocess
from emotion.detectors.base import FaceDetector
from emotion.live.detector import LiveDetector, live_detector
from emotion.live.frame_clock import FrameClock
from emotion.live.overlay import PLAIN, Caption, draw_reading
from emotion.live.scheduler import Pace
from emotion.live.template_tracking import INNER, Template, find_again, small_grey, template_of
from emotion.live.tracker import FaceTracker, LiveReading, Track
from emotion.personal import Recentring, RestingFace
from emotion.recognizer import check_image
from emotion.types import Face

AT_LEAST: Final = 0.5
"""So many seconds without a reading, and a late frame is better than none."""
LOOK_SIDE: Final = 640
"""Frames are searched for faces at this size at most."""
STALE: Final = 1.0
"""A reading this many seconds old says nothing about the picture any more."""

SHARED_PACE: Final = Pace()
"""What the streams of this process share: their pace, and nothing that they see."""

logger = logging.getLogger(__name__)


class Classifier(Protocol):
    """What reads the faces; `emotion.classifier.EmotionClassifier` is one."""

    def predict(self, crops: NDArray[Any]) -> NDArray[np.float32]:
        """Return ``(N, 7)`` probabilities of grey ``(N, 48, 48)`` crops."""
        ...


class FaceStream:
    """Reads one visitor's camera, frame by frame.

    Everything may be used from any thread; frames that come at once wait for one another. What
    it holds of the visitor is in this object and gone with `close`.

    Args:
        classifier: reads the faces; may be shared with other streams.
        detector: finds the faces; may be shared. By default `live_detector`.
        pace: shares the machine with the other streams of the process; all by default.
        captions: emotion → how it is written on the picture.
        mirror: whether to turn the picture into a mirror, in which people find their way.
        recentring: moves what is read of the visitor to their own rest; by default nothing.
        clock: the seconds by which costs and delays are measured.
    """

    def __init__(
        self,
        classifier: Classifier,
        *,
        detector: FaceDetector | None = None,
        pace: Pace | None = None,
        captions: Mapping[str, Caption] = PLAIN,
        mirror: bool = False,
        recentring: Recentring | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._classifier = classifier
        self._detector = detector or live_detector()
        self._seat = (pace or SHARED_PACE).join()
        self._captions = captions
        self._mirror = mirror
        self._clock = clock
        self._work = threading.RLock()
        self._lock = threading.Lock()
        self._closed = False
        self._latest: LiveReading | None = None
        self._frames = self._reads = 0
        self._first_frame = self._last_frame = clock()
        self._complained = float("-inf")
        self._recentring = recentring or Recentring()
        self._visitor: int | None
        self._resting: RestingFace | None
        self._start_over()

    @property
    def latest(self) -> LiveReading | None:
        """The last reading; nothing while nobody is in view and after `close`."""
        with self._lock:
            return self._latest

    @property
    def frames(self) -> int:
        """How many frames have come in."""
        return self._frames

    @property
    def reads(self) -> int:
        """How many of them were read."""
        return self._reads

    @property
    def recentring(self) -> Recentring:
        """What every reading of the visitor's face is moved by."""
        return self._recentring

    @property
    def resting(self) -> RestingFace | None:
        """The resting face that `collect_resting` asked for last, done or not."""
        return self._resting

    def recentre(self, recentring: Recentring) -> None:
        """Move what is read of the visitor from the next frame on.

        The visitor is who is largest in view, for as long as they stay in view. What was read
        of them before is not smoothed into what follows.
        """
        with self._work:
            if not self._closed and recentring != self._recentring:
                self._recentring = recentring
                self._tracker.begin_anew()

    def collect_resting(self) -> None:
        """Take the next second of the visitor's face as their rest, then re-centre on it.

        Frames do the work: `resting` says how far it is, and what came of it. Where it fails,
        everything stays as it was.
        """
        with self._work:
            if not self._closed:
                self._visitor = None
                self._resting = RestingFace()

    @property
    def silence(self) -> float:
        """Seconds since the last frame came in; since the beginning before the first."""
        return self._clock() - self._last_frame

    def close(self) -> None:
        """Forget everything that was seen. Frames that still come are passed on untouched."""
        with self._work:
            if not self._closed and self._frames:
                span = self._last_frame - self._first_frame
                logger.info(
                    "A stream has ended: %d frames, %d read, %.1f s",
                    *(self._frames, self._reads, span),
                )
            self._closed = True
            self._recentring = Recentring()
            self._start_over()
            self._publish(None)
        self._seat.leave()

    def process(
        self, frame: NDArray[np.uint8], timestamp: float
    ) -> tuple[NDArray[np.uint8], LiveReading | None]:
        """Read a frame if there is time for it, and return it with what is known drawn on it.

        Never raises: a fault is logged, once a second at most, and the frame passed on.

        Args:
            frame: RGB uint8 ``(H, W, 3)``; its size may change at any time.
            timestamp: when it was taken, in seconds on a clock of the stream's own. Where that
                begins anew, readings go on from the time of the last one.

        Returns:
            The frame to show, and the latest reading.
        """
        with self._work:
            self._frames += 1
            self._last_frame = self._clock()
            if self._frames == 1:
                self._first_frame = self._last_frame
            shown = frame
            try:
                check_image(frame)
                if self._closed:
                    return frame, None
                if self._mirror:
                    shown = cv2.flip(frame, 1).astype(np.uint8, copy=False)
                self._fit(shown)
                moment, late = self._clocks.take(timestamp, self._last_frame)
                self._read_if_time(shown, moment, late=late)
                latest = self.latest
                if latest is not None and moment - latest.time > STALE:
                    latest = self._publish(None)
                if latest is not None:
                    shown = draw_reading(shown, latest, self._captions)
            except Exception:
                self._complain()
            return shown, self.latest

    def _start_over(self) -> None:
        if isinstance(self._detector, LiveDetector):
            self._detector.forget()
        self._tracker = FaceTracker()
        self._templates: dict[int, Template] = {}
        self._size: tuple[int, int] | None = None
        self._visitor = None
        self._resting = None
        self._looked = self._last_read = float("-inf")
        self._clocks = FrameClock()

    def _fit(self, frame: NDArray[np.uint8]) -> None:
        """Carry on in a picture of another size: browsers change it as the line gets worse."""
        height, width = frame.shape[:2]
        if self._size is not None and self._size != (width, height):
            self._tracker.resize(width / self._size[0], height / self._size[1])
            self._templates = {}
            self._looked = float("-inf")
            self._publish(None)
        self._size = (width, height)

    def _read_if_time(self, frame: NDArray[np.uint8], moment: float, *, late: bool) -> None:
        now = self._clock()
        if (late and now - self._last_read < AT_LEAST) or not self._seat.enter(now):
            return
        self._last_read = now
        try:
            self._read(frame, moment)
        finally:
            self._seat.done(now, self._clock() - now)

    def _read(self, frame: NDArray[np.uint8], moment: float) -> None:
        small, shrink = small_grey(frame)
        now = self._clock()
        if self._lost_somebody(small, shrink) or self._time_to_look(now):
            self._look(frame, moment)
            self._seat.looked(self._clock() - now)
            self._looked = now
            self._templates = {
                track.identity: template
                for track in self._tracker.tracks
                if (template := _template(small, shrink, track))
            }
        tracks = [t for t in self._tracker.tracks if t.box.area and not t.turned_away]
        probabilities: dict[int, tuple[float, ...]] = {}
        if tracks:
            grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY).astype(np.uint8, copy=False)
            faces = (Face(track.box, region=track.region) for track in tracks)
            crops = np.stack([preprocess(extract_crop(grey, crop_region(face))) for face in faces])
            # Every second reading sees the mirror image. Smoothed over time that is the mean
            # of both, which is right more often, at the price of one.
            if self._reads % 2:
                crops = crops[:, :, ::-1]
            rows = self._classifier.predict(crops)
            probabilities = {
                track.identity: tuple(float(p) for p in row)
                for track, row in zip(tracks, rows, strict=True)
            }
        self._personal(probabilities, tracks, moment)
        height, width = frame.shape[:2]
        self._reads += 1
        self._publish(self._tracker.read(probabilities, moment, width=width, height=height))

    def _personal(
        self, probabilities: dict[int, tuple[float, ...]], tracks: list[Track], moment: float
    ) -> None:
        """Re-centre the visitor's row in ``probabilities``, and collect their rest if asked."""
        if self._visitor not in {track.identity for track in self._tracker.tracks}:
            self._visitor = tracks[0].identity if tracks else None
        row = None if self._visitor is None else probabilities.get(self._visitor)
        resting = self._resting
        if resting is not None and resting.state == "collecting":
            resting.add(row, moment)
            if resting.recentring is not None:
                self.recentre(resting.recentring)
        if self._visitor is not None and row is not None:
            probabilities[self._visitor] = self._recentring.apply(row)

    def _time_to_look(self, now: float) -> bool:
        return not self._tracker.sure or now - self._looked >= self._seat.look_interval

    def _lost_somebody(self, small: NDArray[np.uint8], shrink: float) -> bool:
        """Follow the known faces, and say whether one of them cannot be found any more."""
        shifts: dict[int, tuple[float, float]] = {}
        lost = False
        for identity, template in self._templates.items():
            place = find_again(small, template)
            if place is None:
                lost = True
                continue
            x, y = place
            shifts[identity] = ((x - template.x) / shrink, (y - template.y) / shrink)
            self._templates[identity] = Template(template.pixels, x, y)
        self._tracker.shift(shifts)
        return lost

    def _look(self, frame: NDArray[np.uint8], moment: float) -> None:
        height, width = frame.shape[:2]
        shrink = min(1.0, LOOK_SIDE / max(height, width))
        size = max(1, round(width * shrink)), max(1, round(height * shrink))
        small = cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
        faces = self._detector.detect(small.astype(np.uint8, copy=False))
        self._tracker.sight([scale_face(face, 1 / shrink) for face in faces], moment)

    def _publish(self, reading: LiveReading | None) -> LiveReading | None:
        with self._lock:
            self._latest = None if self._closed else reading
            return self._latest

    def _complain(self) -> None:
        now = self._clock()
        if now - self._complained >= 1.0:
            self._complained = now
            logger.exception("A frame could not be read")


def _template(small: NDArray[np.uint8], shrink: float, track: Track) -> Template | None:
    """Return the template of a face's inner part in a small grey frame."""
    edge = (1 - INNER) / 2
    return template_of(
        small,
        (track.x + edge * track.width) * shrink,
        (track.y + edge * track.height) * shrink,
        INNER * track.width * shrink,
        INNER * track.height * shrink,
    )
