from __future__ import annotations

from itertools import pairwise, product

import pytest

from recommender.journey import EASE_IN_TRACKS, between, plan, suggested_intent, target_for
from recommender.mood import BRIGHT_AND_EASY, CALM, COORDINATES
from recommender.types import Intent, Mood

GRID = [Mood(v / 4, a / 4) for v, a in product(range(-4, 5), repeat=2)]


@pytest.mark.parametrize("n", [1, 2, 20])
def test_match_stays(n: int) -> None:
    for mood in GRID:
        assert plan(mood, "match", n) == (mood,) * n


@pytest.mark.parametrize("n", [2, 3, 7, 20, 50])
def test_shift_starts_at_the_mood_arrives_at_the_target_and_steps_evenly(n: int) -> None:
    for mood in GRID:
        slots = plan(mood, "shift", n)
        assert len(slots) == n
        assert slots[0] == mood
        assert slots[-1] == target_for(mood, "shift")
        steps = [a.distance(b) for a, b in pairwise(slots)]
        assert max(steps) - min(steps) < 1e-9


@pytest.mark.parametrize("n", [3, 10, 20])
def test_lift_is_pleasant_at_once_and_brings_the_energy_along(n: int) -> None:
    for mood in GRID:
        slots = plan(mood, "lift", n)
        target = target_for(mood, "lift")
        assert {slot.valence for slot in slots} == {target.valence}
        assert all(slot == target for slot in slots[EASE_IN_TRACKS - 1 :])
        gaps = [abs(slot.arousal - target.arousal) for slot in slots]
        assert gaps == sorted(gaps, reverse=True)
        assert gaps[0] <= abs(mood.arousal - target.arousal)


def test_nobody_who_asks_for_a_lift_is_brought_down() -> None:
    for mood in GRID:
        target = target_for(mood, "lift")
        assert target.valence >= mood.valence
        if mood.valence >= BRIGHT_AND_EASY.valence:
            assert target.arousal >= mood.arousal


def test_targets_of_the_seven() -> None:
    wanted = {
        "angry": CALM,
        "disgust": CALM,
        "fear": CALM,
        "happy": COORDINATES["happy"],
        "sad": BRIGHT_AND_EASY,
        "surprise": BRIGHT_AND_EASY,
        "neutral": BRIGHT_AND_EASY,
    }
    assert {name: target_for(COORDINATES[name], "shift") for name in wanted} == wanted


def test_unpleasant_moods_are_offered_to_move_and_others_to_stay() -> None:
    suggested = {name: suggested_intent(mood) for name, mood in COORDINATES.items()}
    assert suggested == dict.fromkeys(("angry", "disgust", "fear", "sad"), "shift") | dict.fromkeys(
        ("happy", "surprise", "neutral"), "match"
    )


def test_a_target_of_one_s_own_is_where_it_ends() -> None:
    own = Mood(-0.2, -0.9)
    assert plan(Mood(0.5, 0.5), "shift", 5, target=own)[-1] == own
    assert plan(Mood(0.5, 0.5), "lift", 5, target=own)[-1] == own
    assert plan(Mood(0.5, 0.5), "match", 5, target=own)[-1] == Mood(0.5, 0.5)


def test_one_track_of_a_shift_meets_the_mood() -> None:
    assert plan(Mood(-0.6, -0.3), "shift", 1) == (Mood(-0.6, -0.3),)


@pytest.mark.parametrize("intent", ["sadder", "", "MATCH", None, 3, ["match"]])
def test_an_unknown_intent_is_echoed_with_the_known_ones(intent: Intent) -> None:
    with pytest.raises(ValueError, match="one of match, shift, lift") as caught:
        plan(Mood(0, 0), intent, 5)
    assert repr(intent) in str(caught.value)


@pytest.mark.parametrize("n", [0, -1])
def test_too_few_places_are_refused(n: int) -> None:
    with pytest.raises(ValueError, match=f"{n}"):
        plan(Mood(0, 0), "shift", n)


def test_between_is_exact_at_both_ends() -> None:
    start, end = Mood(-0.63, -0.27), Mood(0.6, 0.25)
    assert between(start, end, 0) == start
    assert between(start, end, 1) == end


def test_a_shift_comes_nearer_with_every_step_and_turns_nowhere() -> None:
    for mood in GRID:
        end = target_for(mood, "shift")
        slots = plan(mood, "shift", 9)
        left = [slot.distance(end) for slot in slots]
        assert left == sorted(left, reverse=True)
        assert sum(a.distance(b) for a, b in pairwise(slots)) == pytest.approx(mood.distance(end))


def test_a_lift_is_gentle() -> None:
    for mood in GRID:
        slots = plan(mood, "lift", 12)
        way = abs(mood.arousal - slots[-1].arousal)
        for a, b in pairwise([mood, *slots]):
            assert abs(a.arousal - b.arousal) <= way / 3 + 1e-9


@pytest.mark.parametrize("emotion", ["angry", "fear", "disgust"])
def test_what_is_tense_can_be_met_calmed_or_lifted(emotion: str) -> None:
    mood = COORDINATES[emotion]
    assert set(plan(mood, "match", 5)) == {mood}
    calmed = [slot.arousal for slot in plan(mood, "shift", 9)]
    assert calmed == sorted(calmed, reverse=True)
    assert calmed[-1] < 0
    assert plan(mood, "lift", 9)[0].valence > 0.3


def test_sadness_can_be_met_or_lifted_and_never_gets_sadder() -> None:
    mood = COORDINATES["sad"]
    assert set(plan(mood, "match", 5)) == {mood}
    for intent in ("shift", "lift"):
        valences = [slot.valence for slot in plan(mood, intent, 9)]
        assert valences == sorted(valences)
        assert valences[-1] == BRIGHT_AND_EASY.valence


def test_what_is_bright_is_kept_bright() -> None:
    for mood in [COORDINATES["happy"], *(m for m in GRID if m.valence >= BRIGHT_AND_EASY.valence)]:
        for intent in ("match", "shift", "lift"):
            for slot in plan(mood, intent, 7):
                assert slot.valence >= mood.valence
                assert slot.arousal >= mood.arousal


def test_every_place_of_every_journey_is_on_the_plane() -> None:
    for mood, intent, n in product(GRID, ("match", "shift", "lift"), (1, 2, 5, 200)):
        slots = plan(mood, intent, n)
        assert len(slots) == n
        assert all(abs(slot.valence) <= 1 and abs(slot.arousal) <= 1 for slot in slots)
