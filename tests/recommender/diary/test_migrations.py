from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, inspect, text

from recommender.diary import ENVIRONMENT, DiaryError, DiaryStore, location
from recommender.diary.tables import Base

INI = Path(__file__).parents[3] / "recommender" / "diary" / "alembic.ini"


def test_the_migrations_make_the_tables_that_the_code_expects(url: str) -> None:
    DiaryStore.open(url).close()
    engine = create_engine(location(url))
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True}
        )
        assert compare_metadata(context, Base.metadata) == []
        assert context.get_current_revision() is not None
    engine.dispose()


def test_opening_again_changes_nothing(url: str) -> None:
    for _ in range(2):
        DiaryStore.open(url).close()


def test_the_way_back_leaves_nothing(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    DiaryStore.open(url).close()
    monkeypatch.setenv(ENVIRONMENT, url)
    command.downgrade(Config(INI), "base")
    engine = create_engine(location(url))
    assert inspect(engine).get_table_names() == ["alembic_version"]
    engine.dispose()
    DiaryStore.open(url).close()


def test_a_newer_database_is_left_alone(url: str) -> None:
    DiaryStore.open(url).close()
    engine = create_engine(location(url))
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'tomorrow'"))
    engine.dispose()
    with pytest.raises(DiaryError, match="newer version"):
        DiaryStore.open(url)


def test_several_open_an_empty_database_at_once(url: str) -> None:
    problems: list[Exception] = []

    def open_it() -> None:
        try:
            with DiaryStore.open(url) as store:
                store.diary("ada").switch(True)
        except Exception as error:
            problems.append(error)

    threads: list[Any] = [threading.Thread(target=open_it) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    with DiaryStore.open(url) as store:
        assert store.diary("ada").keeping
