"""The network: a small residual CNN with channel attention, 48x48 grey in, seven out."""

from __future__ import annotations

import keras

from emotion.labels import EMOTIONS
from model.data import SIZE

WIDTHS = (32, 64, 128, 256)
"""Channels of the four stages; each stage halves the picture's side."""


def build_model(
    *,
    widths: tuple[int, ...] = WIDTHS,
    depths: tuple[int, ...] = (1, 2, 2, 2),
    dropout: float = 0.4,
    name: str = "emotion_cnn",
) -> keras.Model:
    """Build the emotion network.

    A VGG-like stack (Khaireddin & Chen 2021 show how far one goes on FER-2013) whose later
    stages carry a shortcut (He et al. 2016) and squeeze-and-excitation (Hu et al. 2018).
    The scaling of grey values is inside, so that no caller can get it wrong.

    Args:
        widths: channels of each stage.
        depths: 3x3 convolutions in each stage. A stage of two or more gets the shortcut.
        dropout: share of pooled features dropped in training, 0-1.
        name: the model's name.

    Returns:
        A model from float32 ``(N, 48, 48, 1)`` grey values 0-255 to float32 ``(N, 7)``
        probabilities in the order of `EMOTIONS`. Its layer ``features`` holds the pooled
        features ``(N, widths[-1])``.

    Raises:
        ValueError: ``widths`` and ``depths`` differ in length.
    """
    if len(widths) != len(depths):
        raise ValueError(f"Incorrect value for 'depths' argument: {depths}: one a stage is needed")
    pictures = keras.layers.Input((SIZE, SIZE, 1), name="picture")
    x = keras.layers.Rescaling(1 / 127.5, offset=-1.0, name="rescaling")(pictures)
    for stage, (channels, depth) in enumerate(zip(widths, depths, strict=True), start=1):
        x = _stage(x, channels, depth, name=f"stage{stage}")
    x = keras.layers.GlobalAveragePooling2D(name="features")(x)
    x = keras.layers.Dropout(dropout, name="dropout")(x)
    x = keras.layers.Dense(len(EMOTIONS), name="logits")(x)
    probabilities = keras.layers.Softmax(dtype="float32", name="probabilities")(x)
    return keras.Model(pictures, probabilities, name=name)


def _stage(x: keras.KerasTensor, channels: int, depth: int, *, name: str) -> keras.KerasTensor:
    shortcut = x
    for step in range(1, depth + 1):
        x = keras.layers.Conv2D(
            channels,
            3,
            padding="same",
            use_bias=False,
            kernel_initializer="he_normal",
            name=f"{name}_conv{step}",
        )(x)
        x = keras.layers.BatchNormalization(momentum=0.9, name=f"{name}_norm{step}")(x)
        if step < depth:
            x = keras.layers.ReLU(name=f"{name}_relu{step}")(x)
    if depth > 1:
        x = _squeeze_and_excite(x, channels, name=name)
        shortcut = keras.layers.Conv2D(
            channels,
            1,
            use_bias=False,
            kernel_initializer="he_normal",
            name=f"{name}_shortcut",
        )(shortcut)
        shortcut = keras.layers.BatchNormalization(momentum=0.9, name=f"{name}_shortcut_norm")(
            shortcut
        )
        x = keras.layers.Add(name=f"{name}_add")([x, shortcut])
    x = keras.layers.ReLU(name=f"{name}_relu")(x)
    return keras.layers.MaxPooling2D(2, name=f"{name}_pool")(x)


def _squeeze_and_excite(x: keras.KerasTensor, channels: int, *, name: str) -> keras.KerasTensor:
    weight = keras.layers.GlobalAveragePooling2D(keepdims=True, name=f"{name}_squeeze")(x)
    weight = keras.layers.Conv2D(
        max(8, channels // 8), 1, activation="relu", name=f"{name}_excite1"
    )(weight)
    weight = keras.layers.Conv2D(channels, 1, activation="sigmoid", name=f"{name}_excite2")(weight)
    return keras.layers.Multiply(name=f"{name}_attend")([x, weight])
