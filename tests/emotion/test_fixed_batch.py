"""The network for runtimes that want to know the size of a batch: the same, bit by bit."""

from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from emotion.classifier import WEIGHTS, EmotionClassifier
from emotion.fixed_batch import with_fixed_batch


@pytest.fixture(scope="module")
def fixed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("networks") / "fixed.tflite"
    file.write_bytes(with_fixed_batch(WEIGHTS.read_bytes()))
    return file


def test_it_takes_one_crop_and_no_more(fixed: Path) -> None:
    details = Interpreter(model_path=str(fixed)).get_input_details()[0]
    assert details["shape_signature"].tolist() == [1, 48, 48, 1]
    shipped = Interpreter(model_path=str(WEIGHTS)).get_input_details()[0]
    assert shipped["shape_signature"].tolist() == [-1, 48, 48, 1]


def test_no_tensor_is_left_whose_size_is_unknown(fixed: Path) -> None:
    interpreter = Interpreter(model_path=str(fixed))
    assert all((tensor["shape_signature"] > 0).all() for tensor in interpreter.get_tensor_details())


@pytest.mark.parametrize("head", ["people", "fer2013"])
def test_both_heads_read_as_before(fixed: Path, head: str) -> None:
    crops = np.random.default_rng(0).integers(0, 256, (6, 48, 48), dtype=np.uint8)
    before = EmotionClassifier(head=head)  # type: ignore[arg-type]
    after = EmotionClassifier(fixed, head=head)  # type: ignore[arg-type]
    for crop in crops[:, np.newaxis]:
        np.testing.assert_array_equal(after.predict(crop), before.predict(crop))


def test_the_weights_are_not_touched(fixed: Path) -> None:
    before = np.frombuffer(WEIGHTS.read_bytes(), np.uint8)
    after = np.frombuffer(fixed.read_bytes(), np.uint8)
    assert before.shape == after.shape
    tensors = len(Interpreter(model_path=str(fixed)).get_tensor_details())
    # Four bytes, -1 before and 1 now, in no more places than there are tensors.
    assert 0 < (before != after).sum() <= 4 * tensors


@pytest.mark.parametrize("file", [b"", b"TFL3", b"\x00" * 64, b"PK\x03\x04" * 40])
def test_another_file_is_refused(file: bytes) -> None:
    with pytest.raises(ValueError, match="not a LiteRT file"):
        with_fixed_batch(file)
