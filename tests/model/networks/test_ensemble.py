"""Networks that speak together, and shipped ones brought back as runs."""

from __future__ import annotations

import argparse
import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from model.data.fer2013 import load_fer2013
from model.training import export, restore

keras = pytest.importorskip("keras", exc_type=ImportError)

# Keras and TensorFlow warn about each other's ways; that is not ours to mend.
pytestmark = pytest.mark.filterwarnings("ignore")


def logits_of(network: Any, pictures: NDArray[np.float32]) -> NDArray[np.float32]:
    reads = keras.Model(network.input, network.get_layer("logits").output)
    return np.asarray(reads.predict(pictures, verbose=0))


@pytest.fixture
def pair() -> list[Any]:
    from model.networks.emotion_cnn import build_model

    keras.utils.set_random_seed(3)
    networks = [
        build_model(widths=(4, 8), depths=(1, 2), name="small"),
        build_model(widths=(4, 6), depths=(1, 1), name="smaller"),
    ]
    for network in networks:  # a fresh last layer's bias is 0
        kernel, bias = network.get_layer("logits").get_weights()
        network.get_layer("logits").set_weights([kernel, np.arange(7, dtype="float32") + bias])
    return networks


def test_the_joined_logits_are_the_mean_of_both(pair: list[Any]) -> None:
    from model.networks.ensemble import join_networks, leaves

    pictures = np.random.default_rng(0).uniform(0, 255, (5, 48, 48, 1)).astype("float32")
    joined = join_networks(pair)
    expected = np.mean([logits_of(network, pictures) for network in pair], axis=0)
    assert logits_of(joined, pictures) == pytest.approx(expected, abs=1e-4)
    assert joined.get_layer("features").output.shape == (None, 8 + 6)
    assert joined.predict(pictures, verbose=0).sum(axis=1) == pytest.approx(np.ones(5), abs=1e-5)
    convolutions = [leaf for leaf in leaves(joined) if isinstance(leaf, keras.layers.Conv2D)]
    parts = [leaf for network in pair for leaf in leaves(network)]
    assert convolutions == [leaf for leaf in parts if isinstance(leaf, keras.layers.Conv2D)]
    with pytest.raises(ValueError, match="two are needed"):
        join_networks(pair[:1])


def test_two_runs_are_exported_as_one(
    pair: list[Any], tiny_zip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = tmp_path / "runs"
    monkeypatch.setattr(export, "RUNS", runs)
    for network in pair:
        folder = runs / network.name
        folder.mkdir(parents=True)
        network.save(folder / "best.keras")
        start = {"run": network.name, "data": None, "votes": None}
        (folder / "arguments.json").write_text(json.dumps([start]))
        (folder / "best.json").write_text("{}")
        (folder / "history.csv").write_text(f"{network.name}\n")
        (folder / "curves.png").write_bytes(b"")
    parser = argparse.ArgumentParser()
    export.add_arguments(parser)
    words = ["--data", str(tiny_zip), "--run", "small", "--join", "smaller"]
    out = tmp_path / "out"
    exported = export.run(parser.parse_args([*words, "--out", str(out)]))
    how = json.loads((out / "training.json").read_text())
    assert how["starts"][0]["run"] == "small"
    assert how["joined"]["starts"][0]["run"] == "smaller"
    assert (out / "history.csv").read_text() == "small\n"
    pictures = load_fer2013(tiny_zip).public_test.images
    from_keras = export.load_predictor(out / "emotion_cnn.keras")(pictures)
    assert export.load_predictor(exported)(pictures) == pytest.approx(
        from_keras, abs=10 * export.MAX_MEAN_DIFFERENCE
    )
    with pytest.raises(FileNotFoundError, match=r"no trained network at .*third"):
        export.run(parser.parse_args([*words[:-1], "third", "--out", str(out)]))


def test_a_shipped_network_comes_back_as_a_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository, runs = tmp_path / "repository", tmp_path / "runs"
    weights = repository / restore.SHIPPED
    weights.mkdir(parents=True)
    (weights / "emotion_cnn.keras").write_bytes(b"a network")
    (weights / "history.csv").write_text("epoch\n0\n")
    (weights / "curves.png").write_bytes(b"curves")
    how = {"starts": [{"run": "old", "data": None}], "best": {"epoch": 1}}
    (weights / "training.json").write_text(json.dumps(how))
    git = ["git", "-C", str(repository), "-c", "user.name=a", "-c", "user.email=a@localhost"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "Ship"]):
        subprocess.run([*git, *words], check=True)
    monkeypatch.setattr(restore, "HOME", repository / "model")
    monkeypatch.setattr(restore, "RUNS", runs)
    folder = restore.run(argparse.Namespace(commit="HEAD", run="old"))
    assert (folder / "best.keras").read_bytes() == b"a network"
    assert (folder / "history.csv").read_text() == "epoch\n0\n"
    assert (folder / "curves.png").read_bytes() == b"curves"
    assert json.loads((folder / "arguments.json").read_text()) == how["starts"]
    assert json.loads((folder / "best.json").read_text()) == {"epoch": 1}
    with pytest.raises(ValueError, match="already"):
        restore.run(argparse.Namespace(commit="HEAD", run="old"))
    with pytest.raises(ValueError, match=r"holds no .*training\.json at 'nowhere'"):
        restore.run(argparse.Namespace(commit="nowhere", run="other"))
    assert not (runs / "other").exists()
