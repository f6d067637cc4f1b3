"""The visitor's own resting face and what they correct, as the pages use and forget it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from emotion import personal
from emotion.labels import EMOTIONS
from emotion.personal import Recentring
from emotion.types import Box, EmotionScores, Face, FaceReading, ImageReading
from ui.state import ROOM, Visit

CORRECTED = ":small[What you corrected counts a little from now on.]"
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


def lines(app: AppTest) -> list[str]:
    return [text.value for text in app.markdown]


# --- corrections --------------------------------------------------------------------------------


def test_a_correction_counts_in_the_next_photo_and_is_forgotten(
    selfie: Callable[..., AppTest], button: Any
) -> None:
    app = selfie(ANGRY_REST)
    assert CORRECTED not in lines(app)
    app.pills[0].select("neutral").run()
    assert CORRECTED in lines(app)
    visit: Visit = app.session_state["visit"]
    before = visit.photo.scores.as_dict()["neutral"] if visit.photo else 0.0
    app = selfie_again(app)
    assert visit.photo is not None
    assert visit.said is None
    assert before + 0.03 < visit.photo.scores.as_dict()["neutral"] < before + 0.2
    button(app, ":small[Forget what you corrected]").click().run()
    assert visit.photo.scores.as_dict()["neutral"] == pytest.approx(before)
    assert CORRECTED not in lines(app)


def selfie_again(app: AppTest) -> AppTest:
    from tests.pages.conftest import jpeg

    (another,) = (button for button in app.button if button.label == "Another photo")
    another.click().run()
    return app.file_uploader[0].upload("again.jpg", jpeg()).run()


def test_tapping_the_correction_away_takes_back_what_it_taught() -> None:
    visit = Visit()
    visit.show(IMAGE, reading(ANGRY_REST))
    visit.say("neutral")
    assert visit.recentring
    visit.say("sad")
    once = visit.recentring
    visit.say("neutral")
    visit.say("sad")
    assert visit.recentring == once
    visit.say(None)
    assert not visit.recentring


def test_corrections_of_several_readings_add_up() -> None:
    visit = Visit()
    neutral = []
    for _ in range(5):
        visit.show(IMAGE, reading(ANGRY_REST))
        assert visit.photo is not None
        neutral.append(visit.photo.scores.as_dict()["neutral"])
        visit.say("neutral")
    assert neutral == sorted(neutral)
    assert neutral[0] == pytest.approx(0.30)
    assert visit.photo is not None
    assert visit.photo.scores.emotion == "neutral"


def test_a_mood_read_live_teaches_the_same() -> None:
    visit = Visit()
    visit.show(None, reading(ANGRY_REST))
    visit.say("neutral")
    assert visit.recentring.offsets[-1] > 0
    # The camera's reading has been moved already.
    visit.show(None, reading(ANGRY_REST))
    assert visit.photo is not None
    assert visit.photo.scores.as_dict()["angry"] == pytest.approx(0.55)


def test_forgotten_corrections_leave_the_mood_as_said() -> None:
    visit = Visit()
    visit.show(IMAGE, reading(ANGRY_REST))
    visit.say("sad")
    visit.forget_corrections()
    assert visit.said == "sad"
    assert not visit.recentring
    visit.show(IMAGE, reading(ANGRY_REST))
    assert not visit.recentring
    visit.say("sad")
    assert visit.recentring


# --- whose face ---------------------------------------------------------------------------------


def test_of_several_faces_in_a_photo_none_is_moved_and_none_teaches(resting: Recentring) -> None:
    visit = Visit()
    visit.rest_like(resting)
    visit.show(IMAGE, reading(ANGRY_REST, ANGRY_REST))
    assert visit.photo is not None
    for face in (0, 1, ROOM):
        visit.choose(face)
        assert visit.photo.scores.emotion == "angry"
        visit.say("sad")
        assert not visit.corrections


def test_two_visitors_never_share(resting: Recentring) -> None:
    one, two = Visit(), Visit()
    one.rest_like(resting)
    one.show(IMAGE, reading(ANGRY_REST))
    two.show(IMAGE, reading(ANGRY_REST))
    one.say("fear")
    assert one.photo is not None
    assert two.photo is not None
    assert (one.photo.scores.emotion, two.photo.scores.emotion) == ("neutral", "angry")
    assert not two.recentring


def test_a_rest_replaces_what_was_corrected_before(resting: Recentring) -> None:
    visit = Visit()
    visit.show(IMAGE, reading(ANGRY_REST))
    visit.say("neutral")
    visit.rest_like(resting)
    assert visit.recentring == resting
    assert visit.photo is not None
    assert visit.photo.scores.emotion == "neutral"


def test_a_photo_that_is_read_anew_draws_a_new_set_and_one_that_is_not_keeps_it(
    resting: Recentring,
) -> None:
    visit = Visit()
    visit.show(IMAGE, reading(ANGRY_REST))
    visit.intent = "lift"
    visit.forget_resting()
    assert visit.intent == "lift"
    visit.rest_like(resting)
    assert visit.intent is None
