"""The counters for whoever runs the server."""

from __future__ import annotations

import logging

import pytest

from emotion.live.scheduler import FrameScheduler
from ui.server import health


def test_rate_covers_the_last_seconds() -> None:
    now, total = [0.0], [0]
    rate = health.Rate(lambda: total[0], clock=lambda: now[0])
    assert rate.now() == 0
    now[0], total[0] = 2.0, 20
    assert rate.now() == 10
    now[0], total[0] = 10.0, 100
    assert rate.now() == 10
    now[0] = 16.0  # and nothing since
    assert rate.now() == 0


def test_readings_of_all_streams_are_counted() -> None:
    scheduler = FrameScheduler(cores=2)
    one, other = scheduler.join(), scheduler.join()
    for slot in (one, other, one):
        assert slot.try_begin(slot.read_cost + 1e9)
        slot.end(0.0, 0.0, 0.0)
    one.leave()
    assert scheduler.readings == 3


def test_files_that_are_read_are_counted_while_they_are() -> None:
    gauge = health.Gauge()
    with gauge, gauge:
        assert gauge.value == 2
    with pytest.raises(RuntimeError), gauge:
        raise RuntimeError
    assert gauge.value == 0


def test_errors_are_counted_and_warnings_are_not() -> None:
    count, logger = health.ErrorCount(), logging.getLogger("tests.health")
    logger.addHandler(count)
    logger.propagate = False
    try:
        logger.warning("may happen")
        logger.error("may not")
    finally:
        logger.removeHandler(count)
        logger.propagate = True
    assert count.value == 1
