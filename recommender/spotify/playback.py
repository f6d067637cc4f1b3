"""Playing on the listener's own devices."""

from __future__ import annotations

from recommender.spotify.client import SpotifyClient
from recommender.spotify.errors import NoActiveDevice
from recommender.spotify.types import Device
from recommender.types import Playlist, Track


def choices(client: SpotifyClient) -> list[Device]:
    """Return the devices to choose from, the active one first. Needs `PLAY_SCOPES`.

    Raises:
        NoActiveDevice: there is none.
    """
    devices = client.devices()
    if not devices:
        raise NoActiveDevice
    return devices


def play(client: SpotifyClient, playlist: Playlist, device_id: str | None = None) -> None:
    """Play a playlist from its first track, on a device or on the active one.

    Raises:
        ValueError: the playlist is empty.
        PremiumNeeded: the listener has no Premium.
        NoActiveDevice: nothing is there to play on.
    """
    client.play(device_id, [f"spotify:track:{pick.track.id}" for pick in playlist.picks])


def queue(client: SpotifyClient, track: Track) -> None:
    """Play a track next on the active device. Raises as `play` does."""
    client.queue(f"spotify:track:{track.id}")
