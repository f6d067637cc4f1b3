"""How the network reads a typical neutral face, on which visitors' readings are re-centred.

``python -m model resting --photos press_faces.zip`` reads the neutral photographs end to end, as
the app reads a photo. The typical face is the mean log-probability over those that are read as
neutral. The others are what re-centring corrects: a mean that included them would make a face
typical that the network does not read as neutral.
"""

from __future__ import annotations

import argparse
import hashlib
import logging
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from emotion import EmotionRecognizer
from emotion.labels import EMOTIONS
from emotion.personal import TYPICAL_FILE, mean_log_probabilities
from model import options
from model.data.labelled_photos import Photo, read_photos
from model.records import WEIGHTS, RestingRecord, write_json

RECORD = WEIGHTS / "resting.json"
NEUTRAL = "neutral"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    options.add_photos(parser, required=True)
    parser.add_argument("--limit", type=int, help="read this many photographs at most")
    options.add_json(parser)
    parser.add_argument(
        "--no-record", dest="record", action="store_false", help="measure, and write nothing"
    )


def run(arguments: argparse.Namespace) -> RestingRecord:
    """Measure, and record it unless told otherwise."""
    found = measure(neutral_photos(arguments.photos), limit=arguments.limit)
    if arguments.record:
        write(found)
    return found


def measure(
    photos: Iterable[Photo],
    *,
    recognizer: EmotionRecognizer | None = None,
    limit: int | None = None,
) -> RestingRecord:
    """Read neutral photographs and return how a typical one is read.

    Args:
        photos: neutral ones.
        recognizer: reads them; the app's by default.
        limit: how many are read at most, 1 or more; by default all.

    Returns:
        what is recorded: how many photographs there were, in how many a face was found, how many
        were read as neutral, and emotion → mean log-probability of those.

    Raises:
        ValueError: there is no neutral photograph, or none is read as neutral.
    """
    if limit is not None and limit < 1:
        raise ValueError(f"Incorrect value for 'limit' argument: {limit}: 1 or more")
    reader = recognizer or EmotionRecognizer()
    count, rows = 0, []
    for photo in photos:
        if limit is not None and count >= limit:
            break
        count += 1
        try:
            faces = reader.read(photo.image())
        except ValueError as error:  # names the photograph
            logging.getLogger(__name__).warning("%s", error)
            continue
        if faces:
            rows.append(faces[0].scores)
    neutral = [scores.probabilities for scores in rows if scores.emotion == NEUTRAL]
    if not neutral:
        raise ValueError(f"None of the {count} neutral photographs is read as neutral.")
    means = mean_log_probabilities(neutral)
    return {
        "photos": count,
        "found": len(rows),
        "read_as_neutral": len(neutral),
        "network": fingerprint(reader.classifier),
        "log_probabilities": dict(
            zip(EMOTIONS, (round(float(value), 4) for value in means), strict=True)
        ),
    }


def write(found: RestingRecord, *, record: Path = RECORD, typical: Path = TYPICAL_FILE) -> None:
    """Write the record, and into the library the part that it needs."""
    typical.parent.mkdir(exist_ok=True)
    kept = {"log_probabilities": found["log_probabilities"]}
    write_json(found, record)
    write_json(kept, typical)


def neutral_photos(source: Path) -> list[Photo]:
    """Return the neutral ones of labelled photographs (`model.data.labelled_photos`).

    Their order is always the same and has nothing to do with their names, so that a limit takes
    photographs of many persons.

    Raises:
        FileNotFoundError: there is no such file or folder.
        ValueError: it is no zip, or holds no neutral photograph.
    """
    photos = read_photos(source, emotion=NEUTRAL)
    if not photos:
        raise ValueError(f"{source} holds no photograph in a folder called {NEUTRAL}.")
    return sorted(photos, key=lambda photo: hashlib.sha256(photo.name.encode()).digest())


def fingerprint(classifier: object) -> str:
    """Return the first twelve digits of the SHA-256 of a classifier's file; empty without one."""
    path = getattr(classifier, "path", None)
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()[:12] if path else ""


def as_text(found: RestingRecord) -> str:
    """Return what was measured as text."""
    lines = [
        f"{found['photos']} neutral photographs, a face found in {found['found']}, "
        f"{found['read_as_neutral']} of them read as neutral. Their geometric mean:"
    ]
    logs = found["log_probabilities"]
    total = float(np.exp(list(logs.values())).sum())
    lines += [f"  {emotion:9}{np.exp(value) / total:6.1%}" for emotion, value in logs.items()]
    return "\n".join(lines)
