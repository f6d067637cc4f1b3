"""How the network reads a typical neutral face: the place to which a visitor's rest is moved.

``python -m model resting --photos press_faces.zip`` reads the neutral photographs end to end, as
the app reads a photo. The typical face is the mean log-probability over those that are read as
neutral: the others are what the re-centring is there for, and a mean over them would call a face
typical that the network does not call neutral.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import logging
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from emotion import EmotionRecognizer, ImageError, decode_image
from emotion.labels import EMOTIONS
from emotion.personal import TYPICAL_FILE, mean_log_probabilities

RECORD = Path(__file__).parents[1] / "weights" / "resting.json"
NEUTRAL = "neutral"
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "--photos",
        type=Path,
        required=True,
        help="labelled photographs, a ZIP file or a folder: neutral/<person>-<id>.jpg",
    )
    parser.add_argument("--limit", type=int, help="read this many photographs at most")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument(
        "--no-record", dest="record", action="store_false", help="measure, and write nothing"
    )


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Measure, and record it unless told otherwise."""
    found = measure(neutral_photos(arguments.photos), limit=arguments.limit)
    if arguments.record:
        write(found)
    return found


def measure(
    photos: Iterator[tuple[str, bytes]],
    *,
    recognizer: EmotionRecognizer | None = None,
    limit: int | None = None,
) -> dict[str, Any]:
    """Read neutral photographs and return how a typical one is read.

    Args:
        photos: names and bytes of files.
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
    for name, data in photos:
        if limit is not None and count >= limit:
            break
        count += 1
        try:
            faces = reader.read(decode_image(data))
        except ImageError as error:
            logging.getLogger(__name__).warning("%s: %s", name, error)
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


def write(found: dict[str, Any], *, record: Path = RECORD, typical: Path = TYPICAL_FILE) -> None:
    """Write the whole record, and beside the library's code what it needs of it."""
    typical.parent.mkdir(exist_ok=True)
    kept = {"log_probabilities": found["log_probabilities"]}
    for path, content in ((record, found), (typical, kept)):
        path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def neutral_photos(source: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the neutral photographs in a ZIP file or a folder, spread over the persons.

    Args:
        source: holds ``neutral/<person>-<id>.jpg``, at any depth.

    Raises:
        FileNotFoundError: there is no such file or folder.
        ValueError: it is no ZIP file, or holds no neutral photograph.
    """
    if not source.exists():
        raise FileNotFoundError(f"There are no photographs: {source}")
    if source.is_dir():
        files = [file for file in source.rglob("*") if file.is_file()]
        names = _chosen([file.relative_to(source).as_posix() for file in files], source)
        yield from ((name, (source / name).read_bytes()) for name in names)
        return
    try:
        with zipfile.ZipFile(source) as archive:
            for name in _chosen(archive.namelist(), source):
                yield name, archive.read(name)
    except zipfile.BadZipFile:
        raise ValueError(f"{source} is neither a folder nor a ZIP file.") from None


def _chosen(names: Sequence[str], source: Path) -> list[str]:
    paths = [PurePosixPath(name) for name in names]
    chosen = [
        path.as_posix()
        for path in paths
        if path.parent.name == NEUTRAL and path.suffix.lower() in SUFFIXES
    ]
    if not chosen:
        raise ValueError(f"{source} holds no photograph in a folder called {NEUTRAL}.")
    # In an order that is always the same and has nothing to do with names, so that a limit
    # takes photographs of many persons.
    return sorted(chosen, key=lambda name: hashlib.sha256(name.encode()).digest())


def fingerprint(classifier: object) -> str:
    """Return the first twelve digits of the SHA-256 of a classifier's file; empty without one."""
    path = getattr(classifier, "path", None)
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()[:12] if path else ""


def as_text(found: dict[str, Any]) -> str:
    """Return what was measured in words."""
    lines = [
        f"{found['photos']} neutral photographs, a face found in {found['found']}, "
        f"{found['read_as_neutral']} of them read as neutral. Their geometric mean:"
    ]
    logs = found["log_probabilities"]
    total = float(np.exp(list(logs.values())).sum())
    lines += [f"  {emotion:9}{np.exp(value) / total:6.1%}" for emotion, value in logs.items()]
    return "\n".join(lines)
