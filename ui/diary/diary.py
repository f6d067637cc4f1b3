"""A visitor's diary, for the pages. While it is off, nothing is written.

If the database fails, the page says so once and does not try again for a while.
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
"""A new set for the same mood within this time replaces the last entry, which was hardly heard."""

FRESH: Final = timedelta(hours=6)
"""For this long after a playlist, visitors are asked how they feel."""

RETRY_DATABASE_SECONDS: Final = 60.0
"""Pause after a database failed, before it is tried again."""

MAX_RESTORED_VERDICTS: Final = 500
"""At most this many verdicts are restored, the latest ones."""

Found = TypeVar("Found")


@dataclass(slots=True)
class Page:
    """What a session knows about its visitor's diary.

    Attributes:
        owner: whose diary it is; another owner gets a new page.
        keeping: whether it is on; ``None`` until that is read.
        entry: the id of the last entry that was written.
        mood, first, noted: that entry's mood and first track, and when it was written.
        restored: whether earlier verdicts were restored already.
        problem: what failed last, as a sentence.
        pause_until: when to try again, on `time.monotonic`.
        deleted: entries that were deleted in this visit, kept in memory for "Undo".
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
    deleted: tuple[Entry, ...] = ()


# For pages with music


def note_playlist(visitor: VisitorState, playlist: Playlist) -> None:
    """Write a new set into the diary, if the visitor keeps one.

    It replaces the last entry if that was made for the same mood within `SAME_MOOD_SECONDS`, or
    began with the same track.
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
    """Write a verdict into the diary, if the visitor keeps one; skips are not kept.

    Args:
        visitor: their state, before or after the verdict.
        track: the track.
        verdict: ``None`` withdraws the last one.
    """
    page = _page()
    if page is None or verdict == "skip" or not _keeping(page):
        return
    said = next((said for said in visitor.taste.feedback if said.track.id == track.id), None)
    mood = said.mood if said else visitor.mood or track.position
    _try(page, lambda diary: diary.judge(track, verdict, mood), False)


def restored_taste(catalog: Catalog) -> Taste:
    """Return the taste learned from the diary's verdicts; an empty one while it is off.

    Tracks that are no longer in the catalogue are ignored.
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


def restore_taste(visitor: VisitorState, catalog: Catalog) -> None:
    """Add the taste of earlier sessions, once. Verdicts of this session override theirs."""
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


def ask_after_music(visitor: VisitorState) -> None:
    """Ask how the visitor feels once they have heard some of the set, if they keep a diary."""
    page = _page()
    if page is None or page.entry is None or not visitor.heard_enough or not _keeping(page):
        return
    recent = datetime.now(UTC) - FRESH
    nothing: list[Entry] = []
    for entry in _try(page, lambda diary: diary.entries(since=recent), nothing):
        if entry.id == page.entry:
            ask_how_it_ended(entry, visitor)


def ask_how_it_ended(entry: Entry, visitor: VisitorState) -> None:
    """Ask how the visitor feels after a playlist, with one tap, for some hours.

    For the playlist of this visit, only after some of it was heard.
    """
    page = _page()
    present = page is not None and page.entry == entry.id
    if datetime.now(UTC) - entry.at > FRESH or (present and not visitor.heard_enough):
        return
    key = f"ended-{entry.id}"
    st.session_state[key] = entry.ended

    def answer() -> None:
        page = _page()
        if page is not None:
            emotion = st.session_state[key]
            _try(page, lambda diary: diary.end(entry.id, emotion), False)

    st.pills(
        "How do you feel now?",
        list(wording.FEELINGS),
        format_func=lambda emotion: (
            f":gray[{wording.FEELINGS[emotion].glyph} {wording.FEELINGS[emotion].word}]"
        ),
        key=key,
        on_change=answer,
        wrap=True,
    )


# For the diary's page


def keeping() -> bool:
    """Return whether this visitor keeps a diary."""
    page = _page()
    return page is not None and _keeping(page, afresh=True)


def privacy(*, on_device: bool = False) -> str:
    """Return what is stored of this visitor, as a sentence.

    Args:
        on_device: whether their picture is read in their own browser.
    """
    page = _page()
    if page and _keeping(page):
        return wording.ON_DEVICE_WITH_DIARY if on_device else wording.PRIVACY_WITH_DIARY
    return wording.ON_DEVICE if on_device else wording.PRIVACY


def problem() -> str | None:
    """Return what failed last and has not worked since, as a sentence."""
    page = _page()
    return page.problem if page else None


def switch(on: bool) -> None:
    """Switch the diary on or off. The first time, the database is created."""
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
        page.keeping = False  # there is no database


def entries() -> list[Entry]:
    """Return the entries of this visitor's diary, latest first."""
    page = _page()
    nothing: list[Entry] = []
    return _try(page, Diary.entries, nothing) if page else nothing


def verdicts() -> list[KeptVerdict]:
    """Return the verdicts in this visitor's diary."""
    page = _page()
    nothing: list[KeptVerdict] = []
    return _try(page, Diary.verdicts, nothing) if page else nothing


def forget(entry: Entry) -> None:
    """Delete one entry of this visitor's diary. For this visit it can be restored."""
    page = _page()
    if page is None or not _try(page, lambda diary: diary.forget(entry.id), False):
        return
    page.deleted = (*page.deleted, entry)
    if page.entry == entry.id:
        page.mood = page.first = page.entry = None


def deleted() -> Entry | None:
    """Return the last entry deleted in this visit, if it can be restored."""
    page = _page()
    return page.deleted[-1] if page and page.deleted else None


def restore_deleted() -> None:
    """Write the last deleted entry again."""
    page = _page()
    if page is None or not page.deleted:
        return
    *others, last = page.deleted
    if _try(page, lambda diary: diary.restore(last), None) is not None:
        page.deleted = tuple(others)


def delete_everything(visitor: VisitorState) -> wording.Deleted | None:
    """Delete this visitor's diary, and what this session has learned from it.

    Returns:
        The outcome, a key of `wording.DELETED`; ``None`` if it failed, and `problem` says why.
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
    """Return the outcome of a deletion, a key of `wording.DELETED`.

    Args:
        gone: what `Diary.delete_everything` returned.
    """
    if location().drivername != "sqlite":
        return "server"
    return "file" if gone else "busy"


# Internals


_KEY: Final = "diary"


def _page() -> Page | None:
    """Return this visitor's page; ``None`` where visitors cannot be told apart."""
    owner = identity.who().owner
    if owner is None:
        st.session_state.pop(_KEY, None)
        return None
    page = st.session_state.get(_KEY)
    if not isinstance(page, Page) or page.owner != owner:
        page = st.session_state[_KEY] = Page(owner)
    return page


def _keeping(page: Page, *, afresh: bool = False) -> bool:
    """Return whether the diary is on; ``afresh`` asks the database, for changes in other tabs."""
    if afresh or page.keeping is None:
        # A failure matters only to a visitor who is known to keep a diary.
        page.keeping = _try(page, lambda diary: diary.keeping, None, quiet=not page.keeping)
        if page.keeping is None and page.problem is None:
            page.keeping = False  # there is no database yet
    return bool(page.keeping)


def _try(
    page: Page,
    do: Callable[[Diary], Found],
    otherwise: Found,
    *,
    create: bool = False,
    quiet: bool = False,
) -> Found:
    """Call a function with the owner's diary; if it fails, show a notice once and go on.

    Args:
        page: whose diary.
        do: the function.
        otherwise: what to return if it fails or there is no database.
        create: whether to create the database if there is none.
        quiet: whether to show the failure on the diary's page only.
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
            st.toast(
                f"{wording.escape_markdown(said)} The music keeps playing.", icon=":material/book:"
            )
        page.problem = said
        page.pause_until = time.monotonic() + RETRY_DATABASE_SECONDS
        return otherwise
    page.problem = None
    return done


def _files() -> tuple[str, ...]:
    """Return the database's file, if it has one and the setting can be parsed."""
    try:
        return (str(location().database or ""),)
    except DiaryError:
        return ()


@st.cache_resource(show_spinner=False, max_entries=1, on_release=DiaryStore.close)
def _store(url: str) -> DiaryStore:
    return DiaryStore.open(url)


def _emotion(visitor: VisitorState) -> str | None:
    """Return the most probable emotion. Neither its probability nor any other is kept."""
    emotions = visitor.emotions
    return max(emotions, key=emotions.__getitem__) if emotions else None


def _source(visitor: VisitorState) -> Source:
    if visitor.manual_mood is not None:
        return "placed"
    return "said" if visitor.corrected_emotion is not None else "face"
