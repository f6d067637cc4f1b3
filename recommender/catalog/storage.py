"""The interface between a catalogue and the storage of its rows.

`recommender.catalog.database` keeps them in the tables of a DuckDB file, or of memory;
`recommender.catalog.dataset` in a folder of Parquet files, here or at an address. Both have the
same rows under the same numbers, so that a catalogue answers the same from either.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

import duckdb
import numpy as np
from numpy.typing import NDArray

from recommender.catalog.nearby import TrackFilter
from recommender.catalog.plane import AXES
from recommender.errors import CatalogError

Arrays = dict[str, NDArray[Any]]

BOXES: Final = (
    "low_valence_rank, high_valence_rank, low_energy_rank, high_energy_rank, popularity, families"
)
"""The columns of the table ``blocks``."""

SEARCHED: Final = "valence_rank, energy_rank, popularity, families, decade, language, explicit"
"""The columns that `nearby.Blocks` looks at, beside the number of a track."""

PASSES: Final = """
      ($families::UBIGINT IS NULL OR families & $families::UBIGINT <> 0)
  AND families & $without_families::UBIGINT = 0
  AND (len($decades::SMALLINT[]) = 0 OR list_contains($decades::SMALLINT[], decade))
  AND (len($languages::USMALLINT[]) = 0 OR list_contains($languages::USMALLINT[], language))
  AND ($explicit::BOOLEAN OR explicit = 0)
"""
"""The condition that a track passes a filter, with the values of `filter_values`."""

_TESTS: Final[Mapping[str, str]] = {
    "genres": "families & $genres::UBIGINT <> 0",
    "without_genres": "families & $without_genres::UBIGINT = 0",
    "decades": "list_contains($decades::SMALLINT[], decade)",
    "languages": "list_contains($languages::USMALLINT[], language)",
    "explicit": "explicit = 0",
}
"""Filter → the condition that a track has to meet. Banned artists are looked up elsewhere."""

TESTED: Final = tuple(_TESTS)
"""The filters that look at the track alone, as `recommender.types.Filters` calls them."""

_SURROGATE: Final = re.compile("[\ud800-\udfff]")

COUNT_ROWS: Final = "count(*) FILTER ({})"
SUM_TRACKS: Final = "coalesce(sum(tracks) FILTER ({}), 0)::BIGINT"


class ArtistRow(NamedTuple):
    """An artist, the averages over their tracks, and how many tracks there are."""

    name: str
    valence: float
    energy: float
    valence_rank: float
    energy_rank: float
    tracks: int


class FamilyRow(NamedTuple):
    """A genre family: its bit, how many tracks have it, and what they have on average."""

    family: str
    bit: int
    tracks: int
    valence: float
    energy: float


class Storage(ABC):
    """The rows of one catalogue. Safe to share between threads: every call has its own cursor.

    Tracks are numbered from 0. Any call raises `CatalogError` if the rows that it reads are
    damaged.

    Args:
        connection: has the tables ``affectune``, ``blocks``, ``families``, ``languages`` and
            ``curves``.
        source: a file, a folder, or an address.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, source: Path | str) -> None:
        self.connection = connection
        self.source = source

    @abstractmethod
    def broken(self) -> CatalogError:
        """Return the error for damaged rows."""

    def about(self) -> tuple[int, str, int]:
        """Return how many tracks there are, their fingerprint, and how many are marked."""
        ((tracks, fingerprint, marked),) = self.rows(
            "SELECT tracks, fingerprint, marked FROM affectune", {}
        )
        return int(tracks), str(fingerprint), int(marked)

    def boxes(self) -> Arrays:
        """Return `BOXES`, each (blocks,)."""
        boxes = self.columns(f"SELECT {BOXES} FROM blocks ORDER BY rowid", {})
        return {name: np.ma.getdata(boxes[name]) for name in boxes}

    def families(self) -> list[FamilyRow]:
        """Return the genre families, the most frequent first."""
        rows = self.rows(
            "SELECT family, bit, tracks, valence, energy FROM families ORDER BY rowid", {}
        )
        return [FamilyRow(*row) for row in rows]

    def languages(self) -> dict[str, tuple[int, int]]:
        """Return language → its code in the rows and its tracks, the most frequent first."""
        rows = self.rows("SELECT language, code, tracks FROM languages ORDER BY rowid", {})
        return {language: (code, tracks) for language, code, tracks in rows}

    def curves(self) -> dict[str, tuple[list[float], list[float]]]:
        """Return axis → figures on the learned plane, ascending, and the rank of each."""
        rows = self.rows("SELECT axis, figure, position FROM curves ORDER BY axis, figure", {})
        return {
            name: (
                [figure for axis, figure, _ in rows if axis == name],
                [position for axis, _, position in rows if axis == name],
            )
            for name in AXES
        }

    @abstractmethod
    def decades(self) -> dict[int, int]:
        """Return first year of a decade, -1 for no year → tracks."""

    @abstractmethod
    def blocks(self, numbers: Sequence[int]) -> Arrays:
        """Return ``rowid`` and `SEARCHED` of the tracks of some blocks, in any order."""

    @abstractmethod
    def passing(self, track_filter: TrackFilter) -> Arrays:
        """Return number (``rowid``), ranks and popularity of every track that passes, bans aside,
        in any order: a pass over all tracks."""

    @abstractmethod
    def count_passing(self, track_filter: TrackFilter) -> int | None:
        """Return how many tracks pass, bans aside, or ``None`` where that would take a pass over
        all of them."""

    @abstractmethod
    def counts(self, tests: Sequence[str], values: Mapping[str, Any]) -> list[int]:
        """Return how many tracks pass some of `TESTED`, and how many pass all but one, for each.

        Args:
            tests: the filters.
            values: filter → what it asks for, in the numbers of the rows.
        """

    @abstractmethod
    def counts_of_artists(
        self, artists: Sequence[str], tests: Sequence[str], values: Mapping[str, Any]
    ) -> list[int]:
        """Return what `counts` does, of the tracks of some artists."""

    @abstractmethod
    def numbers_of(self, ids: Sequence[str], artists: Sequence[str]) -> set[int]:
        """Return the numbers of the tracks that have one of some ids or artists."""

    @abstractmethod
    def records(self, numbers: Sequence[int]) -> list[tuple[int, str]]:
        """Return number and record of some tracks, in any order."""

    @abstractmethod
    def records_of(self, ids: Sequence[str]) -> list[str]:
        """Return the records of the tracks with some ids, in any order."""

    @abstractmethod
    def songs(self, titles: Sequence[str], artists: Sequence[str]) -> list[tuple[int, str]]:
        """Return the best known record of some songs, as (index in what was asked, record)."""

    @abstractmethod
    def recordings(self, codes: Sequence[str]) -> list[tuple[str, str]]:
        """Return the best known record of some recordings, as (code, record)."""

    @abstractmethod
    def artist_means(self, names: Sequence[str]) -> list[ArtistRow]:
        """Return what the tracks of some artists have on average; unknown ones are left out."""

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()

    def rows(self, statement: str, values: Mapping[str, Any]) -> list[Any]:
        """Return the rows that a statement gives."""
        with self.damage_in_words(), self.connection.cursor() as cursor:
            return cursor.execute(statement, _encodable(values)).fetchall()

    def columns(self, statement: str, values: Mapping[str, Any]) -> Arrays:
        """Return the columns that a statement gives."""
        with self.damage_in_words(), self.connection.cursor() as cursor:
            columns: dict[str, Any] = cursor.execute(statement, _encodable(values)).fetchnumpy()
            return columns

    @contextmanager
    def damage_in_words(self) -> Iterator[None]:
        """Raise `broken` for any error that a damaged catalogue causes, wherever it shows.

        A valid header says nothing about the rest: a damaged block shows in the query that reads
        it, and a damaged number may be no position on the plane or no index of a list.
        """
        try:
            yield
        except (duckdb.Error, LookupError, ValueError, TypeError, ArithmeticError) as error:
            raise self.broken() from error


def _encodable(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of parameters with lone surrogates replaced, which DuckDB refuses.

    JSON from a browser can contain them. Such a text matches nothing, but the catalogue is not
    damaged.
    """
    return {name: _encodable_value(value) for name, value in values.items()}


def _encodable_value(value: Any) -> Any:
    if isinstance(value, str):
        return _SURROGATE.sub("\ufffd", value)
    if isinstance(value, list) and value and isinstance(value[0], str):
        return [_encodable_value(one) for one in value]
    return value


def filter_values(track_filter: TrackFilter) -> dict[str, Any]:
    """Return the values of the parameters of `PASSES`."""
    return {
        "families": track_filter.families,
        "without_families": track_filter.without_families,
        "decades": list(track_filter.decades),
        "languages": list(track_filter.languages),
        "explicit": track_filter.explicit,
    }


def count_statement(tests: Sequence[str], table: str, *, count: str = COUNT_ROWS) -> str:
    """Return the statement that `Storage.counts` needs.

    Args:
        tests: the filters.
        table: what is counted in, with its conditions.
        count: `COUNT_ROWS`, or `SUM_TRACKS` where a row stands for several tracks.
    """
    conditions = (
        " AND ".join(_TESTS[name] for name in tests if name != left_out) or "true"
        for left_out in (None, *tests)
    )
    return f"SELECT {', '.join(map(count.format, conditions))} FROM {table}"
