"""What the documents point to exists, and the README states measured figures."""

from __future__ import annotations

import json
import re
from pathlib import Path
from statistics import fmean

import pytest

from recommender.evaluation import report

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
FOLDERS = "benchmarks|docs|emotion|model|notebooks|pages|recommender|tests|ui"
MADE_ON_USE = {"model/runs"}


def linked(text: str) -> set[str]:
    """Return the relative targets of a document's links and images."""
    targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text)
    return {target for target in targets if "://" not in target}


def named(text: str) -> set[str]:
    """Return the paths within this repository that a document names, without placeholders."""
    paths = re.findall(rf"`((?:{FOLDERS})/[\w./-]*)`", text)
    return {
        path
        for path in paths
        if not path.startswith(tuple(MADE_ON_USE)) and not Path(path).stem.isupper()
    }


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_in_documents_resolve(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    missing = {target for target in linked(text) if not (document.parent / target).exists()}
    missing |= {path for path in named(text) if not (ROOT / path).exists()}
    assert not missing


def test_readme_fits_one_page() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 120


def test_the_readme_states_how_well_the_music_fits() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    record = json.loads(report.RECORD.with_suffix(".json").read_text(encoding="utf-8"))
    figures = record["figures"]
    names = ("Affectune", "hard quadrant", "random")
    choosers = [figures[name] for name in names]
    rows = [[chooser[measure] for chooser in choosers] for measure in ("distance", "genre fit")]
    for precision in (record["labelled_like"], record["listeners"]["precision"]):
        rows.append([fmean(depths[1] for depths in precision[name].values()) for name in names])
    for row in rows:
        assert f"| {' | '.join(f'{figure:.2f}' for figure in row)} |" in text
    assert f"{len(record['seeds']) * record['scenarios']} playlists" in text


def test_the_readme_names_every_setting() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    read = set()
    for folder in ("emotion", "recommender", "ui", "pages"):
        for path in (ROOT / folder).rglob("*.py"):
            found = re.findall(
                r"[\"']((?:AFFECTUNE|SPOTIPY)_[A-Z_]+)[\"']", path.read_text(encoding="utf-8")
            )
            read |= set(found)
    assert read
    assert {name for name in read if f"`{name}`" not in text} == set()


@pytest.mark.parametrize(
    "notebook", sorted(ROOT.glob("notebooks/*.ipynb")), ids=lambda path: path.name
)
def test_links_in_notebooks_resolve(notebook: Path) -> None:
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    text = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    missing = {target for target in linked(text) if not (notebook.parent / target).exists()}
    assert not missing


def test_what_the_page_says_of_spotify_is_quoted_as_it_says_it() -> None:
    text = (ROOT / "docs" / "spotify.md").read_text(encoding="utf-8")
    table = text.partition("| what the page says | why |")[2].strip().splitlines()[1:]
    quoted = [row.split("|")[1].strip() for row in table if row.startswith("|")]
    code = "".join(
        path.read_text(encoding="utf-8")
        for folder in ("recommender/spotify", "ui/spotify")
        for path in (ROOT / folder).glob("*.py")
    )
    ours = [quote for quote in quoted if "on Spotify's page" not in quote]
    assert len(ours) > 4
    assert [quote for quote in ours if quote.partition(" until ")[0] not in code] == []
