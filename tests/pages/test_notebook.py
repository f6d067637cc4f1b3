import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from tests.ui.notebook.cells import code, markdown, notebook, png, shown
from ui.notebook import view

TABLE = """<div><style scoped>.dataframe { color: red }</style><table border="1" class="dataframe">
<thead><tr style="text-align: right;"><th></th><th>images</th><th>share</th></tr></thead>
<tbody><tr><th>happy</th><td>895</td><td>24.9 %</td></tr>
<tr><th>sad</th><td>653</td><td>*18* &amp; more</td></tr></tbody></table></div>"""


FIRST = notebook(
    markdown("# What the faces show", "", "An opening."),
    markdown("## The data", "Read [the loader](../model/data.py) or [the paper](https://a.org)."),
    code("answer = 42\nprint(answer)", {"output_type": "stream", "name": "stdout", "text": "42\n"}),
    markdown("## The data", "Again."),
    code("table", shown(html=TABLE, plain="x")),
    code("draw()", shown({"image/png": {"alt": "Seven bars"}}, png=png(), plain="<Figure>")),
)
SECOND = notebook(markdown("# A second look"), markdown("Nothing else."))


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


def test_missing_notebooks_are_reported(app: AppTest, folder: Any) -> None:
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
    assert download.proto.label == "Download"


@pytest.mark.parametrize(
    "content",
    [
        *("", "not JSON", "[]", "{}", '{"nbformat": 3, "worksheets": []}', '{"nbformat": 4}'),
        json.dumps(notebook({"source": "no kind"})),
        json.dumps(notebook(code("x", shown(png="a")))),
    ],
)
def test_broken_notebook_is_reported(
    app: AppTest, folder: Any, content: str, caplog: pytest.LogCaptureFixture
) -> None:
    folder(a_broken_one=content, second=SECOND)
    assert "can’t be shown" in opened(app).warning[0].value
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


# The parts


def test_a_long_table_scrolls(app: AppTest, folder: Any) -> None:
    rows = "".join(f"<tr><td>{number}</td><td>{number}</td></tr>" for number in range(40, 80))
    html = f"<table><tr><th>a</th><th>a</th></tr>{rows}</table>"
    folder(long=notebook(markdown("# Long"), code("x", shown(html=html))))
    assert list(opened(app).dataframe[0].value.columns) == ["a 1", "a 2"]
