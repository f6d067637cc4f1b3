"""The long recipe."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

import pytest

from model.training import recipe, train
from tests.model.conftest import Options, epochs

keras = pytest.importorskip("keras", exc_type=ImportError)

# Keras and TensorFlow warn about each other's ways; that is not ours to mend.
pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.usefixtures("eagerly")]


def test_the_recipe_trains_its_teachers_then_the_network_and_stops_in_time(
    options: Options, tiny_zip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = {"widths": (4, 8), "depths": (1, 2), "epochs": 2, "batch_size": 16}
    assert [step.run for step in recipe.STEPS] == ["teacher0", "teacher1", "teacher2", "student"]
    # One teacher does for all of them.
    steps = [replace(step, **small) for step in (recipe.STEPS[0], recipe.STEPS[-1])]
    monkeypatch.setattr(recipe, "STEPS", tuple(steps))
    parser = argparse.ArgumentParser()
    recipe.add_arguments(parser)
    given = ["--data", str(tiny_zip), "--verbose", "0"]

    with pytest.raises(recipe.OutOfTimeError, match="same command"):
        recipe.run(parser.parse_args([*given, "--minutes", "0"]))
    first = train.RUNS / steps[0].run
    assert epochs(first) == [0]
    assert recipe.run(parser.parse_args(given)) == train.RUNS / steps[-1].run
    assert all(epochs(train.RUNS / step.run) == [0, 1] for step in steps)
    started = json.loads((train.RUNS / steps[-1].run / "arguments.json").read_text())
    taught_by = [Path(teacher).parent.name for teacher in started[0]["teacher"]]
    assert taught_by == [step.run for step in steps[:-1]]
