"""What `model._compat` reaches for in other packages is there."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pytest

from model import _compat
from model.records import SHIPPED


@pytest.mark.filterwarnings("ignore")
def test_keras_keeps_averaged_weights() -> None:
    keras = pytest.importorskip("keras", exc_type=ImportError)
    network = keras.Sequential([keras.layers.Input((2,)), keras.layers.Dense(1)])
    optimizer = keras.optimizers.SGD(0.5, use_ema=True, ema_momentum=0.5)
    optimizer.build(network.trainable_variables)
    averages = _compat.averaged_weights(optimizer)
    assert [tuple(one.shape) for one in averages] == [(2, 1), (1,)]


@pytest.mark.filterwarnings("ignore")
def test_a_litert_file_is_read_and_written_alike(tmp_path: Path) -> None:
    pytest.importorskip("tensorflow", exc_type=ImportError)
    model = _compat.read_litert(SHIPPED)
    graph = model.subgraphs[0]
    dense = graph.operators[-2]
    assert _compat.is_int8(graph.tensors[dense.inputs[1]])
    assert not _compat.is_int8(graph.tensors[graph.outputs[0]])
    _compat.write_litert(model, tmp_path / "again.tflite")
    again = _compat.read_litert(tmp_path / "again.tflite")
    assert len(again.buffers) == len(model.buffers)
    for one, other in zip(model.buffers, again.buffers, strict=True):
        assert np.array_equal(one.data, other.data)


def test_a_parser_tells_its_options() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--batch-size", type=int)
    group = parser.add_argument_group("more")
    group.add_argument("-r", "--run")
    assert _compat.option_flags(parser) == {
        "help": "--help",
        "batch_size": "--batch-size",
        "run": "--run",
    }
