from __future__ import annotations

from pathlib import Path

from model import records


def test_the_library_carries_the_file_that_the_records_are_of(tmp_path: Path) -> None:
    assert records.litert_file(records.WEIGHTS) == records.SHIPPED
    assert records.records_folder(records.SHIPPED) == records.WEIGHTS
    assert records.SHIPPED.is_file()
    assert (records.WEIGHTS / "emotion_cnn.keras").is_file()
    own = records.litert_file(tmp_path)
    assert own == tmp_path / "emotion_cnn.tflite"
    assert records.records_folder(own) == tmp_path
