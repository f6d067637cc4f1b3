"""Why there is no video, and what is offered instead."""

import pytest

from ui.live.fallback import (
    ADVICE,
    CONNECT_TIMEOUT_SECONDS,
    ERRORS,
    NO_FRAME_TIMEOUT_SECONDS,
    CameraSigns,
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
def test_what_the_signs_mean(signs: CameraSigns, expected: str | None) -> None:
    assert diagnose(signs) == expected


def test_every_problem_has_a_last_fallback() -> None:
    assert set(ERRORS.values()) < set(ADVICE)
    for advice in ADVICE.values():
        assert {"snapshot", "upload"} & set(advice.steps)
        assert advice.title
        assert advice.text.endswith(".")
