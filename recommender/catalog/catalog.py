"""A catalogue of tracks on DuckDB, in-process."""

from __future__ import annotations

import os
import tempfile
from collections import OrderedDict
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Any, Final

import duckdb
import numpy as np
from numpy.typing import NDArray

from recommender.catalog.check import TABLES, broken, open_file, shut_off
from recommender.catalog.importer import SAFE, import_file, is_duckdb, read_table
from recommender.catalog.nearby import (
    Blocks,
    Numbers,
    TrackFilter,
    in_sorted,
    nearest,
    ready,
    score,
)
from recommender.catalog.plane import AXES, default_plane
from recommender.catalog.progress import silence
from recommender.catalog.tables import BLOCK_TRACKS, NAME, RECORDING, SONG, track_of
from recommender.errors import CatalogError
from recommender.loosening import Passing, active
from recommender.types import EVERYTHING, Filters, Mood, Track

STARTER: Final = Path(__file__).parents[1] / "data" / "starter.csv"
"""The catalogue that ships with the package."""

ENVIRONMENT: Final = "AFFECTUNE_CATALOG"
"""The environment variable that names another catalogue."""

LARGE_TABLE_BYTES: Final = 64 << 20
"""Bytes from which on a table is not read into memory but into a temporary catalogue."""

_SCANNED_TRACKS: Final = 8192
"""Where filters leave fewer tracks than this, or than 1 of `_SCANNED_PART` of the catalogue, all
that pass are fetched: one quick pass over a few columns, where a search from block to block would
find next to nothing in each."""

_SCANNED_PART: Final = 64

_MIN_SEARCHED_BLOCKS: Final = 64
"""A search that filters out more than expected looks at this many blocks, or a quarter of all if
that is more, before it turns to the pass over all tracks."""

_MAX_CACHED_SCANS: Final = 4
"""How many such passes are remembered, for those who ask for another set."""

_MAX_CACHED_COUNTS: Final = 64
"""How many counts of what passes filters are remembered."""

REMEMBERED_TRACKS: Final = 16384
"""How many tracks are remembered: the best known come again and again."""

_PASSING: Final = """
SELECT rowid, valence_rank, energy_rank, popularity FROM tracks
WHERE ($families::UBIGINT IS NULL OR families & $families::UBIGINT <> 0)
  AND families & $without_families::UBIGINT = 0
  AND (len($decades::SMALLINT[]) = 0 OR list_contains($decades::SMALLINT[], decade))
  AND (len($languages::USMALLINT[]) = 0 OR list_contains($languages::USMALLINT[], language))
  AND ($explicit::BOOLEAN OR explicit = 0)
"""

_TESTS: Final[Mapping[str, str]] = {
    "genres": "families & $genres::UBIGINT <> 0",
    "without_genres": "families & $without_genres::UBIGINT = 0",
    "decades": "list_contains($decades::SMALLINT[], decade)",
    "languages": "list_contains($languages::USMALLINT[], language)",
    "explicit": "explicit = 0",
}
"""What a track passes, by filter; bans are another table's."""

_BLOCKS: Final = f"""
SELECT rowid, valence_rank, energy_rank, popularity, families, decade, language, explicit
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

_BANNED: Final = f"""
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


@dataclass(frozen=True, slots=True)
class Means:
    """What some tracks usually have.

    Attributes:
        valence, energy: the means of what was measured, 0-1.
        position: where they lie on the mood plane.
        tracks: how many they are.
    """

    valence: float
    energy: float
    position: Mood
    tracks: int


class Catalog:
    """Tracks to choose from. Safe to share between threads: every call has its own cursor.

    Any call raises `CatalogError` where the file turns out to be damaged.

    Use `open` or `open_or_starter` to get one; close it, or use it as a context manager.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, source: Path) -> None:
        self._connection = connection
        self.source = source
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._lock = Lock()
        self._read_tracks: OrderedDict[int, Track] = OrderedDict()
        self._passed: OrderedDict[TrackFilter, dict[str, NDArray[Any]]] = OrderedDict()
        self._counted: OrderedDict[Filters, Passing] = OrderedDict()
        about = self._rows("SELECT tracks, fingerprint, marked FROM affectune", {})
        self._length, self._fingerprint = int(about[0][0]), str(about[0][1])
        self._marked = int(about[0][2])

    @classmethod
    def open(cls, path: Path | str | None = None) -> Catalog:
        """Open a catalogue.

        Args:
            path: a file that ``python -m recommender import`` wrote, or a CSV or Parquet table
                that it could read, which is then imported for as long as it is open: into
                memory, or if it is large into a temporary file. By default what the
                environment variable ``AFFECTUNE_CATALOG`` names, else the starter catalogue.

        Raises:
            CatalogError: the file is missing, broken or lacks columns; the message says which.
        """
        source = Path(path or os.environ.get(ENVIRONMENT) or STARTER).expanduser().absolute()
        if not source.is_file():
            raise CatalogError(f"There is no catalogue file {source}.")
        if is_duckdb(source):
            return cls(open_file(source), source)
        if source.stat().st_size < LARGE_TABLE_BYTES:
            return cls(_read(source), source)
        folder = tempfile.TemporaryDirectory(prefix="affectune-")
        try:
            built = Path(folder.name) / "catalog.duckdb"
            import_file(source, built)
            catalog = cls(open_file(built), source)
        except CatalogError:
            folder.cleanup()
            raise
        catalog._folder = folder
        return catalog

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
        track_filter = self._track_filter(filters, exclude)
        if track_filter is None:
            return []
        return sorted(
            self._tracks(self._nearest(places, track_filter, limit).tolist()),
            key=lambda track: track.id,
        )

    def _nearest(
        self, places: Sequence[tuple[float, float]], track_filter: TrackFilter, limit: int
    ) -> Numbers:
        if self._passing_at_most(track_filter) > max(_SCANNED_TRACKS, len(self) // _SCANNED_PART):
            with self._damage_in_words():
                found = self._blocks.nearest(
                    places,
                    track_filter,
                    limit,
                    max_blocks=max(_MIN_SEARCHED_BLOCKS, len(self._blocks) // 4)
                    if track_filter.selective
                    else None,
                )
            if found is not None:
                return found
        columns = self._passing(replace(track_filter, banned=()))
        numbers = columns["rowid"]
        if track_filter.banned:
            kept = np.flatnonzero(~in_sorted(numbers, np.array(track_filter.banned)))
            numbers, columns = numbers[kept], {name: columns[name][kept] for name in columns}
        return np.unique(
            np.concatenate([nearest(score(columns, place), numbers, limit)[1] for place in places])
        )

    def passing(self, filters: Filters) -> Passing:
        """Count the tracks that pass filters, and those that pass all but one of them.

        One pass over four narrow columns, whatever the number of filters; the latest answers are
        remembered.

        Args:
            filters: genres as the catalogue calls them.
        """
        with self._lock:
            known = self._counted.get(filters)
        if known is not None:
            return known
        bits = {family: 1 << bit for family, bit, *_ in self._families}
        asked = {code.strip().lower() for code in filters.languages}
        values: dict[str, Any] = {
            "genres": sum(bits.get(family, 0) for family in set(filters.genres)),
            "without_genres": sum(bits.get(family, 0) for family in set(filters.without_genres)),
            "decades": list(filters.decades),
            "languages": [code for name, (code, _) in self._languages.items() if name in asked],
        }
        names = active(filters)
        tested = [name for name in names if name in _TESTS]
        used = {name: values[name] for name in tested if name in values}
        left_out = [None, *tested]
        counts = ", ".join(
            f"count(*) FILTER ({' AND '.join(_TESTS[n] for n in tested if n != name) or 'true'})"
            for name in left_out
        )
        (everyone,) = self._rows(f"SELECT {counts} FROM tracks", used)
        tracks = dict(zip(left_out, everyone, strict=True))
        without = {name: tracks[name] for name in tested}
        total = tracks[None]
        if "without_artists" in names:
            # Few rows, read apart from the others, rather than a comparison with every row.
            banned = self._rows(_BANNED, {"ids": [], "artists": list(filters.without_artists)})
            where = "WHERE rowid IN (SELECT unnest($banned::BIGINT[]))"
            numbers = {"banned": [number for (number,) in banned]}
            (theirs,) = self._rows(f"SELECT {counts} FROM tracks {where}", used | numbers)
            fewer = dict(zip(left_out, theirs, strict=True))
            without = {name: without[name] - fewer[name] for name in tested}
            without["without_artists"] = total
            total -= fewer[None]
        answer = Passing(filters, total, without)
        with self._lock:
            self._counted[filters] = answer
            while len(self._counted) > _MAX_CACHED_COUNTS:
                self._counted.popitem(last=False)
        return answer

    def get(self, track_id: str) -> Track | None:
        """Return the track with an id, or ``None`` where the catalogue has none."""
        return next(iter(self.get_many([track_id])), None)

    def get_many(self, ids: Sequence[str]) -> list[Track]:
        """Return the tracks with some ids, in the order of the ids; unknown ones are left out."""
        found = {track.id: track for track in map(self._track, self._records(ids))}
        return [found[track_id] for track_id in ids if track_id in found]

    def find_recordings(self, codes: Collection[str]) -> dict[str, Track]:
        """Return the best known track of each recording: ISRC → track, unknown ones left out.

        Args:
            codes: International Standard Recording Codes, with or without hyphens. Only tables
                that had such a column know any.
        """
        rows = self._rows(_RECORDED, {"codes": list(dict.fromkeys(codes))})
        return {code: self._track(record) for code, record in rows}

    def find(self, titles: Sequence[tuple[str, str]]) -> list[Track | None]:
        """Return for each (title, first artist) the best known track that it means, or ``None``.

        Case, accents, punctuation and what follows " - " or a bracket in a title do not matter.
        """
        asked = {"titles": [title for title, _ in titles], "artists": [name for _, name in titles]}
        found = {place: self._track(record) for place, record in self._rows(_FOUND, asked)}
        return [found.get(place) for place in range(len(titles))]

    def artist_means(self, artists: Collection[str]) -> dict[str, Means]:
        """Return what the tracks of artists usually have, by name.

        Case does not matter; the names come back as they were given, unknown ones not at all.
        """
        with self._damage_in_words():
            return {
                name: Means(valence, energy, Mood(*ranks), tracks)
                for name, valence, energy, *ranks, tracks in self._rows(
                    _MEANS, {"names": list(dict.fromkeys(artists))}
                )
            }

    def genre_means(self) -> dict[str, Means]:
        """Return what tracks usually have, by family."""
        return {
            family: Means(
                valence,
                energy,
                self.place({"valence": valence, "energy": energy}, (family,)),
                tracks,
            )
            for family, _, tracks, valence, energy in self._families
        }

    def place(self, features: Mapping[str, float | None], genres: Sequence[str] = ()) -> Mood:
        """Return where a track would lie on the mood plane of this catalogue.

        Args:
            features: audio feature → figure as it was measured. Valence and energy are needed;
                what is not known of the others may be missing.
            genres: its genre families.

        Returns:
            Percentile ranks, stretched to [-1, 1], of where `plane.MoodPlane` puts it: for one
            that is like a track of the catalogue, where that track lies; between two tracks,
            between the two.
        """
        ranks = [
            float(np.interp(figure, *self._curves[axis], left=-1.0, right=1.0))
            for axis, figure in zip(AXES, default_plane().figures(features, genres), strict=True)
        ]
        return Mood(*ranks)

    def languages(self) -> tuple[str, ...]:
        """Return the languages that its tracks are known to have, the most frequent first."""
        return tuple(self._languages)

    def decades(self) -> tuple[int, ...]:
        """Return the first years of the decades that its tracks are of, the earliest first."""
        return tuple(sorted(decade for decade in self._decades if decade >= 0))

    @property
    def marked(self) -> int:
        """How many tracks are known to be explicit or not; 0 where nothing says so."""
        return self._marked

    @property
    def fingerprint(self) -> str:
        """Twelve hexadecimal digits, the same wherever a catalogue has the same tracks."""
        return self._fingerprint

    def genres(self) -> tuple[str, ...]:
        """Return the genre families that its tracks have, the most frequent first."""
        return tuple(str(family) for family, *_ in self._families)

    def __len__(self) -> int:
        return self._length

    def close(self) -> None:
        """Let go of the file. A closed catalogue answers nothing."""
        self._connection.close()
        if self._folder is not None:
            self._folder.cleanup()

    def __enter__(self) -> Catalog:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _track_filter(self, filters: Filters, exclude: Collection[str]) -> TrackFilter | None:
        """Return the filters in the catalogue's own numbers, or ``None`` where nothing passes."""
        bits = {family: 1 << bit for family, bit, *_ in self._families}
        track_filter = {name.strip().lower() for name in filters.languages}
        languages = [code for name, (code, _) in self._languages.items() if name in track_filter]
        families = sum(bits.get(family, 0) for family in set(filters.genres))
        decades = set(filters.decades) & set(self.decades())
        if (
            (filters.genres and not families)
            or (filters.languages and not languages)
            or (filters.decades and not decades)
        ):
            return None
        banned: list[int] = []
        if exclude or filters.without_artists:
            asked = {"ids": list(exclude), "artists": list(filters.without_artists)}
            banned = sorted(number for (number,) in self._rows(_BANNED, asked))
        return TrackFilter(
            families=families if filters.genres else None,
            without_families=sum(bits.get(family, 0) for family in set(filters.without_genres)),
            decades=tuple(sorted(decades)),
            languages=tuple(sorted(set(languages))),
            explicit=filters.explicit,
            banned=tuple(banned),
        )

    def _passing_at_most(self, track_filter: TrackFilter) -> int:
        """Return a bound on the tracks that pass, from how many each filter alone lets in."""
        counts = [len(self)]
        if track_filter.families is not None:
            counts.append(
                sum(
                    tracks
                    for _, bit, tracks, *_ in self._families
                    if track_filter.families >> bit & 1
                )
            )
        if track_filter.decades:
            counts.append(sum(self._decades[decade] for decade in track_filter.decades))
        if track_filter.languages:
            known = self._languages.values()
            counts.append(sum(tracks for code, tracks in known if code in track_filter.languages))
        return min(counts)

    def _passing(self, track_filter: TrackFilter) -> dict[str, NDArray[Any]]:
        """Return number and place of every track that passes, in the order of numbers."""
        with self._lock:
            if track_filter in self._passed:
                self._passed.move_to_end(track_filter)
                return self._passed[track_filter]
        asked = {
            "families": track_filter.families,
            "without_families": track_filter.without_families,
            "decades": list(track_filter.decades),
            "languages": list(track_filter.languages),
            "explicit": track_filter.explicit,
        }
        columns = ready(self._columns(_PASSING, asked))
        if len(columns["rowid"]) <= max(_SCANNED_TRACKS, len(self) // _SCANNED_PART):
            with self._lock:
                self._passed[track_filter] = columns
                while len(self._passed) > _MAX_CACHED_SCANS:
                    self._passed.popitem(last=False)
        return columns

    def _records(self, ids: Sequence[str]) -> list[str]:
        rows = self._rows(f"SELECT record FROM tracks WHERE key IN ({_KEYS})", {"ids": list(ids)})
        return [str(record) for (record,) in rows]

    def _tracks(self, numbers: Sequence[int]) -> list[Track]:
        with self._lock:
            found = {n: self._read_tracks[n] for n in numbers if n in self._read_tracks}
        missing = [number for number in numbers if number not in found]
        if missing:
            rows = self._rows(_RECORDS, {"numbers": missing})
            found |= {number: self._track(record) for number, record in rows}
        with self._lock:
            self._read_tracks.update(found)
            while len(self._read_tracks) > REMEMBERED_TRACKS:
                self._read_tracks.popitem(last=False)
        return list(found.values())

    def _read_blocks(self, numbers: Sequence[int]) -> dict[str, NDArray[Any]]:
        return self._columns(_BLOCKS, {"blocks": list(numbers)})

    @cached_property
    def _blocks(self) -> Blocks:
        boxes = self._columns(f"SELECT {TABLES['blocks']} FROM blocks ORDER BY rowid", {})
        return Blocks({name: np.ma.getdata(boxes[name]) for name in boxes}, self._read_blocks)

    @cached_property
    def _families(self) -> list[tuple[str, int, int, float, float]]:
        return self._rows(
            "SELECT family, bit, tracks, valence, energy FROM families ORDER BY rowid", {}
        )

    @cached_property
    def _languages(self) -> dict[str, tuple[int, int]]:
        rows = self._rows("SELECT language, code, tracks FROM languages ORDER BY rowid", {})
        return {language: (code, tracks) for language, code, tracks in rows}

    @cached_property
    def _decades(self) -> dict[int, int]:
        return dict(self._rows("SELECT decade, count(*) FROM tracks GROUP BY decade", {}))

    @cached_property
    def _curves(self) -> dict[str, tuple[list[float], list[float]]]:
        rows = self._rows("SELECT axis, figure, position FROM curves ORDER BY axis, figure", {})
        return {
            name: (
                [figure for axis, figure, _ in rows if axis == name],
                [position for axis, _, position in rows if axis == name],
            )
            for name in AXES
        }

    def _rows(self, statement: str, values: dict[str, Any]) -> list[Any]:
        with self._damage_in_words(), self._connection.cursor() as cursor:
            return cursor.execute(statement, values).fetchall()

    def _columns(self, statement: str, values: dict[str, Any]) -> dict[str, NDArray[Any]]:
        with self._damage_in_words(), self._connection.cursor() as cursor:
            columns: dict[str, Any] = cursor.execute(statement, values).fetchnumpy()
            return columns

    def _track(self, record: object) -> Track:
        with self._damage_in_words():
            return track_of(str(record))

    @contextmanager
    def _damage_in_words(self) -> Iterator[None]:
        """Say what it means that a catalogue cannot be read, wherever that is noticed.

        A header tells nothing of what follows it: a damaged block is met by the query that needs
        it, and a damaged number may be one that no place on the plane and no list has.
        """
        try:
            yield
        except (duckdb.Error, LookupError, ValueError, TypeError, ArithmeticError) as error:
            raise broken(self.source) from error


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
        return Catalog.open(STARTER), f"{error} Playing the starter catalogue instead."


def _read(source: Path) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(config=SAFE)
    # Its bar would stand in what a command prints.
    silence(connection)
    try:
        read_table(connection, source)
    except CatalogError:
        connection.close()
        raise
    shut_off(connection)
    return connection
