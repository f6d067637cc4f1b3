"""A server of the app and a photo for it, for benchmarks and screenshots."""

import io
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO
from urllib.error import URLError
from urllib.request import urlopen

from PIL import Image
from skimage import data

ROOT = Path(__file__).parents[1]
STREAMLIT = (sys.executable, "-m", "streamlit", "run", "app.py")


@contextmanager
def serve(
    command: Sequence[str] = STREAMLIT,
    stderr: IO[str] | None = None,
    on_start: Callable[[subprocess.Popen[bytes]], object] | None = None,
) -> Iterator[str]:
    """Start the app on a free port, yield its address, and stop it.

    Args:
        command: what starts it, in the repository's folder.
        stderr: where its log goes.
        on_start: called with the server's process.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    with TemporaryDirectory() as own:
        settings = {
            "STREAMLIT_SERVER_PORT": str(port),
            "STREAMLIT_SERVER_HEADLESS": "true",
            # Benchmarks must not write to this machine's diary.
            "AFFECTUNE_DATABASE_URL": f"sqlite:///{own}/diary.sqlite",
        }
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=os.environ | settings,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
        )
        if on_start:
            on_start(process)
        try:
            while process.poll() is None:
                try:
                    with urlopen(f"{address}/_stcore/health", timeout=5):
                        break
                except (URLError, OSError):
                    time.sleep(0.02)
            yield address
        finally:
            process.terminate()
            process.wait()


def chromium() -> str:
    """Return the path of a Chromium, or exit with a line that says how to name one."""
    names = ("chromium", "chromium-browser", "google-chrome")
    found = os.environ.get("AFFECTUNE_CHROMIUM") or next(
        filter(None, map(shutil.which, names)), None
    )
    if found is None:
        sys.exit("No Chromium: install one, or name it in AFFECTUNE_CHROMIUM")
    return found


def twelve_megapixels() -> bytes:
    """Return a face as a phone would photograph it: a JPEG of 4000 x 3000 pixels."""
    face = Image.fromarray(data.astronaut()).crop((0, 0, 512, 384))
    out = io.BytesIO()
    face.resize((4000, 3000), Image.Resampling.LANCZOS).save(out, "JPEG", quality=90)
    return out.getvalue()
