"""The same tests on both databases: a SQLite file, and a PostgreSQL server of our own."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from recommender.diary import ENVIRONMENT, DiaryStore, Moment
from recommender.types import Mood, Pick, Playlist, Track
from tests.postgresql import find_postgresql, run_postgresql

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
    if find_postgresql() is None:
        pytest.skip("No PostgreSQL: install Debian's package postgresql (make postgresql)")
    pytest.importorskip("psycopg")
    with run_postgresql() as address:
        yield address
