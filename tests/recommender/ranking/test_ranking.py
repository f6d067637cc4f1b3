"""What speaks for a track in the ranking, one thing at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from recommender.journey import plan
from recommender.mood import CALM
from recommender.ranking.candidates import CandidateSet, merge_candidates, song_key
from recommender.ranking.ranking import explain_tracks, rank
from recommender.ranking.scoring import INSTRUMENTAL_CALM, Context
from recommender.ranking.selection import ARTIST_GAP
from recommender.ranking.weights import Weights
from recommender.taste.taste import Taste
from recommender.types import Mood, Pick, Track

Make = Callable[..., Track]
SURE = Weights(temperature=0.0)
"""No noise, so that what is best comes first."""


class LikesJazz(Taste):
    """Somebody for whom jazz speaks, and speaks for itself."""

    def __init__(self, points: float = 2.0) -> None:
        super().__init__()
        self.points = points

    def score(self, tracks: Sequence[Track], mood: Mood) -> NDArray[np.float64]:
        return np.array([self.points * ("jazz" in track.genres) for track in tracks])

    def because(self, track: Track, mood: Mood | None = None) -> str | None:
        return "because you liked Take Five" if "jazz" in track.genres else None


def _rank(
    tracks: Sequence[Track],
    slots: Sequence[Mood],
    *,
    weights: Weights = SURE,
    adventure: float = 0.5,
    **context: Any,
) -> list[Pick]:
    asked = Context(**({"intent": "match"} | context))
    return rank(CandidateSet(tracks), slots, asked, weights=weights.at(adventure), seed=1)


def test_the_nearest_comes_first(track: Make) -> None:
    tracks = [track(n, position=Mood(n / 10, 0)) for n in range(8)]
    assert _rank(tracks, [Mood(0.4, 0)])[0].track == tracks[4]


def test_the_better_known_of_equals_comes_first(track: Make) -> None:
    tracks = [track(n, popularity=10.0 * n) for n in range(8)]
    assert _rank(tracks, [Mood(0, 0)])[0].track == tracks[7]
    bold = _rank(tracks, [Mood(0, 0)], adventure=1.0)
    assert bold[0].track == tracks[0]


def test_the_genre_that_suits_comes_first(track: Make) -> None:
    tracks = [track(1, genres=("metal",)), track(2, genres=("dance pop",)), track(3, genres=())]
    assert _rank(tracks, [Mood(0, 0)], emotions={"happy": 1.0})[0].track == tracks[1]
    assert _rank(tracks, [Mood(0, 0)], emotions={"angry": 1.0})[0].track == tracks[0]


def test_quiet_slots_prefer_acoustic_music(track: Make) -> None:
    quiet, loud = Mood(0.0, -0.6), Mood(0.0, 0.6)
    for place, differs in ((quiet, True), (loud, False)):
        tracks = [
            track(1, acousticness=0.0, position=place),
            track(2, acousticness=1.0, position=place),
        ]
        assert (_rank(tracks, [place])[0].track == tracks[1]) is differs


def test_calm_slots_use_measured_instrumentalness(track: Make) -> None:
    def both(place: Mood, instrumentalness: float) -> list[Track]:
        return [
            track(
                1,
                position=INSTRUMENTAL_CALM,
                instrumentalness=instrumentalness,
                energy=0.1,
                valence=0.1,
            ),
            track(2, position=Mood(place.valence - 0.35, place.arousal)),
        ]

    assert _rank(both(CALM, 0.95), [CALM])[0].track.id.endswith("1")
    assert _rank(both(CALM, 0.05), [CALM])[0].track.id.endswith("2")
    lively = Mood(0.5, 0.3)
    assert _rank(both(lively, 0.95), [lively])[0].track.id.endswith("2")


def test_liked_tracks_rank_first_with_a_reason(track: Make) -> None:
    tracks = [track(1, popularity=60), track(2, genres=("jazz",), popularity=50)]
    taste = LikesJazz()
    emotions = {"neutral": 1.0}
    assert (
        _rank(tracks[:1] + tracks[1:], [Mood(0, 0)], emotions=emotions, taste=taste)[0].track
        == (tracks[1])
    )
    (pick,) = _rank(tracks, [Mood(0, 0)], taste=taste)
    assert pick.reason == "Here because you liked Take Five."


def test_components_without_influence_are_not_given_as_reasons(track: Make) -> None:
    (pick,) = _rank([track(1, genres=("jazz",))], [Mood(0, 0)], taste=LikesJazz(0.01))
    assert "liked" not in pick.reason


def test_taste_shifts_ranking_without_dominating(track: Make) -> None:
    far = track(1, genres=("jazz",), position=Mood(0.9, 0.9))
    near = track(2, genres=("blues",))
    assert _rank([far, near], [Mood(0, 0)], taste=LikesJazz(1e9))[0].track == near


def test_families_just_heard_cost_a_little(track: Make) -> None:
    tracks = [track(n, genres=("folk",)) for n in range(3)]
    tracks += [track(3, genres=("country",), popularity=45)]
    families = [pick.track.genres[0] for pick in _rank(tracks, [Mood(0, 0)] * 4)]
    assert families.index("country") < 3


def test_an_artist_heard_longest_ago_returns_first(track: Make) -> None:
    tracks = [
        track(n, title=f"{artist} {n}", artists=(artist,)) for n, artist in enumerate("abcabcabc")
    ]
    artists = [pick.track.artists[0] for pick in _rank(tracks, [Mood(0, 0)] * 9)]
    assert artists[:3] == artists[3:6] == artists[6:9]
    assert ARTIST_GAP > 2


def test_a_shift_takes_no_step_back(track: Make) -> None:
    noise = np.random.default_rng(5)
    tracks = [track(n, position=Mood(*map(float, noise.uniform(-0.9, 0.9, 2)))) for n in range(300)]
    slots = plan(Mood(-0.6, 0.4), "shift", 20, target=Mood(0.6, -0.2))
    picks = _rank(tracks, slots, intent="shift", weights=Weights())
    way = (1.2, -0.6)
    along = [way[0] * p.track.position.valence + way[1] * p.track.position.arousal for p in picks]
    assert along == sorted(along)


def test_steps_forward_keep_artists_apart(track: Make) -> None:
    noise = np.random.default_rng(5)
    tracks = [
        track(n, position=Mood(*map(float, noise.uniform(-0.9, 0.9, 2))), artists=(f"{n % 13}",))
        for n in range(300)
    ]
    slots = plan(Mood(-0.6, -0.4), "shift", 40, target=Mood(0.6, 0.2))
    artists = [pick.track.artists[0] for pick in _rank(tracks, slots, intent="shift")]
    assert all(len(set(artists[n : n + ARTIST_GAP + 1])) == ARTIST_GAP + 1 for n in range(30))


def test_a_track_without_artists_is_a_track(track: Make) -> None:
    tracks = [track(1, artists=()), track(2, artists=()), track(3, artists=(), title="Song 1")]
    assert len(_rank(tracks, [Mood(0, 0)] * 3)) == 2
    assert len(merge_candidates(tracks[:1], tracks[2:])) == 1


def test_empty_candidate_set_gives_no_picks() -> None:
    assert _rank([], [Mood(0, 0)] * 3) == []
    assert _rank([], []) == []


@pytest.mark.parametrize("adventure", [-0.1, 1.1, float("nan"), "0.5", None, True])
def test_out_of_range_adventure_is_named_in_the_error(adventure: Any) -> None:
    with pytest.raises(ValueError, match="'adventure'") as caught:
        Weights().at(adventure)
    assert repr(adventure) in str(caught.value)


def test_the_middle_of_adventure_changes_nothing_and_the_ends_are_ordered() -> None:
    assert Weights().at(0.5) == Weights()
    steps = [Weights().at(step / 10) for step in range(11)]
    for name, rises in (
        ("popularity", 0),
        ("genre", 0),
        ("taste", 0),
        ("temperature", 1),
        ("repeat", 1),
    ):
        values = [getattr(step, name) for step in steps]
        assert values == sorted(values, reverse=not rises)
        assert len(set(values)) == 11
    assert steps[0].popularity > 0 > steps[10].popularity


def test_explained_in_the_same_order_the_reasons_are_the_same(track: Make) -> None:
    tracks = [
        track(
            n, position=Mood(n / 40 - 0.5, n / 50 - 0.3), genres=("jazz",) if n % 3 else ("soul",)
        )
        for n in range(40)
    ]
    slots = plan(Mood(-0.4, -0.2), "shift", 12)
    for taste in (None, LikesJazz()):
        context = Context("shift", {"sad": 1.0}, taste=taste)
        picks = rank(CandidateSet(tracks), slots, context, weights=Weights(), seed=3)
        assert explain_tracks([pick.track for pick in picks], slots, context) == picks


def test_fewer_tracks_than_slots_can_be_explained_and_more_cannot(track: Make) -> None:
    context = Context("match")
    slots = [Mood(0, 0)] * 2
    assert [pick.slot for pick in explain_tracks([track(1)], slots, context)] == slots[:1]
    with pytest.raises(ValueError, match="2 slots for 3 tracks"):
        explain_tracks([track(n) for n in range(3)], slots, context)
    assert explain_tracks([], [], context) == []


def test_an_estimate_gives_way_to_what_was_measured(track: Make) -> None:
    measured = track(1, title="Heroes", artists=("David B",))
    guess = track(9, title="Heroes - Remaster", artists=("david b",), estimated=True)
    same = replace(measured, estimated=True, title="Heroes again")
    other = track(5, estimated=True)
    assert merge_candidates([measured], [guess, same, other]) == [measured, other]
    assert merge_candidates([guess], [measured]) == [measured]
    assert merge_candidates([guess], [replace(same, title="Heroes")]) == [guess]
    assert merge_candidates([], [other, other]) == [other]


@pytest.mark.parametrize(
    "title", ["Heroes", "HEROES", "Heroes (Live)", "Heroes - 2017 Remaster", "“Heroes” [Mono]"]
)
def test_releases_of_a_song_have_one_key(title: str, track: Make) -> None:
    one = track(1, title="Heroes", artists=("David B",))
    assert song_key(track(2, title=title, artists=("DAVID B", "Guest"))) == song_key(one)
    assert song_key(track(2, title=title, artists=("Other",))) != song_key(one)
