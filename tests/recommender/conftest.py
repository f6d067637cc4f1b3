from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from recommender.catalog.catalog import ENVIRONMENT, STARTER, Catalog
from recommender.catalog.importer import ImportReport, import_file
from recommender.types import Mood, Track

Writer = Callable[..., Path]
Imported = tuple[ImportReport, list[Track]]


@pytest.fixture(autouse=True)
def _no_catalog_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ENVIRONMENT, raising=False)


@pytest.fixture(scope="session")
def starter() -> Iterator[Catalog]:
    with Catalog.open(STARTER) as catalog:
        yield catalog


@pytest.fixture
def row() -> Callable[..., dict[str, Any]]:
    """Make a row of our own schema: row(3, title="x")."""

    def make(number: int, **changes: Any) -> dict[str, Any]:
        return {
            "id": f"{number:022d}",
            "title": f"Song {number}",
            "artists": f"Artist {number}",
            "genres": "folk;pop",
            "year": 2001,
            "popularity": 50,
            "valence": (number * 37 % 101) / 101,
            "energy": (number * 61 % 103) / 103,
            "danceability": 0.5,
            "acousticness": 0.5,
            "instrumentalness": 0.0,
            "tempo": 100.0,
        } | changes

    return make


@pytest.fixture
def write_csv(tmp_path: Path) -> Writer:
    """Write rows to a CSV and return its path."""

    def write(rows: list[dict[str, Any]], name: str = "table.csv") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        return path

    return write


@pytest.fixture
def track() -> Callable[..., Track]:
    """Make a track: track(title="x", position=Mood(0, 0))."""

    def make(number: int = 1, **changes: Any) -> Track:
        values: dict[str, Any] = {
            "id": f"{number:022d}",
            "title": f"Song {number}",
            "artists": (f"Artist {number}",),
            "genres": ("folk",),
            "year": 2001,
            "valence": 0.5,
            "energy": 0.5,
            "danceability": 0.5,
            "acousticness": 0.3,
            "instrumentalness": 0.0,
            "tempo": 100.0,
            "popularity": 50.0,
            "position": Mood(0.0, 0.0),
        }
        return Track(**(values | changes))

    return make


@pytest.fixture
def table_of() -> Callable[..., str]:
    """Write a table: a header and the rest of rows whose ids are 1, 2, …: table_of("id,x", "1")."""

    def make(header: str, *rows: str, mark: str = ",") -> str:
        lines = [header, *(f"{number:022d}{mark}{row}" for number, row in enumerate(rows, start=1))]
        return "\n".join(lines) + "\n"

    return make


@pytest.fixture
def imported(tmp_path: Path) -> Callable[..., Imported]:
    """Import a file's content and return the report and the tracks in the order of their ids."""

    def run(content: str | bytes, name: str = "table.csv", **options: Any) -> Imported:
        source, target = tmp_path / name, tmp_path / "imported.duckdb"
        source.write_bytes(content.encode() if isinstance(content, str) else content)
        report = import_file(source, target, **options)
        assert report.kept + report.merged + sum(report.refused.values()) == report.read
        with Catalog.open(target) as catalog:
            assert len(catalog) == report.kept
            tracks = catalog.candidates(Mood(0, 0), limit=10_000)
        return report, sorted(tracks, key=lambda track: track.id)

    return run
