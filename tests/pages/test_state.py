import numpy as np
import pytest

from emotion.labels import EMOTIONS
from emotion.types import Box, EmotionScores, Face, FaceReading, ImageReading
from recommender.mood import COORDINATES
from recommender.types import Filters, Mood
from ui.state import ROOM, Visit

IMAGE = np.zeros((4, 4, 3), np.uint8)


def reading(*emotions: str) -> ImageReading:
    return ImageReading(
        tuple(
            FaceReading(Face(Box(0, 0, 2, 2)), EmotionScores(tuple(map(float, row))))
            for row in (np.array([name == emotion for name in EMOTIONS]) for emotion in emotions)
        )
    )


@pytest.fixture
def visit() -> Visit:
    visit = Visit()
    visit.show(IMAGE, reading("happy", "sad"))
    return visit


def test_nobody_is_anywhere_at_first() -> None:
    assert Visit().mood is None
    assert Visit().emotions is None


def test_the_largest_face_speaks_first(visit: Visit) -> None:
    assert visit.mood == COORDINATES["happy"]
    assert visit.mood_in_words == "happy"


def test_the_room_is_the_mean(visit: Visit) -> None:
    visit.choose(ROOM)
    assert visit.mood is not None
    assert visit.mood.valence == pytest.approx((0.81 - 0.63) / 2)
    assert visit.mood_in_words == "a happy or sad room"


def test_what_comes_last_counts(visit: Visit) -> None:
    visit.say("fear")
    assert (visit.mood, visit.mood_in_words) == (COORDINATES["fear"], "afraid")
    assert visit.emotions == {"fear": 1.0}
    visit.put(Mood(-0.5, -0.5))
    assert (visit.mood, visit.mood_in_words) == (Mood(-0.5, -0.5), "unpleasant and quiet")
    assert visit.said is None
    assert visit.emotions is None
    visit.say("sad")
    assert visit.mood == COORDINATES["sad"]
    visit.say(None)
    assert visit.mood == COORDINATES["happy"]


def test_the_dot_back_on_the_face_is_the_reading_again(visit: Visit) -> None:
    visit.say("sad")
    visit.put(Mood(0.81, 0.51))
    assert visit.placed is None
    assert visit.said is None
    assert visit.mood_in_words == "happy"


def test_a_new_mood_forgets_what_was_drawn_for_the_old_one(visit: Visit) -> None:
    visit.intent, visit.draw, visit.filters = "lift", 3, Filters(genres=("jazz",))
    visit.adventure, visit.minutes = 1.0, 90
    visit.choose(1)
    assert (visit.intent, visit.draw, visit.sets) == (None, 0, {})
    assert visit.filters == Filters(genres=("jazz",))
    assert (visit.adventure, visit.minutes) == (1.0, 90)


def test_other_filters_ask_anew_and_the_ones_before_are_kept(visit: Visit) -> None:
    jazz, folk = Filters(genres=("jazz",)), Filters(genres=("folk",))
    visit.narrow(jazz)
    visit.draw = 2
    visit.narrow(jazz)
    assert visit.draw == 2
    visit.narrow(folk)
    assert (visit.filters, visit.filters_before, visit.draw) == (folk, jazz, 0)


def test_a_face_in_the_room_can_count_more(visit: Visit) -> None:
    visit.choose(ROOM)
    even = visit.mood
    visit.favour([1])
    assert visit.mood is not None
    assert even is not None
    assert visit.mood.valence == pytest.approx((0.81 - 3 * 0.63) / 4)
    assert visit.mood_in_words == "a sad room"
    visit.favour([0, 1])
    assert visit.mood.distance(even) < 1e-9
    visit.choose(0)
    assert visit.mood == COORDINATES["happy"]


def test_a_picture_without_a_face_changes_no_mood(visit: Visit) -> None:
    visit.show(IMAGE, ImageReading(()))
    assert visit.faceless is IMAGE
    assert visit.mood == COORDINATES["happy"]
    visit.show(IMAGE, reading("sad"))
    assert visit.faceless is None
    assert visit.mood == COORDINATES["sad"]
