"""The backup of a visitor's state in their browser, through the pages.

What is refused is in `tests/ui/widgets/test_state_backup.py`; how it comes back through a restarted
server in `tests/browser/test_restart.py`.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from recommender.sharing.resume import rounded
from recommender.types import Mood
from ui import wording
from ui.playlist.music import ban, judge, play
from ui.state import VisitorState
from ui.widgets import state_backup
from ui.widgets.state_backup import restore, serialize


@pytest.fixture
def listening(selfie: Any, sad: Any, happy: Any, button: Any) -> AppTest:
    """Two people of whom the sad one asked to be moved gently."""
    app: AppTest = button(selfie(sad, happy), "Move gently").click().run()
    return app.switch_page("pages/playlist.py").run()


def sent(app: AppTest, sent_to: Callable[[AppTest, str], dict[str, Any]]) -> str:
    text = sent_to(app, "state_backup")["text"]
    assert isinstance(text, str)
    return text


def test_nothing_is_kept_of_a_visit_without_music(app: AppTest, sent_to: Any) -> None:
    sent = sent_to(app, "state_backup")
    assert (sent["text"], sent["known"], sent["mine"]) == (None, None, None)
    assert serialize(VisitorState(manual_mood=Mood(0.2, 0.2))) is None


def test_a_visit_comes_back_as_it_was(listening: AppTest, sent_to: Any) -> None:
    visitor: VisitorState = listening.session_state["visitor"]
    play(visitor, visitor.sets[visitor.options].picks[2].track.id)
    judge(visitor, visitor.sets[visitor.options].picks[2].track.id, "like")
    judge(visitor, visitor.sets[visitor.options].picks[4].track.id, "dislike")
    ban(
        visitor,
        visitor.sets[visitor.options].picks[5].track.id,
        visitor.sets[visitor.options].picks[5].track.artists[0],
    )
    listening.run()
    again = VisitorState()
    assert restore(again, sent(listening, sent_to)) == wording.restored_sentence(0, 17)
    for name in (
        *("intent", "filters", "minutes", "adventure", "draw"),
        *("corrected_emotion", "manual_mood", "playing"),
    ):
        assert getattr(again, name) == getattr(visitor, name), name
    assert again.options == visitor.options
    assert again.sets[again.options] == visitor.sets[visitor.options]
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
    titles = [pick.track.title for pick in visitor.sets[visitor.options].picks]
    assert not any(json.dumps(title)[1:-1] in found["set"] for title in titles)


def test_a_session_that_knows_its_visitor_takes_nothing_over(
    listening: AppTest, sent_to: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = json.dumps({"kept": json.dumps(json.loads(sent(listening, sent_to)) | {"draw": 9})})
    monkeypatch.setattr(state_backup._compat_navigation, "json_from_browser", lambda: [other])
    listening.run()
    assert listening.session_state["visitor"].draw == 0
    assert not listening.toast


def test_backup_from_the_browser_is_restored_and_announced(
    listening: AppTest, sent_to: Any, recognizer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = json.dumps({"kept": sent(listening, sent_to)})
    rows = sent_to(listening, "track_list")["rows"]
    monkeypatch.setattr(
        state_backup._compat_navigation, "json_from_browser", lambda: ['{"press": 1}', "kept", text]
    )
    app = AppTest.from_file(str(Path(__file__).parents[2] / "app.py"), default_timeout=60)
    app.session_state["_navigate_to"] = "playlist"
    app.run()
    assert not app.exception
    assert app.title[0].value == "From sad to bright"
    assert sent_to(app, "track_list")["rows"] == rows
    assert "Your set is still here" in app.toast[0].value
    app.run()
    assert not app.toast


@pytest.mark.parametrize("cold", [False, True])
def test_an_address_brings_the_set_back_without_what_was_read_on_a_face(
    listening: AppTest, sent_to: Any, recognizer: Any, cold: bool
) -> None:
    visitor: VisitorState = listening.session_state["visitor"]
    picks = visitor.sets[visitor.options].picks
    play(visitor, picks[2].track.id)
    judge(visitor, picks[1].track.id, "like")
    listening.run()
    mine = sent_to(listening, "state_backup")["mine"]
    rows = [row["id"] for row in sent_to(listening, "track_list")["rows"]]

    app = AppTest.from_file(str(Path(__file__).parents[2] / "app.py"), default_timeout=60)
    app.session_state["_navigate_to"] = "playlist"
    if cold:  # the page has run before the router, and put the address aside
        app.session_state["_asked"] = {"mine": mine}
    else:
        app.query_params["mine"] = mine
    app.run()
    assert not app.exception
    assert [row["id"] for row in sent_to(app, "track_list")["rows"]] == rows
    assert app.toast[0].value == wording.escape_markdown(wording.welcome_back(0, len(rows), 0))
    again: VisitorState = app.session_state["visitor"]
    assert again.liked == visitor.liked
    assert again.photo is None
    assert again.mood is not None
    assert visitor.mood is not None
    assert again.mood == rounded(visitor.mood) != visitor.mood
    # The player waits for a tap: nobody has asked for sound yet.
    assert again.playing == picks[2].track
    assert sent_to(app, "player")["idle"]
    assert sent_to(app, "state_backup")["mine"].partition(".")[0] == mine.partition(".")[0]


def test_an_address_brings_back_a_mood_that_was_set_by_hand(recognizer: Any, sent_to: Any) -> None:
    path = str(Path(__file__).parents[2] / "app.py")
    here = AppTest.from_file(path, default_timeout=60).run()
    assert sent_to(here, "state_backup")["mine"] is None
    visitor: VisitorState = here.session_state["visitor"]
    visitor.set_manually(Mood(0.31, -0.6))
    here.run()
    mine = sent_to(here, "state_backup")["mine"]

    there = AppTest.from_file(path, default_timeout=60)
    there.query_params["mine"] = mine
    there.run()
    assert not there.exception
    again: VisitorState = there.session_state["visitor"]
    assert again.mood == Mood(0.25, -0.5)
    assert again.intent is None
    assert "Your mood is where you left it" in there.toast[0].value
    assert sent_to(there, "state_backup")["mine"] == mine


@pytest.mark.parametrize("hand", [None, Mood(0.31, -0.6)])
def test_no_mood_beside_a_face_is_in_the_address_before_there_is_a_set(
    selfie: Any, sad: Any, sent_to: Any, hand: Mood | None
) -> None:
    app: AppTest = selfie(sad)
    visitor: VisitorState = app.session_state["visitor"]
    if hand is not None:
        visitor.set_manually(hand)
    app.run()
    assert visitor.mood is not None
    assert sent_to(app, "state_backup")["mine"] is None


def test_a_broken_address_is_like_none(recognizer: Any) -> None:
    app = AppTest.from_file(str(Path(__file__).parents[2] / "app.py"), default_timeout=60)
    app.query_params["mine"] = "AAAA.%%%"
    app.run()
    assert not app.exception
    assert not app.toast
