"""A catalogue whose rows are in many Parquet files: a folder, or an address.

A single file of ten million tracks is slow to copy between machines, and each server needs its own
copy. Parquet files can lie on a shared disk or in an object store, and a query reads only the row
groups that it needs, found by block number or by sorted hashes (`recommender.catalog.manifest`
describes the layout).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import duckdb
import numpy as np
from numpy.typing import NDArray

from recommender.catalog.check import LOCKED
from recommender.catalog.importer import SAFE
from recommender.catalog.locations import FolderLocation, Location, RemoteLocation
from recommender.catalog.manifest import (
    BLOCKS_PER_FILE,
    LAYOUT,
    TRACKS_PER_FILE,
    Manifest,
    ManifestError,
    file_name,
    parse,
    versions_of,
)
from recommender.catalog.nearby import TrackFilter
from recommender.catalog.plane import default_plane
from recommender.catalog.progress import silence
from recommender.catalog.storage import (
    PASSES,
    SEARCHED,
    SUM_TRACKS,
    Arrays,
    ArtistRow,
    Storage,
    count_statement,
    filter_values,
)
from recommender.catalog.tables import BLOCK_TRACKS, FORMAT, NAME, RECORDING, SONG, track_of
from recommender.errors import CatalogError

_MANY: Final[dict[str, str | bool | int | float | list[str]]] = {
    "dynamic_or_filter_threshold": "100000"
}
"""A query for up to this many numbers or hashes skips the row groups that hold none of them. DuckDB
1 has this setting for single cursors only: there, a query for more than 50 reads more than it
needs."""

_READ: Final = "read_parquet($files::VARCHAR[], hive_partitioning = false)"

_SMALL: Final[Mapping[str, str]] = {
    "boxes": "low_valence_rank::FLOAT AS low_valence_rank, "
    "high_valence_rank::FLOAT AS high_valence_rank, low_energy_rank::FLOAT AS low_energy_rank, "
    "high_energy_rank::FLOAT AS high_energy_rank, popularity::DOUBLE AS popularity, "
    "families::UBIGINT AS families",
    "families": "family::VARCHAR AS family, bit::INTEGER AS bit, tracks::BIGINT AS tracks, "
    "valence::DOUBLE AS valence, energy::DOUBLE AS energy",
    "languages": "language::VARCHAR AS language, code::BIGINT AS code, tracks::BIGINT AS tracks",
    "curves": "axis::VARCHAR AS axis, figure::DOUBLE AS figure, position::DOUBLE AS position",
    "facets": "families::UBIGINT AS families, decade::SMALLINT AS decade, "
    "language::USMALLINT AS language, explicit::UTINYINT AS explicit, tracks::BIGINT AS tracks",
}
"""The small tables and their columns."""

_TABLES: Final = {"boxes": "blocks"}
"""Small table → its name in memory, if that differs."""

_CHECK: Final = f"""
SELECT (SELECT count(*) FROM blocks) AS blocks,
       (SELECT sum(tracks) FROM facets) AS tracks,
       (SELECT count(*) FROM families WHERE NOT bit BETWEEN 0 AND 63) AS bad_bits,
       (SELECT count(*) - count(DISTINCT bit) FROM families) AS double_bits,
       (SELECT count(DISTINCT axis) FROM curves WHERE axis IN ('valence', 'arousal')) AS axes,
       {
    " + ".join(
        f"(SELECT count(*) FROM {table}) - "
        f"(SELECT count(*) FROM {table} WHERE COLUMNS(*) IS NOT NULL)"
        for table in ("blocks", "families", "languages", "curves", "facets")
    )
} AS gaps
"""

_BLOCKS: Final = f"""
SELECT number AS rowid, {SEARCHED} FROM {_READ}
WHERE block IN (SELECT unnest($blocks::INTEGER[]))
"""

_PASSING: Final = f"""
SELECT number AS rowid, valence_rank, energy_rank, popularity FROM {_READ} WHERE {PASSES}
"""

_RECORDS: Final = f"""
SELECT number, record FROM {_READ} WHERE number IN (SELECT unnest($numbers::INTEGER[]))
"""

_NUMBERS: Final = f"""
SELECT hash, number FROM {_READ} WHERE hash IN (SELECT unnest($hashes::UBIGINT[]))
"""

_ARTISTS: Final = f"""
SELECT DISTINCT hash, number, valence, energy, valence_rank, energy_rank FROM {_READ}
WHERE hash IN (SELECT unnest($hashes::UBIGINT[]))
"""

_MEANS: Final = f"""
SELECT hash, avg(valence), avg(energy), avg(valence_rank), avg(energy_rank), count(*)
FROM ({_ARTISTS}) GROUP BY hash
"""

_THEIRS: Final = f"""(
    SELECT DISTINCT number, families, decade, language, explicit FROM {_READ}
    WHERE hash IN (SELECT unnest($hashes::UBIGINT[]))
)"""

_FACETS: Final = f"SELECT coalesce(sum(tracks), 0)::BIGINT FROM facets WHERE {PASSES}"

_DECADES: Final = "SELECT decade, sum(tracks)::BIGINT FROM facets GROUP BY decade"

_HASHES: Final[Mapping[str, str]] = {
    "ids": "SELECT md5_number_lower(unnest($texts::VARCHAR[]))",
    "artists": f"SELECT {NAME.format('unnest($texts::VARCHAR[])')}",
    "recordings": f"SELECT md5_number_lower({RECORDING.format('unnest($texts::VARCHAR[])')})",
}
"""The hashes of some texts, in their order."""

_SONGS: Final = f"""
SELECT {SONG.format("title", "artist")} FROM (
    SELECT unnest($titles::VARCHAR[]) AS title, unnest($artists::VARCHAR[]) AS artist
)
"""


def open_dataset(place: Path | str) -> DatasetStorage:
    """Open a catalogue in a folder or at an address, read-only.

    DuckDB can reach nothing but its files from then on.

    Raises:
        CatalogError: there is none, it is damaged, incomplete, or of another version.
    """
    where: Location = FolderLocation(place) if isinstance(place, Path) else RemoteLocation(place)
    text = where.manifest()
    if text is None:
        what = "There is no catalogue at" if isinstance(place, str) else "There is no catalogue in"
        raise CatalogError(f"{what} {where.source}. Make one with {where.command}.")
    manifest = _manifest(text, where)
    _check_files(manifest, where)
    connection, prefix = _connect(manifest, where)
    return DatasetStorage(connection, where, manifest, prefix)


def _manifest(text: bytes, where: Location) -> Manifest:
    try:
        versions = versions_of(text)
        if versions != (FORMAT, LAYOUT):
            raise CatalogError(
                f"The catalogue {where.source} was written by another version of Affectune (format "
                f"{versions[0]!r:.20}, layout {versions[1]!r:.20}, not {FORMAT} and {LAYOUT}); "
                f"import the table again with {where.command}."
            )
        manifest = parse(text)
    except ManifestError as error:
        raise _broken(where) from error
    if manifest.plane != default_plane().fingerprint:
        raise CatalogError(
            f"The tracks of {where.source} were placed on the mood plane by another version of "
            f"Affectune; import the table again with {where.command}."
        )
    return manifest


def _check_files(manifest: Manifest, where: Location) -> None:
    """Compare the names and sizes of the files with those in the manifest."""
    there = where.sizes(manifest.snapshot)
    if there is None:
        return
    for name, size in manifest.files().items():
        if there.get(name) != size:
            what = "is damaged" if name in there else "is missing"
            raise CatalogError(
                f"The catalogue {where.source} is incomplete: its file {name} {what}; import the "
                f"table again with {where.command}."
            )


def _connect(manifest: Manifest, where: Location) -> tuple[duckdb.DuckDBPyConnection, str]:
    """Return a connection with the small tables, and the prefix of the names of files."""
    settings = {**SAFE, "memory_limit": LOCKED["memory_limit"]}
    if where.threads is not None:
        settings["threads"] = where.threads
    try:
        connection = duckdb.connect(config={**settings, **_MANY})
    except duckdb.InvalidInputException:
        connection = duckdb.connect(config=settings)
    silence(connection)
    try:
        prefix = where.mount(connection, manifest.snapshot, manifest.files())
        # Cache what is known of a file's row groups instead of reading it for every query.
        connection.execute("SET parquet_metadata_cache = true")
        quoted = (path.replace("'", "''") for path in where.allowed(manifest.snapshot))
        allowed = ", ".join(f"'{path}'" for path in quoted)
        connection.execute(f"SET allowed_directories = [{allowed}]")
        for setting, value in LOCKED.items():
            if setting not in (*SAFE, "memory_limit", "lock_configuration"):
                connection.execute(f"SET {setting} = {value}")
        connection.execute("SET lock_configuration = true")
        for table, columns in _SMALL.items():
            connection.execute(
                f"CREATE TABLE {_TABLES.get(table, table)} AS SELECT {columns} FROM {_READ}",
                {"files": [prefix + file_name(table, 0)]},
            )
        connection.execute(
            "CREATE TABLE affectune AS SELECT $tracks::BIGINT AS tracks, "
            "$fingerprint::VARCHAR AS fingerprint, $marked::BIGINT AS marked",
            {
                "tracks": manifest.tracks,
                "fingerprint": manifest.fingerprint,
                "marked": manifest.marked,
            },
        )
        row: tuple[int | None, ...] = connection.execute(_CHECK).fetchall()[0]
    except (duckdb.Error, OSError, RuntimeError, ValueError) as error:
        connection.close()
        raise _broken(where) from error
    blocks, tracks, bad_bits, double_bits, axes, gaps = row
    counted = tracks == manifest.tracks and blocks == -(-manifest.tracks // BLOCK_TRACKS)
    if not counted or axes != 2 or bad_bits or double_bits or gaps:
        connection.close()
        raise _broken(where)
    return connection, prefix


def _broken(where: Location) -> CatalogError:
    return CatalogError(
        f"The catalogue {where.source} is broken or cannot be read; import it again with "
        f"{where.command}.",
        source=where.source,
    )


class DatasetStorage(Storage):
    """The files that `recommender.catalog.manifest` describes.

    Args:
        connection: has the small tables in memory, and may read the files.
        where: the folder or address.
        manifest: the description of its files.
        prefix: goes before the names of its files.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        where: Location,
        manifest: Manifest,
        prefix: str,
    ) -> None:
        super().__init__(connection, where.source)
        self._where, self._manifest, self._prefix = where, manifest, prefix

    def broken(self) -> CatalogError:
        return _broken(self._where)

    def decades(self) -> dict[int, int]:
        return dict(self.rows(_DECADES, {}))

    def blocks(self, numbers: Sequence[int]) -> Arrays:
        files = self._files("blocks", {number // BLOCKS_PER_FILE for number in numbers})
        columns = self.columns(_BLOCKS, {"files": files, "blocks": list(numbers)})
        tracks = sum(
            min(BLOCK_TRACKS, self._manifest.tracks - number * BLOCK_TRACKS) for number in numbers
        )
        self._check_rows(len(columns["rowid"]), tracks)
        return columns

    def passing(self, track_filter: TrackFilter) -> Arrays:
        places: Iterable[int] = range(len(self._manifest.sizes["blocks"]))
        if track_filter.families is not None:
            wanted = np.uint64(track_filter.families)
            places = np.flatnonzero(self._families_by_file & wanted).tolist()
        files = self._files("blocks", places)
        # If no file can have a match, query one anyway: the empty result has the right columns.
        files = files or self._files("blocks", [0])
        columns = self.columns(_PASSING, {"files": files, **filter_values(track_filter)})
        self._check_rows(len(columns["rowid"]), self.count_passing(track_filter))
        return columns

    def count_passing(self, track_filter: TrackFilter) -> int:
        ((count,),) = self.rows(_FACETS, filter_values(track_filter))
        return int(count)

    def counts(self, tests: Sequence[str], values: Mapping[str, Any]) -> list[int]:
        (found,) = self.rows(count_statement(tests, "facets", count=SUM_TRACKS), values)
        return list(found)

    def counts_of_artists(
        self, artists: Sequence[str], tests: Sequence[str], values: Mapping[str, Any]
    ) -> list[int]:
        hashes = self._hashes("artists", artists)
        files = self._files_with("artists", hashes)
        if not files:
            return [0] * (1 + len(tests))
        asked = {"files": files, "hashes": hashes}
        (found,) = self.rows(count_statement(tests, _THEIRS), {**values, **asked})
        return list(found)

    def numbers_of(self, ids: Sequence[str], artists: Sequence[str]) -> set[int]:
        return {
            number
            for index, texts in (("ids", ids), ("artists", artists))
            for _, number in self._look_up(index, self._hashes(index, texts))
        }

    def records(self, numbers: Sequence[int]) -> list[tuple[int, str]]:
        if not numbers:
            return []
        files = self._files("records", {number // TRACKS_PER_FILE for number in numbers})
        rows = self.rows(_RECORDS, {"files": files, "numbers": list(numbers)})
        self._check_rows(len(rows), len(numbers))
        return rows

    def records_of(self, ids: Sequence[str]) -> list[str]:
        found = self._look_up("ids", self._hashes("ids", ids))
        return [record for _, record in self.records(sorted({number for _, number in found}))]

    def songs(self, titles: Sequence[str], artists: Sequence[str]) -> list[tuple[int, str]]:
        asked = self.rows(_SONGS, {"titles": list(titles), "artists": list(artists)})
        hashes = [hashed for (hashed,) in asked]
        best = self._best_known("songs", hashes)
        return [(place, best[hashed]) for place, hashed in enumerate(hashes) if hashed in best]

    def recordings(self, codes: Sequence[str]) -> list[tuple[str, str]]:
        hashes = self._hashes("recordings", codes)
        best = self._best_known("recordings", hashes)
        return [
            (code, best[hashed])
            for code, hashed in zip(codes, hashes, strict=True)
            if hashed in best
        ]

    def artist_means(self, names: Sequence[str]) -> list[ArtistRow]:
        hashes = self._hashes("artists", names)
        files = self._files_with("artists", hashes)
        if not files:
            return []
        rows = self.rows(_MEANS, {"files": files, "hashes": hashes})
        means = {hashed: means for hashed, *means in rows}
        return [
            ArtistRow(name, *means[hashed])
            for name, hashed in zip(names, hashes, strict=True)
            if hashed in means
        ]

    @cached_property
    def _families_by_file(self) -> NDArray[np.uint64]:
        """Bits of the families that some track in a file of blocks has: (files,)."""
        families = self.boxes()["families"]
        starts = np.arange(0, len(families), BLOCKS_PER_FILE)
        return np.bitwise_or.reduceat(families, starts)

    def _check_rows(self, there: int, wanted: int) -> None:
        """Compare the number of rows found with the number that there must be.

        Raises:
            CatalogError: they differ: the files are not those that the manifest describes.
        """
        if there != wanted:
            raise self.broken()

    def _best_known(self, index: str, hashes: Sequence[int]) -> dict[int, str]:
        """Return hash → the record of the best known track that has it."""
        found = self._look_up(index, hashes)
        records = dict(self.records(sorted({number for _, number in found})))
        candidates: defaultdict[int, list[str]] = defaultdict(list)
        with self.damage_in_words():
            for hashed, number in found:
                candidates[hashed].append(records[number])
            return {
                hashed: max(several, key=lambda record: (track_of(record).popularity, record))
                for hashed, several in candidates.items()
            }

    def _hashes(self, index: str, texts: Sequence[str]) -> list[int]:
        """Return the hashes of some texts, in their order."""
        if not texts:
            return []
        return [hashed for (hashed,) in self.rows(_HASHES[index], {"texts": list(texts)})]

    def _look_up(self, index: str, hashes: Sequence[int]) -> list[tuple[int, int]]:
        """Return hash and number of the tracks that have one of some hashes."""
        files = self._files_with(index, hashes)
        if not files:
            return []
        return self.rows(_NUMBERS, {"files": files, "hashes": list(hashes)})

    def _files_with(self, index: str, hashes: Sequence[int]) -> list[str]:
        """Return the files of an index in which some hashes may be."""
        first = self._manifest.first[index]
        places = {
            place
            for hashed in hashes
            # A hash that begins a file may also end the previous one.
            for place in range(max(0, bisect_left(first, hashed) - 1), bisect_right(first, hashed))
        }
        return self._files(index, places)

    def _files(self, table: str, places: Iterable[int]) -> list[str]:
        return [self._prefix + file_name(table, place) for place in sorted(places)]
