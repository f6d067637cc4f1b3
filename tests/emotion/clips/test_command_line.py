"""`python -m emotion` with clips and folders: the tables, and that a later run goes on."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import duckdb
import numpy as np
import pytest
from PIL import Image as Pillow

from emotion import __main__ as command
from emotion.clips.reader import Outcome, Reader, Task
from emotion.labels import EMOTIONS
from recommender.mood import mood_of
from tests.emotion.clips.making import Image, write_clip

ROOT = Path(__file__).parents[3]
COLUMNS = [
    *("file", "time", "face", "x", "y", "width", "height", "emotion", "confidence"),
    *EMOTIONS,
    *("valence", "arousal"),
]


def run(*arguments: str | Path) -> int:
    """Run in this process, unless ``--workers`` says otherwise."""
    return command.main(["--workers", "1", *map(str, arguments)])


def status_of(*arguments: str | Path) -> object:
    """Run, and return the exit status also where the options alone are wrong."""
    try:
        return run(*arguments)
    except SystemExit as end:
        return end.code


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def folder(tmp_path: Path, small: Image, nobody: Image) -> Path:
    """Three clips and a photo; the face is in two of them."""
    home = tmp_path / "clips"
    home.mkdir()
    write_clip(home / "take 2.mp4", [small] * 10)
    write_clip(home / "take 10.mp4", [nobody] * 10)
    write_clip(home / "take 11.mp4", [*[nobody] * 5, *[small] * 10])
    Pillow.fromarray(small).save(home / "face.png")
    return home


def test_a_row_for_each_face_and_instant(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "moods.csv"
    assert run(folder, "--csv", out) == 0
    assert out.read_text(encoding="utf-8").splitlines()[0] == ",".join(COLUMNS)
    rows = table(out)
    assert list(dict.fromkeys(Path(row["file"]).name for row in rows)) == [
        *("face.png", "take 2.mp4", "take 11.mp4")
    ]
    times = {name: [float(r["time"]) for r in rows if r["file"].endswith(name)]
             for name in ("face.png", "take 2.mp4", "take 11.mp4")}  # fmt: skip
    assert times["face.png"] == [0]
    assert times["take 2.mp4"] == [0, 0.2, 0.4, 0.6, 0.8]
    assert times["take 11.mp4"][0] == pytest.approx(0.6)
    for row in rows:
        probabilities = {name: float(row[name]) for name in EMOTIONS}
        assert sum(probabilities.values()) == pytest.approx(1, abs=1e-5)
        assert row["emotion"] == max(probabilities, key=lambda name: probabilities[name]) == "happy"
        assert float(row["confidence"]) == probabilities["happy"]
        place = mood_of(probabilities)
        assert float(row["valence"]) == pytest.approx(place.valence, abs=1e-5)
        assert float(row["arousal"]) == pytest.approx(place.arousal, abs=1e-5)
        assert row["face"] == "1"
        x, y, width, height = (int(row[name]) for name in ("x", "y", "width", "height"))
        assert 0 <= x < 80 < x + width <= 160
        assert 0 <= y < 70 < y + height <= 160
    assert capsys.readouterr().out == f"{out}: {len(rows)} rows of 1 photo and 3 clips\n"


def test_parquet_has_the_same_rows(folder: Path, tmp_path: Path) -> None:
    assert run(folder, "--csv", tmp_path / "a.csv") == 0
    assert run(folder, "--parquet", tmp_path / "it's a.parquet") == 0
    query = "SELECT * FROM read_parquet(?)"
    found = duckdb.execute(query, [str(tmp_path / "it's a.parquet")])
    assert [name for name, *_ in found.description] == COLUMNS
    types = [str(kind) for _, kind, *_ in found.description]
    assert types == ["VARCHAR", "DOUBLE", *["INTEGER"] * 5, "VARCHAR", *["DOUBLE"] * 10]
    rows = found.fetchall()
    assert [list(map(str, row))[:9] for row in rows] == [
        [r["file"], str(float(r["time"])), *(r[c] for c in COLUMNS[2:8]), str(float(r[COLUMNS[8]]))]
        for r in table(tmp_path / "a.csv")
    ]


def test_json_has_an_object_for_each_file(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(folder, "--json", "--fps", "2") == 0
    photo, empty, long = (
        item for item in json.loads(capsys.readouterr().out) if "take 2" not in item["file"]
    )
    assert set(photo) == {"file", "faces", "notes"}
    assert empty == {"file": str(folder / "take 10.mp4"), "instants": [], "notes": []}
    assert [instant["time"] for instant in long["instants"]] == [0.5, 1.0]
    (face,) = long["instants"][0]["faces"]
    assert face["face"] == 1
    assert set(face) - {"face"} == set(photo["faces"][0])


def test_text_output(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(folder / "take 2.mp4", folder / "take 10.mp4") == 0
    seen, empty = capsys.readouterr().out.split("\n\n", 1)[0], capsys.readouterr().out
    assert "take 2.mp4: one face in 5 instants" in seen
    assert empty == ""


def test_name_of_a_file_cannot_steer_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a\n\x1b[2J 😀\u202f.mp4"
    try:
        path.write_text("not a clip")
    except OSError:
        pytest.skip("this file system has no such names")
    assert run(path) == 2
    (said,) = capsys.readouterr().err.splitlines()
    assert said.startswith(f"emotion: {tmp_path / 'a'}\\n\\x1b[2J 😀")


def test_unreadable_files_are_named_and_the_rest_is_read(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "broken.mp4").write_text("not a clip")
    (folder / "notes.txt").write_text("skipped")
    out = tmp_path / "moods.csv"
    assert run(folder, tmp_path / "none.mp4", "--csv", out) == 2
    absent, skipped, broken = capsys.readouterr().err.splitlines()
    assert absent == f"emotion: {tmp_path / 'none.mp4'}: No such file or directory"
    assert "1 file was skipped" in skipped
    assert broken.startswith(f"emotion: {folder / 'broken.mp4'}: this file is not a clip")
    assert len({row["file"] for row in table(out)}) == 3
    # Mended, it is read as well, and nothing else is read again.
    shutil.copy(folder / "take 2.mp4", folder / "broken.mp4")
    assert run(folder, "--csv", out) == 0
    assert "of 1 photo and 4 clips, 4 of them read before" in capsys.readouterr().out
    files = [Path(row["file"]).name for row in table(out)]
    assert list(dict.fromkeys(files)) == ["broken.mp4", "face.png", "take 2.mp4", "take 11.mp4"]
    assert files.count("broken.mp4") == files.count("take 2.mp4") == 5


def read_at_most(monkeypatch: pytest.MonkeyPatch, count: int) -> list[str]:
    """Have Ctrl-C come when ``count`` files are read; return the names of those."""
    names: list[str] = []
    really = Reader.read

    def read(self: Reader, task: Task, **settings: object) -> Outcome:
        if len(names) == count:
            raise KeyboardInterrupt
        names.append(Path(task.source.name).name)
        return really(self, task, **settings)  # type: ignore[arg-type]

    monkeypatch.setattr(Reader, "read", read)
    return names


def test_interrupted_run_resumes(
    folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole, out = tmp_path / "whole.csv", tmp_path / "moods.csv"
    assert run(folder, "--csv", whole) == 0
    with monkeypatch.context() as patch:
        first = read_at_most(patch, 2)
        assert run(folder, "--csv", out) == 130
    assert "interrupted" in capsys.readouterr().err
    assert {Path(row["file"]).name for row in table(out)} == {"take 2.mp4"}
    with monkeypatch.context() as patch:
        second = read_at_most(patch, 9)
        assert run(folder, "--csv", out) == 0
    assert sorted(first + second) == sorted(path.name for path in folder.iterdir())
    assert out.read_bytes() == whole.read_bytes()
    with monkeypatch.context() as patch:
        assert read_at_most(patch, 0) == []
        assert run(folder, "--csv", out) == 0
    assert out.read_bytes() == whole.read_bytes()


def test_interrupt_before_reading_is_reported(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(paths: object) -> None:  # while a bucket is listed, say
        raise KeyboardInterrupt

    monkeypatch.setattr("emotion.clips.sources.find_sources", interrupt)
    before = signal.getsignal(signal.SIGTERM)
    assert run(folder) == 130
    assert capsys.readouterr().err == "emotion: interrupted\n"
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.parametrize("sent", ["SIGKILL", "SIGTERM"])
def test_killed_run_resumes(sent: str, folder: Path, tmp_path: Path) -> None:
    whole, out = tmp_path / "whole.csv", tmp_path / "moods.csv"
    code = (
        "import os, signal, sys\n"
        "from emotion.__main__ import main\n"
        "from emotion.clips.reader import Reader\n"
        "really, count = Reader.read, []\n"
        "def read(self, task, **settings):\n"
        "    count.append(task)\n"
        f"    if len(count) == 3: os.kill(os.getpid(), signal.{sent})\n"
        "    return really(self, task, **settings)\n"
        "Reader.read = read\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )
    arguments = [str(folder), "--csv", str(out), "--workers", "1"]
    died = subprocess.run([sys.executable, "-c", code, *arguments], cwd=ROOT, timeout=120)
    if sent == "SIGKILL":
        assert died.returncode == -signal.SIGKILL
        assert not out.exists()
    else:
        assert died.returncode == 130
        assert len({row["file"] for row in table(out)}) == 1  # and a clip without a face
    assert run(folder, "--csv", out) == 0
    assert run(folder, "--csv", whole) == 0
    assert out.read_bytes() == whole.read_bytes()


def test_a_clip_that_has_changed_is_read_again(folder: Path, tmp_path: Path, nobody: Image) -> None:
    out = tmp_path / "moods.csv"
    assert run(folder, "--csv", out) == 0
    write_clip(folder / "take 2.mp4", [nobody] * 12)
    assert run(folder, "--csv", out) == 0
    assert {Path(row["file"]).name for row in table(out)} == {"face.png", "take 11.mp4"}


def test_table_keeps_rows_of_files_not_given_this_time(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "moods.csv"
    assert run(folder / "take 11.mp4", "--csv", out) == 0
    assert run(folder / "take 2.mp4", "--csv", out) == 0
    files = list(dict.fromkeys(Path(row["file"]).name for row in table(out)))
    assert files == ["take 11.mp4", "take 2.mp4"]


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_foreign_files_are_not_overwritten(
    kind: str, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, photo = tmp_path / f"moods.{kind}", folder / "face.png"
    out.write_text("somebody's")
    assert run(photo, f"--{kind}", out) == 2
    assert f"{out} exists already" in capsys.readouterr().err
    assert out.read_text() == "somebody's"
    assert run(photo, f"--{kind}", out, "--force") == 0
    assert run(photo, f"--{kind}", out) == 0
    with out.open("ab") as file:
        file.write(b"a note of mine\n")
    mine = out.read_bytes()
    capsys.readouterr()
    assert run(photo, f"--{kind}", out) == 2
    assert "has changed since it was written" in capsys.readouterr().err
    assert out.read_bytes() == mine
    before = photo.read_bytes()
    assert run(photo, f"--{kind}", photo, "--force") == 2
    assert "one of the files to read" in capsys.readouterr().err
    assert photo.read_bytes() == before


def test_other_settings_do_not_mix_in_one_table(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "moods.csv"
    assert run(folder / "face.png", "--csv", out) == 0
    assert run(folder / "face.png", "--csv", out, "--fps", "2") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "--fps 5" in line
    assert "--fps 2" in line
    assert run(folder / "face.png", "--csv", out, "--fps", "2", "--force") == 0


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ("--csv a.png --plot ./a.png", "a.png is given for both --csv and --plot"),
        ("--plot a.png --annotate a.png", "a.png is given for both --plot and --annotate"),
        ("--csv a.csv --parquet a.csv", "--parquet: not allowed with argument --csv"),
        ("--csv a.parquet", "a.parquet does not fit --csv: use --parquet"),
        ("--parquet a.CSV", "a.CSV does not fit --parquet: use --csv"),
        ("--csv s3://bucket/a.csv", "'s3://bucket/a.csv': must be a file on this machine"),
        ("--csv a.csv --scheduler localhost", "'localhost': must be an address like tcp://"),
        ("--csv a.csv --workers -1", "'-1': must be a whole number of at least 1"),
        ("--csv a.csv --fps nan", "'nan': must be a number above 0, at most 240"),
    ],
)
def test_options_that_cannot_be_meant_are_reported_before_reading(
    options: str, sentence: str, folder: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(folder)
    monkeypatch.setattr(Reader, "read", lambda *_, **__: pytest.fail("read"))
    before = sorted(folder.iterdir())
    for force in ((), ("--force",)):
        assert status_of("face.png", *options.split(), *force) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert sentence in line
    assert sorted(folder.iterdir()) == before


@pytest.mark.parametrize("option", ["--csv", "--plot"])
def test_write_protected_folder_is_reported_before_reading(
    option: str, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    home = tmp_path / "protected"
    home.mkdir()
    home.chmod(0o555)
    if os.access(home, os.W_OK):  # the superuser may write there
        monkeypatch.setattr(os, "access", lambda path, mode: False)
        if option == "--csv":
            (home / "out.csv.state").mkdir()  # SQLite says the same
    monkeypatch.setattr(Reader, "read", lambda *_, **__: pytest.fail("read"))
    name = {"--csv": "out.csv", "--plot": "out.png"}[option]
    assert run(folder, option, home / name) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "cannot be written: it, or its folder, is write-protected" in line


@pytest.mark.parametrize(
    ("option", "value"),
    [("--csv", "nowhere/a.csv"), ("--plot", "nowhere/a.png"), ("--plot", "a.jpg"), ("--csv", ".")],
)
def test_unwritable_output_path_is_reported_before_reading(
    option: str, value: str, folder: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(folder)
    monkeypatch.setattr(Reader, "read", lambda *_, **__: pytest.fail("read"))
    assert run(folder, option, value) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert value in line


def test_the_plot_is_drawn_and_may_be_drawn_again(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plot = folder / "plot.png"  # in the folder that is read: not a photo for the next run
    for _ in range(2):
        assert run(folder, "--plot", plot, "--detector", "haar") == 0
    with Pillow.open(plot) as image:
        pixels = np.asarray(image.convert("RGB"))
    assert image.width == 1400
    happy = (np.abs(pixels.astype(int) - (224, 168, 44)).sum(axis=-1) < 12).mean()
    assert happy > 0.1  # she smiles all the time
    assert capsys.readouterr().out == ""
    plot.write_bytes((folder / "face.png").read_bytes())
    assert run(folder / "take 2.mp4", "--plot", plot) == 2
    assert "exists already" in capsys.readouterr().err


def test_empty_plot_is_reported(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(folder / "take 10.mp4", "--plot", tmp_path / "a.png") == 2
    assert "no face was read in a clip" in capsys.readouterr().err


def test_clips_are_not_outlined(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(folder, "--annotate", tmp_path) == 2
    assert "--annotate is for photos" in capsys.readouterr().err


def test_empty_folder_is_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, "--json") == 2
    out, err = capsys.readouterr()
    assert json.loads(out) == []
    assert "no photos or clips" in err


def test_a_gif_of_one_frame_is_a_photo(
    tmp_path: Path, small: Image, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "one.gif"
    Pillow.fromarray(small).save(path)
    assert run(path, "--json") == 0
    (item,) = json.loads(capsys.readouterr().out)
    assert [face["emotion"] for face in item["faces"]] == ["happy"]


def test_table_does_not_depend_on_the_number_of_workers(folder: Path, tmp_path: Path) -> None:
    for number in (1, 3):
        out = tmp_path / f"{number}.csv"
        assert command.main([str(folder), "--csv", str(out), "--workers", str(number)]) == 0
    assert (tmp_path / "1.csv").read_bytes() == (tmp_path / "3.csv").read_bytes()


def test_a_terminal_sees_progress_and_a_pipe_does_not(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(command, "QUIET_SECONDS", 0)
    assert run(folder, "--json") == 0
    assert capsys.readouterr().err == ""
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    assert run(folder, "--json") == 0
    assert "Reading:   0%" in terminal.getvalue()
    assert "left" in terminal.getvalue()


def test_file_names_that_are_not_unicode(tmp_path: Path, clip: Path) -> None:
    odd = os.fsdecode(os.fsencode(tmp_path / "a") + b"\xff,\n.mp4")
    try:
        shutil.copy(clip, odd)
    except OSError:
        pytest.skip("this file system has no such names")
    out = tmp_path / "moods.csv"
    assert run(odd, "--csv", out) == 0
    assert {row["file"] for row in table(out)} == {str(tmp_path / "a") + "\\udcff,\n.mp4"}
