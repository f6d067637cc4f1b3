"""How best to crop BlazeFace's faces for the emotion network, on labelled photographs.

    python benchmarks/emotion_crops.py --press press_faces.zip [--per-class 150] [--weights FILE]

prints the mean recall of five emotions, and the mean log-probability of the right one,

1. by the side of the crop, as a multiple of BlazeFace's box, and by how far it lies above the box;
2. by the lean of the head and the least lean at which eyes are levelled;
3. by how far the head is turned away: where the nose lies between the ears, from 0 midway to
   0.5 at one of them, and beyond.

`emotion.detectors.blazeface.SCALE` and `RISE` and `emotion.crop.LEVEL_FROM_DEGREES` and
`TURNED_AWAY_BEYOND_EARS` came from here.
"""

from __future__ import annotations

import argparse
import math
import os
import random
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.photographs import Photo, as_it_is
from emotion.classifier import EmotionClassifier
from emotion.crop import CROP_MARGIN, LEVEL_FROM_DEGREES, crop_faces, nose_offset
from emotion.detectors.blazeface import RISE, SCALE, BlazefaceDetector
from emotion.image.decoding import decode_image
from emotion.labels import EMOTIONS
from emotion.types import Box, CropRegion, Face

CLASSES = ("neutral", "happy", "angry", "sad", "surprise")


@dataclass(frozen=True, slots=True)
class Sample:
    """A photograph, what it shows, and its largest face."""

    emotion: str
    image: NDArray[np.uint8]
    face: Face


def load(archive: Path, per_class: int) -> list[tuple[str, NDArray[np.uint8]]]:
    chosen: list[tuple[str, NDArray[np.uint8]]] = []
    with zipfile.ZipFile(archive) as files:
        for emotion in CLASSES:
            names = sorted(name for name in files.namelist() if f"{emotion}/" in name)
            names = [name for name in names if not name.endswith("/")]
            for name in random.Random(0).sample(names, min(per_class, len(names))):
                chosen.append((emotion, decode_image(files.read(name))))
    return chosen


def detected(photos: Sequence[tuple[str, NDArray[np.uint8]]], lean: float) -> list[Sample]:
    detector, samples = BlazefaceDetector(thorough=False), []
    for place, (emotion, image) in enumerate(photos):
        if lean:
            image = as_it_is(Photo("", image, Box(0, 0, 1, 1)), lean=(-1) ** place * lean).image
        samples += [Sample(emotion, image, face) for face in detector.detect(image)[:1]]
    return samples


def figures(classifier: EmotionClassifier, crops: NDArray[np.uint8], names: Sequence[str]) -> str:
    parts = [classifier.predict(crops[i : i + 100]) for i in range(0, len(crops), 100)]
    rows = np.concatenate(parts)
    labels = np.array([EMOTIONS.index(name) for name in names])
    right = rows.argmax(axis=1) == labels
    recall = np.mean([right[labels == label].mean() for label in np.unique(labels)])
    likely = np.log(rows[np.arange(len(labels)), labels] + 1e-6).mean()
    return f"{100 * recall:6.1f} %{likely:8.2f}"


def cropped(
    samples: Sequence[Sample], move: Callable[[Face], Face], level: float
) -> NDArray[np.uint8]:
    crops = [crop_faces(s.image, [move(s.face)], level_from=level) for s in samples]
    return np.concatenate(crops)


def framed(face: Face, *, scale: float, rise: float) -> Face:
    """Return a face with another region around the same box."""
    known = face.region
    assert known is not None
    side = known.side / SCALE * scale / (1 + CROP_MARGIN)
    up = rise * side - RISE * known.side
    angle = math.radians(known.angle)
    x, y = known.x + up * math.sin(angle), known.y - up * math.cos(angle)
    return replace(face, region=CropRegion(x, y, side, known.angle))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--press", type=Path, default=os.environ.get("PRESS_FACES_PATH"))
    parser.add_argument("--per-class", type=int, default=150)
    parser.add_argument("--weights", type=Path)
    options = parser.parse_args()
    if options.press is None:
        parser.error("name an archive of photographs with --press")
    classifier = EmotionClassifier(options.weights)
    photos = load(Path(options.press), options.per_class)
    samples = detected(photos, 0)
    names = [sample.emotion for sample in samples]
    print(f"{len(photos)} photographs, {len(samples)} with a face\n\n1. Side and rise of the crop")
    for scale in (1.0, 1.1, 1.2, 1.3, 1.4):
        for rise in (0.0, 0.06, 0.09, 0.12):
            crops = cropped(
                samples, lambda f, s=scale, r=rise: framed(f, scale=s, rise=r), LEVEL_FROM_DEGREES
            )
            print(f"   {scale:.1f} boxes, {rise:.2f} up  {figures(classifier, crops, names)}")
    print("\n2. Levelled from this angle on, in degrees")
    for lean in (0, 8, 15, 25, 35, 50):
        leaning = samples if not lean else detected(photos, lean)
        for level in (0.0, 10.0, 15.0, 20.0, 90.0):
            crops = cropped(leaning, lambda face: face, level)
            value = figures(classifier, crops, [sample.emotion for sample in leaning])
            print(f"   leaning by ±{lean:<3}from {level:4.0f}°  {value}")
    print("\n3. Turned away")
    offsets = np.array([nose_offset(sample.face) for sample in samples])
    for low, high in ((0.0, 0.1), (0.1, 0.2), (0.2, 0.35), (0.35, 0.5), (0.5, 0.75), (0.75, 9.0)):
        part = [s for s, o in zip(samples, offsets, strict=True) if low <= o < high]
        if part:
            crops = cropped(part, lambda face: face, LEVEL_FROM_DEGREES)
            value = figures(classifier, crops, [sample.emotion for sample in part])
            print(f"   nose {low:.2f} to {high:.2f}: {len(part):4} faces {value}")


if __name__ == "__main__":
    main()
