"""How an import's progress is told, without an import."""

from threading import Event
from typing import Any

import pytest

from recommender.catalog import progress
from recommender.catalog.progress import STEPS, Progress


class Connection:
    """One whose statements are always about to end."""

    def execute(self, statement: str) -> None:
        pass

    def query_progress(self) -> float:
        return 100.0


def test_progress_names_the_step_after_a_completed_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(progress, "_EVERY", 0.001)
    told: list[tuple[float, str]] = []
    ends = Event()

    def report(done: float, what: str) -> None:
        told.append((done, what))
        if done == STEPS["Reading the table"]:
            ends.set()

    connection: Any = Connection()
    with Progress(connection, report) as watched:
        watched.step("Reading the table")
        assert ends.wait(60)
        watched.step("Merging repeated ids")
    assert told[:3] == [
        (0.0, "Reading the table"),
        (0.42, "Reading the table"),
        (0.42, "Merging repeated ids"),
    ]
    assert told[-1] == (1.0, "Done")
