"""Labelled photographs: both layouts are read, and no person is on both sides of a split."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from PIL import Image

from emotion.types import Box, Face
from model.data.labelled_photos import (
    PHOTOS_OF_A_FREQUENT_PERSON,
    Photo,
    crop_photos,
    part_of,
    read_photos,
)


def jpeg(image: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG")
    return buffer.getvalue()


GREY = jpeg(np.full((8, 8, 3), 128, np.uint8))


def write_zip(path: Path, names: list[str], legend: str | None = None) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, GREY)
        if legend is not None:
            archive.writestr("repo/data/legend.csv", legend)
    return path


def test_folders_name_the_emotion_and_files_the_person(tmp_path: Path) -> None:
    names = ["happy/ann-1.jpg", "neutral/ann-2.jpg", "sad/bo-b-1.JPG", "disgust/cy-1.jpg"]
    others = ["readme.txt", "boring/di-1.jpg", "__MACOSX/happy/._ann-1.jpg"]
    place = write_zip(tmp_path / "photos.zip", [*names, *others])
    found = read_photos(place)
    assert {(photo.emotion, photo.person) for photo in found} == {
        ("happy", "ann"),
        ("neutral", "ann"),
        ("sad", "bo-b"),  # disgust is left out, and "boring" is no emotion
    }
    with zipfile.ZipFile(place) as archive:
        archive.extractall(tmp_path / "unpacked")
    assert read_photos(tmp_path / "unpacked") == found


def test_the_public_repository_is_read_as_it_is(tmp_path: Path) -> None:
    legend = (
        "user.id,image,emotion\n"
        "u1,Ann_Lee_0001.jpg,anger\nu1,Ann_Lee_0002.jpg,Happiness\nu2,x1.jpg,neutral\n"
        "u1,argued.jpg,sadness\nu2,argued.jpg,anger\nu2,missing.jpg,neutral\n"
    )
    images = ["Ann_Lee_0001.jpg", "Ann_Lee_0002.jpg", "x1.jpg", "argued.jpg"]
    names = [f"repo/images/{name}" for name in images]
    found = read_photos(write_zip(tmp_path / "repo.zip", names, legend))
    assert {(photo.emotion, photo.person) for photo in found} == {
        ("angry", "Ann_Lee"),
        ("happy", "Ann_Lee"),
        ("neutral", "x1"),
    }


def test_a_person_is_in_one_part_and_a_frequent_one_is_trained_on(tmp_path: Path) -> None:
    tested = next(name for name in map(str, range(100)) if part_of(name) == "test")
    names = [f"happy/p{person}-{number}.jpg" for person in range(200) for number in range(2)]
    few = [f"sad/{tested}-{number}.jpg" for number in range(PHOTOS_OF_A_FREQUENT_PERSON)]
    place = write_zip(tmp_path / "few.zip", [*names, *few])
    found = read_photos(place)
    persons = {photo.person: {p.part for p in found if p.person == photo.person} for photo in found}
    assert all(len(parts) == 1 for parts in persons.values())
    assert {part for parts in persons.values() for part in parts} == {"train", "dev", "test"}
    assert persons[tested] == {"test"}
    assert {photo.name for photo in read_photos(place, part="dev")} == {
        photo.name for photo in found if photo.part == "dev"
    }
    many = write_zip(tmp_path / "many.zip", [*few, f"sad/{tested}-more.jpg"])
    assert {photo.part for photo in read_photos(many)} == {"train"}


def test_path_that_is_not_a_collection_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"nowhere\.zip"):
        read_photos(tmp_path / "nowhere.zip")
    with pytest.raises(ValueError, match="no labelled photograph"):
        read_photos(write_zip(tmp_path / "other.zip", ["a.jpg", "boring/b-1.jpg"]))
    (tmp_path / "text.zip").write_text("no archive")
    with pytest.raises(ValueError, match="neither a folder nor a zip"):
        read_photos(tmp_path / "text.zip")
    with pytest.raises(ValueError, match="lacks the columns"):
        read_photos(write_zip(tmp_path / "legend.zip", ["repo/images/a.jpg"], "file,label\n"))
    with pytest.raises(ValueError, match="'part'"):
        read_photos(tmp_path, part="training")


class LargestOnly:
    """Finds a large and a small face in pictures of an astronaut, and none in others."""

    def detect(self, image: np.ndarray, *, on_stage: object = None) -> list[Face]:
        if image.shape[0] < 100:
            return []
        return [Face(Box(10, 10, 40, 40)), Face(Box(177, 66, 97, 97))]

    def warm_up(self) -> None: ...


def test_the_largest_face_is_cropped_and_a_photo_without_one_left_out() -> None:
    astronaut = jpeg(np.asarray(skimage.data.astronaut()))
    photos = [
        Photo("happy/a-1.jpg", "happy", "a", "train", astronaut),
        Photo("sad/b-1.jpg", "sad", "b", "test", GREY),
        Photo("neutral/c-1.jpg", "neutral", "c", "test", astronaut),
    ]
    crops = crop_photos(photos, detector=LargestOnly())
    assert crops.photos == 3
    assert crops.images.shape == (2, 48, 48, 1)
    assert crops.labels.tolist() == [3, 6]
    assert crops.part("test").persons == ("c",)
    assert (crops.images[0] == crops.images[1]).all()
    assert crops.images[0].std() > 20  # the face, not the flat corner


def test_a_photo_that_cannot_be_read_is_named() -> None:
    broken = Photo("sad/b-1.jpg", "sad", "b", "test", b"no picture")
    with pytest.raises(ValueError, match=r"sad/b-1\.jpg: "):
        crop_photos([broken], detector=LargestOnly())
