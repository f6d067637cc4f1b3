"""The network: a small residual CNN with channel attention, 48x48 grey in, seven out."""

from __future__ import annotations

import keras

from emotion.labels import EMOTIONS
from model.data.fer2013 import SIZE

WIDTHS = (32, 64, 128, 256)
"""Channels of the four stages; each stage halves the image's side."""


def build_model(
    *,
    widths: tuple[int, ...] = WIDTHS,
    depths: tuple[int, ...] = (1, 2, 2, 2),
    dropout: float = 0.4,
    name: str = "emotion_cnn",
) -> keras.Model:
    """Build the emotion network.

    A VGG-like stack (Khaireddin & Chen 2021 show how far one goes on FER-2013) whose later
    stages are residual blocks (He et al. 2016) with squeeze-and-excitation (Hu et al. 2018).
    The scaling of intensities is inside, so that no caller can get it wrong.

    Args:
        widths: channels of each stage.
        depths: 3x3 convolutions in each stage: 1 for a plain one, else two a residual block.
            A block beyond a stage's first starts as the identity (its last gamma is 0, Goyal
            et al. 2017), so that a trained network can be deepened without a loss.
        dropout: fraction of pooled features dropped in training, 0-1.
        name: the model's name.

    Returns:
        A model from float32 ``(N, 48, 48, 1)`` intensities 0-255 to float32 ``(N, 7)``
        probabilities in the order of `EMOTIONS`. Its layer ``features`` holds the pooled
        features ``(N, widths[-1])``.

    Raises:
        ValueError: ``widths`` and ``depths`` differ in length, or a depth is neither 1 nor even.
    """
    if len(widths) != len(depths):
        raise ValueError(f"Incorrect value for 'depths' argument: {depths}: one a stage is needed")
    if any(depth != 1 and (depth < 1 or depth % 2) for depth in depths):
        raise ValueError(f"Incorrect value for 'depths' argument: {depths}: 1 or an even number")
    images = keras.layers.Input((SIZE, SIZE, 1), name="picture")
    x = keras.layers.Rescaling(1 / 127.5, offset=-1.0, name="rescaling")(images)
    for stage, (channels, depth) in enumerate(zip(widths, depths, strict=True), start=1):
        x = _stage(x, channels, depth, name=f"stage{stage}")
    x = keras.layers.GlobalAveragePooling2D(name="features")(x)
    x = keras.layers.Dropout(dropout, name="dropout")(x)
    x = keras.layers.Dense(len(EMOTIONS), name="logits")(x)
    probabilities = keras.layers.Softmax(dtype="float32", name="probabilities")(x)
    return keras.Model(images, probabilities, name=name)


def _stage(x: keras.KerasTensor, channels: int, depth: int, *, name: str) -> keras.KerasTensor:
    if depth == 1:
        x = _convolve(x, channels, name=f"{name}_conv1", norm=f"{name}_norm1")
        x = keras.layers.ReLU(name=f"{name}_relu")(x)
    for block in range(depth // 2):
        x = _block(x, channels, name=name + "bcdefgh"[block - 1 : block], project=block == 0)
    return keras.layers.MaxPooling2D(2, name=f"{name}_pool")(x)


def _block(x: keras.KerasTensor, channels: int, *, name: str, project: bool) -> keras.KerasTensor:
    shortcut = x
    x = _convolve(x, channels, name=f"{name}_conv1", norm=f"{name}_norm1")
    x = keras.layers.ReLU(name=f"{name}_relu1")(x)
    gamma = "ones" if project else "zeros"
    x = _convolve(x, channels, name=f"{name}_conv2", norm=f"{name}_norm2", gamma=gamma)
    x = _squeeze_and_excite(x, channels, name=name)
    if project:
        shortcut = _convolve(
            shortcut, channels, size=1, name=f"{name}_shortcut", norm=f"{name}_shortcut_norm"
        )
    x = keras.layers.Add(name=f"{name}_add")([x, shortcut])
    return keras.layers.ReLU(name=f"{name}_relu")(x)


def _convolve(
    x: keras.KerasTensor, channels: int, *, name: str, norm: str, size: int = 3, gamma: str = "ones"
) -> keras.KerasTensor:
    x = keras.layers.Conv2D(
        channels,
        size,
        padding="same",
        use_bias=False,
        kernel_initializer="he_normal",
        name=name,
    )(x)
    return keras.layers.BatchNormalization(momentum=0.9, gamma_initializer=gamma, name=norm)(x)


def _squeeze_and_excite(x: keras.KerasTensor, channels: int, *, name: str) -> keras.KerasTensor:
    weight = keras.layers.GlobalAveragePooling2D(keepdims=True, name=f"{name}_squeeze")(x)
    weight = keras.layers.Conv2D(
        max(8, channels // 8), 1, activation="relu", name=f"{name}_excite1"
    )(weight)
    weight = keras.layers.Conv2D(channels, 1, activation="sigmoid", name=f"{name}_excite2")(weight)
    return keras.layers.Multiply(name=f"{name}_attend")([x, weight])
