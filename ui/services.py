"""What every visitor shares: the network and the catalogue. Neither holds anything of theirs.

Both are loaded in the background as soon as the first page is drawn, while the visitor is still
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
of reach for a moment, or a damaged folder may have been imported again."""
MAX_RETRY_SECONDS: Final = 3600.0
"""The pause doubles with each further attempt, up to this."""

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
    holder = _recommender()
    found = holder.future.result()
    if found[1] is not None:
        _try_again(holder)
    return found


def recommend(request: Request) -> Playlist:
    """Return `Recommender.answer(request)`, from the starter catalogue if need be.

    Raises:
        CatalogError: the starter catalogue is damaged, too.
        ValueError: as in `Recommender.answer`.
    """
    try:
        return recommender()[0].answer(request)
    except CatalogError as error:
        if not play_starter(error):
            raise
    # What was asked of the other catalogue may be unknown to this one.
    return recommender()[0].answer(replace(request, filters=EVERYTHING))


def with_catalog(use: Callable[[Catalog], Answer]) -> Answer:
    """Call a function with the catalogue, or with the starter catalogue if need be.

    Raises:
        CatalogError: the starter catalogue is damaged, too.
    """
    try:
        return use(recommender()[0].catalog)
    except CatalogError as error:
        if not play_starter(error):
            raise
    return use(recommender()[0].catalog)


def play_starter(error: CatalogError) -> bool:
    """Replace a catalogue that turned out to be damaged with the starter catalogue.

    Returns:
        Whether to try again; false where the damaged one is the starter catalogue. Of several
        visitors who find out at the same time the first replaces it, and all try again.
    """
    holder = _recommender()
    present = holder.future
    if present.result()[0].catalog.source == STARTER:
        return error.source not in (None, STARTER)
    with holder.lock:
        if holder.future is present:
            logger.error("%s", error)
            holder.future = _workers().submit(_load_starter, _in_public(error))
            now = time.monotonic()
            if now >= holder.retry_at:  # it could be read for a while
                holder.delay = RETRY_SECONDS
            holder.retry_at = now + holder.delay
    return True


@dataclass(frozen=True, slots=True)
class Choices:
    """The filter values that the catalogue has tracks for; no others are offered."""

    genres: tuple[str, ...]
    decades: tuple[int, ...]
    languages: tuple[str, ...]
    explicit: bool


def choices() -> Choices:
    """Return the filter values that the catalogue has tracks for."""
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
class _RecommenderHolder:
    """Holds the recommender, loaded or loading, and retries its catalogue.

    Attributes:
        future: the recommender, and a line for visitors if its catalogue is a fallback.
        retry_at: when the operator's catalogue is tried again, on `time.monotonic`.
        delay: seconds from one attempt to the next.
        attempt: the last attempt.
        lock: held while any of these changes.
    """

    future: Future[tuple[Recommender, str | None]]
    retry_at: float = 0.0
    delay: float = RETRY_SECONDS
    attempt: Future[None] | None = None
    lock: Lock = field(default_factory=Lock)


@st.cache_resource(show_spinner=False)
def _recommender() -> _RecommenderHolder:
    return _RecommenderHolder(
        _workers().submit(_load_recommender), retry_at=time.monotonic() + RETRY_SECONDS
    )


def _try_again(holder: _RecommenderHolder) -> None:
    """Try the operator's catalogue again, in the background, if that is due."""
    with holder.lock:
        running = holder.attempt is not None and not holder.attempt.done()
        if running or time.monotonic() < holder.retry_at:
            return
        holder.delay = min(2 * holder.delay, MAX_RETRY_SECONDS)
        holder.retry_at = time.monotonic() + holder.delay
        holder.attempt = _workers().submit(_reopen, holder)


def _reopen(holder: _RecommenderHolder) -> None:
    from recommender import Recommender

    try:
        opened = Recommender(Catalog.open())
    except CatalogError as error:
        logger.warning("%s", error)
        return
    logger.warning("The catalogue %s can be read again.", opened.catalog.name)
    ready: Future[tuple[Recommender, str | None]] = Future()
    ready.set_result((opened, None))
    with holder.lock:
        holder.future = ready


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
    """Return the error for visitors, without paths or hosts, which are for the log."""
    place = os.environ.get(ENVIRONMENT, "")
    if is_address(place):
        return f"The catalogue {last_part(place)} cannot be read."
    return wording.strip_paths(str(error), place)
