"""Listeners' ratings of songs, and the recordings that they belong to.

The table of listeners' moods has the columns ``artist, title, valence, arousal, split``, the
figures in standard deviations. It names songs and not recordings, so it is joined by artist and
title as `song_name` compares them. Its own split says what to fit, to choose and to report on.
"""

from __future__ import annotations

import csv
import gzip
import re
import tempfile
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Final, TypeVar

import duckdb

from recommender.catalog.importer import SAFE
from recommender.catalog.plane import AUDIO_FEATURES
from recommender.catalog.progress import silence
from recommender.catalog.staging import merge, read_source, stage
from recommender.errors import CatalogError
from recommender.genres import GenreTable, default_table
from recommender.types import Track

SPLITS: Final = ("train", "validation", "test")
"""To fit, to choose and to report."""

LISTENER_COLUMNS: Final = ("artist", "title", "valence", "arousal", "split")

SongName = tuple[str, str]
"""Artist and bare title, as they are compared."""


@dataclass(frozen=True, slots=True)
class Said:
    """What listeners say of a song.

    Attributes:
        name: the song.
        valence, arousal: in standard deviations; the mean where the table has a song twice.
        split: one of `SPLITS`. A song that is in several of them belongs to the first.
        ratings: each row's own valence and arousal.
    """

    name: SongName
    valence: float
    arousal: float
    split: str
    ratings: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording whose audio features are known.

    Attributes:
        id: Spotify's id.
        title: as the table has it.
        artists: the main one first.
        features: feature of `plane.AUDIO_FEATURES` → figure, ``None`` where it is not known.
        genres: its genre families.
        popularity: 0-100, ``None`` where it is not known.
    """

    id: str
    title: str
    artists: tuple[str, ...]
    features: Mapping[str, float | None]
    genres: tuple[str, ...]
    popularity: float | None


Heard = TypeVar("Heard", Recording, Track)


def read_listeners(path: Path) -> list[Said]:
    """Read a table of listeners' moods, a CSV that may be gzipped.

    Raises:
        CatalogError: the file is missing or not such a table, or a row has no figures or an unknown
            split; the message names the line.
    """
    rows: dict[SongName, list[tuple[float, float, str]]] = defaultdict(list)
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rt", encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            lacking = [name for name in LISTENER_COLUMNS if name not in (reader.fieldnames or ())]
            if lacking:
                raise CatalogError(f"{path} lacks the columns {', '.join(lacking)} of listeners.")
            for row in reader:
                figures = _figures(path, reader.line_num, row)
                rows[song_name(row["artist"], row["title"])].append(figures)
    except (OSError, EOFError, UnicodeDecodeError, csv.Error) as error:
        raise CatalogError(f"{path} cannot be read as a table of listeners: {error}") from error
    if not rows:
        raise CatalogError(f"{path} has no songs.")
    return [
        Said(
            name=name,
            valence=fmean(valence for valence, _, _ in said),
            arousal=fmean(arousal for _, arousal, _ in said),
            split=min((split for _, _, split in said), key=SPLITS.index),
            ratings=tuple((valence, arousal) for valence, arousal, _ in said),
        )
        for name, said in rows.items()
    ]


def read_recordings(path: Path, *, table: GenreTable | None = None) -> list[Recording]:
    """Read a table of tracks of any layout that `python -m recommender import` reads.

    Args:
        path: the table.
        table: what genre tags mean, the package's own by default.

    Returns:
        The recordings, in the order of their ids.

    Raises:
        CatalogError: the file cannot be read or lacks columns.
    """
    families = table or default_table()
    source = path.expanduser().absolute()
    with (
        tempfile.TemporaryDirectory(prefix="affectune-") as folder,
        duckdb.connect(config=SAFE) as connection,
    ):
        # Its bar would stand in what the command prints.
        silence(connection)
        try:
            stage(connection, read_source(connection, source, Path(folder), encoding=None))
            merge(connection)
            rows = connection.execute(
                f"SELECT id, title, artists, tags, popularity, {', '.join(AUDIO_FEATURES)} "
                "FROM merged ORDER BY id"
            ).fetchall()
        except duckdb.Error as error:
            raise CatalogError(f"{path} is no table that can be read: {error}") from error
    return [
        Recording(
            id=track_id,
            title=title,
            artists=tuple(artists),
            features=dict(zip(AUDIO_FEATURES, features, strict=True)),
            genres=families.families_of(tags),
            popularity=popularity,
        )
        for track_id, title, artists, tags, popularity, *features in rows
    ]


def song_name(artist: str, title: str) -> SongName:
    """Return what the releases of a song have in common: artist and title without release notes.

    Letters and digits count, in any case and without accents; of a title what stands before
    " - " or a bracket.
    """
    return plain(artist), plain(re.sub(r"\s+-\s.*|[(\[].*", "", title, flags=re.DOTALL)) or plain(
        title
    )


def names_of(title: str, artists: Sequence[str]) -> list[SongName]:
    """Return the names by which a table of listeners may have a recording, the likeliest first."""
    credits_ = dict.fromkeys(
        [
            " ".join(artists),
            *artists[:1],
            *(re.split(r"\s*(?:[,;&]|\bfeat\b|\bft\b)\s*", artists[0])[:1] if artists else ()),
        ]
    )
    return [song_name(artist, title) for artist in credits_ if artist]


def join(recordings: Iterable[Heard], said: Iterable[Said]) -> list[tuple[Heard, Said]]:
    """Return the songs that both know, in the order of ids; of several releases the best known."""
    known = {each.name: each for each in said}
    found: dict[SongName, tuple[Heard, Said]] = {}
    for recording in recordings:
        name = next((n for n in names_of(recording.title, recording.artists) if n in known), None)
        if name is None:
            continue
        other = found.get(name)
        if other is None or (recording.popularity or 0) > (other[0].popularity or 0):
            found[name] = recording, known[name]
    return sorted(found.values(), key=lambda pair: pair[0].id)


def unfitted(said: Sequence[Said]) -> frozenset[SongName]:
    """Return the songs of the test split by artists that are in no other split."""
    fitted = {each.name[0] for each in said if each.split != "test"}
    return frozenset(
        each.name for each in said if each.split == "test" and each.name[0] not in fitted
    )


def plain(text: str) -> str:
    """Return letters and digits only, without accents, for comparing."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in decomposed if letter.isalnum())


def _figures(path: Path, line: int, row: Mapping[str, str]) -> tuple[float, float, str]:
    try:
        valence, arousal = float(row["valence"]), float(row["arousal"])
    except (TypeError, ValueError):
        raise CatalogError(f"{path}, line {line}: valence and arousal are not numbers.") from None
    if row["split"] not in SPLITS:
        raise CatalogError(
            f"{path}, line {line}: split {row['split']!r} is none of {', '.join(SPLITS)}."
        )
    return valence, arousal, row["split"]
