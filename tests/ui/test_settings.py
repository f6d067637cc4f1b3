"""Settings that come from the environment."""

from __future__ import annotations

import pytest

from ui import settings


@pytest.mark.parametrize(
    ("text", "processes"),
    [("", 1), ("2", 2), (" 12 ", 12), ("0", 1), ("-1", 1), ("two", 1), ("1.5", 1), ("²", 1)],
)
def test_how_many_processes_share_the_machine(
    monkeypatch: pytest.MonkeyPatch, text: str, processes: int
) -> None:
    monkeypatch.setenv("AFFECTUNE_PROCESSES", text)
    assert settings.processes() == processes
