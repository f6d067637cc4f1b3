"""S3 on loopback, for tests: moto's server, in a process of its own."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

NEEDED = ("s3fs", "moto", "flask")


@contextlib.contextmanager
def s3(folder: Path) -> Iterator[Mapping[str, str]]:
    """Run a server with one empty bucket, ``bucket``; yield the environment that leads to it.

    The test is skipped where what it needs is not installed: it takes more than 100 MB.
    """
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)} (pip install s3fs 'moto[server]')")
    said = folder / "server.txt"
    with said.open("wb") as file:
        # Port 0: one that is free. It is in the line with which the server begins.
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"]
        server = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT)
    try:
        environment = {
            **os.environ,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": _address(server, said),
        }
        run(environment, "-c", "import s3fs; s3fs.S3FileSystem().mkdir('bucket')")
        yield environment
    finally:
        server.kill()
        server.wait()


def _address(server: subprocess.Popen[bytes], said: Path) -> str:
    while server.poll() is None:
        found = re.search(r"http://127\.0\.0\.1:\d+", said.read_text(errors="replace"))
        if found:
            return found[0]
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(0.1)
    raise AssertionError(said.read_text(errors="replace"))


def run(
    environment: Mapping[str, str], *arguments: str | Path, status: int = 0
) -> subprocess.CompletedProcess[str]:
    """Run this Python with arguments, and return what it printed."""
    done = subprocess.run(
        [sys.executable, *map(str, arguments)],
        env=dict(environment),
        cwd=Path(__file__).parents[1],
        capture_output=True,
        encoding="utf-8",
        timeout=300,
    )
    assert done.returncode == status, done.stdout + done.stderr
    return done


def put(environment: Mapping[str, str], here: Path, address: str) -> None:
    """Copy a file or a folder of this machine to an address."""
    code = "import s3fs, sys; s3fs.S3FileSystem().put(sys.argv[1], sys.argv[2], recursive=True)"
    run(environment, "-c", code, here, address)


def listed(environment: Mapping[str, str], address: str) -> list[str]:
    """Return the names of the objects at an address, or of all buckets for ``s3://``."""
    code = (
        "import s3fs, sys\n"
        "system, place = s3fs.S3FileSystem(), sys.argv[1].removeprefix('s3://')\n"
        "print(*(system.find(place) if place else system.ls('')), sep='\\n')"
    )
    return run(environment, "-c", code, address).stdout.split("\n")[:-1]
