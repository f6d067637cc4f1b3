"""What reaches into the private parts of streamlit-webrtc, aiortc and aioice. Nothing else does.

Written against streamlit-webrtc 0.79, aiortc 1.16 and aioice 0.13.

aiortc and aioice offer a visitor the address of every interface that this machine has, and send
STUN requests to every address that a visitor names. Both are decided in `aioice.Connection`, which
aiortc looks up in its own module:
https://github.com/aiortc/aiortc/blob/1.16.0/src/aiortc/rtcicetransport.py and
https://github.com/aiortc/aioice/blob/0.13.0/src/aioice/ice.py.

`tests/security/test_live_privacy.py` and `tests/ui/_compat/test_webrtc.py` fail when one of these
parts is gone or behaves otherwise.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from ipaddress import ip_address
from typing import Any, Final

import streamlit as st
from aioice import Candidate, Connection
from aiortc import rtcicetransport
from streamlit_webrtc.component import generate_frontend_component_key

ELSEWHERE: Final = {4: (socket.AF_INET, "198.51.100.1"), 6: (socket.AF_INET6, "2001:db8::1")}
"""Addresses of documentation, to ask the system's routing table with; nothing is sent there."""


class QuietConnection(Connection):
    """A connection that says of this machine, and does for a visitor, only what a picture needs.

    Offered is one address of a kind (IPv4, IPv6): the one that the server listens on, else the one
    that leads out. The visitor's browser begins: where its packets come from is where answers go.
    Addresses that a visitor *names* are not tried, except those of the TURN server that the
    operator has set, without which two relays would not find each other.
    """

    async def get_component_candidates(
        self, component: int, addresses: list[str], timeout: int = 5
    ) -> list[Candidate]:
        bound_to = st.get_option("server.address")
        return await super().get_component_candidates(
            component, needed(addresses, bound_to=bound_to), timeout
        )

    async def add_remote_candidate(self, remote_candidate: Candidate | None) -> None:
        # Nor their end: what is waited for are the browser's packets. The page gives up in time.
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
    """Return those of this machine's addresses that a visitor has to know, at most one of a kind.

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
        # Without a way out (a laptop on a train) the first is as good as any.
        chosen += [way_out] if way_out in ours else ours[:1]
    return chosen


def component_state_key(key: str) -> str:
    """Return the session-state key under which a `webrtc_streamer`'s browser part reports.

    https://github.com/whitphx/streamlit-webrtc/blob/v0.79.0/streamlit_webrtc/component.py
    """
    return str(generate_frontend_component_key(key))


def forget_rendered_runs(connection: Any) -> None:
    """Have streamlit-webrtc not hang up because it was not drawn in some runs.

    It counts the runs without it, to notice that its page was left, which the app knows better:
    runs that are interrupted on their way do not reach it either, and after two it would stop.

    https://github.com/whitphx/streamlit-webrtc/blob/v0.79.0/streamlit_webrtc/component.py
    (``WebRtcStreamerContext._last_rendered_run_count``).

    Args:
        connection: the context that `webrtc_streamer` keeps in the session, or ``None``.
    """
    if connection is not None:
        connection._last_rendered_run_count = None


def say_little() -> None:
    """Have all connections be quiet ones."""
    # The module imports the name for itself only; it is replaced where it is looked up.
    rtcicetransport.Connection = QuietConnection  # type: ignore[attr-defined]


def _source(family: socket.AddressFamily, address: str) -> str | None:
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((address, 9))
            return str(probe.getsockname()[0])
    except OSError:
        return None
