from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from pages.components import services
from pages.components.music import play


def title(app: AppTest) -> str:
    assert not app.exception
    (only,) = app.title
    return only.value


@pytest.fixture
def listening(selfie: Any, sad: Any, button: Any) -> AppTest:
    """A sad visitor who asked to be moved gently."""
    app: AppTest = button(selfie(sad), "Move gently").click().run()
    # The harness follows st.switch_page for one run only.
    return app.switch_page("pages/playlist.py").run()


def ids(sent: dict[str, Any]) -> list[str]:
    return [row["id"] for row in sent["rows"]]


def test_without_a_mood_it_says_where_to_get_one(app: AppTest) -> None:
    app.switch_page("pages/playlist.py").run()
    assert title(app) == "First, a mood"
    assert [button.label for button in app.button] == [
        "Use the camera",
        "Choose a selfie",
        "Set it by hand",
    ]


def test_every_track_has_a_reason(listening: AppTest, sent_to: Any) -> None:
    assert title(listening) == "From sad towards bright and easy"
    rows = sent_to(listening, "track_list")["rows"]
    assert [row["number"] for row in rows] == list(range(1, 16))
    assert all(row["title"] and row["artists"] and row["reason"] for row in rows)
    assert all(row["url"].startswith("https://open.spotify.com/track/") for row in rows)


def test_the_journey_is_on_the_pad(listening: AppTest, sent_to: Any) -> None:
    pad = sent_to(listening, "mood_pad")
    assert pad["fixed"]
    assert pad["goal"] == "bright and easy"
    assert pad["journey"][0] == pad["reading"]
    assert pad["journey"][-1]["valence"] > pad["journey"][0]["valence"]
    assert [track["number"] for track in pad["tracks"]] == list(range(1, 16))


def test_another_intent_is_another_set_and_the_way_back_finds_the_first(
    listening: AppTest, sent_to: Any
) -> None:
    first = ids(sent_to(listening, "track_list"))
    listening.segmented_control[0].select("lift").run()
    assert title(listening) == "Straight to bright and easy"
    assert ids(sent_to(listening, "track_list")) != first
    listening.segmented_control[0].select("shift").run()
    assert ids(sent_to(listening, "track_list")) == first


def test_staying_draws_no_path(listening: AppTest, sent_to: Any) -> None:
    listening.segmented_control[0].select("match").run()
    assert title(listening) == "Staying with sad"
    assert sent_to(listening, "mood_pad")["journey"] == []


def test_another_set_repeats_nothing(listening: AppTest, sent_to: Any, button: Any) -> None:
    seen = set(ids(sent_to(listening, "track_list")))
    for _ in range(3):
        button(listening, "Another set").click().run()
        new = set(ids(sent_to(listening, "track_list")))
        assert len(new) == 15
        assert not new & seen
        seen |= new


def test_a_rerun_keeps_the_set(listening: AppTest, sent_to: Any) -> None:
    first = ids(sent_to(listening, "track_list"))
    listening.run()
    assert ids(sent_to(listening, "track_list")) == first


def test_a_genre_that_is_used_up_begins_again(
    listening: AppTest, sent_to: Any, button: Any
) -> None:
    rare = listening.multiselect[0].options[-1]
    listening.multiselect[0].select(rare).run()
    for _ in range(12):
        button(listening, "Another set").click().run()
        assert not listening.exception
        assert sent_to(listening, "track_list")["rows"]


def test_genres_are_kept_to(listening: AppTest) -> None:
    listening.multiselect[0].select("jazz").run()
    visit = listening.session_state["visit"]
    playlist = visit.sets["shift", ("jazz",), 0]
    assert all("jazz" in pick.track.genres for pick in playlist.picks)


def test_three_ways_to_take_it_along(listening: AppTest) -> None:
    assert [button.label for button in listening.download_button] == [
        "Playlist for a player (M3U)",
        "Table with reasons (CSV)",
        "Links to paste into Spotify",
    ]


def test_another_mood_asks_anew(listening: AppTest, sent_to: Any) -> None:
    first = ids(sent_to(listening, "track_list"))
    listening.switch_page("pages/selfie.py").run()
    listening.pills[0].select("happy").run()
    listening.switch_page("pages/playlist.py").run()
    assert title(listening) == "Staying with happy"
    assert ids(sent_to(listening, "track_list")) != first


def test_the_playing_track_is_marked_and_goes_on(listening: AppTest, sent_to: Any) -> None:
    visit = listening.session_state["visit"]
    track = visit.sets["shift", (), 0].picks[2].track
    play(visit, track.id)
    listening.run()
    assert sent_to(listening, "track_list")["current"] == track.id
    assert sent_to(listening, "mood_pad")["current"] == track.id
    listening.switch_page("pages/home.py").run()
    assert visit.playing == track


def test_pressing_again_stops_and_a_row_that_is_gone_changes_nothing(listening: AppTest) -> None:
    visit = listening.session_state["visit"]
    track = visit.sets["shift", (), 0].picks[0].track
    play(visit, track.id)
    play(visit, "gone")
    assert visit.playing == track
    play(visit, track.id)
    assert visit.playing is None


def test_a_missing_catalogue_is_named_and_the_starter_plays(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, recognizer: Any
) -> None:
    monkeypatch.setenv("AFFECTUNE_CATALOG", str(tmp_path / "gone.duckdb"))
    services._recommender.clear()
    app = AppTest.from_file(str(Path(__file__).parents[2] / "app.py"), default_timeout=60).run()
    (find,) = (button for button in app.button if button.label == "Find music for this")
    find.click().run()
    assert title(app)
    (line,) = (caption.value for caption in app.caption)
    assert "gone" in line
    assert "starter catalogue plays instead" in line
    services._recommender.clear()
