"""What visitors read: no path of the machine, no link out of a name, and a sentence at worst."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from streamlit.testing.v1 import AppTest

from recommender.catalog.catalog import STARTER
from recommender.catalog.importer import import_file
from ui import services, wording

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            "There is no catalogue file /srv/data/cat.duckdb.",
            "There is no catalogue file cat.duckdb.",
        ),
        ("'/srv/data/cat.csv' and “/home/me/x y.csv”", "'cat.csv' and “x y.csv”"),
        ("/a/b: lacks (/c/d/e.csv); see /f/g/", "b: lacks (e.csv); see g"),
        (r"C:\Users\me\cat.duckdb is broken", "cat.duckdb is broken"),
        (r"\\server\share\cat.duckdb is broken", "cat.duckdb is broken"),
        ("~/music/cat.csv lacks the column id", "cat.csv lacks the column id"),
        ("No such file: /var/lib/x/../y/cat.db", "No such file: cat.db"),
        # No paths of this machine
        ("AC/DC, and/or, 1/2, /shrug", "AC/DC, and/or, 1/2, /shrug"),
        ("https://example.org/a/b stays", "https://example.org/a/b stays"),
        ("sqlite:////home/me/diary.sqlite names one", "sqlite:////home/me/diary.sqlite names one"),
        ("image/png, text/csv", "image/png, text/csv"),
    ],
)
def test_a_path_is_for_the_log(text: str, shown: str) -> None:
    assert wording.strip_paths(text, "/home/me/x y.csv") == shown


def test_a_known_path_may_have_anything_in_it(tmp_path: Path) -> None:
    file = tmp_path / "My Music, (new)" / "it's; mine.duckdb"
    said = wording.strip_paths(f"There is no catalogue file {file}.", file)
    assert said == "There is no catalogue file it's; mine.duckdb."


@pytest.mark.parametrize(
    "name", ["www.evil.com", "https://evil.com", "me@evil.com", "WWW.evil.com", "ftp://evil.com"]
)
def test_an_address_is_held_apart(name: str) -> None:
    shown = wording.escape_markdown(name)
    assert wording.WORD_JOINER in shown
    assert shown.replace("\\", "").replace(wording.WORD_JOINER, "") == name


def test_other_names_stay_as_they_are() -> None:
    for name in ("Mission: Impossible", "www", "10:15 Saturday Night", "A+B"):
        assert wording.WORD_JOINER not in wording.escape_markdown(name)


@pytest.fixture
def fresh() -> Iterator[None]:
    services._recommender.clear()
    yield
    services._recommender.clear()


def visit(monkeypatch: pytest.MonkeyPatch, catalog: Path | str) -> AppTest:
    """Ask for music with a catalogue that somebody has set."""
    monkeypatch.setenv("AFFECTUNE_CATALOG", str(catalog))
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    (find,) = (button for button in app.button if button.label == "Find music for this")
    app = find.click().run()
    return app.switch_page("pages/playlist.py").run()


def captions(app: AppTest) -> str:
    assert not app.exception
    return " ".join(caption.value.replace("\\", "") for caption in app.caption)


def test_a_missing_catalogue(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fresh: None) -> None:
    said = captions(visit(monkeypatch, tmp_path / "a folder" / "gone.duckdb"))
    assert "There is no catalogue file gone.duckdb. Playing the starter catalogue instead." in said
    assert str(tmp_path) not in said
    assert tmp_path.name not in said


def test_a_catalogue_whose_damage_shows_late(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fresh: None, sent_to: Any
) -> None:
    built, damaged = tmp_path / "built.duckdb", tmp_path / "damaged.duckdb"
    import_file(STARTER, built)
    shutil.copy(built, damaged)
    with duckdb.connect(str(damaged)) as connection:
        connection.execute("UPDATE tracks SET record = left(record, 40)")
    app = visit(monkeypatch, damaged)
    said = captions(app)
    assert "The catalogue file damaged.duckdb is broken" in said
    assert "Playing the starter catalogue instead." in said
    assert str(tmp_path) not in said
    assert len(sent_to(app, "track_list")["rows"]) > 9


def test_incomplete_catalogue_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fresh: None
) -> None:
    folder = tmp_path / "music"
    import_file(STARTER, f"{folder}/")
    next(folder.glob("*/records/*.parquet")).unlink()
    said = captions(visit(monkeypatch, folder))
    assert "The catalogue music is incomplete: its file records/00000.parquet is missing" in said
    assert "Playing the starter catalogue instead." in said
    assert str(tmp_path) not in said


def test_unreadable_catalogue_address(monkeypatch: pytest.MonkeyPatch, fresh: None) -> None:
    said = captions(visit(monkeypatch, "s3://me:secret@inner.example/bucket/music"))
    assert "The catalogue music cannot be read. Playing the starter catalogue instead." in said
    assert not any(word in said for word in ("secret", "inner", "bucket", "s3"))


def test_file_that_is_not_a_table(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fresh: None
) -> None:
    table = tmp_path / "table.csv"
    table.write_text("a,b\n1,2\n", encoding="utf-8")
    said = captions(visit(monkeypatch, table))
    assert "table.csv lacks the columns" in said
    assert str(tmp_path) not in said


@pytest.fixture
def sent_to() -> Any:
    """What Python sends to one of our own elements."""
    import json

    def read(app: AppTest, name: str) -> Any:
        (element,) = (
            element
            for element in app.get("bidi_component")
            if element.proto.component_name == f"affectune.{name}"
        )
        return json.loads(element.proto.json)

    return read
