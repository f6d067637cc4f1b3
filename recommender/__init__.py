"""From an emotion to music that meets it, then moves it.

>>> import recommender
>>> playlist = recommender.Recommender().recommend(recommender.mood_of({"sad": 1.0}), n=10)
"""

from __future__ import annotations

from recommender.catalog.catalog import Catalog, open_or_starter
from recommender.catalog.importer import ImportReport, import_file
from recommender.errors import CatalogError
from recommender.journey import plan, suggested_intent, target_for
from recommender.mood import (
    BRIGHT_AND_EASY,
    CALM,
    COORDINATES,
    describe,
    mood_named,
    mood_of,
    mood_of_emotion,
    room_mood,
)
from recommender.recommender import Recommender
from recommender.request import Request
from recommender.sharing.export import to_csv, to_jspf, to_links, to_m3u8, to_text, to_xspf
from recommender.taste.taste import Affinities, Feedback, Taste, Verdict
from recommender.types import INTENTS, Filters, Intent, Mood, Pick, Playlist, Track

__all__ = [
    "BRIGHT_AND_EASY",
    "CALM",
    "COORDINATES",
    "INTENTS",
    "Affinities",
    "Catalog",
    "CatalogError",
    "Feedback",
    "Filters",
    "ImportReport",
    "Intent",
    "Mood",
    "Pick",
    "Playlist",
    "Recommender",
    "Request",
    "Taste",
    "Track",
    "Verdict",
    "describe",
    "import_file",
    "mood_named",
    "mood_of",
    "mood_of_emotion",
    "open_or_starter",
    "plan",
    "room_mood",
    "suggested_intent",
    "target_for",
    "to_csv",
    "to_jspf",
    "to_links",
    "to_m3u8",
    "to_text",
    "to_xspf",
]
