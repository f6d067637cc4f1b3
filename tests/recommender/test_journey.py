from __future__ import annotations

from itertools import pairwise, product

import pytest

from recommender.journey import (
    EASE_IN_TRACKS,
    NOTICEABLE_DISTANCE,
    RELAXED,
    between,
    check_intent,
    is_calm,
    offered_intents,
    plan,
    suggested_intent,
    target_for,
    waypoints,
)
from recommender.mood import BRIGHT_AND_EASY, CALM, COORDINATES
from recommender.types import INTENTS, Intent, Mood

GRID = [Mood(v / 4, a / 4) for v, a in product(range(-4, 5), repeat=2)]


@pytest.mark.parametrize("n", [1, 2, 20])
def test_match_stays(n: int) -> None:
    for mood in GRID:
        assert plan(mood, "match", n) == (mood,) * n


LENGTHS = (2, 3, 5, 20, 50)
EMOTIONS = tuple(COORDINATES)

ROUTES = {
    **{("shift", emotion): (CALM,) for emotion in ("angry", "disgust", "fear")},
    ("shift", "sad"): (RELAXED, BRIGHT_AND_EASY),
    ("shift", "surprise"): (BRIGHT_AND_EASY,),
    ("shift", "neutral"): (BRIGHT_AND_EASY,),
    ("shift", "happy"): (COORDINATES["happy"],),
    **{("lift", emotion): (BRIGHT_AND_EASY,) for emotion in EMOTIONS if emotion != "happy"},
    ("lift", "happy"): (COORDINATES["happy"],),
    **{("wind_down", emotion): (CALM,) for emotion in EMOTIONS},
    **{("match", emotion): (COORDINATES[emotion],) for emotion in EMOTIONS},
}
"""Where each of the seven is led, in order, the mood itself left out."""


@pytest.mark.parametrize("n", LENGTHS)
@pytest.mark.parametrize(("intent", "emotion"), list(product(INTENTS, EMOTIONS)))
def test_the_route_of_every_emotion(intent: Intent, emotion: str, n: int) -> None:
    mood, stations = COORDINATES[emotion], ROUTES[intent, emotion]
    slots = plan(mood, intent, n)
    assert waypoints(mood, intent) == (mood, *stations)
    assert len(slots) == n
    if intent != "lift":
        assert slots[0] == mood
    if intent != "lift" or n >= EASE_IN_TRACKS:
        assert slots[-1] == stations[-1]
    if intent in ("shift", "wind_down"):
        # Two places are the start and the end; from three on every waypoint is one of them.
        passed = stations if n > 2 else stations[-1:]
        places = [slots.index(station) for station in passed]
        assert places == sorted(places)
        steps = [a.distance(b) for a, b in pairwise(slots)]
        legs = [a.distance(b) for a, b in pairwise([mood, *passed])]
        # No step larger than the smallest largest one of any way to share the steps.
        shared = [
            max(leg / count for leg, count in zip(legs, (first, n - 1 - first), strict=False))
            for first in (range(1, n - 1) if len(legs) == 2 else [n - 1])
        ]
        assert max(steps) == pytest.approx(min(shared))


@pytest.mark.parametrize("n", LENGTHS)
@pytest.mark.parametrize("intent", ["shift", "wind_down"])
def test_steps_are_even_along_each_leg_and_never_lead_away_from_its_end(
    intent: Intent, n: int
) -> None:
    for mood in GRID:
        slots, path = plan(mood, intent, n), waypoints(mood, intent)
        assert (slots[0], slots[-1]) == (mood, target_for(mood, intent))
        corners = [0, *(slots.index(station) for station in path[1:-1] if n > 2), n - 1]
        for start, end in pairwise(corners):
            leg = slots[start : end + 1]
            steps = [a.distance(b) for a, b in pairwise(leg)]
            assert max(steps) - min(steps) < 1e-9
            left = [slot.distance(leg[-1]) for slot in leg]
            assert all(later <= earlier + 1e-9 for earlier, later in pairwise(left))


def test_a_way_to_a_place_of_ones_own_is_straight_unless_it_brightens_sadness() -> None:
    sad = COORDINATES["sad"]
    assert waypoints(sad, "shift", target=Mood(0.8, 0.4)) == (sad, RELAXED, Mood(0.8, 0.4))
    assert waypoints(sad, "shift", target=Mood(0.2, -0.8)) == (sad, Mood(0.2, -0.8))
    assert waypoints(sad, "match", target=CALM) == (sad, sad)


def test_winding_down_ends_in_calm_without_raising_arousal() -> None:
    for mood in GRID:
        target = target_for(mood, "wind_down")
        assert is_calm(target)
        assert target.arousal <= max(mood.arousal, CALM.arousal)
        if is_calm(mood):
            assert target == mood
        arousals = [slot.arousal for slot in plan(mood, "wind_down", 12)]
        assert all(later <= earlier + 1e-9 for earlier, later in pairwise(arousals))


@pytest.mark.parametrize(
    ("mood", "offered"),
    [
        (COORDINATES["happy"], ("match", "wind_down")),
        (COORDINATES["sad"], INTENTS),
        (COORDINATES["neutral"], INTENTS),
        (COORDINATES["surprise"], INTENTS),
        (COORDINATES["angry"], ("match", "shift", "lift")),
        (CALM, ("match", "shift", "lift")),
    ],
)
def test_what_is_offered_for_a_mood(mood: Mood, offered: tuple[str, ...]) -> None:
    assert offered_intents(mood) == offered


def test_what_is_offered_leads_somewhere_and_not_twice_to_the_same_music() -> None:
    for mood in GRID:
        offered = offered_intents(mood)
        assert offered[0] == "match"
        assert len({plan(mood, intent, 5) for intent in offered}) == len(offered)
        for intent in offered[1:]:
            assert target_for(mood, intent).distance(mood) >= NOTICEABLE_DISTANCE


def test_what_is_suggested_is_offered() -> None:
    for mood in GRID:
        assert suggested_intent(mood) in offered_intents(mood)


def test_links_count_intents_so_their_order_stays() -> None:
    assert INTENTS == ("match", "shift", "lift", "wind_down")
    assert [check_intent(intent) for intent in INTENTS] == list(INTENTS)


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


def test_lift_never_lowers_valence() -> None:
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
def test_unknown_intent_error_lists_the_known_ones(intent: Intent) -> None:
    with pytest.raises(ValueError, match="one of match, shift, lift, wind_down") as caught:
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
    for mood, intent, n in product(GRID, INTENTS, (1, 2, 5, 200)):
        slots = plan(mood, intent, n)
        assert len(slots) == n
        assert all(abs(slot.valence) <= 1 and abs(slot.arousal) <= 1 for slot in slots)
