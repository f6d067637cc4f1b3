"""A PostgreSQL server of our own: for tests of the diary, and for what is measured with one."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def run_postgresql() -> Iterator[str]:
    """Run a server in a folder of its own, on a socket and on no port.

    Yields:
        Its address, with ``{}`` in the place of a database's name.

    Raises:
        RuntimeError: it could not be started.
    """
    programs = find_postgresql()
    if programs is None:
        raise RuntimeError("PostgreSQL is not installed")
    # A socket's path has at most 107 bytes, which pytest's own folders can exceed.
    folder = Path(tempfile.mkdtemp(prefix="affectune-pg-"))
    # The server refuses to run as root.
    person = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
    prefix = person if hasattr(os, "getuid") and os.getuid() == 0 else []
    if prefix:
        shutil.chown(folder, "postgres", "postgres")

    def run(program: str, *arguments: str) -> None:
        done = subprocess.run(
            [*prefix, str(programs / program), *arguments],
            cwd=folder,
            env={**os.environ, "LC_ALL": "C.UTF-8"},
            stdout=subprocess.DEVNULL,  # the server inherits it: a pipe would never end
            stderr=subprocess.DEVNULL,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{program} ended with exit status {done.returncode}")

    data = str(folder / "data")
    settings = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off"
    try:
        run("initdb", "-D", data, "-U", "affectune", "-A", "trust", "-E", "UTF8", "-N")
        run("pg_ctl", "-D", data, "-w", "-o", settings, "-l", str(folder / "log"), "start")
        try:
            yield f"postgresql+psycopg://affectune@/{{}}?host={folder}"
        finally:
            run("pg_ctl", "-D", data, "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def find_postgresql() -> Path | None:
    """Return the folder of the newest server's programs: Debian keeps them off the path."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: p.parts[4])
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    return Path(on_path).parent if on_path else None
