"""A visitor's diary, as the pages meet it. While it is off, nothing here does anything.

A database that fails is said in one sentence and left alone for a while: the music goes on.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, TypeVar

import streamlit as st

from recommender.catalog.catalog import Catalog
from recommender.diary import (
    Diary,
    DiaryError,
    DiaryStore,
    Entry,
    KeptVerdict,
    Moment,
    Source,
    is_there,
    location,
)
from recommender.taste.taste import Feedback, Taste, Verdict
from recommender.types import Mood, Playlist, Track
from ui import wording
from ui.diary import identity
from ui.state import VisitorState

logger = logging.getLogger(__name__)

SAME_MOOD_SECONDS: Final = 300.0
"""Seconds in which another set for the same mood takes the place of the one before: nobody has
heard that through."""

FRESH: Final = timedelta(hours=6)
"""How long after a playlist it makes sense to ask how one feels."""

RETRY_DATABASE_SECONDS: Final = 60.0
"""Seconds in which a database that failed is not asked again."""

MAX_RESTORED_VERDICTS: Final = 500
"""Verdicts that are brought back, the latest ones."""

Found = TypeVar("Found")


@dataclass(slots=True)
class Page:
    """What a session knows of its visitor's diary.

    Attributes:
        owner: whose it is. Another owner begins anew.
        keeping: whether it is on; ``None`` until it was looked up.
        entry: the last entry that was written.
        mood, first, noted: that entry's mood and first track, and when it was written.
        restored: whether earlier verdicts were brought back already.
        problem: what failed last, in a sentence.
        pause_until: when to try again.
    """

    owner: str
    keeping: bool | None = None
    entry: int | None = None
    mood: Mood | None = None
    first: str | None = None
    noted: float = 0.0
    restored: bool = False
    problem: str | None = None
    pause_until: float = 0.0


# For the pages where music is made


def note_playlist(visitor: VisitorState, playlist: Playlist) -> None:
    """Write a set that was drawn into the diary, if the visitor keeps one.

    Another set for the same mood takes the place of the one before if that was a moment ago, and
    so does the same set with another end.
    """
    page = _page()
    if page is None or not _keeping(page, afresh=True):
        return
    first = playlist.picks[0].track.id if playlist.picks else None
    same = page.mood == playlist.mood and (
        time.monotonic() - page.noted < SAME_MOOD_SECONDS
        or (first is not None and page.first == first)
    )
    moment = Moment(playlist, emotion=_emotion(visitor), source=_source(visitor))
    replacing = page.entry if same else None

    def write(diary: Diary) -> None:
        page.entry = diary.note(moment, replacing=replacing)
        if page.entry is None:
            page.keeping = False  # switched off elsewhere
        page.mood, page.first, page.noted = playlist.mood, first, time.monotonic()

    _try(page, write, None)


def note_verdict(visitor: VisitorState, track: Track, verdict: Verdict | None) -> None:
    """Write what the visitor thinks of a track, if they keep a diary; a skip says too little.

    Args:
        visitor: their state, with or without the verdict.
        track: the track.
        verdict: ``None`` takes the last one back.
    """
    page = _page()
    if page is None or verdict == "skip" or not _keeping(page):
        return
    said = next((said for said in visitor.taste.feedback if said.track.id == track.id), None)
    mood = said.mood if said else visitor.mood or track.position
    _try(page, lambda diary: diary.judge(track, verdict, mood), False)


def restored_taste(catalog: Catalog) -> Taste:
    """Return the taste that the diary's verdicts make; an empty one where it is off.

    Tracks that the catalogue has no more are left out.
    """
    page = _page()
    if page is None or not _keeping(page):
        return Taste()
    nothing: list[KeptVerdict] = []
    verdicts = _try(page, Diary.verdicts, nothing)[-MAX_RESTORED_VERDICTS:]
    tracks = {track.id: track for track in catalog.get_many([one.track.id for one in verdicts])}
    return Taste(
        [
            Feedback(tracks[one.track.id], one.verdict, one.mood)
            for one in verdicts
            if one.track.id in tracks
        ]
    )


def bring_back(visitor: VisitorState, catalog: Catalog) -> None:
    """Add the taste of earlier sessions, once. Verdicts of this session count more."""
    page = _page()
    if page is None or page.restored or not _keeping(page):
        return
    page.restored = True
    earlier = restored_taste(catalog).feedback
    if earlier:
        taste = Taste(earlier, known=visitor.taste.known, prior=visitor.taste.prior)
        for said in visitor.taste.feedback:
            taste = taste.learn(said.track, said.verdict, said.mood)
        visitor.taste = taste


def ask_how_it_ended(entry: Entry) -> None:
    """Ask how one feels after a playlist, with one tap. Only while it is fresh."""
    if datetime.now(UTC) - entry.at > FRESH:
        return
    key = f"ended-{entry.id}"
    st.session_state[key] = entry.ended

    def answer() -> None:
        page = _page()
        if page is not None:
            emotion = st.session_state[key]
            _try(page, lambda diary: diary.end(entry.id, emotion), False)

    st.pills(
        "How do you feel now, after the music?",
        list(wording.FEELINGS),
        format_func=lambda emotion: (
            f":gray[{wording.FEELINGS[emotion].glyph} {wording.FEELINGS[emotion].word}]"
        ),
        key=key,
        on_change=answer,
        wrap=True,
    )


# For the pages


def keeping() -> bool:
    """Whether this visitor keeps a diary."""
    page = _page()
    return page is not None and _keeping(page, afresh=True)


def privacy() -> str:
    """What becomes of a picture and of the rest, as it is for this visitor."""
    page = _page()
    return wording.PRIVACY_WITH_DIARY if page and _keeping(page) else wording.PRIVACY


def problem() -> str | None:
    """What failed last and has not worked since, in a sentence."""
    page = _page()
    return page.problem if page else None


def switch(on: bool) -> None:
    """Switch the diary on or off. Switched on for the first time, its place is made."""
    page = _page()
    if page is None:
        return

    def write(diary: Diary) -> bool:
        diary.switch(on)
        return on

    page.pause_until = 0.0
    page.keeping = _try(page, write, None, create=on)
    page.restored = False
    if page.keeping is None and page.problem is None:
        page.keeping = False  # there was nothing to switch off


def entries() -> list[Entry]:
    """Return what is in this visitor's diary, the latest first."""
    page = _page()
    nothing: list[Entry] = []
    return _try(page, Diary.entries, nothing) if page else nothing


def verdicts() -> list[KeptVerdict]:
    """Return what this visitor thinks of tracks, as far as it is kept."""
    page = _page()
    nothing: list[KeptVerdict] = []
    return _try(page, Diary.verdicts, nothing) if page else nothing


def forget(entry: int) -> None:
    """Delete one entry of this visitor's."""
    page = _page()
    if page is not None:
        _try(page, lambda diary: diary.forget(entry), False)
        if page.entry == entry:
            page.mood = page.first = page.entry = None


def delete_everything(visitor: VisitorState) -> wording.Deleted | None:
    """Delete this visitor's diary, and what this session has learned from it.

    Returns:
        What is true of it now, as `wording.DELETED` says it; nothing where it failed, and
        `problem` says why.
    """
    page = _page()
    if page is None:
        return None
    page.pause_until = 0.0
    gone = _try(page, Diary.delete_everything, None)
    if gone is None:
        return None
    visitor.taste = Taste(known=visitor.taste.known)
    st.session_state[_KEY] = Page(page.owner, keeping=False)
    return what_became_of_it(gone)


def what_became_of_it(gone: bool) -> wording.Deleted:
    """Name what is true of a diary that was deleted.

    Args:
        gone: what `Diary.delete_everything` said.
    """
    if location().drivername != "sqlite":
        return "server"
    return "file" if gone else "busy"


# Below


_KEY: Final = "diary"


def _page() -> Page | None:
    """Return this visitor's page, or nothing where people cannot be told apart."""
    owner = identity.who().owner
    if owner is None:
        st.session_state.pop(_KEY, None)
        return None
    page = st.session_state.get(_KEY)
    if not isinstance(page, Page) or page.owner != owner:
        page = st.session_state[_KEY] = Page(owner)
    return page


def _keeping(page: Page, *, afresh: bool = False) -> bool:
    """Return whether a diary is on; afresh, because another tab may have switched it."""
    if afresh or page.keeping is None:
        # Who is known to keep one is told that it failed; others need not hear of it.
        page.keeping = _try(page, lambda diary: diary.keeping, None, quiet=not page.keeping)
        if page.keeping is None and page.problem is None:
            page.keeping = False  # there is no place for diaries yet
    return bool(page.keeping)


def _try(
    page: Page,
    do: Callable[[Diary], Found],
    otherwise: Found,
    *,
    create: bool = False,
    quiet: bool = False,
) -> Found:
    """Do something with the owner's diary; where that fails, say so once and go on.

    Args:
        page: whose diary.
        do: what to do.
        otherwise: what to return where it fails or there is no diary.
        create: whether to make a place for diaries if there is none.
        quiet: whether to keep the sentence for the diary's own page.
    """
    if time.monotonic() < page.pause_until:
        return otherwise
    try:
        if not create and not is_there():
            return otherwise
        done = do(_store(location().render_as_string(hide_password=False)).diary(page.owner))
    except DiaryError as error:
        _store.clear()
        logger.warning("%s", error)
        said = wording.strip_paths(str(error), *_files())
        if not quiet and page.problem is None:
            st.toast(f"{wording.escape_markdown(said)} The music plays on.", icon=":material/book:")
        page.problem = said
        page.pause_until = time.monotonic() + RETRY_DATABASE_SECONDS
        return otherwise
    page.problem = None
    return done


def _files() -> tuple[str, ...]:
    """Return where diaries are, if they are in a file and the setting can be read."""
    try:
        return (str(location().database or ""),)
    except DiaryError:
        return ()


@st.cache_resource(show_spinner=False, max_entries=1, on_release=DiaryStore.close)
def _store(url: str) -> DiaryStore:
    return DiaryStore.open(url)


def _emotion(visitor: VisitorState) -> str | None:
    """The one emotion that names the mood. How probable it was is not kept, nor any other."""
    emotions = visitor.emotions
    return max(emotions, key=emotions.__getitem__) if emotions else None


def _source(visitor: VisitorState) -> Source:
    if visitor.manual_mood is not None:
        return "placed"
    return "said" if visitor.corrected_emotion is not None else "face"
