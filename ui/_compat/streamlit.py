"""Access to Streamlit's private parts, for what the server keeps of its visitors.

Written against Streamlit 1.67, to which `requirements-app.txt` pins it: these parts may change in
any version. `tests/security/test_compat.py` fails when one of them is gone or behaves differently.
The sources are at https://github.com/streamlit/streamlit/tree/1.67.0/lib/streamlit, in

- ``web/server/starlette/starlette_app.py``: `App` creates its runtime with its own storages
- ``runtime/memory_uploaded_file_manager.py``: keeps an upload until its session is shut down
- ``runtime/memory_session_storage.py``: drops an expired session only when another one is looked
  up, and never shuts it down, so that its uploads and media remain
- ``runtime/runtime.py``: its loop keeps a reference to the session that it served last
- ``runtime/scriptrunner/script_runner.py``: leaves the globals of the latest script in ``__main__``
- ``net_util.py``: asks a public service for this machine's address
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
"""The Streamlit version that this was written against."""

BYTES_PER_SESSION: Final = 40 * 1024 * 1024
"""Memory for the uploads of one session: two files of the largest size."""
FILES_PER_SESSION: Final = 8
UNREAD_SECONDS: Final = 300.0
"""An upload that no page has read after this time is dropped."""
SESSIONS_KEPT: Final = 128
"""Disconnected sessions that are kept for visitors who may come back."""

_log = logging.getLogger(__name__)


class Uploads(MemoryUploadedFileManager):
    """Storage for uploads until a page has read them, limited in size and time.

    Args:
        endpoint: the path that files are sent to.
        clock: a monotonic clock, in seconds.
    """

    def __init__(self, endpoint: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(endpoint)
        self._clock = clock
        self._order: dict[str, dict[str, float]] = {}
        """Session → file → time of arrival, oldest first."""
        self._own_lock = threading.Lock()

    def add_file(self, session_id: str, file: UploadedFileRec) -> None:
        """Keep a file; the session's older files are dropped where the limits are exceeded."""
        with self._own_lock:
            super().add_file(session_id, file)
            times = self._order.setdefault(session_id, {})
            times.pop(file.file_id, None)
            times[file.file_id] = self._clock()
            while len(times) > 1 and (
                len(times) > FILES_PER_SESSION or self.bytes_of(session_id) > BYTES_PER_SESSION
            ):
                self._drop(session_id, next(iter(times)))

    def remove_file(self, session_id: str, file_id: str) -> None:
        with self._own_lock:
            self._drop(session_id, file_id)

    def remove_session_files(self, session_id: str) -> None:
        with self._own_lock:
            super().remove_session_files(session_id)
            self._order.pop(session_id, None)

    def bytes_of(self, session_id: str) -> int:
        """Return the total size of a session's uploads."""
        files = self.file_storage.get(session_id, {})
        return sum(len(file.data) for file in list(files.values()))

    def sweep(self, exists: Callable[[str], bool]) -> None:
        """Drop uploads that no page read, and those that arrived after its session had ended.

        Args:
            exists: whether there is a session with this id.
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
            super().remove_session_files(session_id)  # Streamlit would keep an empty entry


class Sessions(SessionStorage):
    """Storage for disconnected sessions until they reconnect or expire.

    Args:
        seconds: how long a session is kept.
        clock: a monotonic clock, in seconds.
    """

    def __init__(self, seconds: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._kept: dict[str, tuple[float, SessionInfo]] = {}
        self._own_lock = threading.Lock()

    def get(self, session_id: str) -> SessionInfo | None:
        found = self._kept.get(session_id)
        return found[1] if found else None

    def save(self, session_info: SessionInfo) -> None:
        with self._own_lock:
            self._kept.pop(session_info.session.id, None)
            self._kept[session_info.session.id] = self._clock(), session_info

    def delete(self, session_id: str) -> None:
        with self._own_lock:
            self._kept.pop(session_id, None)

    def list(self) -> list[SessionInfo]:
        return [info for _, info in list(self._kept.values())]

    def expired(self) -> Sequence[str]:
        """Return the ids of expired sessions, and of the oldest where there are too many."""
        now = self._clock()
        with self._own_lock:
            names = list(self._kept)
            old = {name for name, (left, _) in self._kept.items() if now - left >= self._seconds}
        return [*old.union(names[: max(0, len(names) - SESSIONS_KEPT)])]


def keep_little(app: App) -> None:
    """Make a server use `Uploads` and `Sessions`, before it is started."""

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
    """Shut down expired sessions and drop uploads that will not be read.

    Has to run on the server's event loop.

    Returns:
        How many sessions were shut down. Their memory is freed by the next garbage collection.
    """
    here = Runtime.instance()
    manager: Any = here._session_mgr
    sessions, uploads = manager._session_storage, here.uploaded_file_mgr
    assert isinstance(uploads, Uploads), "`keep_little` was not called for this server"
    expired = sessions.expired()
    for session_id in expired:
        try:
            info = sessions.get(session_id)
            # Removes uploads and media; live streams notice and end.
            here.close_session(session_id)
            if info is not None:
                _empty(info.session)
        except Exception:
            _log.exception("A session could not be closed")
            sessions.delete(session_id)
    if expired:
        here.media_file_mgr.remove_orphaned_files()  # removes downloads at the second call
        _forget_last_script()
    uploads.sweep(lambda session_id: manager.get_session_info(session_id) is not None)
    return len(expired)


def visitors() -> int:
    """Return how many pages are open; 0 before the server has started."""
    return Runtime.instance()._session_mgr.num_active_sessions() if Runtime.exists() else 0


def _empty(session: AppSession) -> None:
    """Drop the state of a closed session, to which the server's loop still holds a reference.

    A script that is still running holds the state itself, and ends at its next Streamlit call.
    """
    session._session_state = SessionState()
    session._fragment_storage = MemoryFragmentStorage()
    session.flush_browser_queue()


def _forget_last_script() -> None:
    """Drop the globals of the script that ran last, among which may be its visitor's photo.

    Streamlit runs every script in a new module, which it installs as ``__main__`` and leaves there
    until the next run. A script that is still running holds its module itself.
    """
    latest, empty = sys.modules["__main__"], ModuleType("__main__")
    empty.__file__ = getattr(latest, "__file__", None)
    sys.modules["__main__"] = empty


def forget_upload(file: UploadedFile) -> None:
    """Drop the bytes of an upload of the current session, once it has been read."""
    context = get_script_run_ctx()
    if context is not None and isinstance(context.uploaded_file_mgr, MemoryUploadedFileManager):
        context.uploaded_file_mgr.remove_file(context.session_id, file.file_id)
    file.close()  # the uploader's state refers to it until the next upload


def never_ask_for_this_address() -> None:
    """Keep Streamlit from asking a public service for this machine's address.

    It does so for its start-up banner and, in its event loop, for an unknown Origin.
    """
    net_util.get_external_ip = lambda: None


def open_browser() -> None:
    """Open the page in a browser, as ``streamlit run`` does for a script."""
    if st.get_option("server.headless"):
        return
    address = st.get_option("server.address")
    if config.is_manually_set("browser.serverAddress"):
        address = st.get_option("browser.serverAddress")
    cli_util.open_browser(
        server_util.get_url(server_util.get_display_address(address or "localhost"))
    )
