"""The larger network."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import pytest

from emotion.labels import EMOTIONS
from model.data.fer2013 import load_fer2013
from model.evaluation import evaluate
from model.networks import efficientnet
from model.networks.emotion_cnn import build_model
from model.training import export, train
from tests.model.conftest import Options

keras = pytest.importorskip("keras", exc_type=ImportError)

# Keras and TensorFlow warn about each other's ways; that is not ours to mend.
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the same kinds of blocks, but few of them and narrow ones."""
    stages = ((1, 3, 1, 1, 8), (2, 3, 2, 6, 8), (2, 5, 2, 6, 12), (1, 3, 1, 6, 16))
    monkeypatch.setattr(efficientnet, "STAGES", stages)
    monkeypatch.setattr(efficientnet, "STEM", 8)
    monkeypatch.setattr(efficientnet, "HEAD", 24)


def test_the_larger_network_is_efficientnet_lite0() -> None:
    network = efficientnet.build_efficientnet()
    assert network.get_layer("features").output.shape == (None, 1280)
    assert network.get_layer("block15-bn2").output.shape == (None, 3, 3, 320)
    # As its authors count them, with one channel in and seven emotions out.
    without_head = network.count_params() - 7 * (1280 + 1)
    assert without_head == 3_413_024 - 2 * 9 * 32


@pytest.mark.usefixtures("tiny")
def test_the_larger_network_takes_the_weights_that_it_is_given() -> None:
    network = efficientnet.build_efficientnet()
    rng = np.random.default_rng(0)
    parts = ("weight", "bias", "running_mean", "running_var")
    state = {}
    for layer in network.layers:
        for part, weight in zip(
            parts, layer.weights if layer.name != "logits" else [], strict=False
        ):
            shape = tuple(weight.shape)
            if len(shape) == 4:  # as PyTorch has it: out, in, height, width
                wide = isinstance(layer, keras.layers.DepthwiseConv2D)
                shape = (*((2, 3) if wide else (3, 2)), 0, 1)
                shape = tuple(weight.shape[axis] for axis in shape)
                shape = (shape[0], 3, *shape[2:]) if layer.name == "conv_stem" else shape
            state[f"{efficientnet._pytorch_name(layer.name)}.{part}"] = rng.random(
                shape, np.float32
            )
    efficientnet.set_imagenet_weights(network, state)
    stem = network.get_layer("conv_stem").get_weights()[0]
    assert stem[0, 1, 0, 5] == pytest.approx(state["_conv_stem.weight"][5, :, 0, 1].sum())
    # PyTorch will not have the first, TensorFlow not the second.
    assert not any("." in layer.name or layer.name[0] == "_" for layer in network.layers)
    head = network.get_layer("conv_head").get_weights()[0]
    assert head[0, 0, 7, 9] == state["_conv_head.weight"][9, 7, 0, 0]
    across = network.get_layer("block3-depthwise_conv").get_weights()[0]
    assert across[1, 2, 7, 0] == state["_blocks.3._depthwise_conv.weight"][7, 0, 1, 2]
    variance = network.get_layer("block5-bn2").get_weights()[3]
    assert variance[3] == state["_blocks.5._bn2.running_var"][3]
    del state["_blocks.4._bn1.running_var"]
    with pytest.raises(ValueError, match=r"_blocks\.4\._bn1\.running_var"):
        efficientnet.set_imagenet_weights(network, state)


@pytest.mark.usefixtures("tiny")
def test_the_larger_network_is_trained_and_exported_by_the_same_commands(
    options: Options, tiny_zip: Path, tmp_path: Path
) -> None:
    chosen = ("--network", "efficientnet_lite0", "--side", "72", "--epochs", "1", "--limit", "16")
    run = train.train(options(*chosen))
    trained = keras.saving.load_model(run / "best.keras", compile=False)
    assert trained.name == "efficientnet_lite0"
    assert trained.get_layer("upscale").output.shape == (None, 72, 72, 1)
    assert trained.output_shape == (None, len(EMOTIONS))
    # It is shipped in another size than it was trained in.
    parser = argparse.ArgumentParser()
    export.add_arguments(parser)
    given = ["--data", str(tiny_zip), "--out", str(tmp_path), "--side", "64"]
    exported = export.run(parser.parse_args(given))
    shipped = keras.saving.load_model(tmp_path / "emotion_cnn.keras", compile=False)
    assert shipped.get_layer("upscale").output.shape == (None, 64, 64, 1)
    split = load_fer2013(tiny_zip).public_test
    assert evaluate.load_predictor(exported)(split.images).shape == (len(split), len(EMOTIONS))
    how = json.loads((tmp_path / "training.json").read_text())
    assert (how["starts"][0]["side"], how["shipped_side"]) == (72, 64)


def test_only_a_network_that_enlarges_its_input_changes_size() -> None:
    small = build_model(widths=(4, 8), depths=(1, 2))
    with pytest.raises(ValueError, match="Incorrect value for 'side' argument"):
        efficientnet.at_side(small, 64)


@pytest.mark.usefixtures("tiny")
def test_weights_stay_when_the_size_changes() -> None:
    network = efficientnet.build_efficientnet(side=64)
    smaller = efficientnet.at_side(efficientnet.at_side(network, 48), 64)
    pictures = np.random.default_rng(0).integers(0, 256, (2, 48, 48, 1)).astype("float32")
    assert np.asarray(smaller(pictures)) == pytest.approx(np.asarray(network(pictures)), abs=1e-6)
