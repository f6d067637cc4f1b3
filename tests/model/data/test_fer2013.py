from __future__ import annotations

import os
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest

from emotion.labels import EMOTIONS
from model.__main__ import main
from model.data.fer2013 import data_path, load_fer2013


def test_splits_come_from_file_names_and_training_is_cleaned(tiny_zip: Path) -> None:
    data = load_fer2013(tiny_zip)
    assert (data.cleaning.before, data.cleaning.after) == (45, 42)
    assert (data.cleaning.blank, data.cleaning.in_test, data.cleaning.repeats) == (1, 1, 1)
    assert "45 images - 1 blank - 1 that equal a test image - 1 repeats = 42" in str(data.cleaning)
    assert len(data.training) == 42
    assert len(data.public_test) == len(data.private_test) == 14
    assert data.training.images.shape == (42, 48, 48, 1)
    assert data.training.images.dtype == np.uint8
    assert np.bincount(data.private_test.labels).tolist() == [2] * 7


def test_leaked_test_picture_is_marked_not_dropped(tiny_zip: Path) -> None:
    private = load_fer2013(tiny_zip).private_test
    leaked = [name for name, clean in zip(private.names, private.clean, strict=True) if not clean]
    assert leaked == ["test/fear/PrivateTest_12.jpg"]


def test_zip_folder_and_csv_hold_the_same(tiny_zip: Path, tmp_path: Path) -> None:
    folder = tmp_path / "fer2013"
    with zipfile.ZipFile(tiny_zip) as archive:
        archive.extractall(folder)
    rows = ["emotion,pixels,Usage"]
    for file in sorted(folder.rglob("*.jpg")):
        picture = cv2.imread(str(file), cv2.IMREAD_GRAYSCALE)
        assert picture is not None
        label = EMOTIONS.index(file.parent.name)
        pixels = " ".join(str(value) for value in picture.ravel())
        rows.append(f"{label},{pixels},{file.name.split('_')[0]}")
    table = tmp_path / "fer2013.csv"
    table.write_text("\n".join(rows) + "\n")
    from_zip = load_fer2013(tiny_zip)
    for other in (load_fer2013(folder), load_fer2013(table)):
        assert other.cleaning == from_zip.cleaning
        for split in ("training", "public_test", "private_test"):
            ours, theirs = getattr(from_zip, split), getattr(other, split)
            assert np.array_equal(ours.images, theirs.images)
            assert np.array_equal(ours.labels, theirs.labels)


def test_votes_are_joined_by_path(tiny_zip: Path, tiny_votes: Path) -> None:
    training = load_fer2013(tiny_zip, ferplus=tiny_votes).training
    assert training.votes is not None
    voted = training.votes.sum(axis=1) > 0
    assert voted.tolist() == [EMOTIONS[label] == "angry" for label in training.labels]
    assert training.votes[voted][0] == pytest.approx([0.2, 0, 0, 0.1, 0.7, 0, 0, 0])


def test_missing_data_says_where_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FER2013_PATH", raising=False)
    with pytest.raises(FileNotFoundError, match=r"Download it from Kaggle .* FER2013_PATH"):
        data_path()
    with pytest.raises(FileNotFoundError, match="nowhere does not exist"):
        data_path(tmp_path / "nowhere")
    monkeypatch.setenv("FER2013_PATH", str(tmp_path))
    assert data_path() == tmp_path


def test_data_that_is_not_fer2013_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="holds no image of Training, PublicTest:"):
        load_fer2013(tmp_path)
    text = tmp_path / "fer2013.zip"
    text.write_text("hello")
    with pytest.raises(ValueError, match="neither a zip archive nor a folder nor a csv"):
        load_fer2013(text)
    table = tmp_path / "fer2013.csv"
    table.write_text("a,b\n1,2\n")
    with pytest.raises(ValueError, match="lacks the columns emotion, pixels and Usage"):
        load_fer2013(table)


@pytest.mark.data
@pytest.mark.skipif("FER2013_PATH" not in os.environ, reason="FER2013_PATH is not set")
def test_fer2013_has_the_official_counts() -> None:
    data = load_fer2013()
    assert (data.cleaning.before, data.cleaning.after) == (28_709, 26_941)
    assert (len(data.public_test), int(data.public_test.clean.sum())) == (3_589, 3_309)
    assert (len(data.private_test), int(data.private_test.clean.sum())) == (3_589, 3_301)


def test_packed_data_trains_identically_without_private_test(
    tiny_zip: Path, tiny_votes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["--data", str(tiny_zip), "--votes", str(tiny_votes), "--out", str(tmp_path)]
    assert main(["pack", *given]) == 0
    packed = load_fer2013(tmp_path / "fer2013.zip", ferplus=tmp_path / "votes.csv")
    whole = load_fer2013(tiny_zip, ferplus=tiny_votes)
    for split in ("training", "public_test"):
        ours, theirs = getattr(packed, split), getattr(whole, split)
        assert ours.names == theirs.names
        assert np.array_equal(ours.images, theirs.images)
        assert np.array_equal(ours.votes, theirs.votes)
    assert len(packed.private_test) == 0
    asked = ["evaluate", "--split", "private-test", "--data", str(tmp_path / "fer2013.zip")]
    assert main(asked) == 2
    assert "holds no image of private-test" in capsys.readouterr().err


def test_only_a_zip_is_packed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["pack", "--data", str(tmp_path)]) == 2
    assert "a zip is needed" in capsys.readouterr().err
