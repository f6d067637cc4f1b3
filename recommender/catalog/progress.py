"""Reports the progress of an import."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from threading import Event, Lock, Thread
from typing import Final

import duckdb

Report = Callable[[float, str], None]
"""Called with the fraction that is done, 0-1 and never less than before, and what is being done."""

_POLL_SECONDS: Final = 0.2
"""Seconds between two queries of the progress of the running statement."""

STEPS: Final[Mapping[str, float]] = {
    "Reading the table": 0.42,
    "Merging repeated ids": 0.03,
    "Sorting genres": 0.02,
    "Placing tracks on the mood plane": 0.03,
    "Writing tracks": 0.38,
    "Writing artists": 0.12,
}
"""The steps of an import and how much of its time each took with a million rows."""

DATASET_STEPS: Final[Mapping[str, float]] = {
    **{what: 0.80 * fraction for what, fraction in STEPS.items() if what != "Writing artists"},
    "Writing the files": 0.296,
}
"""Those of an import into a folder."""

UPLOAD_STEPS: Final[Mapping[str, float]] = {
    **{what: 0.8 * fraction for what, fraction in DATASET_STEPS.items()},
    "Uploading": 0.2,
}
"""Those of an import to an address."""


def silence(connection: duckdb.DuckDBPyConnection, *, count: bool = False) -> None:
    """Keep DuckDB's progress bar out of what a command prints.

    Args:
        connection: whose statements run silently from now on.
        count: whether DuckDB still keeps count of the progress.
    """
    try:
        connection.execute("SET enable_progress_bar_print = false")
        connection.execute(f"SET enable_progress_bar = {count}")
    except duckdb.InvalidInputException:
        # A notebook without ipywidgets: DuckDB draws no bar there, and refuses both settings.
        pass


class Progress:
    """Watches a connection while it works; a context manager.

    Args:
        connection: what does the work. Its own progress bar is silenced.
        report: called from another thread with the progress; ``None`` for no reports.
        steps: step → its fraction of the time.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        report: Report | None,
        *,
        steps: Mapping[str, float] = STEPS,
    ) -> None:
        self._connection, self._report, self._steps = connection, report, steps
        self._before, self._fraction, self._what = 0.0, 0.0, ""
        self._in_parts = False
        self._reported, self._reported_step = -1.0, ""
        self._lock = Lock()
        self._stop = Event()
        self._watch = Thread(target=self._poll, daemon=True)

    def step(self, what: str, *, in_parts: bool = False) -> None:
        """Begin one of the steps.

        Args:
            what: its name.
            in_parts: whether `part` reports its progress; otherwise DuckDB does.
        """
        with self._lock:
            self._before += self._fraction
            self._fraction, self._what, self._in_parts = self._steps[what], what, in_parts
            self._advance(self._before)

    def part(self, done: int, parts: int) -> None:
        """Say how much of a step in parts is done."""
        with self._lock:
            self._advance(self._before + self._fraction * done / parts)

    def __enter__(self) -> Progress:
        silence(self._connection, count=self._report is not None)
        if self._report is not None:
            self._watch.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *error: object) -> None:
        self._stop.set()
        if self._watch.is_alive():
            self._watch.join()
        if kind is None:
            self._what = "Done"
            self._advance(1.0)

    def _poll(self) -> None:
        while not self._stop.wait(_POLL_SECONDS):
            what = self._what
            percent = self._connection.query_progress()
            with self._lock:
                # Report nothing before the first step, nor for one that has ended meanwhile.
                if percent > 0 and what == self._what != "" and not self._in_parts:
                    self._advance(self._before + self._fraction * min(percent, 100) / 100)

    def _advance(self, done: float) -> None:
        # Report a new step even if the one before it was reported to its very end.
        if self._report is not None and (
            done > self._reported or self._what != self._reported_step
        ):
            self._reported, self._reported_step = min(1.0, max(done, self._reported)), self._what
            self._report(self._reported, self._what)
