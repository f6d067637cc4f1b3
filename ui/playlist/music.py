"""The visitor's music: reads their state, calls `recommender.session`, writes the state back."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import streamlit as st

from recommender import session as rules
from recommender.journey import plan
from recommender.loosening import Passing
from recommender.recommender import unmarked
from recommender.request import Request
from recommender.session import Session
from recommender.taste.taste import Affinities, Verdict
from recommender.types import Playlist, Track
from ui import services, wording
from ui._compat.navigation import uninterrupted
from ui.diary import diary
from ui.spotify import lookup
from ui.state import VisitorState
from ui.widgets.player import Position, Pressed

SPOTIFY_SEARCH_SLOTS: Final = 5
"""Slots of the journey for which Spotify is searched for further tracks."""


def current_set(visitor: VisitorState) -> Playlist:
    """Return the set for the visitor's mood and options; draw it if it is new.

    Raises:
        ValueError: there is no mood to draw for.
    """
    if visitor.mood is None:
        raise ValueError("Incorrect value for 'visitor' argument: a visitor without a mood")
    visitor.intent = visitor.intent or visitor.suggestion
    recommender, _ = services.recommender()
    diary.restore_taste(visitor, recommender.catalog)
    session = rules.with_affinities(session_of(visitor), lookup.affinities() or Affinities())
    _write_back(visitor, session)
    if visitor.options not in visitor.sets:
        with st.spinner("Choosing the music…"):
            session = rules.with_set(session, _draw_for(visitor))
        # Interrupted in between, the set would never get into the diary.
        with uninterrupted():
            _write_back(visitor, session)
            visitor.heard, visitor.set_ended = frozenset(), False
            diary.note_playlist(visitor, visitor.sets[visitor.options])
    return visitor.sets[visitor.options]


def not_known_clean(visitor: VisitorState, playlist: Playlist) -> str | None:
    """Return what to tell a visitor who wants nothing explicit if some tracks are not marked."""
    recommender, _ = services.recommender()
    return None if visitor.filters.explicit else unmarked(recommender.catalog, playlist.picks)


def passing(visitor: VisitorState) -> Passing:
    """Count the tracks that pass the visitor's filters, and with each filter lifted."""
    recommender, _ = services.recommender()
    return recommender.passing(visitor.filters)


def play(visitor: VisitorState, track_id: str) -> None:
    """Put a track into the player, which pauses and resumes by itself."""
    _write_back(visitor, rules.play(session_of(visitor), track_id))


def play_set(visitor: VisitorState, playlist: Playlist) -> None:
    """Play a set from its first track."""
    if playlist.picks:
        first = playlist.picks[0].track
        if visitor.playing == first:
            visitor.turn += 1
        _write_back(visitor, rules.play(session_of(visitor), first.id))


def queue(visitor: VisitorState) -> tuple[Track, ...]:
    """Return the tracks for the player: those of the set that is shown.

    A track of an earlier set stays in front of them until it has ended.
    """
    if visitor.playing is not None:
        shown = session_of(visitor).playlist
        visitor.queue = rules.queue(visitor.playing, shown, visitor.queue)
    return visitor.queue


def follow(visitor: VisitorState, position: Position) -> None:
    """Update from the player's position, unless it was given a newer order since."""
    if position.turn < visitor.turn:
        return
    track = next((one for one in visitor.queue if one.id == position.track_id), None)
    if track is None:  # its set has changed since
        known = services.with_catalog(lambda catalog: catalog.get_many([position.track_id]))
        if not known:
            return
        track = known[0]
    before = visitor.playing, visitor.heard_enough
    visitor.turn, visitor.playing, visitor.idle = position.turn, track, False
    if position.playing:
        visitor.heard |= {track.id}
    visitor.set_ended = position.ended
    # A new track is rare enough for a rerun of the page: address and backup hold it.
    visitor.redraw |= before != (visitor.playing, visitor.heard_enough)


def press(visitor: VisitorState, pressed: Pressed, track_id: str) -> None:
    """Do what was pressed in the player."""
    visitor.redraw = True
    if pressed == "stop":
        visitor.playing = None
    elif pressed == "next":
        _skip(visitor, track_id)
    elif session_of(visitor).place_of(track_id) is not None:
        judge(visitor, track_id, "like")
    else:
        _like_of_earlier(visitor, track_id)


def _skip(visitor: VisitorState, track_id: str) -> None:
    """Record that a track was skipped. The player itself reports where it has gone."""
    playing, turn = visitor.playing, visitor.turn
    judge(visitor, track_id, "skip")
    visitor.playing, visitor.turn = playing, turn


def _like_of_earlier(visitor: VisitorState, track_id: str) -> None:
    """Like a track of an earlier set that still plays, or take the like back."""
    track = next((one for one in visitor.queue if one.id == track_id), None)
    if track is None:
        return
    liked = track_id in visitor.liked
    visitor.taste = (
        visitor.taste.forget(track_id)
        if liked
        else visitor.taste.learn(track, "like", track.position)
    )
    diary.note_verdict(visitor, track, None if liked else "like")


def judge(visitor: VisitorState, track_id: str, verdict: Verdict) -> None:
    """Apply the visitor's verdict on a track of the set that is shown."""
    before = session_of(visitor)
    after = rules.judge(before, track_id, verdict, _draw_for(visitor))
    if after is before:
        return
    _write_back(visitor, after)
    if after.change and after.change.judged:
        diary.note_verdict(
            visitor, after.change.judged, None if after.change.action == "unlike" else verdict
        )
        if after.change.redrawn:
            diary.note_playlist(visitor, visitor.sets[visitor.options])


def more_like(visitor: VisitorState, track_id: str) -> None:
    """Put similar tracks after a track."""
    before = session_of(visitor)
    after = rules.more_like(before, track_id, _draw_for(visitor))
    if after is not before:
        _write_back(visitor, after)
        diary.note_playlist(visitor, visitor.sets[visitor.options])


def ban(visitor: VisitorState, track_id: str, artist: str) -> None:
    """Leave an artist out, from the row where the visitor asked for it."""
    before = session_of(visitor)
    after = rules.ban(before, track_id, artist, _draw_for(visitor))
    if after is before:
        return
    visitor.filters_before = visitor.filters
    _write_back(visitor, after)
    diary.note_playlist(visitor, visitor.sets[visitor.options])


def allow(visitor: VisitorState, artist: str) -> None:
    """Allow a banned artist again."""
    kept = tuple(name for name in visitor.filters.without_artists if name != artist)
    visitor.apply_filters(replace(visitor.filters, without_artists=kept))


def undo(visitor: VisitorState) -> None:
    """Take the last verdict back, with everything that it changed."""
    change = visitor.change
    if change is None:
        return
    _write_back(visitor, rules.undo(session_of(visitor)))
    if change.judged is not None:
        diary.note_verdict(visitor, change.judged, visitor.taste.verdict_on(change.judged.id))
    drawn = visitor.sets.get(visitor.options)
    if drawn is not None and visitor.shared is None:
        diary.note_playlist(visitor, drawn)


def announcement(visitor: VisitorState) -> tuple[str, str] | None:
    """Return a row's id and the sentence about the last verdict to show there, if any."""
    change = visitor.change
    if change is None or change.action == "skip":
        return None
    if not change.redrawn:
        return change.row, wording.REMEMBERED
    text = wording.verdict_effect(
        change.action, change.subject, change.new_tracks, change.because_liked
    )
    return change.row, text


def session_of(visitor: VisitorState) -> Session:
    """Return the visitor's state as the library's `Session`."""
    return Session(
        mood=visitor.mood,
        options=visitor.options,
        emotions=visitor.emotions,
        sets=dict(visitor.sets),
        taste=visitor.taste,
        playing=visitor.playing,
        shared=visitor.shared.playlist if visitor.shared else None,
        change=visitor.change,
    )


def _write_back(visitor: VisitorState, session: Session) -> None:
    if session.playing != visitor.playing:
        visitor.turn += 1
        visitor.idle = visitor.set_ended = False
    visitor.sets, visitor.taste = dict(session.sets), session.taste
    visitor.filters = session.options.filters
    visitor.playing, visitor.change = session.playing, session.change


def _draw_for(visitor: VisitorState) -> rules.Draw:
    """Return a function that draws sets for the visitor, with tracks from Spotify added."""

    def draw(request: Request) -> Playlist:
        assert visitor.mood is not None
        slots = plan(visitor.mood, request.intent, SPOTIFY_SEARCH_SLOTS)
        return services.recommend(replace(request, extra=lookup.extra_tracks(visitor, slots)))

    return draw
