from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import duckdb
import pytest

from recommender.catalog import ENVIRONMENT, STARTER, Catalog, open_or_starter
from recommender.errors import CatalogError
from recommender.importer import import_file
from recommender.types import Filters, Mood

Row = Callable[..., dict[str, Any]]
Writer = Callable[..., Path]


def test_the_starter_opens_by_default() -> None:
    with Catalog.open() as catalog:
        assert catalog.source == STARTER
        assert len(catalog) > 1900


def test_the_environment_names_another(
    row: Row, write_csv: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_csv([row(1), row(2)])
    monkeypatch.setenv(ENVIRONMENT, str(path))
    with Catalog.open() as catalog:
        assert (catalog.source, len(catalog)) == (path, 2)


def test_positions_are_middle_ranks_within_the_catalogue(row: Row, write_csv: Writer) -> None:
    valences = [0.5, 0.6, 0.6, 0.9]
    rows = [row(number, valence=v, energy=0.3) for number, v in enumerate(valences)]
    with Catalog.open(write_csv(rows)) as catalog:
        tracks = [catalog.get(f"{number:022d}") for number in range(4)]
    found = [track.position.valence for track in tracks if track]
    assert found == pytest.approx([-0.75, 0.0, 0.0, 0.75])
    assert {track.position.arousal for track in tracks if track} == {0.0}


def test_a_single_track_lies_in_the_middle(row: Row, write_csv: Writer) -> None:
    with Catalog.open(write_csv([row(1)])) as catalog:
        (only,) = catalog.candidates(Mood(1, 1))
    assert only.position == Mood(0, 0)


def test_candidates_are_the_nearest(starter: Catalog) -> None:
    here = Mood(-0.4, 0.6)
    found = starter.candidates(here, limit=50)
    everything = starter.candidates(here, limit=10_000)
    assert len(found) == len({track.id for track in found}) == 50
    assert len(everything) == len(starter)
    # Fame moves a track by a tenth of the plane at most.
    furthest = max(track.position.distance(here) for track in found)
    ids = {track.id for track in found}
    left_out = [track.position.distance(here) for track in everything if track.id not in ids]
    assert min(left_out) > furthest - 0.1


def test_candidates_keep_to_genres_and_leave_out_ids(starter: Catalog) -> None:
    jazz = starter.candidates(Mood(0, 0), filters=Filters(genres=("jazz",)), limit=10_000)
    assert len(jazz) > 20
    assert all("jazz" in track.genres for track in jazz)
    both = starter.candidates(Mood(0, 0), filters=Filters(genres=("jazz", "k-pop")), limit=10_000)
    assert {family for track in both for family in track.genres} >= {"jazz", "k-pop"}
    rest = starter.candidates(
        Mood(0, 0),
        filters=Filters(genres=("jazz",)),
        limit=10_000,
        exclude={track.id for track in jazz[:10]},
    )
    assert rest == jazz[10:]


def test_candidates_along_a_journey_come_once_each(starter: Catalog) -> None:
    moods = [Mood(0, 0), Mood(0, 0), Mood(0.02, 0), Mood(0.9, 0.9)]
    found = starter.candidates_along(moods, limit=30)
    assert len(found) == len({track.id for track in found}) <= 90
    assert [track.id for track in found] == sorted(track.id for track in found)


@pytest.mark.parametrize("limit", [0, -3])
def test_a_limit_below_one_is_refused(starter: Catalog, limit: int) -> None:
    with pytest.raises(ValueError, match=f"{limit}: 1 or more"):
        starter.candidates(Mood(0, 0), limit=limit)


def test_sql_in_an_argument_finds_nothing_and_breaks_nothing(starter: Catalog) -> None:
    evil = "'; DROP TABLE tracks; --"
    assert starter.get(evil) is None
    assert starter.candidates(Mood(0, 0), filters=Filters(genres=(evil,))) == []
    assert len(starter.candidates(Mood(0, 0), exclude=[evil], limit=5)) == 5


def test_many_threads_may_ask_at_once(starter: Catalog) -> None:
    moods = [Mood(v / 10, -v / 10) for v in range(-10, 11)] * 3
    alone = [starter.candidates(mood, limit=20) for mood in moods]
    with ThreadPoolExecutor(8) as threads:
        together = list(threads.map(lambda mood: starter.candidates(mood, limit=20), moods))
    assert together == alone


def test_a_catalogue_is_read_only(row: Row, write_csv: Writer, tmp_path: Path) -> None:
    target = tmp_path / "c.duckdb"
    import_file(write_csv([row(1)]), target)
    with Catalog.open(target) as first, Catalog.open(target) as second:
        assert len(first) == len(second) == 1


def _broken(tmp_path: Path) -> dict[str, Path]:
    paths = {
        name: tmp_path / name for name in ("none", "text", "other.duckdb", "old.duckdb", "cut")
    }
    paths["text"].write_text("hello\nworld\n")
    with duckdb.connect(str(paths["other.duckdb"])) as connection:
        connection.execute("CREATE TABLE tracks AS SELECT 1 AS id")
        connection.execute("CREATE TABLE affectune AS SELECT 1 AS format")
    import_file(STARTER, paths["old.duckdb"])
    with duckdb.connect(str(paths["old.duckdb"])) as connection:
        connection.execute("UPDATE affectune SET format = 0")
    whole = tmp_path / "whole.duckdb"
    import_file(STARTER, whole)
    paths["cut"].write_bytes(whole.read_bytes()[:5000])
    return paths | {"folder": tmp_path}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("none", "There is no catalogue file"),
        ("folder", "There is no catalogue file"),
        ("text", "lacks the columns id, title, artists, valence, energy"),
        ("other.duckdb", "lacks the columns id, title, artists, genres"),
        ("old.duckdb", "another version"),
        ("cut", "is broken"),
    ],
)
def test_a_catalogue_that_cannot_be_used_says_why_and_the_starter_goes_on(
    name: str, said: str, tmp_path: Path
) -> None:
    path = _broken(tmp_path)[name]
    with pytest.raises(CatalogError, match=said) as caught:
        Catalog.open(path)
    assert "\n" not in str(caught.value)
    catalog, note = open_or_starter(path)
    with catalog:
        assert catalog.source == STARTER
        assert note is not None
        assert said in note
        assert note.endswith("The starter catalogue plays instead.")


def test_a_catalogue_that_can_be_used_comes_without_a_note(row: Row, write_csv: Writer) -> None:
    catalog, note = open_or_starter(write_csv([row(1)]))
    with catalog:
        assert (len(catalog), note) == (1, None)
