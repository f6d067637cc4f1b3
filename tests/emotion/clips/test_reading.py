"""Who shows what, instant by instant, and a short clip in brief."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import emotion
from emotion.clips.reading import ClipFace, Instant
from emotion.clips.summary import ENDING_SECONDS, summarize
from emotion.labels import EMOTIONS
from emotion.types import Box, EmotionScores, Face, FaceReading
from tests.emotion.clips.making import Image, write_clip


def test_the_public_call(clip: Path) -> None:
    instants = list(emotion.read_clip(clip))
    assert [instant.time for instant in instants] == pytest.approx([0, 0.2, 0.4, 0.6, 0.8])
    assert instants[0].faces == ()  # a face counts from the second time that it is seen
    for instant in instants[1:]:
        (face,) = instant.faces
        assert face.number == 1
        assert face.reading.scores.emotion == "happy"


def test_a_clip_is_read_the_same_each_time(clip: Path) -> None:
    assert list(emotion.read_clip(clip)) == list(emotion.read_clip(clip, threads=0))


def test_two_people_keep_their_numbers(tmp_path: Path, small: Image, nobody: Image) -> None:
    both, left = np.hstack([small, small]), np.hstack([small, nobody])
    path = write_clip(tmp_path / "two.mp4", [*[left] * 10, *[both] * 10, *[left] * 10])
    numbers = [
        sorted((face.reading.face.box.x > 160, face.number) for face in instant.faces)
        for instant in emotion.read_clip(path, detector="haar")
    ]
    assert numbers[4] == [(False, 1)]
    assert numbers[8] == [(False, 1), (True, 2)]
    assert numbers[-1] == [(False, 1)]


def test_boxes_are_in_the_clips_own_pixels(
    tmp_path: Path, small: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_clip(tmp_path / "a.mp4", [small.repeat(2, 0).repeat(2, 1)] * 5)
    *_, whole = emotion.read_clip(path)
    monkeypatch.setattr("emotion.clips.frames.MAX_SIDE_PX", 160)
    *_, scaled = emotion.read_clip(path)
    one, other = (instant.faces[0].reading.face.box for instant in (whole, scaled))
    assert (other.x, other.y, other.width) == pytest.approx((one.x, one.y, one.width), abs=6)


def instant(time: float, *faces: tuple[int, str]) -> Instant:
    def scores(name: str) -> EmotionScores:
        return EmotionScores(tuple(float(name == emotion) for emotion in EMOTIONS))

    return Instant(
        time,
        tuple(
            ClipFace(number, FaceReading(Face(Box(0, 0, 10 * number, 10)), scores(name)))
            for number, name in faces
        ),
    )


def test_how_a_clip_ended_is_its_last_seconds_with_a_face() -> None:
    begin = [instant(t, (1, "sad")) for t in (0.0, 1.0, 2.0)]
    end = [instant(t, (1, "happy")) for t in (10.0, 11.0, 10.0 + ENDING_SECONDS)]
    summary = summarize([*begin, *end, instant(20.0)])
    assert summary is not None
    assert summary.times == (0.0, 1.0, 2.0, 10.0, 11.0, 10.0 + ENDING_SECONDS)
    (face,) = summary.ending.faces
    assert face.scores.emotion == "happy"
    assert face.scores.confidence == 1
    assert summary.people == 1


def test_everybody_who_was_there_at_the_end_counts() -> None:
    summary = summarize(
        [
            instant(0.0, (3, "angry")),
            instant(9.0, (1, "happy"), (2, "sad")),
            instant(9.5, (1, "sad")),
        ]
    )
    assert summary is not None
    assert [face.scores.as_dict()["sad"] for face in summary.ending.faces] == [1.0, 0.5]
    assert summary.people == 3
    assert summary.moods[1].as_dict()["happy"] == 0.5
    assert summarize([instant(0.0), instant(1.0)]) is None
