"""What Spotify adds to a page: buttons to connect, to save a set, to play it on a device.

Without keys nothing is drawn. Spotify is asked only once a button is pressed, because the contents
of a popover run with every run of the page.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import streamlit as st

from recommender.spotify import Device, NoActiveDevice, SpotifyError, playback
from recommender.spotify.playlists import SavedPlaylist, Saves, mark_of, save
from recommender.types import Playlist
from ui import wording
from ui.navigation import one_time_notice
from ui.spotify import sign_in
from ui.state import VisitorState

DEVICES: Final = "devices"


def connect_button(label: str, *permissions: str, page: str, primary: bool = False) -> None:
    """Draw the button that sends the visitor to Spotify for permission, or say why not."""
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
    """Offer to save a playlist to the visitor's account, and confirm when it is saved."""
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
        # Not the value of this run: the button may be pressed before a run for a newly chosen
        # device gets this far.
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
    """Return whether the visitor has allowed this; if not, draw a button to do so."""
    with one_time_notice(sign_in.NOTICE_KEY) as notice:
        if notice:
            st.toast(notice, icon=":material/info:", duration="long")
    if sign_in.may(permission):
        return True
    connect_button(label, permission, page="playlist")
    return False


def _do(name: str, what: Callable[[], Any]) -> None:
    """Do something with Spotify and keep its result, or its error, until the next time."""
    mine = sign_in.connection()
    if mine is None:
        return
    try:
        mine.kept[f"said {name}"] = what()
    except SpotifyError as error:
        mine.kept[f"said {name}"] = error


def _said(name: str) -> Any:
    """Return the result kept under a name; show an error as a line."""
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
            mine.kept.pop(DEVICES, None)  # the devices found are gone
        raise
