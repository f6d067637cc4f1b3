"""A visit that the browser keeps: what comes back, and what does not get in.

How it comes back through a restarted server is in `tests/browser/test_restart.py`.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from recommender.types import Mood
from ui import wording
from ui.playlist.music import ban, judge, play
from ui.state import VisitorState
from ui.widgets import kept_visit
from ui.widgets.kept_visit import kept, restore


@pytest.fixture
def listening(selfie: Any, sad: Any, happy: Any, button: Any) -> AppTest:
    """Two people of whom the sad one asked to be moved gently."""
    app: AppTest = button(selfie(sad, happy), "Move gently").click().run()
    return app.switch_page("pages/playlist.py").run()


def sent(app: AppTest, sent_to: Callable[[AppTest, str], dict[str, Any]]) -> str:
    text = sent_to(app, "kept_visit")["text"]
    assert isinstance(text, str)
    return text


def test_nothing_is_kept_of_a_visit_without_music(app: AppTest, sent_to: Any) -> None:
    assert sent_to(app, "kept_visit") == {"text": None, "known": None}
    assert kept(VisitorState(manual_mood=Mood(0.2, 0.2))) is None


def test_a_visit_comes_back_as_it_was(listening: AppTest, sent_to: Any) -> None:
    visitor: VisitorState = listening.session_state["visitor"]
    play(visitor, visitor.sets[visitor.wish].picks[2].track.id)
    judge(visitor, visitor.sets[visitor.wish].picks[2].track.id, "like")
    judge(visitor, visitor.sets[visitor.wish].picks[4].track.id, "dislike")
    ban(
        visitor,
        visitor.sets[visitor.wish].picks[5].track.id,
        visitor.sets[visitor.wish].picks[5].track.artists[0],
    )
    listening.run()
    again = VisitorState()
    assert restore(again, sent(listening, sent_to)) == wording.what_came_back(0, 17)
    for name in (
        *("intent", "filters", "minutes", "adventure", "draw"),
        *("corrected_emotion", "manual_mood", "playing"),
    ):
        assert getattr(again, name) == getattr(visitor, name), name
    assert again.wish == visitor.wish
    assert again.sets[again.wish] == visitor.sets[visitor.wish]
    assert again.liked == visitor.liked
    assert [said.verdict for said in again.taste.feedback] == ["like", "dislike"]
    assert again.mood_in_words == visitor.mood_in_words == "sad"
    assert again.mood is not None
    assert visitor.mood is not None
    assert again.mood.distance(visitor.mood) < 0.001
    # The picture is gone: it was in the server's memory and nowhere else.
    assert again.photo is not None
    assert again.photo.image is None


def test_it_holds_no_picture_and_no_title(listening: AppTest, sent_to: Any) -> None:
    found = json.loads(sent(listening, sent_to))
    visitor: VisitorState = listening.session_state["visitor"]
    assert set(found) == {
        *("version", "set", "faces", "chosen", "favoured", "said", "placed", "filters"),
        *("minutes", "adventure", "draw", "verdicts", "reasons", "playing"),
    }
    titles = [pick.track.title for pick in visitor.sets[visitor.wish].picks]
    assert not any(json.dumps(title)[1:-1] in found["set"] for title in titles)


def test_a_session_that_knows_its_visitor_takes_nothing_over(
    listening: AppTest, sent_to: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = json.dumps({"kept": json.dumps(json.loads(sent(listening, sent_to)) | {"draw": 9})})
    monkeypatch.setattr(kept_visit._compat_navigation, "json_from_browser", lambda: [other])
    listening.run()
    assert listening.session_state["visitor"].draw == 0
    assert not listening.toast


def test_what_the_browser_sends_is_taken_over_and_said(
    listening: AppTest, sent_to: Any, recognizer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = json.dumps({"kept": sent(listening, sent_to)})
    rows = sent_to(listening, "track_list")["rows"]
    monkeypatch.setattr(
        kept_visit._compat_navigation, "json_from_browser", lambda: ['{"press": 1}', "kept", text]
    )
    app = AppTest.from_file(str(Path(__file__).parents[2] / "app.py"), default_timeout=60)
    app.session_state["_navigate_to"] = "playlist"
    app.run()
    assert not app.exception
    assert app.title[0].value == "From sad towards bright and easy"
    assert sent_to(app, "track_list")["rows"] == rows
    assert "Your set is still here" in app.toast[0].value
    app.run()
    assert not app.toast


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
    "a verdict of their own": changed("verdicts", [["x", "love", 0, 0]]),
    "verdicts of text": changed("verdicts", "like"),
    "reasons of numbers": changed("reasons", {"a": 1}),
    "a lost key": lambda found: {name: found[name] for name in found if name != "draw"},
}


@pytest.mark.parametrize("how", HOSTILE)
def test_what_makes_no_sense_changes_nothing(listening: AppTest, sent_to: Any, how: str) -> None:
    text = json.dumps(HOSTILE[how](json.loads(sent(listening, sent_to))))
    visitor = VisitorState()
    assert restore(visitor, text) is None
    assert visitor == VisitorState(taste=visitor.taste)
    assert visitor.taste.feedback == ()


@pytest.mark.parametrize("text", ["", "{", "[" * 90_000, "9" * 90_000, "x" * 200_000])
def test_what_is_no_json_changes_nothing(app: AppTest, text: str) -> None:
    assert restore(VisitorState(), text) is None


def test_filters_that_this_catalogue_does_not_know_are_dropped(
    listening: AppTest, sent_to: Any
) -> None:
    found = json.loads(sent(listening, sent_to))
    found["filters"] |= {"genres": ["jazz", "no such genre"], "decades": [1980, "1990", 3]}
    visitor = VisitorState()
    assert restore(visitor, json.dumps(found)) is not None
    assert visitor.filters.genres == ("jazz",)
    assert visitor.filters.decades == (1980,)
