"""How the cells of a table are read: what is missing, how numbers are written, on which scale.

A number alone does not say whether it is a fraction or per cent, seconds or milliseconds; a whole
column does. So the columns are surveyed first (`survey`), and then read accordingly. All of it is
SQL on the temporary table ``raw``, in which the columns of a file are texts without white space
around them, named by position: ``c0``, ``c1``, … Nothing from a file is ever read as SQL.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import duckdb

from recommender.catalog.columns import COMBINED, FEATURES, FRACTIONS, NUMERIC, PLACING
from recommender.catalog.lists import MISSING
from recommender.printable import printable

ID: Final = r"^\s*(?:.*(?:spotify:track:|/tracks?/))?([A-Za-z0-9]{22})(?:[/?#&'\"})\]].*)?\s*$"
"""Spotify's id of a track, bare or in a link."""

NULLS: Final = sorted(
    {form for word in MISSING if word for form in (word, word.upper(), word.title(), "NaN", r"\N")}
)
"""What stands for a missing value in a text table where it is not quoted."""

_WORDS: Final = ", ".join(f"'{word}'" for word in MISSING if word)
_LONGEST_WORD: Final = max(map(len, MISSING))

_YES: Final = (
    "true", "t", "yes", "y", "1", "e", "explicit", "explicit lyrics", "explicit content", "wahr",
    "ja", "si", "sí", "oui", "vrai", "verdadero",
)  # fmt: skip
_NO: Final = (
    "false", "f", "no", "n", "0", "c", "clean", "cleaned", "edited", "not explicit",
    "non-explicit", "nonexplicit", "notexplicit", "not_explicit", "falsch", "nein", "non", "faux",
    "falso",
)  # fmt: skip

_YEAR: Final = r"(?:^|[^0-9])((?:18|19|20)[0-9]{2})(?:[^0-9]|$)"
_COMPACT_DATE: Final = r"^(?:18|19|20)[0-9]{2}(?:0[0-9]|1[0-2])(?:[0-3][0-9])?$"

_MAX_BELOW_PER_ABOVE: Final = 20
"""How many numbers below 1 there may be for each above, in a column that goes from 0 to 100."""

_SECONDS: Final = (20, 10_000)
"""A table whose median length lies between these has seconds."""


def is_missing(cell: str) -> str:
    """Return the SQL of whether a cell is a word for a missing value."""
    return f"(length({cell}) <= {_LONGEST_WORD} AND lower({cell}) IN ({_WORDS}))"


def known(cell: str) -> str:
    """Return the SQL of a cell, or NULL where it is missing."""
    return f"CASE WHEN {cell} = '' OR {is_missing(cell)} THEN NULL ELSE {cell} END"


def explicit(cell: str) -> str:
    """Return the SQL of whether a cell says explicit, or NULL."""
    yes, no = (", ".join(f"'{word}'" for word in words) for words in (_YES, _NO))
    return (
        f"CASE WHEN lower({cell}) IN ({yes}) OR TRY_CAST({cell} AS DOUBLE) = 1 THEN true "
        f"WHEN lower({cell}) IN ({no}) OR TRY_CAST({cell} AS DOUBLE) = 0 THEN false END"
    )


def year(cell: str) -> str:
    """Return the SQL of the year in a cell, for any order of day, month and year, or NULL."""
    first = f"TRY_CAST(left({cell}, 4) AS SMALLINT)"
    rest = f"substr({cell}, 5, 1)"
    found = (
        f"CASE WHEN {first} IS NOT NULL AND NOT {rest} BETWEEN '0' AND '9' THEN {first} "
        f"WHEN regexp_matches({cell}, '{_COMPACT_DATE}') THEN {first} "
        f"ELSE TRY_CAST(regexp_extract({cell}, '{_YEAR}', 1) AS SMALLINT) END"
    )
    return f"CASE WHEN {found} BETWEEN 1800 AND 2099 THEN {found} END"


def is_undated(cell: str) -> str:
    """Return the SQL of whether a cell is filled, and not with zeros alone."""
    return f"coalesce(NOT regexp_matches({cell}, '^[0\\s./-]*$') AND NOT {is_missing(cell)}, false)"


@dataclass(frozen=True, slots=True)
class Numbers:
    """How the numbers of a column are written and what they are multiplied by.

    Attributes:
        place: the column.
        comma: ``decimal``, ``thousands`` or ``""``: what a comma is.
        percent: whether some have a per cent sign.
        clock: whether some are written ``3:45``.
        factor: what brings the numbers to our scale.
    """

    place: int
    comma: str = ""
    percent: bool = False
    clock: bool = False
    factor: float = 1.0

    def written(self) -> str:
        """Return the SQL of the cell as a plain number or clock time."""
        cell = f"c{self.place}"
        if self.percent:
            cell = f"trim(rtrim({cell}, '%'))"
        if self.comma:
            cell = f"replace({cell}, ',', '{'.' if self.comma == 'decimal' else ''}')"
        return cell

    def read(self) -> str:
        """Return the SQL of the number on our scale; NULL where it is none or missing."""
        cell = self.written()
        number = f"TRY_CAST({cell} AS DOUBLE)"
        if self.factor < 1:
            # Divided rather than multiplied by 0.01, and rounded, so that 71.5 becomes exactly
            # 0.715.
            number = f"round({number} / {round(1 / self.factor)}, 9)"
        elif self.factor > 1:
            number = f"round({number} * {round(self.factor)}, 6)"
        if self.clock:
            parts = f"list_reverse(string_split({cell}, ':'))"
            sums = " + ".join(
                f"coalesce(TRY_CAST({parts}[{place}] AS DOUBLE), 0) * {milliseconds}"
                for place, milliseconds in ((1, 1000), (2, 60_000), (3, 3_600_000))
            )
            clock = r"'^\d{1,2}(?::[0-5]?\d){1,2}(?:\.\d+)?$'"
            number = (
                f"CASE WHEN contains({cell}, ':') THEN "
                f"CASE WHEN regexp_matches({cell}, {clock}) THEN {sums} END ELSE {number} END"
            )
        return f"CASE WHEN isnan({number}) THEN NULL ELSE {number} END"


@dataclass(frozen=True, slots=True)
class Plan:
    """Which columns are used and how they are read.

    Attributes:
        places: our column → the columns of the file, the preferred one first.
        numbers: our numeric column → how its numbers are read.
        words_are_titles: whether "Null" as a title or an artist is a name.
        bare_lists: the columns in which ``[A]`` is a list of one.
        notes: sentences about what was chosen and converted.
    """

    places: Mapping[str, Sequence[int]]
    numbers: Mapping[str, Numbers]
    words_are_titles: bool
    bare_lists: frozenset[int]
    notes: tuple[str, ...]


def survey(
    connection: duckdb.DuckDBPyConnection,
    found: Mapping[str, Sequence[int]],
    names: Sequence[str],
    lists: frozenset[int],
    *,
    quotes: bool,
) -> Plan:
    """Look through the table ``raw`` and decide how it is read.

    Args:
        connection: has the table.
        found: our column → where it may be, the likeliest first.
        names: what the file calls its columns.
        lists: the columns that are lists, not texts.
        quotes: whether the file has quotation marks, which could tell a title "Null" from a missing
            one.
    """
    places, notes = _chosen(connection, found, names, lists)
    numbers, converted = _numbers(connection, places, names)
    return Plan(
        places=places,
        numbers=numbers,
        words_are_titles=quotes and _only_names_are_words(connection, places, lists),
        bare_lists=_bare_lists(connection, places, lists),
        notes=(*notes, *converted),
    )


def quoted(names: Sequence[str]) -> str:
    """Return names of columns in quotation marks, joined by "and"."""
    marked = [f"“{printable(name)}”" for name in names]
    return " and ".join([", ".join(marked[:-1]), marked[-1]] if len(marked) > 1 else marked)


def _ask(connection: duckdb.DuckDBPyConnection, sums: Mapping[Any, str]) -> dict[Any, Any]:
    """Return the values of some aggregates over ``raw``."""
    if not sums:
        return {}
    statement = f"SELECT {', '.join(sums.values())} FROM raw"
    parameters = {"id_pattern": ID} if "$id_pattern" in statement else {}
    row = connection.execute(statement, parameters).fetchall()[0]
    return dict(zip(sums, row, strict=True))


def _chosen(
    connection: duckdb.DuckDBPyConnection,
    found: Mapping[str, Sequence[int]],
    names: Sequence[str],
    lists: frozenset[int],
) -> tuple[dict[str, list[int]], list[str]]:
    """Return our column → those of the file with plausible content, and notes on the choices."""
    several = {
        (column, place): f"avg(coalesce({_fits(column, place, lists)}, false)::INTEGER)"
        for column, places in found.items()
        if len(places) > 1 and column not in COMBINED
        for place in places
    }
    fits = {key: value or 0.0 for key, value in _ask(connection, several).items()}
    chosen, notes = {}, []
    for column, places in found.items():
        chosen[column] = list(places)
        if column in COMBINED or len(places) == 1:
            continue
        enough = 0.9 * max(fits[column, place] for place in places)
        best = next(place for place in places if fits[column, place] >= enough)
        chosen[column] = [best]
        # A choice between "title_x" and "title_y" is noted like one between "Track" and "Title".
        others = [names[place] for place in places if place != best and fits[column, place] > 0]
        if others:
            notes.append(
                f"{column} is taken from {quoted([names[best]])} and not from {quoted(others)}"
            )
    return chosen, notes


def _fits(column: str, place: int, lists: frozenset[int]) -> str:
    """Return the SQL of whether a cell could be of a column."""
    if place in lists:
        return f"len(c{place}) > 0"
    cell = f"c{place}"
    if column == "id":
        return f"regexp_matches({cell}, $id_pattern)"
    if column in PLACING:
        return f"TRY_CAST(replace(rtrim({cell}, '%'), ',', '.') AS DOUBLE) IS NOT NULL"
    if column in NUMERIC:
        return f"TRY_CAST(replace(rtrim(replace({cell}, ':', ''), '%'), ',', '.') AS DOUBLE) >= 0"
    filled = f"{cell} <> '' AND NOT {is_missing(cell)}"
    if column in ("title", "artists"):
        return (
            f"{filled} AND TRY_CAST({cell} AS DOUBLE) IS NULL "
            f"AND NOT regexp_matches({cell}, $id_pattern)"
        )
    return filled


def _numbers(
    connection: duckdb.DuckDBPyConnection, places: Mapping[str, Sequence[int]], names: Sequence[str]
) -> tuple[dict[str, Numbers], list[str]]:
    columns = {c: places[c][0] for c in NUMERIC if c in places}
    signs = _ask(
        connection,
        {
            (column, sign): f"count(*) FILTER (contains(c{place}, '{sign}'))"
            for column, place in columns.items()
            for sign in ",%:"
        },
    )
    decimal = any(signs.get((column, ",")) for column in FEATURES)
    numbers = {}
    for column, place in columns.items():
        comma = "decimal" if signs[column, ","] else ""
        if comma and column == "duration_ms" and not decimal:
            comma = "thousands"
        numbers[column] = Numbers(
            place,
            comma,
            percent=bool(signs[column, "%"]),
            clock=column == "duration_ms" and bool(signs[column, ":"]),
        )
    notes = [
        f"Numbers have a decimal comma in {quoted(written)}"
        for written in [[names[n.place] for n in numbers.values() if n.comma == "decimal"]]
        if written
    ]
    factors, converted = _scales(connection, numbers, names)
    for column, factor in factors.items():
        old = numbers[column]
        numbers[column] = Numbers(old.place, old.comma, old.percent, old.clock, factor)
    return numbers, [*notes, *converted]


def _scales(
    connection: duckdb.DuckDBPyConnection, numbers: Mapping[str, Numbers], names: Sequence[str]
) -> tuple[dict[str, float], list[str]]:
    """Return our column → what its numbers are multiplied by, and notes on that."""
    sums: dict[tuple[str, str], str] = {}
    for column, one in numbers.items():
        number = f"TRY_CAST({one.written()} AS DOUBLE)"
        if column in FRACTIONS or column == "popularity":
            sums[column, "inside"] = f"count(*) FILTER ({number} > 0 AND {number} < 1)"
            sums[column, "above"] = f"count(*) FILTER ({number} > 1 AND {number} <= 100)"
            sums[column, "positive"] = f"count(*) FILTER ({number} > 0)"
        elif column == "duration_ms":
            sums[column, "median"] = f"median({number}) FILTER ({number} > 0)"
            sums[column, "broken"] = f"count(*) FILTER ({number} % 1 <> 0)"
    seen = _ask(connection, sums)
    factors: dict[str, float] = {}
    notes = []
    if percent := _in_percent(numbers, seen, names):
        factors |= dict.fromkeys(percent, 0.01)
        where = quoted([names[numbers[column].place] for column in percent])
        notes.append(f"Divided by 100, because they go from 0 to 100: {where}")
    if "popularity" in numbers and seen["popularity", "inside"] and not seen["popularity", "above"]:
        factors["popularity"] = 100.0
        notes.append("Multiplied by 100, because it goes from 0 to 1: popularity")
    if "duration_ms" in numbers and (median := seen["duration_ms", "median"]):
        name = names[numbers["duration_ms"].place]
        fractions = bool(seen["duration_ms", "broken"])
        factor, unit = _duration(name, float(median), fractions=fractions)
        if factor > 1:
            factors["duration_ms"] = factor
            notes.append(
                f"{quoted([name])} is in {unit}, judging by its median of {median:g}: converted"
            )
    return factors, notes


def _in_percent(
    numbers: Mapping[str, Numbers], seen: Mapping[tuple[str, str], int], names: Sequence[str]
) -> list[str]:
    """Return the columns that go from 0 to 100 and not from 0 to 1."""
    columns = [column for column in FRACTIONS if column in numbers]
    clear = {
        column
        for column in columns
        if numbers[column].percent
        or (
            seen[column, "above"] > seen[column, "inside"]
            and 2 * seen[column, "above"] >= seen[column, "positive"]
        )
    }
    together = bool(clear & {"valence", "energy"})
    found = []
    for column in columns:
        called = re.search(r"%|percent|pct", names[numbers[column].place].lower())
        # Most music has next to no instrumentalness: 0.4 may be per cent if other rows have 80.
        may_be = seen[column, "inside"] <= _MAX_BELOW_PER_ABOVE * seen[column, "above"]
        if column in clear or (may_be and seen[column, "positive"] and (together or called)):
            found.append(column)
    return found


def _duration(name: str, median: float, *, fractions: bool) -> tuple[float, str]:
    """Return the factor from a column's numbers to milliseconds, and their unit."""
    low, high = _SECONDS
    if low <= median < high:
        return 1000.0, "seconds"
    called = "min" in name.lower() and "ms" not in name.lower()
    if median < low and (called or (fractions and "ms" not in name.lower())):
        return 60_000.0, "minutes"
    return 1.0, "milliseconds"


def _only_names_are_words(
    connection: duckdb.DuckDBPyConnection,
    places: Mapping[str, Sequence[int]],
    lists: frozenset[int],
) -> bool:
    """Whether words for a missing value occur only as quoted titles and artists."""
    names = {*places["title"], *places["artists"]}
    called = " OR ".join(is_missing(f"c{place}") for place in names - lists)
    if not called or not _ask(connection, {"any": f"bool_or({called})"})["any"]:
        return False
    used = {place for several in places.values() for place in several} - lists
    words = [
        f"c{place} IS NULL"
        if place in names
        else f"(c{place} IS NULL OR {is_missing(f'c{place}')})"
        for place in sorted(used)
    ]
    return not _ask(connection, {"any": f"count(*) FILTER ({' OR '.join(words)})"})["any"]


def _bare_lists(
    connection: duckdb.DuckDBPyConnection,
    places: Mapping[str, Sequence[int]],
    lists: frozenset[int],
) -> frozenset[int]:
    """Return the columns of artists of which at least half is in brackets, and all of genres."""
    artists = [place for place in places["artists"] if place not in lists]
    within = _ask(
        connection,
        {
            place: f"count(*) FILTER (c{place} LIKE '[%]') >= 0.5 * count(c{place})"
            for place in artists
        },
    )
    return frozenset(place for place, most in within.items() if most) | frozenset(
        places.get("genres", ())
    )
