"""File names as the command line prints them, and annotated copies."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from emotion.output import is_annotated_copy, on_one_line, save_new


@pytest.mark.parametrize(
    ("name", "printed"),
    [
        ("take 2 é 写真 👩‍👧.mp4", "take 2 é 写真 👩‍👧.mp4"),
        ("a\nb", r"a\nb"),
        ("\x1b[31mred", r"\x1b[31mred"),
        ("holiday\u202egpj.exe", r"holiday\u202egpj.exe"),
        ("\u2066isolated\u2069", r"\u2066isolated\u2069"),
        ("line\u2028end", r"line\u2028end"),
        ("half\ud800", r"half\ud800"),
    ],
)
def test_a_file_name_neither_breaks_a_line_nor_steers_the_terminal(name: str, printed: str) -> None:
    assert on_one_line(name) == printed


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp"])
@pytest.mark.parametrize("side", [1, 300])
def test_an_annotated_copy_is_told_from_a_photo(tmp_path: Path, suffix: str, side: int) -> None:
    image = np.random.default_rng(0).integers(0, 256, (side, side, 3), np.uint8)
    copy, photo = tmp_path / f"copy{suffix}", tmp_path / f"photo{suffix}"
    save_new(image, copy, inputs=[], overwrite=False)
    Image.fromarray(image).save(photo)
    assert is_annotated_copy(copy)
    assert not is_annotated_copy(photo)


def test_an_empty_file_is_no_annotated_copy(tmp_path: Path) -> None:
    (tmp_path / "empty.png").touch()
    assert not is_annotated_copy(tmp_path / "empty.png")
