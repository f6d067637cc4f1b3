"""The columns that a table of tracks has, and the names under which others publish them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

REQUIRED: Final = ("id", "title", "artists", "valence", "energy")
"""Without these there is nothing to play or nothing to place on the mood plane."""

RANGES: Final[Mapping[str, tuple[float, float]]] = {
    "valence": (0.0, 1.0),
    "energy": (0.0, 1.0),
    "danceability": (0.0, 1.0),
    "acousticness": (0.0, 1.0),
    "instrumentalness": (0.0, 1.0),
    "tempo": (0.0, 300.0),
    "popularity": (0.0, 100.0),
}
"""The numbers and where they lie. A number outside is a broken row and not a rare track."""

ALIASES: Final[Mapping[str, tuple[str, ...]]] = {
    "id": ("id", "track_id", "spotify_id", "spotify_track_id", "track_uri", "uri", "url"),
    "title": ("title", "track_name", "name", "song", "song_name", "track", "track_title"),
    "artists": ("artists", "track_artist", "artist_name", "artist", "artist_names", "artist_s"),
    "genres": (
        "genres",
        "track_genre",
        "genre",
        "playlist_genre",
        "playlist_subgenre",
        "artist_genres",
        "tags",
    ),
    "language": ("language", "lang"),
    "year": ("year", "release_year", "track_album_release_date", "release_date", "released_year"),
    "popularity": ("popularity", "track_popularity"),
    "valence": ("valence",),
    "energy": ("energy",),
    "danceability": ("danceability",),
    "acousticness": ("acousticness",),
    "instrumentalness": ("instrumentalness",),
    "tempo": ("tempo", "bpm"),
    "explicit": ("explicit",),
    "duration_ms": ("duration_ms", "track_duration_ms"),
    "mode": ("mode",),
    "isrc": ("isrc", "track_isrc"),
}
"""Our name → names in the wild, the best first: our own schema, the Kaggle / Hugging Face
"Spotify Tracks Dataset", tidytuesday's ``spotify_songs.csv``, and what is common elsewhere."""


def find_columns(names: Sequence[str]) -> dict[str, list[int]]:
    """Return for each of our columns where it is in a table whose columns are called `names`.

    All genre columns are used, of the others the best named one. Case, spaces, hyphens and a
    byte order mark do not matter.
    """
    places = {_plain(name): place for place, name in reversed(list(enumerate(names)))}
    found: dict[str, list[int]] = {}
    for column, aliases in ALIASES.items():
        hits = [places[alias] for alias in aliases if alias in places]
        if hits:
            found[column] = hits if column == "genres" else hits[:1]
    return found


def lacking(found: Mapping[str, Sequence[int]]) -> list[str]:
    """Return the required columns that were not found."""
    return [column for column in REQUIRED if column not in found]


def _plain(name: str) -> str:
    cleaned = "".join(letter if letter.isalnum() else " " for letter in name.lower())
    return "_".join(cleaned.split())
