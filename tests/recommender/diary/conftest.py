"""The same tests on both databases: a SQLite file, and a PostgreSQL server of our own."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from recommender.diary import ENVIRONMENT, DiaryStore, Moment
from recommender.types import Mood, Pick, Playlist, Track

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _nobodys_own_diary(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(ENVIRONMENT, raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))


@pytest.fixture
def playlist(track: Callable[..., Track]) -> Callable[..., Playlist]:
    """Make a playlist: playlist(3, mood=Mood(-0.5, 0)), with tracks 1 to 3."""

    def make(length: int = 2, **changes: Any) -> Playlist:
        mood = changes.get("mood", Mood(-0.6, -0.3))
        first = changes.pop("first", 1)
        tracks = [track(number) for number in range(first, first + length)]
        values: dict[str, Any] = {
            "mood": mood,
            "target": Mood(0.6, 0.25),
            "intent": "shift",
            "picks": tuple(Pick(one, mood, "It fits.") for one in tracks),
            "seed": 7,
        }
        return Playlist(**(values | changes))

    return make


@pytest.fixture
def moment(playlist: Callable[..., Playlist]) -> Callable[..., Moment]:
    """Make a moment as `playlist` does: moment(3, emotion="happy")."""

    def make(length: int = 2, **changes: Any) -> Moment:
        return Moment(
            emotion=changes.pop("emotion", "sad"),
            source=changes.pop("source", "face"),
            playlist=playlist(length, **changes),
        )

    return make


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'diary.sqlite'}"
        return
    server: str = request.getfixturevalue("postgresql")
    name = f"diary_{uuid.uuid4().hex}"
    admin = create_engine(server.format("postgres"), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    yield server.format(name).replace("+psycopg", "")
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


@pytest.fixture
def store(url: str) -> Iterator[DiaryStore]:
    with DiaryStore.open(url) as opened:
        yield opened


@pytest.fixture
def later() -> Callable[[float], datetime]:
    """A moment some hours after a certain noon."""
    return lambda hours: NOON + timedelta(hours=hours)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The address of a server in a folder of our own, on a socket and on no port."""
    programs = find_postgresql()
    if programs is None:
        pytest.skip("No PostgreSQL: install Debian's package postgresql (make postgresql)")
    pytest.importorskip("psycopg")
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
            pytest.fail(f"{program} ended with exit status {done.returncode}")

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
    """The folder of the newest server's programs: Debian keeps them off the path."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: p.parts[4])
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    return Path(on_path).parent if on_path else None
