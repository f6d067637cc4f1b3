from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from recommender.catalog.catalog import Catalog
from recommender.mood import room_mood
from recommender.spotify.feature_imputation import GENRE_WEIGHT_TRACKS, Candidate, place
from recommender.spotify.reccobeats import Features
from recommender.spotify.types import SpotifyTrack
from recommender.types import Mood


@pytest.fixture
def catalog(
    write_csv: Callable[..., Path], row: Callable[..., dict[str, Any]]
) -> Iterator[Catalog]:
    rows = [
        row(1, title="Río (Remastered)", artists="Ana", genres="folk", valence=0.2, energy=0.3),
        *(
            row(n, artists="Loud", genres="metal", valence=0.1, energy=0.9 + n / 1000)
            for n in range(40, 52)
        ),
        *(
            row(n, artists=f"Folk {n}", genres="folk", valence=0.6, energy=0.2)
            for n in range(20, 30)
        ),
    ]
    with Catalog.open(write_csv(rows)) as opened:
        yield opened


def found(number: int, title: str, *artists: str, **changes: Any) -> SpotifyTrack:
    values: dict[str, Any] = {
        "id": f"9{number:021d}",
        "title": title,
        "artists": artists,
        "isrc": None,
        "duration_ms": 180_000,
        "explicit": True,
        "year": 2025,
        "url": "",
    }
    return SpotifyTrack(**(values | changes))


def test_by_id(catalog: Catalog) -> None:
    known = f"{1:022d}"
    (placed,) = place([Candidate(found(1, "Other", "Who", id=known), "metal")], catalog)
    assert placed == catalog.get(known)
    assert not placed.estimated


def test_by_recording_whatever_it_is_called(row: Any, write_csv: Any) -> None:
    rows = [row(number, isrc="") for number in range(9)]
    rows += [row(9, isrc="GBAYE0601498", valence=0.987)]
    with Catalog.open(write_csv(rows)) as catalog:
        named = found(50, "Renamed - Live", "Somebody", isrc="GBAYE0601498")
        (track,) = place([Candidate(named)], catalog)
    assert (track.id, track.title, track.valence) == (named.id, "Renamed - Live", 0.987)
    assert not track.estimated


@pytest.mark.parametrize("title", ["Rio", "RÍO", "río - 2011 Remaster", "Rio (Remastered)"])
def test_by_title_and_artist(catalog: Catalog, title: str) -> None:
    (placed,) = place([Candidate(found(1, title, "ana"), "metal")], catalog)
    same = catalog.get(f"{1:022d}")
    assert same is not None
    assert (placed.id, placed.title) == (f"9{1:021d}", title)
    assert (placed.valence, placed.position, placed.genres) == (
        same.valence,
        same.position,
        same.genres,
    )
    assert (placed.explicit, placed.duration_ms) == (True, 180_000)
    assert not placed.estimated


@pytest.mark.parametrize("title", ["Río (Live)", "Río - Sped Up", "Rio (Karaoke Version)"])
def test_another_version_was_not_measured(catalog: Catalog, title: str) -> None:
    (placed,) = place([Candidate(found(1, title, "Ana"), "folk")], catalog)
    assert placed.valence == pytest.approx(0.2)
    assert placed.estimated


def test_by_what_was_measured_elsewhere(catalog: Catalog) -> None:
    asked: list[Sequence[str]] = []

    def look_up(ids: Sequence[str]) -> Mapping[str, Features]:
        asked.append(ids)
        return {ids[0]: Features(0.9, 0.1, danceability=0.4, tempo=90.0)}

    placed = place(
        [
            Candidate(found(1, "Rio", "Ana"), "folk"),
            Candidate(found(2, "New", "Loud"), "metal"),
            Candidate(found(3, "Newer", "Loud"), "metal"),
        ],
        catalog,
        look_up=look_up,
    )
    # Only what the catalogue does not know is asked for.
    assert asked == [[f"9{2:021d}", f"9{3:021d}"]]
    assert [track.estimated for track in placed] == [False, False, True]
    assert (placed[1].valence, placed[1].danceability, placed[1].tempo) == (0.9, 0.4, 90.0)
    measured = {"valence": 0.9, "energy": 0.1, "danceability": 0.4, "tempo": 90.0}
    assert placed[1].position == catalog.place(measured, ("metal",))


def test_by_artist_and_genre(catalog: Catalog) -> None:
    (artist, genre, mixed) = place(
        [
            Candidate(found(1, "New", "Loud")),
            Candidate(found(2, "New", "Nobody"), "folk"),
            Candidate(found(3, "New", "Loud"), "folk"),
        ],
        catalog,
    )
    assert artist.valence == pytest.approx(0.1)
    assert genre.valence == pytest.approx((10 * 0.6 + 0.2) / 11)
    assert mixed.valence == pytest.approx(
        (12 * artist.valence + GENRE_WEIGHT_TRACKS * genre.valence) / (12 + GENRE_WEIGHT_TRACKS)
    )
    assert all(track.estimated for track in (artist, genre, mixed))
    loud = [one.position for n in range(40, 52) if (one := catalog.get(f"{n:022d}"))]
    assert artist.position.distance(room_mood(loud)) < 1e-6
    assert genre.position == catalog.genre_means()["folk"].position
    assert mixed.position.distance(
        room_mood([artist.position, genre.position], [12, GENRE_WEIGHT_TRACKS])
    ) == pytest.approx(0, abs=1e-6)
    assert (artist.genres, genre.genres) == ((), ("folk",))
    assert (genre.year, genre.explicit, genre.duration_ms) == (2025, True, 180_000)


def test_what_a_search_was_made_for_counts(catalog: Catalog) -> None:
    track = found(1, "New", "Nobody")
    quiet, loud = Mood(-0.5, -0.8), Mood(0.0, 0.9)
    (there,) = place([Candidate(track, "folk", loud)], catalog)
    (here,) = place([Candidate(track, "folk", quiet)], catalog)
    assert here.energy < there.energy
    assert here.position.arousal < there.position.arousal
    # It moves a guess, and never places a track by itself.
    assert place([Candidate(track, None, loud)], catalog) == []


def test_what_cannot_be_placed_is_left_out_and_nothing_comes_twice(catalog: Catalog) -> None:
    one = Candidate(found(1, "New", "Loud"), "metal")
    again = Candidate(found(3, "New", "Loud", isrc="XX1"), "metal")
    on_another_album = Candidate(found(4, "New", "Loud", isrc="XX1"), "metal")
    placed = place([again, on_another_album], catalog)
    assert [track.id for track in placed] == [again.track.id]
    placed = place([one, Candidate(found(2, "New", "Nobody")), one], catalog)
    assert [track.id for track in placed] == [one.track.id]
    assert place([], catalog) == []
