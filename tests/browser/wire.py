"""What a browser and the server say to each other, without the browser: for races that have to
happen and not just may."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import ClientConnection, connect


class Wire:
    """A visitor who sends and receives Streamlit's messages. Use `visitor` to get one."""

    def __init__(self, socket: ClientConnection, server: str) -> None:
        self._socket = socket
        self._server = server
        self.pages: dict[str, str] = {}
        self.news: list[ForwardMsg] = []

    def ask(
        self,
        page: str,
        *,
        at: str | None = None,
        fragment: str = "",
        states: dict[str, str] | None = None,
        presses: tuple[str, ...] = (),
    ) -> None:
        """Ask for a run.

        Args:
            page: the path of the page to run, ``""`` for the first.
            at: the path in the address bar, by default the same.
            fragment: the id of the fragment to run instead of all.
            states: widget id → JSON.
            presses: ids of buttons.
        """
        message = BackMsg()
        run = message.rerun_script
        run.page_script_hash = self.pages.get(page, "")
        run.page_name = "" if page in self.pages else page
        run.fragment_id, run.is_auto_rerun = fragment, bool(fragment)
        run.context_info.url = f"{self._server}/{page if at is None else at}"
        for key, value in (states or {}).items():
            run.widget_states.widgets.add(id=key, json_value=value)
        for key in presses:
            run.widget_states.widgets.add(id=key, trigger_value=True)
        self._socket.send(message.SerializeToString())

    def listen(self, quiet: float = 1.0) -> list[ForwardMsg]:
        """Return what has come since the last time, once no more has for some seconds."""
        heard: list[ForwardMsg] = []
        while True:
            try:
                data = self._socket.recv(timeout=quiet)
            except TimeoutError:
                self.news += heard
                return heard
            message = ForwardMsg()
            message.ParseFromString(data if isinstance(data, bytes) else data.encode())
            if message.WhichOneof("type") == "navigation":
                self.pages = {
                    page.url_pathname: page.page_script_hash
                    for page in message.navigation.app_pages
                }
            heard.append(message)

    def listen_for(self, what: Callable[[ForwardMsg], Any]) -> Any:
        """Wait for a message, and return what was found in it."""
        end = time.monotonic() + 60
        while time.monotonic() < end:
            for message in self.listen(0.3):
                if found := what(message):
                    return found
        raise AssertionError("It did not come within a minute")


@contextmanager
def visitor(server: str) -> Iterator[Wire]:
    """Connect as a browser does that has the page open at `server`."""
    address = f"ws://{urlsplit(server).netloc}/_stcore/stream"
    with connect(
        address,
        origin=server,
        subprotocols=["streamlit"],
        max_size=None,  # type: ignore[arg-type, list-item]
    ) as socket:
        yield Wire(socket, server)


@contextmanager
def far_away(server: str, seconds: float) -> Iterator[str]:
    """Yield an address at which the server is, too, but its answers take some time."""
    port = urlsplit(server).port
    ready = threading.Event()
    found: list[Any] = []

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_server, to_server = await asyncio.open_connection("127.0.0.1", port)
        late: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

        async def questions() -> None:
            while data := await reader.read(65536):
                to_server.write(data)
            to_server.close()

        async def answers() -> None:
            while data := await from_server.read(65536):
                late.put_nowait((time.monotonic() + seconds, data))
            late.put_nowait((time.monotonic() + seconds, b""))

        async def deliver() -> None:
            while True:
                due, data = await late.get()
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                if not data:
                    break
                writer.write(data)
            writer.close()

        try:
            with suppress(asyncio.CancelledError):  # the end of the test
                await asyncio.gather(questions(), answers(), deliver(), return_exceptions=True)
        finally:
            for side in (writer, to_server):
                side.close()
                with suppress(OSError):
                    await side.wait_closed()

    async def serve() -> None:
        listening = await asyncio.start_server(forward, "127.0.0.1", 0)
        over = asyncio.Event()
        found.extend([listening.sockets[0].getsockname()[1], asyncio.get_running_loop(), over])
        ready.set()
        await over.wait()
        listening.close()
        await listening.wait_closed()

    thread = threading.Thread(target=asyncio.run, args=(serve(),), daemon=True)
    thread.start()
    ready.wait(30)
    try:
        yield f"http://127.0.0.1:{found[0]}"
    finally:
        found[1].call_soon_threadsafe(found[2].set)
        thread.join(30)
