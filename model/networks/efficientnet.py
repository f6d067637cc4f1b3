"""The larger network: EfficientNet-Lite0, pretrained on ImageNet.

``python -m model imagenet`` writes its initial weights and ``python -m model train --network
efficientnet_lite0`` trains it on FER-2013. It can be shipped, or teach a smaller network
(``train --teacher``). Its results are in ``experiments.md``.
"""

from __future__ import annotations

from collections.abc import Mapping

import keras
import numpy as np
from numpy.typing import NDArray

from emotion.labels import EMOTIONS
from model.data.fer2013 import SIZE

STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
"""Blocks, kernel, stride of the first block, expansion and channels of each stage."""
STEM, HEAD = 32, 1280
INPUT_SIDE_PX = 96
"""Twice that of FER-2013's images."""


def build_efficientnet(
    *, side: int = INPUT_SIDE_PX, dropout: float = 0.3, name: str = "efficientnet_lite0"
) -> keras.Model:
    """Build EfficientNet-Lite0 (Tan & Le 2019; "Lite": no squeeze-and-excitation, ReLU6).

    Args:
        side: side in pixels that the image is resized to, bilinearly, before the first layer:
            the network halves it five times.
        dropout: fraction of pooled features dropped in training, 0-1.
        name: the model's name.

    Returns:
        A model with the input, the output and the layers ``features`` and ``logits`` of
        `model.networks.emotion_cnn.build_model`, with random weights.
    """
    images = keras.layers.Input((SIZE, SIZE, 1), name="picture")
    x = keras.layers.Rescaling(1 / 128, offset=-127 / 128, name="rescaling")(images)
    x = keras.layers.Resizing(side, side, interpolation="bilinear", name="upscale")(x)
    x = keras.layers.Conv2D(STEM, 3, strides=2, padding="same", use_bias=False, name="conv_stem")(x)
    x = _normalise(x, "bn0")
    count, before = 0, STEM
    for blocks, size, stride, expansion, channels in STAGES:
        for first in (True, *[False] * (blocks - 1)):
            x = _block(
                x, before, channels, size, stride if first else 1, expansion, f"block{count}"
            )
            count, before = count + 1, channels
    x = keras.layers.Conv2D(HEAD, 1, use_bias=False, name="conv_head")(x)
    x = _normalise(x, "bn1")
    x = keras.layers.GlobalAveragePooling2D(name="features")(x)
    x = keras.layers.Dropout(dropout, name="dropout")(x)
    x = keras.layers.Dense(len(EMOTIONS), name="logits")(x)
    probabilities = keras.layers.Softmax(dtype="float32", name="probabilities")(x)
    return keras.Model(images, probabilities, name=name)


def set_imagenet_weights(
    network: keras.Model, state: Mapping[str, NDArray[np.float32]]
) -> keras.Model:
    """Give a network of `build_efficientnet` the weights of a PyTorch state dict.

    The first layer's kernel is summed over red, green and blue, which gives the same result for a
    grey image as three equal channels would.

    Args:
        network: of `build_efficientnet`; changed in place, all but its last layer.
        state: arrays by PyTorch's names: kernels ``(out, in, height, width)``, depthwise ones
            ``(channels, 1, height, width)``.

    Returns:
        The same network.

    Raises:
        ValueError: ``state`` lacks what a layer needs.
    """
    parts = ("weight", "bias", "running_mean", "running_var")
    for layer in network.layers:
        if not layer.weights or layer.name == "logits":
            continue
        names = [f"{_pytorch_name(layer.name)}.{part}" for part in parts[: len(layer.weights)]]
        if lacking := [name for name in names if name not in state]:
            raise ValueError(f"The weights lack {lacking[0]!r}")
        weights = [np.asarray(state[name]) for name in names]
        if isinstance(layer, keras.layers.DepthwiseConv2D):
            weights = [weights[0].transpose(2, 3, 0, 1)]
        elif isinstance(layer, keras.layers.Conv2D):
            weights = [weights[0].transpose(2, 3, 1, 0)]
            if layer.name == "conv_stem":
                weights = [weights[0].sum(axis=2, keepdims=True)]
        layer.set_weights(weights)
    return network


def _pytorch_name(name: str) -> str:
    """Return PyTorch's name of a layer. It has dots and a leading underscore, which Keras's names
    must not have on the torch backend and in the export to LiteRT."""
    block, _, part = name.partition("-")
    return f"_blocks.{block.removeprefix('block')}._{part}" if part else f"_{block}"


def _block(
    x: keras.KerasTensor,
    before: int,
    channels: int,
    size: int,
    stride: int,
    expansion: int,
    name: str,
) -> keras.KerasTensor:
    shortcut = x
    if expansion > 1:
        x = keras.layers.Conv2D(before * expansion, 1, use_bias=False, name=f"{name}-expand_conv")(
            x
        )
        x = _normalise(x, f"{name}-bn0")
    x = keras.layers.DepthwiseConv2D(
        size, strides=stride, padding="same", use_bias=False, name=f"{name}-depthwise_conv"
    )(x)
    x = _normalise(x, f"{name}-bn1")
    x = keras.layers.Conv2D(channels, 1, use_bias=False, name=f"{name}-project_conv")(x)
    x = _normalise(x, f"{name}-bn2", active=False)
    return keras.layers.Add()([x, shortcut]) if stride == 1 and before == channels else x


def _normalise(x: keras.KerasTensor, name: str, *, active: bool = True) -> keras.KerasTensor:
    x = keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-3, name=name)(x)
    return keras.layers.ReLU(6.0)(x) if active else x


def at_side(network: keras.Model, side: int) -> keras.Model:
    """Return the trained network with another input side.

    A smaller one is quicker. The weights fit any side; the accuracy at a side that it was not
    trained with has to be measured.

    Args:
        network: one of `build_efficientnet`'s.
        side: side in pixels that the image is resized to.

    Raises:
        ValueError: the network is not an EfficientNet of this module.
    """
    changed = build_efficientnet(side=side)
    own, other = network.get_weights(), changed.get_weights()
    if [weights.shape for weights in own] != [weights.shape for weights in other]:
        raise ValueError(
            "Incorrect value for 'side' argument: only an EfficientNet's input side can be changed"
        )
    changed.set_weights(own)
    return changed
