"""The wheel holds all that `emotion` and `recommender` need, in any folder."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import cv2
import pytest

ROOT = Path(__file__).parents[2]


def tracked_files() -> list[str]:
    """Return the names of the files that git tracks, as a clone would have them."""
    done = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip("the tracked files are not known: this is not a git checkout")
    return [name for name in done.stdout.split("\0") if name and (ROOT / name).is_file()]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built offline from a copy of the tracked files."""
    source = tmp_path_factory.mktemp("source")
    for name in tracked_files():
        target = source / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target)
    built = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(built)]
    done = subprocess.run([*command, str(source)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (file,) = built.glob("affectune-*.whl")
    return file


@pytest.fixture(scope="module")
def names(wheel: Path) -> set[str]:
    """The files in the wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds what is in the wheel and nothing else."""
    folder = tmp_path_factory.mktemp("installed")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def python(installed: Path, elsewhere: Path, *arguments: str) -> str:
    """Run Python in another folder, where only the unpacked wheel is on the path."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("AFFECTUNE_")
    }
    environment["PYTHONPATH"] = str(installed)
    environment["PYTHONIOENCODING"] = "utf-8"
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=elsewhere,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_wheel_holds_the_two_libraries_and_nothing_else(names: set[str]) -> None:
    roots = {name.partition("/")[0] for name in names}
    assert {root for root in roots if not root.endswith(".dist-info")} == {"emotion", "recommender"}


def test_every_module_of_the_libraries_is_in_the_wheel(names: set[str]) -> None:
    modules = {
        name
        for name in tracked_files()
        if name.startswith(("emotion/", "recommender/")) and name.endswith(".py")
    }
    assert modules
    assert modules <= names


@pytest.mark.parametrize(
    "name",
    [
        "emotion/py.typed",
        "emotion/weights/emotion_cnn.tflite",
        "emotion/data/resting.json",
        "recommender/py.typed",
        "recommender/data/starter.csv",
        "recommender/data/genres.toml",
        "recommender/diary/migrations/env.py",
    ],
)
def test_the_wheel_holds_the_data(names: set[str], name: str) -> None:
    assert name in names


def test_the_wheel_holds_its_licence(names: set[str]) -> None:
    licences = {name.rpartition("/")[2] for name in names if ".dist-info/licenses/" in name}
    assert licences == {"LICENSE", "NOTICE"}


def test_the_libraries_come_from_the_unpacked_wheel(installed: Path, tmp_path: Path) -> None:
    code = "import emotion, recommender; print(emotion.__file__, recommender.__file__, sep='\\n')"
    files = python(installed, tmp_path, "-c", code).split("\n")
    assert all(Path(file).is_relative_to(installed) for file in files if file)


def test_the_emotion_command_explains_itself(installed: Path, tmp_path: Path) -> None:
    assert "--detector" in python(installed, tmp_path, "-m", "emotion", "--help")


def test_a_photo_is_read(installed: Path, tmp_path: Path) -> None:
    data = pytest.importorskip("skimage.data")
    cv2.imwrite(str(tmp_path / "photo.png"), cv2.cvtColor(data.astronaut(), cv2.COLOR_RGB2BGR))
    printed = python(installed, tmp_path, "-m", "emotion", "photo.png", "--json")
    (photo,) = json.loads(printed)
    assert [face["emotion"] for face in photo["faces"]] == ["happy"]


def test_a_playlist_is_chosen_from_the_starter_catalogue(installed: Path, tmp_path: Path) -> None:
    command = ("-m", "recommender", "play", "--emotion", "sad", "-n", "3", "--json")
    playlist = json.loads(python(installed, tmp_path, *command))
    assert len(playlist["tracks"]) == 3
    assert all(track["reason"] for track in playlist["tracks"])


def test_a_diary_is_made(installed: Path, tmp_path: Path) -> None:
    code = (
        "from recommender.diary import DiaryStore\n"
        "with DiaryStore.open('sqlite:///diary.sqlite') as store:\n"
        "    diary = store.diary('somebody')\n"
        "    diary.switch(True)\n"
        "    print(diary.keeping)"
    )
    assert python(installed, tmp_path, "-c", code) == "True\n"
    assert (tmp_path / "diary.sqlite").is_file()
