from __future__ import annotations

import copy
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from model import records


def test_shipped_file_is_the_one_that_was_measured(tmp_path: Path) -> None:
    assert records.litert_file(records.WEIGHTS) == records.SHIPPED
    assert records.records_folder(records.SHIPPED) == records.WEIGHTS
    assert records.SHIPPED.is_file()
    assert (records.WEIGHTS / "emotion_cnn.keras").is_file()
    own = records.litert_file(tmp_path)
    assert own == tmp_path / "emotion_cnn.tflite"
    assert records.records_folder(own) == tmp_path


@pytest.mark.parametrize("name", sorted(records.SCHEMAS))
def test_the_committed_records_follow_their_schema(name: str) -> None:
    folder = records.WEIGHTS.parent if name == "experiments" else records.WEIGHTS
    assert records.load(records.SCHEMAS[name], folder / f"{name}.json")


def test_every_record_has_a_schema() -> None:
    assert {path.stem for path in records.WEIGHTS.glob("*.json")} <= set(records.SCHEMAS)


def split_of(found: dict[str, Any]) -> dict[str, Any]:
    figures: dict[str, Any] = found["figures"]["private-test"]
    return figures


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda found: found.pop("network"), "the record lacks 'network'"),
        (lambda found: found["network"].update(bytes="5"), r"\['bytes'\] is '5', not int"),
        (lambda found: split_of(found).update(tta=1), r"\['tta'\] is 1, not bool"),
        (lambda found: split_of(found).update(ece=True), "True, not float"),
        (lambda found: split_of(found)["confusion"][1].append(None), r"\[1\]\[7\] is None"),
        (lambda found: found.update(figures=[]), r"\['figures'\] is \[\], not dict"),
    ],
)
def test_schema_violations_are_named(spoil: Any, message: str, tmp_path: Path) -> None:
    found = json.loads((records.WEIGHTS / "metrics.json").read_text())
    spoilt = copy.deepcopy(found)
    spoil(spoilt)
    with pytest.raises(ValueError, match=message):
        records.check(records.MetricsRecord, spoilt)
    records.write_json(spoilt, tmp_path / "metrics.json")
    with pytest.raises(ValueError, match=r"metrics\.json cannot be read: "):
        records.load(records.MetricsRecord, tmp_path / "metrics.json")


def test_optional_keys_may_be_missing_and_unknown_ones_stay() -> None:
    found: dict[str, Any] = {"temperature": 1, "bias": {"fear": 0.5}, "note": "kept"}
    assert records.check(records.CalibrationRecord, found) == found


def test_reading_records_loads_neither_keras_nor_tensorflow() -> None:
    code = (
        "import sys, model.records; print({'keras', 'tensorflow', 'streamlit'} & set(sys.modules))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"
