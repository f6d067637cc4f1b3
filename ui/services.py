"""What every visitor shares: the network and the catalogue. Neither holds anything of theirs.

Both are opened in the background as soon as the first page is drawn, while the visitor is still
reading it. A page that needs one earlier waits until it is loaded.
"""

from __future__ import annotations

import logging
import os
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

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
    return _recommender().future.result()


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


def play_starter(error: CatalogError) -> bool:
    """Replace a catalogue that has turned out to be damaged by the starter catalogue.

    Returns:
        Whether it was another one.
    """
    shelf = _recommender()
    if shelf.future.result()[0].catalog.source == STARTER:
        return False
    logger.error("%s", error)
    shelf.future = _workers().submit(_load_starter, _in_public(error))
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
    return _choices(str(catalog.source), catalog)


@st.cache_resource(show_spinner=False, max_entries=4)
def _choices(source: str, _catalog: Catalog) -> Choices:
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
    """Where the recommender is, or is going to be."""

    future: Future[tuple[Recommender, str | None]]


@st.cache_resource(show_spinner=False)
def _recommender() -> _Shelf:
    return _Shelf(_workers().submit(_load_recommender))


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
