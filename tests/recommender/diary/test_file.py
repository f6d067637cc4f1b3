"""What is true of the SQLite file: what is deleted is gone, what is acknowledged stays."""

from __future__ import annotations

import errno
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from recommender.diary import DiaryError, DiaryStore, Moment, default_file
from recommender.diary.database import disk_is_full, scrub
from recommender.types import Mood, Pick, Playlist

MARKER = "Heimlichkeitslied"
KILLS = int(os.environ.get("AFFECTUNE_KILLS", "5"))
WRITER = Path(__file__).with_name("writer.py")

Maker = Callable[..., Any]


@pytest.fixture
def store() -> Iterator[DiaryStore]:
    with DiaryStore.open() as opened:
        yield opened


@pytest.fixture
def secret(track: Maker) -> Moment:
    mood = Mood(0, 0)
    picks = tuple(
        Pick(track(number, title=f"{MARKER} {number}", artists=(MARKER,)), mood, "")
        for number in range(50)
    )
    return Moment(Playlist(mood, mood, "match", picks, seed=1), emotion="sad", source="face")


def occurrences() -> int:
    """How often the marker is in the database's file and in whatever lies beside it."""
    return sum(file.read_bytes().count(MARKER.encode()) for file in default_file().parent.iterdir())


def test_what_is_deleted_is_gone_from_the_file(store: DiaryStore, secret: Moment) -> None:
    ada, bob = store.diary("ada" + MARKER), store.diary("bob")
    ada.switch(True)
    bob.switch(True)
    for number in range(10):
        ada.note(secret)
        bob.note(Moment(Playlist(Mood(0, 0), Mood(0, 0), "match", (), number), None, "placed"))
    for pick in secret.playlist.picks:
        ada.judge(pick.track, "like", Mood(0, 0))
    assert occurrences() > 500
    assert ada.delete_everything()
    assert occurrences() == 0
    assert len(bob.entries()) == 10


def test_one_entry_that_is_deleted_is_gone_from_the_file(store: DiaryStore, secret: Moment) -> None:
    diary = store.diary("ada")
    diary.switch(True)
    number = diary.note(secret)
    assert number is not None
    assert occurrences()
    assert diary.forget(number)
    assert occurrences() == 0


def test_deletion_reports_readers_that_keep_deleted_pages(
    store: DiaryStore, secret: Moment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recommender.diary.database.BUSY_TIMEOUT_MS", 50)
    with DiaryStore.open() as store:
        diary = store.diary("ada")
        diary.switch(True)
        diary.note(secret)
        reader = sqlite3.connect(default_file())
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM entry_track").fetchone() == (50,)
        assert not diary.delete_everything()
        assert diary.entries() == []
        reader.close()
        assert store.scrub()
        assert occurrences() == 0


def test_a_full_disk_is_named_with_what_to_do(store: DiaryStore, secret: Moment) -> None:
    diary = store.diary("ada")
    diary.switch(True)
    diary.note(secret)

    def full(*_: Any) -> None:
        error = sqlite3.OperationalError("database or disk is full")
        error.sqlite_errorcode = sqlite3.SQLITE_FULL
        raise error

    event.listen(store._engine, "before_cursor_execute", full)
    for ask in (diary.delete_everything, lambda: diary.note(secret), lambda: diary.forget(1)):
        with pytest.raises(
            DiaryError, match=r"disk is full: make room on it, then try again\."
        ) as e:
            ask()
        assert "Nothing has changed" in str(e.value)
    event.remove(store._engine, "before_cursor_execute", full)
    assert len(diary.entries()) == 1
    assert diary.delete_everything()
    assert occurrences() == 0


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_system_that_has_no_room_is_a_full_disk(number: int) -> None:
    assert disk_is_full(OSError(number, "No room"))
    assert not disk_is_full(OSError(errno.EACCES, "No"))
    assert not disk_is_full(sqlite3.OperationalError("database is locked"))


def test_what_is_deleted_is_gone_although_there_is_no_room_to_tidy_up(
    store: DiaryStore, secret: Moment
) -> None:
    diary = store.diary("ada")
    diary.switch(True)
    diary.note(secret)
    with store.session(writing=True) as session:
        for table in ("entry_track", "verdict", "entry", "owner"):
            session.connection().exec_driver_sql(f"DELETE FROM {table}")

    class NoRoom:
        """A connection on a disk that has no room for a copy of the file."""

        def __init__(self, real: sqlite3.Connection) -> None:
            self._real = real

        def execute(self, statement: str) -> sqlite3.Cursor:
            if statement == "VACUUM":
                error = sqlite3.OperationalError("database or disk is full")
                error.sqlite_errorcode = sqlite3.SQLITE_FULL
                raise error
            return self._real.execute(statement)

    raw = store._engine.raw_connection()
    assert scrub(NoRoom(raw.driver_connection))  # type: ignore[arg-type]
    raw.close()
    assert occurrences() == 0


def test_a_commit_that_has_returned_survives_a_power_cut(store: DiaryStore) -> None:
    """Which no test can bring about; SQLite promises it with these two settings."""
    with store.session(writing=False) as session:
        connection = session.connection()
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2  # FULL
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"


def test_a_file_that_was_taken_away_is_noticed(store: DiaryStore, secret: Moment) -> None:
    diary = store.diary("ada")
    diary.switch(True)
    default_file().unlink()
    with pytest.raises(DiaryError, match="no longer where it was"):
        diary.note(secret)
    with pytest.raises(DiaryError, match="no longer where it was"):
        diary.entries()


def test_read_only_file_is_reported(
    store: DiaryStore, secret: Moment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recommender.diary.database.BUSY_TIMEOUT_MS", 50)
    with DiaryStore.open() as store:
        diary = store.diary("ada")
        diary.switch(True)
        other = sqlite3.connect(default_file(), isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(DiaryError, match=r"^The diary can’t be written right now\.$"):
            diary.note(secret)
        assert diary.entries() == []  # readers do not wait
        other.close()
        assert diary.note(secret)


def test_killed_at_any_moment_nothing_acknowledged_is_lost() -> None:
    """A writer that says every number once it is kept is killed, again and again."""
    with DiaryStore.open() as store:
        store.diary("ada").switch(True)
    acknowledged: set[str] = set()
    for kill in range(KILLS):
        writer = subprocess.Popen(
            [sys.executable, str(WRITER), str(kill)],
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert writer.stdout is not None
        # Some acknowledgements further on each time, and then in the middle of the next ones.
        for _ in range(1 + 3 * kill % 11):
            line = writer.stdout.readline().strip()
            assert line, f"The writer ended with exit status {writer.wait()}"
            acknowledged.add(line)
        writer.send_signal(getattr(signal, "SIGKILL", signal.SIGTERM))
        acknowledged.update(line.strip() for line in writer.stdout if line.endswith("\n"))
        writer.wait()
        writer.stdout.close()
        with DiaryStore.open() as store:
            entries = store.diary("ada").entries()
            kept = {track.title for entry in entries for track in entry.tracks}
            assert acknowledged <= kept
            # All of an entry or nothing of it.
            assert {len(entry.tracks) for entry in entries} == {15}
        check = sqlite3.connect(default_file())
        assert check.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        check.close()
    assert len(acknowledged) >= KILLS
