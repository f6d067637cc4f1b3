"""What Spotify adds to a playlist: saving it to the account, and playing it on a device.

Each section draws nothing where there are no keys. Nothing is asked of Spotify before a button is
pressed, because a popover's insides run with every run of the page.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import streamlit as st

from recommender.spotify import Device, NoActiveDevice, SpotifyError, playback
from recommender.spotify.playlists import SavedPlaylist, Saves, mark_of, save
from recommender.types import Playlist
from ui import wording
from ui.spotify import spotify
from ui.state import VisitorState

DEVICES: Final = "devices"


def save_section(visitor: VisitorState, playlist: Playlist) -> None:
    """Offer to save a playlist to the visitor's account; say when it is there."""
    if not _may_ask(playlist) or not _allowed("save", "Save to Spotify"):
        return
    name = f"saved {_mark(playlist)}"
    st.button(
        "Save to Spotify",
        key="spotify-save",
        icon=":material/playlist_add:",
        width="stretch",
        on_click=_do,
        args=(name, lambda: _save(playlist)),
    )
    done = _said(name)
    if isinstance(done, SavedPlaylist):
        # No caption: a link in one is too faint to read.
        st.markdown(
            ":material/check: Saved as a private playlist: "
            f"[{wording.plain(done.name)}]({done.url})"
        )


def play_section(visitor: VisitorState, playlist: Playlist) -> None:
    """Offer to play a playlist, or to queue its chosen track, on one of the visitor's devices."""
    if not _may_ask(playlist) or not _allowed("play", "Play on a device"):
        return
    mine = spotify.connection()
    found: list[Device] = mine.kept.get(DEVICES, []) if mine else []
    if not found:
        st.button(
            "Find my devices",
            key="spotify-find",
            icon=":material/speaker:",
            width="stretch",
            on_click=_do,
            args=(DEVICES, _find),
        )
        _said(DEVICES)
        _said("played")
        return
    named = {device.id: device for device in found}
    device = st.radio(
        "On your devices",
        list(named),
        format_func=lambda key: wording.plain(named[key].name),
        key="spotify-device",
        horizontal=True,
    )
    with st.container(horizontal=True, gap="xsmall"):
        st.button(
            "Play the set",
            key="spotify-play",
            icon=":material/play_arrow:",
            on_click=_do,
            args=("played", lambda: _play(playlist, named[device])),
        )
        if visitor.playing is not None:
            st.button(
                "Queue the chosen track",
                key="spotify-queue",
                icon=":material/queue_music:",
                on_click=_do,
                args=("played", lambda: _queue(visitor)),
            )
        st.button(
            "Look again",
            key="spotify-find",
            icon=":material/refresh:",
            on_click=_do,
            args=(DEVICES, _find),
        )
    _said(DEVICES)
    done = _said("played")
    if isinstance(done, str):
        st.markdown(f":material/check: {done}")


def _may_ask(playlist: Playlist) -> bool:
    return spotify.keys() is not None and bool(playlist.picks)


def _allowed(permission: str, label: str) -> bool:
    """Whether the visitor has allowed this; otherwise a button to do so is drawn."""
    notice = spotify.take_notice()
    if notice:
        st.toast(notice, icon=":material/info:", duration="long")
    if spotify.may(permission):
        return True
    spotify.connect_button(label, permission, page="playlist")
    return False


def _do(name: str, what: Callable[[], Any]) -> None:
    """Do something with Spotify and keep what came of it, an error included, until the next."""
    mine = spotify.connection()
    if mine is None:
        return
    try:
        mine.kept[f"said {name}"] = what()
    except SpotifyError as error:
        mine.kept[f"said {name}"] = error


def _said(name: str) -> Any:
    """Return what came of something; where it is an error, say so in a line."""
    mine = spotify.connection()
    said = mine.kept.get(f"said {name}") if mine else None
    if isinstance(said, SpotifyError):
        st.markdown(f":material/info: {said.sentence}")
        return None
    return said


def _mark(playlist: Playlist) -> str:
    return mark_of([pick.track.id for pick in playlist.picks])


def _save(playlist: Playlist) -> SavedPlaylist:
    mine = spotify.connection()
    saves = mine.saves if mine else Saves()
    return spotify.attempt(lambda client: save(client, playlist, key="set", saves=saves))


def _find() -> None:
    mine = spotify.connection()
    if mine is not None:
        for name in (DEVICES, "said played"):
            mine.kept.pop(name, None)
        mine.kept[DEVICES] = spotify.attempt(playback.choices)


def _play(playlist: Playlist, device: Device) -> str:
    _on_devices(lambda client: playback.play(client, playlist, device.id))
    return f"Playing on {wording.plain(device.name)}."


def _queue(visitor: VisitorState) -> str:
    track = visitor.playing
    if track is None:
        return ""
    _on_devices(lambda client: playback.queue(client, track))
    return f"{wording.plain(track.title)} is up next."


def _on_devices(ask: Callable[[Any], None]) -> None:
    try:
        spotify.attempt(ask)
    except NoActiveDevice:
        mine = spotify.connection()
        if mine is not None:
            mine.kept.pop(DEVICES, None)  # what was found is gone
        raise
