"""The app's server, with a door for tests: what it holds in memory can be asked for.

Started as a program: ``python watched.py PORT run app.py``, where PORT is the door's.
"""

from __future__ import annotations

import gc
import io
import json
import sys
import threading
from socketserver import StreamRequestHandler, ThreadingTCPServer
from typing import Any

from streamlit.runtime import Runtime
from streamlit.web import cli


def held(marker: bytes) -> dict[str, Any]:
    """Return what the server holds just now.

    Args:
        marker: bytes to look for in every live object.
    """
    gc.collect()
    here: Any = Runtime.instance()
    manager, uploads = here._session_mgr, here.uploaded_file_mgr
    everything = gc.get_objects()
    seen: set[int] = set()
    found = 0
    for one in everything:
        for part in (one, *gc.get_referents(one)):
            if id(part) in seen:
                continue
            seen.add(id(part))
            if isinstance(part, io.BytesIO) and not part.closed:
                part = part.getvalue()
            if isinstance(part, (bytes, bytearray)) and len(part) >= len(marker) > 0:
                found += marker in part
    return {
        "sessions": len(manager.list_sessions()),
        "active": len(manager.list_active_sessions()),
        "uploads": sum(
            len(f.data) for files in uploads.file_storage.values() for f in files.values()
        ),
        "files": sum(len(files) for files in uploads.file_storage.values()),
        "drawers": len(uploads.file_storage),
        "media": list(here.media_file_mgr._storage._files_by_id),
        "media_of": len(here.media_file_mgr._files_by_session_and_coord),
        "visits": sum(type(one).__name__ == "Visit" for one in everything),
        "photos": sum(type(one).__name__ == "Photo" for one in everything),
        "workers": sum(type(one).__name__ == "WebRtcWorker" for one in everything),
        "found": found,
        "threads": sorted(thread.name for thread in threading.enumerate()),
    }


class Door(StreamRequestHandler):
    def handle(self) -> None:
        marker = bytes.fromhex(self.rfile.readline().decode().strip())
        try:
            answer = held(marker)
        except Exception as error:
            answer = {"problem": repr(error)}
        self.wfile.write(json.dumps(answer).encode())


if __name__ == "__main__":
    door = ThreadingTCPServer(("127.0.0.1", int(sys.argv[1])), Door)
    threading.Thread(target=door.serve_forever, name="door", daemon=True).start()
    sys.argv = ["streamlit", *sys.argv[2:]]
    cli.main()
