"""A catalogue of tracks on DuckDB, in-process."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import duckdb

from recommender.errors import CatalogError
from recommender.importer import FORMAT, SAFE, is_duckdb, read_table
from recommender.types import Filters, Mood, Track

STARTER: Final = Path(__file__).parent / "data" / "starter.csv"
"""The catalogue that ships with the package."""

ENVIRONMENT: Final = "AFFECTUNE_CATALOG"
"""The environment variable that names another catalogue."""

EVERYTHING: Final = Filters()
"""Leaves nothing out."""

_COLUMNS: Final = (
    "id, title, artists, genres, year, valence, energy, danceability, acousticness, "
    "instrumentalness, tempo, popularity, pleasant, lively, explicit, duration_ms, language"
)

_FAME: Final = 0.10
"""How much further away on the plane the best known track may lie than one that nobody knows and
still be looked at first: without it a large catalogue would answer with obscurities only."""

_REACH: Final = 0.25
"""Around each place only tracks within this distance on both axes are compared at first, which
is a twentieth of the work; where that finds too few, all are."""

_NEAREST: Final = f"""
WITH places AS (
    SELECT unnest($valences::FLOAT[]) AS v, unnest($arousals::FLOAT[]) AS a
), allowed AS (
    SELECT rowid AS number, pleasant, lively, {_FAME} * popularity / 100 AS fame FROM tracks
    WHERE (len($genres::VARCHAR[]) = 0 OR list_has_any(genres, $genres::VARCHAR[]))
      AND NOT list_has_any(genres, $without_genres::VARCHAR[])
      AND (len($without_artists::VARCHAR[]) = 0
           OR NOT list_has_any(list_transform(artists, lambda x: lower(x)), $without_artists))
      AND (len($decades::INTEGER[]) = 0 OR list_contains($decades, year - year % 10))
      AND (len($languages::VARCHAR[]) = 0 OR list_contains($languages, language))
      AND ($explicit::BOOLEAN OR NOT coalesce(explicit, false))
      AND id NOT IN (SELECT unnest($exclude::VARCHAR[]))
)
SELECT arg_min(
    number, sqrt((pleasant - v) * (pleasant - v) + (lively - a) * (lively - a)) - fame, $limit
)
FROM allowed, places
WHERE abs(pleasant - v) <= $reach AND abs(lively - a) <= $reach
GROUP BY v, a
"""

_NUMBERED: Final = f"""
SELECT {_COLUMNS} FROM tracks WHERE rowid IN (SELECT unnest($numbers::BIGINT[])) ORDER BY id
"""


class Catalog:
    """Tracks to choose from. Safe to share between threads: every call has its own cursor.

    Use `open` or `open_or_starter` to get one; close it, or use it as a context manager.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, source: Path) -> None:
        self._connection = connection
        self.source = source

    @classmethod
    def open(cls, path: Path | str | None = None) -> Catalog:
        """Open a catalogue.

        Args:
            path: a file that ``python -m recommender import`` wrote, or a CSV or Parquet table
                that it could read (which is then read into memory). By default what the
                environment variable ``AFFECTUNE_CATALOG`` names, else the starter catalogue.

        Raises:
            CatalogError: the file is missing, broken or lacks columns; the message says which.
        """
        source = Path(path or os.environ.get(ENVIRONMENT) or STARTER).expanduser().absolute()
        if not source.is_file():
            raise CatalogError(f"There is no catalogue file {source}.")
        connection = _attach(source) if is_duckdb(source) else _read(source)
        return cls(connection, source)

    def candidates(
        self,
        mood: Mood,
        *,
        filters: Filters = EVERYTHING,
        limit: int = 100,
        exclude: Collection[str] = (),
    ) -> list[Track]:
        """Return the tracks nearest to a mood, well known ones a little sooner.

        Args:
            mood: the place on the plane.
            filters: what is let in.
            limit: how many at most, 1 or more.
            exclude: ids to leave out.
        """
        return self.candidates_along((mood,), filters=filters, limit=limit, exclude=exclude)

    def candidates_along(
        self,
        moods: Collection[Mood],
        *,
        filters: Filters = EVERYTHING,
        limit: int = 100,
        exclude: Collection[str] = (),
    ) -> list[Track]:
        """Return the tracks nearest to any of several moods, each once, in the order of ids.

        Args:
            moods: places on the plane, at least one.
            filters, exclude: as in `candidates`.
            limit: how many for each of the moods.
        """
        places = sorted({(mood.valence, mood.arousal) for mood in moods})
        if not places or limit < 1:
            raise ValueError(f"Incorrect value for 'limit' argument: {limit!r}: 1 or more")
        values = {
            "valences": [valence for valence, _ in places],
            "arousals": [arousal for _, arousal in places],
            "genres": list(filters.genres),
            "without_genres": list(filters.without_genres),
            "without_artists": [name.casefold() for name in filters.without_artists],
            "decades": list(filters.decades),
            "languages": list(filters.languages),
            "explicit": filters.explicit,
            "exclude": list(exclude),
            "limit": limit,
        }
        found = self._rows(_NEAREST, {**values, "reach": _REACH})
        if len(found) < len(places) or any(len(numbers) < limit for (numbers,) in found):
            found = self._rows(_NEAREST, {**values, "reach": 2.0})
        numbers = sorted({number for (numbers,) in found for number in numbers})
        return [_track(row) for row in self._rows(_NUMBERED, {"numbers": numbers})]

    def get(self, track_id: str) -> Track | None:
        """Return the track with an id, or ``None`` where the catalogue has none."""
        rows = self._rows(f"SELECT {_COLUMNS} FROM tracks WHERE id = $id", {"id": track_id})
        return _track(rows[0]) if rows else None

    def genres(self) -> tuple[str, ...]:
        """Return the genre families that its tracks have, the most frequent first."""
        return self._genres

    def __len__(self) -> int:
        return self._length

    def close(self) -> None:
        """Let go of the file. A closed catalogue answers nothing."""
        self._connection.close()

    def __enter__(self) -> Catalog:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @cached_property
    def _genres(self) -> tuple[str, ...]:
        rows = self._rows(
            "SELECT genre, count(*) FROM (SELECT unnest(genres) AS genre FROM tracks) "
            "GROUP BY genre ORDER BY 2 DESC, 1",
            {},
        )
        return tuple(str(row[0]) for row in rows)

    @cached_property
    def _length(self) -> int:
        return int(self._rows("SELECT count(*) FROM tracks", {})[0][0])

    def _rows(self, statement: str, values: dict[str, Any]) -> list[Any]:
        with self._connection.cursor() as cursor:
            return cursor.execute(statement, values).fetchall()


def open_or_starter(path: Path | str | None = None) -> tuple[Catalog, str | None]:
    """Open a catalogue, or the starter catalogue and the sentence that says why.

    Args:
        path: as in `Catalog.open`.

    Returns:
        The catalogue, and ``None`` or what was wrong with the one that was asked for.
    """
    try:
        return Catalog.open(path), None
    except CatalogError as error:
        return Catalog.open(STARTER), f"{error} The starter catalogue plays instead."


def _attach(source: Path) -> duckdb.DuckDBPyConnection:
    try:
        connection = duckdb.connect(str(source), read_only=True, config=dict(SAFE))
    except duckdb.Error as error:
        raise CatalogError(f"The catalogue file {source} is broken; import it again.") from error
    try:
        version = connection.execute("SELECT format FROM affectune").fetchall()[0][0]
        # Fails where a column is lacking.
        connection.execute(f"SELECT {_COLUMNS} FROM tracks LIMIT 1").fetchall()
    except (duckdb.Error, IndexError) as error:
        connection.close()
        raise CatalogError(
            f"{source} is no catalogue of Affectune: it lacks the columns {_COLUMNS}. "
            "Make one with: python -m recommender import FILE"
        ) from error
    if version != FORMAT:
        connection.close()
        raise CatalogError(
            f"{source} was written by another version of Affectune (format {version}, "
            f"not {FORMAT}); import it again."
        )
    return connection


def _read(source: Path) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(config=dict(SAFE))
    try:
        read_table(connection, source)
    except CatalogError:
        connection.close()
        raise
    return connection


def _track(row: Sequence[Any]) -> Track:
    return Track(
        id=row[0],
        title=row[1],
        artists=tuple(row[2]),
        genres=tuple(row[3]),
        year=row[4],
        valence=row[5],
        energy=row[6],
        danceability=row[7],
        acousticness=row[8],
        instrumentalness=row[9],
        tempo=row[10],
        popularity=row[11],
        position=Mood(row[12], row[13]),
        explicit=row[14],
        duration_ms=row[15],
        language=row[16],
    )
