"""Training faces as the app would crop them from images.

FER-2013's crops are of one size and more or less tight. In the app a detector determines the crop,
and faces are large or small. A network that was trained on both reads both:
``train --detected 0.5`` replaces half of the faces by these crops.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from emotion.crop import crop_faces, preprocess
from emotion.detectors.base import FaceDetector
from emotion.detectors.factory import build_detector
from model.data.backgrounds import Grey, load_backgrounds
from model.data.fer2013 import Split
from model.evaluation.localization import Condition, best_match, paste

MIN_FACE_SIDE_PX, MAX_FACE_SIDE_PX = 36, 200
"""Range of the pasted faces' sides, in pixels, log-uniform. A larger tilted face would not fit into
the backgrounds."""
MAX_TILT_DEGREES = 30.0
"""Largest tilt to either side. Half of the faces are tilted, the others upright."""
WINDOW_SCALE = 2.5
"""Side of the image around a face, as a multiple of the face's: detectors are quick in small
images."""


def detected_crops(
    split: Split,
    *,
    detector: FaceDetector | None = None,
    backgrounds: Sequence[Grey] | None = None,
    seed: int = 0,
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Paste every face into an image, find it, and crop it as the app does.

    Args:
        split: the faces.
        detector: finds them; that of the photo page by default.
        backgrounds: grey uint8 images to paste into; `load_backgrounds` by default.
        seed: of the sizes, tilts and positions.

    Returns:
        grey uint8 crops ``(N, 48, 48, 1)``, and whether each face was found ``(N,)``. A face that
        was not found keeps its crop of ``split``, preprocessed.
    """
    detector = detector or build_detector("auto")
    grounds = load_backgrounds() if backgrounds is None else backgrounds

    def detected(number: int) -> Grey | None:
        rng = np.random.default_rng((seed, number))
        condition = _condition(rng)
        ground = _window(grounds[int(rng.integers(len(grounds)))], condition, rng)
        face = split.images[number, ..., 0]
        placed = paste(face, ground, condition, across=rng.random(), down=rng.random())
        match = best_match(detector.detect(placed.image), placed.frame)
        return None if match is None else crop_faces(placed.image, [match])[0]

    with ThreadPoolExecutor(os.cpu_count()) as workers:
        crops = list(workers.map(detected, range(len(split))))
    found = np.array([crop is not None for crop in crops], dtype=np.bool_)
    faces = zip(crops, split.images[..., 0], strict=True)
    whole = [preprocess(face) if crop is None else crop for crop, face in faces]
    return np.stack(whole)[..., None] if whole else split.images, found


def _condition(rng: np.random.Generator) -> Condition:
    side = round(math.exp(rng.uniform(math.log(MIN_FACE_SIDE_PX), math.log(MAX_FACE_SIDE_PX))))
    return Condition(
        side, round(rng.uniform(-MAX_TILT_DEGREES, MAX_TILT_DEGREES)) if rng.random() < 0.5 else 0
    )


def _window(ground: Grey, condition: Condition, rng: np.random.Generator) -> Grey:
    """Return a part of the ground, mirrored or not, that leaves room around the face."""
    height, width = (min(length, round(WINDOW_SCALE * condition.side)) for length in ground.shape)
    if rng.random() < 0.5:
        ground = ground[:, ::-1]
    top, left = (
        int(rng.integers(a - b + 1)) for a, b in zip(ground.shape, (height, width), strict=True)
    )
    return np.ascontiguousarray(ground[top : top + height, left : left + width])
