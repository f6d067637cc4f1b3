"""A live camera's frames in, annotated frames and the mood of the moment out."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Mapping
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from emotion.boxes import scale_face
from emotion.classifier import Classifier
from emotion.crop import crop_region, extract_crop, preprocess
from emotion.detectors.base import FaceDetector
from emotion.image.checks import check_image
from emotion.image.resize import downscale
from emotion.live.detector import LiveDetector, build_live_detector
from emotion.live.frame_clock import FrameClock
from emotion.live.overlay import PLAIN_CAPTIONS, Caption, draw_reading
from emotion.live.scheduler import FrameScheduler
from emotion.live.template_tracking import SearchFrame, search_frame
from emotion.live.tracker import FaceTracker, LiveReading, Track
from emotion.personal import Recentring, RestingFace
from emotion.types import Face

MAX_UNREAD_SECONDS: Final = 0.5
"""After this long without a reading, a late frame is read all the same."""
DETECTION_SIDE_PX: Final = 640
"""Faces are detected in frames of at most this many pixels a side."""
READING_EXPIRES_SECONDS: Final = 1.0
"""An older reading is withdrawn, unless its faces are still in view and the next reading is not due
yet."""
MAX_READING_EXPIRES_SECONDS: Final = 6.0
"""In that case it holds for `EXPIRES_AFTER_INTERVALS` intervals between readings, but no longer
than this."""
EXPIRES_AFTER_INTERVALS: Final = 2.0
LOOK_INTERVAL_SECONDS: Final = 0.25
"""Between readings that are further apart, faces are searched for by their templates this often."""
LOG_INTERVAL_SECONDS: Final = 1.0
"""Errors are logged no more often than this."""

SHARED_SCHEDULER: Final = FrameScheduler()
"""Divides the machine between the streams of this process. They share nothing else."""

logger = logging.getLogger(__name__)


class FaceStream:
    """Reads one visitor's camera, frame by frame.

    Safe to call from several threads: frames that come at once wait for one another. Everything
    known about the visitor is in this object, and `close` deletes it.

    Args:
        classifier: reads the faces; may be shared with other streams.
        detector: finds the faces; may be shared. By default that of `build_live_detector`.
        scheduler: divides the machine between its streams; by default one for the process.
        captions: emotion → how it is written on the frame.
        mirror: whether to show the frame mirrored, as people know themselves.
        recentring: applied to the visitor's readings; by default it changes nothing.
        include_unconfirmed: whether readings include faces that were detected only once so far.
        clock: returns seconds; delays are measured with it.
        cpu_clock: returns the calling thread's processor time in seconds; costs are measured with
            it. By default the system's, or ``clock`` if given.
    """

    def __init__(
        self,
        classifier: Classifier,
        *,
        detector: FaceDetector | None = None,
        scheduler: FrameScheduler | None = None,
        captions: Mapping[str, Caption] = PLAIN_CAPTIONS,
        mirror: bool = False,
        recentring: Recentring | None = None,
        include_unconfirmed: bool = False,
        clock: Callable[[], float] = time.perf_counter,
        cpu_clock: Callable[[], float] | None = None,
    ) -> None:
        self._classifier = classifier
        self._detector = detector or build_live_detector()
        self._slot = (scheduler or SHARED_SCHEDULER).join()
        self._captions = captions
        self._mirror = mirror
        self._include_unconfirmed = include_unconfirmed
        self._clock = clock
        self._cpu_clock = cpu_clock or (time.thread_time if clock is time.perf_counter else clock)
        self._work_lock = threading.RLock()
        self._latest_lock = threading.Lock()
        self._closed = False
        self._latest: LiveReading | None = None
        self._frames = self._reads = 0
        self._first_frame_at = self._last_frame_at = clock()
        self._logged_at = float("-inf")
        self._recentring = recentring or Recentring()
        self._size: tuple[int, int] | None
        self._visitor: int | None
        self._resting: RestingFace | None
        self._detected_at: float
        self._read_at: float
        self._looked_at: float
        self._classified_at: float
        self._observed_interval: float
        self._start_over()

    @property
    def latest(self) -> LiveReading | None:
        """The last reading; None while no face is in view and after `close`."""
        with self._latest_lock:
            return self._latest

    @property
    def frames(self) -> int:
        """How many frames have come in."""
        return self._frames

    @property
    def reads(self) -> int:
        """How many frames were read."""
        return self._reads

    @property
    def recentring(self) -> Recentring:
        """What is applied to every reading of the visitor's face."""
        return self._recentring

    @property
    def resting(self) -> RestingFace | None:
        """The resting face last started by `collect_resting`, done or not."""
        return self._resting

    def recentre(self, recentring: Recentring) -> None:
        """Apply another re-centring to the visitor's readings from the next frame on.

        The visitor is the largest face in view, for as long as it stays in view. Earlier readings
        are not smoothed into later ones.
        """
        with self._work_lock:
            if not self._closed and recentring != self._recentring:
                self._recentring = recentring
                self._tracker.forget_moods()

    def collect_resting(self) -> None:
        """Take the next second of the visitor's face as their resting face, and re-centre on it.

        That happens as frames come in: `resting` tells its state and result. If it fails, nothing
        changes.
        """
        with self._work_lock:
            if not self._closed:
                self._visitor = None
                self._resting = RestingFace()

    def close(self) -> None:
        """Forget everything that was seen. Later frames are returned untouched."""
        with self._work_lock:
            if not self._closed and self._frames:
                logger.info(
                    "A stream has ended: %d frames, %d read, %.1f s",
                    self._frames,
                    self._reads,
                    self._last_frame_at - self._first_frame_at,
                )
            self._closed = True
            self._recentring = Recentring()
            self._start_over()
            self._publish(None)
        self._slot.leave()

    def process(
        self, frame: NDArray[np.uint8], timestamp: float
    ) -> tuple[NDArray[np.uint8], LiveReading | None]:
        """Read a frame if there is time for it, and return it with the latest reading drawn on it.

        Never raises: an error is logged, once a second at most, and the frame returned.

        Args:
            frame: RGB uint8 ``(H, W, 3)``; its size may change at any time.
            timestamp: when it was captured, in seconds on the stream's own clock. If that starts
                over, readings continue from the time of the last one.

        Returns:
            The frame to show, and the latest reading.
        """
        with self._work_lock:
            shown = frame
            try:
                self._count_frame()
                check_image(frame)
                if self._closed:
                    return frame, None
                if self._mirror:
                    shown = cv2.flip(frame, 1).astype(np.uint8, copy=False)
                latest = self._advance(shown, timestamp)
                if latest is not None:
                    shown = draw_reading(shown, latest, self._captions)
            except Exception:
                self._log_error()
            return shown, self.latest

    def read(self, frame: NDArray[np.uint8], timestamp: float) -> LiveReading | None:
        """Read a frame as `process` does, but draw nothing on it and raise errors.

        Args:
            frame: RGB uint8 ``(H, W, 3)``, which is not mirrored.
            timestamp: as for `process`.

        Returns:
            The latest reading; None while no face counts.

        Raises:
            ValueError: wrong type, shape or dtype.
        """
        with self._work_lock:
            self._count_frame()
            check_image(frame)
            return None if self._closed else self._advance(frame, timestamp)

    def _advance(self, frame: NDArray[np.uint8], timestamp: float) -> LiveReading | None:
        self._adapt_to_size(frame)
        captured_at, late = self._frame_clock.update(timestamp, self._last_frame_at)
        if not self._read_if_time(frame, captured_at, late=late):
            self._look_if_time(frame, captured_at)
        return self._expire(captured_at)

    # The steps of a frame, in their order.

    def _count_frame(self) -> None:
        self._frames += 1
        self._last_frame_at = self._clock()
        if self._frames == 1:
            self._first_frame_at = self._last_frame_at

    def _adapt_to_size(self, frame: NDArray[np.uint8]) -> None:
        """Carry on in frames of another size: browsers change it as the connection gets worse."""
        height, width = frame.shape[:2]
        if self._size is not None and self._size != (width, height):
            self._tracker.resize(width / self._size[0], height / self._size[1])
            self._detected_at = float("-inf")
            self._slot.hurry()
            self._publish(None)
        self._size = (width, height)

    def _read_if_time(self, frame: NDArray[np.uint8], captured_at: float, *, late: bool) -> bool:
        """Read the frame and return True, or return False if there is no time for it."""
        now, cpu_now = self._clock(), self._cpu_clock()
        if late and now - self._read_at < MAX_UNREAD_SECONDS:
            return False
        if not self._slot.try_begin(now):
            return False
        if math.isfinite(self._read_at):
            self._observed_interval = now - self._read_at
        self._read_at, self._looked_at = now, captured_at
        try:
            self._read(frame, captured_at)
        finally:
            self._slot.end(now, self._clock() - now, self._cpu_clock() - cpu_now)
        return True

    def _look_if_time(self, frame: NDArray[np.uint8], captured_at: float) -> None:
        """Between two readings, see whether the faces are still there, and where."""
        if not self._tracker.tracks or captured_at - self._looked_at < LOOK_INTERVAL_SECONDS:
            return
        self._looked_at = captured_at
        all_found = self._tracker.track_templates(search_frame(frame))
        if not all_found or not self._tracker.is_settled:
            self._slot.hurry()
        latest = self.latest
        if latest is not None:
            height, width = frame.shape[:2]
            self._publish(self._tracker.moved(latest, width=width, height=height))

    def _read(self, frame: NDArray[np.uint8], captured_at: float) -> None:
        """Find the faces, by tracking or detection, classify them, and publish the reading."""
        small = search_frame(frame)
        now = self._clock()
        all_found = self._tracker.track_templates(small)
        if not all_found or self._is_detection_due(now):
            self._detect(frame, small, captured_at, now)
        height, width = frame.shape[:2]
        readable = [track for track in self._tracker.tracks if track.is_readable(width, height)]
        probabilities = self._classify(frame, readable)
        if probabilities:
            self._classified_at = captured_at
        self._recentre_visitor(probabilities, readable, captured_at)
        self._reads += 1
        self._publish(self._tracker.read(probabilities, captured_at, width=width, height=height))

    def _is_detection_due(self, now: float) -> bool:
        if not self._tracker.all_confirmed:
            return True
        return now - self._detected_at >= self._slot.detection_interval

    def _detect(
        self, frame: NDArray[np.uint8], small: SearchFrame, captured_at: float, now: float
    ) -> None:
        cpu_now = self._cpu_clock()
        searched, scale = downscale(frame, DETECTION_SIDE_PX)
        faces = self._detector.detect(searched)
        self._tracker.update([scale_face(face, 1 / scale) for face in faces], captured_at)
        self._slot.record_detection(self._clock() - now, self._cpu_clock() - cpu_now)
        self._detected_at = now
        self._tracker.renew_templates(small)

    def _classify(
        self, frame: NDArray[np.uint8], tracks: list[Track]
    ) -> dict[int, tuple[float, ...]]:
        """Return identity → seven probabilities of the tracked faces, classified in one batch."""
        if not tracks:
            return {}
        grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY).astype(np.uint8, copy=False)
        regions = (crop_region(Face(track.box, region=track.region)) for track in tracks)
        crops = np.stack([preprocess(extract_crop(grey, region)) for region in regions])
        # Every second reading sees the mirror image. Smoothed over time, that gives the mean of
        # both, which is more accurate, at the cost of one.
        if self._reads % 2:
            crops = crops[:, :, ::-1]
        rows = self._classifier.predict(crops)
        return {
            track.identity: tuple(float(p) for p in row)
            for track, row in zip(tracks, rows, strict=True)
        }

    def _recentre_visitor(
        self, probabilities: dict[int, tuple[float, ...]], tracks: list[Track], captured_at: float
    ) -> None:
        """Re-centre the visitor's row in ``probabilities``; collect their resting face if asked."""
        if self._visitor not in {track.identity for track in self._tracker.tracks}:
            self._visitor = tracks[0].identity if tracks else None
        row = None if self._visitor is None else probabilities.get(self._visitor)
        resting = self._resting
        if resting is not None and resting.state == "collecting":
            resting.add(row, captured_at)
            if resting.recentring is not None:
                self.recentre(resting.recentring)
        if self._visitor is not None and row is not None:
            probabilities[self._visitor] = self._recentring.apply(row)

    def _expire(self, captured_at: float) -> LiveReading | None:
        """Withdraw the latest reading if it is too old; return it otherwise."""
        latest = self.latest
        if latest is not None and captured_at - self._classified_at > self._expires_after(latest):
            return self._publish(None)
        return latest

    def _expires_after(self, reading: LiveReading) -> float:
        """Return how old a reading may become, in seconds."""
        if not self._tracker.in_view({face.identity for face in reading.faces}):
            return READING_EXPIRES_SECONDS
        interval = max(self._observed_interval, self._slot.read_interval)
        wanted = EXPIRES_AFTER_INTERVALS * interval
        return min(MAX_READING_EXPIRES_SECONDS, max(READING_EXPIRES_SECONDS, wanted))

    # What several of these steps need.

    def _start_over(self) -> None:
        if isinstance(self._detector, LiveDetector):
            self._detector.forget()
        self._tracker = FaceTracker(include_unconfirmed=self._include_unconfirmed)
        self._frame_clock = FrameClock()
        self._size = None
        self._visitor = None
        self._resting = None
        self._detected_at = self._read_at = float("-inf")
        self._looked_at = self._classified_at = float("-inf")
        self._observed_interval = 0.0

    def _publish(self, reading: LiveReading | None) -> LiveReading | None:
        with self._latest_lock:
            self._latest = None if self._closed else reading
            return self._latest

    def _log_error(self) -> None:
        now = self._clock()
        if now - self._logged_at >= LOG_INTERVAL_SECONDS:
            self._logged_at = now
            logger.exception("A frame could not be read")
