"""A visit as the visitor's own browser keeps it, for the case that the server loses it.

A session of Streamlit's ends with the server's process, or two minutes after the connection broke
(a lid closed, a tunnel). The browser comes back in a new one, with the old set still on its screen,
and the next click would draw the page of a stranger. So the page's memory, and nothing else,
holds what it takes to go on: the set as the text of a link, what was felt and said, and what was
asked for. What comes back is read as strictly as a link from a stranger.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, replace
from typing import Any, Final

import streamlit as st

from emotion.labels import EMOTIONS
from emotion.types import Box, EmotionScores, Face, FaceReading, ImageReading
from recommender.catalog.catalog import Catalog
from recommender.request import MAX_MINUTES, MIN_MINUTES
from recommender.sharing import link as share
from recommender.taste.taste import VERDICTS, Taste
from recommender.types import Filters, Mood
from ui import services, wording
from ui._compat import navigation as _compat_navigation
from ui.state import ROOM, Photo, VisitorState, visitor_state
from ui.widgets.frontend import component
from ui.widgets.share_link import written

KEY: Final = "kept-visit"
VERSION: Final = 1

MOST_LETTERS: Final = 100_000
"""Characters of the longest text that is looked at: some hundred verdicts and a day of music."""

MOST_VERDICTS: Final = 300
MOST_FACES: Final = 50
MOST_NAMES: Final = 200
"""Genres, artists … in one filter."""

MOST_REASON: Final = 300
"""Characters of the longest reason."""

_KNOWN, _NEWS = "_visit-known", "_visit-news"

_keeper = component("kept_visit")


def bring_back() -> None:
    """In a session's first run, take the visit over that the browser has kept, if it has."""
    if st.session_state.get(_KNOWN):
        return
    st.session_state[_KNOWN] = True
    sent = st.session_state.pop("_sent", None) or _compat_navigation.json_from_browser()
    text = next(filter(None, map(_kept_in, sent)), None)
    if text is not None and "visitor" not in st.session_state:
        st.session_state[_NEWS] = restore(visitor_state(), text)


def say() -> None:
    """Say, once, that a visit was taken over."""
    news = st.session_state.pop(_NEWS, None)
    if news:
        st.toast(wording.plain(news), icon=":material/sync:", duration="long")


def hold() -> None:
    """Have the browser keep the visit as it stands. To be the last of a run."""
    _hold(kept(visitor_state()))


@st.fragment
def _hold(text: str | None) -> None:
    # A fragment, so that what the browser reports costs no run of the whole page.
    state = st.session_state.get(KEY)
    known = state.get("kept") if state else None
    _keeper(key=KEY, data={"text": text, "known": known}, on_kept_change=lambda: None)


def kept(visitor: VisitorState) -> str | None:
    """Return what to keep of a visit, as a text; nothing as long as it has no set."""
    playlist = visitor.sets.get(visitor.wish) if visitor.mood is not None else None
    if playlist is None or not playlist.picks:
        return None
    faces = visitor.photo.reading.faces if visitor.photo else ()
    text = json.dumps(
        {
            "version": VERSION,
            "set": written(visitor, playlist),
            "faces": [[round(p, 5) for p in face.scores.probabilities] for face in faces],
            "chosen": visitor.photo.chosen if visitor.photo else 0,
            "favoured": list(visitor.photo.favoured) if visitor.photo else [],
            "said": visitor.corrected_emotion,
            "placed": None
            if visitor.manual_mood is None
            else [visitor.manual_mood.valence, visitor.manual_mood.arousal],
            "filters": asdict(visitor.filters),
            "minutes": visitor.minutes,
            "adventure": visitor.adventure,
            "draw": visitor.draw,
            "verdicts": [
                [said.track.id, said.verdict, said.mood.valence, said.mood.arousal]
                for said in visitor.taste.feedback[-MOST_VERDICTS:]
            ],
            "reasons": {pick.track.id: pick.reason for pick in playlist.picks},
            "playing": visitor.playing.id if visitor.playing else None,
        },
        separators=(",", ":"),
    )
    return text if len(text) <= MOST_LETTERS else None


def restore(visitor: VisitorState, text: str) -> str | None:
    """Bring a visit back from what `kept` returned. What makes no sense changes nothing.

    Args:
        visitor: a visit in which nothing has happened yet.
        text: from a browser, so anything.

    Returns:
        What there is to say about it, if it was restored.
    """
    if len(text) > MOST_LETTERS:
        return None
    recommender, _ = services.recommender()
    try:
        return _read(visitor, json.loads(text), recommender.catalog)
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError, OverflowError):
        return None


def _kept_in(text: str) -> str | None:
    """Return the visit in a state that the browser has sent, if that is what it is."""
    if '"kept"' not in text or len(text) > 2 * MOST_LETTERS:
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    kept_text = found.get("kept") if isinstance(found, dict) else None
    return kept_text if isinstance(kept_text, str) else None


def _read(visitor: VisitorState, found: dict[str, Any], catalog: Catalog) -> str | None:
    if found["version"] != VERSION:
        return None
    photo = _photo(found)
    said = found["said"]
    if said is not None and said not in wording.FEELINGS:
        raise ValueError(said)
    placed = None if found["placed"] is None else _mood(*found["placed"])
    if photo is None and said is None and placed is None:
        return None
    filters = _filters(found["filters"])
    minutes, adventure, draw = found["minutes"], found["adventure"], found["draw"]
    if not (type(minutes) is int and MIN_MINUTES <= minutes <= MAX_MINUTES):
        raise ValueError(minutes)
    if adventure not in wording.ADVENTURE or not (type(draw) is int and 0 <= draw < 1_000_000):
        raise ValueError(adventure, draw)
    taste = _taste(found["verdicts"], catalog)
    shared = share.decode(_text(found["set"]), catalog=catalog)
    # As they stood there: some were told before something was liked, others after.
    reasons = {id_: _text(reason)[:MOST_REASON] for id_, reason in found["reasons"].items()}
    playlist = replace(
        shared.playlist,
        picks=tuple(
            replace(pick, reason=reasons.get(pick.track.id, pick.reason))
            for pick in shared.playlist.picks
        ),
    )
    playing = next((p.track for p in playlist.picks if p.track.id == found["playing"]), None)
    # Nothing below can fail half-way.
    visitor.photo, visitor.corrected_emotion, visitor.manual_mood = photo, said, placed
    visitor.intent, visitor.filters, visitor.filters_before = playlist.intent, filters, filters
    visitor.minutes, visitor.adventure, visitor.draw = minutes, adventure, draw
    visitor.taste, visitor.playing = taste, playing
    if not playlist.picks:
        return wording.LOST_SET
    visitor.sets = {visitor.wish: playlist}
    return wording.what_came_back(shared.missing, shared.missing + len(playlist.picks))


def _photo(found: dict[str, Any]) -> Photo | None:
    """Return what was read, without the picture: that is gone for good."""
    rows, chosen = found["faces"][:MOST_FACES], found["chosen"]
    faces = []
    for row in rows:
        shares = [float(share) for share in row]
        if len(shares) != len(EMOTIONS) or min(shares) < 0 or not 0.99 < math.fsum(shares) < 1.01:
            raise ValueError(row)
        scores = EmotionScores(tuple(share / math.fsum(shares) for share in shares))
        faces.append(FaceReading(Face(Box(0, 0, 1, 1)), scores))
    if not faces:
        return None
    favoured = tuple(found["favoured"])
    if not all(type(face) is int and 0 <= face < len(faces) for face in favoured):
        raise ValueError(favoured)
    if type(chosen) is not int or not (chosen == ROOM or 0 <= chosen < len(faces)):
        raise ValueError(chosen)
    return Photo(None, ImageReading(tuple(faces)), chosen, favoured)


def _filters(found: dict[str, Any]) -> Filters:
    """Return filters as far as this catalogue, which may be another one now, knows them."""
    choices = services.choices()

    def some(name: str, known: tuple[Any, ...] | None) -> tuple[Any, ...]:
        asked = found[name][:MOST_NAMES]
        if known is None:
            return tuple(_text(one) for one in asked)
        return tuple(one for one in known if one in asked)

    return Filters(
        genres=some("genres", choices.genres),
        without_genres=some("without_genres", choices.genres),
        without_artists=some("without_artists", None),
        decades=some("decades", choices.decades),
        languages=some("languages", choices.languages),
        explicit=bool(found["explicit"]),
    )


def _taste(found: list[Any], catalog: Catalog) -> Taste:
    verdicts = [(_text(row[0]), row[1], _mood(*row[2:])) for row in found[-MOST_VERDICTS:]]
    tracks = {track.id: track for track in catalog.get_many([id_ for id_, *_ in verdicts])}
    taste = Taste()
    for id_, verdict, mood in verdicts:
        if verdict not in VERDICTS:
            raise ValueError(verdict)
        if id_ in tracks:
            taste = taste.learn(tracks[id_], verdict, mood)
    return taste


def _mood(valence: float, arousal: float) -> Mood:
    return Mood(float(valence), float(arousal))


def _text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > share.MAX_CHARACTERS:
        raise ValueError(value)
    return value
