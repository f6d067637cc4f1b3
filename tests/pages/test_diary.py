"""The diary: its page, who it belongs to, and that music goes on without it."""

import csv
import io
import json
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from recommender import mood_of_emotion
from recommender.diary import ENVIRONMENT, DiaryStore, Entry, Moment, summary
from recommender.diary.summary import Month
from recommender.taste.taste import Taste
from recommender.types import Mood, Pick, Playlist, Track
from tests.recommender.diary.entries import entry
from ui import services, wording
from ui.diary import charts, diary, identity, story
from ui.playlist.music import follow, play
from ui.state import VisitorState
from ui.widgets.player import Position

ROOT = Path(__file__).parents[2]
NOW = datetime.now(UTC)
EMPTY = "A diary, if you want one"


@pytest.fixture(autouse=True)
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where the diaries of a test are; nothing is there yet."""
    place = tmp_path / "kept" / "diary.sqlite"
    monkeypatch.setenv(ENVIRONMENT, f"sqlite:///{place}")
    yield place
    diary._store.clear()


@pytest.fixture
def at_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """The visitor sits at the machine that serves the page. (The harness has no browser.)"""
    monkeypatch.setattr(identity, "_here", lambda: True)


class Provider:
    """An identity provider, and who is signed in with it."""

    def __init__(self) -> None:
        self.claims: dict[str, Any] = {"is_logged_in": False}

    def sign_in(self, subject: str, issuer: str = "https://id.example.org") -> None:
        self.claims = {"is_logged_in": True, "iss": issuer, "sub": subject, "name": subject}


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Provider:
    """A server for others, where people can sign in."""
    made = Provider()
    monkeypatch.setattr(identity, "providers", lambda: ("example",))
    monkeypatch.setattr(identity, "_claims", lambda: made.claims)
    return made


def track(number: int, genres: Sequence[str] = ("folk",)) -> Track:
    return Track(
        id=f"{number:022d}",
        title=f"Song *{number}*",
        artists=(f"Artist {number}",),
        genres=tuple(genres),
        year=2001,
        valence=0.5,
        energy=0.5,
        danceability=None,
        acousticness=None,
        instrumentalness=None,
        tempo=None,
        popularity=50.0,
        position=Mood(0.0, 0.0),
    )


def moment(
    emotion: str | None = "sad",
    *,
    tracks: Sequence[Track] = (track(1), track(2)),
    mood: Mood | None = None,
) -> Moment:
    at = mood or (mood_of_emotion(emotion) if emotion else Mood(0.3, -0.4))
    picks = tuple(Pick(one, at, "It fits.") for one in tracks)
    playlist = Playlist(at, Mood(0.6, 0.25), "shift", picks, seed=1)
    return Moment(playlist, emotion, "face" if emotion else "placed")


@pytest.fixture
def written(at_home: None) -> list[int]:
    """A diary of some moods, the latest an hour ago."""
    with DiaryStore.open() as store:
        mine = store.diary(identity.THIS_COMPUTER)
        mine.switch(True)
        made = [
            mine.note(moment(emotion), at=NOW - timedelta(hours=hours))
            for emotion, hours in (("happy", 30), (None, 20), ("sad", 10), ("sad", 1))
        ]
        mine.judge(track(2), "like", mood_of_emotion("sad"))
        mine.judge(track(7), "dislike", mood_of_emotion("sad"))
    return [number for number in made if number is not None]


@pytest.fixture
def page(app: AppTest) -> Callable[[], AppTest]:
    """Go to the diary."""

    def arrive() -> AppTest:
        app.switch_page("pages/diary.py").run()
        assert not app.exception
        return app

    return arrive


def said(app: AppTest) -> str:
    """Everything on the page, as text."""
    found = [*app.title, *app.markdown, *app.caption, *app.info, *app.warning, *app.success]
    found += [*app.header, *app.toast]
    return "\n".join(
        [element.value for element in found] + [expander.label for expander in app.expander]
    )


def kept(owner: str = identity.THIS_COMPUTER) -> list[Entry]:
    with DiaryStore.open() as store:
        return store.diary(owner).entries()


# Off, on, off


def test_diary_is_off_by_default_and_says_what_it_would_keep(
    page: Any, at_home: None, file: Path
) -> None:
    app = page()
    assert app.title[0].value == EMPTY
    assert app.toggle[0].value is False
    assert "It’s off until you switch it on" in said(app)
    assert "Never a picture" in said(app)
    assert not file.parent.exists()


def test_diary_entry_point_says_what_is_kept(page: Any, app: AppTest, at_home: None) -> None:
    assert "nothing stored" in said(app.switch_page("pages/selfie.py").run())
    page().toggle[0].set_value(True).run()
    assert "nothing stored" not in said(app.switch_page("pages/selfie.py").run())
    assert "Your diary keeps moods and music." in said(app)
    page().toggle[0].set_value(False).run()
    assert "nothing stored" in said(app.switch_page("pages/selfie.py").run())


def test_nothing_is_written_while_it_is_off(
    selfie: Any, sad: Any, button: Any, at_home: None, file: Path
) -> None:
    app = button(selfie(sad), "Move gently").click().run()
    app.switch_page("pages/playlist.py").run()
    assert not app.exception
    assert not file.parent.exists()


def test_switched_on_the_next_playlist_is_the_first_entry(
    page: Any, selfie: Any, sad: Any, button: Any, at_home: None
) -> None:
    app = page()
    app.toggle[0].set_value(True).run()
    assert not app.exception
    assert app.title[0].value == f"Your {NOW.astimezone():%B}"
    assert "Your next playlist will be the first entry" in said(app)
    assert kept() == []

    app = button(selfie(sad), "Move gently").click().run()
    app.switch_page("pages/playlist.py").run()
    assert not app.exception
    (entry,) = kept()
    assert (entry.emotion, entry.source, entry.intent) == ("sad", "face", "shift")
    assert len(entry.tracks) > 5
    assert entry.target.valence > entry.mood.valence

    # Another set a moment later is not another moment.
    button(app, "Another set").click().run()
    (again,) = kept()
    assert again.id == entry.id
    assert {one.id for one in again.tracks}.isdisjoint(one.id for one in entry.tracks)


def test_off_again_nothing_new_is_written_and_the_old_is_still_there(
    page: Any, written: Any, selfie: Any, sad: Any, button: Any
) -> None:
    app = page()
    app.toggle[0].set_value(False).run()
    assert "Nothing new is added" in said(app)
    assert len(kept()) == 4
    app = button(selfie(sad), "Move gently").click().run()
    app.switch_page("pages/playlist.py").run()
    assert len(kept()) == 4


def test_switched_off_in_another_tab_it_is_off_here_too(
    app: AppTest, page: Any, written: Any, selfie: Any, sad: Any, button: Any
) -> None:
    page()
    with DiaryStore.open() as store:
        store.diary(identity.THIS_COMPUTER).switch(False)
    button(selfie(sad), "Move gently").click().run()
    app.switch_page("pages/playlist.py").run()
    assert not app.exception
    assert len(kept()) == 4


def test_switched_on_in_another_tab_it_is_on_here_too(
    app: AppTest, page: Any, at_home: None, selfie: Any, sad: Any, button: Any
) -> None:
    page()
    with DiaryStore.open() as store:
        store.diary(identity.THIS_COMPUTER).switch(True)
    app.run()
    assert app.toggle[0].value is True
    button(selfie(sad), "Move gently").click().run()
    app.switch_page("pages/playlist.py").run()
    assert len(kept()) == 1


# What it shows


def test_diary_summarizes_the_month(page: Any, written: Any) -> None:
    app = page()
    text = said(app)
    assert "**sad** 😢" in text
    labels = [expander.label for expander in app.expander]
    assert labels[0].startswith("Sad · ")
    assert any(label.startswith("Mellow · ") for label in labels)
    assert "Moved gently · 2 tracks, 1 liked" in text
    assert r"[Song \*2\*]" in text  # a title sets nothing in bold
    assert "Read from your face. The picture wasn’t kept." in text
    assert all(element.proto.alt for element in app.get("arrow_vega_lite_chart"))


def test_mood_afterwards_takes_one_tap(page: Any, written: list[int]) -> None:
    app = page()
    (ask,) = app.button_group
    ask.select("happy").run()
    assert not app.exception
    assert kept()[0].ended == "happy"
    assert "You looked back on one playlist: one brighter than before." in said(app)
    app.button_group[0].unselect("happy").run()
    assert kept()[0].ended is None


def test_yesterdays_playlist_is_not_asked_about(page: Any, at_home: None) -> None:
    with DiaryStore.open() as store:
        mine = store.diary(identity.THIS_COMPUTER)
        mine.switch(True)
        mine.note(moment(), at=NOW - timedelta(hours=20))
    assert len(page().button_group) == 0


def test_earlier_months_are_a_tap_away(page: Any, at_home: None, button: Any) -> None:
    with DiaryStore.open() as store:
        mine = store.diary(identity.THIS_COMPUTER)
        mine.switch(True)
        mine.note(moment("angry"), at=NOW - timedelta(days=40))
    app = page()
    assert "No entries this month." in said(app)
    before = Month.of(NOW.astimezone().date()).step(-1)
    for _ in range(2):
        if "Angry" not in said(app):
            app.button(key="month-before").click().run()
    assert "Angry · " in said(app)
    assert app.button(key="month-before").disabled
    assert app.title[0].value != f"Your {NOW.astimezone():%B}"
    assert before.name in [b.label for b in app.button] or before.name in app.title[0].value


def test_a_single_entry_can_be_deleted_and_that_taken_back(
    page: Any, written: list[int], button: Any
) -> None:
    before = kept()
    app = page()
    app.button(key=f"forget-{written[-1]}").click().run()
    assert not app.exception
    assert [entry.id for entry in kept()] == written[-2::-1]
    button(app, "Undo").click().run()
    assert [(entry.at, entry.tracks) for entry in kept()] == [
        (entry.at, entry.tracks) for entry in before
    ]
    assert "Undo" not in [one.label for one in app.button]


def test_how_one_feels_is_asked_after_the_music(
    app: AppTest, page: Any, button: Any, at_home: None
) -> None:
    with DiaryStore.open() as store:
        store.diary(identity.THIS_COMPUTER).switch(True)
    visitor = app.session_state["visitor"]
    button(app, "Find music for this").click().run()
    app.switch_page("pages/playlist.py").run()
    playlist = visitor.sets[visitor.options]

    def asked() -> bool:
        assert not app.exception
        return "How do you feel now?" in [pill.label for pill in app.pills]

    assert not asked()
    for place in range(3):
        assert not asked()
        track = playlist.picks[place].track
        play(visitor, track.id)
        follow(visitor, Position(visitor.turn, track.id, playing=True, ended=False))
        app.run()
    assert asked()
    pill = next(pill for pill in app.pills if pill.label.startswith("How do you feel"))
    pill.select("happy").run()
    assert kept()[0].ended == "happy"
    page()
    assert asked()
    # Another set is another question.
    app.switch_page("pages/playlist.py").run()
    button(app, "Another set").click().run()
    assert not asked()


def test_diary_can_be_exported(page: Any, written: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import streamlit as st

    offered: dict[str, str] = {}

    def offer(label: str, data: Callable[[], str], **_: Any) -> bool:
        offered[label] = data()
        return False

    monkeypatch.setattr(st, "download_button", offer)
    page()
    rows = list(csv.DictReader(io.StringIO(offered["Table (CSV)"])))
    assert len(rows) == 8
    everything = json.loads(offered["Everything (JSON)"])
    assert len(everything["entries"]) == 4
    assert {one["verdict"] for one in everything["verdicts"]} == {"like", "dislike"}


def test_deleted_with_one_confirmation_it_is_gone_from_the_file(
    app: AppTest, page: Any, written: Any, button: Any, file: Path
) -> None:
    page()
    assert b"Song *2*" in b"".join(one.read_bytes() for one in file.parent.iterdir())
    button(app, "Yes, delete everything").click().run()
    assert not app.exception
    assert app.title[0].value == EMPTY
    assert "from the database file too" in said(app)
    assert b"Song *" not in b"".join(one.read_bytes() for one in file.parent.iterdir())
    assert app.session_state["visitor"].taste.feedback == ()
    app.run()
    assert "gone from" not in said(app)
    assert app.toggle[0].value is False


@pytest.mark.parametrize(
    ("url", "gone", "expected"),
    [
        ("sqlite:////home/me/diary.sqlite", True, "file"),
        ("sqlite:////home/me/diary.sqlite", False, "busy"),
        ("postgresql://someone@db.example.org/affectune", True, "server"),
        ("postgres://db.example.org/affectune", True, "server"),
    ],
)
def test_what_is_said_of_a_deleted_diary_depends_on_where_it_was(
    monkeypatch: pytest.MonkeyPatch, url: str, gone: bool, expected: str
) -> None:
    monkeypatch.setenv(ENVIRONMENT, url)
    assert diary.what_became_of_it(gone) == expected


def test_nothing_is_claimed_about_the_files_of_a_database_server(
    app: AppTest, page: Any, written: Any, button: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    page()
    monkeypatch.setattr(diary, "what_became_of_it", lambda gone: "server")
    button(app, "Yes, delete everything").click().run()
    assert "gone from" not in said(app)
    assert wording.DELETED["server"] in said(app)


def test_it_says_what_a_diary_at_home_takes_for_granted(
    app: AppTest, page: Any, at_home: None
) -> None:
    page()
    assert wording.DIARY_ASSUMES in said(app)


def test_where_people_sign_in_nothing_is_taken_for_granted(
    app: AppTest, page: Any, provider: Provider
) -> None:
    page()
    assert wording.DIARY_ASSUMES not in said(app)


# Whose it is


def test_where_people_cannot_be_told_apart_nothing_is_kept(
    app: AppTest, page: Any, selfie: Any, sad: Any, button: Any, file: Path
) -> None:
    page()
    assert app.title[0].value == EMPTY
    assert "This server can’t tell its visitors apart" in said(app)
    assert len(app.toggle) == 0
    button(selfie(sad), "Move gently").click().run()
    app.switch_page("pages/playlist.py").run()
    assert not app.exception
    assert not file.parent.exists()


def test_remote_visitors_cannot_read_the_local_diary(
    page: Any, written: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(identity, "_here", lambda: False)
    app = page()
    assert app.title[0].value == EMPTY
    assert "Sad" not in said(app)
    assert len(app.get("download_button")) == 0


def test_a_stranger_is_offered_to_sign_in(app: AppTest, page: Any, provider: Provider) -> None:
    page()
    assert [one.label for one in app.button] == ["Sign in with example"]
    assert len(app.toggle) == 0


@pytest.mark.parametrize(
    ("auth", "labels"),
    [
        ({"client_id": "x"}, ["Sign in"]),
        ({"google": {"client_id": "x"}, "work": {"client_id": "y"}, "redirect_uri": "z"}, None),
    ],
)
def test_providers_come_from_the_secrets_and_go_before_the_place(
    app: AppTest, page: Any, written: Any, auth: dict[str, Any], labels: list[str] | None
) -> None:
    app.secrets["auth"] = auth
    page()
    assert [one.label for one in app.button] == (
        labels or ["Sign in with google", "Sign in with work"]
    )
    assert len(app.toggle) == 0
    assert "Sad" not in said(app)


def test_failed_sign_in_is_reported(app: AppTest, page: Any, provider: Provider) -> None:
    page()
    app.button[0].click().run()  # there are no secrets
    assert not app.exception
    assert "Sign-in isn’t working right now." in said(app)


def test_one_person_never_reads_anothers_diary(
    app: AppTest, page: Any, provider: Provider, written: Any, button: Any
) -> None:
    provider.sign_in("ada")
    page()
    assert app.title[0].value == EMPTY  # neither this computer's
    app.toggle[0].set_value(True).run()
    ada = identity.who().owner
    assert ada is not None
    with DiaryStore.open() as store:
        number = store.diary(ada).note(moment("angry"))
    app.run()
    assert "Angry · " in said(app)

    # In the same session, as after a redirect that carries it along.
    for other in (("bob",), ("ada", "https://id.example.net")):
        provider.sign_in(*other)
        app.run()
        assert not app.exception
        assert app.title[0].value == EMPTY
        assert "Angry" not in said(app)
        assert app.toggle[0].value is False
        assert identity.who().owner not in (ada, None)

    provider.sign_in("bob")
    app.run()
    app.toggle[0].set_value(True).run()
    diary_of_bob = identity.who().owner
    assert diary_of_bob is not None
    assert kept(diary_of_bob) == []
    button(app, "Yes, delete everything").click().run()
    assert [entry.id for entry in kept(ada)] == [number]
    assert len(kept()) == 4


# When the database fails


def test_database_failure_is_reported_and_music_continues(
    app: AppTest, page: Any, written: Any, selfie: Any, sad: Any, button: Any, file: Path
) -> None:
    page()
    for one in file.parent.iterdir():
        one.unlink()
    file.write_bytes(b"no database " * 1000)
    button(selfie(sad), "Move gently").click().run()
    toasts = [toast.value for toast in app.toast]
    app.switch_page("pages/playlist.py").run()
    assert not app.exception
    assert app.title[0].value == "From sad to bright"
    (toast,) = (*toasts, *(toast.value for toast in app.toast))
    assert "The music keeps playing." in toast
    button(app, "Another set").click().run()
    assert not app.exception
    assert len(app.toast) == 0  # said once
    page()
    assert "no longer where it was" in said(app) or "cannot be opened" in said(app)


def test_database_failure_between_sets_is_reported(
    app: AppTest, written: Any, selfie: Any, sad: Any, button: Any, file: Path
) -> None:
    button(selfie(sad), "Move gently").click().run()
    app.switch_page("pages/playlist.py").run()
    assert len(app.toast) == 0
    for one in file.parent.iterdir():
        one.unlink()
    file.write_bytes(b"no database " * 1000)
    button(app, "Another set").click().run()
    assert not app.exception
    assert "The music keeps playing." in app.toast[0].value


def test_wrong_setting_is_reported_on_the_page(
    page: Any, at_home: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ENVIRONMENT, "mysql://ada:secret@host/x")
    app = page()
    assert app.title[0].value == EMPTY
    assert "SQLite or PostgreSQL" in said(app)
    assert "secret" not in said(app)
    app.toggle[0].set_value(True).run()
    assert not app.exception
    assert app.toggle[0].value is False


# What is learned comes back


def bring_back_taste() -> None:
    import streamlit as st

    from ui import services
    from ui.diary import diary
    from ui.state import visitor_state

    diary.restore_taste(visitor_state(), services.recommender()[0].catalog)
    st.session_state["restored"] = diary.restored_taste(services.recommender()[0].catalog)


def test_likes_come_back_in_the_next_session(at_home: None, recognizer: Any) -> None:
    recommender, _ = services.recommender()
    known, other = recommender.catalog.candidates(Mood(0.0, 0.0), limit=2)
    with DiaryStore.open() as store:
        mine = store.diary(identity.THIS_COMPUTER)
        mine.switch(True)
        mine.judge(known, "like", Mood(-0.5, 0.1))
        mine.judge(other, "dislike", Mood(0.0, 0.0))
        mine.judge(track(99), "like", Mood(0.0, 0.0))  # the catalogue has lost it
    app = AppTest.from_function(bring_back_taste, default_timeout=60)
    visitor = VisitorState(taste=Taste().learn(other, "like", Mood(0.2, 0.2)))
    app.session_state["visitor"] = visitor
    app.run()
    assert not app.exception
    restored = app.session_state["restored"].feedback
    assert {(one.track.id, one.verdict) for one in restored} == {
        (known.id, "like"),
        (other.id, "dislike"),
    }
    # What was said in this visit counts more.
    assert {(one.track.id, one.verdict, one.mood) for one in visitor.taste.feedback} == {
        (known.id, "like", Mood(-0.5, 0.1)),
        (other.id, "like", Mood(0.2, 0.2)),
    }
    app.run()
    assert len(visitor.taste.feedback) == 2


def test_a_skip_today_takes_no_earlier_like_back(at_home: None, recognizer: Any) -> None:
    recommender, _ = services.recommender()
    (known,) = recommender.catalog.candidates(Mood(0.0, 0.0), limit=1)
    with DiaryStore.open() as store:
        mine = store.diary(identity.THIS_COMPUTER)
        mine.switch(True)
        mine.judge(known, "like", Mood(-0.5, 0.1))
    app = AppTest.from_function(bring_back_taste, default_timeout=60)
    visitor = VisitorState(taste=Taste().learn(known, "skip", Mood(0.2, 0.2)))
    app.session_state["visitor"] = visitor
    app.run()
    assert not app.exception
    assert visitor.liked == {known.id}


def judge(what: str | None) -> None:
    import streamlit as st

    from ui.diary import diary
    from ui.state import visitor_state

    diary.note_verdict(visitor_state(), st.session_state["track"], what)


@pytest.mark.parametrize(
    ("verdicts", "wanted"),
    [
        (["like"], ["like"]),
        (["like", "dislike"], ["dislike"]),
        (["like", None], []),
        (["skip"], []),
    ],
)
def test_what_is_liked_is_kept(at_home: None, verdicts: Any, wanted: Any) -> None:
    with DiaryStore.open() as store:
        store.diary(identity.THIS_COMPUTER).switch(True)
    for verdict in verdicts:
        app = AppTest.from_function(judge, kwargs={"what": verdict}, default_timeout=60)
        app.session_state["track"] = track(5)
        taste = Taste().learn(track(5), "like", Mood(0.3, 0.3))
        app.session_state["visitor"] = VisitorState(manual_mood=Mood(0.0, 0.0), taste=taste)
        app.run()
        assert not app.exception
    with DiaryStore.open() as store:
        found = store.diary(identity.THIS_COMPUTER).verdicts()
    assert [one.verdict for one in found] == wanted
    assert all(one.mood == Mood(0.3, 0.3) for one in found)


# What it tells


def on(day: int, hour: int = 12) -> datetime:
    return datetime(2026, 11, day, hour, tzinfo=UTC)


def test_weeks_begin_on_monday() -> None:
    days = summary.days_of([], Month(2026, 11), UTC)
    assert [day.week for day in days[:2]] == [0, 1]  # the first is a Sunday
    rows = charts.calendar_rows(days)
    assert (rows[0]["weekday"], rows[1]["weekday"]) == ("Sun", "Mon")
    assert len({(row["weekday"], row["week"]) for row in rows}) == 30


def test_the_summary_counts() -> None:
    moods = ["happy", "happy", "sad", "sad", "neutral", "fear", None]
    text = story.month_sentence([entry(n, mood, on(n + 1)) for n, mood in enumerate(moods)])
    assert text == (
        "Seven entries: **happy** 😊 and **sad** 😢 twice each, **afraid** 😨 once, "
        "another mood once and one set by hand."
    )
    assert story.month_sentence([entry(1, None, on(1))]) == "One entry: set by hand."
