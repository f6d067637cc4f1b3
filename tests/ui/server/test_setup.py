"""Clearing up after visitors: what Python holds is collected while someone is there, and after."""

from __future__ import annotations

import asyncio
import tomllib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ui.server import setup

SWEEPS = 5


@pytest.mark.parametrize(
    ("visitors", "ended", "collections"),
    [(0, [0] * SWEEPS, 0), (1, [0] * SWEEPS, SWEEPS), (0, [0, 2, 0, 0, 0], 1)],
    ids=["no visitor", "a visitor", "two who have left"],
)
def test_garbage_is_collected_while_there_are_visitors_and_once_they_have_left(
    monkeypatch: pytest.MonkeyPatch, visitors: int, ended: list[int], collections: int
) -> None:
    collected: list[None] = []
    left: Iterator[int] = iter(ended)

    def sweep() -> int:
        number = next(left, None)
        if number is None:
            raise asyncio.CancelledError
        return number

    monkeypatch.setattr(setup, "SWEEP_SECONDS", 0.0)
    monkeypatch.setattr(setup, "COLLECT_SECONDS", 0.0)
    monkeypatch.setattr(setup._compat, "sweep", sweep)
    monkeypatch.setattr(setup._compat, "visitors", lambda: visitors)
    monkeypatch.setattr(setup.gc, "collect", lambda: collected.append(None))
    # In a thread of its own: where the browser's tests have run, this one has a loop already.
    with ThreadPoolExecutor(1) as thread, pytest.raises(asyncio.CancelledError):
        thread.submit(asyncio.run, setup._sweep()).result()
    assert len(collected) == collections


def test_no_run_waits_for_a_collection() -> None:
    config = Path(__file__).parents[3] / ".streamlit/config.toml"
    settings = tomllib.loads(config.read_text(encoding="utf-8"))
    assert settings["runner"]["postScriptGC"] is False
