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
"""The pad's corners, from the top left clockwise but for the last two, as names in Streamlit's
palette. The pad's own style sheet has the same; a test compares."""


def place_color(mood: Mood) -> str:
    """Return the colour of a place as a CSS value that follows the theme.

    The four corners' colours, mixed by how near each is: half and half in the middle of an edge.
    """
    tense, bright, low, calm = (f"var(--st-{color}-color)" for color in CORNERS.values())
    right, up = (mood.valence + 1) / 2, (mood.arousal + 1) / 2
    return _mix(_mix(bright, tense, right), _mix(calm, low, right), up)


def _mix(one: str, other: str, fraction: float) -> str:
    return f"color-mix(in oklab, {one} {100 * fraction:.0f}%, {other})"
