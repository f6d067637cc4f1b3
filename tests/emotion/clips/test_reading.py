"""Who shows what, instant by instant, and a short clip in brief."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest

import emotion
from emotion.clips.reading import ClipFace, Instant
from emotion.clips.summary import ENDING_SECONDS, summarize
from emotion.labels import EMOTIONS
from emotion.types import Box, EmotionScores, Face, FaceReading
from tests.emotion.clips.making import Image, write_clip
from tests.ui.clip.happy import Happy


class Here:
    """A detector that finds a face in the middle of everything but one picture."""

    def __init__(self, nobody: Image) -> None:
        self.nobody = nobody.astype(int)

    def detect(self, image: Image, *, on_stage: object = None) -> list[Face]:
        empty = np.abs(image - self.nobody).mean() < 15
        return [] if empty else [Face(Box(45, 35, 75, 75))]

    def warm_up(self) -> None:
        """Nothing to load."""


def test_the_public_call(clip: Path) -> None:
    instants = list(emotion.read_clip(clip))
    assert [instant.time for instant in instants] == pytest.approx([0, 0.2, 0.4, 0.6, 0.8])
    for instant in instants:  # a face that stays is there from the first instant on
        (face,) = instant.faces
        assert face.number == 1
        assert face.reading.scores.emotion == "happy"


class Once:
    """A detector that finds a face in the third image that it looks at, and in no other."""

    def __init__(self) -> None:
        self.looks = 0

    def detect(self, image: Image, *, on_stage: object = None) -> list[Face]:
        self.looks += 1
        return [Face(Box(45, 35, 75, 75))] if self.looks == 3 else []

    def warm_up(self) -> None:
        """Nothing to load."""


def test_a_face_of_one_instant_is_left_out(clip: Path, tmp_path: Path, nobody: Image) -> None:
    path = write_clip(tmp_path / "empty.mp4", [nobody] * 20)
    detector = Once()
    instants = list(emotion.read_clip(path, detector=detector, classifier=Happy()))
    assert detector.looks > 3
    assert [instant.faces for instant in instants] == [()] * len(instants)


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


def test_returning_person_keeps_number_and_new_person_gets_another(
    tmp_path: Path, small: Image, nobody: Image
) -> None:
    other = np.ascontiguousarray(np.roll(small, 60, axis=2)[..., ::-1] // 2)  # much darker, blue
    frames = [*[small] * 8, *[nobody] * 20, *[small] * 8, *[nobody] * 20, *[other] * 8]
    path = write_clip(tmp_path / "a.mp4", [*frames, *[nobody] * 20, *[small] * 8])
    seen = [
        (instant.time, face.number)
        for instant in emotion.read_clip(path, detector=Here(nobody), classifier=Happy())
        for face in instant.faces
    ]
    numbers = [number for number, _ in itertools.groupby(number for _, number in seen)]
    assert numbers == [1, 2, 1]
    assert max(b - a for (a, _), (b, _) in itertools.pairwise(seen)) > 1.7  # she was gone


def test_person_absent_for_long_gets_a_new_number(
    tmp_path: Path, small: Image, nobody: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("emotion.clips.identity.RETURN_SECONDS", 1.0)
    path = write_clip(tmp_path / "a.mp4", [*[small] * 8, *[nobody] * 20, *[small] * 8])
    instants = emotion.read_clip(path, detector=Here(nobody), classifier=Happy())
    assert {face.number for instant in instants for face in instant.faces} == {1, 2}


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


def test_everyone_present_at_the_end_is_averaged() -> None:
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
