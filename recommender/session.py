"""A listener's session: what a like, dislike, skip, ban, undo or "another set" does to a set.

Everything here is pure: a function takes a `Session` and returns another one. What it needs from
outside is `Draw`, which answers a request with a playlist.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal

from recommender.journey import emotions_at, steps_evenly
from recommender.ranking.ranking import explain_tracks
from recommender.ranking.scoring import Context
from recommender.ranking.selection import ARTIST_GAP
from recommender.recommender import TYPICAL_TRACK_MINUTES
from recommender.request import Request
from recommender.taste.taste import Affinities, Taste, Verdict
from recommender.types import EVERYTHING, Filters, Intent, Mood, Pick, Playlist, Track

Draw = Callable[[Request], Playlist]
"""Answers a request, as `Recommender.answer` does."""

Action = Literal["like", "unlike", "dislike", "skip", "ban", "more"]
"""What a listener did; ``unlike`` takes a like back, ``more`` asks for more like a track."""

KEPT_AFTER_LIKE_TRACKS: Final = 3
"""How many tracks after a liked one stay as they are: people look forward to them."""

SIMILAR_TRACKS: Final = 5
"""How many tracks "more like this" asks for."""

MAX_UNDONE_ACTIONS: Final = 50
"""How many actions can be taken back, one after the other."""

DEFAULT_SET_MINUTES: Final = 60
"""How long a set lasts unless a listener asks for more or less."""

DEFAULT_ADVENTURE: Final = 0.5
"""Halfway between familiar (0) and adventurous (1)."""

MIN_FILLED_FRACTION: Final = 0.75
"""A set that fills less of the time asked for than this is short of music."""

MILLISECONDS_PER_MINUTE: Final = 60_000


@dataclass(frozen=True, slots=True)
class SetOptions:
    """What a set is drawn for, besides the mood.

    Attributes:
        intent: what the music should do.
        filters: what is let in.
        minutes: how long it should last.
        adventure: from familiar (0) to adventurous (1).
        draw: how many times another set was asked for.
    """

    intent: Intent
    filters: Filters = EVERYTHING
    minutes: int = DEFAULT_SET_MINUTES
    adventure: float = DEFAULT_ADVENTURE
    draw: int = 0

    def same_but_for_draw(self, other: SetOptions) -> bool:
        """Whether both ask for the same, however often another set was asked for."""
        return replace(self, draw=0) == replace(other, draw=0)


@dataclass(frozen=True, slots=True)
class Change:
    """What an action did to the set, and what there was before it.

    Attributes:
        action: what the listener did.
        subject: the title of the track, or the name of the artist, that it was about.
        row: the id of the track beside which to show the change.
        judged: the track that was liked or disliked; ``None`` for another action.
        redrawn: whether the rest of the set was drawn again. A set that came by a link is not.
        new_tracks: how many tracks ahead were not there before.
        because_liked: how many of these are there because of what the listener likes.
        sets, taste, filters, playing: as they were.
        previous: the change before this one, which can be undone after it.
    """

    action: Action
    subject: str
    row: str
    judged: Track | None
    redrawn: bool
    new_tracks: int
    because_liked: int
    sets: Mapping[SetOptions, Playlist]
    taste: Taste
    filters: Filters
    playing: Track | None
    previous: Change | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """The sets that a listener was given in one mood, and their verdicts on them.

    Attributes:
        mood: where the listener is; ``None`` where only a set that came by a link is heard.
        emotions: emotion → weight, what the listener feels, where it is known.
        options: what the current set is drawn for.
        sets: options → the set drawn for them in this mood, kept for those who go back to it.
        taste: what was learned from verdicts.
        playing: the track in the player.
        shared: a set that came by a link, as long as it is shown.
        change: what the last action changed, as long as it can be undone, and the actions before.
    """

    mood: Mood | None
    options: SetOptions
    emotions: Mapping[str, float] | None = None
    sets: Mapping[SetOptions, Playlist] = field(default_factory=dict)
    taste: Taste = field(default_factory=Taste)
    playing: Track | None = None
    shared: Playlist | None = None
    change: Change | None = None

    @property
    def playlist(self) -> Playlist | None:
        """The set that the listener looks at, if it was drawn."""
        return self.shared or self.sets.get(self.options)

    def place_of(self, track_id: str) -> int | None:
        """Return where in the set that the listener looks at a track is, from 0."""
        picks = self.playlist.picks if self.playlist else ()
        return next((n for n, pick in enumerate(picks) if pick.track.id == track_id), None)


def with_set(session: Session, draw: Draw) -> Session:
    """Return the session with a set for its options, drawn if there is none yet.

    What was heard in earlier draws for the same options is left out, unless too little would
    remain: then it may come again, rather than half a set.

    Raises:
        ValueError: there is no mood to draw for.
    """
    options = session.options
    if options in session.sets:
        return session
    heard = {
        pick.track.id
        for earlier, playlist in session.sets.items()
        if earlier.same_but_for_draw(options)
        for pick in playlist.picks
    }
    playlist = draw(_request(session, exclude=heard))
    if heard and falls_short(playlist, options.minutes):
        playlist = draw(_request(session))
    return replace(session, sets={**session.sets, options: playlist})


def with_affinities(session: Session, known: Affinities) -> Session:
    """Take in what is known of the listener beforehand; if it is new, sets are drawn again."""
    if known == session.taste.known:
        return session
    taste = Taste(session.taste.feedback, known=known, prior=session.taste.prior)
    return replace(session, taste=taste, sets={}, change=None)


def play(session: Session, track_id: str) -> Session:
    """Put a track into the player.

    A row may have been tapped just when another set took its place, so all sets are searched. An
    id that is in none of them changes nothing.
    """
    playlists = [*session.sets.values(), *([session.shared] if session.shared else [])]
    found = [
        pick.track for playlist in playlists for pick in playlist.picks if pick.track.id == track_id
    ]
    return replace(session, playing=found[-1]) if found else session


def queue(
    playing: Track, playlist: Playlist | None, before: Sequence[Track] = ()
) -> tuple[Track, ...]:
    """Return the queue of a player that is at a track.

    Args:
        playing: the track.
        playlist: the set that the listener looks at, if there is one.
        before: the queue so far, which stays if there is no set.

    Returns:
        The set; if the track is not in it, the track and then the set.
    """
    if playlist is None:
        return tuple(before) if playing in before else (playing,)
    tracks = tuple(pick.track for pick in playlist.picks)
    return tracks if playing in tracks else (playing, *tracks)


def judge(session: Session, track_id: str, verdict: Verdict, draw: Draw) -> Session:
    """Take in a verdict on a track of the set that the listener looks at.

    A like keeps the next `KEPT_AFTER_LIKE_TRACKS` tracks and draws the rest again; a second like
    takes it back. A dislike replaces the track and all that follow, and plays its replacement. A
    skip plays the next track and takes back no like or dislike. Earlier tracks stay. An id that is
    not in the set changes nothing.

    Args:
        session: the session so far.
        track_id: which track.
        verdict: on the track.
        draw: answers requests.
    """
    playlist, place = session.playlist, session.place_of(track_id)
    if playlist is None or place is None:
        return session
    pick = playlist.picks[place]
    action: Action = verdict
    if verdict == "like" and session.taste.verdict_on(track_id) == "like":
        action = "unlike"
        learned = replace(session, taste=session.taste.forget(track_id))
    else:
        learned = replace(session, taste=session.taste.learn(pick.track, verdict, pick.slot))
    title = pick.track.title
    if action == "skip":
        playing = _track_at(playlist, place + 1)
        change = _change(session, action, title, playing.id if playing else track_id)
        return replace(learned, playing=playing, change=replace(change, redrawn=False))

    renewed = playlist
    kept = playlist.picks[: place if action == "dislike" else place + 1 + KEPT_AFTER_LIKE_TRACKS]
    if session.shared is None:
        renewed = _renew(learned, playlist, kept, draw)
        # Sets for other options were drawn without this verdict.
        learned = replace(
            learned,
            sets={
                options: old
                for options, old in session.sets.items()
                if options.same_but_for_draw(session.options)
            }
            | {session.options: renewed},
        )
    row = track_id
    if action == "dislike":
        # A shared set stays as it is, so its next track plays; otherwise the replacement does.
        playing = _track_at(renewed, place if session.shared is None else place + 1)
        learned = replace(learned, playing=playing)
        row = playing.id if playing else track_id
    change = _change(session, action, title, row, judged=pick.track)
    return replace(learned, change=_counted(change, playlist, renewed, kept))


def ban(session: Session, track_id: str, artist: str, draw: Draw) -> Session:
    """Leave an artist out, from a track on; earlier tracks stay.

    A set that came by a link stays as it is.

    Args:
        session: the session so far.
        track_id: from which track of the set on.
        artist: the name.
        draw: answers requests.
    """
    playlist, place = session.playlist, session.place_of(track_id)
    if playlist is None or place is None or session.shared is not None:
        return session
    before = session.options.filters
    filters = replace(before, without_artists=(*before.without_artists, artist))
    options = replace(session.options, filters=filters)
    kept = playlist.picks[:place]
    banned = replace(session, options=options)
    renewed = _renew(banned, playlist, kept, draw)
    playing = _track_at(renewed, place)
    change = _change(session, "ban", artist, playing.id if playing else track_id)
    # Keep the earlier sets, so that "another set" still repeats nothing.
    sets = {
        replace(drawn_for, filters=filters): old
        for drawn_for, old in session.sets.items()
        if drawn_for.same_but_for_draw(session.options)
    }
    return replace(
        banned,
        sets=sets | {options: renewed},
        playing=playing,
        change=_counted(change, playlist, renewed, kept),
    )


def more_like(session: Session, track_id: str, draw: Draw) -> Session:
    """Follow a track of the set with more like it.

    The next `SIMILAR_TRACKS` places take tracks from its place on the plane, of its leading genre
    and its language; if there are too few, of its genre, and else of any. After them the set goes
    on as it was. This is not a verdict: the taste does not change. Nor does a set that came by a
    link.

    Args:
        session: the session so far.
        track_id: what to find more like.
        draw: answers requests.
    """
    playlist, place = session.playlist, session.place_of(track_id)
    if playlist is None or place is None or session.shared is not None:
        return session
    track = playlist.picks[place].track
    kept, rest = playlist.picks[: place + 1], playlist.picks[place + 1 + SIMILAR_TRACKS :]
    places = len(playlist.picks) - len(kept) - len(rest)
    if not places:
        return session
    filters = session.options.filters
    nearby = [*kept[-ARTIST_GAP:], *rest[:ARTIST_GAP]]
    names = tuple(name for pick in nearby for name in pick.track.artists)
    apart = replace(filters, without_artists=(*filters.without_artists, *names))
    genre, language = track.genres[:1] or filters.genres, track.language
    same_genre = replace(apart, genres=genre)
    request = Request(
        track.position,
        intent="match",
        slots=(track.position,) * places,
        emotions=session.emotions,
        exclude=frozenset(pick.track.id for pick in playlist.picks) | session.taste.disliked,
        taste=session.taste,
        adventure=session.options.adventure,
    )
    found: tuple[Pick, ...] = ()
    for wanted in (
        *([replace(same_genre, languages=(language,))] if language else []),
        same_genre,
        apart,
        filters,
    ):
        drawn = draw(replace(request, filters=wanted)).picks
        found = max(found, drawn, key=len)
        if len(found) == places:
            break
    if not found:
        return session
    found = (replace(found[0], reason=f"More like “{track.title}”."), *found[1:])
    # If there are fewer, the tracks that were there before stay in their places.
    left = playlist.picks[place + 1 + len(found) : len(playlist.picks) - len(rest)]
    renewed = replace(playlist, picks=(*kept, *found, *left, *rest))
    change = _change(session, "more", track.title, track_id)
    return replace(
        session,
        sets={**session.sets, session.options: renewed},
        change=replace(change, new_tracks=len(found)),
    )


def undo(session: Session) -> Session:
    """Take the last action back, with everything that it changed; again, the one before.

    A like does not change what plays, so the music goes on where it is. Filters that were set since
    stay: only a ban is lifted.
    """
    change = session.change
    if change is None:
        return session
    stays = change.action in ("like", "unlike", "more")
    filters = session.options.filters
    if change.action == "ban":
        let_in = {change.subject} - set(change.filters.without_artists)
        names = tuple(name for name in filters.without_artists if name not in let_in)
        filters = replace(filters, without_artists=names)
    return replace(
        session,
        options=replace(session.options, filters=filters),
        sets=change.sets,
        taste=change.taste,
        playing=session.playing if stays else change.playing,
        change=change.previous,
    )


def minutes_of(playlist: Playlist) -> int:
    """Return how long a set lasts, in whole minutes.

    A track of unknown length counts as `TYPICAL_TRACK_MINUTES`.
    """
    typical_ms = TYPICAL_TRACK_MINUTES * MILLISECONDS_PER_MINUTE
    total_ms = sum(pick.track.duration_ms or typical_ms for pick in playlist.picks)
    return round(total_ms / MILLISECONDS_PER_MINUTE)


def falls_short(playlist: Playlist, minutes: int) -> bool:
    """Whether a set is much shorter than it was asked to be."""
    return minutes_of(playlist) < MIN_FILLED_FRACTION * minutes


def _request(session: Session, *, exclude: Collection[str] = ()) -> Request:
    if session.mood is None:
        raise ValueError("Incorrect value for 'session' argument: a session without a mood")
    return Request(
        session.mood,
        intent=session.options.intent,
        minutes=session.options.minutes,
        filters=session.options.filters,
        emotions=session.emotions,
        exclude=frozenset(exclude) | session.taste.disliked,
        taste=session.taste,
        adventure=session.options.adventure,
    )


def _renew(session: Session, playlist: Playlist, kept: Sequence[Pick], draw: Draw) -> Playlist:
    """Return a set that begins with `kept`, with other tracks for the rest of its journey."""
    ahead = playlist.journey[len(kept) :]
    if not ahead:
        return playlist
    filters, emotions = session.options.filters, session.emotions
    if emotions and steps_evenly(playlist.intent):
        # What was read at the start has partly given way by now.
        emotions = emotions_at(
            len(kept), playlist.journey, intent=playlist.intent, emotions=emotions
        )
    # The recommender keeps artists apart within what it draws, but does not know what is kept.
    recent = tuple(name for pick in kept[-ARTIST_GAP:] for name in pick.track.artists)
    request = Request(
        ahead[0],
        intent=playlist.intent,
        target=playlist.target,
        slots=ahead,
        filters=replace(filters, without_artists=(*filters.without_artists, *recent)),
        emotions=emotions,
        exclude=frozenset(pick.track.id for pick in kept) | session.taste.disliked,
        taste=session.taste,
        adventure=session.options.adventure,
    )
    rest = draw(request)
    if len(rest.picks) < len(ahead):
        rest = draw(replace(request, filters=filters))
    explained = explain_tracks(
        [pick.track for pick in (*kept, *rest.picks)],
        playlist.journey,
        Context(playlist.intent, session.emotions or {}, filters.genres, session.taste),
    )
    return replace(playlist, picks=(*kept, *explained[len(kept) :]), seed=rest.seed)


def _change(
    before: Session, action: Action, subject: str, row: str, *, judged: Track | None = None
) -> Change:
    return Change(
        action=action,
        subject=subject,
        row=row,
        judged=judged,
        redrawn=before.shared is None,
        new_tracks=0,
        because_liked=0,
        sets=before.sets,
        taste=before.taste,
        filters=before.options.filters,
        playing=before.playing,
        previous=_recent(before.change, MAX_UNDONE_ACTIONS - 1),
    )


def _recent(change: Change | None, actions: int) -> Change | None:
    """Return a change with as many of the actions before it as can still be undone."""
    if change is None or actions < 1:
        return None
    return replace(change, previous=_recent(change.previous, actions - 1))


def _counted(change: Change, old: Playlist, new: Playlist, kept: Sequence[Pick]) -> Change:
    """Return a change with the count of tracks ahead that were not there before."""
    known = {pick.track.id for pick in old.picks}
    fresh = [pick for pick in new.picks[len(kept) :] if pick.track.id not in known]
    because_liked = sum("because you liked" in pick.reason for pick in fresh)
    return replace(change, new_tracks=len(fresh), because_liked=because_liked)


def _track_at(playlist: Playlist, place: int) -> Track | None:
    return playlist.picks[place].track if place < len(playlist.picks) else None
