"""A deadline for calls that have none of their own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

Answer = TypeVar("Answer")


class DeadlineExceeded(Exception):
    """The time was up before the call returned."""


def call_with_deadline(function: Callable[[], Answer], seconds: float, *, name: str) -> Answer:
    """Return what a function returns, or give up after some seconds.

    Socket timeouts start again with each byte, and none covers a DNS lookup; so the work is done in
    a thread that may be left behind, where it ends by its own timeouts.

    Args:
        function: raises what this function is to raise.
        seconds: how long to wait.
        name: of the thread.

    Raises:
        DeadlineExceeded: the time is up. The function may still complete.
    """
    answers: list[Answer] = []
    faults: list[BaseException] = []

    def work() -> None:
        try:
            answers.append(function())
        except BaseException as fault:
            faults.append(fault)

    thread = threading.Thread(target=work, name=name, daemon=True)
    thread.start()
    thread.join(seconds)
    if answers:
        return answers[0]
    if faults:
        raise faults[0]
    raise DeadlineExceeded(f"no answer within {seconds:g} seconds")
