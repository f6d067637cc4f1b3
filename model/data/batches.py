"""The batches that a network learns from: balanced and mixed as the recipe asks."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

Heads = dict[str, NDArray[np.float32]]


class Batches(keras.utils.PyDataset):
    """Shuffles or resamples the images for every epoch, and mixes pairs of them.

    Pairs are averaged (mixup, Zhang et al. 2018), or a rectangle of one is pasted over the other
    (CutMix, Yun et al. 2019); where both are asked for, each is used in half of the batches.

    Args:
        images: uint8 ``(N, H, W, 1)``.
        targets: the target probabilities of each head, ``(N, classes)`` each.
        weights: the loss weights of the images for each head, ``(N,)`` each.
        batch_size: images a batch.
        replacements: other crops of the same faces, uint8 like ``images``; ``None``: no others.
        replaced_fraction: how often an image is replaced, 0-1, drawn again every epoch.
        chances: ``(N,)``, how likely each image is drawn, relative to others; ``None`` uses
            each once an epoch.
        mixup: the Beta distribution's parameter; 0 mixes nothing.
        cutmix: the same for rectangles, whose area it draws.
        plain_from: from this epoch on (counted from 0) nothing is mixed, so that training ends
            on images like those that the network will meet.
        epoch: the first epoch, above 0 for a run that is resumed.
        seed: of the order and of the mixing.
    """

    def __init__(
        self,
        images: NDArray[np.uint8],
        targets: Mapping[str, NDArray[np.float32]],
        weights: Mapping[str, NDArray[np.float32]],
        *,
        batch_size: int,
        replacements: NDArray[np.uint8] | None = None,
        replaced_fraction: float = 0.5,
        chances: NDArray[np.float64] | None = None,
        mixup: float = 0.0,
        cutmix: float = 0.0,
        plain_from: int | None = None,
        epoch: int = 0,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.images, self.targets, self.weights = images, targets, weights
        self.batch_size = batch_size
        self.replacements, self.replaced_fraction = replacements, replaced_fraction
        self.chances = None if chances is None else chances / chances.sum()
        self.mixup, self.cutmix = mixup, cutmix
        self.plain_from = math.inf if plain_from is None else plain_from
        self.epoch, self.seed = epoch, seed
        self._epochs = itertools.count(epoch)
        self.order = self._draw()

    def __len__(self) -> int:
        return math.ceil(len(self.images) / self.batch_size)

    def __getitem__(self, index: int) -> tuple[NDArray[Any], Heads, Heads]:
        place = self.order[index * self.batch_size : (index + 1) * self.batch_size]
        rng = np.random.default_rng((self.seed, self.epoch, index))
        images = self.images[place]
        if self.replacements is not None:
            replaced = rng.random(len(place)) < self.replaced_fraction
            images[replaced] = self.replacements[place[replaced]]
        targets = {name: value[place] for name, value in self.targets.items()}
        weights = {name: value[place] for name, value in self.weights.items()}
        if self.epoch >= self.plain_from or not (self.mixup or self.cutmix):
            return images, targets, weights
        count = len(place)
        other = rng.permutation(count)
        if not self.mixup or (self.cutmix and rng.random() < 0.5):
            drawn = rng.beta(self.cutmix, self.cutmix, count)
            kept = _outside(drawn, images.shape[1:3], rng).astype(np.float32)
        else:
            drawn = rng.beta(self.mixup, self.mixup, count)
            kept = drawn.astype(np.float32).reshape(-1, 1, 1, 1)
        fraction = kept.mean(axis=(1, 2, 3))

        def mixed(value: NDArray[Any], part: NDArray[np.float32]) -> NDArray[np.float32]:
            part = part.reshape(part.shape + (1,) * (value.ndim - part.ndim))
            return np.asarray(part * value + (1 - part) * value[other], dtype=np.float32)

        # Targets are averaged by weight: an image without a target for a head has weight 0 there,
        # and its zeros must not count.
        weighted = {
            name: mixed(weights[name][:, None] * targets[name], fraction) for name in targets
        }
        weights = {name: mixed(weights[name], fraction) for name in weights}
        targets = {
            name: np.asarray(
                weighted[name] / np.maximum(weights[name], 1e-7)[:, None], dtype=np.float32
            )
            for name in targets
        }
        return mixed(images, kept), targets, weights

    def on_epoch_begin(self) -> None:
        """Draw the epoch's order.

        Not in `on_epoch_end`: Keras calls that once before the first epoch.
        """
        self.epoch = next(self._epochs)
        self.order = self._draw()

    def _draw(self) -> NDArray[np.int64]:
        rng = np.random.default_rng((self.seed, self.epoch))
        count = len(self.images)
        if self.chances is None:
            return rng.permutation(count)
        return rng.choice(count, size=count, p=self.chances)


def _outside(
    fractions: NDArray[np.float64], size: tuple[int, ...], rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Return masks ``(N, H, W, 1)`` of all but a rectangle, whose area is ``1 - fraction``.

    The rectangle has the image's proportions, its centre is anywhere in the image, and what lies
    outside is cut off.
    """
    half = np.sqrt(1 - fractions) / 2
    inside = []
    for axis, length in enumerate(size):
        at = rng.random(len(fractions))
        lows, highs = ((at + sign * half)[:, None] * length for sign in (-1, 1))
        places = np.arange(length) + 0.5
        shape = (-1, length, 1, 1) if axis == 0 else (-1, 1, length, 1)
        inside.append(((places >= lows) & (places < highs)).reshape(shape))
    return np.asarray(~(inside[0] & inside[1]))
