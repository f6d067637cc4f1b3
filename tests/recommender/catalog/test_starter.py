"""The promises of the catalogue that ships with the project, checked on the file itself."""

from __future__ import annotations

import csv
import re
import unicodedata
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from recommender.catalog.catalog import STARTER, Catalog
from recommender.data.select_starter import (
    COLUMNS,
    LEAST_DECADE,
    LEAST_LANGUAGE,
    LEAST_OF_FAMILY,
    LISTENED,
    PER_ARTIST,
    Song,
    fill,
    songs,
    split_names,
    split_title,
    write,
)
from recommender.genres import default_table

Rows = list[dict[str, str]]

MAY_LACK = {"year", "popularity", "duration_ms", "mode"}


@pytest.fixture(scope="module")
def rows() -> Rows:
    with STARTER.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _plain(text: str) -> str:
    bare = re.sub(r"\s+-\s.*(remaster|version|mix|edit|live).*|\(.*?\)|\[.*?\]", "", text.lower())
    decomposed = unicodedata.normalize("NFKD", bare)
    return "".join(letter for letter in decomposed if letter.isalnum()) or text


def test_over_three_thousand_with_all_columns(rows: Rows) -> None:
    assert 3000 <= len(rows) <= 3500
    assert tuple(rows[0]) == (*COLUMNS, *LISTENED)


def test_about_a_tenth_has_listener_ratings(rows: Rows) -> None:
    rated = [row for row in rows if row["listener_valence"]]
    assert 250 <= len(rated) <= 400
    for row in rated:
        assert all(-4 <= float(row[name]) <= 4 for name in LISTENED)
    assert not any(row["listener_arousal"] for row in rows if not row["listener_valence"])


def test_everything_needed_is_there_and_in_range(rows: Rows) -> None:
    for row in rows:
        assert all(row[column].strip() for column in COLUMNS if column not in MAY_LACK), row
        assert re.fullmatch(r"[A-Za-z0-9]{22}", row["id"])
        assert re.fullmatch(r"[a-z]{2,3}", row["language"])
        assert row["year"] == "" or 1925 <= int(row["year"]) <= 2026
        for name in ("valence", "energy", "danceability", "acousticness", "instrumentalness"):
            assert 0 <= float(row[name]) <= 1
        assert 40 <= float(row["tempo"]) <= 230
        assert row["popularity"] == "" or 25 <= float(row["popularity"]) <= 100
        assert row["popularity"] or row["year"], "nothing says that anybody knows it"


def test_no_recording_and_no_song_is_there_twice(rows: Rows) -> None:
    assert len({row["id"] for row in rows}) == len(rows)
    songs = Counter(
        (_plain(row["title"]), _plain(artist))
        for row in rows
        for artist in row["artists"].split(";")
    )
    assert [song for song, times in songs.items() if times > 1] == []


def test_at_most_six_tracks_an_artist(rows: Rows) -> None:
    artists = Counter(artist for row in rows for artist in row["artists"].split(";"))
    assert artists.most_common(1)[0][1] <= 6


def test_every_cell_of_the_plane_is_filled(rows: Rows) -> None:
    values = np.array([[float(row["valence"]), float(row["energy"])] for row in rows])
    ranks = values.argsort(axis=0).argsort(axis=0) / len(rows)
    cells = Counter(map(tuple, np.floor(ranks * 3).astype(int).tolist()))
    assert len(cells) == 9
    assert min(cells.values()) >= 80


def test_many_families_all_of_them_known(rows: Rows) -> None:
    leading = Counter(row["genres"].split(";")[0] for row in rows)
    everything = {family for row in rows for family in row["genres"].split(";")}
    assert everything <= set(default_table().families)
    assert sum(times >= 10 for times in leading.values()) >= 20
    assert max(leading.values()) <= 0.12 * len(rows)
    sizes = Counter(family for row in rows for family in row["genres"].split(";"))
    assert min(sizes.values()) >= 10, "too few to make a playlist of"


def test_several_languages(rows: Rows) -> None:
    languages = Counter(row["language"] for row in rows)
    assert sum(times >= 10 for times in languages.values()) >= 12
    assert len(set(languages) - {"zxx"}) >= 30


def test_decades(rows: Rows) -> None:
    decades = Counter(int(row["year"]) // 10 * 10 for row in rows if row["year"])
    assert decades.total() >= 0.88 * len(rows)
    assert {decade: n for decade, n in decades.items() if decade >= 1960 and n < 120} == {}
    assert sorted(decade for decade in decades if decade >= 1960) == list(range(1960, 2030, 10))


def test_large_families_fill_a_playlist_and_more(rows: Rows) -> None:
    sizes = Counter(family for row in rows for family in row["genres"].split(";"))
    large = {"rock", "jazz", "blues", "classical", "hip hop", "soul", "country", "electronic"}
    large |= {"folk", "metal", "punk", "funk & disco", "reggae & dancehall", "lo-fi & chill"}
    large |= {"k-pop", "afrobeats", "bollywood", "latin pop", "reggaeton", "regional mexican"}
    assert {family: sizes[family] for family in large if sizes[family] < 60} == {}


def test_lengths_and_modes_are_known_of_most(rows: Rows) -> None:
    minutes = [int(row["duration_ms"]) / 60_000 for row in rows if row["duration_ms"]]
    modes = Counter(row["mode"] for row in rows)
    assert len(minutes) >= 0.6 * len(rows)
    assert all(1.3 <= length <= 10 for length in minutes)
    assert set(modes) == {"0", "1", ""}
    assert min(modes["0"], modes["1"]) >= 0.2 * len(rows)


def test_the_file_is_small() -> None:
    assert STARTER.stat().st_size < 500_000


def test_only_songs_are_included(rows: Rows) -> None:
    junk = re.compile(
        r"karaoke|white noise|brown noise|sleep sounds|tribute|originally performed|christmas|"
        r"sped up|nightcore|lullaby version|rain sounds|interlude|\bskit\b",
        re.IGNORECASE,
    )
    assert [row for row in rows if junk.search(row["title"] + row["artists"])] == []


@pytest.mark.parametrize(
    "title",
    [
        "Bohemian Rhapsody",
        "Fast Car",
        "Fortunate Son",
        "Take Five",
        "Blinding Lights",
        "Someone You Loved",
        "Smells Like Teen Spirit|Come As You Are|About A Girl",
        "Enter Sandman",
        "September",
        "Tusa",
        "Despacito",
        "Kesariya",
        "Djadja",
        "Experience",
        "Killing In The Name",
        "Ain't No Sunshine",
        "Clair de lune",
        "Good Vibrations",
        "Hotel California",
        "Dancing Queen",
        "Imagine",
        "Jerusalema",
    ],
)
def test_music_that_people_know(rows: Rows, title: str) -> None:
    titles = " | ".join(row["title"] for row in rows)
    assert re.search(title, titles)


def test_starter_opens_without_import(starter: Catalog, rows: Rows) -> None:
    assert len(starter) == len(rows)
    assert set(starter.genres()) == {family for row in rows for family in row["genres"].split(";")}


WHOLE = ["Tyler, The Creator", "Earth, Wind & Fire"]


@pytest.mark.parametrize(
    ("title", "wanted", "guests"),
    [
        ("Plain", "Plain", []),
        ("Here Comes The Sun - Remastered 2009", "Here Comes The Sun", []),
        ("Don't Stop Me Now - 2011 Mix", "Don't Stop Me Now", []),
        ('Song - 12" Version', "Song", []),
        ("Song [24-Bit Digitally Remastered 01]", "Song", []),
        ("1999", "1999", []),
        ("Song (feat. A, B & C)", "Song", ["A", "B", "C"]),
        ("Song (with Tyler, The Creator & B)", "Song", ["Tyler, The Creator", "B"]),
        ("Song feat. A", "Song", ["A"]),
        ("22 - From the film", "22", []),
        ("(feat. A)", "(feat. A)", ["A"]),
    ],
)
def test_titles_lose_release_notes_and_guests(title: str, wanted: str, guests: list[str]) -> None:
    assert split_title(title, WHOLE) == (wanted, guests)


def test_bands_stay_whole() -> None:
    assert split_names("Earth, Wind & Fire", WHOLE) == ["Earth, Wind & Fire"]
    assert split_names("A, B & C", WHOLE) == ["A", "B", "C"]


def test_junk_is_left_out_and_the_best_known_come_first(tmp_path: Path) -> None:
    fact = {
        "spotify_id": "a" * 22,
        "title": "Song",
        "artist": "A",
        "year": "2001.0",
        "genres": "indie folk|folk-pop",
        "popularity": "50",
        "valence": "0.1",
        "energy": "0.2",
        "danceability": "0.3",
        "acousticness": "0.4",
        "instrumentalness": "0",
        "tempo": "100",
    }
    facts = [
        fact,
        fact | {"title": "Better", "popularity": "90"},
        fact | {"title": "Song - Karaoke Version"},
        fact | {"genres": "white noise"},
        fact | {"popularity": ""},
        fact | {"spotify_id": "short"},
        fact | {"tempo": "0"},
    ]
    empty = {"artists": {}, "songs": {}, "tags": {"ko": ["k-pop"]}}
    choices = {
        "drop": {"artists": [], "families": [], "ids": []},
        "names": {"whole": []},
        "families": {},
        "raised": {},
        "years": {},
        "languages": empty,
    }
    found = songs(facts, choices, default_table())
    write(found, tmp_path / "unmarked.csv")
    marked = songs([facts[1] | {"explicit": "True"}, facts[0]], choices, default_table())
    write(marked, tmp_path / "marked.csv")
    header, *lines = (tmp_path / "marked.csv").read_text().splitlines()
    assert header == ",".join([*COLUMNS, "explicit"])
    assert [line.rsplit(",", 1)[1] for line in lines] == ["True", ""]
    assert (tmp_path / "unmarked.csv").read_text().startswith(",".join(COLUMNS) + "\n")
    assert [song.title for song in found] == ["Better", "Song"]
    assert (found[0].genres, found[0].year, found[0].language) == (("folk",), "2001", "en")


def test_only_a_song_dated_by_hand_may_lack_popularity() -> None:
    fact = {
        "spotify_id": "a" * 22,
        "title": "Old Song",
        "artist": "A",
        "year": "",
        "genres": "soul",
        "popularity": "",
        "valence": "0.1",
        "energy": "0.2",
        "danceability": "0.3",
        "acousticness": "0.4",
        "instrumentalness": "0",
        "tempo": "100",
    }
    choices = {
        "drop": {"artists": [], "families": [], "ids": []},
        "names": {"whole": []},
        "families": {},
        "raised": {},
        "years": {"a" * 22: 1965},
        "languages": {"artists": {}, "songs": {}, "tags": {}},
    }
    facts = [fact, fact | {"spotify_id": "b" * 22, "title": "Unknown"}]
    (found,) = songs(facts, choices, default_table())
    assert (found.title, found.year, found.popularity) == ("Old Song", "1965", None)


def test_sparse_cells_are_filled_by_popularity_with_a_cap_for_each_artist() -> None:
    def song(place: int, known: float, artist: str, **facts: str) -> Song:
        return Song(
            id=f"{place:022}",
            title=f"Title {place}",
            artists=(artist,),
            genres=(facts.get("family", "pop"),),
            language=facts.get("language", "en"),
            year=facts.get("year", ""),
            popularity=50,
            values={"valence": 0.5, "energy": 0.6},
            tempo=100.0,
            known=known,
        )

    chosen = [song(n, 90, f"Artist {n}") for n in range(100)]
    sixties = [song(200 + n, 50 - n / 10, f"Old {n}", year="1965") for n in range(400)]
    flood = [song(900 + n, 80, "Flood", year="1966", language="tl") for n in range(20)]
    filled = fill(chosen, [*chosen, *sixties, *flood])
    decade = [one for one in filled if one.year]
    assert {one.id for one in chosen} <= {one.id for one in filled}
    assert sum(one.artists == ("Flood",) for one in filled) == PER_ARTIST
    assert sum(one.language == "tl" for one in filled) == PER_ARTIST < LEAST_LANGUAGE
    assert len(decade) == LEAST_DECADE > LEAST_OF_FAMILY
    assert min(one.known for one in decade) > 50 - LEAST_DECADE / 10
    assert len({one.id for one in filled}) == len(filled)
