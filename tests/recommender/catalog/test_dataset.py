"""A catalogue in a folder of Parquet files: how it is written, and what is refused."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from threading import Semaphore
from typing import Any

import duckdb
import pytest

from recommender.__main__ import main
from recommender.catalog import locations
from recommender.catalog.catalog import ENVIRONMENT, STARTER, Catalog, open_or_starter
from recommender.catalog.importer import import_file
from recommender.catalog.manifest import MANIFEST, SNAPSHOT, Manifest, parse
from recommender.catalog.progress import DATASET_STEPS, UPLOAD_STEPS
from recommender.errors import CatalogError
from recommender.recommender import Recommender
from recommender.types import Filters, Mood
from tests.recommender.catalog.large import LARGE, few_blocks_per_file

Row = Callable[..., dict[str, Any]]
Writer = Callable[..., Path]
Capture = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The starter catalogue as a folder."""
    folder = tmp_path_factory.mktemp("good") / "catalog"
    import_file(STARTER, f"{folder}/")
    return folder


@pytest.fixture
def copy(good: Path, tmp_path: Path) -> Path:
    """One that may be damaged."""
    return Path(shutil.copytree(good, tmp_path / "catalog"))


def manifest_of(folder: Path) -> Manifest:
    return parse((folder / MANIFEST).read_bytes())


def snapshots(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name != MANIFEST)


def test_tracks_are_partitioned_by_block_and_hashes_are_sorted(
    large_table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    few_blocks_per_file(monkeypatch)
    import_file(large_table, f"{tmp_path}/catalog/")
    said = manifest_of(tmp_path / "catalog")
    here = tmp_path / "catalog" / said.snapshot
    assert said.tracks == LARGE
    assert {
        path.relative_to(here).as_posix(): path.stat().st_size for path in here.rglob("*.*")
    } == (said.files())
    for table in ("blocks", "records"):
        assert len(said.sizes[table]) == 5
        for place in range(5):
            numbers = duckdb.sql(f"SELECT number FROM '{here}/{table}/{place:05d}.parquet'")
            first, last = place * 4096, min((place + 1) * 4096, LARGE)
            assert [number for (number,) in numbers.fetchall()] == list(range(first, last))
    for index in ("ids", "songs", "artists", "recordings"):
        every = [
            hashed
            for place in range(len(said.sizes[index]))
            for (hashed,) in duckdb.sql(
                f"SELECT hash FROM '{here}/{index}/{place:05d}.parquet'"
            ).fetchall()
        ]
        assert every == sorted(every)
        assert list(said.first[index]) == every[::3000]


def test_trailing_slash_or_existing_folder_selects_the_folder_layout(
    row: Row, write_csv: Writer, tmp_path: Path
) -> None:
    table = write_csv([row(1)])
    (tmp_path / "there").mkdir()
    import_file(table, tmp_path / "there")
    import_file(table, f"{tmp_path}/deep/er/")
    import_file(table, str(tmp_path / "file"))
    assert (tmp_path / "there" / MANIFEST).is_file()
    assert (tmp_path / "deep" / "er" / MANIFEST).is_file()
    assert (tmp_path / "file").is_file()


def test_import_report_matches_that_of_a_file(row: Row, write_csv: Writer, tmp_path: Path) -> None:
    rows = [row(1), row(1, genres="jazz"), row(2, valence="x"), row(3, id="?"), row(4)]
    table = write_csv(rows)
    report = import_file(table, f"{tmp_path}/folder/")
    assert report == import_file(table, tmp_path / "file.duckdb")
    assert (report.read, report.kept, report.merged) == (5, 2, 1)
    assert report.kept + report.merged + sum(report.refused.values()) == report.read


@pytest.mark.parametrize("name", ["st*r[1]", "it's", 'a"b', "spaces and ümläute", "a=b", "100%"])
def test_folder_names_with_special_characters(
    name: str, row: Row, write_csv: Writer, tmp_path: Path
) -> None:
    import_file(write_csv([row(1), row(2)]), f"{tmp_path / name}/")
    with Catalog.open(tmp_path / name) as catalog:
        assert len(catalog.candidates(Mood(0, 0))) == 2
        assert catalog.get(f"{2:022d}") is not None


@pytest.mark.parametrize("end", ["/", "/catalog.duckdb"])
def test_path_with_a_question_mark_is_refused(
    end: str, row: Row, write_csv: Writer, tmp_path: Path
) -> None:
    with pytest.raises(CatalogError, match="written: DuckDB cannot write to a path with a qu"):
        import_file(write_csv([row(1)]), f"{tmp_path}/why?{end}")


def test_table_with_only_the_required_columns(tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    table.write_text(f"id,title,artists,valence,energy\n{'a' * 22},x,y,0.1,0.9\n")
    import_file(table, f"{tmp_path}/folder/")
    with Catalog.open(tmp_path / "folder") as catalog:
        assert (catalog.genres(), catalog.languages(), catalog.decades()) == ((), (), ())
        assert catalog.find_recordings(["GBAYE0601498"]) == {}
        assert [track.title for track in catalog.candidates(Mood(0, 0))] == ["x"]
        assert catalog.passing(Filters(decades=(1980,))).tracks == 0


def test_new_import_keeps_the_snapshot_that_is_open(
    row: Row, write_csv: Writer, tmp_path: Path
) -> None:
    target = f"{tmp_path}/catalog/"
    import_file(write_csv([row(1)]), target)
    with Catalog.open(target) as old:
        import_file(write_csv([row(2), row(3)], "new.csv"), target)
        assert old.get(f"{1:022d}") is not None
        assert len(old.candidates(Mood(0, 0))) == 1
    assert len(snapshots(tmp_path / "catalog")) == 2
    with Catalog.open(target) as new:
        assert len(new) == 2
    import_file(write_csv([row(4)], "newer.csv"), target)
    left = snapshots(tmp_path / "catalog")
    assert len(left) == 2
    assert manifest_of(tmp_path / "catalog").snapshot in left


def test_foreign_files_are_never_overwritten(row: Row, write_csv: Writer, tmp_path: Path) -> None:
    table = write_csv([row(1)])
    own = tmp_path / "own"
    own.mkdir()
    (own / "photos.parquet").write_text("precious")
    (tmp_path / "file").write_text("precious")
    (tmp_path / "claims").mkdir()
    (tmp_path / "claims" / MANIFEST).write_text('{"affectune": "notes"}')
    (tmp_path / "claims" / "notes.txt").write_text("precious")
    for target in (f"{own}/", str(own), f"{tmp_path}/file/", f"{tmp_path}/claims/"):
        with pytest.raises(
            CatalogError, match="not a catalogue and stays as it is: choose another"
        ):
            import_file(table, target)
    assert sorted(path.name for path in own.iterdir()) == ["photos.parquet"]
    assert (tmp_path / "file").read_text() == "precious"
    assert len(list((tmp_path / "claims").iterdir())) == 2


def test_failed_import_leaves_no_files(
    row: Row, write_csv: Writer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = write_csv([{"id": 3}], "bad.csv")
    with pytest.raises(CatalogError, match="lacks the columns"):
        import_file(bad, f"{tmp_path}/catalog/")
    assert not (tmp_path / "catalog").exists()
    import_file(write_csv([row(1), row(2)]), f"{tmp_path}/catalog/")
    before = snapshots(tmp_path / "catalog")

    def pull_the_plug(path: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(locations, "sync", pull_the_plug)
    with pytest.raises(KeyboardInterrupt):
        import_file(write_csv([row(3)], "good.csv"), f"{tmp_path}/catalog/")
    assert snapshots(tmp_path / "catalog") == before
    with Catalog.open(tmp_path / "catalog") as catalog:
        assert len(catalog) == 2


SLOW_IMPORT = """
import sys, time
from pathlib import Path
from recommender.catalog import importer

def stop(done, what):
    if what == sys.argv[3]:
        print("there", flush=True)
        time.sleep(60)

importer.import_file(Path(sys.argv[1]), sys.argv[2], on_progress=stop)
"""


@pytest.mark.parametrize("step", ["Reading the table", "Writing the files"])
def test_killed_import_leaves_the_old_catalogue_intact(
    step: str, row: Row, write_csv: Writer, tmp_path: Path
) -> None:
    target = f"{tmp_path}/catalog/"
    import_file(write_csv([row(1), row(2)]), target)
    table = write_csv([row(number) for number in range(3000)], "new.csv")
    command = [sys.executable, "-c", SLOW_IMPORT, str(table), target, step]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "there\n"
        process.kill()
    with Catalog.open(target) as catalog:
        assert len(catalog) == 2
    left = [name for name in snapshots(tmp_path / "catalog") if not SNAPSHOT.fullmatch(name)]
    assert len(left) == 1, "the killed import was no longer at work"
    import_file(table, target)
    assert all(SNAPSHOT.fullmatch(name) for name in snapshots(tmp_path / "catalog"))
    with Catalog.open(target) as catalog:
        assert len(catalog) == 3000


@pytest.mark.skipif(os.name != "posix", reason="there are no such locks")
def test_import_that_ends_during_another_leaves_its_snapshot(
    row: Row, write_csv: Writer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second one has its files ready while the first has no manifest in place yet."""
    target = f"{tmp_path}/catalog/"
    first, second = write_csv([row(1)], "1.csv"), write_csv([row(1), row(2)], "2.csv")
    imports: list[Future[object]] = []
    ready, enter = Semaphore(0), locations.exclusive

    def announce(folder: Path) -> Any:
        ready.release()
        return enter(folder)

    def begin_second(folder: Path) -> None:
        if not imports:
            ready.acquire(timeout=60)
            imports.append(threads.submit(import_file, second, target))
            assert ready.acquire(timeout=60)

    monkeypatch.setattr(locations, "exclusive", announce)
    monkeypatch.setattr(locations, "sync_folder", begin_second)
    with ThreadPoolExecutor(1) as threads:
        import_file(first, target)
        imports[0].result()
    with Catalog.open(target) as catalog:
        assert len(catalog) == 2


def test_snapshot_that_was_published_meanwhile_stays_readable(
    row: Row, write_csv: Writer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = f"{tmp_path}/catalog/"
    import_file(write_csv([row(1)], "1.csv"), target)
    opened: list[Catalog] = []

    def another_import(path: Path) -> None:
        monkeypatch.undo()
        import_file(write_csv([row(1), row(2)], "2.csv"), target)
        opened.append(Catalog.open(target))

    monkeypatch.setattr(locations, "sync", another_import)
    import_file(write_csv([row(3)], "3.csv"), target)
    with opened[0] as catalog:
        assert len(catalog.candidates(Mood(0, 0))) == 2


def test_snapshot_without_a_manifest_is_not_opened_and_may_be_replaced(
    copy: Path, row: Row, write_csv: Writer
) -> None:
    (copy / MANIFEST).unlink()
    with pytest.raises(CatalogError, match="There is no catalogue in"):
        Catalog.open(copy)
    import_file(write_csv([row(1)]), f"{copy}/")
    with Catalog.open(copy) as catalog:
        assert len(catalog) == 1
    assert len(snapshots(copy)) == 1


def test_progress_runs_from_zero_to_one(row: Row, write_csv: Writer, tmp_path: Path) -> None:
    told: list[tuple[float, str]] = []
    import_file(
        write_csv([row(number) for number in range(500)]),
        f"{tmp_path}/catalog/",
        on_progress=lambda done, what: told.append((done, what)),
    )
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert told[-1] == (1.0, "Done")
    assert list(dict.fromkeys(what for _, what in told)) == [*DATASET_STEPS, "Done"]
    assert sum(what == "Writing the files" for _, what in told) > 5


@pytest.mark.parametrize("steps", [DATASET_STEPS, UPLOAD_STEPS])
def test_step_fractions_add_up_to_one(steps: dict[str, float]) -> None:
    assert sum(steps.values()) == pytest.approx(1.0, abs=0.01)


def changed(name: str, value: object) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        content = json.loads((folder / MANIFEST).read_text())
        content[name] = value
        (folder / MANIFEST).write_text(json.dumps(content))

    return change


def written(content: bytes) -> Callable[[Path], None]:
    return lambda folder: (folder / MANIFEST).write_bytes(content) and None


def file_of(folder: Path, name: str) -> Path:
    return folder / manifest_of(folder).snapshot / name


def without(name: str) -> Callable[[Path], None]:
    return lambda folder: file_of(folder, name).unlink()


def cut(name: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        path = file_of(folder, name)
        path.write_bytes(path.read_bytes()[:-7])

    return change


def table(name: str, statement: str) -> Callable[[Path], None]:
    """Replace a file by what a statement makes of it, and have the manifest say so."""

    def change(folder: Path) -> None:
        path, new = file_of(folder, name), folder / "new.parquet"
        made = statement.replace("{}", f"'{path}'")
        duckdb.sql(f"COPY ({made}) TO '{new}' (FORMAT parquet)")
        new.replace(path)
        content = json.loads((folder / MANIFEST).read_text())
        content["sizes"][name.partition("/")[0].removesuffix(".parquet")] = [path.stat().st_size]
        (folder / MANIFEST).write_text(json.dumps(content))

    return change


REFUSED: dict[str, tuple[Callable[[Path], None], str]] = {
    "no manifest": (lambda folder: (folder / MANIFEST).unlink(), "There is no catalogue in"),
    "a block is missing": (without("blocks/00000.parquet"), r"its file blocks/00000\.parquet is m"),
    "records are missing": (without("records/00000.parquet"), r"records/00000\.parquet is missing"),
    "an index is missing": (without("songs/00000.parquet"), r"songs/00000\.parquet is missing"),
    "a small table is missing": (without("facets.parquet"), r"facets\.parquet is missing"),
    "a file is cut": (cut("records/00000.parquet"), r"records/00000\.parquet is damaged"),
    "another format": (changed("format", 5), r"another version of Affectune \(format 5, layout 1"),
    "another layout": (changed("layout", 2), r"another version of Affectune \(format 6, layout 2"),
    "a format of lists": (changed("format", [[1] * 999]), "another version of Affectune"),
    "another plane": (changed("plane", "x"), "placed on the mood plane by another version"),
    "no json": (written(b"{"), "is broken"),
    "empty": (written(b""), "is broken"),
    "deep": (written(b"[" * 100_000), "is broken"),
    "not of ours": (written(b'{"format": 6}'), "is broken"),
    "no tracks": (changed("tracks", 0), "is broken"),
    "other tracks": (changed("tracks", 3265), "is broken"),
    "too many tracks": (changed("tracks", 10**9), "is broken"),
    "tracks in words": (changed("tracks", "many"), "is broken"),
    "a snapshot elsewhere": (changed("snapshot", "../../etc"), "is broken"),
    "files elsewhere": (changed("sizes", {"../../etc/passwd": [1]}), "is broken"),
    "no sizes": (changed("sizes", None), "is broken"),
    "no hashes": (changed("first", {}), "is broken"),
    "a bit that no number has": (
        table("families.parquet", "SELECT * REPLACE (99 AS bit) FROM {}"),
        "is broken",
    ),
    "a family without a name": (
        table("families.parquet", "SELECT * REPLACE (NULL AS family) FROM {}"),
        "is broken",
    ),
    "no curve": (
        table("curves.parquet", "SELECT * FROM {} WHERE axis <> 'arousal'"),
        "is broken",
    ),
    "boxes too few": (table("boxes.parquet", "SELECT * FROM {} LIMIT 1"), "is broken"),
    "facets too few": (table("facets.parquet", "SELECT * FROM {} OFFSET 1"), "is broken"),
    "no such column": (table("boxes.parquet", "SELECT 1 AS x FROM {}"), "is broken"),
    "no number": (
        table("languages.parquet", "SELECT * REPLACE ('x' AS code) FROM {}"),
        "is broken",
    ),
}


@pytest.mark.parametrize("how", REFUSED)
def test_unusable_folder_is_reported_with_the_command_that_repairs_it(how: str, copy: Path) -> None:
    damage, said = REFUSED[how]
    damage(copy)
    with pytest.raises(CatalogError, match=said) as caught:
        Catalog.open(copy)
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith(
        f"with “python -m recommender import FILE --catalog {copy}/”."
    )
    found, note = open_or_starter(copy)
    with found:
        assert found.source == STARTER
        assert note is not None
        assert note.endswith("Playing the starter catalogue instead.")


LATE = {
    "records of nothing": table("records/00000.parquet", "SELECT number, '' AS record FROM {}"),
    "records of others": table("records/00000.parquet", "SELECT -1 AS number, record FROM {}"),
    "no records": table("records/00000.parquet", "SELECT number FROM {}"),
    "no blocks": table("blocks/00000.parquet", "SELECT * FROM {} WHERE block > 99"),
    "blocks of text": table("blocks/00000.parquet", "SELECT * REPLACE ('x' AS families) FROM {}"),
}


@pytest.mark.parametrize("how", LATE)
def test_damaged_data_files_are_reported_when_read(how: str, copy: Path) -> None:
    LATE[how](copy)
    for genres in ((), ("jazz",)):
        with Catalog.open(copy) as catalog, pytest.raises(CatalogError, match="is broken"):
            Recommender(catalog).recommend(Mood(-0.5, 0.2), genres=genres, seed=1)


@pytest.mark.parametrize("seed", range(12))
def test_random_bit_flips_raise_only_catalog_errors(copy: Path, seed: int) -> None:
    noise = random.Random(seed)
    for path in file_of(copy, "").rglob("*.parquet"):
        data = bytearray(path.read_bytes())
        for _ in range(1 + 20 * (seed % 3)):
            data[noise.randrange(len(data))] ^= 1 << noise.randrange(8)
        path.write_bytes(data)
    said = ""
    try:
        with Catalog.open(copy) as catalog:
            catalog.find([("Imagine", "John Lennon")])
            catalog.artist_means(["ABBA"])
            catalog.genre_means()
            for valence in (-0.9, 0.0, 0.9):
                Recommender(catalog).recommend(Mood(valence, -valence), n=20, seed=1)
            catalog.candidates(Mood(0, 0), filters=Filters(decades=(1960,), explicit=False))
    except CatalogError as error:
        said = str(error)
    assert said == "" or (said.endswith(".") and "\n" not in said)


def test_open_catalogue_has_no_access_to_other_files(good: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    with Catalog.open(good) as catalog:
        for statement in (
            f"SELECT * FROM read_text('{tmp_path}/secret.txt')",
            f"SELECT * FROM read_text('{good}/{MANIFEST}')",
            f"SELECT * FROM read_parquet('{good}/../*.parquet')",
            f"ATTACH '{tmp_path}/other.duckdb'",
            f"COPY (SELECT 1) TO '{tmp_path}/out.csv'",
            "INSTALL httpfs",
            "LOAD httpfs",
            "SET enable_external_access = true",
            f"SET allowed_directories = ['{tmp_path}/']",
            "SET lock_configuration = false",
            "SET memory_limit = '100GB'",
        ):
            with pytest.raises(duckdb.Error):
                catalog._storage.connection.execute(statement).fetchall()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["secret.txt"]


@pytest.mark.skipif(sys.platform == "win32", reason="permissions are others there")
def test_unreadable_folder_is_reported(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> Iterator[Path]:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(CatalogError, match="catalog cannot be read: Permission denied"):
        Catalog.open(copy)


def test_unwritable_folder_is_reported(row: Row, write_csv: Writer, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(CatalogError, match="cannot be written"):
        import_file(write_csv([row(1)]), f"{tmp_path}/file/below/")


def test_command_line_imports_and_plays_from_a_folder(
    row: Row, write_csv: Writer, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = f"{tmp_path}/my catalogue/"
    rows = [row(number) for number in range(60)]
    assert main(["import", str(write_csv(rows)), "--catalog", target]) == 0
    said = capsys.readouterr().out
    assert "60 tracks in the catalogue" in said
    assert f"Written to {target}" in said
    assert f"Use it: export {ENVIRONMENT}=" in said
    monkeypatch.setenv(ENVIRONMENT, target)
    assert main(["play", "--emotion", "sad", "-n", "5", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["tracks"]) == 5


def test_command_line_exits_with_two_for_an_incomplete_folder(copy: Path, capsys: Capture) -> None:
    without("records/00000.parquet")(copy)
    assert main(["play", "--emotion", "sad", "--catalog", str(copy)]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("recommender: The catalogue ")
    assert said.err.count("\n") == 1
    assert f"python -m recommender import FILE --catalog {copy}/" in said.err
