"""The folders of training runs, ``model/runs/NAME/``: where a run's weights lie."""

from __future__ import annotations

from pathlib import Path
from typing import Final

RUNS: Final = Path(__file__).parents[1] / "runs"


def find_weights(run: str, runs: Path = RUNS) -> Path:
    """Return a run's best network: in its folder, or as a file of its name beside the folders."""
    folder = runs / run / "best.keras"
    return folder if folder.is_file() else runs / f"{run}.keras"


def weights_of(name: str) -> Path:
    """Return the weights that an option names: a ``.keras`` file, or a run."""
    return Path(name) if name.endswith(".keras") else find_weights(name)


def run_of(path: str | None) -> str | None:
    """Return the run whose network a path names: its folder, or a file of its name."""
    if not path:
        return None
    return Path(path).parent.name if Path(path).stem == "best" else Path(path).stem


def epochs_done(run: Path) -> int:
    """Return how many epochs a run has completed; 0 where there is no such run."""
    history = run / "history.csv"
    return max(0, len(history.read_text().splitlines()) - 1) if history.exists() else 0
