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
    monkeypatch.setattr(progress, "_POLL_SECONDS", 0.001)
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


def test_statement_tells_nothing_of_the_step_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_POLL_SECONDS", 0.001)
    told: list[tuple[float, str]] = []
    asked = Event()

    class Ending(Connection):
        """Whose statement ends, and with it the step, while its progress is asked for."""

        def query_progress(self) -> float:
            if not asked.is_set():
                watched.step("Merging repeated ids")
                asked.set()
                return 100.0
            return -1.0

    connection: Any = Ending()
    watched = Progress(connection, lambda done, what: told.append((done, what)))
    watched.step("Reading the table")
    with watched:
        assert asked.wait(60)
    assert told == [(0.0, "Reading the table"), (0.42, "Merging repeated ids"), (1.0, "Done")]


def test_step_in_parts_is_as_far_as_its_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_POLL_SECONDS", 0.001)
    told: list[float] = []
    asked = Event()

    class Busy(Connection):
        def query_progress(self) -> float:
            asked.set()
            return 100.0

    connection: Any = Busy()
    with Progress(connection, lambda done, _: told.append(done), steps={"Writing": 1.0}) as watched:
        watched.step("Writing", in_parts=True)
        asked.clear()
        assert asked.wait(60)
        asked.clear()
        assert asked.wait(60)
        watched.part(1, 2)
    assert told == [0.0, 0.5, 1.0]
