"""The small network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from emotion.labels import EMOTIONS
from model.networks.emotion_cnn import build_model
from model.training import train

keras = pytest.importorskip("keras", exc_type=ImportError)

# Keras and TensorFlow warn about each other's ways; that is not ours to mend.
pytestmark = pytest.mark.filterwarnings("ignore")


def test_shipped_architecture_keeps_its_promises() -> None:
    network = build_model()
    assert network.input_shape == (None, 48, 48, 1)
    assert network.count_params() <= 5_000_000
    pictures = np.random.default_rng(0).integers(0, 256, (3, 48, 48, 1)).astype("float32")
    probabilities = np.asarray(network(pictures))
    assert probabilities.shape == (3, len(EMOTIONS))
    assert probabilities.sum(axis=1) == pytest.approx([1, 1, 1], abs=1e-5)
    with pytest.raises(ValueError, match="'depths'"):
        build_model(widths=(8, 8), depths=(1,))
    with pytest.raises(ValueError, match=r"'depths' argument: .*even"):
        build_model(widths=(8, 8), depths=(1, 3))


def test_a_deepened_network_starts_as_the_one_it_grew_from(tmp_path: Path) -> None:
    shallow = build_model(widths=(4, 8), depths=(1, 2))
    for layer in shallow.layers:  # an untrained network would hide a weight that went astray
        layer.set_weights([np.random.default_rng(1).random(w.shape) for w in layer.get_weights()])
    shallow.save(tmp_path / "shallow.keras")
    deep = build_model(widths=(4, 8), depths=(1, 4))
    assert 0 < train._start_from(deep, tmp_path / "shallow.keras") < 1
    pictures = np.random.default_rng(0).integers(0, 256, (3, 48, 48, 1)).astype("float32")
    assert np.asarray(deep(pictures)) == pytest.approx(np.asarray(shallow(pictures)), abs=1e-5)
