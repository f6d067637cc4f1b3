"""A training run as a file: ``model/recipes/NAME.yaml`` holds the options of ``train``.

A recipe's keys are the options' names with underscores, as in the ``arguments.json`` that every
run saves. The options of the command line stand after the recipe's and so override them.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import yaml  # type: ignore[import-untyped]

from model._compat import option_flags

RECIPES: Final = Path(__file__).parents[1] / "recipes"
NOT_IN_A_RECIPE: Final = frozenset({"help", "recipe", "data", "votes", "limit", "minutes"})
"""Options that depend on the machine or the occasion, and say nothing about the run."""


def expand_recipe(words: Sequence[str], parser: argparse.ArgumentParser) -> list[str]:
    """Return command-line words, with those of the recipe that they name in front.

    Args:
        words: the command's options, ``--recipe NAME`` among them or not.
        parser: the command's parser, with all of its options.

    Raises:
        FileNotFoundError: there is no such recipe.
        ValueError: it is neither a name nor a path, the recipe is no YAML mapping, or it has a key
            that is no option.
    """
    asking = argparse.ArgumentParser(add_help=False)
    asking.add_argument("--recipe")
    name = asking.parse_known_args(list(words))[0].recipe
    if name is None:
        return list(words)
    file = recipe_file(name)
    recipe = {"run": file.stem, **read_recipe(file)}
    return [*_as_words(recipe, parser, file), *words]


def recipe_file(name: str) -> Path:
    """Return the file of a recipe: a name in ``model/recipes``, or a path that ends in .yaml.

    Raises:
        ValueError: it is neither.
    """
    if name.endswith(".yaml"):
        return Path(name)
    if not re.fullmatch(r"\w[\w.-]*", name):
        raise ValueError(
            f"--recipe {name!r} is neither the name of a recipe ({_known()}) nor a path that ends "
            "in .yaml"
        )
    return RECIPES / f"{name}.yaml"


def read_recipe(file: Path) -> Mapping[str, Any]:
    """Return a recipe's options.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is no YAML mapping.
    """
    if not file.is_file():
        raise FileNotFoundError(f"There is no recipe at {file}; there are {_known()}")
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise ValueError(f"{file} is no YAML: {error}") from error
    if not isinstance(content, dict):
        raise ValueError(f"{file} holds no options, a line each: epochs: 20")
    return content


def _known() -> str:
    return ", ".join(sorted(path.stem for path in RECIPES.glob("*.yaml")))


def _as_words(recipe: Mapping[str, Any], parser: argparse.ArgumentParser, file: Path) -> list[str]:
    flags = {key: flag for key, flag in option_flags(parser).items() if key not in NOT_IN_A_RECIPE}
    words = []
    for key, value in recipe.items():
        if key not in flags:
            raise ValueError(
                f"{file} has the key {key!r}, which is no option of a recipe: "
                f"{', '.join(sorted(flags))}"
            )
        words += [flags[key], *map(str, value if isinstance(value, list) else [value])]
    return words
