"""Reasons are one line, varied, and true of the track that they stand beside."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise, product

import pytest

from recommender.catalog.catalog import Catalog
from recommender.mood import COORDINATES, mood_of_emotion
from recommender.ranking.reasons import MAX_REASON_CHARACTERS, Situation, write_reason
from recommender.recommender import Recommender
from recommender.types import INTENTS, Mood, Pick, Playlist, Track

# What a listener would object to, in figures of its own and wider than the code's.
TRUE_OF: dict[str, Callable[[Track], bool]] = {
    "acoustic": lambda t: (t.acousticness or 0) >= 0.6,
    "instrumental": lambda t: (t.instrumentalness or 0) >= 0.8,
    "slow": lambda t: (t.tempo or 999) <= 90,
    "fast": lambda t: (t.tempo or 0) >= 135 and t.energy > 0.5,
    "made for moving": lambda t: (t.danceability or 0) >= 0.7,
    "quiet and": lambda t: t.energy < 0.5,
    "hushed": lambda t: t.energy < 0.5,
    "soft": lambda t: t.energy < 0.5,
    "gentle": lambda t: t.energy < 0.5,
    "intense": lambda t: t.energy > 0.5 and t.valence < 0.45,
    "stormy": lambda t: t.energy > 0.5 and t.valence < 0.45,
    "driven": lambda t: t.energy > 0.5,
    "lively and": lambda t: t.energy > 0.5 and t.valence > 0.5,
    "upbeat": lambda t: t.energy > 0.5 and t.valence > 0.5,
    "sunny": lambda t: t.valence > 0.5,
    "warm and": lambda t: t.valence > 0.5,
    "bright and": lambda t: t.valence > 0.5,
    "wistful": lambda t: t.valence < 0.45,
    "brooding": lambda t: t.valence < 0.45,
    "dusky": lambda t: t.valence < 0.45,
    "dark": lambda t: t.valence < 0.45,
    "soft and blue": lambda t: t.valence < 0.45,
    "overcast": lambda t: t.valence < 0.45,
    "many people know": lambda t: t.popularity >= 80,
}

STEPS: dict[str, Callable[[Mood, Mood], bool]] = {
    "brighter": lambda a, b: b.valence > a.valence,
    "warmer": lambda a, b: b.valence > a.valence,
    "livelier": lambda a, b: b.arousal > a.arousal,
    "more drive": lambda a, b: b.arousal > a.arousal,
    "more awake": lambda a, b: b.arousal > a.arousal,
    "calmer": lambda a, b: b.arousal < a.arousal,
    "quieter": lambda a, b: b.arousal < a.arousal,
    "less restless": lambda a, b: b.arousal < a.arousal,
    "stays a moment": lambda a, b: a.distance(b) < 0.2,
    "takes a breath": lambda a, b: a.distance(b) < 0.2,
}

CLAIMS = ("heal", "cure", "therap", "treat", "depress", "anxi", "stress", "relie", "medic")


@pytest.fixture(scope="module")
def playlists(starter: Catalog) -> list[Playlist]:
    recommender = Recommender(starter)
    return [
        recommender.recommend(
            mood_of_emotion(emotion), intent=intent, emotions={emotion: 1.0}, seed=seed
        )  # type: ignore[arg-type]
        for emotion, intent, seed in product(COORDINATES, INTENTS, (1, 2, 3))
    ]


def _lead(pick: Pick) -> str:
    return pick.reason.split(":")[0].split(";")[0].lower()


def test_reasons_are_true_of_the_track(playlists: list[Playlist]) -> None:
    seen = set()
    for pick in (pick for playlist in playlists for pick in playlist.picks):
        said = pick.reason.partition(":")[2]
        for words, holds in TRUE_OF.items():
            if words in said:
                seen.add(words)
                assert holds(pick.track), (pick.reason, pick.track)
    assert len(seen) > 18, set(TRUE_OF) - seen


def test_steps_are_true_of_the_two_tracks(playlists: list[Playlist]) -> None:
    seen = set()
    for playlist in playlists:
        for last, pick in pairwise(playlist.picks):
            for words, holds in STEPS.items():
                if words in _lead(pick):
                    seen.add(words)
                    assert holds(last.track.position, pick.track.position), pick.reason
    assert len(seen) >= 8, set(STEPS) - seen


def test_years_and_genres_are_the_track_s_own(playlists: list[Playlist]) -> None:
    for pick in (pick for playlist in playlists for pick in playlist.picks):
        if "a keeper from" in pick.reason:
            assert str(pick.track.year) in pick.reason
        if "a turn to " in pick.reason:
            assert pick.reason.split("a turn to ")[1].rstrip(".") in pick.track.genres


def test_reasons_are_one_short_line_without_claims(playlists: list[Playlist]) -> None:
    for pick in (pick for playlist in playlists for pick in playlist.picks):
        assert "\n" not in pick.reason
        assert 10 <= len(pick.reason) <= MAX_REASON_CHARACTERS
        assert pick.reason.endswith(".")
        assert pick.reason[0].isupper()
        assert not any(claim in pick.reason.lower() for claim in CLAIMS)


def test_reasons_are_varied(playlists: list[Playlist]) -> None:
    for playlist in playlists:
        reasons = [pick.reason for pick in playlist.picks]
        assert len(set(reasons)) >= len(reasons) - 1
        leads = [_lead(pick) for pick in playlist.picks]
        assert sum(a == b for a, b in pairwise(leads)) <= 2


def test_the_first_meets_and_the_last_arrives(playlists: list[Playlist]) -> None:
    for playlist in playlists:
        first, last = playlist.picks[0], playlist.picks[-1]
        if first.track.position.distance(first.slot) <= 0.3 and playlist.intent != "lift":
            assert first.reason.startswith("Meets you where you are")
        if last.reason.startswith("Arrived"):
            assert last.track.position.distance(playlist.target) <= 0.3


def _situation(**changes: object) -> Situation:
    values: dict[str, object] = {
        "place": 3,
        "places": 10,
        "intent": "match",
        "slot": Mood(0, 0),
        "target": Mood(0, 0),
        "previous": None,
        "genres": (),
        "emotion": "neutral",
        "genre_points": 0.0,
        "popularity_points": 0.0,
        "new_family": False,
        "best_family": None,
    }
    return Situation(**(values | changes))  # type: ignore[arg-type]


def test_a_track_far_from_its_place_is_not_called_close(track: Callable[..., Track]) -> None:
    far = track(position=Mood(0.9, 0.9), valence=0.9, energy=0.9)
    for intent, place in product(INTENTS, (0, 3, 9)):
        reason = write_reason(far, _situation(intent=intent, place=place), [])
        assert any(word in reason for word in ("As near as", "closest", "Not far")), reason


def test_what_was_asked_for_is_said(track: Callable[..., Track]) -> None:
    situation = _situation(genres=("folk",))
    first = write_reason(track(), situation, [])
    assert first.endswith("; folk, which you asked for.")
    second = write_reason(track(2), situation, [first])
    assert "asked for" not in second
    assert write_reason(track(genres=("pop",)), situation, []).find("asked") == -1


def test_nothing_is_said_of_what_is_not_known(track: Callable[..., Track]) -> None:
    bare = track(
        danceability=None,
        acousticness=None,
        instrumentalness=None,
        tempo=None,
        genres=(),
        year=None,
    )
    assert write_reason(bare, _situation(), []) == "Stays with you: steady and even."


def test_a_long_genre_name_does_not_make_a_long_line(track: Callable[..., Track]) -> None:
    long = track(genres=("x" * 200,))
    assert len(write_reason(long, _situation(genres=("x" * 200,)), [])) <= MAX_REASON_CHARACTERS


def test_of_an_estimate_it_is_always_said(track: Callable[..., Track]) -> None:
    guess = track(estimated=True, genres=("x" * 60,), tempo=200.0, acousticness=1.0)
    last = track(2, position=Mood(-0.9, -0.9))
    said: list[str] = []
    for intent, place in product(INTENTS, (0, 3, 5, 9)):
        situation = _situation(
            intent=intent,
            place=place,
            previous=last,
            genres=guess.genres,
            taste_points=2.0,
            because="b" * 50,
        )
        reason = write_reason(guess, situation, said)
        said.append(reason)
        assert "(estimated)" in reason
        assert len(reason) <= MAX_REASON_CHARACTERS
        assert "than the last" not in reason, "that was not measured"
        assert "acoustic" not in reason


def test_what_was_liked_is_said_before_all_else(track: Callable[..., Track]) -> None:
    situation = _situation(
        genres=("folk",), taste_points=1.0, because="because you liked Nick Drake"
    )
    first = write_reason(track(), situation, [])
    assert first.endswith("; because you liked Nick Drake.")
    second = write_reason(track(2), situation, [first])
    assert second.endswith("; folk, which you asked for.")
    weak = _situation(genres=("folk",), taste_points=0.1, because="because you liked Nick Drake")
    assert "liked" not in write_reason(track(), weak, [])


def test_calm_instrumental_music_is_not_called_far(track: Callable[..., Track]) -> None:
    quiet = track(position=Mood(-0.8, -0.9), valence=0.1, energy=0.1, instrumentalness=0.9)
    calm = _situation(slot=Mood(0.47, -0.6))
    assert "without words" in write_reason(quiet, calm, [])
    for slot in (Mood(0.47, 0.6), Mood(-0.1, 0.0)):
        assert "words" not in write_reason(quiet, _situation(slot=slot), [])
    sung = track(position=Mood(-0.8, -0.9), valence=0.1, energy=0.1, instrumentalness=0.0)
    assert "words" not in write_reason(sung, calm, [])


def test_popularity_is_only_mentioned_where_it_counted(track: Callable[..., Track]) -> None:
    famous = track(popularity=95.0, genres=())
    assert "many people know" in write_reason(famous, _situation(popularity_points=1.0), [])
    assert "many people know" not in write_reason(famous, _situation(popularity_points=-0.5), [])
