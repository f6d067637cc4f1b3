import numpy as np
import pytest

from emotion.labels import EMOTIONS
from emotion.types import Box, EmotionScores, Face, FaceReading, ImageReading
from recommender.mood import COORDINATES
from recommender.types import Filters, Mood
from ui.state import ROOM, VisitorState

IMAGE = np.zeros((4, 4, 3), np.uint8)


def reading(*emotions: str) -> ImageReading:
    return ImageReading(
        tuple(
            FaceReading(Face(Box(0, 0, 2, 2)), EmotionScores(tuple(map(float, row))))
            for row in (np.array([name == emotion for name in EMOTIONS]) for emotion in emotions)
        )
    )


@pytest.fixture
def visitor() -> VisitorState:
    visitor = VisitorState()
    visitor.show(IMAGE, reading("happy", "sad"))
    return visitor


def test_counters_start_at_zero() -> None:
    assert VisitorState().mood is None
    assert VisitorState().emotions is None


def test_largest_face_is_selected_first(visitor: VisitorState) -> None:
    assert visitor.mood == COORDINATES["happy"]
    assert visitor.mood_in_words == "happy"


def test_the_room_is_the_mean(visitor: VisitorState) -> None:
    visitor.choose(ROOM)
    assert visitor.mood is not None
    assert visitor.mood.valence == pytest.approx((0.81 - 0.63) / 2)
    assert visitor.mood_in_words == "happy or sad"


def test_latest_choice_wins(visitor: VisitorState) -> None:
    visitor.correct_emotion("fear")
    assert (visitor.mood, visitor.mood_in_words) == (COORDINATES["fear"], "afraid")
    assert visitor.emotions == {"fear": 1.0}
    visitor.set_manually(Mood(-0.5, -0.5))
    assert (visitor.mood, visitor.mood_in_words) == (Mood(-0.5, -0.5), "sad")
    assert visitor.corrected_emotion is None
    assert visitor.emotions is None
    visitor.correct_emotion("sad")
    assert visitor.mood == COORDINATES["sad"]
    visitor.correct_emotion(None)
    assert visitor.mood == COORDINATES["happy"]


def test_the_dot_back_on_the_face_is_the_reading_again(visitor: VisitorState) -> None:
    visitor.correct_emotion("sad")
    visitor.set_manually(Mood(0.81, 0.51))
    assert visitor.manual_mood is None
    assert visitor.corrected_emotion is None
    assert visitor.mood_in_words == "happy"


def test_a_new_mood_forgets_what_was_drawn_for_the_old_one(visitor: VisitorState) -> None:
    visitor.intent, visitor.draw, visitor.filters = "lift", 3, Filters(genres=("jazz",))
    visitor.adventure, visitor.minutes = 1.0, 90
    visitor.choose(1)
    assert (visitor.intent, visitor.draw, visitor.sets) == (None, 0, {})
    assert visitor.filters == Filters(genres=("jazz",))
    assert (visitor.adventure, visitor.minutes) == (1.0, 90)


@pytest.mark.parametrize("face", [2, -2, 10**400])
def test_tap_on_a_face_of_an_earlier_picture_changes_nothing(
    face: int, visitor: VisitorState
) -> None:
    before = visitor.mood
    visitor.choose(face)
    visitor.favour([face])
    assert visitor.photo is not None
    assert (visitor.photo.chosen, visitor.photo.favoured, visitor.mood) == (0, (), before)


def test_other_filters_ask_anew_and_the_ones_before_are_kept(visitor: VisitorState) -> None:
    jazz, folk = Filters(genres=("jazz",)), Filters(genres=("folk",))
    visitor.apply_filters(jazz)
    visitor.draw = 2
    visitor.apply_filters(jazz)
    assert visitor.draw == 2
    visitor.apply_filters(folk)
    assert (visitor.filters, visitor.filters_before, visitor.draw) == (folk, jazz, 0)


def test_a_face_in_the_room_can_count_more(visitor: VisitorState) -> None:
    visitor.choose(ROOM)
    even = visitor.mood
    visitor.favour([1])
    assert visitor.mood is not None
    assert even is not None
    assert visitor.mood.valence == pytest.approx((0.81 - 3 * 0.63) / 4)
    assert visitor.mood_in_words == "sad"
    visitor.favour([0, 1])
    assert visitor.mood.distance(even) < 1e-9
    visitor.choose(0)
    assert visitor.mood == COORDINATES["happy"]


def test_a_picture_without_a_face_changes_no_mood(visitor: VisitorState) -> None:
    visitor.show(IMAGE, ImageReading(()))
    assert visitor.faceless is IMAGE
    assert visitor.mood == COORDINATES["happy"]
    visitor.show(IMAGE, reading("sad"))
    assert visitor.faceless is None
    assert visitor.mood == COORDINATES["sad"]
