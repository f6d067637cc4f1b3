from __future__ import annotations

from collections.abc import Callable

import pytest

from recommender.spotify import NoActiveDevice, SpotifyClient
from recommender.spotify.playback import choices, play, queue
from recommender.types import Mood, Pick, Playlist, Track
from tests.recommender.spotify.server import SpotifyServer


def test_a_playlist_plays_from_its_first_track(
    spotify: SpotifyServer, client: SpotifyClient, track: Callable[..., Track]
) -> None:
    mood = Mood(0, 0)
    tracks = [track(number) for number in range(1, 151)]
    playlist = Playlist(mood, mood, "match", tuple(Pick(t, mood, "") for t in tracks), 0)
    device = choices(client)[0]
    play(client, playlist, device.id)
    queue(client, tracks[3])
    uris = [f"spotify:track:{t.id}" for t in tracks]
    assert spotify.played == [("ann", "d1", uris)]
    assert spotify.queued == [("ann", uris[3])]


def test_an_empty_playlist_is_not_played(spotify: SpotifyServer, client: SpotifyClient) -> None:
    mood = Mood(0, 0)
    with pytest.raises(ValueError, match="'uris'"):
        play(client, Playlist(mood, mood, "match", (), 0))
    assert spotify.requests == []


def test_without_a_device_it_says_what_to_do(spotify: SpotifyServer, client: SpotifyClient) -> None:
    spotify.devices = []
    with pytest.raises(NoActiveDevice, match="Open Spotify"):
        choices(client)
