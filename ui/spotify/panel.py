"""What Spotify adds to a page: a button to connect, to save a set, to play it on a device.

Nothing is drawn where there are no keys. Nothing is asked of Spotify before a button is pressed,
because the contents of a popover run with every run of the page.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import streamlit as st

from recommender.spotify import Device, NoActiveDevice, SpotifyError, playback
from recommender.spotify.playlists import SavedPlaylist, Saves, mark_of, save
from recommender.types import Playlist
from ui import wording
from ui.navigation import said_once
from ui.spotify import sign_in
from ui.state import VisitorState

DEVICES: Final = "devices"


def connect_button(label: str, *permissions: str, page: str, primary: bool = False) -> None:
    """Draw the button that asks the visitor's permission at Spotify, or say why there is none."""
    found, right_place = sign_in.keys(), sign_in.required_address()
    if found is None:
        return
    if found.problem:
        st.markdown(f":material/info: {found.problem}")
    elif right_place:
        st.markdown(
            f":material/info: Spotify would send you back to a different address. Open "
            f"[{right_place}]({right_place}) and connect from there."
        )
    else:
        st.button(
            label,
            key=f"spotify-connect-{'-'.join(permissions)}",
            type="primary" if primary else "secondary",
            icon=":material/login:",
            width="content" if primary else "stretch",
            help=None if primary else "Opens Spotify, which asks for your permission.",
            on_click=sign_in.connect,
            args=permissions,
            kwargs={"page": page},
        )


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
            f"[{wording.escape_markdown(done.name)}]({done.url})"
        )


def play_section(visitor: VisitorState, playlist: Playlist) -> None:
    """Offer to play a playlist, or to queue its chosen track, on one of the visitor's devices."""
    if not _may_ask(playlist) or not _allowed("play", "Play on a device"):
        return
    mine = sign_in.connection()
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
    st.radio(
        "On your devices",
        list(named),
        format_func=lambda key: wording.escape_markdown(named[key].name),
        key="spotify-device",
        horizontal=True,
    )

    def play() -> str:
        # Not the value of this run: the button may be pressed before the run for a device chosen
        # just now has come this far.
        return _play(playlist, named[st.session_state["spotify-device"]])

    with st.container(horizontal=True, gap="xsmall"):
        st.button(
            "Play the set",
            key="spotify-play",
            icon=":material/play_arrow:",
            on_click=_do,
            args=("played", play),
        )
        if visitor.playing is not None:
            st.button(
                "Add to queue",
                key="spotify-queue",
                icon=":material/queue_music:",
                on_click=_do,
                args=("played", lambda: _queue(visitor)),
            )
        st.button(
            "Refresh devices",
            key="spotify-find",
            icon=":material/refresh:",
            on_click=_do,
            args=(DEVICES, _find),
        )
    _said(DEVICES)
    done = _said("played")
    if isinstance(done, str):
        st.markdown(f":material/check: {done}")


def offers_to_save(playlist: Playlist) -> bool:
    """Whether `save_section` draws anything."""
    return _may_ask(playlist)


def _may_ask(playlist: Playlist) -> bool:
    return sign_in.keys() is not None and bool(playlist.picks)


def _allowed(permission: str, label: str) -> bool:
    """Whether the visitor has allowed this; otherwise a button to do so is drawn."""
    with said_once(sign_in.NOTICE_KEY) as notice:
        if notice:
            st.toast(notice, icon=":material/info:", duration="long")
    if sign_in.may(permission):
        return True
    connect_button(label, permission, page="playlist")
    return False


def _do(name: str, what: Callable[[], Any]) -> None:
    """Do something with Spotify and keep what came of it, an error included, until the next."""
    mine = sign_in.connection()
    if mine is None:
        return
    try:
        mine.kept[f"said {name}"] = what()
    except SpotifyError as error:
        mine.kept[f"said {name}"] = error


def _said(name: str) -> Any:
    """Return what came of something; where it is an error, say so in a line."""
    mine = sign_in.connection()
    said = mine.kept.get(f"said {name}") if mine else None
    if isinstance(said, SpotifyError):
        st.markdown(f":material/info: {said.sentence}")
        return None
    return said


def _mark(playlist: Playlist) -> str:
    return mark_of([pick.track.id for pick in playlist.picks])


def _save(playlist: Playlist) -> SavedPlaylist:
    mine = sign_in.connection()
    saves = mine.saves if mine else Saves()
    return sign_in.attempt(lambda client: save(client, playlist, key="set", saves=saves))


def _find() -> None:
    mine = sign_in.connection()
    if mine is not None:
        for name in (DEVICES, "said played"):
            mine.kept.pop(name, None)
        mine.kept[DEVICES] = sign_in.attempt(playback.choices)


def _play(playlist: Playlist, device: Device) -> str:
    _on_devices(lambda client: playback.play(client, playlist, device.id))
    return f"Playing on {wording.escape_markdown(device.name)}."


def _queue(visitor: VisitorState) -> str:
    track = visitor.playing
    if track is None:
        return ""
    _on_devices(lambda client: playback.queue(client, track))
    return f"{wording.escape_markdown(track.title)} is up next."


def _on_devices(ask: Callable[[Any], None]) -> None:
    try:
        sign_in.attempt(ask)
    except NoActiveDevice:
        mine = sign_in.connection()
        if mine is not None:
            mine.kept.pop(DEVICES, None)  # what was found is gone
        raise
