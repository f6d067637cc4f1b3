"""A server for a module's attacks, and a trap for what would ask the internet."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.security.served import Served, serve


class Trap:
    """Stands where a proxy to the internet would be, and counts who comes."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.asked: list[bytes] = []
        threading.Thread(target=self._listen, name="trap", daemon=True).start()

    def _listen(self) -> None:
        while True:
            try:
                came, _ = self._listener.accept()
            except OSError:
                return
            with came:
                came.settimeout(5)
                self.asked.append(came.recv(4096))

    def close(self) -> None:
        self._listener.close()

    @property
    def settings(self) -> dict[str, str]:
        names = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
        proxies = {name: self.address for both in names for name in (both, both.lower())}
        return {**proxies, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}


@pytest.fixture(scope="module")
def trap() -> Iterator[Trap]:
    trap = Trap()
    yield trap
    trap.close()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, trap: Trap) -> Iterator[Served]:
    """A server as it ships, but for the seconds in which a visitor may come back."""
    folder: Path = tmp_path_factory.mktemp("served")
    with serve(folder, STREAMLIT_SERVER_DISCONNECTED_SESSION_TTL="1", **trap.settings) as running:
        yield running
