"""Catalogue files from strangers: what they hold is data, or they are not opened."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from recommender.catalog import catalog as catalogs
from recommender.catalog.catalog import STARTER, Catalog
from recommender.catalog.check import open_file
from recommender.catalog.importer import import_file
from recommender.errors import CatalogError
from recommender.recommender import Recommender
from recommender.types import Filters, Mood

SECRET = "the server's own secret"


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A catalogue as the import writes it."""
    built = tmp_path_factory.mktemp("good") / "catalog.duckdb"
    import_file(STARTER, built)
    return built


@pytest.fixture
def forged(good: Path, tmp_path: Path) -> Callable[..., Path]:
    """Make a copy of a catalogue and do something to it, as a stranger would."""

    def forge(*statements: str) -> Path:
        (tmp_path / "secret.txt").write_text(SECRET, encoding="utf-8")
        copy = tmp_path / "stranger.duckdb"
        shutil.copy(good, copy)
        with duckdb.connect(str(copy)) as connection:
            for statement in statements:
                connection.execute(statement.format(secret=tmp_path / "secret.txt"))
        return copy

    return forge


def test_a_catalogue_of_ours_opens(good: Path) -> None:
    with Catalog.open(good) as catalog, Catalog.open(STARTER) as starter:
        assert catalog.fingerprint == starter.fingerprint


LEAK = "(SELECT content FROM read_text('{secret}'))"
ATTACKS = {
    "tracks is a view that reads a file": (
        "ALTER TABLE tracks RENAME TO real",
        "CREATE VIEW tracks AS SELECT * REPLACE (concat(split_part(record, chr(31), 1), chr(31), "
        f"{LEAK}, substr(record, 40)) AS record) FROM real",
    ),
    "languages is a view that lists files": (
        "DROP TABLE languages",
        "CREATE VIEW languages AS SELECT file AS language, 1 AS code, 1 AS tracks FROM glob('/*')",
    ),
    "a view beside the tables": ("CREATE VIEW more AS SELECT * FROM read_csv('{secret}')",),
    "a macro in the place of a function": ("CREATE MACRO count(x) AS 42",),
    "a macro that reads a file": (f"CREATE MACRO md5_number_lower(x) AS {LEAK}",),
    "a macro that gives a table": (
        "CREATE MACRO range(x) AS TABLE SELECT * FROM read_text('{secret}')",
    ),
    "a macro in the place of what checks": (
        "CREATE MACRO duckdb_views() AS TABLE SELECT '' AS view_name, true AS internal LIMIT 0",
        "CREATE VIEW more AS SELECT * FROM read_text('{secret}')",
    ),
    "a generated column": (
        "CREATE TABLE other AS FROM languages",
        "DROP TABLE languages",
        "CREATE TABLE languages(code BIGINT, tracks BIGINT, language VARCHAR "
        "GENERATED ALWAYS AS (current_setting('home_directory')) VIRTUAL)",
        "INSERT INTO languages SELECT code, tracks FROM other",
        "DROP TABLE other",
    ),
    "a default": ("ALTER TABLE languages ALTER COLUMN code SET DEFAULT 3",),
    "a default that calls": (
        "ALTER TABLE families ALTER COLUMN family SET DEFAULT current_setting('home_directory')",
    ),
    "a table of their own": ("CREATE TABLE more AS SELECT 1 AS x",),
    "a schema of their own": ("CREATE SCHEMA s", "CREATE VIEW s.tracks AS FROM tracks"),
    "a type of their own": ("CREATE TYPE feeling AS ENUM ('good')",),
    "a sequence": ("CREATE SEQUENCE numbers",),
    "an index": ("CREATE INDEX by_key ON tracks(key)",),
    "a constraint": ("ALTER TABLE families ALTER COLUMN family SET NOT NULL",),
    "a list for a text": (
        "CREATE TABLE other AS SELECT [axis] AS axis, figure, position FROM curves",
        "DROP TABLE curves",
        "ALTER TABLE other RENAME TO curves",
    ),
    "text for a number": (
        "CREATE TABLE other AS SELECT * REPLACE ('x' AS valence) FROM families",
        "DROP TABLE families",
        "ALTER TABLE other RENAME TO families",
    ),
    "a table is missing": ("DROP TABLE credits",),
    "a column is missing": ("ALTER TABLE tracks DROP COLUMN record",),
    "only another database": tuple(
        f"DROP TABLE {table}"
        for table in ("affectune", "tracks", "blocks", "credits", "recordings", "curves")
    ),
}


@pytest.mark.parametrize("how", ATTACKS)
def test_what_is_not_a_plain_table_is_refused(forged: Callable[..., Path], how: str) -> None:
    with pytest.raises(CatalogError) as caught:
        Catalog.open(forged(*ATTACKS[how]))
    assert SECRET not in str(caught.value)
    assert "opened: it could read" in str(caught.value) or "not a catalogue" in str(caught.value)


DAMAGE = {
    "no track": ("DELETE FROM tracks",),
    "a track too few": ("DELETE FROM tracks WHERE rowid = 7",),
    "no word about itself": ("DELETE FROM affectune",),
    "two words about itself": ("INSERT INTO affectune FROM affectune",),
    "no block": ("DELETE FROM blocks",),
    "no curve": ("DELETE FROM curves WHERE axis = 'arousal'",),
    "a bit that no number has": ("UPDATE families SET bit = 3000000 WHERE bit = 1",),
    "a bit below 0": ("UPDATE families SET bit = -1 WHERE bit = 1",),
    "a bit twice": ("UPDATE families SET bit = 0",),
    "no name for a family": ("UPDATE families SET family = NULL",),
    "no decade": ("UPDATE tracks SET decade = NULL WHERE rowid = 7",),
    "no record": ("UPDATE tracks SET record = NULL WHERE rowid = 7",),
    "no fingerprint": ("UPDATE affectune SET fingerprint = NULL",),
}


@pytest.mark.parametrize("how", DAMAGE)
def test_what_does_not_add_up_is_broken(forged: Callable[..., Path], how: str) -> None:
    with pytest.raises(CatalogError, match=r"is broken|not a catalogue"):
        Catalog.open(forged(*DAMAGE[how]))


RECORDS = {
    "empty": "''",
    "a title alone": "'x'",
    "no numbers": "replace(record, '0.', 'x.')",
    "off the plane": "replace(record, chr(31), chr(31) || '9')",
    "too few cells": "left(record, 40)",
}


@pytest.mark.parametrize("how", RECORDS)
def test_a_damaged_record_is_noticed_where_it_is_read(
    forged: Callable[..., Path], how: str
) -> None:
    with Catalog.open(forged(f"UPDATE tracks SET record = {RECORDS[how]}")) as catalog:
        for ask in (
            lambda: catalog.candidates(Mood(0, 0)),
            lambda: catalog.candidates(Mood(0, 0), filters=Filters(decades=(1980,))),
            lambda: Recommender(catalog).recommend(Mood(-0.5, 0.2)),
        ):
            with pytest.raises(CatalogError, match="is broken"):
                ask()


@pytest.mark.parametrize("column", ["low_valence_rank", "high_energy_rank", "popularity"])
@pytest.mark.parametrize("number", ["NaN", "inf"])
def test_search_among_boxes_that_are_not_finite_comes_to_an_end(
    number: str, column: str, forged: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalogs, "_SCANNED_TRACKS", 0)
    path = forged(f"UPDATE blocks SET {column} = '{number}'")
    with Catalog.open(path) as catalog, pytest.raises(CatalogError, match="is broken"):
        catalog.candidates(Mood(0, 0))


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE families SET valence = 'NaN'",
        "UPDATE families SET energy = 1e300",
        "UPDATE curves SET figure = 'NaN'",
        "UPDATE curves SET position = 2",
    ],
)
def test_means_and_curves_off_the_plane_are_damage(
    change: str, forged: Callable[..., Path]
) -> None:
    with Catalog.open(forged(change)) as catalog, pytest.raises(CatalogError, match="is broken"):
        catalog.genre_means()


def test_an_open_catalogue_reaches_nothing_else(good: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text(SECRET, encoding="utf-8")
    with open_file(good) as connection:
        for statement in (
            f"SELECT * FROM read_text('{tmp_path}/secret.txt')",
            f"SELECT * FROM read_csv('{tmp_path}/secret.txt')",
            f"SELECT * FROM '{tmp_path}/secret.csv'",
            "SELECT * FROM glob('/*')",
            f"ATTACH '{tmp_path}/other.duckdb'",
            f"COPY (SELECT 1) TO '{tmp_path}/out.csv'",
            f"EXPORT DATABASE '{tmp_path}/out'",
            "INSTALL httpfs",
            "LOAD httpfs",
            "SET enable_external_access = true",
            "SET lock_configuration = false",
            "SET memory_limit = '100GB'",
            "DELETE FROM tracks",
        ):
            with pytest.raises(duckdb.Error):
                connection.execute(statement).fetchall()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["secret.txt"]


def test_a_table_that_was_read_reaches_nothing_else_either(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text(SECRET, encoding="utf-8")
    with Catalog.open(STARTER) as catalog:
        for statement in (
            f"SELECT * FROM read_text('{tmp_path}/secret.txt')",
            f"ATTACH '{tmp_path}/other.duckdb'",
            "SET enable_external_access = true",
        ):
            with pytest.raises(duckdb.Error):
                catalog._storage.connection.execute(statement).fetchall()


@pytest.mark.parametrize("seed", range(24))
def test_a_file_that_is_damaged_behind_its_header(good: Path, tmp_path: Path, seed: int) -> None:
    """Wherever a byte is wrong, a catalogue says so or is right: nothing else ever comes out."""
    noise = random.Random(seed)
    data = bytearray(good.read_bytes())
    if seed % 4 == 3:
        del data[noise.randrange(4096, len(data)) :]
    else:
        for _ in range(1 + 40 * (seed % 3)):
            data[noise.randrange(12 if seed % 2 else 12_288, len(data))] ^= 1 << noise.randrange(8)
    damaged = tmp_path / "damaged.duckdb"
    damaged.write_bytes(data)
    said = ""
    try:
        with Catalog.open(damaged) as catalog:
            catalog.find([("Imagine", "John Lennon")])
            catalog.artist_means(["ABBA"])
            catalog.find_recordings(["GBAYE0601498"])
            catalog.genre_means()
            catalog.languages()
            catalog.decades()
            catalog.place({"valence": 0.3, "energy": 0.7})
            for valence in (-0.9, 0.0, 0.9):
                Recommender(catalog).recommend(Mood(valence, -valence), n=20, seed=1)
            filters = Filters(decades=catalog.decades()[:2], explicit=False)
            catalog.candidates(Mood(0, 0), filters=filters)
    except CatalogError as error:
        said = str(error)
    assert said == "" or (said.endswith((".", "FILE")) and "\n" not in said)


@pytest.mark.parametrize(
    "content", [b"", b"12345678DUCK", b"12345678DUCK" + bytes(20_000), b"DUCK" * 9000]
)
def test_a_header_alone(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "header.duckdb"
    file.write_bytes(content)
    with pytest.raises(CatalogError):
        Catalog.open(file)
