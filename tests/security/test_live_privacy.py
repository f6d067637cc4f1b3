"""The live camera's connection: which addresses are offered, and where packets go."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import aioice
import pytest
from aioice import Candidate
from aioice.ice import get_host_addresses
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription, rtcicetransport
from aiortc.rtcicetransport import RTCIceGatherer

from ui._compat.webrtc import QuietConnection, needed, use_quiet_connections

INTERFACES = ["10.8.0.3", "192.168.1.5", "172.17.0.1", "172.18.0.1", "fd00::7", "2001:db8:1::5"]


def run(work: Coroutine[Any, Any, Any]) -> Any:
    # In a thread of its own: where the browser's tests have run, this one has a loop already.
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result(timeout=50)


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rtcicetransport, "Connection", rtcicetransport.Connection)
    use_quiet_connections()


# What is offered


def test_one_address_of_a_kind_is_offered() -> None:
    offered = needed(INTERFACES)
    assert len(offered) == 2
    assert set(offered) <= set(INTERFACES)
    assert needed([]) == []
    assert needed(["192.168.1.5"]) == ["192.168.1.5"]
    assert needed(["fd00::7"]) == ["fd00::7"]


@pytest.mark.parametrize("bound_to", ["192.168.1.5", "fd00::7"])
def test_where_the_server_listens_on_one_address_it_is_that_one(bound_to: str) -> None:
    assert needed(INTERFACES, bound_to=bound_to) == [bound_to]


@pytest.mark.parametrize("bound_to", [None, "127.0.0.1", "0.0.0.0", "::", "localhost"])
def test_otherwise_it_is_the_way_out(monkeypatch: pytest.MonkeyPatch, bound_to: str) -> None:
    ways_out = {socket.AF_INET: "172.17.0.1", socket.AF_INET6: "fe80::1"}
    monkeypatch.setattr("ui._compat.webrtc._source", lambda family, _: ways_out[family])
    assert needed(INTERFACES, bound_to=bound_to) == ["172.17.0.1", "fd00::7"]


def test_an_answer_names_no_other_interface(quiet: None, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = get_host_addresses(use_ipv4=True, use_ipv6=True)
    if not ours:
        pytest.skip("No interface but loopback")
    asked: list[list[str]] = []
    real = aioice.Connection.get_component_candidates

    async def record(self: Any, component: int, addresses: list[str], timeout: int = 5) -> Any:
        asked.append(addresses)
        return await real(self, component, addresses, timeout)

    monkeypatch.setattr("aioice.ice.get_host_addresses", lambda **_: [*ours, *INTERFACES])
    monkeypatch.setattr(aioice.Connection, "get_component_candidates", record)

    async def answer() -> str:
        visitor, server = RTCPeerConnection(), RTCPeerConnection(RTCConfiguration([]))
        visitor.addTransceiver("video")
        offer = await visitor.createOffer()
        await server.setRemoteDescription(RTCSessionDescription(offer.sdp, offer.type))
        await server.setLocalDescription(await server.createAnswer())
        said = server.localDescription.sdp
        await asyncio.gather(visitor.close(), server.close())
        return said

    said = run(answer())
    offered = {line.split()[4] for line in said.splitlines() if line.startswith("a=candidate")}
    assert offered
    assert offered <= set(ours)
    assert all(len(addresses) <= 2 for addresses in asked)


# Where packets go


class Bystander:
    """Somebody whom a visitor names."""

    def __init__(self, family: socket.AddressFamily = socket.AF_INET) -> None:
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.settimeout(0)
        self.port = self._socket.getsockname()[1]

    @property
    def packets(self) -> int:
        count = 0
        while True:
            try:
                self._socket.recv(2048)
            except (BlockingIOError, TimeoutError):
                return count
            count += 1

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def bystander() -> Any:
    somebody = Bystander()
    yield somebody
    somebody.close()


def named(port: int, kind: str = "host", host: str = "127.0.0.1") -> Candidate:
    return Candidate("1", 1, "udp", 2130706431, host, port, kind)


async def name_it(connection: aioice.Connection, *candidates: Candidate) -> None:
    """Be a visitor who names addresses and sends nothing."""
    connection._use_ipv6 = False
    await connection.gather_candidates()
    connection.remote_username, connection.remote_password = "user", "a password of some length"
    for candidate in candidates:
        await connection.add_remote_candidate(candidate)
    await connection.add_remote_candidate(None)
    trying = asyncio.create_task(connection.connect())
    await asyncio.sleep(1.0)
    await connection.close()
    await asyncio.gather(trying, return_exceptions=True)


@pytest.fixture
def on_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aioice.ice.get_host_addresses", lambda **_: ["127.0.0.1"])


@pytest.mark.parametrize("kind", ["host", "srflx", "prflx", "relay"])
def test_nothing_is_sent_to_whom_a_visitor_names(
    on_loopback: None, bystander: Bystander, kind: str
) -> None:
    run(name_it(QuietConnection(ice_controlling=False), named(bystander.port, kind)))
    assert bystander.packets == 0


def test_the_library_alone_would_have(on_loopback: None, bystander: Bystander) -> None:
    """So that the test above cannot pass for another reason."""
    run(name_it(aioice.Connection(ice_controlling=False), named(bystander.port)))
    assert bystander.packets > 0


def test_no_name_of_a_visitors_is_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    def look_up(*_: Any) -> None:
        raise AssertionError("looked up")

    monkeypatch.setattr("aioice.ice.get_or_create_mdns_protocol", look_up)

    async def attack() -> list[Candidate]:
        connection = QuietConnection(ice_controlling=False)
        for host in ("printer.local", "evil.example", "", "::1", "not an address"):
            await connection.add_remote_candidate(named(9, host=host))
            await connection.add_remote_candidate(named(9, "relay", host))
        return list(connection.remote_candidates)

    assert run(attack()) == []


def test_the_operators_own_relay_is_tried() -> None:
    async def attack() -> list[str]:
        connection = QuietConnection(ice_controlling=False, turn_server=("127.0.0.1", 3478))
        for host in ("127.0.0.1", "127.0.0.2", "203.0.113.9", "localhost"):
            await connection.add_remote_candidate(named(49160, "relay", host))
        await connection.add_remote_candidate(named(49161, "host"))
        return [candidate.host for candidate in connection.remote_candidates]

    assert run(attack()) == ["127.0.0.1"]


def test_aiortc_takes_the_quiet_connection(quiet: None) -> None:
    async def make() -> type:
        return type(RTCIceGatherer([])._connection)

    assert run(make()) is QuietConnection


def test_a_browser_gets_through(on_loopback: None) -> None:
    """It knows the server's address, and the server answers to where its packets come from."""

    async def meet() -> bytes:
        browser = aioice.Connection(ice_controlling=True, use_ipv6=False)
        server = QuietConnection(ice_controlling=False, use_ipv6=False)
        await asyncio.gather(browser.gather_candidates(), server.gather_candidates())
        for one, other in ((browser, server), (server, browser)):
            one.remote_username = other.local_username
            one.remote_password = other.local_password
            for candidate in other.local_candidates:
                await one.add_remote_candidate(candidate)
            await one.add_remote_candidate(None)
        assert server.remote_candidates == []
        await asyncio.gather(server.connect(), browser.connect())
        await browser.send(b"a frame")
        received = await server.recv()
        await server.send(b"another")
        received += await browser.recv()
        await asyncio.gather(browser.close(), server.close())
        return received

    assert run(meet()) == b"a frameanother"
