"""MobileNet-v1, cut after its eleventh block, pretrained on faces.

``python -m model faceres`` writes its initial weights and ``python -m model train --network
mobilenet`` trains it. Its weights were trained to tell people apart (VGGFace2), then for age and
gender; the later layers keep identity alone, these still keep expression.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from emotion.labels import EMOTIONS
from model.data.fer2013 import SIZE

STEM_CHANNELS = 32
BLOCKS = (
    (1, 64),
    (2, 128),
    (1, 128),
    (2, 256),
    (1, 256),
    (2, 512),
    (1, 512),
    (1, 512),
    (1, 512),
    (1, 512),
    (1, 512),
)
"""Stride and output channels of each depthwise-separable block (Howard et al. 2017)."""
SIDE_PIXELS = 100
EPSILON = 1e-3


def build_mobilenet(
    *, side: int = SIDE_PIXELS, dropout: float = 0.3, name: str = "mobilenet"
) -> keras.Model:
    """Build MobileNet-v1 up to ``conv_pw_11`` (Howard et al. 2017).

    Args:
        side: side in pixels that the image is resized to, bilinearly, before the first layer:
            the network halves it four times.
        dropout: fraction of pooled features dropped in training, 0-1.
        name: the model's name.

    Returns:
        A model with the input, the output and the layers ``features`` and ``logits`` of
        `model.networks.emotion_cnn.build_model`, with random weights. The input range is 0-255,
        as the published weights expect it.
    """
    images = keras.layers.Input((SIZE, SIZE, 1), name="picture")
    x = keras.layers.Resizing(side, side, interpolation="bilinear", name="upscale")(images)
    x = keras.layers.Conv2D(
        STEM_CHANNELS, 3, strides=2, padding="same", use_bias=False, name="conv1"
    )(x)
    x = _normalise(x, "conv1_bn")
    for block, (stride, channels) in enumerate(BLOCKS, start=1):
        x = keras.layers.DepthwiseConv2D(
            3, strides=stride, padding="same", use_bias=False, name=f"conv_dw_{block}"
        )(x)
        x = _normalise(x, f"conv_dw_{block}_bn")
        x = keras.layers.Conv2D(channels, 1, use_bias=False, name=f"conv_pw_{block}")(x)
        x = _normalise(x, f"conv_pw_{block}_bn")
    x = keras.layers.GlobalAveragePooling2D(name="features")(x)
    x = keras.layers.Dropout(dropout, name="dropout")(x)
    x = keras.layers.Dense(len(EMOTIONS), name="logits")(x)
    probabilities = keras.layers.Softmax(dtype="float32", name="probabilities")(x)
    return keras.Model(images, probabilities, name=name)


def _normalise(x: keras.KerasTensor, name: str) -> keras.KerasTensor:
    x = keras.layers.BatchNormalization(momentum=0.9, epsilon=EPSILON, name=name)(x)
    return keras.layers.ReLU(6.0)(x)


def mobilenet_multiply_adds(side: int = SIDE_PIXELS) -> int:
    """Return the multiply-adds of a face in the convolutions of `build_mobilenet`'s network."""
    side = math.ceil(side / 2)
    total, before = side**2 * 9 * STEM_CHANNELS, STEM_CHANNELS
    for stride, channels in BLOCKS:
        side = math.ceil(side / stride)
        total += side**2 * before * (9 + channels)
        before = channels
    return total


def read_tfjs_weights(folder: Path, name: str) -> dict[str, NDArray[np.float32]]:
    """Read the weights of a TensorFlow.js graph model.

    Args:
        folder: where ``<name>.json`` and the binary files that it names lie.
        name: the model's file name without its suffix.

    Returns:
        The arrays by name, as float32, whether stored as float32 or float16.

    Raises:
        FileNotFoundError: there is no such model.
        ValueError: a weight is stored in another type.
    """
    arrays: dict[str, NDArray[np.float32]] = {}
    for group in json.loads((folder / f"{name}.json").read_text())["weightsManifest"]:
        content = b"".join((folder / path).read_bytes() for path in group["paths"])
        start = 0
        for weight in group["weights"]:
            stored = weight.get("quantization", {}).get("dtype", weight["dtype"])
            if stored not in ("float32", "float16", "int32"):
                raise ValueError(f"{weight['name']} is stored as {stored}: float32 or float16")
            count = int(np.prod(weight["shape"]))
            array = np.frombuffer(content, np.dtype(stored), count, start)
            arrays[weight["name"]] = array.astype(np.float32).reshape(weight["shape"])
            start += array.nbytes
    return arrays


def set_face_weights(
    network: keras.Model,
    arrays: Mapping[str, NDArray[np.float32]],
    images: NDArray[np.uint8],
) -> keras.Model:
    """Give a network of `build_mobilenet` the published face weights.

    In the published file batch normalisation is folded into the convolutions, and a network
    without it does not train well. It is put back so that the function stays the same: with mean
    m and variance v of a convolution's output (folded scale included) over ``images``, gamma is
    sqrt(v + epsilon) and beta the folded bias plus m, so that normalising and rescaling cancel.
    The first kernel is summed over red, green and blue, which gives the same result for a grey
    image as three equal channels would.

    Args:
        network: of `build_mobilenet`; changed in place, all but its last layer.
        arrays: of `read_tfjs_weights`.
        images: uint8 ``(N, 48, 48, 1)``, training images to measure the statistics on; a few
            hundred are enough.

    Returns:
        The same network.

    Raises:
        ValueError: ``arrays`` lacks what a layer needs.
    """
    x = np.asarray(network.get_layer("upscale")(images.astype(np.float32)))
    names = ["conv1"]
    for block in range(1, len(BLOCKS) + 1):
        names += [f"conv_dw_{block}", f"conv_pw_{block}"]
    try:
        for name in names:
            layer, norm = network.get_layer(name), network.get_layer(f"{name}_bn")
            layer.set_weights([_folded_kernel(arrays, name)])
            bias = arrays[f"{name}_bn/batchnorm_1/sub"]
            x = np.asarray(layer(x))
            mean, variance = x.mean(axis=(0, 1, 2)), x.var(axis=(0, 1, 2))
            norm.set_weights([np.sqrt(variance + EPSILON), bias + mean, mean, variance])
            x = np.clip(x + bias, 0.0, 6.0)
    except KeyError as error:
        raise ValueError(f"The weights lack {error.args[0]!r}") from error
    return network


def _folded_kernel(arrays: Mapping[str, NDArray[np.float32]], name: str) -> NDArray[np.float32]:
    if name.startswith("conv_dw"):
        kernel = arrays[f"{name}/depthwise_kernel"]
        return kernel * arrays[f"{name}_bn/batchnorm_1/mul"][:, None]
    kernel = arrays[f"{name}/convolution/merged_input"]
    return kernel.sum(axis=2, keepdims=True) if name == "conv1" else kernel
