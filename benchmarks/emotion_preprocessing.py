"""How best to crop a face for the network: the experiment behind `emotion.crop`.

    python benchmarks/emotion_preprocessing.py --data fer2013.zip [--faces FOLDER] [--limit 600]

prints, for the shipped network (or --weights):

1. accuracy on PublicTest for the pixels as they are, equalised, denoised, and for the mean of
   crop and mirror image; the same in the dark, where equalising ought to help if anywhere, with
   noise, and with blur; and the estimated noise and sharpness of clean faces;
2. accuracy when PublicTest faces are detected by MTCNN in a padded, enlarged image, per margin,
   and how the box compares with the FER-2013 crop;
3. the same for faces that lean by 0 to 30 degrees, their eyes levelled never, always, and from
   15 degrees on;
4. accuracy by the size of the face in the image;
5. how large Haar's boxes are compared with the FER-2013 crop, by the size of the face, on training
   faces pasted into images: this is why `emotion.detectors.haar` shrinks small boxes;
6. with --faces, a folder of photos named after what they show (happy.jpg …): how many are read as
   named, per margin and levelling.

What was decided with it: the crop is the detector's box made square and enlarged by a
twentieth, as FER-2013 crops faces; eyes that lean by 15 degrees or more are levelled (below,
levelling loses more than it gains). Contrast is stretched to 0-255, which costs nothing on
clean faces and restores accuracy in the dark, and not equalised, which costs accuracy on clean
faces. So does denoising every face; denoising only noisy ones, in proportion to their noise, costs
nothing and gains much, and so does sharpening soft ones.
"""

from __future__ import annotations

import argparse
import math
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from emotion.classifier import EmotionClassifier
from emotion.crop import (
    DENOISE_ABOVE,
    LEVEL_FROM_DEGREES,
    crop_faces,
    estimate_noise,
    measure_sharpness,
    preprocess,
    stretch_contrast,
)
from emotion.detectors.factory import build_detector
from emotion.detectors.haar import HaarDetector
from emotion.detectors.mtcnn import MtcnnDetector
from emotion.image.decoding import decode_image
from emotion.labels import EMOTIONS
from emotion.types import Box, Face
from model.data.backgrounds import load_backgrounds
from model.data.fer2013 import load_fer2013
from model.evaluation.localization import Condition, best_match, paste
from model.evaluation.robustness import sample

Crops = NDArray[np.uint8]
PAD, ENLARGED = 60, 144


def accuracy(classifier: EmotionClassifier, crops: Crops, labels: NDArray[np.int64]) -> float:
    return float((scores(classifier, crops).argmax(axis=1) == labels).mean() * 100)


def scores(classifier: EmotionClassifier, crops: Crops) -> NDArray[np.float32]:
    parts = [classifier.predict(crops[i : i + 100]) for i in range(0, len(crops), 100)]
    return np.concatenate(parts)


def each(treat: Callable[[Crops], Crops]) -> Callable[[Crops], Crops]:
    return lambda crops: np.stack([treat(crop) for crop in crops]).astype(np.uint8)


def by_noise(denoise: Callable[[Crops, float], Crops]) -> Callable[[Crops], Crops]:
    """Return `emotion.crop.preprocess` with another way to remove noise."""

    def treat(crop: Crops) -> Crops:
        spread = stretch_contrast(crop)
        noise = estimate_noise(spread)
        return (
            preprocess(crop) if noise < DENOISE_ABOVE else stretch_contrast(denoise(spread, noise))
        )

    return treat


def non_local_means(crop: Crops, noise: float) -> Crops:
    return cv2.fastNlMeansDenoising(crop, None, noise, 5, 15).astype(np.uint8, copy=False)


def gaussian(crop: Crops, noise: float) -> Crops:
    return cv2.GaussianBlur(crop, (0, 0), min(noise / 20, 1.5)).astype(np.uint8, copy=False)


TREATMENTS: dict[str, Callable[[Crops], Crops]] = {
    "as it is": lambda crops: crops,
    "equalised": each(cv2.equalizeHist),
    "CLAHE 2, 4x4": each(lambda crop: cv2.createCLAHE(2.0, (4, 4)).apply(crop)),
    "stretched to 0-255": each(stretch_contrast),
    "median 3": each(lambda crop: cv2.medianBlur(crop, 3)),
    "Gaussian 0.7": each(lambda crop: cv2.GaussianBlur(crop, (0, 0), 0.7)),
    "non-local means 5": each(lambda crop: cv2.fastNlMeansDenoising(crop, None, 5, 5, 11)),
    "as the app does": each(preprocess),
    "… by non-local means": each(by_noise(non_local_means)),
    "… by a Gaussian": each(by_noise(gaussian)),
}


def report_pixels(classifier: EmotionClassifier, crops: Crops, labels: NDArray[np.int64]) -> None:
    print(f"\n1. Pixels: PublicTest accuracy in %, {len(crops)} faces")
    grain = np.random.default_rng(0).normal(0, 1, crops.shape)
    dark = (crops * 0.25).astype(np.uint8)
    conditions = (
        {
            "clean": crops,
            "dark": dark,
            "dark, noise 4": np.clip(np.rint(dark + 4 * grain), 0, 255).astype(np.uint8),
        }
        | {
            f"noise {deviation}": np.clip(np.rint(crops + deviation * grain), 0, 255).astype(
                np.uint8
            )
            for deviation in (5, 10, 20, 30)
        }
        | {
            f"blur {pixels}": np.stack([cv2.GaussianBlur(crop, (0, 0), pixels) for crop in crops])
            for pixels in (1, 1.5, 2)
        }
    )
    print(f"   {'':20}" + "".join(f"{name:>14}" for name in conditions))
    for name, treat in TREATMENTS.items():
        row = [accuracy(classifier, treat(shot), labels) for shot in conditions.values()]
        print(f"   {name:20}" + "".join(f"{value:14.1f}" for value in row))
    noise = [estimate_noise(stretch_contrast(crop)) for crop in crops]
    low, middle, high = np.percentile(noise, [50, 95, 99])
    print(
        f"   noise of clean faces after contrast stretching: {low:.1f}, "
        f"95 % {middle:.1f}, 99 % {high:.1f}"
    )
    sharpness = [measure_sharpness(stretch_contrast(crop)) for crop in crops]
    low, high, middle = np.percentile(sharpness, [1, 5, 50])
    print(f"   their sharpness: {middle:.2f}, 5 % below {high:.2f}, 1 % below {low:.2f}")
    both = scores(classifier, crops) + scores(classifier, crops[:, :, ::-1])
    print(f"   {'+ mirror image':20}{float((both.argmax(1) == labels).mean() * 100):14.1f}")


def enlarged(crop: Crops, angle: float = 0.0) -> Crops:
    """Return a crop as a photo: enlarged, with its edge continued, leaning by ``angle``."""
    grey = cv2.resize(crop, (ENLARGED, ENLARGED), interpolation=cv2.INTER_CUBIC)
    grey = cv2.copyMakeBorder(grey, PAD, PAD, PAD, PAD, cv2.BORDER_REPLICATE)
    if angle:
        middle = (grey.shape[1] / 2, grey.shape[0] / 2)
        turn = cv2.getRotationMatrix2D(middle, -angle, 1.0)
        grey = cv2.warpAffine(grey, turn, grey.shape[::-1], borderMode=cv2.BORDER_REPLICATE)
    return cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB).astype(np.uint8)


def found_again(
    crops: Crops, name: str, angle: float = 0.0
) -> tuple[list[Crops], list[Face | None]]:
    detector = MtcnnDetector(min_face=60) if name == "mtcnn" else build_detector("haar")
    images = [enlarged(crop, angle) for crop in crops]
    return images, [next(iter(detector.detect(image)), None) for image in images]


def cropped(images: list[Crops], faces: Sequence[Face], **choices: float | bool) -> Crops:
    pairs = zip(images, faces, strict=True)
    return np.concatenate([crop_faces(p, [f], **choices) for p, f in pairs])  # type: ignore[arg-type]


def report_frame(classifier: EmotionClassifier, crops: Crops, labels: NDArray[np.int64]) -> None:
    for name in ("haar", "mtcnn"):
        images, found = found_again(crops, name)
        seen = np.array([face is not None for face in found])
        images = [p for p, s in zip(images, seen, strict=True) if s]
        faces = [face for face in found if face is not None]
        print(f"\n2. Margin: PublicTest faces found again by {name}, {seen.sum()} of {len(crops)}")
        frame = [Face(Box(PAD, PAD, ENLARGED, ENLARGED))] * len(faces)
        print(
            f"   FER-2013's own frame{'':8}{accuracy(classifier, crops[seen], labels[seen]):6.1f}"
        )
        same = cropped(images, frame, margin=0.0)
        print(f"   the same, cropped again{'':5}{accuracy(classifier, same, labels[seen]):6.1f}")
        for margin in (-0.2, -0.1, 0.0, 0.05, 0.1, 0.2, 0.3, 0.4):
            value = accuracy(classifier, cropped(images, faces, margin=margin), labels[seen])
            print(f"   margin {margin:+.0%}{'':17}{value:6.1f}")
        for what, values in geometry(faces).items():
            low, middle, high = np.percentile(values, [25, 50, 75])
            print(f"   {what:32}{middle:6.2f}  ({low:.2f} to {high:.2f})")


def geometry(faces: Sequence[Face]) -> dict[str, list[float]]:
    """Return where the boxes, and the eyes where known, lie in FER-2013's frame."""
    boxes = [face.box for face in faces]
    measures = {
        "box width / frame": [b.width / ENLARGED for b in boxes],
        "box height / frame": [b.height / ENLARGED for b in boxes],
        "middle of the box, across": [(b.x + b.width / 2 - PAD) / ENLARGED for b in boxes],
        "middle of the box, down": [(b.y + b.height / 2 - PAD) / ENLARGED for b in boxes],
    }
    points = [face.landmarks for face in faces if face.landmarks]
    if points:
        measures["between the eyes / frame"] = [
            float(np.hypot(*np.subtract(p.right_eye, p.left_eye))) / ENLARGED for p in points
        ]
        measures["height of the eyes"] = [
            ((p.left_eye[1] + p.right_eye[1]) / 2 - PAD) / ENLARGED for p in points
        ]
        measures["height of the mouth"] = [
            ((p.mouth_left[1] + p.mouth_right[1]) / 2 - PAD) / ENLARGED for p in points
        ]
    return measures


def report_lean(classifier: EmotionClassifier, crops: Crops, labels: NDArray[np.int64]) -> None:
    print("\n3. Leaning faces, found again by mtcnn: accuracy in % by when their eyes are levelled")
    print(f"   {'':10}{'never':>8}{'always':>8}{f'from {LEVEL_FROM_DEGREES:.0f}':>8}")
    for angle in (0, 10, 20, 30):
        images, found = found_again(crops, "mtcnn", angle)
        seen = np.array([face is not None for face in found])
        images = [p for p, s in zip(images, seen, strict=True) if s]
        faces = [face for face in found if face is not None]
        row = [
            accuracy(classifier, cropped(images, faces, level_from=angle), labels[seen])
            for angle in (math.inf, 0.0, LEVEL_FROM_DEGREES)
        ]
        print(f"   {angle:3} degrees{''.join(f'{v:8.1f}' for v in row)}   ({len(faces)} found)")


def report_size(classifier: EmotionClassifier, crops: Crops, labels: NDArray[np.int64]) -> None:
    print("\n4. Size: accuracy in % of faces by their width in pixels")
    for side in (48, 40, 32, 28, 24, 20, 16, 12):
        small = [cv2.resize(c, (side, side), interpolation=cv2.INTER_AREA) for c in crops]
        back = [cv2.resize(c, (48, 48), interpolation=cv2.INTER_LINEAR) for c in small]
        value = accuracy(classifier, np.stack(back).astype(np.uint8), labels)
        print(f"   {side:3} pixels{value:8.1f}")


def report_small_boxes(crops: Crops) -> None:
    print(f"\n5. Haar's boxes: side of the box / side of the frame, {len(crops)} training faces")
    grounds = load_backgrounds()
    detector, as_boxed = HaarDetector(), HaarDetector(shrink_per_pixel=0.0)
    for side in (32, 36, 40, 44, 48, 56, 64, 96, 128):
        boxes: list[int] = []
        raw: list[int] = []
        for number, crop in enumerate(crops):
            across, down = np.random.default_rng((0, number)).random(2)
            ground = grounds[number % len(grounds)]
            placed = paste(crop, ground, Condition(side), across=across, down=down)
            for found, finder in ((boxes, detector), (raw, as_boxed)):
                if face := best_match(finder.detect(placed.image), placed.frame):
                    found.append(face.box.width)
        print(
            f"   {side:3} pixels, {len(boxes)} found{np.median(boxes) / side:8.3f}"
            f"   as the cascade boxes them {np.median(raw) / side:.3f}, box {np.median(raw):.0f}"
        )


def report_photos(classifier: EmotionClassifier, folder: Path) -> None:
    photos = {}
    for path in sorted(folder.iterdir()):
        named = [e for e in EMOTIONS if path.stem.lower().startswith(e)]
        if named:
            photos[path.name] = (named[0], decode_image(path.read_bytes()))
    print(f"\n6. Photos read as named, of {len(photos)}, with the mean probability of the name")
    for name in ("haar", "mtcnn"):
        detector = build_detector(name)
        found = {key: detector.detect(image)[:1] for key, (_, image) in photos.items()}
        for level in (math.inf, LEVEL_FROM_DEGREES) if name == "mtcnn" else (math.inf,):
            for treatment in ("as it is", "stretched to 0-255", "equalised"):
                for margin in (-0.1, 0.0, 0.05, 0.1, 0.2, 0.3, 0.4):
                    right, total = 0, 0.0
                    for key, (emotion, image) in photos.items():
                        crops = crop_faces(
                            image, found[key], margin=margin, level_from=level, preprocessed=False
                        )
                        if not len(crops):
                            continue
                        crops = TREATMENTS[treatment](crops)
                        p = classifier.predict(np.concatenate([crops, crops[:, :, ::-1]])).mean(0)
                        right += EMOTIONS[int(p.argmax())] == emotion
                        total += float(p[EMOTIONS.index(emotion)])
                    how = f"{name}{', levelled' if level < math.inf else ''}, {treatment}"
                    print(f"   {how:36} margin {margin:+.0%}{right:4}{total / len(photos):7.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=os.environ.get("FER2013_PATH"))
    parser.add_argument("--faces", type=Path, help="photos named after the emotion they show")
    parser.add_argument("--limit", type=int, default=600, help="number of PublicTest faces")
    parser.add_argument("--weights", type=Path)
    arguments = parser.parse_args()
    classifier = EmotionClassifier(arguments.weights, head="fer2013")
    if arguments.data:
        data = load_fer2013(arguments.data)
        split = data.public_test
        chosen = np.random.default_rng(0).permutation(len(split))[: arguments.limit]
        crops, labels = split.images[chosen, :, :, 0], split.labels[chosen]
        for report in (report_pixels, report_frame, report_lean, report_size):
            report(classifier, crops, labels)
        report_small_boxes(sample(data.training, arguments.limit).images[..., 0])
    if arguments.faces:
        report_photos(classifier, arguments.faces)


if __name__ == "__main__":
    main()
