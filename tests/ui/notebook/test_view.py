"""How an executed notebook is read into blocks."""

from typing import Any

import pytest

from tests.ui.notebook.cells import code, markdown, notebook, png, shown
from ui.notebook import view


def test_the_projects_own_notebooks_can_be_read() -> None:
    for path in view.notebooks().values():
        found = view.open_notebook(path)
        assert found is not None, path
        for block in found.blocks:
            assert block.kind != "failure", block.text
            assert block.kind != "image" or block.text != "A figure", f"{path.name}: no words"


def blocks(*cells: dict[str, Any]) -> list[view.Block]:
    return list(view.parse(notebook(*cells), name="a_name").blocks)


def test_a_notebook_without_a_heading_is_called_after_its_file() -> None:
    assert view.parse(notebook(markdown("text")), name="02_a_name").title == "02 a name"


def test_a_number_sign_in_code_is_no_heading() -> None:
    (block,) = view.split_markdown("```python\n# a comment\n```\nText")
    assert block.kind == "markdown"
    assert "# a comment" in block.text


def test_levels_of_headings() -> None:
    found = list(view.split_markdown("Before\n\n### Deep ###\nAfter"))
    assert [(block.kind, block.text, block.level) for block in found] == [
        ("markdown", "Before", 0),
        ("heading", "Deep", 3),
        ("markdown", "After", 0),
    ]


def test_the_words_of_a_figure() -> None:
    figures = [
        code("", shown(png=png())),  # no source: skipped
        code("a", shown({"image/png": {"alt": "From the output"}}, png=png())),
        code("b", shown(png=png()), alt=["From ", "the cell"]),
        code("c", shown(png=png(), plain="From its plain form")),
        code("d", shown(png=png(), plain="<Figure size 640x480 with 1 Axes>")),
    ]
    images = [block.text for block in blocks(*figures) if block.kind == "image"]
    assert images == ["From the output", "From the cell", "From its plain form", "A figure"]


def test_library_warnings_are_left_out() -> None:
    stderr = {"output_type": "stream", "name": "stderr", "text": "UserWarning"}
    result = shown(plain="<Axes: xlabel='x'>")
    assert [block.kind for block in blocks(code("x", stderr, result))] == ["code"]


def test_an_error_is_one_line() -> None:
    error = {
        "output_type": "error",
        "ename": "KeyError",
        "evalue": "'x'",
        "traceback": ["\x1b[31mFile somewhere"],
    }
    assert blocks(code("x", error))[1] == view.Block("failure", "KeyError: 'x'")


def test_markdown_that_code_wrote() -> None:
    assert blocks(code("say()", shown(md="It is **69**.", plain="x")))[1] == view.Block(
        "markdown", "It is **69**."
    )


def test_html_without_a_table_is_left_to_be_sanitised() -> None:
    assert blocks(code("x", shown(html="<b>bold</b>")))[1].kind == "html"


def test_tables_of_pandas() -> None:
    named = (
        "<table><tr><th></th><th>a</th></tr><tr><th>index</th><th></th></tr>"
        "<tr><th>x</th><td>1</td></tr></table>"
    )
    assert view.table_rows(named) == (("index", "a"), ("x", "1"))
    numbered = "<table><tr><th></th><th>a</th></tr><tr><th>0</th><td>5</td></tr></table>"
    assert view.table_rows(numbered) == (("a",), ("5",))
    spanned = "<table><tr><th colspan='2'>wide</th></tr><tr><td>1</td><td>2</td></tr></table>"
    assert view.table_rows(spanned) == (("", "wide"), ("1", "2"))
    assert view.table_rows("<p>none</p>") == ()


@pytest.mark.parametrize(
    ("written", "left"),
    [
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("1/3\r2/3\r3/3\ndone\n", "3/3\ndone"),
        ("line\r\nnext", "line\nnext"),
    ],
)
def test_what_a_terminal_would_show(written: str, left: str) -> None:
    assert view.terminal(written) == left
