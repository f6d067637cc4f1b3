"""The tables of a catalogue file, made from a temporary table of rows that passed the checks.

``tracks``
    a row for each track, ordered so that tracks of similar popularity that lie near each other on
    the mood plane are neighbours; its row number is the track's number. What is searched has
    columns of its own; what is only shown is packed into one text, ``record``, because fetching
    hundreds of scattered texts costs a sixth of fetching eighteen scattered columns.
``blocks``
    the bounding box of each run of `BLOCK_TRACKS` tracks, which `recommender.catalog.nearby` starts
    from.
``credits``, ``families``, ``languages``, ``curves``
    the artists of each track; how many tracks a family or a language has, and the averages of a
    family; figure on the learned mood plane → percentile.

Where a track lies on the plane is decided here and nowhere else: its figures are computed from its
audio features, its genre families and listeners' ratings (`recommender.catalog.plane`), and ranked
within the catalogue.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import duckdb

from recommender.catalog.plane import (
    AUDIO_FEATURES,
    AXES,
    FIGURE_STEP,
    MIN_KNOWN_FRACTION,
    MoodPlane,
    default_plane,
)
from recommender.errors import CatalogError
from recommender.genres import GenreTable
from recommender.types import Mood, Track

FORMAT: Final = 6
"""Version of the tables that an import writes; a catalogue of another one is refused."""

BLOCK_TRACKS: Final = 1024
"""Tracks in a block."""

SONG: Final = (
    r"md5_number_lower(regexp_replace(regexp_replace(lower(strip_accents({0})), "
    r"'\s+-\s.*|[(\[].*', '', 's'), '[^\p{{L}}\p{{N}}]', '', 'g') || ' ' || "
    r"lower(strip_accents({1})))"
)
"""What two releases of a song have in common, as a number: bare title and first artist."""

NAME: Final = "md5_number_lower(lower({0}))"
"""An artist as a number."""

_BITS: Final = 64
"""Genre families that a row has bits for."""

_BAND: Final = 20
"""Width of a band of popularity, which goes from 0 to 100."""

_CURVE: Final = 4096
"""About how many points of a curve are kept."""

_CELL, _ITEM = "\x1f", "\x1e"
"""What separates the fields of a record, and the items of a list in it."""

_RECORD: Final = (
    "id",
    "title",
    "array_to_string(artists, chr(30))",
    "array_to_string(genres, chr(30))",
    "year",
    "valence",
    "energy",
    "danceability",
    "acousticness",
    "instrumentalness",
    "tempo",
    "popularity",
    "valence_rank",
    "energy_rank",
    "explicit",
    "duration_ms",
    "language",
    "mode",
    "isrc",
)

RECORDING: Final = "upper(replace({0}, '-', ''))"
"""A recording's international code (ISRC, ISO 3901) as it is compared."""

_LISTS = """
CREATE TEMP TABLE lists AS
SELECT tags, row_number() OVER () AS list, count(*) AS tracks, fsum(valence) AS valence,
       fsum(energy) AS energy
FROM merged GROUP BY tags
"""

_FAMILIES = """
CREATE TEMP TABLE translated AS
SELECT list, list(family ORDER BY tags DESC, first) AS genres,
       bit_or(1::UBIGINT << bit)::UBIGINT AS bits,
       coalesce(round(avg(valence), 6), 0) AS more_valence,
       coalesce(round(avg(arousal), 6), 0) AS more_arousal FROM (
    SELECT tagged.list, known.family, known.bit, count(*) AS tags, min(tagged.place) AS first,
           any_value(known.valence) AS valence, any_value(known.arousal) AS arousal
    FROM (
        SELECT list, unnest(tags) AS tag, generate_subscripts(tags, 1) AS place FROM lists
    ) AS tagged
    JOIN (
        SELECT unnest($tags::VARCHAR[]) AS tag, unnest($families::VARCHAR[]) AS family,
               unnest($bits::INTEGER[]) AS bit, unnest($valence::DOUBLE[]) AS valence,
               unnest($arousal::DOUBLE[]) AS arousal
    ) AS known USING (tag)
    GROUP BY tagged.list, known.family, known.bit
) GROUP BY list;
CREATE TABLE families AS
SELECT family, list_position($names::VARCHAR[], family) - 1 AS bit, sum(tracks)::BIGINT AS tracks,
       fsum(valence) / sum(tracks) AS valence, fsum(energy) / sum(tracks) AS energy
FROM (SELECT list, unnest(genres) AS family FROM translated) JOIN lists USING (list)
GROUP BY family ORDER BY tracks DESC, family
"""

# Where each track lies on the learned plane, in whole multiples of `FIGURE_STEP`.
_FIGURES = """
CREATE TEMP VIEW placed AS
SELECT * EXCLUDE (valence_made, arousal_made), {figures}
FROM (
    SELECT merged.*, coalesce(translated.genres, []::VARCHAR[]) AS genres,
           coalesce(translated.bits, 0)::UBIGINT AS families, {made}
    FROM merged JOIN (SELECT list, tags FROM lists) AS lists ON merged.tags = lists.tags
         LEFT JOIN translated ON translated.list = lists.list
)
"""
_MADE = "{model} + coalesce(translated.more_{axis}, 0) AS {axis}_made"
_FIGURE = (
    "round(({axis}_made + {weight!r} * coalesce(listener_{axis} - {axis}_made, 0)) / {step!r})"
    "::INTEGER AS {axis}_figure"
)

_COUNTS = """
CREATE TEMP TABLE counted AS
SELECT valence_figure, arousal_figure, count(*)::DOUBLE AS tracks FROM placed
GROUP BY GROUPING SETS ((valence_figure), (arousal_figure))
"""

# The middle rank among equals, stretched from [0, 1] to [-1, 1].
_RANKS = """
CREATE TEMP TABLE ranks_of_{0} AS
SELECT {0}_figure, row_number() OVER (ORDER BY {0}_figure) - 1 AS place,
       (2 * sum(tracks) OVER (ORDER BY {0}_figure) - tracks) / sum(tracks) OVER () - 1 AS position,
       count(*) OVER () AS places
FROM counted WHERE {0}_figure IS NOT NULL
"""

_CURVES = f"""
CREATE TABLE curves AS
SELECT * FROM (
    SELECT 'valence' AS axis, ({FIGURE_STEP!r} * valence_figure)::DOUBLE AS figure, position, place,
           places
    FROM ranks_of_valence
    UNION ALL
    SELECT 'arousal', ({FIGURE_STEP!r} * arousal_figure)::DOUBLE, position, place, places
    FROM ranks_of_arousal
) WHERE place % (1 + places // {_CURVE}) = 0 OR place = places - 1 ORDER BY axis, figure
"""

_LANGUAGES = """
CREATE TABLE languages AS
SELECT language, least(row_number() OVER (ORDER BY tracks DESC, language), 65535) AS code, tracks
FROM (SELECT language, count(*) AS tracks FROM merged WHERE language IS NOT NULL GROUP BY language)
ORDER BY code
"""

# Sort-tile-recursive packing (Leutenegger, Lopez and Edgington 1997) within each band of
# popularity: strips of equal width along one axis of percentiles, sorted along the other.
_TRACKS = f"""
CREATE TABLE tracks AS
WITH usual AS (
    SELECT coalesce(median(popularity), 50) AS popularity FROM merged
), bands AS (
    SELECT floor(coalesce(merged.popularity, usual.popularity) / {_BAND}) AS band,
           ceil(sqrt(count(*) / {BLOCK_TRACKS})) AS strips
    FROM merged, usual GROUP BY band
), full_rows AS (
    SELECT placed.* EXCLUDE (popularity),
           coalesce(placed.popularity, usual.popularity) AS popularity,
           ranks_of_valence.position::FLOAT AS valence_rank,
           ranks_of_arousal.position::FLOAT AS energy_rank,
           coalesce(languages.code, 0)::USMALLINT AS language_code
    FROM placed CROSS JOIN usual
         LEFT JOIN languages ON languages.language = placed.language
         JOIN ranks_of_valence ON ranks_of_valence.valence_figure = placed.valence_figure
         JOIN ranks_of_arousal ON ranks_of_arousal.arousal_figure = placed.arousal_figure
)
SELECT md5_number_lower(id) AS key, {SONG.format("title", "artists[1]")} AS song,
       concat({", chr(31), ".join(_RECORD)}) AS record,
       valence, energy, valence_rank, energy_rank, popularity, families,
       coalesce(year - year % 10, -1)::SMALLINT AS decade, language_code AS language,
       coalesce(explicit, unclear)::UTINYINT AS explicit
FROM full_rows JOIN bands ON bands.band = floor(full_rows.popularity / {_BAND})
ORDER BY bands.band DESC, floor((valence_rank + 1) / 2 * strips), energy_rank, id
"""

ARTISTS: Final = "string_split(split_part(record, chr(31), 3), chr(30))"
"""The names of the artists of a row of ``tracks``."""

_CREDITS = f"""
CREATE TABLE credits AS
SELECT {NAME.format("name")} AS artist, number FROM (
    SELECT unnest({ARTISTS}) AS name, rowid::INTEGER AS number FROM tracks
) ORDER BY artist, number
"""

CODE: Final = RECORDING.format(f"split_part(record, chr(31), {_RECORD.index('isrc') + 1})")
"""The recording's code of a row of ``tracks``, or an empty text."""

_RECORDINGS = f"""
CREATE TABLE recordings AS
SELECT {CODE} AS code, rowid::INTEGER AS number FROM tracks WHERE {CODE} <> '' ORDER BY ALL
"""

_BLOCKS = f"""
CREATE TABLE blocks AS
SELECT min(valence_rank) AS low_valence_rank, max(valence_rank) AS high_valence_rank,
       min(energy_rank) AS low_energy_rank, max(energy_rank) AS high_energy_rank,
       max(popularity) AS popularity, bit_or(families) AS families
FROM tracks GROUP BY rowid // {BLOCK_TRACKS} ORDER BY rowid // {BLOCK_TRACKS}
"""

# Sums of integers, which are the same in every order of rows.
_ABOUT = """
CREATE TABLE affectune AS
SELECT $format::INTEGER AS format, count(*) AS tracks,
       (SELECT count(explicit) FROM merged) AS marked, left(md5(concat_ws(' ', count(*),
           bit_xor(key), sum((key >> 44)::BIGINT * round(1e4 * valence)::BIGINT),
           sum((key >> 44)::BIGINT * round(1e4 * energy)::BIGINT),
           sum((key >> 44)::BIGINT * round(popularity)::BIGINT))), 12) AS fingerprint,
       $plane::VARCHAR AS plane
FROM tracks
"""


@dataclass(frozen=True, slots=True)
class Written:
    """What the tables of a catalogue were made of.

    Attributes:
        tracks: how many there are.
        unknown_tags: tags that belong to no family, the most frequent first.
        features: the audio features that tracks were placed by.
        missing: those that would have helped, but that most of the tracks lack.
    """

    tracks: int
    unknown_tags: tuple[str, ...]
    features: tuple[str, ...]
    missing: tuple[str, ...]


def write_tables(
    connection: duckdb.DuckDBPyConnection,
    table: GenreTable,
    step: Callable[[str], None] = lambda what: None,
    *,
    plane: MoodPlane | None = None,
) -> Written:
    """Make the tables of a catalogue from ``merged``, all but those of `write_lookups`.

    Args:
        connection: has a table or view ``merged``: a row for each track with the columns that
            `Track` has and those of `columns.PLACING`, ``isrc``, ``tags`` as they were found, and
            ``unclear``: whether it says something about being explicit that cannot be understood.
        table: what tags mean.
        step: called with each of `recommender.catalog.progress.STEPS` as it begins.
        plane: where tracks lie, by default the one that ships with the package.

    Raises:
        CatalogError: there are more families than a row has bits for.
    """
    plane = plane or default_plane()
    step("Sorting genres")
    connection.execute(_LISTS)
    unknown = _add_families(connection, table, plane)
    step("Placing tracks on the mood plane")
    used, missing = _place(connection, plane)
    connection.execute(_CURVES)
    connection.execute(_LANGUAGES)
    step("Writing tracks")
    connection.execute(_TRACKS)
    connection.execute(_ABOUT, {"format": FORMAT, "plane": plane.fingerprint})
    connection.execute(_BLOCKS)
    kept = int(connection.execute("SELECT tracks FROM affectune").fetchall()[0][0])
    connection.execute(
        "DROP VIEW placed; DROP TABLE lists; DROP TABLE translated; DROP TABLE counted; "
        "DROP TABLE ranks_of_valence; DROP TABLE ranks_of_arousal"
    )
    return Written(kept, unknown, used, missing)


def write_lookups(
    connection: duckdb.DuckDBPyConnection, step: Callable[[str], None] = lambda what: None
) -> None:
    """Make the tables ``credits`` and ``recordings`` from ``tracks``.

    Args:
        connection: has what `write_tables` makes.
        step: as there.
    """
    step("Writing artists")
    connection.execute(_CREDITS)
    connection.execute(_RECORDINGS)


def track_of(record: str) -> Track:
    """Return the track that a record of the table ``tracks`` describes."""
    cells = record.split(_CELL)
    return Track(
        id=cells[0],
        title=cells[1],
        artists=tuple(cells[2].split(_ITEM)),
        genres=tuple(cells[3].split(_ITEM)) if cells[3] else (),
        year=int(cells[4]) if cells[4] else None,
        valence=float(cells[5]),
        energy=float(cells[6]),
        danceability=float(cells[7]) if cells[7] else None,
        acousticness=float(cells[8]) if cells[8] else None,
        instrumentalness=float(cells[9]) if cells[9] else None,
        tempo=float(cells[10]) if cells[10] else None,
        popularity=float(cells[11]),
        position=Mood(float(cells[12]), float(cells[13])),
        explicit=cells[14] == "true" if cells[14] else None,
        duration_ms=int(cells[15]) if cells[15] else None,
        language=cells[16] or None,
        mode=int(cells[17]) if cells[17] else None,
    )


def _place(
    connection: duckdb.DuckDBPyConnection, plane: MoodPlane
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Rank the tracks on both axes and return the features used, and those that are missing."""
    counts = ", ".join(f"count({name}) / greatest(count(*), 1)" for name in AUDIO_FEATURES)
    fractions = connection.execute(f"SELECT {counts} FROM merged").fetchall()[0]
    known = {
        name
        for name, fraction in zip(AUDIO_FEATURES, fractions, strict=True)
        if fraction >= MIN_KNOWN_FRACTION
    } | {"valence", "energy"}
    model = plane.model_for(known)
    connection.execute(
        _FIGURES.format(
            made=", ".join(_MADE.format(model=model.expression(axis), axis=axis) for axis in AXES),
            figures=", ".join(
                _FIGURE.format(axis=axis, weight=weight, step=FIGURE_STEP)
                for axis, weight in zip(AXES, plane.label_weight, strict=True)
            ),
        )
    )
    connection.execute(_COUNTS)
    for axis in AXES:
        connection.execute(_RANKS.format(axis))
    useful = plane.models[0].features
    return (
        tuple(name for name in AUDIO_FEATURES if name in model.features),
        tuple(name for name in AUDIO_FEATURES if name in useful - model.features),
    )


def _add_families(
    connection: duckdb.DuckDBPyConnection, table: GenreTable, plane: MoodPlane
) -> tuple[str, ...]:
    """Translate tags to families and return the tags that have none."""
    tags = connection.execute(
        "SELECT tag, sum(tracks) FROM (SELECT unnest(tags) AS tag, tracks FROM lists) "
        "GROUP BY tag ORDER BY 2 DESC, 1"
    ).fetchall()
    pairs = [(str(tag), table.family_of(str(tag))) for tag, _ in tags]
    known = [(tag, family) for tag, family in pairs if family is not None]
    names = sorted({family for _, family in known})
    if len(names) > _BITS:
        raise CatalogError(f"The table has {len(names)} genre families; {_BITS} at most.")
    make, count = _FAMILIES.split(";")
    connection.execute(
        make,
        {
            "tags": [tag for tag, _ in known],
            "families": [family for _, family in known],
            "bits": [names.index(family) for _, family in known],
            **{
                axis: [
                    plane.families[family][place] if family in plane.families else None
                    for _, family in known
                ]
                for place, axis in enumerate(AXES)
            },
        },
    )
    connection.execute(count, {"names": names})
    return tuple(tag for tag, family in pairs if family is None)
