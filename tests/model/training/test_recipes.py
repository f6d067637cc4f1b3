from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from model.records import WEIGHTS
from model.training import recipes
from model.training.recipes import RECIPES, expand_recipe, read_recipe
from model.training.runs import run_of

RESTORED = {"first", "second", "third"}
STARTS = {"imagenet"}
NAMES = sorted(path.stem for path in RECIPES.glob("*.yaml"))


@pytest.fixture(scope="module")
def parser() -> argparse.ArgumentParser:
    train = pytest.importorskip("model.training.train", exc_type=ImportError)
    parser = argparse.ArgumentParser()
    train.add_arguments(parser)
    return parser


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(recipes, "RECIPES", tmp_path)
    (tmp_path / "tiny.yaml").write_text("# small\nwidths: [4, 8]\nepochs: 3\nteacher: [one, two]\n")
    return tmp_path


def test_a_recipe_stands_for_options_and_the_command_line_overrides_it(
    tiny: Path, parser: argparse.ArgumentParser
) -> None:
    words = ["--epochs", "5", "--recipe", "tiny", "--votes", "votes.csv"]
    chosen = parser.parse_args(expand_recipe(words, parser))
    assert (chosen.run, chosen.recipe, chosen.votes) == ("tiny", "tiny", "votes.csv")
    assert (chosen.epochs, chosen.widths, chosen.batch_size) == (5, [4, 8], 128)
    assert [run_of(str(path)) for path in chosen.teacher] == ["one", "two"]
    assert parser.parse_args(expand_recipe([*words, "--run", "other"], parser)).run == "other"
    assert expand_recipe(["--epochs", "5"], parser) == ["--epochs", "5"]
    assert parser.parse_args(
        expand_recipe(["--recipe", str(tiny / "tiny.yaml")], parser)
    ).widths == [4, 8]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("epoch: 3", "has the key 'epoch', which is no option of a recipe: balance, "),
        ("data: fer2013.zip", "has the key 'data', which is no option"),
        ("- 3", "holds no options"),
        ("a: [", "is no YAML"),
    ],
)
def test_invalid_recipe_options_are_reported(
    tiny: Path, parser: argparse.ArgumentParser, text: str, message: str
) -> None:
    (tiny / "odd.yaml").write_text(text)
    with pytest.raises(ValueError, match=message):
        expand_recipe(["--recipe", "odd"], parser)


def test_missing_recipe_is_named(tiny: Path, parser: argparse.ArgumentParser) -> None:
    with pytest.raises(FileNotFoundError, match=r"none\.yaml; there are tiny"):
        expand_recipe(["--recipe", "none"], parser)


@pytest.mark.parametrize("name", ["../tiny", "/etc/tiny", "..", "", "a b"])
def test_a_recipe_is_a_name_or_a_path_to_a_yaml_file(
    tiny: Path, parser: argparse.ArgumentParser, name: str
) -> None:
    (tiny.parent / "tiny.yaml").write_text("epochs: 3\n")
    with pytest.raises(ValueError, match=r"neither the name of a recipe \(tiny\) nor a path"):
        expand_recipe(["--recipe", name], parser)


@pytest.mark.parametrize("name", NAMES)
def test_every_recipe_is_understood_and_builds_on_runs_that_there_are(
    name: str, parser: argparse.ArgumentParser
) -> None:
    chosen = parser.parse_args(expand_recipe(["--recipe", name], parser))
    assert chosen.run == name
    parents = {run_of(str(path)) for path in (chosen.initial, *chosen.teacher)}
    assert parents <= {*NAMES, *RESTORED, *STARTS} - {name}


def lineage(how: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield how["starts"][-1]
    if "initial" in how:
        yield from lineage(how["initial"])


def test_the_recipes_are_what_the_shipped_network_was_trained_with() -> None:
    how = json.loads((WEIGHTS / "training.json").read_text())
    starts = [start for start in lineage(how) if start["run"] in NAMES]
    assert [start["run"] for start in starts] == ["lite8", "lite7", "lite6", "lite4", "lite3"]
    for start in starts:
        recipe = dict(read_recipe(RECIPES / f"{start['run']}.yaml"))
        assert recipe.pop("initial") == run_of(start["initial"])
        assert recipe.pop("teacher") == [run_of(teacher) for teacher in start["teacher"]]
        # What lay beyond a moved image's edge was no option yet when the first of them ran.
        recorded = {key: start[key] for key in recipe if key in start}
        assert {key: recipe[key] for key in recorded} == recorded
        assert recipe.keys() - recorded.keys() <= {"scale", "edge"}
