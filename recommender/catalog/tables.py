"""The tables of a catalogue file, made from a temporary table of rows that passed the checks.

``tracks``
    a row a track, in an order in which tracks of the same fame that lie near each other on the
    mood plane are neighbours; its row number is the track's number. What is searched by stands
    in columns; what is only shown is packed into one text, ``record``, because fetching hundreds
    of scattered texts costs a sixth of fetching eighteen scattered columns.
``blocks``
    the box that each `BLOCK_TRACKS` tracks in a row take up: what `recommender.catalog.nearby`
    starts from.
``credits``, ``families``, ``languages``, ``curves``
    who plays on which track; how many tracks a family or a language has and what they usually
    are like; raw figure → percentile.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import duckdb

from recommender.errors import CatalogError
from recommender.genres import GenreTable
from recommender.types import Mood, Track

FORMAT: Final = 5
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
_BAND: Final = 20
_CURVE: Final = 4096
_CELL, _ITEM = "\x1f", "\x1e"

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
CREATE TEMP TABLE told AS
SELECT list, list(family ORDER BY tags DESC, first) AS genres,
       bit_or(1::UBIGINT << bit)::UBIGINT AS bits FROM (
    SELECT tagged.list, known.family, known.bit, count(*) AS tags, min(tagged.place) AS first
    FROM (
        SELECT list, unnest(tags) AS tag, generate_subscripts(tags, 1) AS place FROM lists
    ) AS tagged
    JOIN (
        SELECT unnest($tags::VARCHAR[]) AS tag, unnest($families::VARCHAR[]) AS family,
               unnest($bits::INTEGER[]) AS bit
    ) AS known USING (tag)
    GROUP BY tagged.list, known.family, known.bit
) GROUP BY list;
CREATE TABLE families AS
SELECT family, list_position($names::VARCHAR[], family) - 1 AS bit, sum(tracks)::BIGINT AS tracks,
       fsum(valence) / sum(tracks) AS valence, fsum(energy) / sum(tracks) AS energy
FROM (SELECT list, unnest(genres) AS family FROM told) JOIN lists USING (list)
GROUP BY family ORDER BY tracks DESC, family
"""

# The middle rank among equals, stretched from [0, 1] to [-1, 1].
_RANKS = """
CREATE TEMP TABLE ranks_of_{0} AS
SELECT {0}, (2 * sum(tracks) OVER (ORDER BY {0}) - tracks) / sum(tracks) OVER () - 1 AS position,
       row_number() OVER (ORDER BY {0}) - 1 AS place, count(*) OVER () AS places
FROM (SELECT {0}, count(*)::DOUBLE AS tracks FROM merged GROUP BY {0})
"""

_CURVES = f"""
CREATE TABLE curves AS
SELECT * FROM (
    SELECT 'valence' AS axis, valence AS figure, position, place, places FROM ranks_of_valence
    UNION ALL SELECT 'energy', energy, position, place, places FROM ranks_of_energy
) WHERE place % (1 + places // {_CURVE}) = 0 OR place = places - 1 ORDER BY axis, figure
"""

_LANGUAGES = """
CREATE TABLE languages AS
SELECT language, least(row_number() OVER (ORDER BY tracks DESC, language), 65535) AS code, tracks
FROM (SELECT language, count(*) AS tracks FROM merged WHERE language IS NOT NULL GROUP BY language)
ORDER BY code
"""

# Sort-tile-recursive packing (Leutenegger, Lopez and Edgington 1997) within each band of fame:
# strips of equal width along one axis of percentiles, sorted along the other.
_TRACKS = f"""
CREATE TABLE tracks AS
WITH usual AS (
    SELECT coalesce(median(popularity), 50) AS popularity FROM merged
), bands AS (
    SELECT floor(coalesce(merged.popularity, usual.popularity) / {_BAND}) AS band,
           ceil(sqrt(count(*) / {BLOCK_TRACKS})) AS strips
    FROM merged, usual GROUP BY band
), full_rows AS (
    SELECT merged.* EXCLUDE (popularity), coalesce(told.genres, []::VARCHAR[]) AS genres,
           coalesce(told.bits, 0)::UBIGINT AS families,
           coalesce(merged.popularity, usual.popularity) AS popularity,
           ranks_of_valence.position::FLOAT AS valence_rank,
           ranks_of_energy.position::FLOAT AS energy_rank,
           coalesce(languages.code, 0)::USMALLINT AS tongue
    FROM merged CROSS JOIN usual JOIN lists ON merged.tags = lists.tags
         LEFT JOIN told ON told.list = lists.list
         LEFT JOIN languages ON languages.language = merged.language
         JOIN ranks_of_valence ON ranks_of_valence.valence = merged.valence
         JOIN ranks_of_energy ON ranks_of_energy.energy = merged.energy
)
SELECT md5_number_lower(id) AS key, {SONG.format("title", "artists[1]")} AS song,
       concat({", chr(31), ".join(_RECORD)}) AS record,
       valence, energy, valence_rank, energy_rank, popularity, families,
       coalesce(year - year % 10, -1)::SMALLINT AS decade, tongue AS language,
       coalesce(explicit, unclear)::UTINYINT AS explicit
FROM full_rows JOIN bands ON bands.band = floor(full_rows.popularity / {_BAND})
ORDER BY bands.band DESC, floor((valence_rank + 1) / 2 * strips), energy_rank, id
"""

_CREDITS = f"""
CREATE TABLE credits AS
SELECT {NAME.format("name")} AS artist, number FROM (
    SELECT unnest(string_split(split_part(record, chr(31), 3), chr(30))) AS name,
           rowid::INTEGER AS number FROM tracks
) ORDER BY artist, number
"""

_CODE = RECORDING.format(f"split_part(record, chr(31), {_RECORD.index('isrc') + 1})")

_RECORDINGS = f"""
CREATE TABLE recordings AS
SELECT {_CODE} AS code, rowid::INTEGER AS number FROM tracks WHERE {_CODE} <> '' ORDER BY ALL
"""

_BLOCKS = f"""
CREATE TABLE blocks AS
SELECT min(valence_rank) AS low_valence_rank, max(valence_rank) AS high_valence_rank,
       min(energy_rank) AS low_energy_rank, max(energy_rank) AS high_energy_rank,
       max(popularity) AS popularity, bit_or(families) AS families
FROM tracks GROUP BY rowid // {BLOCK_TRACKS} ORDER BY rowid // {BLOCK_TRACKS}
"""

# Sums of whole numbers, which are the same in every order.
_ABOUT = """
CREATE TABLE affectune AS
SELECT $format::INTEGER AS format, count(*) AS tracks,
       (SELECT count(explicit) FROM merged) AS marked, left(md5(concat_ws(' ', count(*),
           bit_xor(key), sum((key >> 44)::BIGINT * round(1e4 * valence)::BIGINT),
           sum((key >> 44)::BIGINT * round(1e4 * energy)::BIGINT),
           sum((key >> 44)::BIGINT * round(popularity)::BIGINT))), 12) AS fingerprint
FROM tracks
"""


def write_tables(
    connection: duckdb.DuckDBPyConnection,
    table: GenreTable,
    step: Callable[[str], None] = lambda what: None,
) -> tuple[int, tuple[str, ...]]:
    """Make the tables of a catalogue from ``merged``.

    Args:
        connection: has a table or view ``merged``: a row a track with the columns that
            `Track` has, ``isrc``, ``tags`` as they were found, and ``unclear``: whether it
            says something about being explicit that cannot be understood.
        table: what tags mean.
        step: is called with which of `recommender.catalog.progress.STEPS` begins.

    Returns:
        How many tracks there are, and the tags that belong to no family, the most frequent first.

    Raises:
        CatalogError: there are more families than a row has bits for.
    """
    step("Sorting genres")
    connection.execute(_LISTS)
    unknown = _add_families(connection, table)
    step("Placing tracks on the mood plane")
    for axis in ("valence", "energy"):
        connection.execute(_RANKS.format(axis))
    connection.execute(_CURVES)
    connection.execute(_LANGUAGES)
    step("Writing tracks")
    connection.execute(_TRACKS)
    step("Writing artists")
    connection.execute(_CREDITS)
    connection.execute(_RECORDINGS)
    connection.execute(_ABOUT, {"format": FORMAT})
    connection.execute(_BLOCKS)
    kept = int(connection.execute("SELECT tracks FROM affectune").fetchall()[0][0])
    connection.execute(
        "DROP TABLE lists; DROP TABLE told; DROP TABLE ranks_of_valence; DROP TABLE ranks_of_energy"
    )
    return kept, unknown


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


def _add_families(connection: duckdb.DuckDBPyConnection, table: GenreTable) -> tuple[str, ...]:
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
        },
    )
    connection.execute(count, {"names": names})
    return tuple(tag for tag, family in pairs if family is None)
