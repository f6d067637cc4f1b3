"""The colour of a track's tile is that of its place on the pad."""

import re
from pathlib import Path

from recommender.types import Mood
from ui.place_color import CORNERS, place_color

PAD = Path(__file__).parents[2] / "ui/widgets/mood_pad/mood_pad.css"


def test_the_corners_have_the_colours_of_the_pads() -> None:
    rule = re.compile(r"^\.(\w+) \{\s*stop-color: var\(--st-(\w+)-color\);", re.MULTILINE)
    assert dict(rule.findall(PAD.read_text(encoding="utf-8"))) == dict(CORNERS)


def test_a_place_mixes_the_corners_by_how_near_they_are() -> None:
    assert place_color(Mood(0, 1)) == (
        "color-mix(in oklab, "
        "color-mix(in oklab, var(--st-yellow-color) 50%, var(--st-red-color)) 100%, "
        "color-mix(in oklab, var(--st-green-color) 50%, var(--st-blue-color)))"
    )
    assert "var(--st-green-color) 100%" in place_color(Mood(1, -1))
