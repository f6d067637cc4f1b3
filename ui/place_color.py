"""The colour of a place on the mood pad."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from recommender.types import Mood

CORNERS: Final[Mapping[str, str]] = {
    "tense": "red",
    "bright": "yellow",
    "low": "blue",
    "calm": "green",
}
"""The pad's corners, top left, top right, bottom left, bottom right, in Streamlit's palette names.
The pad's style sheet has the same; a test compares them."""


def place_color(mood: Mood) -> str:
    """Return the colour of a place as a CSS value that follows the theme.

    The four corners' colours, interpolated bilinearly: half and half in the middle of an edge.
    """
    tense, bright, low, calm = (f"var(--st-{color}-color)" for color in CORNERS.values())
    right, up = (mood.valence + 1) / 2, (mood.arousal + 1) / 2
    return _mix(_mix(bright, tense, right), _mix(calm, low, right), up)


def _mix(one: str, other: str, fraction: float) -> str:
    return f"color-mix(in oklab, {one} {100 * fraction:.0f}%, {other})"
