"""A slider with a word for every step."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ui import browser_values
from ui.widgets.frontend import component

_slider = component("steps_slider")


def steps_slider(
    label: str, words: Sequence[str], *, key: str, step: int, on_step: Callable[[int], None]
) -> None:
    """Draw the slider.

    An element of our own, because Streamlit's writes the word in the theme's primary colour, too
    faint by night, and hides what lies at its ends.

    Args:
        label: what is set.
        words: a word for each step, the first and the last for the ends.
        key: one per slider on the page.
        step: where the thumb is.
        on_step: called with the step where the thumb came to rest.
    """

    def moved() -> None:
        chosen = browser_values.sent(key, "step", browser_values.integer)
        if chosen is not None and chosen < len(words):
            on_step(chosen)

    _slider(
        key=key,
        on_step_change=moved,
        data={"label": label, "words": list(words), "step": step},
    )
