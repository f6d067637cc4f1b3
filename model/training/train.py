"""Training, from the data to the best network of the run. Read it top to bottom.

``python -m model train --data fer2013.zip --votes ferplus_votes.csv --recipe lite8`` writes
``model/runs/lite8/``: ``arguments.json`` (of every start), ``history.csv`` (a line an epoch),
``curves.png``, ``best.keras`` (averaged weights of the epoch that did best on PublicTest, clean
and with noise) and ``backup/``, from which the same command resumes after an interruption.
PrivateTest is never read here.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from emotion.labels import EMOTIONS
from model import options
from model._compat import averaged_weights
from model.data.augmentation import RandomAugmentation
from model.data.batches import Batches
from model.data.fer2013 import FERPLUS_COLUMNS, Split, load_fer2013
from model.evaluation.evaluate import load_predictor, measure, predict_with_mirror
from model.networks.efficientnet import INPUT_SIDE_PX, build_efficientnet
from model.networks.emotion_cnn import WIDTHS, build_model
from model.networks.mobilenet import build_mobilenet
from model.training.curves import draw_curves
from model.training.recipes import expand_recipe
from model.training.runs import RUNS as RUNS
from model.training.runs import epochs_done, weights_of

MOMENTUM = 0.9
expand = expand_recipe
"""Applied to the command line by `model.__main__` before it is parsed."""
VALIDATION_COLUMNS = ("val_accuracy", "val_loss", "with_noise_accuracy")
"""Columns of the history about the averaged weights; nan in an epoch without evaluation."""
VALIDATION_NOISE_SD = 10.0
"""Standard deviation, in intensities 0-255, of the noise with which PublicTest is read as well."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options, in groups."""
    what = parser.add_argument_group("run")
    what.add_argument(
        "--recipe",
        metavar="NAME",
        help="take the options from model/recipes/NAME.yaml, and NAME as the run's; options on the "
        "command line override it",
    )
    what.add_argument("--run", default="default", help="the run's name, a folder in model/runs")
    what.add_argument("--seed", type=int, default=0)
    what.add_argument(
        "--minutes",
        type=float,
        metavar="N",
        help="stop after the epoch in which N minutes have passed",
    )
    what.add_argument("--verbose", type=int, default=1, help="1: progress bar, 2: a line an epoch")

    data = parser.add_argument_group("data")
    options.add_data(data)
    options.add_votes(data, "an auxiliary target; left out by default")
    data.add_argument(
        "--limit", type=int, metavar="N", help="use N images of each split: to try things out"
    )

    network = parser.add_argument_group("network")
    network.add_argument(
        "--network",
        choices=("emotion_cnn", "efficientnet_lite0", "mobilenet"),
        default="emotion_cnn",
        help="our own small CNN (--widths, --depths), a larger one for which there are ImageNet "
        "weights, or one for which there are face-recognition weights",
    )
    network.add_argument("--widths", type=int, nargs="+", default=list(WIDTHS))
    network.add_argument("--depths", type=int, nargs="+", default=[1, 2, 2, 2])
    network.add_argument(
        "--side", type=int, default=INPUT_SIDE_PX, help="input side of the larger networks, pixels"
    )
    network.add_argument("--dropout", type=float, default=0.3)
    network.add_argument(
        "--initial",
        type=weights_of,
        metavar="RUN",
        help="start from this run's network, or from a .keras file, instead of random weights",
    )

    how = parser.add_argument_group("optimization")
    how.add_argument("--epochs", type=int, default=32)
    how.add_argument("--batch-size", type=int, default=128)
    how.add_argument("--learning-rate", type=float, default=0.04, help="peak of the schedule")
    how.add_argument("--warmup", type=float, default=1.0, help="epochs of linear warm-up")
    how.add_argument("--weight-decay", type=float, default=1e-3, help="decoupled, kernels only")
    how.add_argument("--label-smoothing", type=float, default=0.05)
    how.add_argument("--ema", type=float, default=0.998, help="decay of the averaged weights")
    how.add_argument("--votes-weight", type=float, default=0.5, help="weight of the FER+ loss")
    how.add_argument("--precision", choices=("float32", "mixed_bfloat16"), default="float32")
    how.add_argument(
        "--judge-every",
        type=int,
        default=1,
        metavar="N",
        help="evaluate the averaged weights every N epochs, to save time; in the last quarter, "
        "after every epoch",
    )

    balance = parser.add_argument_group("class balance")
    balance.add_argument("--balance", type=float, default=0.25, help="0: none, 1: full")
    balance.add_argument(
        "--balance-by",
        choices=("loss", "sampling", "effective-number"),
        default="loss",
        help="weight the loss by class frequency, draw rare classes more often, or weight the "
        "loss by the effective number of samples (--effective)",
    )
    balance.add_argument(
        "--effective", type=float, default=0.999, help="beta, 0: none, near 1: full"
    )

    augmentation = parser.add_argument_group("augmentation")
    add = augmentation.add_argument
    add(
        "--strength",
        type=float,
        default=0.8,
        help="of rotation, scale, shift, brightness and contrast, 0-1",
    )
    add("--scale", type=float, default=0.25, help="change of size at strength 1, 0-1")
    add(
        "--edge",
        choices=("nearest", "constant"),
        default="nearest",
        help="beyond a moved image's edge",
    )
    add("--erase", type=float, default=0.25, help="fraction of images with a rectangle erased")
    add(
        "--noise",
        type=float,
        default=16.0,
        help="largest deviation of the noise, intensities 0-255",
    )
    add("--blur", type=float, default=0.0, help="largest deviation of the blur, pixels, 0-1.5")
    add(
        "--detected",
        type=float,
        default=0.0,
        help="fraction of images that are replaced by crops as the app's detectors make them, 0-1",
    )
    add("--mixup", type=float, default=0.0, help="parameter of the Beta distribution; 0: none")
    add("--cutmix", type=float, default=0.0, help="parameter of the Beta distribution; 0: none")
    add(
        "--plain",
        type=float,
        default=0.1,
        help="fraction of the epochs, at the end, without mixup and CutMix",
    )

    teachers = parser.add_argument_group("distillation")
    teachers.add_argument(
        "--teacher",
        type=weights_of,
        nargs="+",
        default=[],
        metavar="RUN",
        help="runs, or .keras files, whose mean probabilities soften the labels",
    )
    teachers.add_argument(
        "--teacher-weight", type=float, default=0.4, help="their fraction of the labels, 0-1"
    )
    teachers.add_argument(
        "--teacher-views",
        type=int,
        default=0,
        help="random views, in addition to the image and its mirror image",
    )


def run(arguments: argparse.Namespace) -> Path:
    """Train as the command line asks."""
    return train(arguments)


def train(arguments: argparse.Namespace) -> Path:
    """Train one network and return the run's folder.

    A run that was interrupted resumes where it stopped when it is started again with the same
    ``--run``. ``--epochs`` may be changed then: the cosine schedule is recomputed.
    """
    run: Path = RUNS / arguments.run
    run.mkdir(parents=True, exist_ok=True)
    # A resumed run must not repeat the order and the augmentations of its first epochs.
    done = _note_start(run, arguments)
    seed = arguments.seed + 1000 * done
    keras.utils.set_random_seed(seed)

    data = load_fer2013(arguments.data, ferplus=arguments.votes)
    print(data.cleaning)
    training = _first(data.training, arguments.limit, seed=arguments.seed)
    validation = _first(data.public_test, arguments.limit, seed=arguments.seed)

    keras.config.set_dtype_policy("float32")
    published = _build(arguments)  # in full precision, also after mixed-precision training
    soft = _teacher_probabilities(run, training, arguments)
    targets = _targets(training, soft, arguments.teacher_weight)
    keras.config.set_dtype_policy(arguments.precision)
    network = _build(arguments)
    print(f"{network.count_params():,} parameters, Keras on {keras.backend.backend()}")
    if arguments.initial:
        print(f"{_start_from(network, arguments.initial):.0%} copied from {arguments.initial}")
    augmentation = RandomAugmentation.of_strength(
        arguments.strength,
        scale=arguments.scale,
        edge=arguments.edge,
        erase=arguments.erase,
        noise=arguments.noise,
        blur=arguments.blur,
        seed=seed,
        dtype="float32",
        name="augmentation",
    )
    learner = _with_heads(network, augmentation, dropout=arguments.dropout)
    steps = math.ceil(len(training) / arguments.batch_size)
    learner.compile(
        optimizer=_optimizer(learner, arguments, steps),
        loss={
            "logits": keras.losses.CategoricalCrossentropy(
                from_logits=True, label_smoothing=arguments.label_smoothing
            ),
            "votes": keras.losses.CategoricalCrossentropy(from_logits=True),
        },
        loss_weights={"logits": 1.0, "votes": arguments.votes_weight},
        metrics={"logits": [keras.metrics.CategoricalAccuracy("accuracy")]},
    )
    rarity = (
        _effective_rarity(training, beta=arguments.effective)
        if arguments.balance_by == "effective-number"
        else _rarity(training, balance=arguments.balance)
    )
    sampled = arguments.balance_by == "sampling"
    batches = Batches(
        training.images,
        targets,
        _weights(training, np.ones(len(training)) if sampled else rarity),
        batch_size=arguments.batch_size,
        replacements=_detected(run, training) if arguments.detected else None,
        replaced_fraction=arguments.detected,
        chances=rarity if sampled else None,
        mixup=arguments.mixup,
        cutmix=arguments.cutmix,
        plain_from=round(arguments.epochs * (1 - arguments.plain)),
        epoch=done,
        seed=arguments.seed,
    )
    learner.fit(
        batches,
        epochs=arguments.epochs,
        verbose=arguments.verbose,
        callbacks=[
            keras.callbacks.BackupAndRestore(str(run / "backup"), delete_checkpoint=False),
            _KeepBest(
                network,
                published,
                training,
                validation,
                run,
                every=arguments.judge_every,
                all_from=round(0.75 * arguments.epochs),
            ),
            _KeepTime(arguments.minutes),
            keras.callbacks.CSVLogger(str(run / "history.csv"), append=True),
        ],
    )
    keras.config.set_dtype_policy("float32")
    draw_curves(run / "history.csv", run / "curves.png")
    return run


def _build(arguments: argparse.Namespace) -> keras.Model:
    if arguments.network == "efficientnet_lite0":
        return build_efficientnet(side=arguments.side, dropout=arguments.dropout)
    if arguments.network == "mobilenet":
        return build_mobilenet(side=arguments.side, dropout=arguments.dropout)
    return build_model(
        widths=tuple(arguments.widths), depths=tuple(arguments.depths), dropout=arguments.dropout
    )


def _note_start(run: Path, arguments: argparse.Namespace) -> int:
    """Add this start to ``arguments.json`` and return how many epochs the run has done."""
    note = run / "arguments.json"
    starts = json.loads(note.read_text()) if note.exists() else []
    done = epochs_done(run)
    start = {**vars(arguments), "backend": keras.backend.backend(), "epochs_done": done}
    note.write_text(json.dumps([*starts, start], indent=2, default=str) + "\n")
    return done


def _with_heads(
    network: keras.Model, augmentation: keras.layers.Layer, *, dropout: float
) -> keras.Model:
    """Wrap the network for training: augmentation before it, a FER+ head beside it."""
    inner = keras.Model(
        network.input,
        {name: network.get_layer(name).output for name in ("logits", "features")},
        name="inner",
    )
    images = keras.layers.Input(network.input_shape[1:], name="picture")
    found = inner(augmentation(images))
    votes = keras.layers.Dropout(dropout, name="votes_dropout")(found["features"])
    votes = keras.layers.Dense(len(FERPLUS_COLUMNS), dtype="float32", name="votes")(votes)
    logits = keras.layers.Identity(dtype="float32", name="logits")(found["logits"])
    return keras.Model(images, {"logits": logits, "votes": votes}, name="learner")


def _optimizer(
    learner: keras.Model, arguments: argparse.Namespace, steps: int
) -> keras.optimizers.Optimizer:
    warmup = max(1, round(arguments.warmup * steps))
    optimizer = keras.optimizers.SGD(
        keras.optimizers.schedules.CosineDecay(
            initial_learning_rate=arguments.learning_rate / 10,
            warmup_target=arguments.learning_rate,
            warmup_steps=warmup,
            decay_steps=max(1, arguments.epochs * steps - warmup),
        ),
        momentum=MOMENTUM,
        nesterov=True,
        weight_decay=arguments.weight_decay,
        use_ema=True,
        ema_momentum=arguments.ema,
    )
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    optimizer.build(learner.trainable_variables)
    return optimizer


def _first(split: Split, limit: int | None, *, seed: int) -> Split:
    if limit is None:
        return split
    chosen = np.random.default_rng(seed).permutation(len(split))[:limit]
    return split.take(chosen.astype(np.int64))


def _start_from(network: keras.Model, initial: Path) -> float:
    """Copy the layers that a trained network has with the same name and shapes.

    Returns:
        The fraction of the parameters that were copied, 0-1.
    """
    trained = {
        layer.name: layer.get_weights()
        for layer in keras.saving.load_model(initial, compile=False).layers
    }
    copied = 0
    for layer in network.layers:
        weights = trained.get(layer.name, [])
        if weights and [w.shape for w in weights] == [tuple(w.shape) for w in layer.weights]:
            layer.set_weights(weights)
            copied += layer.count_params()
    return copied / int(network.count_params())


def _teacher_probabilities(
    run: Path, split: Split, arguments: argparse.Namespace
) -> NDArray[np.float32] | None:
    """Return the teachers' probabilities ``(N, 7)``, cached in the run's folder.

    They are the mean over the teachers and over the image, its mirror image and random views of
    it, which is a better teacher than any single view (on PublicTest by about one point).
    The cache serves a run that is resumed; other teachers or views replace it.
    """
    if not arguments.teacher:
        return None
    kept = run / "teacher_probabilities.npz"
    source = json.dumps(
        [list(map(str, arguments.teacher)), arguments.teacher_views, arguments.seed, len(split)]
    )
    if kept.is_file():
        with np.load(kept) as known:
            if str(known["source"]) == source:
                return np.asarray(known["probabilities"], dtype=np.float32)
    augmentation = RandomAugmentation.of_strength(0.5, erase=0.0, seed=arguments.seed)
    views = []
    for teacher in arguments.teacher:
        predict = load_predictor(teacher)
        print(f"{teacher} reads {len(split):,} images in {2 + arguments.teacher_views} views")
        views += [predict_with_mirror(predict, split.images)] * 2
        for _ in range(arguments.teacher_views):
            images = [
                keras.ops.convert_to_numpy(
                    augmentation(split.images[start : start + 512], training=True)
                )
                for start in range(0, len(split), 512)
            ]
            views.append(predict(np.concatenate(images).round().astype(np.uint8)))
    probabilities = np.mean(views, axis=0, dtype=np.float32)
    np.savez(kept, probabilities=probabilities, source=source)
    return np.asarray(probabilities, dtype=np.float32)


def _detected(run: Path, split: Split) -> NDArray[np.uint8]:
    """Return the faces as the app crops them, cached in the run's folder."""
    # Imported here: face detection needs packages that a machine which only trains may lack.
    from model.data.detected_crops import detected_crops

    kept = run / "detected.npy"
    if kept.is_file() and len(known := np.load(kept)) == len(split):
        return np.asarray(known, dtype=np.uint8)
    print(f"Detecting {len(split):,} faces, which takes minutes")
    crops, found = detected_crops(split)
    print(f"{found.mean():.1%} were found")
    np.save(kept, crops)
    return crops


def _targets(
    split: Split, probabilities: NDArray[np.float32] | None = None, teacher_weight: float = 0.0
) -> dict[str, NDArray[np.float32]]:
    """Return the targets of the two heads for each image.

    The teachers' probabilities are mixed into the labels (Hinton et al. 2015; with a teacher of
    the learner's own size, Furlanello et al. 2018, "Born-Again Neural Networks"): people dispute a
    third of FER-2013's labels.
    """
    no_votes = np.zeros((len(split), len(FERPLUS_COLUMNS)), dtype=np.float32)
    labels = np.eye(len(EMOTIONS), dtype=np.float32)[split.labels]
    if probabilities is not None:
        labels = labels + np.float32(teacher_weight) * (probabilities - labels)
    return {
        "logits": labels,
        "votes": no_votes if split.votes is None else split.votes,
    }


def _rarity(split: Split, *, balance: float) -> NDArray[np.float64]:
    """Return for each image ``count of its class ** -balance``, with mean 1."""
    counts = np.maximum(np.bincount(split.labels, minlength=len(EMOTIONS)), 1)
    by_class = ((counts.mean() / counts) ** balance)[split.labels]
    rarity: NDArray[np.float64] = by_class / by_class.mean()
    return rarity


def _effective_rarity(split: Split, *, beta: float) -> NDArray[np.float64]:
    """Return for each image its weight in the class-balanced loss, with mean 1.

    That is ``(1 - beta) / (1 - beta ** count of its class)``: a class's images repeat each other,
    the more the more there are (Cui et al. 2019, "Class-Balanced Loss Based on Effective Number
    of Samples").
    """
    counts = np.maximum(np.bincount(split.labels, minlength=len(EMOTIONS)), 1)
    by_class = ((1 - beta) / (1 - beta**counts))[split.labels]
    rarity: NDArray[np.float64] = by_class / by_class.mean()
    return rarity


def _weights(split: Split, rarity: NDArray[np.float64]) -> dict[str, NDArray[np.float32]]:
    """Weight each image by its rarity for the labels, and by 0 or 1 for the votes."""
    voted = np.zeros(len(split)) if split.votes is None else split.votes.sum(axis=1) > 0
    return {"logits": rarity.astype(np.float32), "votes": voted.astype(np.float32)}


class _KeepTime(keras.callbacks.Callback):
    """Log how long each epoch took, and stop after the one in which the time runs out."""

    def __init__(self, minutes: float | None) -> None:
        super().__init__()
        self.end = math.inf if minutes is None else time.monotonic() + 60 * minutes

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.began = time.monotonic()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if logs is not None:
            logs["wall_seconds"] = time.monotonic() - self.began
        if time.monotonic() > self.end:
            print(f"Out of time after epoch {epoch + 1}; the same command resumes from there")
            self.model.stop_training = True


class _KeepBest(keras.callbacks.Callback):
    """Evaluate the averaged weights after every epoch and save the network that did best.

    Batch normalisation's statistics belong to the weights that were trained, not to their
    average: they are measured again before the average is evaluated (Izmailov et al. 2018,
    "Averaging Weights Leads to Wider Optima"), on training images without augmentation, since
    those are like what the network will meet. Training continues from the weights that were
    trained and their statistics.
    The best network has the highest mean of the accuracies on PublicTest, clean and with noise:
    webcams are noisy in the evening, FER-2013 is not, and the last tenths of a point on clean
    images can cost whole points on noisy ones.
    ``published`` is the network in float32 that is evaluated and saved.
    """

    STATISTICS_BATCHES, STATISTICS_SIZE = 24, 256

    def __init__(
        self,
        network: keras.Model,
        published: keras.Model,
        training: Split,
        validation: Split,
        run: Path,
        *,
        every: int = 1,
        all_from: int = 0,
    ) -> None:
        super().__init__()
        self.every, self.all_from = every, all_from
        self.network = network
        self.published = published
        self.training = training
        self.validation = validation
        self.path = run / "best.keras"
        self.note = run / "best.json"
        known = json.loads(self.note.read_text()) if self.note.exists() else {}
        self.best = known.get("score", 0.0)
        grain = np.random.default_rng(0).normal(0.0, VALIDATION_NOISE_SD, validation.images.shape)
        self.noisy = np.clip(validation.images + grain, 0, 255).round().astype(np.uint8)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if epoch < self.all_from and (epoch + 1) % self.every:
            if logs is not None:
                logs |= dict.fromkeys(VALIDATION_COLUMNS, math.nan)
            return
        plain = self.model.get_weights()
        averages = averaged_weights(self.model.optimizer)
        for variable, average in zip(self.model.trainable_variables, averages, strict=True):
            variable.assign(average)
        self._measure_statistics(epoch)
        self.published.set_weights(self.network.get_weights())
        probabilities, under_noise = (
            self.published.predict(images, batch_size=256, verbose=0)
            for images in (self.validation.images, self.noisy)
        )
        labels = self.validation.labels
        accuracy = float((probabilities.argmax(axis=1) == labels).mean())
        noisy = float((under_noise.argmax(axis=1) == labels).mean())
        truth = probabilities[np.arange(len(probabilities)), labels]
        if logs is not None:
            loss = float(-np.log(np.maximum(truth, 1e-7)).mean())
            logs |= dict(zip(VALIDATION_COLUMNS, (accuracy, loss, noisy), strict=True))
        score = (accuracy + noisy) / 2
        if score > self.best:
            self.best = score
            self.published.save(self.path)
            recalls = measure(probabilities, self.validation, name="public-test")["per_class"]
            best = {
                "epoch": epoch + 1,
                "accuracy": accuracy,
                "noisy": noisy,
                "score": score,
                "recall": {emotion: figures["recall"] for emotion, figures in recalls.items()},
            }
            self.note.write_text(json.dumps(best))
        self.model.set_weights(plain)

    def _measure_statistics(self, epoch: int) -> None:
        size = self.STATISTICS_SIZE
        chosen = np.random.default_rng(epoch).permutation(len(self.training))
        for start in range(0, min(len(chosen), self.STATISTICS_BATCHES * size), size):
            images = self.training.images[chosen[start : start + size]]
            self.network(images.astype(np.float32), training=True)
