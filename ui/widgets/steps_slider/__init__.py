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

    Streamlit's own writes the word in the theme's primary colour, too faint in the dark theme, and
    hides the labels of its ends.

    Args:
        label: what it sets.
        words: a word for each step; the first and the last label the ends.
        key: unique on the page.
        step: the thumb's step.
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
