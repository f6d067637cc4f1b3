"""The columns that a table of tracks has, and the names under which others publish them."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from typing import Final

REQUIRED: Final = ("id", "title", "artists", "valence", "energy")
"""Without these there is nothing to play or nothing to place on the mood plane."""

FEATURES: Final = ("valence", "energy", "danceability", "acousticness", "instrumentalness")
"""Audio features, numbers from 0 to 1."""

MEASURED: Final = (*FEATURES, "tempo", "duration_ms", "mode")
"""Everything that is measured of a recording."""

RANGES: Final[Mapping[str, tuple[float, float]]] = {
    **dict.fromkeys(FEATURES, (0.0, 1.0)),
    "tempo": (0.0, 300.0),
    "popularity": (0.0, 100.0),
}
"""Numeric columns and their ranges. A number outside means a broken row, not a rare track."""

FRACTIONS: Final = (*FEATURES, "speechiness")
"""Columns that go from 0 to 1, or from 0 to 100 in some tables."""

PLACING: Final[Mapping[str, tuple[float, float]]] = {
    "speechiness": (0.0, 1.0),
    "loudness": (-60.0, 10.0),
    "listener_valence": (-4.0, 4.0),
    "listener_arousal": (-4.0, 4.0),
}
"""What else helps to place a track on the mood plane: two more audio features, the second in
decibels, and listeners' ratings of the recording itself, in standard deviations. A number outside
its range counts as missing, since none of these is required."""

NUMERIC: Final = (*RANGES, "duration_ms", *PLACING)

COMBINED: Final = ("genres", "year")
"""Every matching column is used: tags are combined, and the first date that is filled counts."""

NAMES: Final[Mapping[str, str]] = {
    "id": "track_id spotify_track_id spotify_id id_spotify id_track track_spotify_id "
    "spotify_song_id song_id track_uri spotify_track_uri spotify_uri uri_spotify uri id "
    "track_url spotify_track_url spotify_url track_link spotify_link track_href href "
    "external_urls external_urls_spotify url link",
    "title": "track_name track_title song_name song_title name_of_track title_of_track track song "
    "title name",
    "artists": "artists artist_names track_artists track_artist_names artists_names artists_name "
    "artist_name track_artist track_artist_name artist main_artist primary_artist artist_list "
    "all_artists performers performer singers singer band artist_s album_artists "
    "album_artist_names album_artist album_artist_name",
    "genres": "genres track_genres track_genre genre genre_list main_genre top_genre "
    "playlist_genre playlist_subgenre subgenres subgenre parent_genres artist_genres "
    "artist_genre artists_genres album_genres album_genre music_genre tags styles style",
    "language": "language lang track_language song_language lyrics_language language_code",
    "year": "year release_year released_year year_released year_of_release track_release_year "
    "track_release_date release_date album_release_year album_release_date "
    "track_album_release_date date_released date_of_release released album_year album_date",
    "popularity": "popularity track_popularity song_popularity spotify_popularity",
    "valence": "valence happiness happy positivity",
    "energy": "energy",
    "danceability": "danceability dance",
    "acousticness": "acousticness acoustic",
    "instrumentalness": "instrumentalness instrumental",
    "tempo": "tempo bpm tempo_bpm",
    "speechiness": "speechiness",
    "loudness": "loudness loudness_db",
    "listener_valence": "listener_valence",
    "listener_arousal": "listener_arousal",
    "explicit": "explicit is_explicit track_explicit explicit_lyrics explicitness "
    "track_explicitness explicit_content has_explicit_lyrics explicit_content_lyrics "
    "parental_advisory parental_warning",
    "duration_ms": "duration_ms track_duration_ms song_duration_ms duration_in_ms "
    "duration_millis duration_milliseconds length_ms length_in_ms time_ms duration_s "
    "duration_sec duration_secs duration_seconds duration_in_seconds duration_in_sec "
    "length_seconds length_sec duration_min duration_minutes track_duration song_duration "
    "duration track_length song_length length playtime running_time runtime time",
    "mode": "mode",
    "isrc": "isrc track_isrc isrc_code",
}
"""Our name → names that tables use, the best first: if a table has several, the first with
plausible content is used. They come from our own schema, the Kaggle / Hugging Face "Spotify Tracks
Dataset" and "Spotify and Youtube", tidytuesday's ``spotify_songs.csv``, Exportify, Chosic,
Spotify's own API, and what is common elsewhere."""

_PREFIXES: Final = (
    "audiofeatures",
    "audiofeature",
    "features",
    "spotify",
    "track",
    "song",
    "audio",
)
"""What may stand before a name: ``audio_valence``, ``track.popularity``, ``Song Language``."""


_SUFFIXES: Final = ("percentage", "percent", "pct", "0100", "01", "score", "value", "spotify")
"""What may stand after a name: ``energy_pct``, ``Valence (0-100)``."""


def find_columns(names: Sequence[str]) -> dict[str, list[int]]:
    """Return our column → where it may be in a table with columns of these names.

    Case, accents, spaces, punctuation and a byte order mark do not matter. The places are in
    order of preference; names that are only known after a prefix or with a suffix (``_x``, as
    pandas leaves it) come after all others.
    """
    exact: dict[str, list[int]] = {}
    near: dict[str, list[int]] = {}
    for place, name in enumerate(names):
        key = _key(name)
        exact.setdefault(key, []).append(place)
        for other in _without_affixes(name, key):
            near.setdefault(other, []).append(place)
    found: dict[str, list[int]] = {}
    for column, text in NAMES.items():
        keys = [_key(known) for known in text.split()]
        places = [place for known in (exact, near) for key in keys for place in known.get(key, [])]
        if places:
            found[column] = list(dict.fromkeys(places))
    return found


def lacking(found: Mapping[str, Sequence[int]]) -> list[str]:
    """Return the required columns that were not found."""
    return [column for column in REQUIRED if column not in found]


def _key(name: str) -> str:
    decomposed = unicodedata.normalize("NFKD", name.casefold())
    return "".join(letter for letter in decomposed if letter.isalnum())


def _without_affixes(name: str, key: str) -> list[str]:
    """Return what is left of a key without what may stand before and after a name."""
    stems = [key]
    if name.strip().casefold().endswith(("_x", "_y")):
        stems.append(key[:-1])
    stems += [stem.removesuffix(end) for stem in stems for end in _SUFFIXES if stem.endswith(end)]
    stems += [
        stem.removeprefix(word) for stem in stems for word in _PREFIXES if stem.startswith(word)
    ]
    return [stem for stem in dict.fromkeys(stems) if stem and stem != key]
