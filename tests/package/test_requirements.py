"""What is declared as a dependency: alike in both places, and complete."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))[
    "project"
]
EXTRAS: dict[str, list[str]] = PROJECT["optional-dependencies"]


def listed(name: str) -> set[str]:
    """Return the requirements that a file names itself, without those of files that it includes."""
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    return {normal(line) for line in lines if line and not line.startswith(("#", "-r "))}


def normal(requirement: str) -> str:
    """Return a requirement in the one spelling that `packaging` has for it."""
    return str(Requirement(requirement))


def declared(*groups: list[str]) -> set[str]:
    return {normal(requirement) for group in groups for requirement in group}


def test_the_files_and_the_project_declare_the_same() -> None:
    assert listed("requirements-app.txt") == declared(PROJECT["dependencies"], EXTRAS["app"])
    assert listed("requirements.txt") | listed("requirements-train.txt") == declared(
        EXTRAS["train"]
    )
    assert listed("requirements-dev.txt") == declared(EXTRAS["dev"])
    assert listed("requirements-cluster.txt") == declared(EXTRAS["cluster"])
    assert declared(EXTRAS["postgres"], EXTRAS["cluster"]) <= listed("requirements-dev.txt")


def imported(folder: str) -> set[str]:
    """Return the top-level names that a folder's modules import, wherever they do."""
    found = set()
    for path in (ROOT / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found.add(node.module.partition(".")[0])
    return found - set(sys.stdlib_module_names)


@pytest.mark.parametrize("library", ["emotion", "recommender"])
def test_what_a_library_imports_is_declared(library: str) -> None:
    declared_for_it = [
        *PROJECT["dependencies"],
        *(EXTRAS["cluster"] if library == "emotion" else []),
    ]
    names = {canonicalize_name(Requirement(text).name) for text in declared_for_it}
    homes = packages_distributions()
    missing = {
        name
        for name in imported(library) - {"emotion", "recommender"}
        # The chart of `recommender evaluate --record` is drawn in a checkout alone; fsspec comes
        # with what opens a kind of address, or with Dask.
        if name not in ("matplotlib", "fsspec")
        and names.isdisjoint(map(canonicalize_name, homes.get(name, [name])))
    }
    assert not missing


def test_no_included_file_leads_the_app_to_tensorflow() -> None:
    app = (ROOT / "requirements-app.txt").read_text(encoding="utf-8")
    assert "-r " not in app
    assert not re.search(r"^(tensorflow|keras|torch)", app, re.MULTILINE)
