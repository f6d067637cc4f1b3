"""The app runs on its own requirements, without what only training and tests need."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_page_runs_on_the_app_s_requirements_alone() -> None:
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("only_app_requirements.py"))],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    pages = {path.stem for path in (ROOT / "pages").glob("[!_]*.py")}
    assert set(done.stdout.split()) == pages
