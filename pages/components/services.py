"""What every visitor shares: the network and the catalogue. Neither holds anything of theirs.

Both are opened in the background as soon as the first page is drawn, so that nobody waits for
them who is still reading. Whoever needs one before it is there waits just for the rest.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from pages.components import words

if TYPE_CHECKING:
    from emotion import EmotionRecognizer
    from recommender import Catalog, Recommender


def warm_up() -> None:
    """Start loading what the next pages need, without waiting for it."""
    _recognizer()
    _recommender()


def recognizer() -> EmotionRecognizer:
    """Return the one face reader, waiting for it if it is still loading."""
    return _recognizer().result()


def recommender() -> tuple[Recommender, str | None]:
    """Return the one recommender, and a line for visitors if its catalogue is a fallback."""
    return _recommender().result()


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
        languages=tuple(sorted(_catalog.languages(), key=words.language)),
        explicit=_catalog.marked > 0,
    )


@st.cache_resource(show_spinner=False)
def _workers() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=2, thread_name_prefix="warm-up")


@st.cache_resource(show_spinner=False)
def _recognizer() -> Future[EmotionRecognizer]:
    return _workers().submit(_load_recognizer)


@st.cache_resource(show_spinner=False)
def _recommender() -> Future[tuple[Recommender, str | None]]:
    return _workers().submit(_load_recommender)


def _load_recognizer() -> EmotionRecognizer:
    from emotion import EmotionRecognizer

    loaded = EmotionRecognizer()
    loaded.warm_up()
    return loaded


def _load_recommender() -> tuple[Recommender, str | None]:
    from recommender import Recommender, open_or_starter

    catalog, problem = open_or_starter()
    return Recommender(catalog), problem
