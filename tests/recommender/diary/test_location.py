from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest

from recommender.diary import ENVIRONMENT, DiaryError, DiaryStore, default_file, is_there, location

posix = pytest.mark.skipif(os.name != "posix", reason="Modes of files are POSIX's")


@pytest.mark.skipif(sys.platform != "linux", reason="XDG's folders are Linux's")
def test_by_default_in_the_users_own_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    assert default_file().parts[-3:] == ("home", "affectune", "diary.sqlite")
    for nothing in ("", "relative/folder"):
        monkeypatch.setenv("XDG_DATA_HOME", nothing)
        assert default_file() == Path.home() / ".local/share/affectune/diary.sqlite"
    assert location().database == str(default_file())


def test_looking_makes_no_file() -> None:
    assert not is_there()
    assert not default_file().parent.exists()


@posix
def test_only_its_owner_can_read_it() -> None:
    before = os.umask(0)
    try:
        with DiaryStore.open() as store:
            store.diary("ada").switch(True)
            files = sorted(default_file().parent.iterdir())
            assert [file.name for file in files][:2] == ["diary.sqlite", "diary.sqlite-shm"]
            assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
            assert stat.S_IMODE(default_file().parent.stat().st_mode) == 0o700
    finally:
        os.umask(before)
    assert is_there()


def test_the_environment_names_another(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(ENVIRONMENT, f"sqlite:///{tmp_path / 'mine.db'}")
    DiaryStore.open().close()
    assert (tmp_path / "mine.db").is_file()
    assert not default_file().exists()
    monkeypatch.setenv(ENVIRONMENT, "  ")
    assert location().database == str(default_file())


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg2"])
def test_every_postgresql_is_psycopg_3(scheme: str) -> None:
    found = location(f"{scheme}://ada:secret@db.example.org:5433/mood?sslmode=require")
    assert found.drivername == "postgresql+psycopg"
    assert (found.host, found.port, found.database) == ("db.example.org", 5433, "mood")
    assert found.query == {"sslmode": "require"}
    assert is_there(f"{scheme}://db.example.org/mood")


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("diary.sqlite", "is not a database URL"),
        ("postgresql://ada:secret@host:port/x", "is not a database URL"),
        ("mysql://ada:secret@host/x", "not in 'mysql'"),
        ("sqlite://", "needs a file"),
        ("sqlite:///:memory:", "needs a file"),
        ("sqlite:///x.db?mode=ro", "needs a file"),
    ],
)
def test_invalid_database_url_is_reported_without_its_password(url: str, message: str) -> None:
    with pytest.raises(DiaryError, match=message) as caught:
        location(url)
    assert "secret" not in str(caught.value)


def test_database_that_cannot_be_opened_is_reported(tmp_path: Path) -> None:
    broken = tmp_path / "broken.sqlite"
    broken.write_bytes(b"This is a letter, not a database. " * 100)
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    for place in (broken, tmp_path / "folder", tmp_path / "file" / "below.sqlite"):
        with pytest.raises(DiaryError, match=r"^The diary can’t be opened: /"):
            DiaryStore.open(f"sqlite:///{place}")
    assert broken.read_bytes().startswith(b"This is a letter")


def test_unreachable_server_is_reported_without_host_or_user() -> None:
    pytest.importorskip("psycopg")
    with pytest.raises(DiaryError, match="The diary can’t be opened") as caught:
        DiaryStore.open("postgresql://ada:secret@127.0.0.1:1/x")
    assert not any(word in str(caught.value) for word in ("ada", "secret", "127.0.0.1"))


def test_missing_psycopg_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(DiaryError, match="needs psycopg: pip install"):
        DiaryStore.open("postgresql://ada@127.0.0.1:1/x")
