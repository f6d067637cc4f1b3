from __future__ import annotations

import pytest

from model.markdown import markdown_table


def test_numbers_are_aligned_to_the_right() -> None:
    table = markdown_table(("what", "of", "how many"), [("a", "b", "3")], text_columns=(0, 1))
    assert table.splitlines() == [
        "| what | of | how many |",
        "| --- | --- | ---: |",
        "| a | b | 3 |",
    ]


def test_a_row_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="2 cells are needed"):
        markdown_table(("what", "how many"), [("a",)])
