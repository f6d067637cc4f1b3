"""What a visitor's actions do to a set, without a page."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from recommender import session as rules
from recommender.catalog.catalog import Catalog
from recommender.journey import plan
from recommender.mood import mood_of_emotion
from recommender.recommender import Recommender
from recommender.request import Request
from recommender.session import Session, SetOptions
from recommender.taste.taste import Affinities, Taste
from recommender.types import Filters, Mood, Pick, Playlist, Track

Make = Callable[..., Track]
SAD = mood_of_emotion("sad")


@pytest.fixture(scope="module")
def draw(starter: Catalog) -> rules.Draw:
    """Answer requests from the starter catalogue, each with a seed of its own."""
    recommender = Recommender(starter)
    drawn = 0

    def answer(request: Request) -> Playlist:
        nonlocal drawn
        drawn += 1
        return recommender.answer(replace(request, seed=drawn))

    return answer


@pytest.fixture
def session(draw: rules.Draw) -> Session:
    start = Session(SAD, SetOptions("shift"), {"sad": 1.0})
    return rules.with_set(start, draw)


def _ids(session: Session) -> list[str]:
    assert session.playlist is not None
    return [pick.track.id for pick in session.playlist.picks]


def _refuse(request: Request) -> Playlist:
    raise AssertionError("nothing is drawn here")


def test_a_set_fills_the_time_and_is_drawn_once(session: Session) -> None:
    assert session.playlist is not None
    assert rules.minutes_of(session.playlist) == pytest.approx(60, abs=5)
    assert rules.with_set(session, _refuse) is session


def test_without_a_mood_nothing_is_drawn() -> None:
    with pytest.raises(ValueError, match="without a mood"):
        rules.with_set(Session(None, SetOptions("match")), _refuse)


def test_another_set_repeats_nothing_and_the_way_back_finds_the_first(
    session: Session, draw: rules.Draw
) -> None:
    seen = set(_ids(session))
    for number in range(1, 4):
        session = replace(session, options=SetOptions("shift", draw=number))
        session = rules.with_set(session, draw)
        assert not seen & set(_ids(session))
        seen |= set(_ids(session))
    assert len(session.sets) == 4


def test_exhausted_catalogue_starts_over(track: Make) -> None:
    tracks = [track(number) for number in range(3)]

    def draw(request: Request) -> Playlist:
        left = [one for one in tracks if one.id not in set(request.exclude)]
        picks = tuple(Pick(one, request.mood, "") for one in left)
        return Playlist(request.mood, request.mood, "match", picks, seed=1)

    first = rules.with_set(Session(SAD, SetOptions("match")), draw)
    again = rules.with_set(replace(first, options=SetOptions("match", draw=1)), draw)
    assert _ids(again) == _ids(first)


def test_a_like_draws_the_rest_anew_and_keeps_what_came_before(
    session: Session, draw: rules.Draw
) -> None:
    ids = _ids(session)
    after = rules.judge(session, ids[4], "like", draw)
    assert _ids(after)[:8] == ids[:8], "the next three stay"
    assert _ids(after)[8:] != ids[8:]
    assert after.playlist is not None
    assert len(after.playlist.picks) == len(ids)
    assert after.taste.liked == {ids[4]}
    change = after.change
    assert change is not None
    assert (change.action, change.row, change.redrawn) == ("like", ids[4], True)
    assert change.new_tracks == len(set(_ids(after)) - set(ids))


def test_second_like_undoes_the_first(session: Session, draw: rules.Draw) -> None:
    track_id = _ids(session)[2]
    liked = rules.judge(session, track_id, "like", draw)
    after = rules.judge(liked, track_id, "like", draw)
    assert after.taste.liked == frozenset()
    assert after.change is not None
    assert after.change.action == "unlike"


def test_what_is_kept_keeps_its_reasons_and_artists_stay_apart(
    session: Session, draw: rules.Draw
) -> None:
    assert session.playlist is not None
    after = rules.judge(session, _ids(session)[6], "like", draw).playlist
    assert after is not None
    assert after.picks[:7] == session.playlist.picks[:7]
    assert after.journey == session.playlist.journey
    for start in range(len(after.picks) - 9):
        names = [name for pick in after.picks[start : start + 10] for name in pick.track.artists]
        assert len(names) == len(set(names))


def test_dislike_plays_the_replacement(session: Session, draw: rules.Draw) -> None:
    ids = _ids(session)
    after = rules.judge(session, ids[3], "dislike", draw)
    assert ids[3] not in _ids(after)
    assert after.playing is not None
    assert after.playing.id == _ids(after)[3]
    assert after.change is not None
    assert after.change.row == _ids(after)[3]


def test_a_dislike_reaches_the_sets_to_come_and_not_those_for_other_options(
    session: Session, draw: rules.Draw
) -> None:
    other = rules.with_set(replace(session, options=SetOptions("lift")), draw)
    back = replace(other, options=session.options)
    disliked = _ids(back)[0]
    after = rules.judge(back, disliked, "dislike", draw)
    assert set(after.sets) == {session.options}
    again = rules.with_set(replace(after, options=SetOptions("lift")), draw)
    assert disliked not in _ids(again)


def test_a_skip_plays_the_next_and_draws_nothing(session: Session) -> None:
    ids = _ids(session)
    after = rules.judge(session, ids[0], "skip", _refuse)
    assert _ids(after) == ids
    assert after.playing is not None
    assert after.playing.id == ids[1]
    assert after.change is not None
    assert (after.change.action, after.change.redrawn) == ("skip", False)
    assert rules.judge(session, ids[-1], "skip", _refuse).playing is None


def test_a_skip_takes_no_like_back(session: Session, draw: rules.Draw) -> None:
    liked = _ids(session)[1]
    after = rules.judge(rules.judge(session, liked, "like", draw), liked, "skip", draw)
    assert after.taste.liked == {liked}


def test_an_id_of_no_row_changes_nothing(session: Session) -> None:
    assert rules.judge(session, "none", "like", _refuse) is session
    assert rules.ban(session, "none", "Someone", _refuse) is session
    assert rules.play(session, "none") is session


def test_a_banned_artist_is_left_out_from_the_row_on(session: Session, draw: rules.Draw) -> None:
    assert session.playlist is not None
    pick = session.playlist.picks[4]
    artist = pick.track.artists[0]
    after = rules.ban(session, pick.track.id, artist, draw)
    assert after.options.filters == Filters(without_artists=(artist,))
    assert after.playlist is not None
    assert _ids(after)[:4] == _ids(session)[:4]
    assert all(artist not in each.track.artists for each in after.playlist.picks[4:])
    another = replace(after, options=replace(after.options, draw=1))
    assert not set(_ids(rules.with_set(another, draw))) & set(_ids(after))


def test_more_like_a_track_comes_next_and_then_the_set_goes_on(
    session: Session, draw: rules.Draw
) -> None:
    assert session.playlist is not None
    before = session.playlist.picks
    track = before[3].track
    after = rules.more_like(session, track.id, draw)
    assert after.playlist is not None
    picks = after.playlist.picks
    count = rules.SIMILAR_TRACKS
    similar = picks[4 : 4 + count]
    assert (picks[:4], picks[4 + count :]) == (before[:4], before[4 + count :])
    assert len({pick.track.id for pick in picks}) == len(before)
    assert similar[0].reason == f"More like “{track.title}”."
    for pick in similar:
        assert pick.slot == track.position
        assert track.genres[0] in pick.track.genres
    old = [pick.track.position.distance(track.position) for pick in before[4 : 4 + count]]
    new = [pick.track.position.distance(track.position) for pick in similar]
    assert sum(new) < sum(old)
    assert after.taste is session.taste, "it is no like"
    assert after.change is not None
    assert (after.change.action, after.change.new_tracks) == ("more", count)
    names = [name for pick in (picks[3], *similar) for name in pick.track.artists]
    assert len(names) == len(set(names))


def test_more_like_the_last_track_or_one_of_a_shared_set_changes_nothing(
    session: Session,
) -> None:
    ids = _ids(session)
    assert rules.more_like(session, ids[-1], _refuse) is session
    assert rules.more_like(session, "none", _refuse) is session
    mine = replace(session, sets={}, shared=session.playlist)
    assert rules.more_like(mine, ids[0], _refuse) is mine


def test_where_little_is_alike_the_rest_keeps_its_places(session: Session, track: Make) -> None:
    assert session.playlist is not None
    only = track(7)

    def draw(request: Request) -> Playlist:
        picks = tuple(Pick(only, slot, "near") for slot in request.slots[:1])
        return Playlist(request.mood, request.mood, "match", picks, seed=1)

    after = rules.more_like(session, _ids(session)[2], draw)
    assert _ids(after) == [*_ids(session)[:3], only.id, *_ids(session)[4:]]
    empty = replace(session.playlist, picks=())
    assert rules.more_like(session, _ids(session)[2], lambda request: empty) is session


ACTIONS = ("like", "dislike", "skip", "ban", "more")


def _act(session: Session, action: str, place: int, draw: rules.Draw) -> Session:
    assert session.playlist is not None
    track = session.playlist.picks[place].track
    if action == "ban":
        return rules.ban(session, track.id, track.artists[0], draw)
    if action == "more":
        return rules.more_like(session, track.id, draw)
    return rules.judge(session, track.id, action, draw)  # type: ignore[arg-type]


@pytest.fixture
def quick_draw(track: Make) -> rules.Draw:
    """Answer from tracks that cost nothing: random by the request's slots, excluded ones not."""
    noise = random.Random(11)
    tracks = [track(number, artists=(f"Artist {number % 60}",)) for number in range(400)]

    def answer(request: Request) -> Playlist:
        slots = request.slots or plan(request.mood, request.intent, request.n, target=request.end)
        banned = set(request.filters.without_artists)
        free = [
            one
            for one in tracks
            if one.id not in set(request.exclude) and banned.isdisjoint(one.artists)
        ]
        chosen = noise.sample(free, min(len(slots), len(free)))
        picks = tuple(Pick(one, slot, "") for one, slot in zip(chosen, slots, strict=False))
        return Playlist(request.mood, request.end, request.intent, picks, seed=noise.getrandbits(9))

    return answer


@pytest.mark.parametrize("seed", range(12))
def test_likes_and_history_survive_every_action_and_undo_restores_exactly(
    seed: int, quick_draw: rules.Draw
) -> None:
    chance = random.Random(seed)
    start = Session(SAD, SetOptions("shift"), {"sad": 1.0})
    session = rules.with_set(start, quick_draw)
    states, forgotten = [session], 0
    for _ in range(25):
        action, place = chance.choice(ACTIONS), chance.randrange(len(_ids(session)))
        before, ids = session, _ids(session)
        session = _act(session, action, place, quick_draw)
        if session is before:  # more like the last one
            continue
        after = _ids(session)
        assert len(after) == len(set(after)) == len(ids)
        assert after[:place] == ids[:place]
        change = session.change
        assert change is not None
        if change.action == "like":
            assert after[: place + 4] == ids[: place + 4]
            assert session.taste.liked == before.taste.liked | {ids[place]}
        elif change.action in ("unlike", "dislike"):
            assert session.taste.liked == before.taste.liked - {ids[place]}
        else:
            assert session.taste.liked == before.taste.liked
        assert session.taste.disliked.isdisjoint(after)
        states.append(session)
        if chance.random() < 0.2:
            session = rules.undo(session)
            states.pop()
            forgotten += 1
            assert session == states[-1]
    assert forgotten
    while len(states) > 1:
        session = rules.undo(session)
        states.pop()
        assert session == states[-1]
    assert session.change is None
    assert rules.undo(session) is session


def test_undo_history_is_bounded(quick_draw: rules.Draw) -> None:
    session = rules.with_set(Session(SAD, SetOptions("match"), {"sad": 1.0}), quick_draw)
    for _ in range(rules.MAX_UNDONE_ACTIONS + 5):
        session = rules.judge(session, _ids(session)[0], "skip", _refuse)
    undone = 0
    while session.change is not None:
        session, undone = rules.undo(session), undone + 1
    assert undone == rules.MAX_UNDONE_ACTIONS


@pytest.mark.parametrize("action", ["like", "dislike", "ban", "skip", "more"])
def test_every_action_can_be_undone(session: Session, draw: rules.Draw, action: Any) -> None:
    assert session.playlist is not None
    track = session.playlist.picks[2].track
    session = rules.play(session, track.id)
    after = _act(session, action, 2, draw)
    assert after != session
    assert rules.undo(after) == session
    assert rules.undo(session) is session


@pytest.mark.parametrize("action", ["like", "ban"])
def test_filters_that_were_set_since_outlive_an_undo(
    session: Session, draw: rules.Draw, action: str
) -> None:
    after = _act(session, action, 2, draw)
    narrowed = replace(after.options.filters, decades=(1980,))
    after = replace(after, options=replace(after.options, filters=narrowed))
    assert rules.undo(after).options.filters == Filters(decades=(1980,))


def test_a_track_is_played_and_pressing_again_changes_nothing(session: Session) -> None:
    track_id = _ids(session)[3]
    playing = rules.play(session, track_id)
    assert playing.playing is not None
    assert playing.playing.id == track_id
    assert rules.play(playing, track_id) == playing


def test_taking_a_like_back_leaves_the_music_where_it_is_by_now(
    session: Session, draw: rules.Draw
) -> None:
    ids = _ids(session)
    liked = rules.judge(rules.play(session, ids[2]), ids[2], "like", draw)
    gone_on = rules.play(liked, _ids(liked)[3])
    assert rules.undo(gone_on).playing == gone_on.playing


def test_a_player_goes_through_the_set_and_first_ends_what_it_is_at(session: Session) -> None:
    assert session.playlist is not None
    first, *rest = tracks = [pick.track for pick in session.playlist.picks]
    assert rules.queue(first, session.playlist) == tuple(tracks)
    other = replace(session.playlist, picks=session.playlist.picks[1:])
    assert rules.queue(first, other) == (first, *rest)
    # Elsewhere, with another mood that has no set yet, it goes on with what it has.
    assert rules.queue(first, None, tracks) == tuple(tracks)
    assert rules.queue(first, None) == (first,)


def test_of_a_set_that_was_shared_only_the_taste_is_learned(session: Session) -> None:
    mine = replace(session, sets={}, shared=session.playlist)
    ids = _ids(mine)
    liked = rules.judge(mine, ids[0], "like", _refuse)
    assert liked.taste.liked == {ids[0]}
    assert (liked.sets, liked.playing) == ({}, None)
    disliked = rules.judge(mine, ids[0], "dislike", _refuse)
    assert disliked.playing is not None
    assert disliked.playing.id == ids[1]
    for change in (liked.change, disliked.change):
        assert change is not None
        assert not change.redrawn
    assert rules.ban(mine, ids[0], "Someone", _refuse) is mine


def test_the_last_track_has_nothing_ahead_to_draw(session: Session) -> None:
    after = rules.judge(session, _ids(session)[-1], "like", _refuse)
    assert _ids(after) == _ids(session)
    assert after.change is not None
    assert after.change.new_tracks == 0


def test_what_is_known_beforehand_draws_anew_once(session: Session) -> None:
    known = Affinities(genres={"jazz": 1.0})
    after = rules.with_affinities(session, known)
    assert (after.sets, after.change, after.taste.known) == ({}, None, known)
    assert rules.with_affinities(after, known) is after


def test_likes_are_given_as_reasons(draw: rules.Draw, starter: Catalog) -> None:
    taste = Taste()
    for one in starter.candidates(SAD, filters=Filters(genres=("folk",)), limit=8):
        taste = taste.learn(one, "like", SAD)
    session = rules.with_set(Session(SAD, SetOptions("match"), {"sad": 1.0}, taste=taste), draw)
    after = rules.judge(session, _ids(session)[0], "like", draw)
    assert after.change is not None
    assert 0 < after.change.because_liked <= after.change.new_tracks


def test_lengths_that_are_unknown_count_as_typical(track: Make) -> None:
    here = Mood(0, 0)
    picks = tuple(Pick(track(number, duration_ms=None), here, "") for number in range(20))
    assert rules.minutes_of(Playlist(here, here, "match", picks, seed=1)) == 70
