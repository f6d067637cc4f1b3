"""The audit says what it did not check, and does not end as if all were well."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.security.served import ROOT

WELL = {"name": "a", "version": "1", "vulns": []}
SKIPPED = {"name": "b", "skip_reason": "not found"}
BAD = {"name": "c", "version": "1", "vulns": [{"id": "PYSEC-1", "fix_versions": ["2"]}]}


@pytest.mark.parametrize(
    ("packages", "status", "said"),
    [
        ([WELL, SKIPPED], 0, "1 of 2 packages were checked, 0 with an advisory."),
        ([SKIPPED, SKIPPED], 2, "nothing was checked"),
        ([], 2, "nothing was checked"),
        ([WELL, BAD], 1, "c 1: PYSEC-1, fixed in 2"),
        (None, 2, "Nothing was checked: no way out"),
    ],
)
def test_axe_finds_no_violations(
    tmp_path: Path, packages: list[Any] | None, status: int, said: str
) -> None:
    answer = tmp_path / "answer"
    answer.write_text("" if packages is None else json.dumps({"dependencies": packages}))
    program = tmp_path / "pip-audit"
    program.write_text(f"#!/bin/sh\necho 'no way out' >&2\ncat {answer}\n")
    program.chmod(0o755)
    done = subprocess.run(
        [sys.executable, ".ci/advisories.py", str(program), "folder"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == status
    assert said in done.stdout
