"""The classifiers that read hand-made features: scikit-learn pipelines with fixed settings.

The settings in `RECIPES` were chosen once, on 3,000 Training and 600 PublicTest images, and are not
searched for when they are measured.
"""

from __future__ import annotations

import pickle
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import Normalizer, StandardScaler
from sklearn.svm import SVC, LinearSVC
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

SEED: Final = 0


@dataclass(frozen=True, slots=True)
class Recipe:
    """A classifier and the preprocessing of its features.

    Every feature is standardised to mean 0 and standard deviation 1, then PCA keeps the strongest
    components.

    Attributes:
        title: as shown.
        settings: what was chosen, in words.
        components: what PCA keeps at most.
        make: returns a new classifier.
        whiten: whether components are scaled to standard deviation 1 as well.
        unit_length: whether each face's components are scaled to length 1, so that Euclidean
            distance ranks as cosine similarity does.
        most_images: training images at most, drawn at random, stratified by class.
    """

    title: str
    settings: str
    components: int
    make: Callable[[], Any]
    whiten: bool = False
    unit_length: bool = False
    most_images: int | None = None


RECIPES: Final[dict[str, Recipe]] = {
    "linear-svm": Recipe(
        title="linear SVM",
        settings="PCA to 300 at most, one against the rest, C 0.001",
        components=300,
        make=lambda: LinearSVC(C=0.001, dual=False, random_state=SEED),
    ),
    "rbf-svm": Recipe(
        title="RBF SVM",
        settings="PCA to 150 at most, C 3, 15,000 images at most: time grows with their square",
        components=150,
        make=lambda: SVC(C=3.0, gamma="scale", cache_size=500),
        most_images=15_000,
    ),
    "knn": Recipe(
        title="k-NN",
        settings="PCA to 100 at most, whitened, length 1, 25 neighbours weighted by distance",
        components=100,
        make=lambda: KNeighborsClassifier(25, weights="distance", algorithm="brute"),
        whiten=True,
        unit_length=True,
    ),
    "mlp": Recipe(
        title="MLP",
        settings="PCA to 150 at most, whitened, 256 hidden units, weight decay 3, stopped early",
        components=150,
        make=lambda: MLPClassifier(
            (256,), alpha=3.0, early_stopping=True, max_iter=100, random_state=SEED
        ),
        whiten=True,
    ),
}
"""The classifiers by their names on the command line."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """A classifier that was fitted.

    Attributes:
        pipeline: from float32 features ``(N, D)`` to classes ``(N,)`` by its ``predict``.
        images: how many it was fitted on.
        seconds: how long that took.
        converged: whether it stopped before its limit of iterations.
    """

    pipeline: Pipeline
    images: int
    seconds: float
    converged: bool

    @property
    def bytes(self) -> int:
        """The size of the pickled pipeline."""
        return len(pickle.dumps(self.pipeline))


def build(recipe: Recipe, *, images: int, features: int) -> Pipeline:
    """Return an unfitted pipeline for this number of training images and features."""
    steps: list[Any] = [StandardScaler()]
    components = min(recipe.components, images, features)
    # A PCA that drops no component only rotates the features, which is useful for whitening alone.
    if components < features or recipe.whiten:
        steps.append(
            PCA(components, whiten=recipe.whiten, svd_solver="randomized", random_state=SEED)
        )
    if recipe.unit_length:
        steps.append(Normalizer())
    return make_pipeline(*steps, recipe.make())


def fit(recipe: Recipe, features: NDArray[np.float32], labels: NDArray[np.int64]) -> Fitted:
    """Train a recipe.

    Args:
        recipe: what to train.
        features: float32 ``(N, D)``.
        labels: ``(N,)``, the classes.

    Raises:
        ValueError: there are too few images to stratify by class, where that is needed.
    """
    if recipe.most_images is not None and len(labels) > recipe.most_images:
        chosen, _ = train_test_split(
            np.arange(len(labels)),
            train_size=recipe.most_images,
            stratify=labels,
            random_state=SEED,
        )
        features, labels = features[chosen], labels[chosen]
    pipeline = build(recipe, images=len(labels), features=features.shape[1])
    begin = time.perf_counter()
    with warnings.catch_warnings():
        # `converged` says it, and the table's note.
        warnings.simplefilter("ignore", ConvergenceWarning)
        pipeline.fit(features, labels)
    return Fitted(
        pipeline=pipeline,
        images=len(labels),
        seconds=time.perf_counter() - begin,
        converged=_converged(pipeline[-1]),
    )


def _converged(classifier: Any) -> bool:
    most = getattr(classifier, "max_iter", -1)
    return most < 0 or int(np.max(classifier.n_iter_)) < most


@contextmanager
def one_thread() -> Iterator[None]:
    """Keep OpenCV, BLAS and OpenMP to one thread, so that times can be compared."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        with threadpool_limits(limits=1):
            yield
    finally:
        cv2.setNumThreads(before)
