"""A catalogue of tracks, searched on the mood plane with DuckDB, in-process."""

from __future__ import annotations

import math
import os
import tempfile
from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Any, Final

import duckdb
import numpy as np

from recommender.catalog.addresses import is_address, last_part, local_path
from recommender.catalog.check import open_file, shut_off
from recommender.catalog.database import DatabaseStorage
from recommender.catalog.dataset import open_dataset
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
from recommender.catalog.storage import TESTED, Arrays, FamilyRow, Storage
from recommender.catalog.tables import track_of
from recommender.errors import CatalogError
from recommender.loosening import Passing, active
from recommender.types import EVERYTHING, Filters, Mood, Track

STARTER: Final = Path(__file__).parents[1] / "data" / "starter.csv"
"""The catalogue that ships with the package."""

ENVIRONMENT: Final = "AFFECTUNE_CATALOG"
"""The environment variable that names another catalogue."""

LARGE_TABLE_BYTES: Final = 64 << 20
"""A table of at least this many bytes is imported into a temporary file, not into memory."""

_SCANNED_TRACKS: Final = 8192
"""If filters leave at most this many tracks, or one in `_SCANNED_PART` of the catalogue, all that
pass are fetched in one quick scan of a few columns: a search block by block would find next to
nothing in each."""

_SCANNED_PART: Final = 64

_MIN_SEARCHED_BLOCKS: Final = 64
"""A search that filters out more than expected looks at this many blocks, or a quarter of all if
that is more, before it falls back to that scan."""

_MAX_CACHED_SCANS: Final = 4
"""How many results of such scans are cached, for visitors who ask for another set."""

_MAX_CACHED_COUNTS: Final = 64
"""How many counts of tracks that pass filters are cached."""

MAX_CACHED_TRACKS: Final = 16384
"""How many tracks are cached: the best known ones come up again and again."""


@dataclass(frozen=True, slots=True)
class Means:
    """Averages over some tracks.

    Attributes:
        valence, energy: the means of the audio features, 0-1.
        position: where they lie on the mood plane.
        tracks: how many were averaged.
    """

    valence: float
    energy: float
    position: Mood
    tracks: int


class Catalog:
    """Tracks to choose from. Safe to share between threads: every call has its own cursor.

    Any call raises `CatalogError` if the data that it reads is damaged.

    Use `open` or `open_or_starter` to get one; close it, or use it as a context manager.
    """

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self.source = storage.source
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._lock = Lock()
        self._cached_tracks: OrderedDict[int, Track] = OrderedDict()
        self._cached_numbers: dict[str, int] = {}
        self._cached_scans: OrderedDict[TrackFilter, Arrays] = OrderedDict()
        self._cached_counts: OrderedDict[Filters, Passing] = OrderedDict()
        self._length, self._fingerprint, self._marked = storage.about()

    @classmethod
    def open(cls, path: Path | str | None = None) -> Catalog:
        """Open a catalogue.

        Args:
            path: what ``python -m recommender import`` wrote: a file, a folder, or an address
                that fsspec opens (``s3://bucket/catalogue``). Or a CSV or Parquet table that it
                could read, which is then imported for as long as it is open: into memory, or
                if it is large into a temporary file. By default what the environment variable
                ``AFFECTUNE_CATALOG`` names, else the starter catalogue.

        Raises:
            CatalogError: it is missing, broken or lacks columns; the message says which.
        """
        place = path or os.environ.get(ENVIRONMENT) or STARTER
        if isinstance(place, str) and is_address(place):
            return cls(open_dataset(place))
        source = local_path(place)
        try:
            return cls._open_local(source)
        except OSError as error:
            raise CatalogError(f"{source} cannot be read: {error.strerror or error}.") from error

    @classmethod
    def _open_local(cls, source: Path) -> Catalog:
        if source.is_dir():
            return cls(open_dataset(source))
        if not source.is_file():
            raise CatalogError(f"There is no catalogue file {source}.")
        if is_duckdb(source):
            return cls(DatabaseStorage(open_file(source), source))
        if source.stat().st_size < LARGE_TABLE_BYTES:
            return cls(DatabaseStorage(_read(source), source))
        folder = tempfile.TemporaryDirectory(prefix="affectune-")
        try:
            built = Path(folder.name) / "catalog.duckdb"
            import_file(source, built)
            catalog = cls(DatabaseStorage(open_file(built), source))
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
            limit: how many for each of the moods, 1 or more.

        Raises:
            ValueError: there are no moods, or `limit` is below 1.
        """
        places = sorted({(mood.valence, mood.arousal) for mood in moods})
        if not places:
            raise ValueError("Incorrect value for 'moods' argument: (): at least one is needed")
        if limit < 1:
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
            with self._storage.damage_in_words():
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

        At most one scan of four narrow columns, however many filters are set; the latest answers
        are cached.

        Args:
            filters: genres as the catalogue calls them.
        """
        with self._lock:
            known = self._cached_counts.get(filters)
        if known is not None:
            return known
        values: dict[str, Any] = {
            "genres": self._family_bits(filters.genres),
            "without_genres": self._family_bits(filters.without_genres),
            "decades": list(filters.decades),
            "languages": self._language_codes(filters.languages),
        }
        names = active(filters)
        tested = [name for name in names if name in TESTED]
        used = {name: values[name] for name in tested if name in values}
        total, *others = self._storage.counts(tested, used)
        without = dict(zip(tested, others, strict=True))
        if "without_artists" in names:
            banned, *theirs = self._storage.counts_of_artists(
                list(filters.without_artists), tested, used
            )
            without = {
                name: without[name] - fewer for name, fewer in zip(tested, theirs, strict=True)
            }
            without["without_artists"] = total
            total -= banned
        answer = Passing(filters, total, without)
        with self._lock:
            self._cached_counts[filters] = answer
            while len(self._cached_counts) > _MAX_CACHED_COUNTS:
                self._cached_counts.popitem(last=False)
        return answer

    def get(self, track_id: str) -> Track | None:
        """Return the track with an id, or ``None`` where the catalogue has none."""
        return next(iter(self.get_many([track_id])), None)

    def get_many(self, ids: Sequence[str]) -> list[Track]:
        """Return the tracks with some ids, in the order of the ids; unknown ones are left out."""
        records = self._storage.records_of(ids)
        found = {track.id: track for track in map(self._track, records)}
        return [found[track_id] for track_id in ids if track_id in found]

    def find_recordings(self, codes: Collection[str]) -> dict[str, Track]:
        """Return the best known track of each recording: ISRC → track, unknown ones left out.

        Args:
            codes: International Standard Recording Codes, with or without hyphens. Only tables
                that had such a column know any.
        """
        rows = self._storage.recordings(list(dict.fromkeys(codes)))
        return {code: self._track(record) for code, record in rows}

    def find(self, titles: Sequence[tuple[str, str]]) -> list[Track | None]:
        """Return the best known match, or ``None``, for each (title, first artist).

        Case, accents, punctuation and what follows " - " or a bracket in a title do not matter.
        """
        rows = self._storage.songs([title for title, _ in titles], [name for _, name in titles])
        found = {place: self._track(record) for place, record in rows}
        return [found.get(place) for place in range(len(titles))]

    def artist_means(self, artists: Collection[str]) -> dict[str, Means]:
        """Return artist → averages over their tracks.

        Case does not matter; names come back as they were given, and unknown ones are left out.
        """
        with self._storage.damage_in_words():
            return {
                row.name: Means(
                    row.valence, row.energy, Mood(row.valence_rank, row.energy_rank), row.tracks
                )
                for row in self._storage.artist_means(list(dict.fromkeys(artists)))
            }

    def genre_means(self) -> dict[str, Means]:
        """Return genre family → averages over its tracks."""
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
                the others may be missing.
            genres: its genre families.

        Returns:
            Percentile ranks within the catalogue, stretched to [-1, 1], of the figures that
            `plane.MoodPlane` gives it, interpolated between those of the catalogue's tracks.
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
        """Return the decades of its tracks by their first years, the earliest first."""
        return tuple(sorted(decade for decade in self._decades if decade >= 0))

    @property
    def marked(self) -> int:
        """How many tracks are marked as explicit or not; 0 if the catalogue does not say."""
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

    @property
    def name(self) -> str:
        """The name of its file or folder, or the last part of its address."""
        return self.source.name if isinstance(self.source, Path) else last_part(self.source)

    def close(self) -> None:
        """Close its files. A closed catalogue answers no calls."""
        self._storage.close()
        if self._folder is not None:
            self._folder.cleanup()

    def __enter__(self) -> Catalog:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _track_filter(self, filters: Filters, exclude: Collection[str]) -> TrackFilter | None:
        """Return the filters in the catalogue's own numbers, or ``None`` where nothing passes."""
        languages = self._language_codes(filters.languages)
        families = self._family_bits(filters.genres)
        decades = set(filters.decades) & set(self.decades())
        if (
            (filters.genres and not families)
            or (filters.languages and not languages)
            or (filters.decades and not decades)
        ):
            return None
        # Excluded tracks have mostly been played, so their numbers are cached.
        with self._lock:
            numbers = self._cached_numbers
            known = {track_id: numbers[track_id] for track_id in exclude if track_id in numbers}
        banned = set(known.values())
        unknown = [track_id for track_id in exclude if track_id not in known]
        if unknown or filters.without_artists:
            banned |= self._storage.numbers_of(unknown, list(filters.without_artists))
        return TrackFilter(
            families=families if filters.genres else None,
            without_families=self._family_bits(filters.without_genres),
            decades=tuple(sorted(decades)),
            languages=tuple(sorted(set(languages))),
            explicit=filters.explicit,
            banned=tuple(sorted(banned)),
        )

    def _family_bits(self, names: Collection[str]) -> int:
        """Return the bits of some families as one number; unknown ones have none."""
        return sum(1 << row.bit for row in self._families if row.family in names)

    def _language_codes(self, names: Collection[str]) -> list[int]:
        """Return the codes of some languages, in any case; unknown ones are left out."""
        asked = {name.strip().lower() for name in names}
        return [code for name, (code, _) in self._languages.items() if name in asked]

    def _passing_at_most(self, track_filter: TrackFilter) -> int:
        """Return an upper bound on the tracks that pass: the exact count if that is cheap, else
        what the most selective filter alone lets in."""
        known_count = self._storage.count_passing(track_filter)
        if known_count is not None:
            return known_count
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

    def _passing(self, track_filter: TrackFilter) -> Arrays:
        """Return number and place of every track that passes, in the order of numbers."""
        with self._lock:
            if track_filter in self._cached_scans:
                self._cached_scans.move_to_end(track_filter)
                return self._cached_scans[track_filter]
        columns = ready(self._storage.passing(track_filter))
        if len(columns["rowid"]) <= max(_SCANNED_TRACKS, len(self) // _SCANNED_PART):
            with self._lock:
                self._cached_scans[track_filter] = columns
                while len(self._cached_scans) > _MAX_CACHED_SCANS:
                    self._cached_scans.popitem(last=False)
        return columns

    def _tracks(self, numbers: Sequence[int]) -> list[Track]:
        with self._lock:
            found = {n: self._cached_tracks[n] for n in numbers if n in self._cached_tracks}
        missing = [number for number in numbers if number not in found]
        if missing:
            rows = self._storage.records(missing)
            found |= {number: self._track(record) for number, record in rows}
        with self._lock:
            self._cached_tracks.update(found)
            self._cached_numbers.update({track.id: number for number, track in found.items()})
            while len(self._cached_tracks) > MAX_CACHED_TRACKS:
                _, track = self._cached_tracks.popitem(last=False)
                self._cached_numbers.pop(track.id, None)
        return list(found.values())

    @cached_property
    def _blocks(self) -> Blocks:
        return Blocks(self._storage.boxes(), self._storage.blocks)

    @cached_property
    def _families(self) -> list[FamilyRow]:
        with self._storage.damage_in_words():
            families = self._storage.families()
            if not all(0 <= row.valence <= 1 and 0 <= row.energy <= 1 for row in families):
                raise ValueError("a family's means are not within 0 to 1")
            return families

    @cached_property
    def _languages(self) -> dict[str, tuple[int, int]]:
        return self._storage.languages()

    @cached_property
    def _decades(self) -> dict[int, int]:
        return self._storage.decades()

    @cached_property
    def _curves(self) -> dict[str, tuple[list[float], list[float]]]:
        with self._storage.damage_in_words():
            curves = self._storage.curves()
            for figures, positions in curves.values():
                if not all(map(math.isfinite, figures)) or not all(-1 <= p <= 1 for p in positions):
                    raise ValueError("a curve leads off the plane")
            return curves

    def _track(self, record: object) -> Track:
        with self._storage.damage_in_words():
            return track_of(str(record))


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
    # DuckDB's progress bar would mix with a command's output.
    silence(connection)
    try:
        read_table(connection, source)
    except CatalogError:
        connection.close()
        raise
    shut_off(connection)
    return connection
