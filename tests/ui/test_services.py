"""The catalogue that visitors share: what becomes of it when it cannot be read."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from recommender.catalog.catalog import ENVIRONMENT, STARTER, Catalog
from recommender.catalog.importer import import_file
from recommender.errors import CatalogError
from recommender.request import Request
from recommender.types import Filters, Mood
from ui import services

IMAGINE = [("Imagine", "John Lennon")]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The operator's catalogue, open: the starter catalogue in a folder."""
    import_file(STARTER, f"{tmp_path}/music/")
    monkeypatch.setenv(ENVIRONMENT, str(tmp_path / "music"))
    services._recommender.clear()
    assert services.recommender()[1] is None
    yield tmp_path / "music"
    services._recommender.clear()


def found(catalog: Catalog) -> list[Any]:
    return catalog.find(IMAGINE)


def damage(folder: Path) -> None:
    for snapshot in folder.glob("*Z-*"):
        shutil.rmtree(snapshot)


def wait_and_try_again() -> tuple[Any, str | None]:
    """Return what is shared after the next attempt, as if it was due."""
    holder = services._recommender()
    holder.retry_at = 0.0
    services.recommender()
    assert holder.attempt is not None
    holder.attempt.result(60)
    return services.recommender()


def test_catalogue_is_read_again_once_it_can_be(folder: Path) -> None:
    damage(folder)
    assert services.with_catalog(found)[0] is not None
    recommender, note = wait_and_try_again()
    assert recommender.catalog.source == STARTER
    assert note is not None
    assert note.startswith("The catalogue music is broken or cannot be read; import it again")
    assert note.endswith("Playing the starter catalogue instead.")
    import_file(STARTER, f"{folder}/")
    recommender, note = wait_and_try_again()
    assert (recommender.catalog.source, note) == (folder, None)
    assert services.with_catalog(found)[0] is not None


def test_attempts_become_rarer_until_the_catalogue_has_been_read_for_a_while(folder: Path) -> None:
    holder = services._recommender()
    damage(folder)
    services.with_catalog(found)
    for factor in (2, 4, 8):
        wait_and_try_again()
        assert holder.delay == factor * services.RETRY_SECONDS
    import_file(STARTER, f"{folder}/")
    wait_and_try_again()
    damage(folder)
    services.with_catalog(found)
    assert holder.delay == 16 * services.RETRY_SECONDS
    import_file(STARTER, f"{folder}/")
    wait_and_try_again()
    holder.retry_at = 0.0
    damage(folder)
    services.with_catalog(found)
    assert holder.delay == services.RETRY_SECONDS


def test_missing_catalogue_is_read_once_it_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ENVIRONMENT, str(tmp_path / "late.duckdb"))
    services._recommender.clear()
    assert services.recommender()[0].catalog.source == STARTER
    import_file(STARTER, tmp_path / "late.duckdb")
    assert services.recommender()[0].catalog.source == STARTER  # not due yet
    recommender, note = wait_and_try_again()
    assert (recommender.catalog.source, note) == (tmp_path / "late.duckdb", None)
    services._recommender.clear()


def test_visitors_who_find_damage_at_the_same_time_all_get_the_starter(folder: Path) -> None:
    catalog = services.recommender()[0].catalog
    damage(folder)
    errors = []
    for _ in range(2):
        with pytest.raises(CatalogError) as caught:
            found(catalog)
        errors.append(caught.value)
    assert [services.play_starter(error) for error in errors] == [True, True]
    assert services.recommender()[0].catalog.source == STARTER
    assert not services.play_starter(CatalogError("broken", source=STARTER))


def test_no_visitor_s_text_takes_the_catalogue_away(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        half = Request(Mood(0, 0), filters=Filters(without_artists=("\ud83d",)))
        assert services.recommend(half).picks
    assert services.recommender()[0].catalog.source == folder
    assert not caplog.records


def test_home_folder_of_an_unknown_user_is_a_missing_catalogue(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(ENVIRONMENT, "~nosuchuser/music")
    services._recommender.clear()
    recommender, note = services.recommender()
    services._recommender.clear()
    assert recommender.catalog.source == STARTER
    assert note is not None
    assert "cannot be found" in note


def test_choices_are_those_of_a_catalogue_that_was_imported_anew(
    folder: Path, tmp_path: Path
) -> None:
    assert len(services.choices().decades) > 1
    table = tmp_path / "table.csv"
    table.write_text(f"id,title,artists,valence,energy\n{1:022d},x,y,.1,.1\n")
    import_file(table, f"{folder}/")
    services._recommender.clear()
    assert len(services.choices().decades) <= 1
