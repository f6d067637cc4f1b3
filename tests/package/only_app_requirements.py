"""Runs every page of the app in a process that has nothing but the app's own requirements.

Packages that requirements-app.txt does not lead to, TensorFlow above all, cannot be imported here,
although the environment of the tests has them. Prints the pages that ran, one a line.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, distribution, packages_distributions
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]


def required(requirements: Sequence[str]) -> set[str]:
    """Return the canonical names of all packages that requirements lead to here."""
    found: set[str] = set()
    waiting = [Requirement(text) for text in requirements]
    while waiting:
        one = waiting.pop()
        name = canonicalize_name(one.name)
        if name in found or (one.marker and not one.marker.evaluate({"extra": ""})):
            continue
        try:
            needed = distribution(name).requires or []
        except PackageNotFoundError:
            continue
        found.add(name)
        waiting += [Requirement(text) for text in needed]
    return found


class Hidden:
    """Finds no module of a hidden package, as if the package were not installed."""

    def __init__(self, names: set[str]) -> None:
        self.names = names

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        if name.partition(".")[0] in self.names:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def main() -> None:
    lines = (ROOT / "requirements-app.txt").read_text(encoding="utf-8").splitlines()
    allowed = required([line for line in lines if line and not line.startswith("#")])
    hidden = {
        module
        for module, homes in packages_distributions().items()
        if allowed.isdisjoint(map(canonicalize_name, homes))
    }
    assert {"tensorflow", "keras", "pytest"} <= hidden
    sys.meta_path.insert(0, Hidden(hidden - sys.modules.keys()))

    from streamlit.testing.v1 import AppTest

    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=300).run()
    for page in sorted((ROOT / "pages").glob("[!_]*.py")):
        app.switch_page(f"pages/{page.name}").run()
        assert not app.exception, app.exception[0].message
        print(page.stem)  # noqa: T201


if __name__ == "__main__":
    main()
