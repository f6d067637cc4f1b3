"""The app as a service on this machine: processes, the balancer of `deploy/`, a relay for video.

Both are started with the files that a deployment uses. Only ports and addresses are changed, and
relays on the loopback interface may reach one another.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

ROOT = Path(__file__).parents[2]
HERE = "127.0.0.1"
RELAYS = 48
"""Ports of the relay: two for each live camera."""
START_SECONDS = 180.0
"""The longest that a process may take to answer, on a busy machine."""


def find(program: str) -> str | None:
    """Return the path of a program, which Debian may keep off the path of an ordinary user."""
    return shutil.which(program) or shutil.which(program, path="/usr/sbin")


def free_port() -> int:
    """Return a TCP port on which nothing listens."""
    with socket.socket() as free:
        free.bind((HERE, 0))
        return int(free.getsockname()[1])


class AppProcess:
    """One of the processes, to be ended and begun again at the same address.

    Args:
        settings: environment variables beside those of this process.
    """

    def __init__(self, **settings: str) -> None:
        self.port = free_port()
        self.address = f"http://{HERE}:{self.port}"
        self._settings = {
            "STREAMLIT_SERVER_PORT": str(self.port),
            "STREAMLIT_SERVER_HEADLESS": "true",
            **settings,
        }
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def id(self) -> int:
        """The number by which the system knows it."""
        assert self._process is not None
        return self._process.pid

    @property
    def runs(self) -> bool:
        """Whether it has been begun and has not ended."""
        return self._process is not None and self._process.poll() is None

    def begin(self) -> None:
        """Start it; it answers somewhat later."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", "app.py"],
            cwd=ROOT,
            env={**os.environ, **self._settings},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def wait(self) -> None:
        """Wait until it answers."""
        wait_until_it_answers(f"{self.address}/_stcore/health", self._process)

    def kill(self) -> None:
        """End it at once, as the system does where memory runs out."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(timeout=30)

    def health(self) -> dict[str, Any]:
        """Return what ``/healthz`` says, which is answered on this machine alone."""
        with urlopen(f"{self.address}/healthz", timeout=30) as answer:
            found: dict[str, Any] = json.load(answer)
        return found


@dataclass(frozen=True, slots=True)
class Service:
    """A service that runs.

    Attributes:
        address: of the balancer: what visitors use.
        processes: the processes behind it.
        balancer: the balancer's process id.
        relay: the relay, if there is one.
    """

    address: str
    processes: list[AppProcess]
    balancer: int
    relay: Relay | None


@dataclass(frozen=True, slots=True)
class Relay:
    """A TURN relay that runs.

    Attributes:
        ice_servers: what leads to it.
        id: its process id.
    """

    ice_servers: list[dict[str, Any]]
    id: int


@contextmanager
def serve(
    folder: Path, *, processes: int = 2, relay: bool = False, **settings: str
) -> Iterator[Service]:
    """Start the app as a service, and end it.

    Args:
        folder: for files of its own.
        processes: how many.
        relay: whether live video may go through a relay.
        settings: environment variables of the processes.
    """
    with ExitStack() as stack:
        running_relay = stack.enter_context(relaying(folder)) if relay else None
        turn = running_relay.ice_servers if running_relay else []
        started = []
        for _ in range(processes):
            process = AppProcess(
                AFFECTUNE_ICE_SERVERS=json.dumps(turn),
                AFFECTUNE_PROCESSES=str(processes),
                **settings,
            )
            started.append(process)
            stack.callback(process.kill)
            process.begin()
        for process in started:
            process.wait()
        ports = [process.port for process in started]
        address, balancer = stack.enter_context(balancing(folder, ports))
        yield Service(address, started, balancer, running_relay)


@contextmanager
def balancing(folder: Path, ports: Sequence[int]) -> Iterator[tuple[str, int]]:
    """Start HAProxy with `deploy/haproxy.cfg` in front of some ports.

    Yields:
        Its address and its process id.
    """
    haproxy = find("haproxy")
    assert haproxy is not None, "HAProxy is not installed"
    own = free_port()
    configuration = folder / "haproxy.cfg"
    configuration.write_text(balancer_file(own, ports), encoding="utf-8")
    environment = {k: v for k, v in os.environ.items() if k != "AFFECTUNE_CONTAINERS"}
    with running([haproxy, "-db", "-f", str(configuration)], folder, environment) as process:
        wait_until_it_answers(f"http://{HERE}:{own}/_stcore/health", process)
        yield f"http://{HERE}:{own}", process.pid


def balancer_file(own: int, ports: Sequence[int]) -> str:
    """Return `deploy/haproxy.cfg` for a balancer at one port, and processes at others."""
    text = (ROOT / "deploy/haproxy.cfg").read_text(encoding="utf-8")
    text, binds = re.subn(r"bind 127\.0\.0\.1:8501$", f"bind {HERE}:{own}", text, flags=re.M)
    servers = "".join(f"  server app{n} {HERE}:{port}\n" for n, port in enumerate(ports, 1))
    text, lists = re.subn(r"(?:^  server app\d+ 127\.0\.0\.1:85\d\d\n)+", servers, text, flags=re.M)
    # Whoever runs tests may not become another user.
    text, users = re.subn(r"^  (?:user|group) haproxy\n", "", text, flags=re.M)
    assert (binds, lists, users) == (1, 1, 2), "deploy/haproxy.cfg has other lines now"
    return text


@contextmanager
def relaying(folder: Path) -> Iterator[Relay]:
    """Start coturn with `deploy/turnserver.conf`."""
    turnserver = find("turnserver")
    assert turnserver is not None, "coturn is not installed"
    port = free_port()
    configuration = folder / "turnserver.conf"
    configuration.write_text(relay_file(port), encoding="utf-8")
    command = [
        turnserver,
        "-c",
        str(configuration),
        "--log-file=stdout",
        f"--pidfile={folder}/turn.pid",
    ]
    with running([*command, f"--userdb={folder}/turn.sqlite"], folder) as process:
        deadline = time.monotonic() + START_SECONDS
        while True:
            assert process.poll() is None, f"coturn ended with exit status {process.returncode}"
            assert time.monotonic() < deadline, "coturn does not answer"
            try:
                socket.create_connection((HERE, port), timeout=5).close()
                break
            except OSError:
                time.sleep(0.1)
        name, _, password = _account(configuration.read_text(encoding="utf-8")).partition(":")
        server = {
            "urls": [f"turn:{HERE}:{port}", f"turn:{HERE}:{port}?transport=tcp"],
            "username": name,
            "credential": password,
        }
        yield Relay([server], process.pid)


def relay_file(port: int) -> str:
    """Return `deploy/turnserver.conf` for a relay that is reached on this machine alone.

    Its own address is the one that it relays to: that of the other side's relay. All others stay
    denied as they are.
    """
    text = (ROOT / "deploy/turnserver.conf").read_text(encoding="utf-8")
    # A range of its own: another test may run a relay as well.
    first = 20_000 + (os.getpid() * RELAYS) % 10_000
    changed = {
        "listening-port": str(port),
        "external-ip": HERE,
        "min-port": str(first),
        "max-port": str(first + RELAYS - 1),
    }
    for name, value in changed.items():
        text, count = re.subn(rf"^{name}=.*$", f"{name}={value}", text, flags=re.M)
        assert count == 1, f"deploy/turnserver.conf has {count} lines for {name}"
    own = (
        f"listening-ip={HERE}",
        f"relay-ip={HERE}",
        "allow-loopback-peers",
        f"allowed-peer-ip={HERE}",
    )
    return text + "\n".join([*own, "no-tls", "no-dtls", ""])


def _account(text: str) -> str:
    found = re.search(r"^user=(\S+)$", text, re.M)
    assert found
    return found[1]


@contextmanager
def running(
    command: Sequence[str], folder: Path, environment: dict[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program, whose output goes to a file in the folder, and end it."""
    log = folder / f"{Path(command[0]).name}.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=out, stderr=subprocess.STDOUT
        )
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:  # the balancer waits for connections to close
                process.kill()
                process.wait(timeout=10)


def wait_until_it_answers(address: str, process: subprocess.Popen[bytes] | None) -> None:
    """Wait until an address answers with success.

    Raises:
        AssertionError: the process ended, or it does not answer.
    """
    assert process is not None, "it was not begun"
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise AssertionError(f"The server ended with exit status {process.returncode}")
        try:
            with urlopen(address, timeout=5):
                return
        except (URLError, OSError):
            time.sleep(0.1)
    raise AssertionError("The server did not answer in time")
