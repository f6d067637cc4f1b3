from __future__ import annotations

import gzip
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from recommender.catalog import importer, textfile
from recommender.catalog.catalog import Catalog
from recommender.catalog.importer import import_file
from recommender.catalog.progress import STEPS
from recommender.errors import CatalogError
from recommender.types import Mood

Row = Callable[..., dict[str, Any]]
Writer = Callable[..., Path]

KAGGLE = '''\
,track_id,artists,album_name,track_name,popularity,duration_ms,explicit,danceability,energy,key,\
loudness,mode,speechiness,acousticness,instrumentalness,liveness,valence,tempo,time_signature,\
track_genre
0,5SuOikwiRyPMVoIQDJUgSV,Gen Hoshino,Comedy,Comedy,73,230666,False,0.676,0.461,1,-6.746,0,0.143,\
0.0322,1.01e-06,0.358,0.715,87.917,4,acoustic
1,4qPNDBW1i3p13qLCt0Ki3A,Ben Woodward;Someone Else,Ghost,"Ghost, ""Acoustic""",55,149610,True,\
0.42,0.166,1,-17.235,1,0.0763,0.924,5.56e-06,0.101,0.267,77.489,4,acoustic
2,4qPNDBW1i3p13qLCt0Ki3A,Ben Woodward;Someone Else,Ghost,"Ghost, ""Acoustic""",58,149610,True,\
0.42,0.166,1,-17.235,1,0.0763,0.924,5.56e-06,0.101,0.267,77.489,4,hip-hop
3,1kR4gIb7nGxHPI3D2ifs59,,,,0,0,False,0.501,0.583,7,-9.46,0,0.0605,0.69,0.00396,0.0747,0.734,\
138.391,4,k-pop
'''

TIDYTUESDAY = """\
track_id,track_name,track_artist,track_popularity,track_album_id,track_album_name,\
track_album_release_date,playlist_name,playlist_id,playlist_genre,playlist_subgenre,danceability,\
energy,key,loudness,mode,speechiness,acousticness,instrumentalness,liveness,valence,tempo,\
duration_ms
6f807x0ima9a1j3VPbc7VN,I Don't Care,"Tyler, The Creator",66,2oCs0,Album,2019-06-14,Pop Remix,37i,\
pop,dance pop,0.748,0.916,6,-2.634,1,0.0583,0.102,0,0.0653,0.518,122.036,194754
6f807x0ima9a1j3VPbc7VN,I Don't Care,"Tyler, The Creator",66,2oCs0,Album,2019-06-14,Pop Remix,37i,\
r&b,urban contemporary,0.748,0.916,6,-2.634,1,0.0583,0.102,0,0.0653,0.518,122.036,194754
"""


def _import(path: Path, tmp_path: Path) -> tuple[importer.ImportReport, Catalog]:
    target = tmp_path / "out" / "catalog.duckdb"
    return import_file(path, target), Catalog.open(target)


def test_the_kaggle_table(tmp_path: Path) -> None:
    path = tmp_path / "dataset.csv"
    path.write_text(KAGGLE, encoding="utf-8")
    report, catalog = _import(path, tmp_path)
    assert (report.read, report.kept, report.merged) == (4, 2, 1)
    assert report.refused == {"title missing": 1}
    with catalog:
        track = catalog.get("4qPNDBW1i3p13qLCt0Ki3A")
    assert track is not None
    assert track.title == 'Ghost, "Acoustic"'
    assert track.artists == ("Ben Woodward", "Someone Else")
    assert track.genres == ("singer-songwriter", "hip hop")
    assert (track.popularity, track.explicit, track.duration_ms) == (58, True, 149610)
    assert (track.valence, track.energy, track.tempo, track.year) == (0.267, 0.166, 77.489, None)


def test_the_tidytuesday_table(tmp_path: Path) -> None:
    path = tmp_path / "spotify_songs.csv"
    path.write_text(TIDYTUESDAY, encoding="utf-8")
    report, catalog = _import(path, tmp_path)
    assert (report.read, report.kept, report.merged) == (2, 1, 1)
    with catalog:
        track = catalog.get("6f807x0ima9a1j3VPbc7VN")
    assert track is not None
    assert track.artists == ("Tyler, The Creator",)
    assert set(track.genres) == {"pop", "dance pop", "r&b"}
    assert track.year == 2019


def test_parquet_with_lists_and_renamed_columns(tmp_path: Path) -> None:
    path = tmp_path / "tracks.parquet"
    duckdb.connect().execute(
        """COPY (SELECT 'spotify:track:4qPNDBW1i3p13qLCt0Ki3A' AS "URI", 'Ghost; again' AS "Name",
                        ['A; B', 'C'] AS "Artist(s)", ['indie folk'] AS genres,
                        0.5::FLOAT AS "Valence", 0.25::FLOAT AS "Energy", 2020 AS year)
           TO $path (FORMAT parquet)""",
        {"path": str(path)},
    )
    report, catalog = _import(path, tmp_path)
    assert report.kept == 1
    with catalog:
        track = catalog.get("4qPNDBW1i3p13qLCt0Ki3A")
    assert track is not None
    assert (track.title, track.artists, track.genres) == ("Ghost; again", ("A; B", "C"), ("folk",))
    assert (track.year, track.energy, track.tempo, track.explicit) == (2020, 0.25, None, None)


def test_lists_that_pandas_wrote_out(row: Row, write_csv: Writer, tmp_path: Path) -> None:
    path = write_csv([row(1, artists="""['Guns N Roses', "Destiny's Child"]""", genres="['jazz']")])
    with _import(path, tmp_path)[1] as catalog:
        track = catalog.get(f"{1:022d}")
    assert track is not None
    assert track.artists == ("Guns N Roses", "Destiny's Child")
    assert track.genres == ("jazz",)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"id": ""}, "id missing or not a Spotify id"),
        ({"id": "short"}, "id missing or not a Spotify id"),
        ({"id": "x" * 21 + "!"}, "id missing or not a Spotify id"),
        ({"title": "  "}, "title missing"),
        ({"artists": " ; "}, "artist missing"),
        ({"valence": ""}, "valence missing"),
        ({"valence": "high"}, "valence not a number"),
        ({"valence": "1.01"}, "valence outside 0 to 1"),
        ({"energy": "-0.1"}, "energy outside 0 to 1"),
        ({"energy": "nan"}, "energy missing"),
        ({"energy": "inf"}, "energy outside 0 to 1"),
        ({"danceability": "7"}, "danceability outside 0 to 1"),
        ({"acousticness": "?"}, "acousticness not a number"),
        ({"popularity": "101"}, "popularity outside 0 to 100"),
        ({"tempo": "999"}, "tempo outside 0 to 300"),
    ],
)
def test_a_broken_row_is_refused_for_its_reason(
    changes: dict[str, Any], reason: str, row: Row, write_csv: Writer, tmp_path: Path
) -> None:
    report, catalog = _import(write_csv([row(1), row(2, **changes), row(3)]), tmp_path)
    assert report.refused == {reason: 1}
    assert (report.read, report.kept, report.merged) == (3, 2, 0)
    catalog.close()


def test_optional_columns_may_be_missing(row: Row, write_csv: Writer, tmp_path: Path) -> None:
    optional = ("danceability", "acousticness", "instrumentalness", "tempo", "popularity", "genres")
    rows = [row(1, **dict.fromkeys([*optional, "year"], "")), row(2, tempo=0, popularity=80)]
    report, catalog = _import(write_csv(rows), tmp_path)
    assert report.kept == 2
    with catalog:
        bare, other = catalog.get(f"{1:022d}"), catalog.get(f"{2:022d}")
    assert bare is not None
    assert other is not None
    assert [getattr(bare, name) for name in optional[:4]] == [None] * 4
    assert (bare.genres, bare.year, bare.popularity) == ((), None, 80)
    assert other.tempo is None


def test_only_the_required_columns_are_enough(write_csv: Writer, tmp_path: Path) -> None:
    rows = [{"track_id": "a" * 22, "name": "x", "artist": "y", "valence": 0.1, "energy": 0.9}]
    report, catalog = _import(write_csv(rows), tmp_path)
    assert report.kept == len(catalog) == 1
    assert catalog.genres() == ()
    catalog.close()


def test_missing_columns_are_named(write_csv: Writer, tmp_path: Path) -> None:
    path = write_csv([{"track_id": "a" * 22, "track_name": "x", "energy": 0.5}])
    with pytest.raises(CatalogError, match=r"columns artists, valence\. It has: track_id"):
        import_file(path, tmp_path / "c.duckdb")
    assert not (tmp_path / "c.duckdb").exists()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"\n \n", "is empty"),
        (b"x", "lacks the columns"),
        (b"id,title,artists,valence,energy\n", "has no usable row"),
        (b"id,title,artists,valence,energy\nbad,x,y,0.1,0.1\n", r"id missing.*\(1\)"),
        (b"PAR1 and then nothing", "not a CSV or Parquet"),
        (b"PK\x03\x04rest", "zip archive: unpack it"),
        (b"\x1f\x8b broken", "not a CSV or Parquet"),
        (bytes(range(256)) * 50, "broken|lacks|not a CSV|no usable"),
    ],
)
def test_file_that_is_not_a_table_is_refused(content: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(content)
    with pytest.raises(CatalogError, match=said) as caught:
        import_file(path, tmp_path / "c.duckdb")
    assert "\n" not in str(caught.value)
    assert "table.csv" in str(caught.value)


def test_a_name_that_no_file_can_have_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="cannot be read"):
        import_file(tmp_path / f"{'x' * 300}.csv", tmp_path / "c.duckdb")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match=r"none\.csv cannot be read"):
        import_file(tmp_path / "none.csv", tmp_path / "c.duckdb")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="This system has no named pipes")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "table.csv")
    with pytest.raises(CatalogError, match=r"table\.csv is a pipe"):
        import_file(tmp_path / "table.csv", tmp_path / "c.duckdb")


def test_a_broken_import_leaves_the_old_catalogue_whole(
    row: Row, write_csv: Writer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "catalog.duckdb"
    import_file(write_csv([row(1), row(2)]), target)
    before = target.read_bytes()
    with pytest.raises(CatalogError):
        import_file(write_csv([{"id": 3}], "bad.csv"), target)

    def pull_the_plug(path: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(importer, "sync", pull_the_plug)
    with pytest.raises(KeyboardInterrupt):
        import_file(write_csv([row(3)], "good.csv"), target)
    assert target.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "bad.csv",
        "catalog.duckdb",
        "good.csv",
        "table.csv",
    ]


@pytest.mark.skipif(os.name != "posix", reason="asks how a file was opened")
def test_fsync_gets_a_file_open_for_writing(
    row: Row, write_csv: Writer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Windows confirms nothing for a file that is open for reading only."""
    import fcntl

    modes = []
    monkeypatch.setattr(
        os, "fsync", lambda file: modes.append(fcntl.fcntl(file, fcntl.F_GETFL) & os.O_ACCMODE)
    )
    import_file(write_csv([row(1)]), tmp_path / "catalog.duckdb")
    assert modes == [os.O_RDWR]


SLOW_IMPORT = """
import sys, time
from pathlib import Path
from recommender.catalog import importer, textfile

def stop(done, what):
    if what == sys.argv[3]:
        print("there", flush=True)
        time.sleep(60)

importer.import_file(Path(sys.argv[1]), Path(sys.argv[2]), on_progress=stop)
"""


@pytest.mark.parametrize("step", ["Reading the table", "Writing artists", "Done"])
def test_an_import_that_is_killed_leaves_the_old_catalogue_whole(
    step: str, row: Row, write_csv: Writer, tmp_path: Path
) -> None:
    target = tmp_path / "catalog.duckdb"
    import_file(write_csv([row(1), row(2)]), target)
    before = target.read_bytes()
    table = write_csv([row(number) for number in range(3000)], "new.csv")
    command = [sys.executable, "-c", SLOW_IMPORT, str(table), str(target), step]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "there\n"
        process.kill()
    assert target.read_bytes() == before
    left = [path for path in tmp_path.iterdir() if path.name.startswith(".affectune-")]
    assert len(left) == 1, "the killed import was no longer at work"
    import_file(table, target)
    assert [path for path in tmp_path.iterdir() if path.name.startswith(".affectune-")] == []
    with Catalog.open(target) as catalog:
        assert len(catalog) == 3000


def test_an_import_at_work_keeps_its_folder(row: Row, write_csv: Writer, tmp_path: Path) -> None:
    alive = tmp_path / f".affectune-{socket.gethostname()}-{os.getppid()}-x"
    # Others share the disk, and the name of one may begin like ours.
    elsewhere = tmp_path / ".affectune-another.machine-1-x"
    namesake = tmp_path / f".affectune-{socket.gethostname()}-{_ended()}-7-x"
    for folder in (alive, elsewhere, namesake):
        folder.mkdir()
    import_file(write_csv([row(1)]), tmp_path / "c.duckdb")
    assert alive.is_dir()
    assert elsewhere.is_dir()
    assert namesake.is_dir()


def _ended() -> int:
    """Return the number of a process that is no more."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    return process.pid


def test_progress_runs_from_zero_to_one(row: Row, write_csv: Writer, tmp_path: Path) -> None:
    told: list[tuple[float, str]] = []
    import_file(
        write_csv([row(number) for number in range(500)]),
        tmp_path / "c.duckdb",
        on_progress=lambda done, what: told.append((done, what)),
    )
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert told[0] == (0.0, "Reading the table")
    assert told[-1] == (1.0, "Done")
    assert list(dict.fromkeys(what for _, what in told)) == [*STEPS, "Done"]


def test_failed_import_never_reports_completion(tmp_path: Path) -> None:
    told: list[float] = []
    path = tmp_path / "table.csv"
    path.write_text("id,title,artists,valence,energy\nbad,x,y,0.1,0.1\n")
    with pytest.raises(CatalogError):
        import_file(path, tmp_path / "c.duckdb", on_progress=lambda done, _: told.append(done))
    assert 1.0 not in told


def test_too_little_memory_is_no_fault_of_the_table(
    row: Row, write_csv: Writer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importer, "_memory", lambda: "1MB")
    path = write_csv([row(number) for number in range(5000)])
    with pytest.raises(CatalogError, match="needs more memory"):
        import_file(path, tmp_path / "c.duckdb")
    assert [path.name for path in tmp_path.iterdir()] == ["table.csv"]


@pytest.fixture
def small_files() -> Iterator[Callable[[int], None]]:
    """Let no file grow beyond some bytes, as on a full disk."""
    resource = pytest.importorskip("resource", reason="POSIX limits the size of files")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("size", [10_000, 300_000])
@pytest.mark.parametrize("target", ["c.duckdb", "folder/"])
def test_full_disk_is_no_fault_of_the_table(
    size: int,
    target: str,
    small_files: Callable[[int], None],
    large_table: Path,
    tmp_path: Path,
) -> None:
    small_files(size)
    with pytest.raises(CatalogError, match=r"table\.csv needs more memory or disk than there is"):
        import_file(large_table, f"{tmp_path}/{target}")
    assert list(tmp_path.iterdir()) == []


def test_full_disk_at_the_last_step_is_reported(
    row: Row, write_csv: Writer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(path: Path) -> None:
        raise duckdb.FatalException("FATAL Error: checkpoint: Could not write file: No space left")

    monkeypatch.setattr(importer, "sync", fail)
    with pytest.raises(CatalogError, match="needs more memory or disk than there is: FATAL"):
        import_file(write_csv([row(1)]), tmp_path / "c.duckdb")


def test_repeated_rows_fill_each_other_and_add_their_genres(
    row: Row, write_csv: Writer, tmp_path: Path
) -> None:
    rows = [
        row(1, genres="folk", tempo="", year="", language="", popularity=10),
        row(2),
        row(1, genres="pop", tempo=90, year=1999, language="en", popularity=70, title="Later"),
        row(1, genres="pop;jazz", tempo=120, title=""),
    ]
    report, catalog = _import(write_csv(rows), tmp_path)
    assert (report.read, report.kept, report.merged) == (4, 2, 1)
    assert report.refused == {"title missing": 1}
    with catalog:
        track = catalog.get(f"{1:022d}")
    assert track is not None
    assert (track.title, track.tempo, track.year, track.language) == ("Song 1", 90, 1999, "en")
    assert (track.popularity, track.genres) == (70, ("folk", "pop"))


@pytest.mark.parametrize(
    ("told", "mode"),
    [("1", 1), ("0", 0), ("1.0", 1), ("Major", 1), ("minor", 0), ("", None), ("7", None)],
)
def test_major_and_minor(
    told: str, mode: int | None, row: Row, write_csv: Writer, tmp_path: Path
) -> None:
    with _import(write_csv([row(1, mode=told)]), tmp_path)[1] as catalog:
        track = catalog.get(f"{1:022d}")
    assert track is not None
    assert track.mode == mode


def test_every_cell_comes_back_as_it_was(row: Row, write_csv: Writer, tmp_path: Path) -> None:
    figures = {"valence": 0.1 + 0.2, "energy": 1e-7, "danceability": 1 / 3, "tempo": 123.456789}
    wanted = row(
        1, title="a \x1e b \x1f c", artists="x;y\x1fz", explicit="True", duration_ms=1, mode=0,
        language="pt", **figures,
    )  # fmt: skip
    with _import(write_csv([wanted]), tmp_path)[1] as catalog:
        track = catalog.get(f"{1:022d}")
    assert track is not None
    assert (track.title, track.artists) == ("a   b   c", ("x", "y z"))
    assert {name: getattr(track, name) for name in figures} == figures
    assert (track.explicit, track.duration_ms, track.mode, track.language) == (True, 1, 0, "pt")
    assert (track.acousticness, track.instrumentalness) == (0.5, 0.0)


def test_a_wrong_byte_far_down_is_read_as_windows_1252(
    row: Row, write_csv: Writer, tmp_path: Path
) -> None:
    path = write_csv([row(number) for number in range(30_000)])
    assert path.stat().st_size > textfile.SNIFFED_BYTES
    with path.open("ab") as file:
        file.write(b"%022d,D\xe9j\xe0 vu,x,pop,2001,50,0.5,0.5,0.5,0.5,0,100\n" % 99_999)
    report, catalog = _import(path, tmp_path)
    with catalog:
        track = catalog.get(f"{99_999:022d}")
    assert (report.read, report.kept) == (30_001, 30_001)
    assert track is not None
    assert track.title == "Déjà vu"


def test_a_gzipped_table_that_is_cut_off_is_refused(
    row: Row, write_csv: Writer, tmp_path: Path
) -> None:
    packed = gzip.compress(write_csv([row(number) for number in range(20_000)]).read_bytes())
    path = tmp_path / "cut.csv.gz"
    path.write_bytes(packed[: len(packed) // 2])
    with pytest.raises(CatalogError, match=r"cut\.csv\.gz"):
        import_file(path, tmp_path / "c.duckdb")


def test_more_families_than_there_are_bits_for_are_refused(
    row: Row, write_csv: Writer, tmp_path: Path
) -> None:
    class Endless:
        def family_of(self, tag: str) -> str:
            return tag

    path = write_csv([row(number, genres=f"tag {number}") for number in range(65)])
    with pytest.raises(CatalogError, match="65 genre families; 64 at most"):
        import_file(path, tmp_path / "c.duckdb", table=Endless())  # type: ignore[arg-type]


def test_an_import_replaces_a_catalogue_that_is_open(
    row: Row, write_csv: Writer, tmp_path: Path
) -> None:
    target = tmp_path / "catalog.duckdb"
    import_file(write_csv([row(1)]), target)
    with Catalog.open(target) as old:
        import_file(write_csv([row(2), row(3)], "new.csv"), target)
        assert old.get(f"{1:022d}") is not None
    with Catalog.open(target) as new:
        assert len(new) == 2


def test_a_table_is_never_overwritten(row: Row, write_csv: Writer, tmp_path: Path) -> None:
    source, precious = write_csv([row(1)]), write_csv([row(2)], "precious.csv")
    before = precious.read_bytes()
    for target in (precious, source, tmp_path):
        with pytest.raises(CatalogError, match="not a catalogue and stays as it is"):
            import_file(source, target)
    assert precious.read_bytes() == before


def test_foreign_database_is_never_overwritten(row: Row, write_csv: Writer, tmp_path: Path) -> None:
    table, own = write_csv([row(1)]), tmp_path / "catalog.duckdb"
    with duckdb.connect(str(own)) as connection:
        connection.execute("CREATE TABLE diary AS SELECT 'precious' AS entry")
        with pytest.raises(CatalogError, match="not a catalogue and stays as it is"):
            import_file(table, own)
    with pytest.raises(CatalogError, match="not a catalogue and stays as it is"):
        import_file(table, own)
    with duckdb.connect(str(own)) as connection:
        assert connection.execute("FROM diary").fetchall() == [("precious",)]


@pytest.mark.parametrize("damage", ["cut", "header"])
def test_damaged_catalogue_may_be_replaced(
    damage: str, row: Row, write_csv: Writer, tmp_path: Path
) -> None:
    target = tmp_path / "catalog.duckdb"
    import_file(write_csv([row(1)]), target)
    content = target.read_bytes()
    target.write_bytes(
        content[: len(content) // 2] if damage == "cut" else content[:100] + b"x" + content[101:]
    )
    assert import_file(write_csv([row(2), row(3)], "new.csv"), target).kept == 2


def test_a_target_that_cannot_be_written_is_named(
    row: Row, write_csv: Writer, tmp_path: Path
) -> None:
    table = write_csv([row(1)])
    (tmp_path / "file").write_text("x")
    for target in (tmp_path / "file" / "c.duckdb", tmp_path / ("long" * 100), f"{tmp_path}/%s/"):
        with pytest.raises(CatalogError, match="cannot be written"):
            import_file(table, str(target).replace("%s", "long" * 100))
    with pytest.raises(CatalogError, match="~nosuchuser/x cannot be found"):
        import_file(table, "~nosuchuser/x")


@pytest.mark.parametrize(
    "name",
    [
        "x'; DROP TABLE tracks; --.csv",
        'a"b.csv',
        "st*r?[1].csv",
        "spaces and ümläute.csv",
        "a=b/table.csv",
        "-n.csv",
    ],
)
def test_a_file_may_be_called_anything(
    name: str, row: Row, write_csv: Writer, tmp_path: Path
) -> None:
    target = tmp_path / "'; DROP TABLE tracks; --.duckdb"
    assert import_file(write_csv([row(1)], name), target).kept == 1
    with Catalog.open(target) as catalog:
        assert len(catalog) == 1


def test_a_star_in_a_name_does_not_read_the_neighbours(
    row: Row, write_csv: Writer, tmp_path: Path
) -> None:
    write_csv([row(1)], "ab.csv")
    assert import_file(write_csv([row(2)], "a*.csv"), tmp_path / "c.duckdb").kept == 1


@pytest.mark.parametrize(
    "text",
    [
        "'; DROP TABLE tracks; --",
        '"); DELETE FROM tracks; --',
        "$genres",
        "{0}",
        "%s",
        "=1+1",
        "line\nbreak",
        "日本語 🎵",
        "Nullify",
    ],
)
def test_a_title_may_say_anything(text: str, row: Row, write_csv: Writer, tmp_path: Path) -> None:
    path = write_csv([row(1, title=text, artists=text, genres=f"pop;{text}"), row(2)])
    with _import(path, tmp_path)[1] as catalog:
        track = catalog.get(f"{1:022d}")
        assert len(catalog) == 2
    assert track is not None
    assert track.title == text


@pytest.mark.parametrize(
    ("encoding", "title"),
    [("utf-8-sig", "Déjà vu 日本"), ("latin-1", "Déjà vu"), ("utf-16", "Déjà vu 日本")],
)
def test_other_encodings_are_read(encoding: str, title: str, tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    text = f"id,title,artists,valence,energy\n{'a' * 22},{title},y,0.1,0.9\n"
    path.write_bytes(text.encode(encoding))
    with _import(path, tmp_path)[1] as catalog:
        track = catalog.get("a" * 22)
    assert track is not None
    assert track.title == title


def test_a_gzipped_table_is_read(row: Row, write_csv: Writer, tmp_path: Path) -> None:
    packed = tmp_path / "table.csv.gz"
    packed.write_bytes(gzip.compress(write_csv([row(1)]).read_bytes()))
    assert import_file(packed, tmp_path / "c.duckdb").kept == 1


def test_a_line_with_the_wrong_number_of_cells_is_counted(
    row: Row, write_csv: Writer, tmp_path: Path
) -> None:
    path = write_csv([row(number) for number in range(1, 30)])
    with path.open("a", encoding="utf-8") as file:
        file.write("only,three,cells\n")
    report = import_file(path, tmp_path / "c.duckdb")
    assert (report.read, report.kept) == (30, 29)
    assert report.refused == {"line not readable": 1}


def test_semicolons_and_tabs_are_delimiters(tmp_path: Path) -> None:
    for mark in ";\t":
        path = tmp_path / "table.csv"
        cells = [["id", "title", "artists", "valence", "energy"], ["a" * 22, "x", "y", "0.1", "1"]]
        path.write_text("\n".join(mark.join(line) for line in cells))
        assert import_file(path, tmp_path / "c.duckdb").kept == 1


def test_the_same_table_gives_the_same_catalogue(
    row: Row, write_csv: Writer, tmp_path: Path
) -> None:
    rows = [row(number % 40, title=f"t{number}", genres="pop;folk") for number in range(200)]
    path = write_csv(rows)
    dumps = []
    for name in ("a.duckdb", "b.duckdb"):
        import_file(path, tmp_path / name)
        with duckdb.connect(str(tmp_path / name), read_only=True) as connection:
            tables = [name for (name,) in connection.execute("SHOW TABLES").fetchall()]
            dumps.append([connection.execute(f"SELECT * FROM {t}").fetchall() for t in tables])
    assert dumps[0] == dumps[1]
    with Catalog.open(tmp_path / "a.duckdb") as catalog:
        titles = {track.title for track in catalog.candidates(Mood(0, 0), limit=100)}
    assert titles == {f"t{number}" for number in range(40)}
