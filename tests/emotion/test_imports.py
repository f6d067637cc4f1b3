"""Which module of the library imports which: no circle, and nothing from the layers above."""

from __future__ import annotations

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import emotion

PACKAGE = Path(emotion.__file__).parent
ABOVE = {"recommender", "model", "ui", "pages", "streamlit", "tensorflow", "keras"}


def modules() -> dict[str, Path]:
    """Return name → file of every module of the library."""
    named = {}
    for path in PACKAGE.rglob("*.py"):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        named[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return named


def imports(path: Path) -> set[str]:
    """Return what a file imports anywhere: at the top, within functions, for types alone."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path} has a relative import"
            # A name may be a module's: `from emotion.detectors import haar`.
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


GRAPH = {name: imports(path) & modules().keys() for name, path in modules().items()}


def test_the_graph_is_that_of_the_library() -> None:
    assert "emotion.detectors.haar" in GRAPH["emotion.detectors.factory"]
    assert "emotion.classifier" in GRAPH["emotion.__main__"]  # imported within a function


def test_no_import_circle() -> None:
    try:
        TopologicalSorter(GRAPH).prepare()
    except CycleError as error:
        pytest.fail(" → ".join(error.args[1]))


def test_detectors_know_nothing_of_their_factory() -> None:
    users = {name for name, imported in GRAPH.items() if "emotion.detectors.factory" in imported}
    assert users == {"emotion", "emotion.__main__", "emotion.recognizer"}


@pytest.mark.parametrize("name", sorted(modules()))
def test_nothing_is_imported_from_above(name: str) -> None:
    roots = {module.partition(".")[0] for module in imports(modules()[name])}
    allowed = set()
    if name == "emotion.__main__":
        # The command line is an application of both libraries: it prints where the emotions lie
        # on the plane of valence and arousal, which is the recommender's.
        allowed = {"recommender"}
    assert roots & ABOVE <= allowed
