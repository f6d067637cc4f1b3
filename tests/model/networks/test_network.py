"""The way from data to shipped file, on a network small enough to train in a test."""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from emotion.labels import EMOTIONS
from model.data.fer2013 import load_fer2013
from model.evaluation import evaluate
from model.networks import efficientnet
from model.networks.emotion_cnn import build_model
from model.training import export, recipe, train
from model.training.calibration import Calibration

keras = pytest.importorskip("keras", exc_type=ImportError)

# Keras and TensorFlow warn about each other's ways; that is not ours to mend.
pytestmark = pytest.mark.filterwarnings("ignore")

Options = Callable[..., argparse.Namespace]


@pytest.fixture
def options(tiny_zip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Options:
    """Return a maker of training options for a tiny network whose run goes to a tmp folder."""
    monkeypatch.setattr(train, "RUNS", tmp_path / "runs")
    monkeypatch.setattr(export, "RUNS", tmp_path / "runs")
    parser = argparse.ArgumentParser()
    train.add_arguments(parser)

    def make(*more: str) -> argparse.Namespace:
        tiny = ["--widths", "4", "8", "--depths", "1", "2", "--batch-size", "16", "--verbose", "0"]
        return parser.parse_args(["--data", str(tiny_zip), *tiny, *more])

    return make


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
    variance = network.get_layer("block15-bn2").get_weights()[3]
    assert variance[3] == state["_blocks.15._bn2.running_var"][3]
    del state["_blocks.4._bn1.running_var"]
    with pytest.raises(ValueError, match=r"_blocks\.4\._bn1\.running_var"):
        efficientnet.set_imagenet_weights(network, state)


def test_the_larger_network_is_trained_and_exported_by_the_same_commands(
    options: Options, tiny_zip: Path, tmp_path: Path
) -> None:
    chosen = ("--network", "efficientnet_lite0", "--side", "72", "--epochs", "1", "--limit", "16")
    run = train.train(options(*chosen))
    trained = keras.saving.load_model(run / "best.keras", compile=False)
    assert trained.name == "efficientnet_lite0"
    assert trained.get_layer("upscale").output.shape == (None, 72, 72, 1)
    assert trained.output_shape == (None, len(EMOTIONS))
    split = load_fer2013(tiny_zip).public_test
    exported = export.export(trained, tmp_path / "large.tflite", split)
    assert evaluate.load_predictor(exported)(split.images).shape == (len(split), len(EMOTIONS))


def test_the_larger_network_is_shipped_in_another_size_than_it_was_trained_in(
    options: Options, tiny_zip: Path, tmp_path: Path
) -> None:
    chosen = ("--network", "efficientnet_lite0", "--side", "72", "--epochs", "1", "--limit", "16")
    train.train(options(*chosen))
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
    small = build_model(widths=(4, 8), depths=(1, 2))
    with pytest.raises(ValueError, match="Incorrect value for 'side' argument"):
        efficientnet.at_side(small, 64)


def test_weights_stay_when_the_size_changes() -> None:
    network = efficientnet.build_efficientnet(side=64)
    smaller = efficientnet.at_side(efficientnet.at_side(network, 48), 64)
    pictures = np.random.default_rng(0).integers(0, 256, (2, 48, 48, 1)).astype("float32")
    assert np.asarray(smaller(pictures)) == pytest.approx(np.asarray(network(pictures)), abs=1e-6)


def test_augmentation_changes_only_in_training() -> None:
    from model.data.augmentation import RandomAugmentation

    pictures = np.random.default_rng(0).integers(0, 256, (8, 48, 48, 1)).astype("uint8")
    layer = RandomAugmentation(seed=3, noise=10.0, blur=1.0)
    assert np.array_equal(np.asarray(layer(pictures, training=False)), pictures)
    changed = np.asarray(layer(pictures, training=True))
    assert changed.shape == pictures.shape
    assert changed.dtype == np.float32
    assert 0 <= changed.min() <= changed.max() <= 255
    assert not np.array_equal(changed, pictures)
    again = RandomAugmentation.from_config(layer.get_config())
    assert np.array_equal(np.asarray(again(pictures, training=True)), changed)


def test_augmentation_without_strength_is_the_picture_or_its_mirror() -> None:
    from model.data.augmentation import RandomAugmentation

    pictures = np.random.default_rng(0).integers(0, 256, (16, 48, 48, 1)).astype("float32")
    layer = RandomAugmentation(
        rotation=0.0, scale=0.0, shift=0.0, brightness=0.0, contrast=0.0, erase=0.0
    )
    changed = np.asarray(layer(pictures, training=True))
    same = [np.allclose(a, b, atol=0.01) for a, b in zip(changed, pictures, strict=True)]
    mirrored = [
        np.allclose(a, b[:, ::-1], atol=0.01) for a, b in zip(changed, pictures, strict=True)
    ]
    assert all(a != b for a, b in zip(same, mirrored, strict=True))
    assert any(same)
    assert any(mirrored)


def test_noise_falls_on_half_of_the_pictures() -> None:
    from model.data.augmentation import RandomAugmentation

    grey = np.full((200, 48, 48, 1), 128, np.float32)
    still = dict.fromkeys(("rotation", "scale", "shift", "brightness", "contrast", "erase"), 0.0)
    grain = np.asarray(RandomAugmentation(**still, noise=10.0)(grey, training=True)).std((1, 2, 3))
    assert 0.35 < (grain < 0.5).mean() < 0.65
    assert 8 < grain.max() < 11


def test_what_lies_beyond_the_edge_repeats_the_edge() -> None:
    from model.data.augmentation import RandomAugmentation

    grey = np.full((50, 48, 48, 1), 128, np.float32)
    still = dict.fromkeys(("brightness", "contrast", "erase"), 0.0)
    assert np.allclose(RandomAugmentation(**still)(grey, training=True), grey, atol=0.01)


def test_blur_falls_on_some_pictures_and_is_as_strong_as_it_says() -> None:
    import cv2

    from model.data.augmentation import RandomAugmentation

    face = np.random.default_rng(0).integers(0, 256, (48, 48, 1)).astype("float32")
    faces = np.repeat(face[None], 200, axis=0)
    faces = np.maximum(faces, faces[:, :, ::-1])  # its own mirror image
    still = dict.fromkeys(("rotation", "scale", "shift", "brightness", "contrast", "erase"), 0.0)
    blurred = np.asarray(RandomAugmentation(**still, blur=1.0)(faces, training=True))
    sharp = np.abs(blurred - faces).max((1, 2, 3)) < 0.1
    # Half of the faces, and those whose blur is too weak to be seen: a quarter of a pixel.
    assert 0.5 < sharp.mean() < 0.75
    softest = blurred[blurred.std((1, 2, 3)).argmin(), ..., 0]
    expected = cv2.GaussianBlur(faces[0, ..., 0], (7, 7), 1.0, borderType=cv2.BORDER_REFLECT_101)
    assert softest.std() == pytest.approx(expected.std(), rel=0.05)
    assert softest.mean() == pytest.approx(faces[0].mean(), rel=0.01)


def test_train_resumes_exports_and_evaluates(
    options: Options, tiny_zip: Path, tiny_votes: Path, tmp_path: Path
) -> None:
    votes = ["--votes", str(tiny_votes)]
    run = train.train(options("--epochs", "1", *votes))
    assert _epochs(run) == [0]
    # The same command with more epochs goes on instead of starting again.
    assert train.train(options("--epochs", "2", *votes)) == run
    assert _epochs(run) == [0, 1]
    starts = json.loads((run / "arguments.json").read_text())
    assert [(start["epochs"], start["epochs_done"]) for start in starts] == [(1, 0), (2, 1)]
    best = json.loads((run / "best.json").read_text())
    assert 0 <= best["accuracy"] <= 1
    assert set(best["recall"]) == set(EMOTIONS)

    out = tmp_path / "weights"
    parser = argparse.ArgumentParser()
    export.add_arguments(parser)
    exported = export.run(parser.parse_args(["--data", str(tiny_zip), "--out", str(out)]))
    assert {file.name for file in out.iterdir()} == {
        "emotion_cnn.keras",
        "emotion_cnn.tflite",
        "training.json",
        "calibration.json",
        "history.csv",
        "curves.png",
    }
    starts = json.loads((out / "training.json").read_text())["starts"]
    assert [start["data"] for start in starts] == ["fer2013.zip"] * 2

    # A run that was begun before a run could begin with another is exported, too.
    old = json.loads((run / "arguments.json").read_text())
    for start in old:
        del start["initial"], start["teacher"]
    (run / "arguments.json").write_text(json.dumps(old))
    export.run(parser.parse_args(["--data", str(tiny_zip), "--out", str(out)]))

    split = load_fer2013(tiny_zip).public_test
    from_keras = evaluate.load_predictor(out / "emotion_cnn.keras")(split.images)
    from_litert = evaluate.load_predictor(exported)(split.images)
    assert from_litert == pytest.approx(from_keras, abs=10 * export.TOLERANCE)
    calibration = json.loads((out / "calibration.json").read_text())
    assert calibration["temperature"] > 0
    assert list(calibration["bias"]) == list(EMOTIONS)
    # The calibration is in the files, and the file to go on from is the one that was measured.
    trained = evaluate.load_predictor(run / "best.keras")(split.images)
    fitted = Calibration(calibration["temperature"], tuple(calibration["bias"].values()))
    assert from_keras == pytest.approx(fitted.apply(trained), abs=0.005)


def test_train_begins_with_another_run_and_learns_from_it(
    options: Options, tiny_zip: Path, tmp_path: Path
) -> None:
    first = train.train(options("--run", "first", "--epochs", "1")) / "best.keras"
    begun = options(
        *("--run", "second", "--epochs", "1", "--learning-rate", "0", "--weight-decay", "0"),
        *("--initial", str(first), "--teacher", str(first)),
    )
    second = train.train(begun) / "best.keras"
    # Nothing was learned at this rate, so what it began with is still there.
    kernels = [keras.saving.load_model(f).get_layer("logits").kernel for f in (first, second)]
    assert np.allclose(*map(np.asarray, kernels))

    out = tmp_path / "weights"
    parser = argparse.ArgumentParser()
    export.add_arguments(parser)
    chosen = ["--run", "second", "--data", str(tiny_zip), "--out", str(out)]
    export.run(parser.parse_args(chosen))
    how = json.loads((out / "training.json").read_text())
    assert how["starts"][0]["teacher"] == ["first/best.keras"]
    assert [start["run"] for start in how["initial"]["starts"]] == ["first"]

    # As a run says it that was brought back out of the history.
    note = second.with_name("arguments.json")
    said = json.loads(note.read_text())
    said[0]["initial"] = "first/best.keras"
    note.write_text(json.dumps(said))
    export.run(parser.parse_args(chosen))
    assert json.loads((out / "training.json").read_text())["initial"] == how["initial"]


def test_a_teacher_softens_the_labels(
    options: Options, tiny_zip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    split = load_fer2013(tiny_zip).training
    unsure = np.full((len(split), len(EMOTIONS)), 1 / len(EMOTIONS), np.float32)
    monkeypatch.setattr(train, "load_predictor", lambda _: lambda shown: unsure[: len(shown)])
    chosen = options("--teacher", "teacher.keras", "--teacher-views", "1")
    taught = train._teacher_probabilities(tmp_path, split, chosen)
    soft = train._targets(split, taught, teacher_weight=0.7)["logits"]
    assert soft.sum(axis=1) == pytest.approx(np.ones(len(split)))
    assert np.array_equal(soft.argmax(axis=1), split.labels)
    assert soft.max(axis=1) == pytest.approx(np.full(len(split), 0.3 + 0.7 / 7))
    # A run that goes on does not ask its teacher again.
    monkeypatch.setattr(train, "load_predictor", lambda _: pytest.fail("asked again"))
    assert np.array_equal(train._teacher_probabilities(tmp_path, split, chosen), taught)


def test_export_refuses_a_run_that_is_not_there(
    options: Options, tiny_zip: Path, tmp_path: Path
) -> None:
    parser = argparse.ArgumentParser()
    export.add_arguments(parser)
    with pytest.raises(FileNotFoundError, match="train one first"):
        export.run(parser.parse_args(["--run", "none", "--data", str(tiny_zip)]))


def test_export_keeps_the_old_file_where_the_new_one_is_worse(
    tiny_zip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "x.tflite"
    target.write_bytes(b"old")
    monkeypatch.setattr(export, "TOLERANCE", -1.0)
    network = build_model(widths=(4, 8), depths=(1, 2))
    with pytest.raises(ValueError, match="differs from Keras"):
        export.export(network, target, load_fer2013(tiny_zip).public_test)
    assert target.read_bytes() == b"old"


def test_a_run_that_mixes_balances_and_is_out_of_time_goes_on(
    options: Options, tiny_zip: Path, tiny_votes: Path
) -> None:
    given = [
        *("--votes", str(tiny_votes), "--epochs", "3", "--mixup", "0.3", "--plain", "0.4"),
        *("--balance-by", "sampling", "--balance", "1", "--precision", "mixed_bfloat16"),
        *("--detected", "0.5"),
    ]
    run = train.train(options(*given, "--minutes", "0"))
    assert _epochs(run) == [0]
    assert np.load(run / "detected.npy").dtype == np.uint8
    assert train.train(options(*given)) == run
    assert _epochs(run) == [0, 1, 2]
    saved = keras.saving.load_model(run / "best.keras")
    assert {layer.compute_dtype for layer in saved.layers} == {"float32"}


def test_the_recipe_trains_its_teachers_then_the_network_and_stops_in_time(
    options: Options, tiny_zip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = {"widths": (4, 8), "depths": (1, 2), "epochs": 2, "batch_size": 16}
    steps = [replace(step, **small) for step in recipe.STEPS]
    monkeypatch.setattr(recipe, "STEPS", tuple(steps))
    parser = argparse.ArgumentParser()
    recipe.add_arguments(parser)
    given = ["--data", str(tiny_zip), "--verbose", "0"]

    with pytest.raises(recipe.OutOfTimeError, match="same command"):
        recipe.run(parser.parse_args([*given, "--minutes", "0"]))
    first = train.RUNS / steps[0].run
    assert _epochs(first) == [0]
    assert recipe.run(parser.parse_args(given)) == train.RUNS / steps[-1].run
    assert all(_epochs(train.RUNS / step.run) == [0, 1] for step in steps)
    started = json.loads((train.RUNS / steps[-1].run / "arguments.json").read_text())
    taught_by = [Path(teacher).parent.name for teacher in started[0]["teacher"]]
    assert taught_by == [step.run for step in steps[:-1]]


def test_a_class_balanced_loss_counts_rare_classes_more(tiny_zip: Path) -> None:
    split = load_fer2013(tiny_zip).training
    split = split.take(np.flatnonzero((split.labels > 0) | (np.arange(len(split)) % 3 == 0)))
    counts = np.bincount(split.labels, minlength=len(EMOTIONS))
    for beta, expected in ((1e-9, np.ones(len(counts))), (1 - 1e-9, 1 / counts)):
        rarity = train._effective_rarity(split, beta=beta)
        assert rarity.mean() == pytest.approx(1.0)
        expected = expected[split.labels]
        assert rarity == pytest.approx(expected / expected.mean(), rel=1e-3)


def test_epochs_between_judgements_are_trained_and_not_judged(options: Options) -> None:
    run = train.train(options("--epochs", "4", "--judge-every", "2"))
    with (run / "history.csv").open(newline="") as lines:
        judged = [row["val_accuracy"] != "nan" for row in csv.DictReader(lines)]
    assert judged == [False, True, False, True]


def _epochs(run: Path) -> list[int]:
    with (run / "history.csv").open(newline="") as lines:
        return [int(row["epoch"]) for row in csv.DictReader(lines)]
