from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from recommender.session import SetOptions, minutes_of
from recommender.sharing import link as share
from recommender.types import Filters, Mood, Playlist, Track
from ui import services, wording
from ui.playlist import controls
from ui.playlist.music import announcement, ban, follow, judge, play, press, undo
from ui.spotify import lookup
from ui.state import VisitorState
from ui.widgets.player import Position


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


def drawn(app: AppTest) -> tuple[VisitorState, Playlist]:
    """The visitor and the set that they look at."""
    visitor: VisitorState = app.session_state["visitor"]
    return visitor, visitor.sets[visitor.options]


def artists(app: AppTest) -> set[str]:
    _, playlist = drawn(app)
    return {name for pick in playlist.picks for name in pick.track.artists}


def find(elements: Any, label: str) -> Any:
    (found,) = (element for element in elements if element.label == label)
    return found


def test_without_a_mood_it_says_where_to_get_one(app: AppTest) -> None:
    app.switch_page("pages/playlist.py").run()
    assert title(app) == "How do you feel?"
    assert [button.label for button in app.button] == [
        "Use the camera",
        "Set it by hand",
    ]


def test_most_tracks_have_a_reason(listening: AppTest, sent_to: Any) -> None:
    assert title(listening) == "From sad to bright"
    rows = sent_to(listening, "track_list")["rows"]
    assert [row["number"] for row in rows] == list(range(1, len(rows) + 1))
    assert all(row["title"] and row["artists"] for row in rows)
    # Where nothing is worth saying, nothing is said.
    assert sum(bool(row["reason"]) for row in rows) > len(rows) / 2
    assert all(row["url"].startswith("https://open.spotify.com/track/") for row in rows)


def test_the_journey_is_on_the_pad(listening: AppTest, sent_to: Any) -> None:
    pad = sent_to(listening, "mood_pad")
    assert pad["fixed"]
    assert pad["goal"] == "bright"
    assert pad["journey"][0] == pad["reading"]
    assert pad["journey"][-1]["valence"] > pad["journey"][0]["valence"]
    count = len(sent_to(listening, "track_list")["rows"])
    assert [track["number"] for track in pad["tracks"]] == list(range(1, count + 1))


def test_another_intent_is_another_set_and_the_way_back_finds_the_first(
    listening: AppTest, sent_to: Any
) -> None:
    first = ids(sent_to(listening, "track_list"))
    listening.segmented_control[0].select("lift").run()
    assert title(listening) == "Straight to bright"
    assert ids(sent_to(listening, "track_list")) != first
    listening.segmented_control[0].select("shift").run()
    assert ids(sent_to(listening, "track_list")) == first


def test_staying_draws_no_path(listening: AppTest, sent_to: Any) -> None:
    listening.segmented_control[0].select("match").run()
    assert title(listening) == "For when you’re sad"
    assert sent_to(listening, "mood_pad")["journey"] == []


def test_another_set_repeats_nothing(listening: AppTest, sent_to: Any, button: Any) -> None:
    seen = set(ids(sent_to(listening, "track_list")))
    for _ in range(3):
        button(listening, "Another set").click().run()
        new = set(ids(sent_to(listening, "track_list")))
        assert len(new) > 10
        assert not new & seen
        seen |= new


def test_a_rerun_keeps_the_set(listening: AppTest, sent_to: Any) -> None:
    first = ids(sent_to(listening, "track_list"))
    listening.run()
    assert ids(sent_to(listening, "track_list")) == first


def test_a_genre_that_is_used_up_begins_again(
    listening: AppTest, sent_to: Any, button: Any
) -> None:
    genres = find(listening.multiselect, "Only these genres")
    genres.select(genres.options[-1]).run()
    for _ in range(12):
        button(listening, "Another set").click().run()
        assert not listening.exception
        assert sent_to(listening, "track_list")["rows"]


def test_another_mood_asks_anew(listening: AppTest, sent_to: Any) -> None:
    first = ids(sent_to(listening, "track_list"))
    listening.switch_page("pages/selfie.py").run()
    listening.pills[0].select("happy").run()
    listening.switch_page("pages/playlist.py").run()
    assert title(listening) == "Keeping you happy"
    assert ids(sent_to(listening, "track_list")) != first


def test_the_playing_track_is_marked_and_goes_on(listening: AppTest, sent_to: Any) -> None:
    visitor = listening.session_state["visitor"]
    track = visitor.sets[SetOptions("shift")].picks[2].track
    play(visitor, track.id)
    listening.run()
    assert sent_to(listening, "track_list")["current"] == track.id
    assert sent_to(listening, "mood_pad")["current"] == track.id
    listening.switch_page("pages/home.py").run()
    assert visitor.playing == track


def test_stop_takes_the_track_out_and_a_row_that_is_gone_changes_nothing(
    listening: AppTest,
) -> None:
    visitor = listening.session_state["visitor"]
    track = visitor.sets[SetOptions("shift")].picks[0].track
    play(visitor, track.id)
    play(visitor, "gone")
    assert visitor.playing == track
    press(visitor, "stop", track.id)
    assert visitor.playing is None


def test_the_player_is_told_where_to_go_and_tells_where_it_is(
    listening: AppTest, sent_to: Any, button: Any
) -> None:
    visitor, playlist = drawn(listening)
    tracks = [pick.track for pick in playlist.picks]
    button(listening, "Play the set").click().run()
    sent = sent_to(listening, "player")
    assert [row["id"] for row in sent["queue"]] == [track.id for track in tracks]
    assert sent["current"] == tracks[0].id
    turn = sent["turn"]

    # It goes on by itself, and no order takes it back.
    follow(visitor, Position(turn, tracks[1].id, playing=True, ended=False))
    listening.run()
    assert visitor.playing == tracks[1]
    assert sent_to(listening, "player")["turn"] == turn
    # An order that it has not heard of counts more than where it was.
    play(visitor, tracks[5].id)
    follow(visitor, Position(turn, tracks[2].id, playing=True, ended=False))
    assert visitor.playing == tracks[5]
    # One that this server has never given: it has been restarted meanwhile.
    follow(visitor, Position(turn + 7, tracks[6].id, playing=True, ended=False))
    assert (visitor.playing, visitor.turn) == (tracks[6], turn + 7)
    follow(visitor, Position(turn + 7, "unknown", playing=True, ended=False))
    assert visitor.playing == tracks[6]


def test_next_in_the_player_is_a_skip_and_moves_nothing(listening: AppTest) -> None:
    visitor, playlist = drawn(listening)
    tracks = [pick.track for pick in playlist.picks]
    play(visitor, tracks[0].id)
    turn = visitor.turn
    follow(visitor, Position(turn, tracks[2].id, playing=True, ended=False))
    # It may also have gone back by now to what was skipped.
    press(visitor, "next", tracks[2].id)
    press(visitor, "next", tracks[0].id)
    assert [said.track for said in visitor.taste.feedback] == [tracks[2], tracks[0]]
    assert {said.verdict for said in visitor.taste.feedback} == {"skip"}
    assert (visitor.playing, visitor.turn) == (tracks[2], turn)


def test_another_set_leaves_the_track_in_the_player_and_it_can_still_be_liked(
    listening: AppTest, sent_to: Any, button: Any
) -> None:
    visitor, playlist = drawn(listening)
    track = playlist.picks[0].track
    play(visitor, track.id)
    button(listening, "Another set").click().run()
    sent = sent_to(listening, "player")
    assert sent["current"] == track.id
    assert [row["id"] for row in sent["queue"]] == [
        track.id,
        *ids(sent_to(listening, "track_list")),
    ]
    press(visitor, "like", track.id)
    assert visitor.liked == {track.id}
    press(visitor, "like", track.id)
    assert visitor.liked == frozenset()


def test_a_missing_catalogue_is_named_and_the_starter_plays(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, recognizer: Any
) -> None:
    monkeypatch.setenv("AFFECTUNE_CATALOG", str(tmp_path / "gone.duckdb"))
    services._recommender.clear()
    app = AppTest.from_file(str(Path(__file__).parents[2] / "app.py"), default_timeout=60).run()
    (find,) = (button for button in app.button if button.label == "Find music for this")
    find.click().run()
    assert title(app)
    (line,) = (caption.value for caption in app.caption if "starter catalogue" in caption.value)
    assert "gone" in line
    assert "Playing the starter catalogue instead" in line
    services._recommender.clear()


def test_a_set_lasts_an_hour_or_as_long_as_one_says(listening: AppTest) -> None:
    assert minutes_of(drawn(listening)[1]) == pytest.approx(60, abs=5)
    find(listening.segmented_control, "How long").select(30).run()
    assert minutes_of(drawn(listening)[1]) == pytest.approx(30, abs=5)


def test_adventure_brings_less_popular_tracks(listening: AppTest, sent_to: Any) -> None:
    def fame() -> float:
        _, playlist = drawn(listening)
        return sum(pick.track.popularity for pick in playlist.picks) / len(playlist.picks)

    visitor, _ = drawn(listening)
    visitor.adventure = 0.0
    listening.run()
    assert sent_to(listening, "steps_slider")["step"] == 0
    familiar = fame()
    visitor.adventure = 1.0
    listening.run()
    assert sent_to(listening, "steps_slider")["step"] == 4
    assert fame() < familiar


@pytest.mark.parametrize(
    ("label", "value", "fits"),
    [
        ("Only these genres", "jazz", lambda track: "jazz" in track.genres),
        ("Without these genres", "pop", lambda track: "pop" not in track.genres),
        ("Only these decades", 2010, lambda track: 2010 <= track.year < 2020),
        ("Only in these languages", "es", lambda track: track.language == "es"),
    ],
)
def test_filters_are_kept_to_and_come_back(
    listening: AppTest, label: str, value: Any, fits: Any
) -> None:
    def control() -> Any:
        return find([*listening.multiselect, *listening.pills], label)

    control().select(value).run()
    assert not listening.exception
    _, playlist = drawn(listening)
    assert playlist.picks
    assert all(fits(pick.track) for pick in playlist.picks)
    listening.switch_page("pages/home.py").run()
    listening.switch_page("pages/playlist.py").run()
    assert control().value == [value]
    assert drawn(listening)[1] == playlist


def test_what_is_let_in_is_said(listening: AppTest) -> None:
    find(listening.multiselect, "Only in these languages").select("zxx").run()
    assert any("Without words" in caption.value for caption in listening.caption)


def test_a_genre_is_not_wanted_and_unwanted_at_once(listening: AppTest) -> None:
    find(listening.multiselect, "Only these genres").select("jazz").run()
    find(listening.multiselect, "Without these genres").select("jazz").run()
    visitor, _ = drawn(listening)
    assert (visitor.filters.genres, visitor.filters.without_genres) == ((), ("jazz",))


def test_the_explicit_filter_is_offered_only_where_tracks_are_marked(
    listening: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not listening.toggle
    told = "This catalogue doesn’t mark explicit tracks."
    assert told in [caption.value for caption in listening.caption]
    marked = services.Choices(("pop",), (), (), explicit=True)
    monkeypatch.setattr(services, "choices", lambda: marked)
    listening.run()
    listening.toggle[0].set_value(False).run()
    assert drawn(listening)[0].filters == Filters(explicit=False)
    # The starter says nothing of it, so the wish cannot be kept, and the page says so.
    assert any("none could be left out" in caption.value for caption in listening.caption)


def test_filters_that_leave_too_little_say_so_and_go(listening: AppTest, button: Any) -> None:
    find(listening.multiselect, "Only these genres").select("jazz").run()
    full = drawn(listening)[1]
    find(listening.multiselect, "Only in these languages").select("si").run()
    said = [text.value for text in listening.markdown]
    assert any(text.startswith("No track matches your filters") for text in said)
    button(listening, "Undo").click().run()
    assert drawn(listening)[1] == full
    find(listening.multiselect, "Only in these languages").select("si").run()
    listening.button(key="loosen").click().run()
    assert drawn(listening)[0].filters == Filters(genres=("jazz",))
    find(listening.multiselect, "Only in these languages").select("si").run()
    listening.button(key="everything").click().run()
    assert drawn(listening)[0].filters == Filters()


def test_a_like_draws_the_rest_anew_and_says_so(listening: AppTest, sent_to: Any) -> None:
    visitor, before = drawn(listening)
    pick = before.picks[2]
    play(visitor, pick.track.id)
    judge(visitor, pick.track.id, "like")
    listening.run()
    _, after = drawn(listening)
    assert after.picks[:6] == before.picks[:6], "the next three stay"
    assert after.journey == before.journey
    assert after.picks[6:] != before.picks[6:]
    assert len({pick.track.id for pick in after.picks}) == len(before.picks)
    rows = sent_to(listening, "track_list")
    assert [row["liked"] for row in rows["rows"]].index(True) == 2
    assert rows["change"]["track"] == pick.track.id
    assert rows["change"]["text"].startswith(f"You like “{pick.track.title}”. ")
    assert visitor.playing == pick.track


def test_likes_are_given_as_reasons(listening: AppTest) -> None:
    visitor, _ = drawn(listening)
    for place in range(3):
        pick = drawn(listening)[1].picks[place]
        judge(visitor, pick.track.id, "like")
    owed = [
        pick.reason for pick in drawn(listening)[1].picks[3:] if "because you liked" in pick.reason
    ]
    assert owed
    _, text = announcement(visitor) or ("", "")
    # Whether the last like brought a track of its own depends on what the others had brought.
    assert text.endswith(("your likes.", "Updated the rest of your set."))


def test_second_like_undoes_the_first(listening: AppTest) -> None:
    visitor, before = drawn(listening)
    judge(visitor, before.picks[0].track.id, "like")
    judge(visitor, before.picks[0].track.id, "like")
    assert visitor.liked == frozenset()
    assert visitor.taste.feedback == ()
    _, text = announcement(visitor) or ("", "")
    assert "is no longer a like" in text


def test_not_for_me_goes_on_to_another_track_in_its_place(
    listening: AppTest, sent_to: Any, button: Any
) -> None:
    visitor, before = drawn(listening)
    unwanted = before.picks[2].track
    play(visitor, unwanted.id)
    judge(visitor, unwanted.id, "dislike")
    listening.run()
    _, after = drawn(listening)
    assert after.picks[:2] == before.picks[:2]
    assert len(after.picks) == len(before.picks)
    assert visitor.playing == after.picks[2].track != unwanted
    assert sent_to(listening, "track_list")["change"]["track"] == visitor.playing.id
    for _ in range(3):
        button(listening, "Another set").click().run()
        assert unwanted.id not in ids(sent_to(listening, "track_list"))


def test_a_skip_plays_the_next_and_changes_nothing_else(listening: AppTest) -> None:
    visitor, before = drawn(listening)
    play(visitor, before.picks[2].track.id)
    judge(visitor, before.picks[2].track.id, "skip")
    assert visitor.playing == before.picks[3].track
    assert drawn(listening)[1] == before
    assert [said.verdict for said in visitor.taste.feedback] == ["skip"]
    judge(visitor, before.picks[-1].track.id, "skip")
    assert visitor.playing is None


def test_a_like_followed_by_a_skip_is_still_a_like(listening: AppTest, sent_to: Any) -> None:
    visitor, before = drawn(listening)
    track = before.picks[2].track
    play(visitor, track.id)
    judge(visitor, track.id, "like")
    liked = drawn(listening)[1]
    judge(visitor, track.id, "skip")
    listening.run()
    assert visitor.liked == {track.id}
    assert drawn(listening)[1] == liked
    assert [row["liked"] for row in sent_to(listening, "track_list")["rows"]][:4] == [
        *(False, False, True, False)
    ]
    # It is taken back by saying so, and by nothing else.
    judge(visitor, track.id, "like")
    assert visitor.liked == frozenset()


def test_a_disliked_track_stays_away_after_a_skip(listening: AppTest) -> None:
    visitor, before = drawn(listening)
    track = before.picks[2].track
    visitor.taste = visitor.taste.learn(track, "dislike", before.picks[2].slot)
    judge(visitor, track.id, "skip")
    assert visitor.taste.verdict_on(track.id) == "dislike"


def test_a_banned_artist_stays_away_until_let_in_again(
    listening: AppTest, sent_to: Any, button: Any
) -> None:
    visitor, before = drawn(listening)
    track = before.picks[1].track
    play(visitor, track.id)
    ban(visitor, track.id, track.artists[0])
    listening.run()
    _, after = drawn(listening)
    assert after.picks[:1] == before.picks[:1]
    assert visitor.playing == after.picks[1].track
    for _ in range(3):
        assert track.artists[0] not in artists(listening)
        button(listening, "Another set").click().run()
    button(listening, f"Allow {wording.escape_markdown(track.artists[0])} again").click().run()
    assert visitor.filters == Filters()


def test_a_ban_still_repeats_nothing(listening: AppTest, sent_to: Any, button: Any) -> None:
    button(listening, "Another set").click().run()
    visitor, second = drawn(listening)
    seen = {pick.track.id for playlist in visitor.sets.values() for pick in playlist.picks}
    ban(visitor, second.picks[-1].track.id, second.picks[-1].track.artists[0])
    button(listening, "Another set").click().run()
    assert not seen & set(ids(sent_to(listening, "track_list")))


@pytest.mark.parametrize("said", ["like", "dislike", "ban"])
def test_every_action_can_be_undone(listening: AppTest, said: Any) -> None:
    visitor, before = drawn(listening)
    track = before.picks[2].track
    play(visitor, track.id)
    ban(visitor, track.id, track.artists[0]) if said == "ban" else judge(visitor, track.id, said)
    assert drawn(listening)[1] != before
    undo(visitor)
    listening.run()
    assert drawn(listening) == (visitor, before)
    assert (visitor.playing, visitor.filters, visitor.change) == (track, Filters(), None)
    assert visitor.taste.feedback == ()


def test_words_about_a_row_that_is_gone_change_nothing(listening: AppTest) -> None:
    visitor, before = drawn(listening)
    judge(visitor, "gone", "like")
    ban(visitor, "gone", "Nobody")
    undo(visitor)
    assert drawn(listening) == (visitor, before)
    assert visitor.taste.feedback == ()


def test_no_taste_reaches_another_visitor(listening: AppTest, selfie: Any) -> None:
    visitor, playlist = drawn(listening)
    judge(visitor, playlist.picks[0].track.id, "like")
    other = AppTest.from_file(str(Path(__file__).parents[2] / "app.py"), default_timeout=60).run()
    assert other.session_state["visitor"].taste.feedback == ()


def test_fresh_tracks_come_in_and_a_like_draws_from_them_too(
    listening: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fresh(_: VisitorState, slots: Sequence[Mood]) -> list[Track]:
        return [
            Track(
                id=f"{number:022d}",
                title=f"Fresh {number}",
                artists=(f"Newcomer {number}",),
                genres=("soul",),
                year=2026,
                valence=0.5,
                energy=0.5,
                danceability=None,
                acousticness=0.9,
                instrumentalness=None,
                tempo=None,
                popularity=100.0,
                position=slot,
                estimated=True,
            )
            for number, slot in enumerate(12 * list(slots))
        ]

    monkeypatch.setattr(lookup, "extra_tracks", fresh)
    visitor, _ = drawn(listening)
    visitor.sets = {}
    listening.run()
    _, playlist = drawn(listening)
    came = [pick for pick in playlist.picks if pick.track.title.startswith("Fresh")]
    assert came
    assert all("guess" in pick.reason for pick in came)
    judge(visitor, playlist.picks[0].track.id, "like")
    _, renewed = drawn(listening)
    assert any(pick.track.title.startswith("Fresh") for pick in renewed.picks[1:])


def test_while_spotify_rests_a_line_says_so(
    listening: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = "Searches for new tracks are paused until 14:05."
    monkeypatch.setattr(lookup, "why_no_extras", lambda: line)
    listening.run()
    assert any(wording.escape_markdown(line) in caption.value for caption in listening.caption)
    assert drawn(listening)[1].picks


def test_playlist_exports(listening: AppTest) -> None:
    assert [button.label for button in listening.download_button] == [
        "Download the set",
        *(label for label, *_ in controls.FORMATS[1:]),
    ]
    _, playlist = drawn(listening)
    for _, export_as, _, _ in controls.FORMATS:
        assert playlist.picks[-1].track.id in export_as(playlist)
    (text,) = listening.code
    assert all(pick.track.title in text.value for pick in playlist.picks)


def link_of(app: AppTest, sent_to: Any) -> str:
    address: str = sent_to(app, "share_link")["address"]
    page, text = address.split("?set=")
    assert page == "playlist"
    return text


def opened(text: str) -> AppTest:
    """What somebody else sees who opens the link on a server that has just started."""
    app = AppTest.from_file(str(Path(__file__).parents[2] / "app.py"), default_timeout=60)
    app.session_state["_navigate_to"] = "playlist"
    app.session_state["_asked"] = {"set": text}
    return app.run()


def test_share_link_opens_the_same_set_for_another_visitor(
    listening: AppTest, sent_to: Any, button: Any
) -> None:
    there = opened(link_of(listening, sent_to))
    assert title(there) == "A set someone shared with you"
    here = sent_to(listening, "track_list")["rows"]
    assert ids(sent_to(there, "track_list")) == [row["id"] for row in here]
    # The same way, but for where it begins: that was read on a face, and is rounded in a link.
    begins, *way = sent_to(there, "mood_pad")["journey"]
    here_begins, *here_way = sent_to(listening, "mood_pad")["journey"]
    assert begins == {"valence": -0.5, "arousal": -0.25} != here_begins
    assert (len(way), way[-1]) == (len(here_way), here_way[-1])
    assert there.session_state["visitor"].mood is None
    button(there, "Music for my own mood").click().run()
    assert title(there) == "How do you feel?"


def test_a_link_leaves_the_visitors_own_mood(
    listening: AppTest, sent_to: Any, button: Any, recognizer: Any
) -> None:
    visitor, mine = drawn(listening)
    theirs = services.recommender()[0].recommend(mine.target, intent="match", n=5, seed=1)
    listening.query_params["set"] = share.encode(theirs, catalog=services.recommender()[0].catalog)
    listening.run()
    assert title(listening) == "A set someone shared with you"
    assert ids(sent_to(listening, "track_list")) == [pick.track.id for pick in theirs.picks]
    play(visitor, theirs.picks[0].track.id)
    assert visitor.playing == theirs.picks[0].track
    judge(visitor, theirs.picks[0].track.id, "like")
    judge(visitor, theirs.picks[1].track.id, "dislike")
    listening.run()
    assert ids(sent_to(listening, "track_list")) == [pick.track.id for pick in theirs.picks]
    assert visitor.liked == {theirs.picks[0].track.id}
    assert visitor.playing == theirs.picks[2].track
    button(listening, "Music for my own mood").click().run()
    assert title(listening) == "From sad to bright"
    assert drawn(listening)[1] == mine


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("set", "{}."),
        ("set", "{})"),
        ("amp;set", "{}"),
        ("set={}", ""),
        ("set%3D{}", ""),
        ("set", "{}&amp"),
        ("Set", " <{}> "),
    ],
)
def test_a_link_that_a_chat_has_mangled_opens(
    listening: AppTest, sent_to: Any, button: Any, name: str, value: str
) -> None:
    text = link_of(listening, sent_to)
    there = AppTest.from_file(str(Path(__file__).parents[2] / "app.py"), default_timeout=60)
    there.session_state["_navigate_to"] = "playlist"
    there.session_state["_asked"] = {name.format(text): value.format(text)}
    there.run()
    assert title(there) == "A set someone shared with you"
    assert ids(sent_to(there, "track_list")) == ids(sent_to(listening, "track_list"))
    button(there, "Music for my own mood").click().run()
    assert title(there) == "How do you feel?"


@pytest.mark.parametrize("text", ["abc", "%%%", "é" * 50, "A" * 20_000])
def test_broken_link_is_reported(recognizer: Any, text: str) -> None:
    app = opened(text)
    assert title(app) == "This link doesn’t work"
    assert [button.label for button in app.button] == [
        "Use the camera",
        "Set it by hand",
    ]


def test_link_from_another_catalogue_reports_missing_tracks(
    listening: AppTest, sent_to: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = link_of(listening, sent_to)
    real = share.decode

    def poorer(text: str, *, catalog: Any) -> Any:
        found = real(text, catalog=catalog)
        return SimpleNamespace(
            playlist=replace(found.playlist, picks=found.playlist.picks[3:]),
            missing=3,
            other_catalog=True,
        )

    monkeypatch.setattr(share, "decode", poorer)
    there = opened(text)
    count = len(sent_to(listening, "track_list")["rows"])
    notes = [caption.value for caption in there.caption]
    assert any(f"3 of {count} tracks are not in this catalogue." in note for note in notes)
