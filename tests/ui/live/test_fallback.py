"""Why there is no video, and what is offered instead."""

from collections.abc import Callable
from typing import Any

import pytest

from ui.live.fallback import (
    ADVICE,
    CAMERA_GRACE_SECONDS,
    CONNECT_TIMEOUT_SECONDS,
    ERRORS,
    MAX_CHECK_SECONDS,
    NO_FRAME_TIMEOUT_SECONDS,
    CameraSigns,
    ConnectionTimer,
    diagnose,
)


@pytest.mark.parametrize(
    ("signs", "expected"),
    [
        (CameraSigns(), None),
        (CameraSigns(secure=False), "insecure"),
        (CameraSigns(error="NotAllowedError"), "refused"),
        (CameraSigns(error="NotFoundError"), "none"),
        (CameraSigns(error="SomethingNewError"), "busy"),
        (CameraSigns(connecting=CONNECT_TIMEOUT_SECONDS - 0.1), None),
        (CameraSigns(connecting=CONNECT_TIMEOUT_SECONDS), "unreachable"),
        (CameraSigns(connecting=CONNECT_TIMEOUT_SECONDS, playing=True), None),
        (CameraSigns(connecting=30.0, playing=True, silence=NO_FRAME_TIMEOUT_SECONDS - 0.1), None),
        (CameraSigns(connecting=30.0, playing=True, silence=NO_FRAME_TIMEOUT_SECONDS), "silent"),
    ],
)
def test_connection_states_are_interpreted(signs: CameraSigns, expected: str | None) -> None:
    assert diagnose(signs) == expected


def test_every_problem_has_a_last_fallback() -> None:
    assert set(ERRORS.values()) < set(ADVICE)
    for advice in ADVICE.values():
        assert {"snapshot", "upload"} & set(advice.steps)
        assert advice.title
        assert advice.text.endswith(".")


class Clock:
    now = 50.0

    def __call__(self) -> float:
        return self.now


def checks(timer: ConnectionTimer, clock: Clock, *, every: float) -> Callable[..., None]:
    """Have a page check at regular intervals, for some seconds."""

    def check(seconds: float, **connection: Any) -> None:
        connection = {"playing": False, "signalling": False, "frames": 0, **connection}
        for _ in range(round(seconds / every)):
            clock.now += every
            timer.check(**connection)

    return check


def test_seconds_are_counted_from_one_step_of_a_connection_to_the_next() -> None:
    clock = Clock()
    timer = ConnectionTimer(clock)
    check = checks(timer, clock, every=0.4)
    check(4.0)
    assert timer.connecting == pytest.approx(4.0 - CAMERA_GRACE_SECONDS)
    check(0.4, signalling=True)
    assert timer.connecting == 0.0
    check(4.0, signalling=True)
    assert (timer.connecting, timer.silence) == (pytest.approx(4.0), 0.0)
    check(0.4, playing=True)
    check(2.0, playing=True)
    assert timer.silence == pytest.approx(2.0)
    check(0.4, playing=True, frames=3)
    assert timer.silence == 0.0
    check(1.2, playing=True, frames=3)
    assert timer.silence == pytest.approx(1.2)
    # Without the component's word for a moment, frames are what counts.
    check(0.8, frames=3)
    assert timer.silence == pytest.approx(2.0)


def test_where_checks_are_late_everything_has_longer() -> None:
    clock = Clock()
    timer = ConnectionTimer(clock)
    check = checks(timer, clock, every=2.0)
    check(2.0, signalling=True)
    check(12.0, signalling=True)
    assert timer.connecting == pytest.approx(6 * MAX_CHECK_SECONDS)
