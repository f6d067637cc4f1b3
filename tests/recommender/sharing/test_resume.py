"""A session in an address: it comes back, it says nothing of a face, and nonsense is refused."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import Any

import pytest

from recommender import Recommender
from recommender.catalog.catalog import Catalog
from recommender.session import Session, SetOptions
from recommender.sharing import resume
from recommender.taste.taste import Taste
from recommender.types import INTENTS, Filters, Mood

READ = Mood(-0.41238976, -0.17713245)
"""A mood as a face may be read: with all its digits."""


@pytest.fixture(scope="module")
def session(starter: Catalog) -> Session:
    options = SetOptions("shift", Filters(genres=("jazz", "pop"), decades=(1980, 1990)), draw=2)
    emotions = {"sad": 0.613, "neutral": 0.387}
    playlist = Recommender(starter).recommend(
        READ, intent="shift", n=12, filters=options.filters, emotions=emotions, seed=7
    )
    picks = playlist.picks
    taste = Taste().learn(picks[1].track, "like", picks[1].slot)
    taste = taste.learn(picks[3].track, "skip", picks[3].slot)
    return Session(READ, options, emotions, {options: playlist}, taste, playing=picks[4].track)


def written(session: Session, starter: Catalog) -> str:
    text = resume.encode(session, catalog=starter)
    assert text is not None
    return text


def test_session_round_trip(session: Session, starter: Catalog) -> None:
    text = written(session, starter)
    assert len(text) < 700
    found = resume.decode(text, catalog=starter)
    again, before = found.session, session.sets[session.options]
    assert (found.missing, found.forgotten) == (0, 0)
    assert again.options == session.options
    after = again.sets[again.options]
    assert [pick.track for pick in after.picks] == [pick.track for pick in before.picks]
    assert any(pick.reason for pick in after.picks)  # most go without one
    assert after.seed == before.seed
    assert again.playing == session.playing
    assert [(said.track.id, said.verdict) for said in again.taste.feedback] == [
        (said.track.id, said.verdict) for said in session.taste.feedback
    ]


def test_a_mood_without_a_set_is_written_only_if_it_was_set_by_hand(starter: Catalog) -> None:
    taste = Taste().learn(_some(starter, 1)[0], "like", READ)
    session = Session(READ, SetOptions("lift", minutes=45), taste=taste)
    assert resume.encode(session, catalog=starter) is None
    text = resume.encode(session, catalog=starter, mood_by_hand=True)
    assert text is not None
    again = resume.decode(text, catalog=starter).session
    assert again.mood == resume.rounded(READ)
    assert again.options == session.options
    assert again.sets == {}
    assert again.taste.liked == taste.liked
    nothing = Session(None, SetOptions("lift"))
    assert resume.encode(nothing, catalog=starter, mood_by_hand=True) is None


@pytest.mark.parametrize("intent", INTENTS)
def test_text_does_not_reveal_the_mood_within_a_grid_step(
    session: Session, starter: Catalog, intent: Any
) -> None:
    """Whoever read the address cannot tell which of two moods in one step it was."""
    options = replace(session.options, intent=intent)
    played = Recommender(starter).recommend(READ, intent=intent, n=12, seed=7)
    nearby = Mood(READ.valence - 0.04, READ.arousal - 0.04)
    texts = {
        written(Session(mood, options, emotions, {options: replace(played, mood=mood)}), starter)
        for mood, emotions in [(READ, {"sad": 1.0}), (nearby, {"fear": 1.0}), (nearby, None)]
    }
    assert len(texts) == 1
    mood = resume.decode(texts.pop(), catalog=starter).session.mood
    assert mood == Mood(-0.5, -0.25)


def test_left_out_feedback_is_counted(session: Session, starter: Catalog) -> None:
    taste = session.taste
    for track in starter.get_many([record.id for record in _some(starter, 100)]):
        taste = taste.learn(track, "like", Mood(0, 0))
    text = written(replace(session, taste=taste), starter)
    assert len(text) <= resume.MAX_CHARACTERS
    found = resume.decode(text, catalog=starter)
    kept = found.session.taste.feedback
    assert found.forgotten == len(taste.feedback) - len(kept) > 0
    assert kept[-1].track == taste.feedback[-1].track


def _some(starter: Catalog, count: int) -> list[Any]:
    played = Recommender(starter).recommend(Mood(0.3, 0.3), intent="match", n=count, seed=1)
    return [pick.track for pick in played.picks]


def test_without_a_set_there_is_nothing_to_write(session: Session, starter: Catalog) -> None:
    assert resume.encode(replace(session, sets={}), catalog=starter) is None


@pytest.mark.parametrize(
    "rest",
    [
        *({"m": 5000}, {"m": "60"}, {"a": 2}, {"a": True}, {"d": -1}, {"d": 10**9}, {"v": 3}),
        *({"v": [["x", 1]]}, {"v": [[1]]}, {"f": []}, {"f": {"explicit": "no"}}, {"x": -2}),
        *({"f": {"without_artists": ["a" * 201]}}, {"f": {"without_artists": [7]}}, []),
    ],
)
def test_malformed_input_is_refused(session: Session, starter: Catalog, rest: Any) -> None:
    first = written(session, starter).partition(".")[0]
    second = base64.urlsafe_b64encode(json.dumps(rest).encode()).decode().rstrip("=")
    with pytest.raises(ValueError, match=r".+"):
        resume.decode(f"{first}.{second}", catalog=starter)


@pytest.mark.parametrize("text", ["", ".", "abc", "abc.def", "é", "A" * 9000])
def test_other_texts_are_refused(starter: Catalog, text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        resume.decode(text, catalog=starter)


def test_unknown_tracks_and_filters_are_left_out(session: Session, starter: Catalog) -> None:
    first = written(session, starter).partition(".")[0]
    rest = {"v": [["l", "unknown"], ["s", 99], ["l", 0]], "p": "gone", "f": {"genres": ["x"]}}
    second = base64.urlsafe_b64encode(json.dumps(rest).encode()).decode().rstrip("=")
    found = resume.decode(f"{first}.{second}", catalog=starter).session
    assert len(found.taste.feedback) == 1
    assert found.playing is None
    assert found.options.filters == Filters()
