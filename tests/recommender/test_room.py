from __future__ import annotations

import math
import random
from collections.abc import Sequence

import pytest

from recommender.mood import COORDINATES, describe, room_mood
from recommender.room import CLOSE_DISTANCE, FAR_DISTANCE, room
from recommender.types import Mood

SAD, HAPPY, ANGRY, FEAR, EVEN = (
    COORDINATES[name] for name in ("sad", "happy", "angry", "fear", "neutral")
)


@pytest.mark.parametrize(
    ("moods", "sentence"),
    [
        ([SAD], ""),
        ([ANGRY, FEAR], "You’re all in a similar mood: unpleasant and lively."),
        ([EVEN] * 5, "You’re all in a similar mood: even."),
        (
            [SAD, HAPPY],
            "Your moods split in two: one is unpleasant and quiet, "
            "one is very pleasant and lively.",
        ),
        (
            [HAPPY, SAD, HAPPY, HAPPY],
            "Your moods split in two: three are very pleasant and lively, "
            "one is unpleasant and quiet.",
        ),
        (
            [HAPPY] * 12 + [SAD] * 3,
            "Your moods split in two: 12 are very pleasant and lively, "
            "three are unpleasant and quiet.",
        ),
        (
            [Mood(0.0, 0.0), Mood(0.35, 0.1), Mood(0.0, 0.5), Mood(0.4, 0.5)],
            "Your moods differ a little. In between: pleasant and lively.",
        ),
        (
            [Mood(-0.9, 0), Mood(-0.3, 0), Mood(0.3, 0), Mood(0.9, 0), Mood(0, 0.9), Mood(0, -0.9)],
            "Your moods are far apart. In between: even.",
        ),
    ],
)
def test_spread_of_a_room_is_described(moods: Sequence[Mood], sentence: str) -> None:
    assert room(moods).sentence == sentence


def test_distances_of_two() -> None:
    pair = room([Mood(-0.5, 0), Mood(0.5, 0)])
    assert (pair.mood, pair.apart, pair.widest) == (Mood(0, 0), 0.5, 1.0)


def test_weights_move_the_mood_and_the_distance() -> None:
    moods = [Mood(-0.5, 0), Mood(0.5, 0)]
    favoured = room(moods, [3, 1])
    assert favoured.mood == room_mood(moods, [3, 1])
    assert favoured.mood.distance(Mood(-0.25, 0)) < 1e-12
    assert favoured.apart == pytest.approx((0.25 * 3 + 0.75) / 4)
    assert favoured.widest == 1.0


def test_person_of_weight_zero_is_ignored() -> None:
    assert room([SAD, HAPPY, SAD], [1, 0, 2]) == room([SAD, SAD], [1, 2])
    assert room([SAD, HAPPY], [0, 5]).sentence == ""


def test_two_places_of_the_same_name_are_not_set_against_each_other() -> None:
    moods = [Mood(0.0, 0.80), Mood(0.05, 0.85), Mood(0.0, 0.1), Mood(0.05, 0.1)]
    assert room(moods).sentence.startswith("Your moods split in two: ")
    alike = [Mood(-0.7, 0.2), Mood(-0.2, 0.7)]
    assert describe(alike[0]) == describe(alike[1])
    assert len(room(alike).groups) == 2
    assert room(alike).sentence == "Your moods differ a little. In between: unpleasant and lively."


def test_the_order_of_people_does_not_matter() -> None:
    noise = random.Random(1)
    for _ in range(50):
        moods = [Mood(noise.uniform(-1, 1), noise.uniform(-1, 1)) for _ in range(5)]
        mixed = noise.sample(moods, 5)
        one, other = room(moods), room(mixed)
        assert one.apart == pytest.approx(other.apart)
        assert one.widest == other.widest
        assert {frozenset(group) for group in one.groups} == {
            frozenset(group) for group in other.groups
        }


def test_sentences_name_places_only_and_agree_with_the_distance() -> None:
    noise = random.Random(2)
    for _ in range(300):
        moods = [
            Mood(noise.uniform(-1, 1), noise.uniform(-1, 1)) for _ in range(noise.randrange(2, 8))
        ]
        met = room(moods, [noise.uniform(0.1, 3) for _ in moods])
        assert sorted(mood for group in met.groups for mood in map(_pair, group)) == sorted(
            map(_pair, moods)
        )
        assert not any(emotion in met.sentence for emotion in COORDINATES)
        if met.sentence.startswith("You’re all"):
            assert met.apart <= CLOSE_DISTANCE
        elif met.sentence.startswith("Your moods are far"):
            assert met.apart >= FAR_DISTANCE
        else:
            assert "split in two" in met.sentence or CLOSE_DISTANCE < met.apart < FAR_DISTANCE


@pytest.mark.parametrize("weights", [[1.0], [0, 0], [-1, 2], [math.nan, 1]])
def test_wrong_weights_are_refused(weights: list[float]) -> None:
    with pytest.raises(ValueError, match="weights"):
        room([SAD, HAPPY], weights)


def test_empty_room_is_refused() -> None:
    with pytest.raises(ValueError, match="moods"):
        room([])


def _pair(mood: Mood) -> tuple[float, float]:
    return mood.valence, mood.arousal
