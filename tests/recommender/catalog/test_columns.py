"""Columns are found under the names that people have."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from recommender.catalog.columns import find_columns, lacking
from recommender.catalog.importer import ImportReport
from recommender.types import Track

Imported = Callable[..., tuple[ImportReport, list[Track]]]
ID = f"{1:022d}"


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        (
            "Track URI,Track Name,Album Name,Artist Name(s),Release Date,Duration (ms),Popularity,"
            "Explicit,Genres,Energy,Valence",
            {"id": "Track URI", "title": "Track Name", "artists": "Artist Name(s)"}
            | {"year": "Release Date", "duration_ms": "Duration (ms)"},
        ),
        (
            "#,Song,Artist,BPM,Parent Genres,Album Date,Time,Dance,Energy,Happy,Spotify Track Id",
            {"id": "Spotify Track Id", "title": "Song", "valence": "Happy", "tempo": "BPM"}
            | {"duration_ms": "Time", "year": "Album Date", "danceability": "Dance"},
        ),
        (
            "trackName,artistName,spotify_uri,audio_valence,audio_features.energy,length",
            {"id": "spotify_uri", "valence": "audio_valence", "energy": "audio_features.energy"}
            | {"duration_ms": "length", "artists": "artistName"},
        ),
        (
            "Unnamed: 0,track_url,song_title,artist(s)_name,valence_%,energy_pct,Track.Popularity",
            {"id": "track_url", "title": "song_title", "artists": "artist(s)_name"}
            | {"valence": "valence_%", "energy": "energy_pct", "popularity": "Track.Popularity"},
        ),
        (
            "\ufeffID,TITLE,ARTISTS,Valence (0-100),Énergy,tempo_x,tempo_y",
            {"id": "\ufeffID", "valence": "Valence (0-100)", "energy": "Énergy"}
            | {"tempo": "tempo_x"},
        ),
    ],
)
def test_column_names_in_public_tables_are_recognized(header: str, wanted: dict[str, str]) -> None:
    names = header.split(",")
    found = {column: names[places[0]] for column, places in find_columns(names).items()}
    assert found | wanted == found
    assert lacking(found) == []  # type: ignore[arg-type]


def test_unrelated_columns_are_ignored() -> None:
    names = ["artist_id", "album_name", "playlist_name", "track_number", "added_at", "key"]
    assert find_columns(names) == {}


@pytest.mark.parametrize(
    ("header", "row", "title", "artists", "note"),
    [
        # The video's title is full, too, but the column Track is the better one.
        ("uri,Artist,Track,Title", "{id},x,Song,x - Song (Official Video)", "Song", "x", "Title"),
        # A track's number is no title.
        ("id,track,title,artist", "{id},7,Song,x", "Song", "x", None),
        # A row number is no id.
        ("id,track_id,name,artists", "1,{id},Song,x", "Song", "x", None),
        ("track_id,id,name,artists", "17,{id},Song,x", "Song", "x", None),
        # What is empty is not used.
        ("id,track_name,name,artists,artist", "{id},,Song,NA,x", "Song", "x", None),
        ("id,name,artists,artist", "{id},Song,x;y,x", "Song", "x;y", "artist"),
    ],
)
def test_better_of_two_candidate_columns_is_used(
    header: str, row: str, title: str, artists: str, note: str | None, imported: Imported
) -> None:
    content = f"{header},valence,energy\n{row.format(id=ID)},.5,.5\n"
    report, (track,) = imported(content)
    assert (track.id, track.title, ";".join(track.artists)) == (ID, title, artists)
    said = [text for text in report.notes if "is taken from" in text]
    assert bool(said) == (note is not None)
    assert note is None or f"not from “{note}”" in said[0]


@pytest.mark.parametrize(
    "link",
    [
        "spotify:track:{id}",
        "https://open.spotify.com/track/{id}",
        "http://open.spotify.com/intl-de/track/{id}?si=abc",
        "open.spotify.com/track/{id}/",
        "https://api.spotify.com/v1/tracks/{id}",
        "https://open.spotify.com/embed/track/{id}#x",
        "\"{{'spotify': 'https://open.spotify.com/track/{id}'}}\"",
        " {id} ",
    ],
)
def test_ids_in_links(link: str, imported: Imported) -> None:
    content = f"url,name,artist,valence,energy\n{link.format(id=ID)},a,x,.5,.5\n"
    assert imported(content)[1][0].id == ID


def test_links_to_other_resources_are_not_ids(imported: Imported) -> None:
    links = [f"spotify:track:{ID}", f"spotify:album:{ID}", f"https://open.spotify.com/artist/{ID}"]
    rows = [f"{link},a,x,.5,.5" for link in [*links, "spotify:local:a:b:c:1"]]
    report, _ = imported("\n".join(["uri,name,artist,valence,energy", *rows]))
    assert report.refused == {"id missing or not a Spotify id": 3}
