"""Ensembles of networks, merged into one network with a single last layer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import keras
import numpy as np

from emotion.labels import EMOTIONS
from model.data.fer2013 import SIZE


def join_networks(networks: Sequence[keras.Model], *, name: str = "both") -> keras.Model:
    """Return the network whose logits are the mean of several networks' logits.

    Networks that differ in kind are wrong about different faces, so that their mean is right more
    often than either (Hansen & Salamon 1990, "Neural Network Ensembles"). The features of all
    stand side by side in the layer ``features``, and one layer ``logits`` reads them all, so that
    the result can be calibrated and exported like a single network.

    Args:
        networks: from images ``(N, 48, 48, 1)`` to probabilities ``(N, 7)``, with the layers
            ``features`` and ``logits`` of `model.networks.emotion_cnn.build_model`.
        name: the model's name.

    Raises:
        ValueError: fewer than two networks.
    """
    if len(networks) < 2:
        raise ValueError("Incorrect value for 'networks' argument: two are needed at least")
    images = keras.layers.Input((SIZE, SIZE, 1), name="picture")
    branches = [
        keras.Model(
            network.input,
            network.get_layer("features").output,
            name=f"net{place}",
        )
        for place, network in enumerate(networks, start=1)
    ]
    features = keras.layers.Concatenate(name="features")([branch(images) for branch in branches])
    logits = keras.layers.Dense(len(EMOTIONS), dtype="float32", name="logits")
    probabilities = keras.layers.Softmax(dtype="float32", name="probabilities")(logits(features))
    layers = [network.get_layer("logits").get_weights() for network in networks]
    kernel = np.concatenate([weights for weights, _ in layers]) / len(networks)
    logits.set_weights([kernel, np.mean([bias for _, bias in layers], axis=0)])
    return keras.Model(images, probabilities, name=name)


def leaves(network: keras.Model) -> Iterator[keras.layers.Layer]:
    """Yield every layer of a network, including those of nested networks."""
    for layer in network.layers:
        if isinstance(layer, keras.Model):
            yield from leaves(layer)
        else:
            yield layer
