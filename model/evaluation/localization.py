"""From photo to crop: the accuracy that is lost when a face has to be found before it is read.

FER-2013's faces come cropped. ``python -m model localization`` pastes test faces into images that
training does not paste into, at several sizes and tilts, lets the app's detectors find them,
crops and reads them as the app does (without the mirror image), and compares with the
same faces' own crops. It also counts in how many images without a face a detector detects a
face. ``--record`` writes what was measured into ``localization.json``.

Every detector sees every face under every condition, and `auto` runs MTCNN up to six times where
nothing is found: a third of a second of processor time for each face and condition. So a sample of
`DEFAULT_FACES` is drawn, and the loss has a confidence interval.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np
from numpy.typing import NDArray

from emotion.classifier import Classifier, EmotionClassifier
from emotion.crop import preprocess
from emotion.detectors.base import FaceDetector
from emotion.detectors.factory import DETECTORS, build_detector
from emotion.labels import EMOTIONS
from emotion.types import Box, Face
from model import options
from model.data.backgrounds import (
    HEIGHT,
    SEED,
    TEST_PHOTOS,
    WIDTH,
    Grey,
    empty_images,
    load_test_backgrounds,
)
from model.data.fer2013 import Split, load_fer2013
from model.evaluation.robustness import sample
from model.evaluation.wilson import Z_95
from model.markdown import markdown_table
from model.records import (
    WEIGHTS,
    ConditionFigures,
    DetectorFigures,
    LocalizationRecord,
    describe,
    write_json,
)

RECORD = WEIGHTS / "localization.json"
DEFAULT_FACES = 300
BOOTSTRAP_SAMPLES = 1000
"""Of the faces, for the interval of the loss."""
SIDES = (40, 64, 96, 160, 240)
"""Of upright faces, in pixels: the side of FER-2013's frame."""
TILTS = (-30, -20, -10, 10, 20, 30)
"""Clockwise tilts in degrees, of faces of `TILTED_SIDE` pixels."""
TILTED_SIDE = 96
FOUND_MIN_IOU = 0.3
"""IoU of box and frame from which a face counts as found."""
SOFT_EDGE_FRACTION = 0.2
"""Width of the soft edge around the frame, as a fraction of its side."""


@dataclass(frozen=True, slots=True)
class Condition:
    """The side of the pasted faces in pixels, and their clockwise tilt in degrees."""

    side: int
    tilt: int = 0


CONDITIONS: tuple[Condition, ...] = (
    *(Condition(side) for side in SIDES),
    *(Condition(TILTED_SIDE, tilt) for tilt in TILTS),
)


@dataclass(frozen=True, slots=True)
class Placed:
    """An image with one face in it.

    Attributes:
        image: RGB uint8 ``(H, W, 3)``.
        frame: where the middle of the upright FER-2013 frame lies, with its side.
    """

    image: NDArray[np.uint8]
    frame: Box


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    add = parser.add_argument
    options.add_data(parser)
    options.add_split(parser)
    add("--limit", type=int, default=DEFAULT_FACES, metavar="N", help="N faces, drawn at random")
    add(
        "--detector",
        action="append",
        choices=DETECTORS,
        help="finds the faces; may be given several times (default: each)",
    )
    options.add_weights(parser, ".tflite")
    options.add_json(parser)
    options.add_record(parser, RECORD.name)


def run(arguments: argparse.Namespace) -> LocalizationRecord:
    """Measure as the command line asks, and record if it asks for that.

    Raises:
        FileNotFoundError: there is no data or there are no weights.
        ValueError: a value is out of range.
    """
    if not arguments.weights.is_file():
        raise FileNotFoundError(f"There are no weights at {arguments.weights}")
    classifier = EmotionClassifier(arguments.weights, head="fer2013")
    names = list(dict.fromkeys(arguments.detector or DETECTORS))
    data = load_fer2013(arguments.data)
    split = sample(
        data.public_test if arguments.split == "public-test" else data.private_test,
        arguments.limit,
    )
    detectors = {name: build_detector(name) for name in names}
    empty = empty_images()
    results = LocalizationRecord(
        network=describe(arguments.weights),
        command=f"python -m model localization --split {arguments.split} --limit {arguments.limit}"
        + "".join(f" --detector {name}" for name in arguments.detector or ()),
        split=arguments.split,
        faces=len(split),
        image_size=[WIDTH, HEIGHT],
        backgrounds=list(TEST_PHOTOS),
        own_crops=float(read_crops(split, classifier).mean()),
        empty_images=len(empty),
        detectors=measure(split, classifier, detectors, empty=empty),
    )
    if arguments.record:
        write_json(results, RECORD)
    return results


def measure(
    split: Split,
    classifier: Classifier,
    detectors: dict[str, FaceDetector],
    *,
    conditions: Sequence[Condition] | None = None,
    backgrounds: Sequence[Grey] | None = None,
    empty: Sequence[NDArray[np.uint8]] = (),
) -> list[DetectorFigures]:
    """Paste every face under every condition, and let every detector find it.

    Args:
        split: the faces.
        classifier: reads them.
        detectors: by name; all see the same images.
        conditions: how the faces are pasted; all of `CONDITIONS` by default.
        backgrounds: grey images to paste into; `load_test_backgrounds` by default.
        empty: RGB images without a face, in which no face should be detected.
    """
    grounds = load_test_backgrounds() if backgrounds is None else backgrounds

    def read_by_each(condition: Condition, number: int) -> list[bool | None]:
        """Return for each detector whether the face is read right, None where it is not found."""
        placed = _placed(split, number, condition, grounds)
        answers: list[bool | None] = []
        for detector in detectors.values():
            face = best_match(detector.detect(placed.image), placed.frame)
            if face is None:
                answers.append(None)
            else:
                (scores,) = classifier.classify(placed.image, [face], mirror=False)
                answers.append(scores.emotion == EMOTIONS[int(split.labels[number])])
        return answers

    right_before = read_crops(split, classifier)
    figures: dict[str, list[ConditionFigures]] = {name: [] for name in detectors}
    answers_of: dict[str, list[list[bool | None]]] = {name: [] for name in detectors}
    with ThreadPoolExecutor(os.cpu_count()) as workers:
        for condition in CONDITIONS if conditions is None else conditions:
            print(f"{condition.side} px, {condition.tilt}° …", file=sys.stderr)
            rows = list(workers.map(partial(read_by_each, condition), range(len(split))))
            for place, name in enumerate(detectors):
                answers = [row[place] for row in rows]
                answers_of[name].append(answers)
                found = np.array([answer is not None for answer in answers], dtype=np.bool_)
                right = np.array([answer is True for answer in answers], dtype=np.bool_)
                figures[name].append(_figures(condition, found, right_before, right))
    return [
        DetectorFigures(
            detector=name,
            conditions=figures[name],
            loss_error=_loss_error(right_before, answers_of[name]),
            false_positives=sum(bool(detector.detect(image)) for image in empty),
        )
        for name, detector in detectors.items()
    ]


def read_crops(split: Split, classifier: Classifier) -> NDArray[np.bool_]:
    """Return which faces ``(N,)`` are read right from FER-2013's own crops.

    They are preprocessed like every crop, so that only the crop region differs.
    """
    right = np.zeros(len(split), dtype=np.bool_)
    for start in range(0, len(split), 64):
        part = slice(start, start + 64)
        crops = np.stack([preprocess(face[..., 0]) for face in split.images[part]])
        right[part] = classifier.predict(crops).argmax(axis=1) == split.labels[part]
    return right


def _figures(
    condition: Condition,
    found: NDArray[np.bool_],
    before: NDArray[np.bool_],
    after: NDArray[np.bool_],
) -> ConditionFigures:
    own_crops = float(before[found].mean()) if found.any() else 0.0
    detected = float(after[found].mean()) if found.any() else 0.0
    return ConditionFigures(
        side=condition.side,
        tilt=condition.tilt,
        faces=len(found),
        found=float(found.mean()),
        own_crops=own_crops,
        detected=detected,
        loss=100 * (own_crops - detected),
        end_to_end=float(after.mean()),
    )


def _loss_error(
    before: NDArray[np.bool_], answers: Sequence[Sequence[bool | None]], *, seed: int = SEED
) -> float:
    """Return half of the 95 % interval of the mean loss over the conditions, in points.

    By bootstrap over the faces: the same faces are seen under every condition, so that the
    conditions are not independent measurements.

    Args:
        before: which faces ``(N,)`` are read right from FER-2013's own crops.
        answers: for each condition, whether each face is read right; None where it is not found.
        seed: of the draws.
    """
    found = np.array([[one is not None for one in row] for row in answers], dtype=np.float64)
    right = np.array([[one is True for one in row] for row in answers], dtype=np.float64)
    lost = (before - right) * found
    draws = np.random.default_rng(seed).multinomial(
        len(before), np.full(len(before), 1 / len(before)), BOOTSTRAP_SAMPLES
    )
    losses = (lost @ draws.T) / np.maximum(found @ draws.T, 1)
    return float(Z_95 * 100 * losses.mean(axis=0).std())


def _placed(split: Split, number: int, condition: Condition, backgrounds: Sequence[Grey]) -> Placed:
    # The same position and background under every condition, as far as the size allows.
    generator = np.random.default_rng((SEED, number))
    ground = backgrounds[number % len(backgrounds)]
    face = split.images[number, ..., 0]
    return paste(face, ground, condition, across=generator.random(), down=generator.random())


def paste(face: Grey, ground: Grey, condition: Condition, *, across: float, down: float) -> Placed:
    """Paste a face ``(48, 48)`` into an image with an edge that fades out.

    All of the crop stays; around it its own edge is repeated and fades into the ground, without
    the square seam that a detector might see instead of the face.

    Args:
        face: grey uint8.
        ground: grey uint8 ``(H, W)``, larger than the face with its soft edge.
        condition: its size and tilt.
        across: where it lies between the left and the right edge, 0-1.
        down: where it lies between the upper and the lower edge, 0-1.

    Raises:
        ValueError: the image is too small.
    """
    side = condition.side
    edge = round(SOFT_EDGE_FRACTION * side)
    angle = math.radians(condition.tilt)
    # Room for the corners of the tilted frame as well.
    reach = side * (abs(math.cos(angle)) + abs(math.sin(angle))) / 2 + edge
    border = math.ceil(reach - side / 2)
    whole = side + 2 * border
    how = cv2.INTER_CUBIC if side > len(face) else cv2.INTER_AREA
    large = cv2.resize(face, (side, side), interpolation=how)
    padded = cv2.copyMakeBorder(large, border, border, border, border, cv2.BORDER_REPLICATE)
    turn = cv2.getRotationMatrix2D(((whole - 1) / 2, (whole - 1) / 2), -condition.tilt, 1.0)
    turned = cv2.warpAffine(
        padded, turn, (whole, whole), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    mask = cv2.warpAffine(soft_mask(side, edge, border=border), turn, (whole, whole))[..., None]
    height, width = ground.shape
    if whole > min(height, width):
        raise ValueError(
            f"Incorrect value for 'side' argument: {side}: with its soft edge {whole} pixels, in "
            f"an image of {width}x{height}"
        )
    left, top = round(across * (width - whole)), round(down * (height - whole))
    image = cv2.cvtColor(ground, cv2.COLOR_GRAY2RGB).astype(np.float32)
    part = image[top : top + whole, left : left + whole]
    part += (turned[..., None].astype(np.float32) - part) * mask
    frame = Box(left + border, top + border, side, side)
    return Placed(np.clip(np.rint(image), 0, 255).astype(np.uint8), frame)


def soft_mask(side: int, edge: int, *, border: int) -> NDArray[np.float32]:
    """Return a mask that is 1 over a square and falls smoothly to 0 around it, with round corners.

    Args:
        side: of the square, in pixels.
        edge: width of the fall, in pixels.
        border: how far the mask reaches beyond the square, in pixels.

    Returns:
        float32 ``(side + 2 border, side + 2 border)``, 0-1.
    """
    middle = (side + 2 * border - 1) / 2
    beyond = np.maximum(np.abs(np.arange(side + 2 * border) - middle) - side / 2, 0)
    far = np.minimum(np.hypot(beyond[:, None], beyond[None, :]) / edge, 1)
    mask: NDArray[np.float32] = ((1 + np.cos(np.pi * far)) / 2).astype(np.float32)
    return mask


def best_match(faces: Sequence[Face], frame: Box) -> Face | None:
    """Return the face whose box fits ``frame`` best; None where none fits."""
    best = max(faces, key=lambda face: iou(face.box, frame), default=None)
    return best if best is not None and iou(best.box, frame) >= FOUND_MIN_IOU else None


def iou(a: Box, b: Box) -> float:
    """Return the intersection over union (IoU) of two boxes, 0-1."""
    width = min(a.x + a.width, b.x + b.width) - max(a.x, b.x)
    height = min(a.y + a.height, b.y + b.height) - max(a.y, b.y)
    common = max(width, 0) * max(height, 0)
    return common / (a.area + b.area - common) if common else 0.0


COLUMNS: tuple[tuple[str, Callable[[ConditionFigures], str]], ...] = (
    ("Face", lambda c: f"{c['side']} px" + (f", {c['tilt']:+d}°" if c["tilt"] else "")),
    ("found", lambda c: f"{c['found']:.1%}"),
    ("own crop", lambda c: f"{c['own_crops']:.1%}"),
    ("detected", lambda c: f"{c['detected']:.1%}"),
    ("loss", lambda c: f"{c['loss']:+.1f}"),
    ("end to end", lambda c: f"{c['end_to_end']:.1%}"),
)


def as_markdown(results: LocalizationRecord) -> str:
    """Return a table, a row a detector and condition."""
    table = markdown_table(
        ["Detector", *(title for title, _ in COLUMNS)],
        [
            [found["detector"], *(cell(condition) for _, cell in COLUMNS)]
            for found in results["detectors"]
            for condition in found["conditions"]
        ],
        text_columns=(0, 1),
    )
    return f"{table}\n\n{_false_positives(results)}\n"


def as_text(results: LocalizationRecord) -> str:
    """Return the figures as plain text."""
    lines = [
        f"{results['split']}, {results['faces']:,} faces: {results['own_crops']:.1%} from "
        "FER-2013's own crops"
    ]
    for found in results["detectors"]:
        lines.append(f"{found['detector']:13}" + "".join(f"{t:>11}" for t, _ in COLUMNS[1:]))
        for condition in found["conditions"]:
            first, *rest = (cell(condition) for _, cell in COLUMNS)
            lines.append(f"  {first:11}" + "".join(f"{text:>11}" for text in rest))
    return "\n".join([*lines, _false_positives(results)])


def _false_positives(results: LocalizationRecord) -> str:
    each = ", ".join(
        f"{found['detector']} in {found['false_positives']}" for found in results["detectors"]
    )
    return f"Faces detected in {results['empty_images']} images without a face: {each}."
