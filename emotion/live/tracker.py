"""Tracks faces from frame to frame, and what they show: the live camera's memory.

It keeps boxes, probabilities, and a small grey template of each tracked face.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from emotion.boxes import clip_box, intersection_over_smaller, wrap_degrees
from emotion.crop import turned_away
from emotion.live.smoothing import STABLE_AFTER_SECONDS, Trace, mean_probabilities
from emotion.live.template_tracking import SearchFrame, Template, face_template, locate
from emotion.types import Box, CropRegion, EmotionScores, Face, FaceReading

MATCH_THRESHOLD: Final = 0.3
"""Least intersection over the smaller box at which a detection belongs to a track."""
POSITION_SMOOTHING_SECONDS: Final = 0.2
SIZE_SMOOTHING_SECONDS: Final = 0.4
"""Time constants with which a track's position and angle, and its size, approach what is detected.
Detected boxes vary in size by up to a tenth from frame to frame; faces do not, and their movement
is tracked between detections."""
JUMP_FRACTION: Final = 0.25
"""A face that is detected this far from its track, as a fraction of its side, has moved, and the
track jumps there; a nearer one moves the track by a fraction that grows with the distance. Detected
positions vary by less. A track that lagged behind would lose its face, which would then be taken
for a second person."""
LOST_AFTER_SECONDS: Final = 0.6
LOST_AFTER_MISSES: Final = 2
"""A track ends when its face has not been detected for this long and this many times in a row."""
MIN_DETECTIONS: Final = 2
"""A face counts from its second detection on: false positives rarely last."""
MIN_VISIBLE_FRACTION: Final = 0.7
"""A face of which less is in the frame is not read: people walking in or out would be taken for sad
or surprised."""
UNREAD_SECONDS: Final = 1.0
"""A face that is in view but cannot be read keeps what it showed for this long."""
MAX_TRACKS: Final = 6
"""The largest faces are tracked, at most this many."""


@dataclass(frozen=True, slots=True)
class LiveFace:
    """A tracked face.

    Attributes:
        identity: the same for as long as the face is tracked.
        reading: where it is and what it shows, smoothed.
        emotion: the name that is shown, without flicker; not always the most probable right now.
        confirmed: whether it was detected often enough to count.
    """

    identity: int
    reading: FaceReading
    emotion: str
    confirmed: bool = True


@dataclass(frozen=True, slots=True)
class LiveReading:
    """What the camera shows at the moment.

    Attributes:
        time: of the frame, in seconds on the stream's clock.
        faces: all faces in view, at least one, the largest first.
        scores: smoothed probabilities of the one face, or their mean over the room.
        emotion: the name that is shown, without flicker.
        stable_for: seconds for which the mood has not changed.
    """

    time: float
    faces: tuple[LiveFace, ...]
    scores: EmotionScores
    emotion: str
    stable_for: float

    @property
    def remaining(self) -> float:
        """Seconds until the mood is stable, if it does not change."""
        return max(0.0, STABLE_AFTER_SECONDS - self.stable_for)

    @property
    def progress(self) -> float:
        """Progress towards a stable mood, 0-1."""
        return min(1.0, self.stable_for / STABLE_AFTER_SECONDS)

    @property
    def is_stable(self) -> bool:
        """Whether the mood has not changed for long enough."""
        return self.stable_for >= STABLE_AFTER_SECONDS


@dataclass(frozen=True, slots=True)
class Track:
    """A tracked face. Its box has float coordinates, so that slow movement is not rounded away.

    Attributes:
        identity: the same for as long as the face is tracked.
        x, y, width, height: where it is, in pixels. It may reach beyond the frame's edge.
        detected_at: time of the last detection, in seconds.
        detections: how often it was detected.
        misses: how often in a row it was not detected.
        trace: what it has shown so far.
        angle: degrees by which it leans clockwise.
        turned_away: whether it is turned away too far to be read.
        in_view: whether the last search, by detection or by its template, found it.
        template: what it looks like, for finding it between detections; None if it is too small.
    """

    identity: int
    x: float
    y: float
    width: float
    height: float
    detected_at: float
    detections: int = 1
    misses: int = 0
    trace: Trace | None = None
    angle: float = 0.0
    turned_away: bool = False
    in_view: bool = True
    template: Template | None = None

    @property
    def box(self) -> Box:
        return Box(round(self.x), round(self.y), round(self.width), round(self.height))

    @property
    def is_confirmed(self) -> bool:
        """Whether it was detected often enough to count."""
        return self.detections >= MIN_DETECTIONS

    @property
    def region(self) -> CropRegion:
        """The face as FER-2013 would crop it."""
        x, y = self.x + self.width / 2, self.y + self.height / 2
        return CropRegion(x, y, max(self.width, self.height), self.angle)

    def is_readable(self, width: int, height: int) -> bool:
        """Whether it is in view and faces the camera.

        Args:
            width: of the frame in pixels, in which enough of the face has to be.
            height: of the frame.
        """
        across = min(self.x + self.width, width) - max(self.x, 0)
        down = min(self.y + self.height, height) - max(self.y, 0)
        if not self.in_view or self.turned_away or not self.box.area or min(across, down) <= 0:
            return False
        # A face larger than the frame, close to the camera, is as visible as it can be.
        possible = min(self.width, width) * min(self.height, height)
        return across * down >= MIN_VISIBLE_FRACTION * possible


class FaceTracker:
    """Tracks the faces of one stream. Not safe to call from several threads at once.

    For each frame: `track_templates`, then if needed `update` with what is detected and
    `renew_templates`, then `read` with what the faces show.

    Args:
        include_unconfirmed: whether readings include faces that were detected only once so far.
    """

    def __init__(self, *, include_unconfirmed: bool = False) -> None:
        self._include_unconfirmed = include_unconfirmed
        self._identities = itertools.count(1)
        self._tracks: tuple[Track, ...] = ()
        self._room: Trace | None = None
        self._present: frozenset[int] = frozenset()

    @property
    def tracks(self) -> tuple[Track, ...]:
        """All tracked faces, the largest first."""
        return self._tracks

    @property
    def all_confirmed(self) -> bool:
        """Whether any face is tracked, and all of them were detected often enough to count."""
        return bool(self._tracks) and all(track.is_confirmed for track in self._tracks)

    @property
    def is_settled(self) -> bool:
        """Whether every face is confirmed, and none is about to change its name."""
        return all(
            track.is_confirmed and (track.trace is None or track.trace.rival is None)
            for track in self._tracks
        )

    def in_view(self, identities: Collection[int]) -> bool:
        """Whether the last search found all these faces."""
        return set(identities) <= {track.identity for track in self._tracks if track.in_view}

    def track_templates(self, frame: SearchFrame) -> bool:
        """Move each face to where its template is found, and return whether all were found."""
        all_found = True
        tracks = []
        for track in self._tracks:
            template = track.template
            if template is not None:
                found = locate(frame.grey, template)
                if found is None:
                    all_found = False
                    track = replace(track, in_view=False)
                else:
                    x = track.x + (found.x - template.x) / frame.scale
                    y = track.y + (found.y - template.y) / frame.scale
                    track = replace(track, x=x, y=y, in_view=True, template=found)
            tracks.append(track)
        self._tracks = tuple(tracks)
        return all_found

    def update(self, faces: Sequence[Face], time: float) -> None:
        """Take what was detected in the frame of ``time``, in seconds."""
        detected = [_new_track(face, time) for face in faces if face.box.area]
        matches = _match(self._tracks, detected)
        matched = set(matches.values())
        known = (
            _approach(track, detected[matches[track.identity]])
            if track.identity in matches
            else replace(
                track,
                misses=track.misses + 1,
                # A face too small for a template is where it is detected and nowhere else.
                in_view=track.in_view and track.template is not None,
            )
            for track in self._tracks
        )
        new = (
            replace(track, identity=next(self._identities))
            for index, track in enumerate(detected)
            if index not in matched
        )
        present = (
            track
            for track in (*known, *new)
            if track.misses < LOST_AFTER_MISSES or time - track.detected_at < LOST_AFTER_SECONDS
        )
        self._tracks = tuple(sorted(present, key=lambda t: -t.width * t.height)[:MAX_TRACKS])

    def renew_templates(self, frame: SearchFrame) -> None:
        """Take each face's template from the frame in which it was just found.

        A face out of view keeps its template: something else is in its place now.
        """
        self._tracks = tuple(
            replace(
                track, template=face_template(frame, track.x, track.y, track.width, track.height)
            )
            if track.in_view
            else track
            for track in self._tracks
        )

    def resize(self, scale_x: float, scale_y: float) -> None:
        """Scale the boxes to frames of another size, and drop the templates."""
        self._tracks = tuple(
            replace(
                track,
                x=track.x * scale_x,
                y=track.y * scale_y,
                width=track.width * scale_x,
                height=track.height * scale_y,
                template=None,
            )
            for track in self._tracks
        )

    def forget_moods(self) -> None:
        """Forget what the faces have shown, and go on tracking them."""
        self._tracks = tuple(replace(track, trace=None) for track in self._tracks)
        self._room = None

    def moved(self, reading: LiveReading, *, width: int, height: int) -> LiveReading:
        """Return a reading with its faces where they are now, in a frame of this size in pixels."""
        tracks = {track.identity: track for track in self._tracks}
        return replace(
            reading,
            faces=tuple(
                replace(
                    face,
                    reading=replace(
                        face.reading,
                        face=Face(_clipped(tracks[face.identity], width, height)),
                    ),
                )
                if face.identity in tracks
                else face
                for face in reading.faces
            ),
        )

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
            probabilities: identity → seven probabilities, for the faces that were read.
            time: seconds, on the clock of the detections.
            width: of the frame, within which the boxes are clipped.
            height: of the frame.

        Returns:
            The reading, or None while no face counts.
        """
        self._tracks = tuple(
            replace(track, trace=_continued(track.trace, probabilities[track.identity], time))
            if track.identity in probabilities
            else track
            for track in self._tracks
        )
        # What a face showed before it turned away says nothing about it after a while.
        counted = [
            (track, track.trace)
            for track in self._tracks
            if track.trace
            and (track.is_confirmed or self._include_unconfirmed)
            and time - track.trace.time <= UNREAD_SECONDS
        ]
        if not counted:
            if not self._tracks:
                self._room = None
            return None
        room = self._read_room(counted, time)
        mood = counted[0][1] if len(counted) == 1 else room
        return LiveReading(
            time=time,
            faces=tuple(
                LiveFace(
                    track.identity,
                    _reading(track, trace, width, height),
                    trace.emotion,
                    confirmed=track.is_confirmed,
                )
                for track, trace in counted
            ),
            scores=EmotionScores(mood.probabilities),
            emotion=mood.emotion,
            stable_for=mood.stable_for,
        )

    def _read_room(self, counted: Sequence[tuple[Track, Trace]], time: float) -> Trace:
        """Return the trace of the room, which starts over when everyone in it is new."""
        mean = mean_probabilities([trace.probabilities for _, trace in counted])
        present = frozenset(track.identity for track, _ in counted)
        if self._room is None or not present & self._present:
            self._room = Trace.begin(mean, time)
        else:
            # The faces' probabilities are smoothed already.
            self._room = self._room.after(mean, time, time_constant=0.0)
        self._present = present
        return self._room


def _match(tracks: Sequence[Track], detected: Sequence[Track]) -> dict[int, int]:
    """Return identity → index in ``detected``, greedily by the overlap of the boxes."""
    pairs = sorted(
        (
            (intersection_over_smaller(track.box, other.box), track.identity, index)
            for track in tracks
            for index, other in enumerate(detected)
        ),
        key=lambda pair: (-pair[0], pair[1:]),
    )
    matches: dict[int, int] = {}
    taken: set[int] = set()
    for overlap, identity, index in pairs:
        if overlap >= MATCH_THRESHOLD and identity not in matches and index not in taken:
            matches[identity] = index
            taken.add(index)
    return matches


def _continued(trace: Trace | None, probabilities: Sequence[float], time: float) -> Trace:
    return trace.after(probabilities, time) if trace else Trace.begin(probabilities, time)


def _new_track(face: Face, time: float) -> Track:
    """Return the track, not yet with an identity, of a face that was just detected."""
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
        detected_at=time,
        angle=region.angle,
        turned_away=turned_away(face),
    )


def _approach(track: Track, detected: Track) -> Track:
    """Return the track after its face was detected as ``detected``."""
    seconds = max(0.0, detected.detected_at - track.detected_at)
    position, size = (
        1 - math.exp(-seconds / constant)
        for constant in (POSITION_SMOOTHING_SECONDS, SIZE_SMOOTHING_SECONDS)
    )
    width = track.width + size * (detected.width - track.width)
    height = track.height + size * (detected.height - track.height)
    # The centre moves quickly and the size slowly.
    x, y = track.x + track.width / 2, track.y + track.height / 2
    right, down = detected.x + detected.width / 2 - x, detected.y + detected.height / 2 - y
    moved = math.hypot(right, down) / max(detected.width, detected.height)
    position = max(position, min(1.0, moved / JUMP_FRACTION))
    x, y = x + position * right, y + position * down
    return replace(
        track,
        x=x - width / 2,
        y=y - height / 2,
        width=width,
        height=height,
        detected_at=detected.detected_at,
        detections=track.detections + 1,
        misses=0,
        in_view=True,
        angle=wrap_degrees(track.angle + position * wrap_degrees(detected.angle - track.angle)),
        turned_away=detected.turned_away,
    )


def _reading(track: Track, trace: Trace, width: int, height: int) -> FaceReading:
    return FaceReading(Face(_clipped(track, width, height)), EmotionScores(trace.probabilities))


def _clipped(track: Track, width: int, height: int) -> Box:
    """Return the part of a track's box that lies in a frame of this size in pixels."""
    return clip_box(
        track.x,
        track.y,
        track.x + track.width,
        track.y + track.height,
        width=width,
        height=height,
    )
