from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest

from emotion.labels import EMOTIONS
from recommender.mood import (
    BRIGHT_AND_EASY,
    CALM,
    COORDINATES,
    ENERGETIC,
    describe,
    emotions_near,
    mood_named,
    mood_of,
    mood_of_emotion,
    room_mood,
)
from recommender.types import Mood


def test_every_emotion_has_a_place_in_the_project_s_order() -> None:
    assert tuple(COORDINATES) == EMOTIONS


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_a_certain_face_is_where_its_emotion_is(emotion: str) -> None:
    assert mood_of({emotion: 1.0}) == mood_of_emotion(emotion) == COORDINATES[emotion]


def test_a_mixed_face_is_between_and_not_at_the_likeliest() -> None:
    mood = mood_of({"happy": 0.6, "sad": 0.4})
    assert mood.valence == pytest.approx(0.6 * 0.81 - 0.4 * 0.63)
    assert mood.arousal == pytest.approx(0.6 * 0.51 - 0.4 * 0.27)


def test_weights_need_not_sum_to_one_and_may_come_from_numpy() -> None:
    wanted = mood_of({"happy": 0.75, "sad": 0.25})
    for weights in ({"happy": 3, "sad": 1}, {"happy": np.float32(3), "sad": np.float32(1)}):
        assert mood_of(weights).distance(wanted) < 1e-12


@pytest.mark.parametrize("scale", [1e-300, 5e-324, 1e300, 1.7e308])
def test_weights_of_any_size_average(scale: float) -> None:
    mood = mood_of({"happy": scale, "neutral": scale})
    assert mood.valence == pytest.approx(0.405)


@pytest.mark.parametrize("weight", [-0.1, math.nan, math.inf, "0.3", None, True, [1]])
def test_invalid_weight_is_named_in_the_error(weight: object) -> None:
    with pytest.raises(ValueError, match=r"probabilities\['sad'\]") as caught:
        mood_of({"sad": weight})  # type: ignore[dict-item]
    assert repr(weight) in str(caught.value)


@pytest.mark.parametrize("probabilities", [{}, {"sad": 0.0}, [0.5, 0.5], None])
def test_empty_average_is_refused(probabilities: object) -> None:
    with pytest.raises(ValueError, match="probabilities"):
        mood_of(probabilities)  # type: ignore[arg-type]


def test_unknown_emotion_error_lists_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"'sadder': one of angry, disgust, fear, happy, sad"):
        mood_of({"sadder": 1.0})


def test_the_room_is_the_weighted_mean_of_its_faces() -> None:
    faces = [Mood(1.0, 0.0), Mood(-1.0, 1.0)]
    assert room_mood(faces) == Mood(0.0, 0.5)
    assert room_mood(faces, [3, 1]).distance(Mood(0.5, 0.25)) < 1e-12
    assert room_mood([Mood(1.0, 1.0)] * 3, [0.1, 0.2, 0.3]) == Mood(1.0, 1.0)


@pytest.mark.parametrize("weights", [[], [1], [0, 0], [1, -1], [1, 2, 3], [1, math.nan]])
def test_a_room_with_wrong_weights_is_refused(weights: list[float]) -> None:
    with pytest.raises(ValueError, match="weights"):
        room_mood([Mood(0, 0), Mood(1, 1)], weights)


def test_an_empty_room_has_no_mood() -> None:
    with pytest.raises(ValueError, match="at least one"):
        room_mood([])


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_the_emotion_at_its_own_place_is_the_likeliest(emotion: str) -> None:
    near = emotions_near(COORDINATES[emotion])
    assert max(near, key=lambda name: near[name]) == emotion
    assert math.fsum(near.values()) == pytest.approx(1.0)


@pytest.mark.parametrize("mood", [Mood(-1, -1), Mood(1, 1), Mood(-1, 1), Mood(1, -1)])
def test_corners_of_the_plane_have_a_nearest_emotion(mood: Mood) -> None:
    assert math.fsum(emotions_near(mood).values()) == pytest.approx(1.0)


def test_places_are_described_without_naming_emotions() -> None:
    assert describe(BRIGHT_AND_EASY) == "bright and easy"
    assert describe(CALM) == "calm and warm"
    assert describe(Mood(0, 0)) == "even"
    assert describe(Mood(-0.63, -0.27)) == "unpleasant and quiet"
    assert describe(Mood(0.9, 0.9)) == "very pleasant and full of energy"
    words = {describe(Mood(v / 4, a / 4)) for v in range(-4, 5) for a in range(-4, 5)}
    assert not any(emotion in text for text in words for emotion in EMOTIONS)


def test_what_is_described_can_be_named() -> None:
    for v, a in product(range(-10, 11), repeat=2):
        words = describe(Mood(v / 10, a / 10))
        assert describe(mood_named(words)) == words


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("sad", COORDINATES["sad"]),
        ("  Happy ", COORDINATES["happy"]),
        ("calm", CALM),
        ("Energetic", ENERGETIC),
    ],
)
def test_emotions_and_words_for_moods_are_named(text: str, place: Mood) -> None:
    assert mood_named(text) == place


@pytest.mark.parametrize("text", ["", "glad", "very", "sad;happy"])
def test_unknown_word_error_lists_the_known_ones(text: str) -> None:
    with pytest.raises(ValueError, match=r"angry, .*calm, energetic, .*quiet") as caught:
        mood_named(text)
    assert repr(text) in str(caught.value)
