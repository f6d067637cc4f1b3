"""`python -m emotion s3://…`: a folder in an object store, read here and by a cluster."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from PIL import Image as Pillow

from tests.emotion.clips.making import Image, write_clip
from tests.emotion.clips.test_engines import dask
from tests.object_store import put, run, s3

FOLDER = "s3://bucket/inter views"


@pytest.fixture(scope="module")
def folder(small: Image, tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("clips") / "inter views"
    (home / "deep").mkdir(parents=True)
    Pillow.fromarray(small).save(home / "face.png")
    for name in ("take 2.mp4", "take 10.mp4", "deep/smile 😀.gif"):
        write_clip(
            home / name,
            [small] * 10,
            codec="gif" if name.endswith("gif") else "mpeg4",
            pix_fmt="rgb8" if name.endswith("gif") else "yuv420p",
        )
    return home


@pytest.fixture(scope="module")
def environment(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Mapping[str, str]]:
    with s3(tmp_path_factory.mktemp("s3")) as environment:
        put(environment, folder, FOLDER)
        yield environment


def rows(table: Path) -> list[dict[str, str]]:
    with table.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_rows_are_those_of_the_same_folder_on_disk(
    environment: Mapping[str, str], folder: Path, tmp_path: Path
) -> None:
    there, here = tmp_path / "there.csv", tmp_path / "here.csv"
    reading = ("-m", "emotion", "--detector", "haar", "--workers", "2")
    assert "1 photo and 3 clips\n" in run(environment, *reading, FOLDER, "--csv", there).stdout
    run(environment, *reading, folder, "--csv", here)
    found = [{**row, "file": row["file"].removeprefix(f"{FOLDER}/")} for row in rows(there)]
    expected = [{**row, "file": str(Path(row["file"]).relative_to(folder))} for row in rows(here)]
    assert len(found) == 16
    assert sorted(map(str, found)) == sorted(map(str, expected))
    # Named alone, a file is known for the one that was listed.
    again = run(environment, *reading, f"{FOLDER}/take 2.mp4", "--csv", there)
    assert "1 of them read before" in again.stdout


def test_what_is_not_there_is_named(environment: Mapping[str, str], tmp_path: Path) -> None:
    absent = ["s3://bucket/none.mp4", "s3://none/clips"]
    whole = f"{FOLDER}/take 2.mp4"
    table = tmp_path / "a.csv"
    done = run(environment, "-m", "emotion", *absent, whole, "--csv", table, status=2)
    first, second = done.stderr.splitlines()
    assert first == f"emotion: {absent[0]}: No such file or directory"
    assert second.startswith(f"emotion: {absent[1]}: ")
    assert "bucket" in second
    assert {row["file"] for row in rows(table)} == {whole}


def test_workers_of_a_cluster_read_addresses(
    environment: Mapping[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("distributed", reason="the extra 'cluster' is not installed")
    reading = ("-m", "emotion", "--detector", "haar", FOLDER)
    run(environment, *reading, "--csv", tmp_path / "here.csv")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with dask(tmp_path, workers=2) as scheduler:
        run(environment, *reading, "--csv", tmp_path / "there.csv", "--scheduler", scheduler)
    assert (tmp_path / "there.csv").read_bytes() == (tmp_path / "here.csv").read_bytes()
