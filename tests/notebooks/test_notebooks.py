"""The notebooks as they are committed, and the command that executes them."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

import nbformat
import pytest

from model.reporting import notebooks
from model.reporting.notebooks import FOLDER, NotebookError

FILES = sorted(FOLDER.glob("*.ipynb"))


def cells(notebook: Any, kind: str) -> list[Any]:
    return [cell for cell in notebook["cells"] if cell["cell_type"] == kind]


def write(path: Path, *sources: str) -> Path:
    found = nbformat.v4.new_notebook()
    found.cells = [nbformat.v4.new_code_cell(source) for source in sources]
    nbformat.write(found, path)
    return path


def options(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    notebooks.add_arguments(parser)
    return parser.parse_args(words)


def test_there_are_three_notebooks() -> None:
    assert notebooks.find_notebooks() == FILES
    assert [path.name.split("_")[0] for path in FILES] == ["01", "02", "03"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
class TestCommitted:
    def test_is_executed_without_errors(self, path: Path) -> None:
        code = cells(nbformat.read(path, 4), "code")
        assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
        kinds = {output["output_type"] for cell in code for output in cell["outputs"]}
        assert kinds <= {"display_data", "execute_result"}

    def test_is_small_and_names_no_machine(self, path: Path) -> None:
        assert path.stat().st_size <= notebooks.MOST_BYTES
        found = nbformat.read(path, 4)
        assert notebooks.machine_paths(found) == []
        assert "version" not in found["metadata"]["language_info"]
        assert all("execution" not in cell["metadata"] for cell in found["cells"])

    def test_has_one_title_and_words_for_every_figure(self, path: Path) -> None:
        found = nbformat.read(path, 4)
        prose = [cell["source"].splitlines() for cell in cells(found, "markdown")]
        titles = [line for lines in prose for line in lines if line.startswith("# ")]
        assert titles == prose[0][:1]
        pictures = [
            output
            for cell in cells(found, "code")
            for output in cell["outputs"]
            if "image/png" in output["data"]
        ]
        assert pictures
        for picture in pictures:
            assert len(picture["metadata"]["image/png"]["alt"]) > 40


@pytest.mark.parametrize(
    ("number", "with_votes"),
    [("01", True), ("01", False), ("02", True), ("02", False), ("03", False)],
)
def test_runs_on_a_miniature_and_leaves_the_file(
    number: str,
    with_votes: bool,
    tiny_zip: Path,
    tiny_votes: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("FERPLUS_PATH", raising=False)
    monkeypatch.delenv("FER2013_PATH", raising=False)
    words = ["--only", number, "--check"]
    if number != "03":
        words += ["--data", str(tiny_zip)]
    if with_votes:
        words += ["--votes", str(tiny_votes)]
    [path] = notebooks.find_notebooks([number])
    before = path.read_bytes()
    assert notebooks.run(options(*words)) == [path]
    assert path.read_bytes() == before


def test_a_failing_cell_is_named_with_its_source(tmp_path: Path) -> None:
    path = write(tmp_path / "01_fails.ipynb", "1 + 1", "number = 3\nnumber / 0")
    before = path.read_bytes()
    with pytest.raises(NotebookError) as caught:
        notebooks.execute(path, dict(os.environ))
    assert str(caught.value) == (
        "01_fails.ipynb: cell 2 failed with ZeroDivisionError: division by zero\n\n"
        "    number = 3\n    number / 0"
    )
    assert path.read_bytes() == before


def test_outputs_are_written_back_but_never_a_machine_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tells = write(tmp_path / "01_tells.ipynb", "import os", "os.getcwd() + '/model'")
    fine = write(
        tmp_path / "02_fine.ipynb",
        "import sys, model\nprint('chatter', file=sys.stderr)\nprint('heard')",
    )
    monkeypatch.setattr(notebooks, "find_notebooks", lambda only: [fine])
    monkeypatch.setattr(notebooks, "NEEDS_DATA", ())
    notebooks.run(options())
    [cell] = nbformat.read(fine, 4)["cells"]
    assert [output["text"] for output in cell["outputs"]] == ["heard\n"]
    assert sorted(tmp_path.iterdir()) == [tells, fine]
    monkeypatch.setattr(notebooks, "_MACHINE_PATH", notebooks.re.compile(r"/\S+/model"))
    with pytest.raises(NotebookError, match=r"01_tells.ipynb names places on this machine: /"):
        notebooks.execute(tells, dict(os.environ))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("saved in /home/ada/affectune/x.png", ["/home/ada/affectune/x.png"]),
        ("/tmp/ab12/a.json, C:\\Users\\ada", ["/tmp/ab12/a.json", "C:\\Users\\ada"]),
        ("test/home/PublicTest_1.jpg, https://example.org/home/page", []),
    ],
)
def test_machine_paths(text: str, found: list[str]) -> None:
    notebook = {
        "cells": [
            {
                "cell_type": "code",
                "source": "",
                "outputs": [{"data": {"text/plain": [text], "image/png": "/home/not/a/path"}}],
            }
        ]
    }
    assert notebooks.machine_paths(notebook) == found


def test_invalid_arguments_are_named(tiny_zip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match=r"'only' argument: '09': one of 01, 02, 03"):
        notebooks.run(options("--only", "09"))
    with pytest.raises(FileNotFoundError, match=r"no FER\+ votes at nowhere.csv"):
        notebooks.run(options("--data", str(tiny_zip), "--votes", "nowhere.csv"))
    monkeypatch.delenv("FER2013_PATH", raising=False)
    with pytest.raises(FileNotFoundError, match="Download it from Kaggle"):
        notebooks.run(options("--only", "01"))
