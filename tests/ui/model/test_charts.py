"""Figures as words, and the names of lines."""

import pytest

from ui.model import charts, figures


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (0.02, "hardly ever"),
        (0.1, "about one time in ten"),
        (0.69, "about seven times in ten"),
        (0.99, "almost always"),
    ],
)
def test_fractions_in_words(share: float, words: str) -> None:
    assert figures.in_ten(share) == words


def test_wilson_interval_of_a_fraction() -> None:
    assert figures.margin(0.694, 3589) == pytest.approx(0.0151, abs=1e-4)
    assert figures.margin(1.0, 10) == 0.0


def test_line_labels_do_not_overlap() -> None:
    blur = figures.Corruption("blur", "px", "", ((0, 0.7, 0.6), (4, 0.31, 0.32)))
    ours, fer = (line for line in charts.corruption_rows(blur) if line["text"])
    assert fer["label"] - ours["label"] == pytest.approx(0.06)
    assert (ours["fraction"], fer["fraction"]) == (0.31, 0.32)
