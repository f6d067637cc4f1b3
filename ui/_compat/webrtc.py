"""Access to the private parts of streamlit-webrtc, aiortc and aioice.

Written against streamlit-webrtc 0.79, aiortc 1.16 and aioice 0.13.

aiortc and aioice reveal to a visitor the address of every interface of this machine, and send STUN
requests to every address that a visitor names. Both happen in `aioice.Connection`, which aiortc
looks up in its own module:
https://github.com/aiortc/aiortc/blob/1.16.0/src/aiortc/rtcicetransport.py and
https://github.com/aiortc/aioice/blob/0.13.0/src/aioice/ice.py.

`tests/security/test_live_privacy.py` and `tests/ui/_compat/test_webrtc.py` fail when one of these
parts is gone or behaves differently.
"""

from __future__ import annotations

import asyncio
import functools
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from ipaddress import ip_address
from typing import Any, Final

import streamlit as st
from aioice import Candidate, Connection
from aiortc import rtcicetransport
from streamlit_webrtc import component
from streamlit_webrtc.component import generate_frontend_component_key
from streamlit_webrtc.process import AsyncMediaProcessTrack
from streamlit_webrtc.webrtc import WebRtcWorker

_MARK: Final = "_affectune"

ELSEWHERE: Final = {4: (socket.AF_INET, "198.51.100.1"), 6: (socket.AF_INET6, "2001:db8::1")}
"""Addresses reserved for documentation, to query the routing table; nothing is sent there."""


class QuietConnection(Connection):
    """An ICE connection that reveals one address of this machine and probes none of a visitor's.

    It offers one candidate per address family: the address that the server listens on, or else that
    of the default route. The browser starts the checks, and answers go to where its packets come
    from. Remote candidates are ignored, except those of the operator's TURN server, without which
    two relays could not connect.
    """

    async def get_component_candidates(
        self, component: int, addresses: list[str], timeout: int = 5
    ) -> list[Candidate]:
        bound_to = st.get_option("server.address")
        return await super().get_component_candidates(
            component, needed(addresses, bound_to=bound_to), timeout
        )

    async def add_remote_candidate(self, remote_candidate: Candidate | None) -> None:
        # The end of candidates (None) is ignored as well: the page has its own timeout.
        if remote_candidate is not None and await self._is_our_relay(remote_candidate):
            await super().add_remote_candidate(remote_candidate)

    async def _is_our_relay(self, candidate: Candidate) -> bool:
        if candidate.type != "relay" or self.turn_server is None:
            return False
        try:
            named = ip_address(candidate.host)
            found = await asyncio.get_running_loop().getaddrinfo(
                self.turn_server[0], None, type=socket.SOCK_DGRAM
            )
        except (OSError, ValueError):
            return False
        return named in {ip_address(str(address[4][0]).partition("%")[0]) for address in found}


def needed(addresses: Sequence[str], *, bound_to: str | None = None) -> list[str]:
    """Return the addresses to offer as candidates, at most one per address family.

    Args:
        addresses: of all interfaces, without loopback.
        bound_to: the address that the server listens on.
    """
    if bound_to is not None and bound_to in addresses:
        return [bound_to]
    chosen = []
    for version, (family, elsewhere) in ELSEWHERE.items():
        ours = [address for address in addresses if ip_address(address).version == version]
        way_out = _source(family, elsewhere)
        # Without a default route (a laptop on a train) any address will do.
        chosen += [way_out] if way_out in ours else ours[:1]
    return chosen


def component_state_key(key: str) -> str:
    """Return the session-state key under which a `webrtc_streamer`'s frontend reports.

    https://github.com/whitphx/streamlit-webrtc/blob/v0.79.0/streamlit_webrtc/component.py
    """
    return str(generate_frontend_component_key(key))


def forget_rendered_runs(connection: Any) -> None:
    """Keep streamlit-webrtc from stopping because it was not drawn in some runs.

    It counts the runs that did not draw it, to notice that its page was left, and stops after two.
    But interrupted runs do not draw it either; the app itself notices when the page is left.

    https://github.com/whitphx/streamlit-webrtc/blob/v0.79.0/streamlit_webrtc/component.py
    (``WebRtcStreamerContext._last_rendered_run_count``).

    Args:
        connection: the context that `webrtc_streamer` keeps in the session, or ``None``.
    """
    if connection is not None:
        connection._last_rendered_run_count = None


def remember_offers() -> None:
    """Make the server's end of a connection remember which of the browser's offers it answers.

    It also makes `offers_ignored` work.

    https://github.com/whitphx/streamlit-webrtc/blob/v0.79.0/streamlit_webrtc/webrtc.py
    (``WebRtcWorker.process_offer``) and …/component.py (``_handle_worker_lifecycle``). Calling it
    again changes nothing.
    """
    answer = WebRtcWorker.process_offer
    reconcile = component._handle_worker_lifecycle
    if hasattr(answer, _MARK):
        return

    @functools.wraps(answer)
    def process_offer(worker: Any, sdp: str, *args: Any, **kwargs: Any) -> Any:
        worker._offer = sdp
        return answer(worker, sdp, *args, **kwargs)

    @functools.wraps(reconcile)
    def handle_worker_lifecycle(context: Any, key: str, offer: Any, **kwargs: Any) -> None:
        reconcile(context, key, None if _ignoring.get() else offer, **kwargs)

    setattr(process_offer, _MARK, True)
    # mypy does not accept the type that `functools.wraps` returns.
    WebRtcWorker.process_offer = process_offer  # type: ignore[method-assign, assignment]
    component._handle_worker_lifecycle = handle_worker_lifecycle  # type: ignore[assignment]


_ignoring: ContextVar[bool] = ContextVar("_ignoring", default=False)


@contextmanager
def offers_ignored(ignored: bool) -> Iterator[None]:
    """Let `webrtc_streamer` answer no offer inside the block, if ``ignored``.

    Before the browser has stopped as it is told to, it may still send the offer of a session that
    was lost, or one that it has replaced.
    """
    before = _ignoring.set(ignored)
    try:
        yield
    finally:
        _ignoring.reset(before)


def drop_outdated_answer(connection: Any, key: str) -> bool:
    """Close the server's end of a connection if the browser has made another offer since.

    If the browser's part of streamlit-webrtc is drawn again while it starts, it starts twice, and
    keeps the second connection. The server answers the first offer and ignores all later ones, so
    that no video comes until both have given up.

    Args:
        connection: the context that `webrtc_streamer` keeps in the session, or ``None``.
        key: its key.

    Returns:
        Whether the browser may have applied that answer to its newer connection. It then has to
        stop and start again.
    """
    worker = None if connection is None else connection._get_worker()
    offer = _offer(key)
    if worker is None or offer is None or offer == getattr(worker, "_offer", offer):
        return False
    sent = bool(connection._is_sdp_answer_sent)
    state = connection.state
    worker.update_video_callbacks(None, None, None)  # they belong to a capture that goes on
    component._reset_context(connection)
    connection._set_state(state)  # the browser's, which is still connecting
    return sent


def has_stopped(key: str) -> bool:
    """Return whether the browser's part of a `webrtc_streamer` neither plays nor connects."""
    value = st.session_state.get(component_state_key(key))
    return not (isinstance(value, dict) and value.get("playing")) and _offer(key) is None


def _offer(key: str) -> str | None:
    """Return the offer that the browser has made last, as SDP."""
    value = st.session_state.get(component_state_key(key))
    offer = value.get("sdpOffer") if isinstance(value, dict) else None
    sdp = offer.get("sdp") if isinstance(offer, dict) else None
    return sdp if isinstance(sdp, str) else None


def skip_repeated_frames() -> None:
    """Make streamlit-webrtc send a picture only when it is new, not with every frame.

    If frames arrive faster than they are read, it answers the others with the last picture, encoded
    again each time: on a busy server more than half of the encoder's work, which takes longer than
    drawing. Until the first picture it sends back what came in, not mirrored.

    https://github.com/whitphx/streamlit-webrtc/blob/v0.79.0/streamlit_webrtc/process.py
    (``AsyncMediaProcessTrack.recv``). Calling it again changes nothing.
    """
    receive = AsyncMediaProcessTrack.recv
    if hasattr(receive, _MARK):
        return

    @functools.wraps(receive)
    async def recv(track: Any) -> Any:
        while True:
            before = track._last_out_frame
            frame = await receive(track)  # type: ignore[no-untyped-call]
            if track._last_out_frame is not before:
                return frame

    setattr(recv, _MARK, True)
    AsyncMediaProcessTrack.recv = recv  # type: ignore[method-assign]


def use_quiet_connections() -> None:
    """Make every connection of aiortc a `QuietConnection`."""
    # Replaced where aiortc looks it up.
    rtcicetransport.Connection = QuietConnection  # type: ignore[attr-defined]


def _source(family: socket.AddressFamily, address: str) -> str | None:
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((address, 9))
            return str(probe.getsockname()[0])
    except OSError:
        return None
