"""A catalogue whose rows are in the tables of a DuckDB database: a file, or memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from recommender.catalog.check import broken
from recommender.catalog.nearby import TrackFilter
from recommender.catalog.storage import (
    PASSES,
    SEARCHED,
    Arrays,
    ArtistRow,
    Storage,
    count_statement,
    filter_values,
)
from recommender.catalog.tables import BLOCK_TRACKS, NAME, RECORDING, SONG
from recommender.errors import CatalogError

_PASSING: Final = f"""
SELECT rowid, valence_rank, energy_rank, popularity FROM tracks WHERE {PASSES}
"""

_BLOCKS: Final = f"""
SELECT rowid, {SEARCHED}
FROM tracks
WHERE rowid IN (
    SELECT {BLOCK_TRACKS} * block + place
    FROM (SELECT unnest($blocks::BIGINT[]) AS block), range({BLOCK_TRACKS}) AS places(place)
)
"""

_RECORDS: Final = (
    "SELECT rowid, record FROM tracks WHERE rowid IN (SELECT unnest($numbers::BIGINT[]))"
)

_KEYS: Final = "SELECT md5_number_lower(unnest($ids::VARCHAR[]))"

_RECORDS_OF: Final = f"SELECT record FROM tracks WHERE key IN ({_KEYS})"

_NUMBERS_OF: Final = f"""
SELECT rowid FROM tracks WHERE key IN ({_KEYS})
UNION
SELECT number FROM credits WHERE artist IN (SELECT {NAME.format("unnest($artists::VARCHAR[])")})
"""

_FOUND: Final = f"""
WITH asked AS (
    SELECT place, {SONG.format("title", "artist")} AS song FROM (
        SELECT unnest($titles::VARCHAR[]) AS title, unnest($artists::VARCHAR[]) AS artist,
               generate_subscripts($titles::VARCHAR[], 1) - 1 AS place)
), found AS (
    SELECT song, arg_max(record, (popularity, record)) AS record FROM tracks
    WHERE song IN (SELECT song FROM asked) GROUP BY song
)
SELECT place, record FROM asked JOIN found USING (song)
"""

_RECORDED: Final = f"""
WITH asked AS (
    SELECT code AS asked, {RECORDING.format("code")} AS code
    FROM (SELECT unnest($codes::VARCHAR[]) AS code)
)
SELECT asked, arg_max(record, (popularity, record))
FROM asked JOIN recordings USING (code) JOIN tracks ON tracks.rowid = recordings.number
GROUP BY asked
"""

_MEANS: Final = f"""
WITH asked AS (
    SELECT name, {NAME.format("name")} AS artist
    FROM (SELECT unnest($names::VARCHAR[]) AS name)
), theirs AS (
    SELECT DISTINCT artist, number FROM credits WHERE artist IN (SELECT artist FROM asked)
), facts AS (
    SELECT rowid AS number, valence, energy, valence_rank, energy_rank FROM tracks
    WHERE rowid IN (SELECT number FROM theirs)
), means AS (
    SELECT artist, avg(valence) AS valence, avg(energy) AS energy,
           avg(valence_rank) AS valence_rank, avg(energy_rank) AS energy_rank, count(*) AS tracks
    FROM theirs JOIN facts USING (number) GROUP BY artist
)
SELECT name, valence, energy, valence_rank, energy_rank, tracks FROM asked JOIN means USING (artist)
"""


class DatabaseStorage(Storage):
    """The tables that `recommender.catalog.tables` describes."""

    def broken(self) -> CatalogError:
        return broken(self.source)

    def decades(self) -> dict[int, int]:
        return dict(self.rows("SELECT decade, count(*) FROM tracks GROUP BY decade", {}))

    def blocks(self, numbers: Sequence[int]) -> Arrays:
        return self.columns(_BLOCKS, {"blocks": list(numbers)})

    def passing(self, track_filter: TrackFilter) -> Arrays:
        return self.columns(_PASSING, filter_values(track_filter))

    def count_passing(self, track_filter: TrackFilter) -> int | None:
        return None

    def counts(self, tests: Sequence[str], values: Mapping[str, Any]) -> list[int]:
        (found,) = self.rows(count_statement(tests, "tracks"), values)
        return list(found)

    def counts_of_artists(
        self, artists: Sequence[str], tests: Sequence[str], values: Mapping[str, Any]
    ) -> list[int]:
        # Fetch the few rows of these artists rather than compare every row.
        table = "tracks WHERE rowid IN (SELECT unnest($numbers::BIGINT[]))"
        numbers = {"numbers": list(self.numbers_of([], artists))}
        (found,) = self.rows(count_statement(tests, table), {**values, **numbers})
        return list(found)

    def numbers_of(self, ids: Sequence[str], artists: Sequence[str]) -> set[int]:
        rows = self.rows(_NUMBERS_OF, {"ids": list(ids), "artists": list(artists)})
        return {number for (number,) in rows}

    def records(self, numbers: Sequence[int]) -> list[tuple[int, str]]:
        return self.rows(_RECORDS, {"numbers": list(numbers)})

    def records_of(self, ids: Sequence[str]) -> list[str]:
        return [str(record) for (record,) in self.rows(_RECORDS_OF, {"ids": list(ids)})]

    def songs(self, titles: Sequence[str], artists: Sequence[str]) -> list[tuple[int, str]]:
        return self.rows(_FOUND, {"titles": list(titles), "artists": list(artists)})

    def recordings(self, codes: Sequence[str]) -> list[tuple[str, str]]:
        return self.rows(_RECORDED, {"codes": list(codes)})

    def artist_means(self, names: Sequence[str]) -> list[ArtistRow]:
        return [ArtistRow(*row) for row in self.rows(_MEANS, {"names": list(names)})]
