"""The visitor's own resting face and what they correct, as their state uses and forgets it."""

from __future__ import annotations

import numpy as np
import pytest

from emotion import personal
from emotion.labels import EMOTIONS
from emotion.personal import Recentring
from emotion.types import Box, EmotionScores, Face, FaceReading, ImageReading
from ui.state import ROOM, VisitorState

ANGRY_REST = {"angry": 0.55, "neutral": 0.30, "sad": 0.06, "fear": 0.05}
TYPICAL = (-2.5, -4.5, -3.0, -3.0, -2.5, -4.0, -0.5)
IMAGE = np.zeros((4, 4, 3), np.uint8)


def row(probabilities: dict[str, float]) -> tuple[float, ...]:
    left = (1 - sum(probabilities.values())) / (len(EMOTIONS) - len(probabilities))
    return tuple(probabilities.get(emotion, left) for emotion in EMOTIONS)


def reading(*faces: dict[str, float]) -> ImageReading:
    return ImageReading(
        tuple(FaceReading(Face(Box(0, 0, 2, 2)), EmotionScores(row(face))) for face in faces)
    )


@pytest.fixture(autouse=True)
def typical(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(personal, "typical_log_probabilities", lambda: TYPICAL)


@pytest.fixture
def resting() -> Recentring:
    return Recentring.from_resting([row(ANGRY_REST)] * 6, TYPICAL)


# --- corrections --------------------------------------------------------------------------------


def test_undoing_a_correction_undoes_its_offset() -> None:
    visitor = VisitorState()
    visitor.show(IMAGE, reading(ANGRY_REST))
    visitor.correct_emotion("neutral")
    assert visitor.recentring
    visitor.correct_emotion("sad")
    once = visitor.recentring
    visitor.correct_emotion("neutral")
    visitor.correct_emotion("sad")
    assert visitor.recentring == once
    visitor.correct_emotion(None)
    assert not visitor.recentring


def test_corrections_of_several_readings_add_up() -> None:
    visitor = VisitorState()
    neutral = []
    for _ in range(5):
        visitor.show(IMAGE, reading(ANGRY_REST))
        assert visitor.photo is not None
        neutral.append(visitor.photo.scores.as_dict()["neutral"])
        visitor.correct_emotion("neutral")
    assert neutral == sorted(neutral)
    assert neutral[0] == pytest.approx(0.30)
    assert visitor.photo is not None
    assert visitor.photo.scores.emotion == "neutral"


def test_correcting_a_live_mood_moves_the_offset_alike() -> None:
    visitor = VisitorState()
    visitor.show(None, reading(ANGRY_REST))
    visitor.correct_emotion("neutral")
    assert visitor.recentring.offsets[-1] > 0
    # The camera's reading has been moved already.
    visitor.show(None, reading(ANGRY_REST))
    assert visitor.photo is not None
    assert visitor.photo.scores.as_dict()["angry"] == pytest.approx(0.55)


def test_forgotten_corrections_leave_the_mood_as_said() -> None:
    visitor = VisitorState()
    visitor.show(IMAGE, reading(ANGRY_REST))
    visitor.correct_emotion("sad")
    visitor.forget_corrections()
    assert visitor.corrected_emotion == "sad"
    assert not visitor.recentring
    visitor.show(IMAGE, reading(ANGRY_REST))
    assert not visitor.recentring
    visitor.correct_emotion("sad")
    assert visitor.recentring


# --- whose face ---------------------------------------------------------------------------------


def test_photo_with_several_faces_uses_no_personal_offset(resting: Recentring) -> None:
    visitor = VisitorState()
    visitor.use_resting_face(resting)
    visitor.show(IMAGE, reading(ANGRY_REST, ANGRY_REST))
    assert visitor.photo is not None
    for face in (0, 1, ROOM):
        visitor.choose(face)
        assert visitor.photo.scores.emotion == "angry"
        visitor.correct_emotion("sad")
        assert not visitor.corrections


def test_two_visitors_never_share(resting: Recentring) -> None:
    one, two = VisitorState(), VisitorState()
    one.use_resting_face(resting)
    one.show(IMAGE, reading(ANGRY_REST))
    two.show(IMAGE, reading(ANGRY_REST))
    one.correct_emotion("fear")
    assert one.photo is not None
    assert two.photo is not None
    assert (one.photo.scores.emotion, two.photo.scores.emotion) == ("neutral", "angry")
    assert not two.recentring


def test_a_rest_replaces_what_was_corrected_before(resting: Recentring) -> None:
    visitor = VisitorState()
    visitor.show(IMAGE, reading(ANGRY_REST))
    visitor.correct_emotion("neutral")
    visitor.use_resting_face(resting)
    assert visitor.recentring == resting
    assert visitor.photo is not None
    assert visitor.photo.scores.emotion == "neutral"


def test_a_photo_that_is_read_anew_draws_a_new_set_and_one_that_is_not_keeps_it(
    resting: Recentring,
) -> None:
    visitor = VisitorState()
    visitor.show(IMAGE, reading(ANGRY_REST))
    visitor.intent = "lift"
    visitor.forget_resting()
    assert visitor.intent == "lift"
    visitor.use_resting_face(resting)
    assert visitor.intent is None
