"""The summary of a short clip: its mood over time, and how it ended."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from emotion.clips.reading import ClipFace, Instant
from emotion.types import EmotionScores, FaceReading, ImageReading

ENDING_SECONDS: Final = 3.0
"""A clip's ending is what its faces showed on average in the last seconds with a face."""


@dataclass(frozen=True, slots=True)
class ClipSummary:
    """The summary of a clip.

    Attributes:
        times: of the instants at which a face was read, in seconds, rising.
        moods: the mean over all faces in view, one for each of `times`.
        people: how many people there were.
        ending: who was there at the end, the largest first, and what they showed.
    """

    times: tuple[float, ...]
    moods: tuple[EmotionScores, ...]
    people: int
    ending: ImageReading


def summarize(instants: Iterable[Instant]) -> ClipSummary | None:
    """Return the summary of a clip, or None if no face was read in it."""
    seen = [instant for instant in instants if instant.faces]
    if not seen:
        return None
    end = seen[-1].time
    latest: dict[int, list[ClipFace]] = {}
    for instant in seen:
        if instant.time >= end - ENDING_SECONDS:
            for face in instant.faces:
                latest.setdefault(face.number, []).append(face)
    faces = [_average(readings) for readings in latest.values()]
    return ClipSummary(
        times=tuple(instant.time for instant in seen),
        moods=tuple(_mean([f.reading.scores for f in instant.faces]) for instant in seen),
        people=len({face.number for instant in seen for face in instant.faces}),
        ending=ImageReading(tuple(sorted(faces, key=lambda face: -face.face.box.area))),
    )


def _average(faces: Sequence[ClipFace]) -> FaceReading:
    """Return a face where it was last seen, with what it showed on average."""
    return replace(faces[-1].reading, scores=_mean([face.reading.scores for face in faces]))


def _mean(scores: Sequence[EmotionScores]) -> EmotionScores:
    columns = zip(*(s.probabilities for s in scores), strict=True)
    return EmotionScores(tuple(sum(column) / len(scores) for column in columns))
