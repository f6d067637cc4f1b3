"""A playlist is saved once, whatever happens on the way."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from recommender.mood import COORDINATES
from recommender.spotify import (
    Refused,
    SaveUnconfirmed,
    ScopeMissing,
    SignInNeeded,
    SpotifyClient,
    SpotifyError,
    Unreachable,
)
from recommender.spotify.playlists import SAVES, Saves, mark_of, words
from recommender.types import INTENTS, Mood, Pick, Playlist, Track
from tests.recommender.spotify import server as scripted
from tests.recommender.spotify.conftest import QUICK, save
from tests.recommender.spotify.server import ALL_SCOPES, Fault, SpotifyServer

DAY = date(2026, 11, 25)
CREATE, ADD, LOOK, READ = (
    "POST /me/playlists",
    "POST /playlists/{id}/items",
    "GET /me/playlists",
    "GET /playlists/{id}/items",
)
Make = Callable[..., Playlist]


@pytest.fixture
def make_playlist(track: Callable[..., Track]) -> Make:
    def make(n: int = 5, *, first: int = 1, **changes: Any) -> Playlist:
        mood = Mood(-0.6, -0.3)
        picks = tuple(
            Pick(track(number), mood, "Because you are sad") for number in range(first, first + n)
        )
        values = {"mood": mood, "target": mood, "intent": "shift", "picks": picks, "seed": 1}
        return Playlist(**(values | changes))

    return make


def uris(playlist: Playlist) -> list[str]:
    return [f"spotify:track:{pick.track.id}" for pick in playlist.picks]


def only(spotify: SpotifyServer) -> scripted.Kept:
    (kept,) = spotify.playlists.values()
    return kept


@pytest.mark.parametrize("n", [1, 5, 100, 101, 200])
def test_all_tracks_in_their_order(
    spotify: SpotifyServer, client: SpotifyClient, make_playlist: Make, n: int
) -> None:
    playlist = make_playlist(n)
    saved = save(client, playlist, key="a", today=DAY, saves=Saves())
    kept = only(spotify)
    assert kept.items == uris(playlist)
    assert kept.public is False
    assert kept.name == saved.name == f"Affectune · {n} track{'s' if n > 1 else ''} · 25 Nov"
    assert saved.url == f"https://open.spotify.com/playlist/{saved.id}"
    assert (saved.tracks, saved.created) == (n, True)


def test_an_empty_playlist_is_not_saved(
    spotify: SpotifyServer, client: SpotifyClient, make_playlist: Make
) -> None:
    with pytest.raises(ValueError, match="no tracks"):
        save(client, make_playlist(0), key="a")
    assert spotify.requests == []


@pytest.mark.parametrize("intent", INTENTS)
@pytest.mark.parametrize("emotion", COORDINATES)
def test_nothing_of_the_mood_is_sent(
    spotify: SpotifyServer,
    client: SpotifyClient,
    make_playlist: Make,
    intent: str,
    emotion: str,
) -> None:
    mood = COORDINATES[emotion]
    playlist = make_playlist(3, intent=intent, mood=mood, target=mood, seed=987)
    save(client, playlist, key=f"{emotion}-to-calm", saves=Saves())
    sent = " ".join(
        f"{request.raw_query} {request.body.decode()}" for request in spotify.requests
    ).lower()
    for word in (*COORDINATES, "calm", "mood", "emotion", "feel", "lift", "because", "987"):
        assert word not in sent, word


def test_the_same_tracks_are_described_the_same_in_every_mood(make_playlist: Make) -> None:
    one = words(make_playlist(mood=Mood(0.9, 0.9), target=Mood(0.9, 0.9)), today=DAY)
    assert one == words(make_playlist(), today=DAY)
    assert mark_of(["a", "b"]) != mark_of(["b", "a"])


@pytest.mark.parametrize("forgotten", [False, True])
def test_pressing_twice_saves_once(
    spotify: SpotifyServer, client: SpotifyClient, make_playlist: Make, forgotten: bool
) -> None:
    """Also where the process was started anew in between."""
    saves = Saves()
    first = save(client, make_playlist(), key="a", saves=saves)
    second = save(client, make_playlist(), key="a", saves=Saves() if forgotten else saves)
    assert (first.id, first.created) == (second.id, True)
    assert not second.created
    assert only(spotify).items == uris(make_playlist())


def test_what_a_listener_took_out_of_a_saved_playlist_stays_out(
    spotify: SpotifyServer, client: SpotifyClient, make_playlist: Make
) -> None:
    saves = Saves()
    save(client, make_playlist(), key="a", saves=saves)
    del only(spotify).items[2]
    spotify.requests.clear()
    save(client, make_playlist(), key="a", saves=saves)
    assert spotify.requests == []


def test_pressing_in_two_tabs_saves_once(
    spotify: SpotifyServer, client: SpotifyClient, make_playlist: Make
) -> None:
    spotify.fault(CREATE, scripted.slow(0.2))
    saves, answers = Saves(), []
    threads = [
        threading.Thread(
            target=lambda: answers.append(save(client, make_playlist(), key="a", saves=saves))
        )
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.created for answer in answers) == [False, False, False, True]
    assert only(spotify).items == uris(make_playlist())


def test_other_tracks_and_other_listeners_get_their_own(
    spotify: SpotifyServer, make_client: Callable[..., SpotifyClient], make_playlist: Make
) -> None:
    saves = Saves()
    ann, ben = make_client("ann"), make_client("ben")
    ids = {
        save(ann, make_playlist(), key="a", saves=saves).id,
        save(ann, make_playlist(first=50), key="a", saves=saves).id,
        save(ben, make_playlist(), key="a", saves=saves).id,
    }
    assert len(ids) == len(spotify.playlists) == 3
    assert [kept.owner for kept in spotify.playlists.values()] == ["ann", "ann", "ben"]


LOST = {
    "dropped": scripted.dropped(carried_out=True),
    "bad gateway": Fault(502, "<html>", "text/html", carried_out=True),
    "unreadable": Fault(201, "OK", carried_out=True),
    "late": scripted.carried_out_slowly(30),
}


@pytest.mark.parametrize("fault", LOST)
def test_a_lost_answer_to_create_makes_no_second_playlist(
    spotify: SpotifyServer,
    make_client: Callable[..., SpotifyClient],
    make_playlist: Make,
    fault: str,
) -> None:
    spotify.fault(CREATE, LOST[fault])
    save_until_done(make_client(timeouts=QUICK), make_playlist())
    assert only(spotify).items == uris(make_playlist())
    assert len(spotify.seen(CREATE)) == 1


@pytest.mark.parametrize("fault", LOST)
def test_a_lost_answer_to_add_doubles_no_track(
    spotify: SpotifyServer,
    make_client: Callable[..., SpotifyClient],
    make_playlist: Make,
    fault: str,
) -> None:
    spotify.fault(ADD, LOST[fault])
    save_until_done(make_client(timeouts=QUICK), make_playlist(120))
    assert only(spotify).items == uris(make_playlist(120))


@pytest.mark.parametrize("kept", [0, 2, 4])
def test_a_half_written_playlist_is_completed(
    spotify: SpotifyServer, client: SpotifyClient, make_playlist: Make, kept: int
) -> None:
    spotify.fault(ADD, scripted.dropped(keep=kept))
    saved = save(client, make_playlist(), key="a", saves=Saves())
    assert only(spotify).items == uris(make_playlist())
    assert saved.tracks == 5


def test_a_half_written_playlist_is_completed_by_the_next_press(
    spotify: SpotifyServer, client: SpotifyClient, make_playlist: Make
) -> None:
    saves = Saves()
    spotify.fault(ADD, scripted.dropped(keep=2))
    spotify.fault(READ, scripted.EXPIRED)
    with pytest.raises(SignInNeeded):
        save(client, make_playlist(), key="a", saves=saves)
    assert len(only(spotify).items) == 2
    saved = save(client, make_playlist(), key="a", saves=saves)
    assert only(spotify).items == uris(make_playlist())
    assert not saved.created


@pytest.mark.parametrize("name", [CREATE, ADD])
def test_what_may_still_be_carried_out_is_not_repeated(
    spotify: SpotifyServer,
    make_client: Callable[..., SpotifyClient],
    make_playlist: Make,
    name: str,
) -> None:
    """Spotify is slow, the client gives up before, and the visitor presses at once."""
    saves, client = Saves(), make_client(timeouts=QUICK)
    release = threading.Event()
    spotify.fault(name, Fault(until=release))
    for _ in range(3):
        with pytest.raises(SaveUnconfirmed, match="nothing is saved twice"):
            save(client, make_playlist(), key="a", saves=saves)
    assert len(spotify.seen(name)) == 1
    release.set()
    while not (spotify.playlists and (name == CREATE or only(spotify).items)):
        spotify.closing.wait(0.02)
    save(client, make_playlist(), key="a", saves=saves)
    assert only(spotify).items == uris(make_playlist())


def test_what_never_came_about_is_repeated_after_a_while(
    spotify: SpotifyServer, make_client: Callable[..., SpotifyClient], make_playlist: Make
) -> None:
    saves, client = Saves(), make_client(timeouts=QUICK)
    spotify.fault(CREATE, scripted.slow(30))
    with pytest.raises(SaveUnconfirmed):
        save(client, make_playlist(), key="a", saves=saves, settle=0.01)
    save(client, make_playlist(), key="a", saves=saves)
    assert only(spotify).items == uris(make_playlist())


def test_unconfirmed_save_is_checked_before_repeating(
    spotify: SpotifyServer, make_client: Callable[..., SpotifyClient], make_playlist: Make
) -> None:
    """Where the listener lets it write and not read, a lost answer is not guessed at."""
    token = spotify.token("ann", ALL_SCOPES.replace("playlist-read-private", ""))
    client, saves = make_client(token=token), Saves()
    save(client, make_playlist(), key="a", saves=saves)
    spotify.playlists.clear()
    spotify.fault(CREATE, scripted.dropped(carried_out=True))
    for _ in range(2):
        with pytest.raises(ScopeMissing):
            save(client, make_playlist(first=50), key="b", saves=saves)
    assert len(spotify.playlists) == 1


@pytest.mark.parametrize(
    ("name", "fault", "kind"),
    [
        (LOOK, scripted.EXPIRED, SignInNeeded),
        (LOOK, scripted.html_page(500), Unreachable),
        (CREATE, scripted.INSUFFICIENT_SCOPE, ScopeMissing),
        (CREATE, scripted.html_page(500), Unreachable),
        (ADD, scripted.error(400, "Invalid track uri"), Refused),
    ],
)
def test_a_refused_save_is_finished_by_the_next_press(
    spotify: SpotifyServer,
    client: SpotifyClient,
    make_playlist: Make,
    name: str,
    fault: Fault,
    kind: type[SpotifyError],
) -> None:
    saves = Saves()
    spotify.fault(name, fault)
    with pytest.raises(kind):
        save(client, make_playlist(), key="a", saves=saves)
    save(client, make_playlist(), key="a", saves=saves)
    assert only(spotify).items == uris(make_playlist())


def test_a_playlist_that_was_deleted_half_way_is_made_anew(
    spotify: SpotifyServer, client: SpotifyClient, make_playlist: Make
) -> None:
    saves = Saves()
    spotify.fault(ADD, scripted.EXPIRED)
    with pytest.raises(SignInNeeded):
        save(client, make_playlist(), key="a", saves=saves)
    spotify.playlists.clear()
    with pytest.raises(Refused):
        save(client, make_playlist(), key="a", saves=saves)
    assert save(client, make_playlist(), key="a", saves=saves).created
    assert only(spotify).items == uris(make_playlist())


def test_slow_spotify_is_given_up_after_the_deadline(
    spotify: SpotifyServer, make_client: Callable[..., SpotifyClient], make_playlist: Make
) -> None:
    """Several calls, each quick enough by itself, share one time."""
    spotify.always("*", scripted.slow(0.25))
    with pytest.raises(Unreachable):
        save(make_client(), make_playlist(), key="a", saves=Saves(), seconds=0.4)


def test_what_is_remembered_is_bounded_and_forgotten(client: SpotifyClient) -> None:
    saves = Saves(most=2)
    first = saves.record("ann", "a")
    assert saves.record("ann", "a") is first
    saves.record("ben", "a")
    saves.record("ann", "b")
    assert saves.record("ann", "a") is not first
    kept = saves.record("ann", "b")
    saves.forget("ben")
    assert saves.record("ann", "b") is kept
    saves.forget("ann")
    assert saves.record("ann", "b") is not kept
    assert SAVES.record("nobody") is SAVES.record("nobody")
    SAVES.forget("nobody")


def save_until_done(client: SpotifyClient, playlist: Playlist) -> None:
    """Press up to three times, as a visitor would."""
    saves = Saves()
    for _ in range(2):
        try:
            save(client, playlist, key="a", saves=saves)
        except Unreachable:
            continue
        return
    save(client, playlist, key="a", saves=saves)
