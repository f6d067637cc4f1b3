"""What every visitor shares: the network and the catalogue. Neither holds anything of theirs.

Both are opened in the background as soon as the first page is drawn, while the visitor is still
reading it. A page that needs one earlier waits until it is loaded.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import TYPE_CHECKING, Final, TypeVar

import streamlit as st

from recommender.catalog.addresses import is_address, last_part
from recommender.catalog.catalog import ENVIRONMENT, STARTER, Catalog
from recommender.errors import CatalogError
from recommender.request import Request
from recommender.types import EVERYTHING, Playlist
from ui import settings, wording

if TYPE_CHECKING:
    from emotion import EmotionRecognizer
    from recommender import Recommender

Answer = TypeVar("Answer")

RETRY_SECONDS: Final = 60.0
"""After this time a catalogue that could not be read is tried again: an address may have been out
of reach for a moment, and a damaged folder been imported anew."""
MAX_RETRY_SECONDS: Final = 3600.0
"""Each further trial takes twice as long to come, up to this."""

logger = logging.getLogger(__name__)


def warm_up() -> None:
    """Start loading what the next pages need, without waiting for it."""
    _recognizer()
    _recommender()


def recognizer() -> EmotionRecognizer:
    """Return the one face reader, waiting for it if it is still loading."""
    return _recognizer().result()


def recommender() -> tuple[Recommender, str | None]:
    """Return the one recommender, and a line for visitors if its catalogue is a fallback."""
    shelf = _recommender()
    found = shelf.future.result()
    if found[1] is not None:
        _try_again(shelf)
    return found


def recommend(request: Request) -> Playlist:
    """Return `Recommender.answer(request)`, from the starter catalogue if need be.

    Raises:
        CatalogError: that one is damaged, too.
        ValueError: as there.
    """
    try:
        return recommender()[0].answer(request)
    except CatalogError as error:
        if not play_starter(error):
            raise
    # What was asked of the other catalogue may be unknown to this one.
    return recommender()[0].answer(replace(request, filters=EVERYTHING))


def with_catalog(use: Callable[[Catalog], Answer]) -> Answer:
    """Return what a function makes of the catalogue, or of the starter catalogue if need be.

    Raises:
        CatalogError: that one is damaged, too.
    """
    try:
        return use(recommender()[0].catalog)
    except CatalogError as error:
        if not play_starter(error):
            raise
    return use(recommender()[0].catalog)


def play_starter(error: CatalogError) -> bool:
    """Replace a catalogue that has turned out to be damaged by the starter catalogue.

    Returns:
        Whether it was another one. Several visitors may find out at the same time: the first
        replaces it, and the others have what they asked for looked up anew.
    """
    shelf = _recommender()
    present = shelf.future
    if present.result()[0].catalog.source == STARTER:
        return error.source not in (None, STARTER)
    with shelf.lock:
        if shelf.future is present:
            logger.error("%s", error)
            shelf.future = _workers().submit(_load_starter, _in_public(error))
            now = time.monotonic()
            if now >= shelf.retry_at:  # it has been read for a while
                shelf.delay = RETRY_SECONDS
            shelf.retry_at = now + shelf.delay
    return True


@dataclass(frozen=True, slots=True)
class Choices:
    """What the catalogue can be asked for: what has no answer in it is not offered."""

    genres: tuple[str, ...]
    decades: tuple[int, ...]
    languages: tuple[str, ...]
    explicit: bool


def choices() -> Choices:
    """Return what the catalogue can be asked for."""
    catalog = recommender()[0].catalog
    return _choices(catalog.fingerprint, catalog)


@st.cache_resource(show_spinner=False, max_entries=4)
def _choices(fingerprint: str, _catalog: Catalog) -> Choices:
    return Choices(
        genres=tuple(sorted(_catalog.genres())),
        decades=tuple(sorted(_catalog.decades())),
        languages=tuple(sorted(_catalog.languages(), key=wording.language_name)),
        explicit=_catalog.marked > 0,
    )


@st.cache_resource(show_spinner=False)
def _workers() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=2, thread_name_prefix="warm-up")


@st.cache_resource(show_spinner=False)
def _recognizer() -> Future[EmotionRecognizer]:
    return _workers().submit(_load_recognizer)


@dataclass(slots=True)
class _Shelf:
    """Where the recommender is, or is going to be.

    Attributes:
        future: the recommender, and a line for visitors if its catalogue is a fallback.
        retry_at: when the operator's catalogue is tried again, on `time.monotonic`.
        delay: seconds from one trial to the next.
        trial: the last of them.
        lock: held while any of these changes.
    """

    future: Future[tuple[Recommender, str | None]]
    retry_at: float = 0.0
    delay: float = RETRY_SECONDS
    trial: Future[None] | None = None
    lock: Lock = field(default_factory=Lock)


@st.cache_resource(show_spinner=False)
def _recommender() -> _Shelf:
    return _Shelf(_workers().submit(_load_recommender), retry_at=time.monotonic() + RETRY_SECONDS)


def _try_again(shelf: _Shelf) -> None:
    """Try the operator's catalogue again, in the background, if that is due."""
    with shelf.lock:
        running = shelf.trial is not None and not shelf.trial.done()
        if running or time.monotonic() < shelf.retry_at:
            return
        shelf.delay = min(2 * shelf.delay, MAX_RETRY_SECONDS)
        shelf.retry_at = time.monotonic() + shelf.delay
        shelf.trial = _workers().submit(_reopen, shelf)


def _reopen(shelf: _Shelf) -> None:
    from recommender import Recommender

    try:
        opened = Recommender(Catalog.open())
    except CatalogError as error:
        logger.warning("%s", error)
        return
    logger.warning("The catalogue %s can be read again.", opened.catalog.name)
    ready: Future[tuple[Recommender, str | None]] = Future()
    ready.set_result((opened, None))
    with shelf.lock:
        shelf.future = ready


def _load_recognizer() -> EmotionRecognizer:
    from emotion import EmotionClassifier, EmotionRecognizer

    loaded = EmotionRecognizer(classifier=EmotionClassifier(head=settings.head()))
    loaded.warm_up()
    return loaded


def _load_recommender() -> tuple[Recommender, str | None]:
    from recommender import Recommender

    try:
        return Recommender(Catalog.open()), None
    except CatalogError as error:
        logger.error("%s", error)
        return _load_starter(_in_public(error))


def _load_starter(problem: str) -> tuple[Recommender, str]:
    from recommender import Recommender

    return Recommender(Catalog.open(STARTER)), f"{problem} Playing the starter catalogue instead."


def _in_public(error: CatalogError) -> str:
    """Return what is wrong without where on this machine, or which other: that is for the log."""
    place = os.environ.get(ENVIRONMENT, "")
    if is_address(place):
        return f"The catalogue {last_part(place)} cannot be read."
    return wording.strip_paths(str(error), place)
