from __future__ import annotations

import numpy as np
import pytest

keras = pytest.importorskip("keras", exc_type=ImportError)

from model.data.batches import Batches  # noqa: E402  (needs Keras)

COUNT = 10


def batches(**options: object) -> Batches:
    images = np.arange(COUNT, dtype=np.uint8).reshape(-1, 1, 1, 1)
    labels = np.eye(COUNT, dtype=np.float32)
    weights = {"a": np.ones(COUNT, np.float32), "b": (np.arange(COUNT) % 2).astype(np.float32)}
    return Batches(images, {"a": labels, "b": labels}, weights, batch_size=4, **options)


def seen(found: Batches) -> list[int]:
    return [int(v) for i in range(len(found)) for v in found[i][0].ravel()]


def test_every_image_comes_once_an_epoch_in_a_new_order() -> None:
    found = batches()
    found.on_epoch_begin()
    first = seen(found)
    found.on_epoch_begin()
    assert sorted(first) == sorted(seen(found)) == list(range(COUNT))
    assert first != seen(found)
    assert seen(batches(epoch=1)) == seen(found)  # a run that goes on meets what it would have


def test_sampling_prefers_what_is_likely() -> None:
    found = batches(chances=np.array([0.0] * 9 + [1.0]))
    assert set(seen(found)) == {9}


def test_some_images_are_shown_as_other_views() -> None:
    otherwise = np.arange(100, 100 + COUNT, dtype=np.uint8).reshape(-1, 1, 1, 1)
    found = batches(replacements=otherwise, replaced_fraction=0.5)
    epochs = []
    for _ in range(20):
        found.on_epoch_begin()
        epochs.append(seen(found))
        assert sorted(value % 100 for value in epochs[-1]) == list(range(COUNT))
    shown = np.array(epochs)
    assert 0.3 < (shown >= 100).mean() < 0.7
    # Anew in every epoch: none is shown in one way alone.
    assert all(len(set(shown[shown % 100 == number])) == 2 for number in range(COUNT))
    assert found.images.max() < COUNT  # the pictures themselves stay
    for share, expected in ((0.0, 0), (1.0, 100)):
        assert min(seen(batches(replacements=otherwise, replaced_fraction=share))) == expected


def test_mixing_keeps_targets_true_and_ends_before_the_end() -> None:
    found = batches(mixup=1.0, plain_from=1)
    found.on_epoch_begin()
    pictures, targets, weights = found[0]
    assert pictures.dtype == np.float32
    # The label is mixed as the picture is: a picture's value is its label's mean.
    assert targets["a"] @ np.arange(COUNT) == pytest.approx(pictures.ravel(), abs=1e-4)
    assert weights["a"] == pytest.approx(np.ones(4))
    # Head b has nothing to say of even pictures: what is left speaks of odd ones alone.
    said = targets["b"][weights["b"] > 0]
    assert said[:, ::2] == pytest.approx(0)
    assert said.sum(axis=1) == pytest.approx(np.ones(len(said)), abs=1e-5)
    found.on_epoch_begin()
    assert found[0][0].dtype == np.uint8


def test_keras_meets_each_epoch_as_it_is_counted() -> None:
    met: list[tuple[int, bool]] = []

    class Watched(Batches):
        def __getitem__(self, index: int) -> tuple:
            batch = super().__getitem__(index)
            met.append((self.epoch, bool((batch[0] % 1).any())))
            return batch

    images = np.arange(12, dtype=np.uint8).reshape(-1, 1, 1, 1)
    labels, ones = np.eye(12, dtype=np.float32), np.ones(12, np.float32)
    found = Watched(images, {"a": labels}, {"a": ones}, batch_size=4, mixup=1.0, plain_from=2)
    pictures = keras.Input((1, 1, 1))
    said = keras.layers.Dense(12, name="a")(keras.layers.Flatten()(pictures))
    network = keras.Model(pictures, {"a": said})
    network.compile(loss={"a": "mse"})
    # Before the first epoch Keras looks what batches are like.
    begins = keras.callbacks.LambdaCallback(on_train_begin=lambda logs: met.clear())
    network.fit(found, epochs=3, verbose=0, callbacks=[begins])
    assert met == [(0, True)] * 3 + [(1, True)] * 3 + [(2, False)] * 3


def test_cutmix_mixes_labels_by_area() -> None:
    images = np.repeat(np.array([10, 250], np.uint8), 24 * 24).reshape(2, 24, 24, 1)
    images = np.concatenate([images] * 8)
    labels = np.eye(2, dtype=np.float32)[[0, 1] * 8]
    found = Batches(
        images, {"a": labels}, {"a": np.ones(16, np.float32)}, batch_size=16, cutmix=1.0
    )
    pictures, targets, _ = found[0]
    assert set(np.unique(pictures)) == {10.0, 250.0}  # nothing is blended
    assert targets["a"][:, 1] == pytest.approx((pictures == 250).mean(axis=(1, 2, 3)), abs=1e-5)
    mixed = [len(np.unique(picture)) == 2 for picture in pictures]
    assert any(mixed)
    for picture in pictures[mixed]:
        part = picture[..., 0] == picture[..., 0].flat[np.argmin(picture)]
        assert _is_rectangle(part) or _is_rectangle(~part)


def test_mixup_and_cutmix_alternate() -> None:
    images = np.random.default_rng(0).integers(0, 256, (64, 24, 24, 1), np.uint8)
    labels = np.eye(64, dtype=np.float32)
    found = Batches(
        images, {"a": labels}, {"a": np.ones(64, np.float32)}, batch_size=4, mixup=1.0, cutmix=1.0
    )
    whole = [bool(np.isin(found[i][0], np.arange(256)).all()) for i in range(len(found))]
    assert any(whole)
    assert not all(whole)


def _is_rectangle(part: np.ndarray) -> bool:
    rows, columns = part.any(axis=1), part.any(axis=0)
    return bool(part.sum() == rows.sum() * columns.sum())
