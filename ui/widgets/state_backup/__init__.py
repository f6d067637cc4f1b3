"""A backup of the visitor's state in their own browser, in case the server loses it.

A Streamlit session ends with the server's process, or two minutes after the connection is lost (a
closed lid, a tunnel). The browser comes back in a new session, with the old set still on screen,
and the next click would draw a page that knows nothing about the visitor. So the memory of the
page, and nothing else, holds what is needed to continue: the set as the text of a link, the mood
and verdicts, and the options. What comes back is validated like any untrusted input. Its JSON keys
are a format: a page that was opened before the server was updated still sends them.
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
from recommender.sharing.resume import PARAMETER
from recommender.taste.taste import VERDICTS, Taste
from recommender.types import Filters, Mood
from ui import services, wording
from ui._compat import navigation as _compat_navigation
from ui.navigation import one_time_notice
from ui.playlist import address
from ui.state import ROOM, Photo, VisitorState, visitor_state
from ui.widgets.frontend import component
from ui.widgets.share_link import written_exactly

KEY: Final = "state-backup"
VERSION: Final = 1

MAX_CHARACTERS: Final = 100_000
"""Characters of the longest accepted text: a few hundred verdicts and a day of music."""

MAX_VERDICTS: Final = 300
MAX_FACES: Final = 50
MAX_FILTER_VALUES: Final = 200
"""Genres, artists … in one filter."""

MAX_REASON_CHARACTERS: Final = 300
"""Longer reasons are cut off."""

_CHECKED_KEY, _NOTICE_KEY = "_backup-checked", "_backup-notice"

_component = component("state_backup")


def restore_from_browser() -> None:
    """In a session's first run, restore the state that the browser has kept, if any.

    A page that was open keeps all of it in its memory; the address of a page that is opened or
    reloaded keeps what may be in an address: see `recommender.sharing.resume`.
    """
    if st.session_state.get(_CHECKED_KEY):
        return
    with _compat_navigation.uninterrupted():
        _restore_once()


def _restore_once() -> None:
    st.session_state[_CHECKED_KEY] = True
    sent = st.session_state.pop("_sent", None) or _compat_navigation.json_from_browser()
    text = next(filter(None, map(_backup_in, sent)), None)
    if "visitor" in st.session_state:
        return
    said = restore(visitor_state(), text) if text is not None else None
    if said is None and (asked := address.asked()):
        said = address.restore(visitor_state(), asked)
    st.session_state[_NOTICE_KEY] = said


def announce_restored() -> None:
    """Say, once, that the state was restored."""
    with one_time_notice(_NOTICE_KEY) as news:
        if news:
            st.toast(wording.escape_markdown(news), icon=":material/sync:", duration="long")


def back_up() -> None:
    """Have the browser keep the state as it is now. Call it last in a run."""
    visitor = visitor_state()
    _back_up(serialize(visitor), address.written(visitor), st.session_state.get("_page"))


@st.fragment
def _back_up(text: str | None, mine: str | None, page: str | None) -> None:
    # A fragment, so that the browser's reports cause no rerun of the whole page.
    state = st.session_state.get(KEY)
    known = state.get("kept") if state else None
    _component(
        key=KEY,
        # The page is part of it because switching pages clears the query parameters.
        data={"text": text, "known": known, "parameter": PARAMETER, "mine": mine, "page": page},
        on_kept_change=lambda: None,
    )


def serialize(visitor: VisitorState) -> str | None:
    """Return what to keep of a visitor's state, as JSON; ``None`` until there is a set."""
    playlist = visitor.sets.get(visitor.options) if visitor.mood is not None else None
    if playlist is None or not playlist.picks:
        return None
    faces = visitor.photo.reading.faces if visitor.photo else ()
    text = json.dumps(
        {
            "version": VERSION,
            "set": written_exactly(visitor, playlist),
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
                for said in visitor.taste.feedback[-MAX_VERDICTS:]
            ],
            "reasons": {pick.track.id: pick.reason for pick in playlist.picks},
            "playing": visitor.playing.id if visitor.playing else None,
        },
        separators=(",", ":"),
    )
    return text if len(text) <= MAX_CHARACTERS else None


def restore(visitor: VisitorState, text: str) -> str | None:
    """Restore a visitor's state from what `serialize` returned. Invalid text changes nothing.

    Args:
        visitor: a new state, in which nothing has happened yet.
        text: sent by a browser, so untrusted.

    Returns:
        The sentence to show, if it was restored.
    """
    if len(text) > MAX_CHARACTERS:
        return None
    try:
        found = json.loads(text)
        return services.with_catalog(lambda catalog: _read(visitor, found, catalog))
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError, OverflowError):
        return None


def _backup_in(text: str) -> str | None:
    """Return the backup in a component state that the browser has sent, if it holds one."""
    if '"kept"' not in text or len(text) > 2 * MAX_CHARACTERS:
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
    # The reasons as shown: some were written before a track was liked, others after.
    reasons = {
        id_: _text(reason)[:MAX_REASON_CHARACTERS] for id_, reason in found["reasons"].items()
    }
    playlist = replace(
        shared.playlist,
        picks=tuple(
            replace(pick, reason=reasons.get(pick.track.id, pick.reason))
            for pick in shared.playlist.picks
        ),
    )
    playing = next((p.track for p in playlist.picks if p.track.id == found["playing"]), None)
    # Nothing below can fail, so the state is never restored in part.
    visitor.photo, visitor.corrected_emotion, visitor.manual_mood = photo, said, placed
    visitor.intent, visitor.filters, visitor.filters_before = playlist.intent, filters, filters
    visitor.minutes, visitor.adventure, visitor.draw = minutes, adventure, draw
    visitor.taste, visitor.playing, visitor.idle = taste, playing, playing is not None
    if not playlist.picks:
        return wording.LOST_SET
    visitor.sets = {visitor.options: playlist}
    return wording.restored_sentence(shared.missing, shared.missing + len(playlist.picks))


def _photo(found: dict[str, Any]) -> Photo | None:
    """Return the reading without its image, which is not kept."""
    rows, chosen = found["faces"][:MAX_FACES], found["chosen"]
    faces = []
    for row in rows:
        probabilities = [float(value) for value in row]
        total = math.fsum(probabilities)
        if len(probabilities) != len(EMOTIONS) or min(probabilities) < 0 or not 0.99 < total < 1.01:
            raise ValueError(row)
        scores = EmotionScores(tuple(value / total for value in probabilities))
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
    """Return the filters that this catalogue, which may be a different one, supports."""
    choices = services.choices()

    def some(name: str, known: tuple[Any, ...] | None) -> tuple[Any, ...]:
        asked = found[name][:MAX_FILTER_VALUES]
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
    verdicts = [(_text(row[0]), row[1], _mood(*row[2:])) for row in found[-MAX_VERDICTS:]]
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
    value.encode()  # refuses lone surrogates, which cannot be shown
    return value
