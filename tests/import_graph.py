"""Which module of the project imports which, read from the source."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = ("emotion", "recommender", "model", "ui", "pages")


def modules(*packages: str) -> dict[str, Path]:
    """Return name → file of every module of some packages."""
    named = {}
    for package in packages:
        for path in (ROOT / package).rglob("*.py"):
            parts = path.relative_to(ROOT).with_suffix("").parts
            named[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return named


@cache
def imports(path: Path) -> frozenset[str]:
    """Return what a file imports anywhere: at the top, within functions, for types alone."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path} has a relative import"
            # A name may be a module's: `from emotion.detectors import haar`.
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return frozenset(found)


def graph(*packages: str) -> dict[str, set[str]]:
    """Return for every module of some packages which others of them it imports."""
    known = modules(*packages)
    found = {name: set(imports(path)) & known.keys() - {name} for name, path in known.items()}
    for name, used in found.items():
        # A package's own modules are found by its name, and it by theirs: that is no circle.
        used -= {package for package in used if name.startswith(f"{package}.")}
    return found
