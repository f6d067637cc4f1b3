import base64
import io
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from streamlit.runtime.pages_manager import PagesManager
from streamlit.testing.v1 import AppTest

from ui.notebook import view

TABLE = """<div><style scoped>.dataframe { color: red }</style><table border="1" class="dataframe">
<thead><tr style="text-align: right;"><th></th><th>images</th><th>share</th></tr></thead>
<tbody><tr><th>happy</th><td>895</td><td>24.9 %</td></tr>
<tr><th>sad</th><td>653</td><td>*18* &amp; more</td></tr></tbody></table></div>"""


def png() -> str:
    out = io.BytesIO()
    Image.new("RGB", (40, 20), "#7A3560").save(out, "PNG")
    return base64.b64encode(out.getvalue()).decode()


def markdown(*lines: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "metadata": {}, "source": "\n".join(lines)}


def code(source: str, *outputs: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "execution_count": 1,
        "metadata": metadata,
        "source": source.splitlines(keepends=True),
        "outputs": list(outputs),
    }


def shown(metadata: dict[str, Any] | None = None, **data: Any) -> dict[str, Any]:
    kinds = {"png": "image/png", "plain": "text/plain", "html": "text/html", "md": "text/markdown"}
    return {
        "output_type": "display_data",
        "data": {kinds[kind]: value for kind, value in data.items()},
        "metadata": metadata or {},
    }


def notebook(*cells: dict[str, Any]) -> dict[str, Any]:
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": list(cells)}


FIRST = notebook(
    markdown("# What the faces show", "", "An opening."),
    markdown("## The data", "Read [the loader](../model/data.py) or [the paper](https://a.org)."),
    code("answer = 42\nprint(answer)", {"output_type": "stream", "name": "stdout", "text": "42\n"}),
    markdown("## The data", "Again."),
    code("table", shown(html=TABLE, plain="x")),
    code("draw()", shown({"image/png": {"alt": "Seven bars"}}, png=png(), plain="<Figure>")),
)
SECOND = notebook(markdown("# A second look"), markdown("Nothing else."))


class WarmPages(PagesManager):
    """What a server knows of its pages once it has run the router."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        PagesManager.uses_pages_directory = False


@pytest.fixture(autouse=True)
def warm_server(monkeypatch: pytest.MonkeyPatch) -> None:
    # `AppTest` plays a cold one in every run, and the detour that it takes by way of the router
    # loses what widgets hold.
    monkeypatch.setattr("streamlit.testing.v1.app_test.PagesManager", WarmPages)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Let the page find these notebooks; text is written as it is."""
    monkeypatch.setattr(view, "FOLDER", tmp_path)

    def write(**notebooks: Any) -> Path:
        for name, content in notebooks.items():
            text = content if isinstance(content, str) else json.dumps(content)
            (tmp_path / f"{name}.ipynb").write_text(text)
        return tmp_path

    return write


def opened(app: AppTest) -> AppTest:
    app.switch_page("pages/notebook.py").run()
    assert not app.exception
    return app


def title(app: AppTest) -> str:
    (only,) = app.title
    return only.value


# The page


def test_without_notebooks_it_says_so(app: AppTest, folder: Any) -> None:
    assert title(opened(app)) == "The notebooks are not here yet"
    assert not app.radio


def test_a_notebook_reads_like_a_page(app: AppTest, folder: Any) -> None:
    folder(first=FIRST)
    assert title(opened(app)) == "What the faces show"
    assert [(header.value, header.proto.anchor) for header in app.header] == [
        ("The data", "the-data"),
        ("The data", "the-data-2"),
    ]
    texts = [element.value for element in app.markdown]
    assert "- [The data](#the-data)\n- [The data](#the-data-2)" in texts
    assert "Read the loader or [the paper](https://a.org)." in texts
    assert app.image[0].proto.imgs[0].alt == "Seven bars"
    assert list(app.table[0].value.columns) == ["·", "images", "share"]
    assert list(app.table[0].value["share"]) == ["24\\.9 %", "\\*18\\* \\& more"]
    assert not app.radio


def test_code_is_shown_when_asked_for(app: AppTest, folder: Any) -> None:
    folder(first=FIRST)
    assert [element.value for element in opened(app).code] == ["42"]
    app.toggle[0].set_value(True).run()
    assert [element.value for element in app.code] == [
        "answer = 42\nprint(answer)",
        "42",
        "table",
        "draw()",
    ]


def test_there_is_a_choice_and_a_link_to_each(app: AppTest, folder: Any) -> None:
    folder(first=FIRST, second=SECOND)
    assert opened(app).radio[0].options == ["What the faces show", "A second look"]
    app.radio[0].set_value("second").run()
    assert title(app) == "A second look"
    assert app.query_params["notebook"] in ("second", ["second"])
    app.query_params["notebook"] = "first"
    app.run()
    assert title(app) == "What the faces show"
    app.query_params["notebook"] = "no such thing"
    app.run()
    assert title(app) == "What the faces show"


def test_the_file_can_be_taken_along(app: AppTest, folder: Any) -> None:
    folder(first=FIRST)
    (download,) = opened(app).get("download_button")
    assert download.proto.label == "Download it"


@pytest.mark.parametrize(
    "content",
    [
        *("", "not JSON", "[]", "{}", '{"nbformat": 3, "worksheets": []}', '{"nbformat": 4}'),
        json.dumps(notebook({"source": "no kind"})),
        json.dumps(notebook(code("x", shown(png="a")))),
    ],
)
def test_a_broken_notebook_is_a_sentence(
    app: AppTest, folder: Any, content: str, caplog: pytest.LogCaptureFixture
) -> None:
    folder(a_broken_one=content, second=SECOND)
    assert "cannot be shown" in opened(app).warning[0].value
    assert "a_broken_one.ipynb cannot be read" in caplog.text
    app.radio[0].set_value("second").run()
    assert title(app) == "A second look"


def test_a_new_version_of_a_file_is_noticed(app: AppTest, folder: Any) -> None:
    path = folder(first=FIRST) / "first.ipynb"
    assert title(opened(app)) == "What the faces show"
    path.write_text(json.dumps(SECOND))
    os.utime(path, (1, 1))
    app.run()
    assert title(app) == "A second look"


def test_the_projects_own_notebooks_can_be_read() -> None:
    for path in view.notebooks().values():
        found = view.open_notebook(path)
        assert found is not None, path
        for block in found.blocks:
            assert block.kind != "failure", block.text
            assert block.kind != "image" or block.text != "A figure", f"{path.name}: no words"


# The parts


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


def test_what_libraries_chatter_is_left_out() -> None:
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


def test_a_long_table_scrolls(app: AppTest, folder: Any) -> None:
    rows = "".join(f"<tr><td>{number}</td><td>{number}</td></tr>" for number in range(40, 80))
    html = f"<table><tr><th>a</th><th>a</th></tr>{rows}</table>"
    folder(long=notebook(markdown("# Long"), code("x", shown(html=html))))
    assert list(opened(app).dataframe[0].value.columns) == ["a 1", "a 2"]


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
