"""Who may import whom, as docs/architecture.md draws it: no circle, and no arrow upward."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter

import pytest

from tests.import_graph import PACKAGES, graph, imports, modules

MAY_IMPORT = {
    "emotion": set(),
    "recommender": set(),
    "model": {"emotion"},
    "ui": {"emotion", "recommender", "model"},
    "pages": {"emotion", "recommender", "model", "ui"},
}
FORBIDDEN = {
    "emotion": {"streamlit", "tensorflow", "keras"},
    "recommender": {"streamlit", "tensorflow", "keras"},
    "model": {"streamlit"},
    "ui": {"tensorflow", "keras"},
    "pages": {"tensorflow", "keras"},
}
EXCEPTIONS = {
    # The command line is an application of both libraries: it prints where the emotions lie on
    # the plane of valence and arousal, which is the recommender's.
    "emotion.__main__": {"recommender"},
}


def test_no_import_circle() -> None:
    try:
        TopologicalSorter(graph(*PACKAGES)).prepare()
    except CycleError as error:
        pytest.fail(" → ".join(error.args[1]))


@pytest.mark.parametrize("name", sorted(modules(*PACKAGES)))
def test_no_import_from_above(name: str) -> None:
    package = name.partition(".")[0]
    roots = {module.partition(".")[0] for module in imports(modules(package)[name])}
    above = set(PACKAGES) - MAY_IMPORT[package] - {package} | FORBIDDEN[package]
    assert roots & above <= EXCEPTIONS.get(name, set())


def test_the_app_loads_only_the_records_of_the_model() -> None:
    found = {
        module
        for name, path in modules("ui", "pages").items()
        for module in imports(path)
        if module.startswith("model.")
    }
    assert {module for module in found if not module.startswith("model.records")} == set()
