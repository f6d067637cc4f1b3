"""The network for browsers: depthwise convolutions with float weights, and the same readings."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter
from skimage import data

from emotion.classifier import WEIGHTS, EmotionClassifier
from emotion.float_depthwise import with_float_depthwise
from emotion.labels import HEADS, HeadName


@pytest.fixture(scope="module")
def floating(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("networks") / "floating.tflite"
    file.write_bytes(with_float_depthwise(WEIGHTS.read_bytes()))
    return file


def tensors(file: Path) -> dict[int, dict[str, Any]]:
    details = Interpreter(model_path=str(file)).get_tensor_details()
    return {tensor["index"]: tensor for tensor in details}


def test_only_depthwise_weights_have_another_type(floating: Path) -> None:
    before, after = tensors(WEIGHTS), tensors(floating)
    changed = [index for index in before if before[index]["dtype"] != after[index]["dtype"]]
    assert before.keys() == after.keys()
    assert len(changed) >= 10
    for index in changed:
        assert (before[index]["dtype"], after[index]["dtype"]) == (np.int8, np.float32)
        assert before[index]["shape"][0] == 1
    for index in before.keys() - set(changed):
        assert before[index]["dtype"] is after[index]["dtype"]
        assert before[index]["shape_signature"].tolist() == after[index]["shape_signature"].tolist()


def test_their_values_are_the_same(floating: Path) -> None:
    before, after = Interpreter(model_path=str(WEIGHTS)), Interpreter(model_path=str(floating))
    for index, tensor in tensors(WEIGHTS).items():
        if tensor["dtype"] is not np.int8:
            continue
        weights, found = before.get_tensor(index), after.get_tensor(index)
        if found.dtype == np.float32:
            np.testing.assert_allclose(
                found, weights * tensor["quantization_parameters"]["scales"], rtol=1e-6
            )
        else:
            np.testing.assert_array_equal(found, weights)


@pytest.mark.parametrize("head", HEADS)
def test_faces_are_read_as_before_but_for_rounding(floating: Path, head: HeadName) -> None:
    face = data.astronaut()[66:163, 177:274].mean(axis=2)
    noise = np.random.default_rng(0).normal(0, 20, (8, 48, 48))
    crops = np.clip(face[::2, ::2][:48, :48] + noise, 0, 255).astype(np.uint8)
    before, after = EmotionClassifier(head=head), EmotionClassifier(floating, head=head)
    np.testing.assert_allclose(after.predict(crops), before.predict(crops), atol=0.03)


def test_a_second_time_changes_nothing(floating: Path) -> None:
    once = floating.read_bytes()
    assert with_float_depthwise(once) == once


@pytest.mark.parametrize("file", [b"", b"TFL3", b"\x00" * 64, b"PK\x03\x04" * 40])
def test_another_file_is_refused(file: bytes) -> None:
    with pytest.raises(ValueError, match="not a LiteRT file"):
        with_float_depthwise(file)
