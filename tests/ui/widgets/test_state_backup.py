"""What a browser sends as the backup of a visitor's state, and what of it is refused."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from emotion.labels import EMOTIONS
from emotion.types import Box, EmotionScores, Face, FaceReading, ImageReading
from recommender.request import Request
from ui import services
from ui.state import Photo, VisitorState
from ui.widgets.state_backup import restore, serialize


def face(emotion: str) -> FaceReading:
    row = [0.9 if name == emotion else 0.1 / 6 for name in EMOTIONS]
    return FaceReading(Face(Box(0, 0, 1, 1)), EmotionScores(tuple(row)))


@pytest.fixture(scope="module")
def backup() -> dict[str, Any]:
    """What the browser holds of a visitor whose photo shows two faces and who has a set."""
    visitor = VisitorState(photo=Photo(None, ImageReading((face("sad"), face("happy")))))
    visitor.intent = "shift"
    assert visitor.mood is not None
    visitor.sets = {visitor.options: services.recommend(Request(visitor.mood, intent="shift"))}
    text = serialize(visitor)
    assert text is not None
    found: dict[str, Any] = json.loads(text)
    return found


def changed(name: str, value: Any) -> Callable[[dict[str, Any]], Any]:
    return lambda found: {**found, name: value}


HOSTILE: dict[str, Callable[[dict[str, Any]], Any]] = {
    "nothing": lambda _: None,
    "a list": lambda _: [],
    "a number": lambda _: 3,
    "empty": lambda _: {},
    "another version": changed("version", 2),
    "no link": changed("set", None),
    "a broken link": changed("set", "AAAA"),
    "faces of text": changed("faces", ["happy"]),
    "too few probabilities": changed("faces", [[1.0]]),
    "probabilities that are none": changed("faces", [[float("nan")] * 7]),
    "probabilities below 0": changed("faces", [[-1, 2, 0, 0, 0, 0, 0]]),
    "a face that is not there": changed("chosen", 7),
    "half a face": changed("chosen", 0.5),
    "favoured text": changed("favoured", ["0"]),
    "an emotion of their own": changed("said", "<b>hungry</b>"),
    "a mood off the plane": changed("placed", [3, 0]),
    "a mood of one number": changed("placed", [0]),
    "endless music": changed("minutes", 10**9),
    "minutes of text": changed("minutes", "60"),
    "an adventure between": changed("adventure", 0.3),
    "a draw below 0": changed("draw", -1),
    "filters of text": changed("filters", "all"),
    "artists that are none": lambda found: {
        **found,
        "filters": {**found["filters"], "without_artists": [1]},
    },
    "an artist with half a character": lambda found: {
        **found,
        "filters": {**found["filters"], "without_artists": ["\ud83d"]},
    },
    "a verdict of their own": changed("verdicts", [["x", "love", 0, 0]]),
    "verdicts of text": changed("verdicts", "like"),
    "reasons of numbers": changed("reasons", {"a": 1}),
    "a lost key": lambda found: {name: found[name] for name in found if name != "draw"},
}


def test_an_unchanged_backup_is_restored(backup: dict[str, Any]) -> None:
    visitor = VisitorState()
    assert restore(visitor, json.dumps(backup)) is not None
    assert visitor.mood_in_words == "sad"
    assert visitor.sets


@pytest.mark.parametrize("how", HOSTILE)
def test_invalid_backup_changes_nothing(backup: dict[str, Any], how: str) -> None:
    text = json.dumps(HOSTILE[how](backup))
    visitor = VisitorState()
    assert restore(visitor, text) is None
    assert visitor == VisitorState(taste=visitor.taste)
    assert visitor.taste.feedback == ()


@pytest.mark.parametrize("text", ["", "{", "[" * 90_000, "9" * 90_000, "x" * 200_000])
def test_malformed_json_changes_nothing(text: str) -> None:
    assert restore(VisitorState(), text) is None


def test_filters_that_this_catalogue_does_not_know_are_dropped(backup: dict[str, Any]) -> None:
    found = json.loads(json.dumps(backup))
    found["filters"] |= {"genres": ["jazz", "no such genre"], "decades": [1980, "1990", 3]}
    visitor = VisitorState()
    assert restore(visitor, json.dumps(found)) is not None
    assert visitor.filters.genres == ("jazz",)
    assert visitor.filters.decades == (1980,)
