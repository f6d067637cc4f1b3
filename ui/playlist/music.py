"""Drawing a set of tracks for a visitor, and drawing its rest anew once they like something."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Final

import streamlit as st

from recommender.genres import default_table
from recommender.journey import plan
from recommender.ranking.ranking import APART, feelings_at, retell
from recommender.ranking.ranking import Wish as RankingWish
from recommender.recommender import unmarked
from recommender.taste.taste import Affinities, Taste, Verdict
from recommender.types import Filters, Intent, Pick, Playlist, Track
from ui import services, wording
from ui.diary import diary
from ui.spotify import spotify
from ui.state import Change, Visit, Wish

TYPICAL: Final = 210_000
"""Milliseconds of a track whose length nobody wrote down."""

LOOKS: Final = 5
"""Places on the way for which fresh tracks are looked for on Spotify."""

ENOUGH: Final = 0.75
"""A set that fills this share of the time asked for is one; below, something leaves too little."""


def current_set(me: Visit) -> Playlist:
    """Return the set for the visitor's mood and wish; draw it if it is new.

    Raises:
        ValueError: there is no mood to draw for.
    """
    if me.mood is None:
        raise ValueError("Incorrect value for 'me' argument: a visit without a mood")
    me.intent = me.intent or me.suggestion
    _recall(me)
    wish = me.wish
    if wish not in me.sets:
        heard = {
            pick.track.id
            for earlier, playlist in me.sets.items()
            if _same_but_for_draw(earlier, wish)
            for pick in playlist.picks
        }
        with st.spinner("Choosing the music…"):
            playlist = _draw(me, wish, without=heard)
            if heard and falls_short(playlist, wish.minutes):
                # Everything that fits was heard: begin again rather than show half a set.
                playlist = _draw(me, wish)
        _put(me, playlist)
    return me.sets[wish]


def not_known_clean(me: Visit, playlist: Playlist) -> str | None:
    """Return what to tell a visitor who wants nothing explicit, where that is not known."""
    recommender, _ = services.recommender()
    return None if me.filters.explicit else unmarked(recommender.catalog, playlist.picks)


def _recall(me: Visit) -> None:
    """Take in what is known of the visitor's taste from elsewhere: their diary, their Spotify."""
    recommender, _ = services.recommender()
    diary.bring_back(me, recommender.catalog)
    known = spotify.affinities() or Affinities()
    if known != me.taste.known:
        me.taste = Taste(me.taste.feedback, known=known)
        me.sets, me.change = {}, None


def minutes_of(playlist: Playlist) -> int:
    """Return how long a set lasts, in whole minutes; unknown lengths count as `TYPICAL`."""
    return round(sum(pick.track.duration_ms or TYPICAL for pick in playlist.picks) / 60_000)


def falls_short(playlist: Playlist, minutes: int) -> bool:
    """Whether a set is much shorter than it was asked to be."""
    return minutes_of(playlist) < ENOUGH * minutes


def play(me: Visit, track_id: str) -> None:
    """Put a track into the player, or take it out again if it is there.

    A row may have been tapped just when another set took its place, so all sets are looked
    through, and an id of none of them is no reason to stop.
    """
    if me.playing is not None and me.playing.id == track_id:
        me.playing = None
        return
    for drawn in (*me.sets.values(), *_shared(me)):
        for pick in drawn.picks:
            if pick.track.id == track_id:
                me.playing = pick.track


def judge(me: Visit, track_id: str, verdict: Verdict) -> None:
    """Take in what the visitor says of a track of the set that they look at.

    A like draws anew what comes after the track; said again it is taken back. A dislike draws
    the track itself anew too and plays what comes instead. A skip plays the next and takes no
    like or dislike back. What came before stays as it is. An id that is not in the set changes
    nothing.
    """
    playlist, place = _found(me, track_id)
    if playlist is None:
        return
    pick = playlist.picks[place]
    before = _snapshot(me)
    back = verdict == "like" and track_id in me.liked
    if back:
        me.taste = _forget(me.taste, track_id)
    else:
        me.taste = me.taste.learn(pick.track, verdict, pick.slot)
    diary.note_verdict(me, pick.track, None if back else verdict)
    me.change = None
    if verdict == "skip" or me.shared is not None:
        if verdict != "like":
            me.playing = _track_at(playlist, place + 1)
        if verdict != "skip":
            said = me.playing.id if verdict == "dislike" and me.playing else track_id
            _say(me, before, said, wording.REMEMBERED, judged=pick.track)
        return
    kept = playlist.picks[: place if verdict == "dislike" else place + 1]
    renewed = _renew(me, playlist, kept)
    # What was drawn for other wishes does not know of this verdict.
    me.sets = {wish: old for wish, old in me.sets.items() if _same_but_for_draw(wish, me.wish)}
    _put(me, renewed)
    if verdict == "dislike":
        me.playing = _track_at(renewed, place)
    said = me.playing.id if verdict == "dislike" and me.playing else track_id
    news = _news(playlist, renewed, kept)
    text = wording.what_changed("back" if back else verdict, pick.track.title, *news)
    _say(me, before, said, text, judged=pick.track)


def ban(me: Visit, track_id: str, artist: str) -> None:
    """Leave an artist out from the row on where the visitor said so; what came before stays."""
    playlist, place = _found(me, track_id)
    if playlist is None or me.shared is not None:
        return
    before, asked = _snapshot(me), me.wish
    me.filters = replace(me.filters, without_artists=(*me.filters.without_artists, artist))
    me.filters_before = before.filters
    kept = playlist.picks[:place]
    renewed = _renew(me, playlist, kept)
    # The same sets as before, so that "another set" still repeats nothing.
    me.sets = {
        replace(wish, filters=me.filters): old
        for wish, old in me.sets.items()
        if _same_but_for_draw(wish, asked)
    }
    _put(me, renewed)
    me.playing = _track_at(renewed, place)
    said = me.playing.id if me.playing else track_id
    _say(me, before, said, wording.what_changed("ban", artist, *_news(playlist, renewed, kept)))


def allow(me: Visit, artist: str) -> None:
    """Let a banned artist in again."""
    kept = tuple(name for name in me.filters.without_artists if name != artist)
    me.narrow(replace(me.filters, without_artists=kept))


def undo(me: Visit) -> None:
    """Take the last verdict back, with everything that it changed."""
    change = me.change
    if change is not None:
        me.sets, me.taste, me.filters = dict(change.sets), change.taste, change.filters
        me.playing, me.change = change.playing, None
        if change.judged is not None:
            diary.note_verdict(me, change.judged, me.taste.verdict_on(change.judged.id))
        drawn = me.sets.get(me.wish)
        if drawn is not None and me.shared is None:
            diary.note_playlist(me, drawn)


def _draw(me: Visit, wish: Wish, *, without: Collection[str] = ()) -> Playlist:
    assert me.mood is not None
    return services.recommend(
        me.mood,
        intent=wish.intent,
        minutes=wish.minutes,
        filters=wish.filters,
        emotions=me.emotions,
        exclude={*without, *_disliked(me.taste)},
        taste=me.taste,
        adventure=wish.adventure,
        extra=_fresh(me, wish.intent),
    )


def _fresh(me: Visit, intent: Intent) -> list[Track]:
    """Return tracks from Spotify for the visitor's journey; the same ones each time it is asked."""
    assert me.mood is not None
    return spotify.extra_tracks(me, plan(me.mood, intent, LOOKS))


def _renew(me: Visit, playlist: Playlist, kept: Sequence[Pick]) -> Playlist:
    """Return a set that begins with `kept` and goes the rest of its way with other tracks."""
    ahead = [pick.slot for pick in playlist.picks[len(kept) :]]
    if not ahead:
        return playlist
    emotions = me.emotions
    if emotions and playlist.intent == "shift":
        # What was read at the start has partly given way by now.
        asked = RankingWish(playlist.intent, emotions)
        emotions = feelings_at(len(kept), playlist.journey, asked)

    def draw(filters: Filters) -> Playlist:
        return services.recommend(
            ahead[0],
            intent=playlist.intent,
            target=playlist.target,
            n=len(ahead),
            filters=filters,
            emotions=emotions,
            exclude={*(pick.track.id for pick in kept), *_disliked(me.taste)},
            taste=me.taste,
            adventure=me.adventure,
            extra=_fresh(me, playlist.intent),
        )

    # The recommender keeps artists apart within what it draws, and knows nothing of what is kept.
    recent = tuple(name for pick in kept[-APART:] for name in pick.track.artists)
    rest = draw(replace(me.filters, without_artists=(*me.filters.without_artists, *recent)))
    if len(rest.picks) < len(ahead):
        rest = draw(me.filters)
    told = retell(
        [pick.track for pick in (*kept, *rest.picks)],
        playlist.journey,
        intent=playlist.intent,
        emotions=me.emotions or {},
        asked=me.filters.genres,
        table=default_table(),
        taste=me.taste,
    )
    return replace(playlist, picks=(*kept, *told[len(kept) :]), seed=rest.seed)


def _news(old: Playlist, new: Playlist, kept: Sequence[Pick]) -> tuple[int, int]:
    """Return how many tracks ahead were not there before, and how many of them say "because"."""
    known = {pick.track.id for pick in old.picks}
    fresh = [pick for pick in new.picks[len(kept) :] if pick.track.id not in known]
    return len(fresh), sum("because you liked" in pick.reason for pick in fresh)


def _found(me: Visit, track_id: str) -> tuple[Playlist | None, int]:
    """Return the set on the page and the place of a track in it, if it has one."""
    shared = _shared(me)
    playlist = shared[0] if shared else me.sets.get(me.wish)
    for place, pick in enumerate(playlist.picks if playlist else ()):
        if pick.track.id == track_id:
            return playlist, place
    return None, 0


def _shared(me: Visit) -> tuple[Playlist, ...]:
    return (me.shared.playlist,) if me.shared and me.shared.playlist else ()


def _track_at(playlist: Playlist, place: int) -> Track | None:
    return playlist.picks[place].track if place < len(playlist.picks) else None


def _snapshot(me: Visit) -> Change:
    return Change("", "", dict(me.sets), me.taste, me.filters, me.playing)


def _say(
    me: Visit, before: Change, track_id: str, text: str, *, judged: Track | None = None
) -> None:
    me.change = replace(before, track=track_id, text=text, judged=judged)


def _put(me: Visit, playlist: Playlist) -> None:
    me.sets[me.wish] = playlist
    diary.note_playlist(me, playlist)


def _forget(taste: Taste, track_id: str) -> Taste:
    kept = [said for said in taste.feedback if said.track.id != track_id]
    return Taste(kept, known=taste.known)


def _disliked(taste: Taste) -> set[str]:
    return {said.track.id for said in taste.feedback if said.verdict == "dislike"}


def _same_but_for_draw(one: Wish, other: Wish) -> bool:
    return replace(one, draw=0) == replace(other, draw=0)
