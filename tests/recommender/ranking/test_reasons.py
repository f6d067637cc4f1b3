"""Reasons are one line, varied, and true of the track that they stand beside."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import pairwise, product

import pytest

from recommender.catalog.catalog import Catalog
from recommender.genres import default_table
from recommender.mood import COORDINATES, mood_of_emotion
from recommender.ranking.reasons import (
    MAX_REASON_CHARACTERS,
    Reason,
    Situation,
    Sound,
    sound_of,
    write_reason,
)
from recommender.recommender import Recommender
from recommender.types import INTENTS, Mood, Pick, Playlist, Track

# What a listener would object to, in figures of its own and wider than the code's.
TRUE_OF: dict[str, Callable[[Track], bool]] = {
    "acoustic": lambda t: (t.acousticness or 0) >= 0.7,
    "instruments": lambda t: (t.instrumentalness or 0) >= 0.8,
    "Slow": lambda t: (t.tempo or 999) <= 85 and t.energy < 0.5,
    "Fast": lambda t: (t.tempo or 0) >= 145 and t.energy > 0.6,
    "dancing": lambda t: (t.danceability or 0) >= 0.75,
    "sit still": lambda t: (t.danceability or 0) >= 0.75,
    "dance to": lambda t: (t.danceability or 0) >= 0.75,
    "Quiet and": lambda t: t.energy < 0.6 and t.position.arousal < -0.3,
    "Hushed": lambda t: t.energy < 0.6 and t.position.arousal < -0.3,
    "Soft": lambda t: t.energy < 0.6 and t.position.arousal < -0.3,
    "Gentle": lambda t: t.energy < 0.6 and t.position.valence > 0.3,
    "Intense": lambda t: t.energy > 0.5 and t.position.valence < -0.3,
    "driving": lambda t: t.energy > 0.5 and t.position.arousal > 0.3,
    "Lively": lambda t: t.energy > 0.5 and t.position.valence > 0.3,
    "Upbeat": lambda t: t.energy > 0.5 and t.position.valence > 0.3,
    "warm": lambda t: t.valence > 0.35 and t.position.valence > 0.3,
    "Wistful": lambda t: t.position.valence < -0.3,
    "wistful": lambda t: t.position.valence < -0.3,
    "sad.": lambda t: t.position.valence < -0.3,
    "dark side": lambda t: t.position.valence < -0.3,
    "everybody knows": lambda t: t.popularity >= 80,
    "by heart": lambda t: t.popularity >= 80,
}

STEPS: dict[str, Callable[[Mood, Mood], bool]] = {
    "Brighter": lambda a, b: b.valence > a.valence + 0.1,
    "Livelier": lambda a, b: b.arousal > a.arousal + 0.1,
    "Calmer": lambda a, b: b.arousal < a.arousal - 0.1,
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


def _picks(playlists: list[Playlist]) -> list[Pick]:
    return [pick for playlist in playlists for pick in playlist.picks]


def test_reasons_are_true_of_the_track(playlists: list[Playlist]) -> None:
    seen = set()
    for pick in _picks(playlists):
        for words, holds in TRUE_OF.items():
            if words in pick.reason:
                seen.add(words)
                assert holds(pick.track), (pick.reason, pick.track)
    assert len(seen) > 14, set(TRUE_OF) - seen


def test_steps_are_true_of_the_two_tracks(playlists: list[Playlist]) -> None:
    seen = set()
    for playlist in playlists:
        for last, pick in pairwise(playlist.picks):
            for words, holds in STEPS.items():
                if pick.reason.startswith(f"{words} than"):
                    seen.add(words)
                    assert holds(last.track.position, pick.track.position), pick.reason
    assert len(seen) >= 2, set(STEPS) - seen


def test_years_and_genres_are_the_track_s_own(playlists: list[Playlist]) -> None:
    families = sorted(default_table().families, key=len, reverse=True)
    seen = set()
    for pick in _picks(playlists):
        if found := re.search(r"\b(19\d\d)\b", pick.reason):
            seen.add("year")
            assert int(found[1]) == pick.track.year
        if found := re.match(
            r"Some (.+) for a change|(.+?),? (?:to|for|goes|sits|keeps|can) ", pick.reason
        ):
            named = (found[1] or found[2]).lower()
            if named in families:
                seen.add("genre")
                assert named in pick.track.genres, pick.reason
    assert seen == {"year", "genre"}


def test_reasons_are_one_short_line_without_claims(playlists: list[Playlist]) -> None:
    for pick in filter(lambda pick: pick.reason, _picks(playlists)):
        assert "\n" not in pick.reason
        assert 6 <= len(pick.reason) <= MAX_REASON_CHARACTERS
        assert pick.reason.endswith(".")
        assert pick.reason[0].isupper()
        assert not any(claim in pick.reason.lower() for claim in CLAIMS)


def test_no_reason_comes_twice_in_five_rows(playlists: list[Playlist]) -> None:
    for playlist in playlists:
        reasons = [pick.reason for pick in playlist.picks]
        for place, reason in enumerate(reasons):
            assert not reason or reason not in reasons[max(0, place - 4) : place]


def test_most_tracks_have_a_reason(playlists: list[Playlist]) -> None:
    reasons = [pick.reason for pick in _picks(playlists)]
    assert sum(map(bool, reasons)) > 0.6 * len(reasons)


def test_words_that_fill_a_line_are_not_used(playlists: list[Playlist]) -> None:
    for pick in _picks(playlists):
        assert not any(
            words in pick.reason.lower()
            for words in ("steady and even", "level and open", "not far from", "neither")
        )


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


def _said(track: Track, situation: Situation, earlier: Sequence[Reason] = ()) -> str:
    return write_reason(track, situation, earlier).text


def test_a_track_far_from_its_place_is_called_so(track: Callable[..., Track]) -> None:
    far = track(position=Mood(0.9, 0.9), valence=0.9, energy=0.9)
    for intent, place in product(INTENTS, (0, 3, 9)):
        reason = _said(far, _situation(intent=intent, place=place, slot=Mood(-0.6, -0.6)))
        assert "this mood" in reason
        assert "not quite" in reason or "way off" in reason


def test_what_is_only_sadder_and_quieter_is_not_called_far(track: Callable[..., Track]) -> None:
    sadder = track(position=Mood(-0.9, -0.9), valence=0.1, energy=0.1)
    assert "this mood" not in _said(sadder, _situation(slot=Mood(-0.6, -0.2)))


def test_no_reason_where_none_is_informative(track: Callable[..., Track]) -> None:
    bare = track(
        danceability=None,
        acousticness=None,
        instrumentalness=None,
        tempo=None,
        genres=(),
        year=None,
    )
    assert write_reason(bare, _situation(), ()) == Reason()


def test_requested_filters_are_not_given_as_reasons(track: Callable[..., Track]) -> None:
    changes = {"genre_points": 1.0, "best_family": "folk", "emotion": "sad"}
    assert "Folk" in _said(track(), _situation(**changes))
    assert "olk" not in _said(track(), _situation(genres=("folk",), new_family=True, **changes))


@pytest.mark.parametrize("family", ["metal", "alternative rock", "trap"])
def test_a_gloomy_genre_is_not_called_bright(track: Callable[..., Track], family: str) -> None:
    happy = {"position": Mood(0.8, 0.8), "valence": 0.8, "energy": 0.9}
    assert sound_of(track(genres=(family,), **happy)) == Sound("loud", "")
    assert sound_of(track(genres=("soul",), **happy)) == Sound("loud", "bright")
    assert sound_of(track(genres=("pop", "metal"), **happy)).lightness == ""


def test_disco_is_not_called_dark(track: Callable[..., Track]) -> None:
    low = {"position": Mood(-0.8, 0.8), "valence": 0.2, "energy": 0.9}
    assert sound_of(track(genres=("funk & disco",), **low)) == Sound("loud", "")
    assert sound_of(track(genres=("metal",), **low)) == Sound("loud", "dark")


def test_measured_value_must_agree_with_its_rank(track: Callable[..., Track]) -> None:
    assert sound_of(track(position=Mood(0, -0.9), energy=0.9)) == Sound("", "")
    assert sound_of(track(position=Mood(0, 0.9), energy=0.2)) == Sound("", "")
    assert sound_of(track(position=Mood(0.1, 0.1))) == Sound("", "")


def test_a_sound_that_the_place_did_not_ask_for_is_no_reason(
    track: Callable[..., Track],
) -> None:
    loud = track(position=Mood(-0.5, 0.5), valence=0.2, energy=0.9, acousticness=0.0)
    assert _said(loud, _situation(slot=Mood(-0.5, 0.5))) == "Intense and dark."
    assert "ntense" not in _said(loud, _situation(slot=Mood(-0.3, 0.0)))


def test_a_long_genre_name_does_not_make_a_long_line(track: Callable[..., Track]) -> None:
    long = track(genres=("x" * 200,))
    situation = _situation(genre_points=2.0, best_family="x" * 200, emotion="sad")
    assert len(_said(long, situation)) <= MAX_REASON_CHARACTERS


def test_estimated_features_are_always_disclosed(track: Callable[..., Track]) -> None:
    guess = track(estimated=True, genres=("x" * 60,), tempo=200.0, acousticness=1.0)
    last = track(2, position=Mood(-0.9, -0.9))
    said: list[Reason] = []
    for intent, place, because in product(INTENTS, (0, 3, 5, 9), ("b" * 80, "because you liked")):
        situation = _situation(
            intent=intent,
            place=place,
            previous=last,
            genres=guess.genres,
            taste_points=2.0,
            because=because,
        )
        reason = write_reason(guess, situation, said)
        said.append(reason)
        assert "guess" in reason.text
        assert len(reason.text) <= MAX_REASON_CHARACTERS
        assert "than the one before" not in reason.text, "that was not measured"
        assert "acoustic" not in reason.text


def test_liked_artists_are_the_first_reason(track: Callable[..., Track]) -> None:
    situation = _situation(taste_points=1.0, because="because you liked Nick Drake")
    first = write_reason(track(), situation, ())
    assert first.text == "Here because you liked Nick Drake."
    assert "liked" not in _said(track(2), situation, [first]), "not twice in five rows"
    weak = _situation(taste_points=0.1, because="because you liked Nick Drake")
    assert "liked" not in _said(track(), weak)


def test_instrumental_reason_appears_on_instrumental_tracks(track: Callable[..., Track]) -> None:
    quiet = track(position=Mood(0.4, -0.6), valence=0.1, energy=0.1, instrumentalness=0.9)
    calm = _situation(slot=Mood(0.47, -0.6))
    assert "instruments" in _said(quiet, calm)
    # Instrumental music is measured as sad; where it is calm it is not out of place.
    far = track(position=Mood(-0.9, -0.9), valence=0.1, energy=0.1, instrumentalness=0.9)
    assert "instruments" in _said(far, calm)
    sung = track(position=Mood(0.4, -0.6), valence=0.1, energy=0.1, instrumentalness=0.0)
    assert "instruments" not in _said(sung, calm)
    wall = track(position=Mood(0.4, 0.6), energy=0.9, instrumentalness=0.9)
    assert "instruments" not in _said(wall, _situation(slot=Mood(0.4, 0.6)))


def test_popularity_is_only_mentioned_where_it_counted(track: Callable[..., Track]) -> None:
    famous = track(popularity=95.0, genres=())
    assert "everybody knows" in _said(famous, _situation(popularity_points=1.0))
    assert "everybody knows" not in _said(famous, _situation(popularity_points=-0.5))
