"""Who is who from frame to frame, and what they show: the live camera's memory.

It remembers boxes and probabilities, never pixels.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from emotion.boxes import clip_box, intersection_over_smaller, wrap_degrees
from emotion.crop import turned_away
from emotion.live.smoothing import HOLD, Trace, mean
from emotion.types import Box, CropRegion, EmotionScores, Face, FaceReading

SAME_FACE: Final = 0.3
"""A box that shares so much of the smaller one with a followed face is that face."""
PLACE: Final = 0.2
SIZE: Final = 0.4
"""Time constants in seconds with which place and lean, and the size, follow what was detected.
Boxes breathe by up to a tenth from frame to frame; faces do not, and their movement is followed
in between."""
LOST: Final = 0.6
"""A face that is not detected for so long, and twice in a row, has left."""
SIGHTINGS: Final = 2
"""A face is counted from its second detection on: what only resembles one rarely lasts."""
UNREAD: Final = 1.0
"""For this many seconds a face that is in view but cannot be read keeps what it showed."""
MAX_FACES: Final = 6
"""So many faces are followed at once, the largest."""


@dataclass(frozen=True, slots=True)
class LiveFace:
    """A followed face.

    Attributes:
        identity: stays with the face as long as it is followed.
        reading: where it is and what it shows, smoothed.
        emotion: its name, free of flicker. Not always the most probable one at this moment.
    """

    identity: int
    reading: FaceReading
    emotion: str


@dataclass(frozen=True, slots=True)
class LiveReading:
    """What the camera shows just now.

    Attributes:
        time: of the frame, in seconds on the stream's clock.
        faces: everybody in view, at least one, the largest face first.
        scores: smoothed probabilities of the one face, or their mean over the room.
        emotion: the name, free of flicker.
        held: for how many seconds the mood has been steady.
    """

    time: float
    faces: tuple[LiveFace, ...]
    scores: EmotionScores
    emotion: str
    held: float

    @property
    def remaining(self) -> float:
        """Seconds until the mood has settled, if it stays as it is."""
        return max(0.0, HOLD - self.held)

    @property
    def progress(self) -> float:
        """How much of the way to a settled mood is done, 0-1."""
        return min(1.0, self.held / HOLD)

    @property
    def settled(self) -> bool:
        """Whether the mood has been steady for long enough."""
        return self.held >= HOLD


@dataclass(frozen=True, slots=True)
class Track:
    """A face as it is followed: a box of floats, so that slow movement is not rounded away.

    Attributes:
        identity: stays with the face as long as it is followed.
        x, y, width, height: where it is, in pixels. It may reach over the picture's edge.
        seen: time of the last detection.
        sightings: how often it was detected.
        misses: how often in a row it was not detected.
        trace: what it has shown so far.
        angle: degrees by which it leans clockwise.
        turned_away: whether it is turned away too far to be read.
    """

    identity: int
    x: float
    y: float
    width: float
    height: float
    seen: float
    sightings: int = 1
    misses: int = 0
    trace: Trace | None = None
    angle: float = 0.0
    turned_away: bool = False

    @property
    def box(self) -> Box:
        return Box(round(self.x), round(self.y), round(self.width), round(self.height))

    @property
    def region(self) -> CropRegion:
        """The face as FER-2013 would frame it."""
        x, y = self.x + self.width / 2, self.y + self.height / 2
        return CropRegion(x, y, max(self.width, self.height), self.angle)


class FaceTracker:
    """Follows faces through boxes and probabilities. Not for use from several threads at once."""

    def __init__(self) -> None:
        self._names = itertools.count(1)
        self._tracks: tuple[Track, ...] = ()
        self._room: Trace | None = None
        self._present: frozenset[int] = frozenset()

    @property
    def tracks(self) -> tuple[Track, ...]:
        """Everybody who is followed, the largest face first."""
        return self._tracks

    @property
    def sure(self) -> bool:
        """Whether somebody is followed, and everybody was detected often enough to count."""
        return bool(self._tracks) and all(t.sightings >= SIGHTINGS for t in self._tracks)

    def sight(self, faces: Sequence[Face], time: float) -> None:
        """Take what a detector found in the frame of ``time``."""
        new = [_track(face, time) for face in faces if face.box.area]
        pairs = sorted(
            (
                (intersection_over_smaller(track.box, other.box), track.identity, place)
                for track in self._tracks
                for place, other in enumerate(new)
            ),
            key=lambda pair: (-pair[0], pair[1:]),
        )
        known: dict[int, Track] = {}
        taken: set[int] = set()
        for shared, identity, place in pairs:
            if shared >= SAME_FACE and identity not in known and place not in taken:
                known[identity] = new[place]
                taken.add(place)
        kept = [
            _towards(track, known[track.identity])
            if track.identity in known
            else replace(track, misses=track.misses + 1)
            for track in self._tracks
        ]
        added = [
            replace(track, identity=next(self._names))
            for place, track in enumerate(new)
            if place not in taken
        ]
        there = (t for t in (*kept, *added) if t.misses < 2 or time - t.seen < LOST)
        self._tracks = tuple(sorted(there, key=lambda t: -t.width * t.height)[:MAX_FACES])

    def shift(self, shifts: Mapping[int, tuple[float, float]]) -> None:
        """Move boxes by (x, y) pixels between two detections."""
        self._tracks = tuple(
            replace(track, x=track.x + x, y=track.y + y)
            for track in self._tracks
            for x, y in [shifts.get(track.identity, (0.0, 0.0))]
        )

    def resize(self, across: float, down: float) -> None:
        """Carry the boxes over into a picture of another size."""
        self._tracks = tuple(
            replace(
                track,
                x=track.x * across,
                y=track.y * down,
                width=track.width * across,
                height=track.height * down,
            )
            for track in self._tracks
        )

    def begin_anew(self) -> None:
        """Forget what the faces have shown, and go on following them."""
        self._tracks = tuple(replace(track, trace=None) for track in self._tracks)
        self._room = None

    def read(
        self,
        probabilities: Mapping[int, Sequence[float]],
        time: float,
        *,
        width: int,
        height: int,
    ) -> LiveReading | None:
        """Take what the faces show in the frame of ``time`` and return the whole reading.

        Args:
            probabilities: identity → seven probabilities, for those who were read.
            time: seconds, on the clock of the detections.
            width: of the picture, within which the boxes are cut.
            height: of the picture.

        Returns:
            The reading, or nothing while nobody is in view.
        """
        self._tracks = tuple(
            replace(track, trace=_continued(track.trace, probabilities[track.identity], time))
            if track.identity in probabilities
            else track
            for track in self._tracks
        )
        # What a face showed before it was turned away says nothing of it after a while.
        counted = [
            t
            for t in self._tracks
            if t.trace and t.sightings >= SIGHTINGS and time - t.trace.time <= UNREAD
        ]
        traces = [t.trace for t in counted if t.trace]
        if not traces:
            if not self._tracks:
                self._room = None
            return None
        everybody = mean([trace.probabilities for trace in traces])
        present = frozenset(track.identity for track in counted)
        if self._room is None or not present & self._present:
            self._room = Trace.begin(everybody, time)
        else:
            self._room = self._room.after(everybody, time, constant=0.0)
        self._present = present
        faces = tuple(
            LiveFace(track.identity, _reading(track, trace, width, height), trace.emotion)
            for track, trace in zip(counted, traces, strict=True)
        )
        whole = traces[0] if len(traces) == 1 else self._room
        return LiveReading(
            time=time,
            faces=faces,
            scores=EmotionScores(whole.probabilities),
            emotion=whole.emotion,
            held=whole.held,
        )


def _continued(trace: Trace | None, probabilities: Sequence[float], time: float) -> Trace:
    return trace.after(probabilities, time) if trace else Trace.begin(probabilities, time)


def _track(face: Face, time: float) -> Track:
    """Return a track, as yet without identity, of a face that was just detected."""
    box, region = face.box, face.region
    if region is None:
        return Track(0, box.x, box.y, box.width, box.height, time, turned_away=turned_away(face))
    half = region.side / 2
    return Track(
        identity=0,
        x=region.x - half,
        y=region.y - half,
        width=region.side,
        height=region.side,
        seen=time,
        angle=region.angle,
        turned_away=turned_away(face),
    )


def _towards(track: Track, found: Track) -> Track:
    """Return the track after it was detected as ``found``."""
    seconds = max(0.0, found.seen - track.seen)
    place, size = (1 - math.exp(-seconds / constant) for constant in (PLACE, SIZE))
    width = track.width + size * (found.width - track.width)
    height = track.height + size * (found.height - track.height)
    # The middle moves quickly and the size slowly.
    x, y = track.x + track.width / 2, track.y + track.height / 2
    x += place * (found.x + found.width / 2 - x)
    y += place * (found.y + found.height / 2 - y)
    return replace(
        track,
        x=x - width / 2,
        y=y - height / 2,
        width=width,
        height=height,
        seen=found.seen,
        sightings=track.sightings + 1,
        misses=0,
        angle=wrap_degrees(track.angle + place * wrap_degrees(found.angle - track.angle)),
        turned_away=found.turned_away,
    )


def _reading(track: Track, trace: Trace, width: int, height: int) -> FaceReading:
    box = clip_box(
        track.x,
        track.y,
        track.x + track.width,
        track.y + track.height,
        width=width,
        height=height,
    )
    return FaceReading(Face(box), EmotionScores(trace.probabilities))
