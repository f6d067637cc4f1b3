from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from emotion.clips.sources import find_sources, is_address, natural_key


def names(path: Path) -> list[str]:
    return [Path(s.name).relative_to(path).as_posix() for s in find_sources([str(path)]).sources]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in (
        *("take 10.mp4", "take 9.MP4", "b/face.jpg", "b/a/clip.webm", "notes.txt", "README"),
        *(".DS_Store", ".hidden/take 1.mp4", "b/._face.jpg", "take 9.gif"),
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    return tmp_path


def test_a_folder_in_natural_order_without_what_is_hidden_or_of_no_kind(folder: Path) -> None:
    assert names(folder) == [
        *("take 9.gif", "take 9.MP4", "take 10.mp4"),
        *("b/face.jpg", "b/a/clip.webm"),
    ]
    assert find_sources([str(folder)]).skipped == 4
    kinds = {s.name.rpartition(".")[2]: s.kind for s in find_sources([str(folder)]).sources}
    assert kinds == {"gif": "clip", "MP4": "clip", "mp4": "clip", "jpg": "photo", "webm": "clip"}


def test_a_file_that_is_named_twice_is_read_once(folder: Path) -> None:
    named = [str(folder / "take 10.mp4"), str(folder), str(folder / "b" / ".." / "take 10.mp4")]
    found = find_sources(named)
    assert [Path(s.name).name for s in found.sources].count("take 10.mp4") == 1
    assert found.sources[0].name == named[0]


def test_a_named_file_is_told_by_its_content(clip: Path, tmp_path: Path) -> None:
    other = tmp_path / "recording.bin"
    other.write_bytes(clip.read_bytes())
    text = tmp_path / ".notes"
    text.write_text("text")
    assert [s.kind for s in find_sources([str(other), str(text)]).sources] == ["clip", "photo"]


def test_missing_path_is_reported_with_a_reason(tmp_path: Path) -> None:
    found = find_sources([str(tmp_path / "none"), "nonsense://a/b"])
    (absent, unknown) = found.problems
    assert absent == (str(tmp_path / "none"), "No such file or directory")
    assert unknown[0] == "nonsense://a/b"
    assert "cannot be read" in unknown[1]


def test_an_empty_name_is_not_the_folder_one_is_in(
    clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(clip.parent)
    found = find_sources([""])
    assert found.sources == ()
    assert "an empty name" in found.problems[0][1]


def test_file_name_is_not_a_spreadsheet_formula(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("=1+1.mp4").write_bytes(b"x")
    assert [s.name for s in find_sources(["=1+1.mp4"]).sources] == [f".{os.sep}=1+1.mp4"]


def test_a_change_of_the_file_changes_its_version(clip: Path) -> None:
    (before,) = find_sources([str(clip)]).sources
    os.utime(clip, ns=(1, 1))
    (after,) = find_sources([str(clip)]).sources
    assert before.version != after.version


def test_an_address_is_listed_and_opened() -> None:
    fsspec = pytest.importorskip("fsspec", reason="addresses need fsspec")
    memory = fsspec.filesystem("memory")
    for name in ("take 10.mp4", "take 9.mp4", "deep/face.jpg", ".hidden.mp4", "notes.txt"):
        memory.pipe(f"/clips/{name}", name.encode())
    found = find_sources(["memory://clips"])
    assert [source.name for source in found.sources] == [
        *("memory://clips/deep/face.jpg", "memory://clips/take 9.mp4", "memory://clips/take 10.mp4")
    ]
    assert found.skipped == 2
    with found.sources[1].open() as file:
        assert file.read() == b"take 9.mp4"
    (one,) = find_sources(["memory://clips/take 10.mp4"]).sources
    assert (one.kind, one.size) == ("clip", 11)
    assert one.version == found.sources[2].version  # it may be named or listed
    memory.pipe("/clips/take 10.mp4", b"take 11.mp4")
    (changed,) = find_sources(["memory://clips/take 10.mp4"]).sources
    assert changed.version != one.version
    absent = find_sources(["memory://clips/none.mp4"]).problems
    assert absent == (("memory://clips/none.mp4", "No such file or directory"),)


def test_missing_packages_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    fsspec = pytest.importorskip("fsspec", reason="addresses need fsspec")

    def lacks(address: str) -> None:
        raise ImportError("Install something to access this")

    monkeypatch.setattr(fsspec.core, "url_to_fs", lacks)
    named = ["s3://bucket/a", "simplecache::gs://bucket/a", "strange://bucket/a"]
    sentence = "such addresses cannot be read: "
    assert [said for _, said in find_sources(named).problems] == [
        f"{sentence}s3fs is not installed (pip install s3fs)",
        f"{sentence}gcsfs is not installed (pip install gcsfs)",
        f"{sentence}Install something to access this",
    ]
    monkeypatch.setitem(sys.modules, "fsspec", None)
    assert [said.partition("(")[2] for _, said in find_sources(named[::2]).problems] == [
        *("pip install fsspec s3fs)", "pip install fsspec)")
    ]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("s3://bucket/a", True),
        ("simplecache::https://a/b", True),
        ("C:\\clips", False),
        ("clips/a.mp4", False),
        ("c://a", False),
    ],
)
def test_remote_addresses_are_recognized(path: str, expected: bool) -> None:
    assert is_address(path) is expected


def test_natural_order() -> None:
    assert sorted(["b2", "a10", "B1", "a9", "10", "9"], key=natural_key) == [
        *("9", "10", "a9", "a10", "B1", "b2")
    ]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="This system has no named pipes")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "me.jpg").write_bytes(b"x")
    found = find_sources([str(tmp_path), str(tmp_path / "pipe.jpg")])
    assert [Path(source.name).name for source in found.sources] == ["me.jpg"]
    assert found.skipped == 1
    ((path, reason),) = found.problems
    assert path.endswith("pipe.jpg")
    assert "pipe" in reason


def test_a_link_to_nothing_costs_the_other_files_nothing(tmp_path: Path) -> None:
    for name in ("a.jpg", "z.jpg"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "m.jpg").symlink_to(tmp_path / "nowhere.jpg")
    found = find_sources([str(tmp_path)])
    assert [Path(source.name).name for source in found.sources] == ["a.jpg", "z.jpg"]
    assert found.problems == ((str(tmp_path / "m.jpg"), "No such file or directory"),)
