"""File names as the command line prints them."""

import pytest

from emotion.output import on_one_line


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
