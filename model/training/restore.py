"""A run from the repository's history: ``python -m model restore bee212a --run third``.

Run folders are not kept in the repository, but what was shipped from them is. This restores it as
a run that others can start from, be distilled from or be joined with: its network as it was
shipped (calibrated, 16-bit kernels), its arguments and its history.
"""

from __future__ import annotations

import argparse
import json
import subprocess
from pathlib import Path

from model.training.runs import RUNS

HOME = Path(__file__).parents[1]
SHIPPED = "model/weights"
KEPT = {
    "emotion_cnn.keras": "best.keras",
    "history.csv": "history.csv",
    "curves.png": "curves.png",
}
"""What was shipped of a run, and what it is called in the run's folder."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("commit", help="a commit in which the network was the shipped one")
    parser.add_argument("--run", required=True, help="the run's name, a new folder in model/runs")


def run(arguments: argparse.Namespace) -> Path:
    """Write the run's folder and return it.

    Raises:
        ValueError: the history holds no such network, or there is such a run already.
    """
    folder: Path = RUNS / arguments.run
    if folder.exists():
        raise ValueError(f"There is a run at {folder} already")
    how = json.loads(_file(arguments.commit, "training.json"))
    kept = {name: _file(arguments.commit, name) for name in KEPT}
    folder.mkdir(parents=True)
    for name, content in kept.items():
        (folder / KEPT[name]).write_bytes(content)
    (folder / "arguments.json").write_text(json.dumps(how["starts"], indent=2) + "\n")
    (folder / "best.json").write_text(json.dumps(how["best"], indent=2) + "\n")
    return folder


def _file(commit: str, name: str) -> bytes:
    try:
        return subprocess.run(
            ["git", "show", f"{commit}:{SHIPPED}/{name}"],
            cwd=HOME.parent,
            check=True,
            capture_output=True,
        ).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        raise ValueError(
            f"The repository's history holds no {SHIPPED}/{name} at {commit!r}"
        ) from error
