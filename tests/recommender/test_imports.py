"""Which module of the library imports which: no circle, and nothing from the layers above."""

from __future__ import annotations

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import recommender

PACKAGE = Path(recommender.__file__).parent
ABOVE = {"emotion", "model", "ui", "pages", "app", "streamlit", "tensorflow", "keras"}

LAYERS = ("weights", "candidates", "scoring", "selection", "reasons", "explanation", "ranking")
"""The modules of the ranking, each of which may use those before it."""


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
            # A name may be a module's: `from recommender.diary import summary`.
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def graph() -> dict[str, set[str]]:
    known = modules()
    found = {name: imports(path) & known.keys() - {name} for name, path in known.items()}
    for name, used in found.items():
        # A package's own modules are found by its name, and it by theirs: that is no circle.
        used -= {package for package in used if name.startswith(f"{package}.")}
    return found


def test_no_import_circle() -> None:
    try:
        TopologicalSorter(graph()).prepare()
    except CycleError as error:
        pytest.fail(" → ".join(error.args[1]))


def test_the_ranking_has_one_direction() -> None:
    found = graph()
    for place, layer in enumerate(LAYERS):
        used = found[f"recommender.ranking.{layer}"]
        later = {f"recommender.ranking.{name}" for name in LAYERS[place:]}
        assert not used & (later | {"recommender.recommender", "recommender.session"}), layer


@pytest.mark.parametrize("name", sorted(modules()))
def test_nothing_is_imported_from_above(name: str) -> None:
    roots = {module.partition(".")[0] for module in imports(modules()[name])}
    assert not roots & ABOVE


def test_the_app_loads_nothing_of_the_evaluation() -> None:
    users = {
        name
        for name, used in graph().items()
        if any(module.startswith("recommender.evaluation") for module in used)
    }
    assert {name for name in users if ".evaluation" not in name} == {"recommender.__main__"}
