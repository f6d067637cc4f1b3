"""What reaches into Streamlit's own parts. Nothing else of ours does.

Written against Streamlit 1.67, where `requirements-app.txt` holds it: these parts may move in any
later version. `tests/security/test_compat.py` fails when one of them is gone or behaves otherwise.
The sources are at https://github.com/streamlit/streamlit/tree/1.67.0/lib/streamlit, in

- ``web/server/starlette/starlette_app.py``: `App` makes its runtime with keepers of its own choice
- ``runtime/memory_uploaded_file_manager.py``: keeps every upload until its session is shut down
- ``runtime/memory_session_storage.py``: forgets a session that is gone, but only when another one
  is looked for, and never shuts it down, so that its uploads and media stay
- ``runtime/runtime.py``: its loop keeps a name for the session that it sent something to last
- ``runtime/scriptrunner/script_runner.py``: leaves the names of the latest script in ``__main__``
- ``net_util.py``: asks a service on the internet for this machine's address
"""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any, Final

import streamlit as st
from streamlit import cli_util, config, net_util
from streamlit.runtime import Runtime, RuntimeConfig
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.fragment import MemoryFragmentStorage
from streamlit.runtime.memory_media_file_storage import MemoryMediaFileStorage
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.session_manager import SessionInfo, SessionStorage
from streamlit.runtime.state import SessionState
from streamlit.runtime.uploaded_file_manager import UploadedFileRec
from streamlit.starlette import App
from streamlit.typing import UploadedFile
from streamlit.web.cache_storage_manager_config import create_default_cache_storage_manager
from streamlit.web.server import server_util
from streamlit.web.server.starlette.starlette_routes import (
    BASE_ROUTE_MEDIA,
    BASE_ROUTE_UPLOAD_FILE,
)

VERSION: Final = "1.67"
"""What this was written against."""

BYTES_PER_SESSION: Final = 40 * 1024 * 1024
"""What one visitor's uploads may take at any time: two of the largest."""
FILES_PER_SESSION: Final = 8
UNREAD_SECONDS: Final = 300.0
"""An upload that no page has read after this long is dropped; pages read one at once."""
SESSIONS_KEPT: Final = 128
"""Visitors whose connection is gone and who may still come back."""

_log = logging.getLogger(__name__)


class Uploads(MemoryUploadedFileManager):
    """Uploads between browser and page: few bytes a visitor, and none for long.

    Args:
        endpoint: the path that files are sent to.
        clock: seconds that never go back.
    """

    def __init__(self, endpoint: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(endpoint)
        self._clock = clock
        self._order: dict[str, dict[str, float]] = {}
        """Session → file → when it came, the oldest first."""
        self._turn = threading.Lock()

    def add_file(self, session_id: str, file: UploadedFileRec) -> None:
        """Keep a file; what the visitor sent before goes where there would be too much."""
        with self._turn:
            super().add_file(session_id, file)
            times = self._order.setdefault(session_id, {})
            times.pop(file.file_id, None)
            times[file.file_id] = self._clock()
            while len(times) > 1 and (
                len(times) > FILES_PER_SESSION or self.bytes_of(session_id) > BYTES_PER_SESSION
            ):
                self._drop(session_id, next(iter(times)))

    def remove_file(self, session_id: str, file_id: str) -> None:
        with self._turn:
            self._drop(session_id, file_id)

    def remove_session_files(self, session_id: str) -> None:
        with self._turn:
            super().remove_session_files(session_id)
            self._order.pop(session_id, None)

    def bytes_of(self, session_id: str) -> int:
        """Return how many bytes are kept for a session."""
        files = self.file_storage.get(session_id, {})
        return sum(len(file.data) for file in list(files.values()))

    def sweep(self, exists: Callable[[str], bool]) -> None:
        """Drop uploads that no page read, and those that arrived after its session had ended.

        Args:
            exists: whether there is a session of this name.
        """
        latest = self._clock() - UNREAD_SECONDS
        for session_id in list(self.file_storage):
            if not exists(session_id):
                self.remove_session_files(session_id)
                continue
            for file_id, came in list(self._order.get(session_id, {}).items()):
                if came <= latest:
                    self.remove_file(session_id, file_id)

    def _drop(self, session_id: str, file_id: str) -> None:
        super().remove_file(session_id, file_id)
        times = self._order.get(session_id, {})
        times.pop(file_id, None)
        if not times:
            self._order.pop(session_id, None)
            super().remove_session_files(session_id)  # Streamlit would keep an empty drawer


class Sessions(SessionStorage):
    """Visitors whose connection is gone, until they come back or their time is over.

    Args:
        seconds: how long they are waited for.
        clock: seconds that never go back.
    """

    def __init__(self, seconds: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._kept: dict[str, tuple[float, SessionInfo]] = {}
        self._turn = threading.Lock()

    def get(self, session_id: str) -> SessionInfo | None:
        found = self._kept.get(session_id)
        return found[1] if found else None

    def save(self, session_info: SessionInfo) -> None:
        with self._turn:
            self._kept.pop(session_info.session.id, None)
            self._kept[session_info.session.id] = self._clock(), session_info

    def delete(self, session_id: str) -> None:
        with self._turn:
            self._kept.pop(session_id, None)

    def list(self) -> list[SessionInfo]:
        return [info for _, info in list(self._kept.values())]

    def over(self) -> Sequence[str]:
        """Return those whose time is over, and the oldest where there are too many."""
        now = self._clock()
        with self._turn:
            names = list(self._kept)
            old = {name for name, (left, _) in self._kept.items() if now - left >= self._seconds}
        return [*old.union(names[: max(0, len(names) - SESSIONS_KEPT)])]


def keep_little(app: App) -> None:
    """Have a server keep uploads and sessions as this module does. Before it is started."""

    def create_runtime() -> Runtime:
        return Runtime(
            RuntimeConfig(
                script_path=str(app._resolve_script_path()),
                media_file_storage=MemoryMediaFileStorage(f"/{BASE_ROUTE_MEDIA}"),
                uploaded_file_manager=Uploads(f"/{BASE_ROUTE_UPLOAD_FILE}"),
                session_storage=Sessions(config.get_option("server.disconnectedSessionTTL")),
                cache_storage_manager=create_default_cache_storage_manager(),
                is_hello=False,
            )
        )

    app._create_runtime = create_runtime  # type: ignore[method-assign]


def sweep() -> int:
    """Shut down the sessions whose time is over, with all that they held, and drop lost uploads.

    Runs on the server's event loop, as everything that ends a session has to.

    Returns:
        How many sessions that were. What they held goes with Python's next collection.
    """
    here = Runtime.instance()
    manager: Any = here._session_mgr
    sessions, uploads = manager._session_storage, here.uploaded_file_mgr
    assert isinstance(uploads, Uploads), "`keep_little` was not called for this server"
    over = sessions.over()
    for session_id in over:
        try:
            info = sessions.get(session_id)
            # Uploads and media go, and what watches for it (a live stream) ends itself.
            here.close_session(session_id)
            if info is not None:
                _empty(info.session)
        except Exception:
            _log.exception("A session could not be closed")
            sessions.delete(session_id)
    if over:
        here.media_file_mgr.remove_orphaned_files()  # downloads go the second time they are asked
        _forget_last_script()
    uploads.sweep(lambda session_id: manager.get_session_info(session_id) is not None)
    return len(over)


def _empty(session: AppSession) -> None:
    """Take its state out of a session that was closed: the server's loop still has a name for it.

    A script of its that has not ended yet has the state itself, and ends at its next call.
    """
    session._session_state = SessionState()
    session._fragment_storage = MemoryFragmentStorage()
    session.flush_browser_queue()


def _forget_last_script() -> None:
    """Let go of the names that the latest script to run has made, its visitor's photo among them.

    Streamlit runs every script as a module of its own that it calls ``__main__``, and leaves the
    latest one there until another takes its place. One that still runs has its names itself.
    """
    latest, empty = sys.modules["__main__"], ModuleType("__main__")
    empty.__file__ = getattr(latest, "__file__", None)
    sys.modules["__main__"] = empty


def forget_upload(file: UploadedFile) -> None:
    """Drop the bytes of an upload that was read. Called by a page for a file of its visitor's."""
    context = get_script_run_ctx()
    if context is not None and isinstance(context.uploaded_file_mgr, MemoryUploadedFileManager):
        context.uploaded_file_mgr.remove_file(context.session_id, file.file_id)
    file.close()  # the uploader's own state holds on to it until another takes its place


def never_ask_for_this_address() -> None:
    """Have Streamlit never ask anybody on the internet which address this machine has.

    It does so for a banner, and, inside its event loop, for an Origin that it does not know.
    """
    net_util.get_external_ip = lambda: None


def open_browser() -> None:
    """Open the page for whoever started the server, as ``streamlit run`` does for a script."""
    if st.get_option("server.headless"):
        return
    address = st.get_option("server.address")
    if config.is_manually_set("browser.serverAddress"):
        address = st.get_option("browser.serverAddress")
    cli_util.open_browser(
        server_util.get_url(server_util.get_display_address(address or "localhost"))
    )
