"""A server to attack, and a visitor who speaks with it as a browser does, or as none would."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPMessage
from pathlib import Path
from typing import Any

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.sync.client import ClientConnection, connect

ROOT = Path(__file__).parents[2]
WATCHED = Path(__file__).with_name("watched.py")


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def wait_for(what: Callable[[], Any], *, seconds: float = 60.0) -> Any:
    """Wait until something is so, and return it."""
    until = time.monotonic() + seconds
    while True:
        found = what()
        if found or time.monotonic() > until:
            return found
        time.sleep(0.05)


@dataclass(slots=True)
class Answer:
    """What came back over HTTP."""

    status: int
    headers: HTTPMessage
    body: bytes


@dataclass(slots=True)
class Served:
    """A running server."""

    port: int
    door: int
    folder: Path

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text(encoding="utf-8", errors="replace")

    def ask(
        self,
        path: str,
        *,
        method: str = "GET",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Ask over HTTP, with exactly these headers beside Host."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, dict(headers or {}))
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            connection.close()

    def held(self, marker: bytes = b"") -> dict[str, Any]:
        """Return what the server holds in memory, see `watched.held`."""
        with socket.create_connection(("127.0.0.1", self.door), timeout=60) as door:
            door.sendall(marker.hex().encode() + b"\n")
            said = b"".join(iter(lambda: door.recv(65536), b""))
        found: dict[str, Any] = json.loads(said)
        assert "problem" not in found, found
        return found


@contextmanager
def serve(folder: Path, **settings: str) -> Iterator[Served]:
    """Start the app's server, and end it."""
    served = Served(free_port(), free_port(), folder)
    environment = {
        "STREAMLIT_SERVER_PORT": str(served.port),
        "STREAMLIT_SERVER_HEADLESS": "true",
        "AFFECTUNE_DATABASE_URL": f"sqlite:///{folder}/diary.sqlite",
        "TMPDIR": str(folder / "tmp"),
        **settings,
    }
    (folder / "tmp").mkdir()
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, str(WATCHED), str(served.door), "run", "app.py"],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        assert wait_for(lambda: _answers(served, process)), served.log
        yield served
    finally:
        process.terminate()
        process.wait(timeout=30)


def _answers(served: Served, process: subprocess.Popen[bytes]) -> bool:
    assert process.poll() is None, served.log
    try:
        return served.ask("/_stcore/health").status == 200
    except OSError:
        return False


@dataclass(slots=True)
class Visitor:
    """A session over a WebSocket. Use `arrive`."""

    served: Served
    connection: ClientConnection
    cookie: str
    tab: ExitStack
    session: str = ""
    elements: list[Any] = field(default_factory=list)
    states: dict[str, WidgetState] = field(default_factory=dict)

    def run(self, page: str = "") -> list[Any]:
        """Run the page's script, and return the elements that it drew."""
        message = BackMsg()
        message.rerun_script.page_name = page
        message.rerun_script.widget_states.widgets.extend(self.states.values())
        self.connection.send(message.SerializeToString())
        self.elements = []
        while True:
            got = self._next()
            kind = got.WhichOneof("type")
            if kind == "new_session":
                self.session = got.new_session.initialize.session_id or self.session
                self.elements = []
            elif kind == "delta" and got.delta.WhichOneof("type") == "new_element":
                self.elements.append(got.delta.new_element)
            elif kind == "script_finished":
                if got.script_finished == ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                    continue
                if got.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY:
                    return self.elements

    def all_of(self, kind: str) -> list[Any]:
        """Return what was drawn of a kind: ``file_uploader``, ``imgs``, …"""
        return [
            getattr(element, kind)
            for element in self.elements
            if element.WhichOneof("type") == kind
        ]

    @property
    def text(self) -> str:
        return "\n".join(str(element) for element in self.elements)

    def upload(self, data: bytes, *, session: str = "", file: str = "") -> Answer:
        """Send a file without naming it in a message."""
        boundary = uuid.uuid4().hex
        head = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="f"; filename="me.jpg"\r\n'
            "Content-Type: image/jpeg\r\n\r\n"
        )
        return self.served.ask(
            f"/_stcore/upload_file/{session or self.session}/{file or uuid.uuid4()}",
            method="PUT",
            body=head.encode() + data + f"\r\n--{boundary}--\r\n".encode(),
            headers={
                "Content-Type": f"multipart/form-data; boundary={boundary}",
                "Cookie": f"_streamlit_xsrf={self.cookie}",
                "X-Xsrftoken": self.cookie,
                "Origin": f"http://{self.served.host}",
            },
        )

    def hand_in(self, data: bytes, *, page: str = "selfie") -> list[Any]:
        """Give a file to the uploader on the page, and return what the page draws then."""
        file = str(uuid.uuid4())
        assert self.upload(data, file=file).status == 204
        uploader = self.all_of("file_uploader")[-1]
        state = WidgetState(id=uploader.id)
        info = state.file_uploader_state_value.uploaded_file_info.add()
        info.file_id, info.name, info.size = file, "me.jpg", len(data)
        info.file_urls.file_id = file
        self.states = {uploader.id: state}
        return self.run(page)

    def leave(self) -> None:
        """Close the tab."""
        self.tab.close()

    def _next(self) -> ForwardMsg:
        message = ForwardMsg()
        data = self.connection.recv(timeout=60)
        assert isinstance(data, bytes)
        message.ParseFromString(data)
        return message


def arrive(
    served: Served,
    *,
    origin: str | None = "",
    headers: Mapping[str, str] | None = None,
    session: str = "",
) -> Visitor:
    """Open a session.

    Args:
        served: the server.
        origin: what the browser says of the page; by default what a page of the server's own says.
        headers: more of them.
        session: one to take up again.
    """
    health = served.ask("/_stcore/health")
    cookie = re.search(r"_streamlit_xsrf=([^;]+)", str(health.headers))
    token = cookie[1].strip('"') if cookie else ""
    tab = ExitStack()
    connection = tab.enter_context(_connect(served, origin, token, session, headers or {}))
    return Visitor(served, connection, token, tab)


def _connect(
    served: Served, origin: str | None, token: str, session: str, headers: Mapping[str, str]
) -> Any:
    return connect(
        f"ws://{served.host}/_stcore/stream",
        origin=(f"http://{served.host}" if origin == "" else origin),  # type: ignore[arg-type]
        additional_headers={"Cookie": f"_streamlit_xsrf={token}", **headers},
        subprotocols=["streamlit", token or "none", *([session] if session else [])],  # type: ignore[list-item]
        max_size=None,
        compression=None,
        proxy=None,
    )
