"""The table of what a browser has to know: complete, and the same numbers as here."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from emotion.labels import EMOTIONS
from emotion.live import smoothing, tracker
from emotion.live.rules import live_rules

SCRIPTS = sorted(
    (Path(__file__).parents[3] / "ui" / "widgets" / "device_camera").rglob("*.js"),
    key=lambda path: path.name,
)


@pytest.fixture(scope="module")
def rules() -> dict[str, Any]:
    table: dict[str, Any] = json.loads(json.dumps(live_rules()))
    return table


def test_table_holds_the_python_constants(rules: dict[str, Any]) -> None:
    assert rules["emotions"] == list(EMOTIONS)
    assert rules["smoothing"]["STABLE_AFTER_SECONDS"] == smoothing.STABLE_AFTER_SECONDS
    assert rules["tracker"]["MIN_DETECTIONS"] == tracker.MIN_DETECTIONS
    assert rules["blazeface_networks"]["STRIDES"]["full_range"] == [4]


@pytest.mark.parametrize(("head", "output"), [("fer2013", 0), ("people", 1)])
def test_table_names_the_output_that_is_read(head: Any, output: int) -> None:
    assert live_rules(head=head)["output"] == output


def used(script: str) -> set[tuple[str, str]]:
    """Return the rules that a script reads, as (group, name)."""
    direct = re.findall(r"rules\.(\w+)\.([A-Z][A-Z0-9_]+)", script)
    unpacked = re.findall(r"const \{([^}]+)\} =\s+(?:this\.)?rules\.(\w+);", script)
    aliased = re.findall(r"const rules = this\.rules\.(\w+);", script)
    found = set(direct)
    for names, group in unpacked:
        found |= {
            (group, name.partition(":")[0].strip()) for name in names.split(",") if name.strip()
        }
    for group in aliased:
        found |= {(group, name) for name in re.findall(r"rules\.([A-Z][A-Z0-9_]+)", script)}
    return found


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_table_holds_every_rule_that_a_script_reads(rules: dict[str, Any], script: Path) -> None:
    missing = {
        (group, name)
        for group, name in used(script.read_text(encoding="utf-8"))
        if name not in rules.get(group, {})
    }
    assert not missing


def test_scripts_use_every_tracking_rule(rules: dict[str, Any]) -> None:
    """Whoever adds one here has to add it there."""
    found = set().union(*(used(script.read_text(encoding="utf-8")) for script in SCRIPTS))
    groups = ("smoothing", "template_tracking", "tracker")
    known = {(group, name) for group in groups for name in rules[group]}
    # Whether a mood is stable is decided here, by how long it has not changed.
    known -= {(group, "STABLE_AFTER_SECONDS") for group in groups}
    assert known - found == set()
