from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from recommender.catalog.catalog import Catalog
from recommender.evaluation.simulate import (
    Listener,
    SimulatedSession,
    listen,
    listeners,
    separation,
)
from recommender.recommender import Recommender
from recommender.request import Request
from recommender.taste.taste import MAX_LOG_ODDS, Affinities, Feedback, Taste, Verdict
from recommender.types import Mood, Playlist, Track

Make = Callable[..., Track]
Hear = Callable[..., tuple[SimulatedSession, ...]]

HERE = Mood(0.0, 0.0)
SAD, HAPPY = Mood(-0.63, -0.27), Mood(0.81, 0.51)


@pytest.fixture
def track(track: Make) -> Make:
    """Make tracks that are strangers, and neither much nor little of anything."""

    def make(number: int = 1, **changes: Any) -> Track:
        usual: dict[str, Any] = {
            "genres": (),
            "year": None,
            "danceability": 0.62,
            "acousticness": 0.3,
            "instrumentalness": 0.06,
            "tempo": 120.0,
            "popularity": 65.0,
        }
        return track(number, **(usual | changes))

    return make


def _score(taste: Taste, track: Track, mood: Mood = HERE) -> float:
    return float(taste.score([track], mood)[0])


def test_no_feedback_scores_zero(track: Make) -> None:
    assert Taste().score([track(1), track(2)], HERE).tolist() == [0.0, 0.0]
    assert Taste().score([], HERE).shape == (0,)
    assert Taste().because(track()) is None


ALIKE = {
    "artist": {"artists": ("Nina Simone",), "genres": ()},
    "genre": {"genres": ("jazz",)},
    "language": {"language": "pt"},
    "decade": {"year": 1964},
    "acousticness": {"acousticness": 0.95},
    "mood": {"position": Mood(-0.9, -0.9)},
}


@pytest.mark.parametrize("what", ALIKE)
def test_like_raises_similar_tracks_and_dislike_lowers_them(track: Make, what: str) -> None:
    said, alike, other = track(1, **ALIKE[what]), track(2, **ALIKE[what]), track(3)
    for verdict, sign in (("like", 1), ("dislike", -1), ("skip", -1)):
        taste = Taste().learn(said, verdict, HERE)  # type: ignore[arg-type]
        assert sign * (_score(taste, alike) - _score(taste, other)) > 0.02


def test_skip_weighs_less_than_a_dislike(track: Make) -> None:
    said, alike = track(1, genres=("jazz",)), track(2, genres=("jazz",))
    skipped = _score(Taste().learn(said, "skip", HERE), alike)
    disliked = _score(Taste().learn(said, "dislike", HERE), alike)
    assert disliked < 1.25 * skipped < 0


@pytest.mark.parametrize("opinion", ["like", "dislike"])
def test_skip_does_not_override_a_verdict(track: Make, opinion: Verdict) -> None:
    said, alike = track(1, genres=("jazz",)), track(2, genres=("jazz",))
    taste = Taste().learn(said, opinion, HERE)
    skipped = taste.learn(said, "skip", HAPPY).learn(said, "skip", SAD)
    assert skipped.verdict_on(said.id) == opinion
    assert skipped.feedback == taste.feedback
    assert _score(skipped, alike) == _score(taste, alike)


def test_an_opinion_replaces_a_skip_and_another_opinion(track: Make) -> None:
    said = track(1)
    taste = Taste()
    assert taste.verdict_on(said.id) is None
    order: tuple[Verdict, ...] = ("skip", "like", "dislike", "like")
    for verdict in order:
        taste = taste.learn(said, verdict, HERE)
        assert [one.verdict for one in taste.feedback] == [verdict]
        assert taste.verdict_on(said.id) == verdict


def test_repeated_feedback_saturates(track: Make) -> None:
    taste, before = Taste(), 0.0
    for number in range(40):
        taste = taste.learn(track(number, genres=("jazz",)), "like", HERE)
        if number % 10 == 9:
            now = _score(taste, track(99, genres=("jazz",)))
            assert before < now < MAX_LOG_ODDS
            before = now


def test_learning_leaves_the_taste_before_as_it_was(track: Make) -> None:
    said, alike = track(1, genres=("jazz",)), track(2, genres=("jazz",))
    before = Taste().learn(said, "like", HERE)
    scored = _score(before, alike)
    after = before.learn(replace(said, id="x"), "dislike", HERE)
    assert before.feedback == (Feedback(said, "like", HERE),)
    assert _score(before, alike) == scored > _score(after, alike)


def test_a_second_verdict_on_a_track_replaces_the_first(track: Make) -> None:
    taste = Taste().learn(track(1), "like", HERE).learn(track(2), "like", HERE)
    taste = taste.learn(track(1), "dislike", SAD)
    assert taste.feedback == (Feedback(track(2), "like", HERE), Feedback(track(1), "dislike", SAD))


def test_feedback_counts_less_in_other_moods(track: Make) -> None:
    taste = Taste()
    for number in range(6):
        taste = taste.learn(track(number, genres=("folk",)), "like", SAD)
        taste = taste.learn(track(10 + number, genres=("house",)), "dislike", SAD)
        taste = taste.learn(track(20 + number, genres=("folk",)), "dislike", HAPPY)
        taste = taste.learn(track(30 + number, genres=("house",)), "like", HAPPY)
    folk, house = track(90, genres=("folk",)), track(91, genres=("house",))
    assert _score(taste, folk, SAD) > 0.5 > -0.5 > _score(taste, house, SAD)
    assert _score(taste, house, HAPPY) > 0.5 > -0.5 > _score(taste, folk, HAPPY)


def test_feedback_decays_with_time(track: Make) -> None:
    jazz, rock = track(990, genres=("jazz",)), track(991, genres=("rock",))
    taste = Taste()
    for number in range(5):
        taste = taste.learn(track(number, genres=("jazz",)), "like", HERE)
    fresh = _score(taste, jazz)
    for number in range(10, 130):
        verdict: Verdict = "like" if number % 2 else "dislike"
        taste = taste.learn(track(number, genres=("metal",)), verdict, HERE)
    faded = _score(taste, jazz)
    assert 0 < faded < 0.5 * fresh
    for number in range(200, 205):
        taste = taste.learn(track(number, genres=("rock",)), "like", HERE)
    assert _score(taste, rock) > 2 * faded


def test_disliking_one_genre_leaves_others(track: Make) -> None:
    """What was not liked speaks against its kind and not against everything."""
    taste = Taste()
    for number in range(20):
        taste = taste.learn(track(number, genres=("jazz",)), "dislike", HERE)
    assert _score(taste, track(99, genres=("ska",))) == pytest.approx(0, abs=0.05)
    assert _score(taste, track(98, genres=("jazz",))) < -1


def test_dislikes_of_a_critical_listener_weigh_less(track: Make) -> None:
    scores = []
    for usual in ("like", "dislike"):
        taste = Taste()
        for number in range(15):
            other = track(number, genres=(f"genre {number}",))
            taste = taste.learn(other, usual, HERE)  # type: ignore[arg-type]
        taste = taste.learn(track(50, genres=("jazz",)), "dislike", HERE)
        scores.append(_score(taste, track(99, genres=("jazz",))))
    assert scores[0] < 1.1 * scores[1] < 0


def test_unknown_features_are_ignored(track: Make) -> None:
    bare = track(
        1,
        year=None,
        genres=(),
        danceability=None,
        acousticness=None,
        instrumentalness=None,
        tempo=None,
    )
    taste = Taste().learn(bare, "like", HERE).learn(track(2), "dislike", HERE)
    scores = taste.score([bare, track(3), replace(bare, id="x", language="en")], HERE)
    assert np.isfinite(scores).all()
    assert scores[0] > scores[1]


def test_an_unknown_verdict_is_named(track: Make) -> None:
    with pytest.raises(ValueError, match="'verdict' argument: 'love': one of like"):
        Taste().learn(track(), "love", HERE)  # type: ignore[arg-type]


def test_a_thousand_verdicts_are_learned_from(track: Make) -> None:
    feedback = [
        Feedback(track(number, genres=("jazz",)), "like" if number > 700 else "dislike", HERE)
        for number in range(1000)
    ]
    assert _score(Taste(feedback), track(1001, genres=("jazz",))) > 1


def test_why_names_the_artist_before_the_genre(track: Make) -> None:
    taste = Taste().learn(track(1, artists=("Nina Simone",), genres=("jazz",)), "like", HERE)
    same = track(2, artists=("NINA SIMONE", "Band"), genres=("jazz",))
    assert taste.because(same) == "because you liked NINA SIMONE"
    assert taste.because(track(3, genres=("jazz", "pop"))) == "because you liked jazz"
    assert taste.because(track(4, genres=("rock",), year=1951)) is None


def test_why_names_a_decade_where_that_is_it(track: Make) -> None:
    taste = Taste()
    for number, genre in enumerate(("rock", "pop", "soul", "jazz", "folk")):
        taste = taste.learn(track(number, genres=(genre,), year=1984), "like", HERE)
        taste = taste.learn(track(10 + number, genres=(genre,), year=2015), "dislike", HERE)
    assert taste.because(track(99, genres=("metal",), year=1986)) == (
        "because you liked songs of the 1980s"
    )


def test_reasons_never_claim_a_like_that_was_not_given(track: Make) -> None:
    taste = Taste()
    for number in range(5):
        taste = taste.learn(track(number, artists=("A",), genres=("jazz",)), "like", HERE)
    for number in range(10, 20):
        taste = taste.learn(track(number, artists=("B",), genres=("rock",)), "dislike", HERE)
    # Unlike the one and like the other: more speaks against it than for it.
    assert taste.because(track(99, artists=("B",), genres=("rock", "jazz"))) is None
    assert taste.because(track(98, artists=("C",), genres=("pop",))) is None


def test_why_in_a_mood_is_about_that_mood(track: Make) -> None:
    taste = Taste()
    for number in range(6):
        taste = taste.learn(track(number, genres=("folk",)), "like", SAD)
        taste = taste.learn(track(20 + number, genres=("folk",)), "dislike", HAPPY)
    assert taste.because(track(99, genres=("folk",)), SAD) == "because you liked folk"
    assert taste.because(track(99, genres=("folk",)), HAPPY) is None


def test_what_is_known_beforehand_counts_until_likes_say_otherwise(track: Make) -> None:
    known = Affinities(artists={"nina simone": 1.0}, genres={"jazz": 0.5, "metal": 0.9})
    taste = Taste(known=known)
    hers = track(1, artists=("Nina Simone",), genres=("jazz",))
    metal, other = track(2, genres=("metal",)), track(3, genres=("pop",))
    scores = taste.score([hers, metal, other], HERE)
    assert scores[0] > scores[1] > scores[2] == 0
    assert taste.because(hers) == "because you listen to Nina Simone"
    assert taste.because(metal) == "because you listen to metal"
    for number in range(10, 20):
        taste = taste.learn(track(number, genres=("metal",)), "dislike", HERE)
    assert taste.known == known
    assert _score(taste, metal) < 0
    assert taste.because(metal) is None
    assert _score(taste, hers) > 0.5


def test_the_more_verdicts_the_better_it_tells_liked_from_not(starter: Catalog) -> None:
    """Without any choice in between: random tracks are judged, and others are told apart."""
    tracks = starter.candidates(HERE, limit=len(starter))
    rows = np.zeros((4, 3))
    for seed in range(4):
        noise = np.random.default_rng(seed)
        mixed = [tracks[place] for place in noise.permutation(len(tracks))]
        one, several, _, acoustic, old, *_ = listeners(starter, seed)
        for row, who in enumerate((one, several, acoustic, old)):
            said = [Feedback(one, who.say(one, HERE, noise), HERE) for one in mixed[:80]]
            for column, count in enumerate((0, 20, 80)):
                taste = Taste(said[:count])
                rows[row, column] += separation(taste, who, mixed[80:480], HERE) / 4
    assert (rows[:, 0] == 0.5).all()
    assert (rows[:, 1] > 0.6).all()
    assert (rows[:, 2] > 0.8).all()


SEEDS, SETS = 3, 8


class _Remembering(Recommender):
    """Does not choose again what was asked before: without learning, all hear the same sets."""

    def __init__(self, catalog: Catalog) -> None:
        super().__init__(catalog)
        self._sets: dict[Any, Playlist] = {}

    def answer(self, request: Request) -> Playlist:
        if request.taste is not None:
            return super().answer(request)
        key = (request.mood, request.seed, tuple(request.exclude))
        if key not in self._sets:
            self._sets[key] = super().answer(request)
        return self._sets[key]


@pytest.fixture(scope="module")
def sessions(starter: Catalog) -> Callable[..., tuple[SimulatedSession, ...]]:
    """Let three people of a kind hear eight sets of ten: sessions(kind, learning)."""
    recommender = _Remembering(starter)
    people = [listeners(starter, seed) for seed in range(SEEDS)]

    @cache
    def hear(kind: int, learning: bool, then: int | None = None) -> tuple[SimulatedSession, ...]:
        return tuple(
            listen(
                who[kind],
                recommender,
                sets=SETS,
                seed=seed,
                learning=learning,
                then=None if then is None else who[then],
                after=SETS // 2,
            )
            for seed, who in enumerate(people)
        )

    return hear


def _liked(sessions: Sequence[SimulatedSession]) -> Any:
    return np.array([session.liked for session in sessions])


GENRE, GENRES, ARTISTS, ACOUSTIC, OLD, BY_MOOD, NONE = range(7)


@pytest.mark.parametrize("kind", [GENRE, GENRES, ACOUSTIC, OLD, BY_MOOD])
def test_ten_likes_help_every_simulated_listener_with_a_taste(sessions: Hear, kind: int) -> None:
    without, learned = sessions(kind, False), sessions(kind, True)
    late = np.array([session.likes >= 10 for session in learned])
    assert late.any(axis=1).all()
    assert _liked(learned)[late].mean() > _liked(without)[late].mean() + 0.02


def test_ten_likes_help_much_on_average(sessions: Hear) -> None:
    """A third more of a set than without learning, in the first sets after ten likes."""
    gains, bases = [], []
    for kind in (GENRE, GENRES, ACOUSTIC, OLD, BY_MOOD):
        without, learned = sessions(kind, False), sessions(kind, True)
        for one, two in zip(without, learned, strict=True):
            soon = np.flatnonzero(two.likes >= 10)[:4]
            gains.append(float((two.liked[soon] - one.liked[soon]).mean()))
            bases.append(float(one.liked[soon].mean()))
    assert np.mean(gains) > 0.25 * np.mean(bases)


def test_learning_does_not_harm_listeners_without_a_taste(sessions: Hear) -> None:
    assert _liked(sessions(NONE, True)).mean() > _liked(sessions(NONE, False)).mean() - 0.04


def test_the_music_stays_near_the_mood(sessions: Hear) -> None:
    for kind in (GENRES, OLD):
        learned = np.mean([session.distance for session in sessions(kind, True)])
        assert learned < np.mean([one.distance for one in sessions(kind, False)]) + 0.06


def test_a_taste_that_changes_is_learned_anew(sessions: Hear) -> None:
    """Within twenty verdicts after the change, sets are better than without learning again."""
    pairs = ((GENRE, GENRES), (OLD, GENRES))
    gain = np.mean(
        [
            _liked(sessions(first, True, then)) - _liked(sessions(first, False, then))
            for first, then in pairs
        ],
        axis=(0, 1),
    )
    assert gain[SETS // 2 + 2 :].mean() > 0.02


def test_opposites_are_told_apart_again_after_thirty_verdicts(starter: Catalog) -> None:
    """Sixty verdicts for acoustic music, then thirty against it."""
    tracks = starter.candidates(HERE, limit=len(starter))
    acoustic = listeners(starter, 0)[ACOUSTIC]
    electric = Listener("the opposite", lambda track, mood: not acoustic.likes(track, mood))
    told = []
    for seed in range(6):
        noise = np.random.default_rng(seed)
        mixed = [tracks[place] for place in noise.permutation(len(tracks))]
        taste, now = Taste(), []
        for number, track in enumerate(mixed[:90]):
            who = acoustic if number < 60 else electric
            taste = taste.learn(track, who.say(track, HERE, noise), HERE)
            if number in (59, 89):
                now.append(separation(taste, electric, mixed[90:490], HERE))
        told.append(now)
    before, after = np.mean(told, axis=0)
    assert before < 0.2
    assert after > 0.6


def test_the_same_is_heard_again_with_the_same_seed(starter: Catalog) -> None:
    who = listeners(starter, 1)[GENRES]
    one, two = (listen(who, Recommender(starter), sets=3, seed=7) for _ in range(2))
    assert (one.liked == two.liked).all()
    assert (one.likes == two.likes).all()
