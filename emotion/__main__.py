"""The command line: ``python -m emotion PHOTO…``.

It is an application of both libraries: the recommender places the emotions on the plane of valence
and arousal, which the output names. Nothing else in the package imports the recommender.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

from emotion.detectors.factory import DETECTORS
from emotion.image.decoding import ImageError, check_bytes, decode_image
from emotion.labels import HEADS
from emotion.output import OutputError, annotation_targets, save_new
from emotion.types import FaceReading, ImageReading

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from recommender.types import Mood

EXIT_ERROR: Final = 2
BAR_CHARACTERS: Final = 30
MAX_FACES_WITH_BARS: Final = 3
"""Up to this many faces in a photo get their seven bars; more get a line each."""


class _Parser(argparse.ArgumentParser):
    """Reports an error in one line; the usage is for --help."""

    def error(self, message: str) -> NoReturn:
        self.exit(EXIT_ERROR, f"{self.prog}: {message}\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Read photos and return the exit status: 0, or 2 where one could not be read."""
    options = _parser().parse_args(arguments)
    for stream in (sys.stdout, sys.stderr):
        # The bars are not ASCII, and file names need not be.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")
    try:
        return _run(options)
    except BrokenPipeError:
        # `| head` has closed the pipe. Python would report that again while it shuts down.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="emotion", description="Reads the emotion on the faces in photos.")
    parser.add_argument("photos", nargs="+", type=Path, metavar="PHOTO", help="an image file")
    parser.add_argument(
        "--json", action="store_true", help="print a JSON array, with an object for each photo"
    )
    parser.add_argument(
        "--annotate",
        type=Path,
        metavar="OUT.png",
        help="save the photo with its faces outlined. For several photos, OUT is a folder, or each "
        "photo's name is added to it (OUT-happy.png). Input files are never overwritten",
    )
    parser.add_argument(
        "--force", action="store_true", help="let --annotate overwrite existing files"
    )
    parser.add_argument(
        "--detector",
        choices=DETECTORS,
        default="auto",
        help="how faces are detected (default: auto, which combines the others)",
    )
    parser.add_argument(
        "--head",
        choices=HEADS,
        default="people",
        help="what the probabilities are calibrated to: people in front of cameras (default), or "
        "FER-2013's labels, which call many resting faces sad or angry",
    )
    return parser


def _run(options: argparse.Namespace) -> int:
    # The network is loaded only if there is an image to read.
    images, status = _load(options.photos)
    readings: list[tuple[Path, ImageReading]] = []
    if images:
        from emotion.classifier import WeightsError

        try:
            with _native_stderr_silenced():
                recognizer = _recognizer(options.detector, options.head)
        except WeightsError as error:
            return _report_error(str(error))
        targets = annotation_targets(
            options.annotate, [path for path, _ in images], inputs=options.photos
        )
        for (path, image), target in zip(images, targets, strict=True):
            reading = recognizer.analyze(image)
            readings.append((path, reading))
            if target:
                image = _outlined(image, reading)
                try:
                    save_new(image, target, inputs=options.photos, overwrite=options.force)
                except OutputError as error:
                    status = _report_error(str(error))
    if options.json:
        print(json.dumps([_as_json(*pair) for pair in readings], indent=2, ensure_ascii=False))
    elif readings:
        print("\n\n".join(_as_text(*pair) for pair in readings))
    sys.stdout.flush()
    return status


def _load(paths: Sequence[Path]) -> tuple[list[tuple[Path, NDArray[np.uint8]]], int]:
    """Return the photos that can be read, and the exit status after errors with the others."""
    images, status = [], 0
    for path in paths:
        try:
            check_bytes(path.stat().st_size)
            images.append((path, decode_image(path.read_bytes())))
        except ImageError as error:
            status = _report_error(f"{path}: {error}")
        except OSError as error:
            status = _report_error(f"{path}: {error.strerror or error}")
    return images, status


def _recognizer(detector: Any, head: Any) -> Any:
    from emotion.classifier import EmotionClassifier
    from emotion.recognizer import EmotionRecognizer

    recognizer = EmotionRecognizer(detector, EmotionClassifier(head=head))
    recognizer.warm_up()
    return recognizer


@contextmanager
def _native_stderr_silenced() -> Iterator[None]:
    """Keep LiteRT's "INFO: Created … delegate", which no setting turns off, out of stderr.

    What Python writes meanwhile, warnings above all, comes out afterwards.
    """
    sys.stderr.flush()
    written = io.StringIO()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        with redirect_stderr(written):
            yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
        sys.stderr.write(written.getvalue())


def _outlined(image: NDArray[np.uint8], reading: ImageReading) -> NDArray[np.uint8]:
    from emotion.annotation import annotate

    labels = [f"{r.scores.emotion} {r.scores.confidence:.0%}" for r in reading.faces]
    return annotate(image, reading.faces, labels=labels)


def _report_error(line: str) -> int:
    print(f"emotion: {' '.join(line.split())}", file=sys.stderr)
    return EXIT_ERROR


def _mood(face: FaceReading) -> Mood:
    from recommender.mood import mood_of

    return mood_of(face.scores.as_dict())


def _as_json(path: Path, reading: ImageReading) -> dict[str, Any]:
    return {
        "file": str(path),
        "faces": [_face_as_json(face) for face in reading.faces],
        "notes": list(reading.notes),
    }


def _face_as_json(reading: FaceReading) -> dict[str, Any]:
    box, scores, mood = reading.face.box, reading.scores, _mood(reading)
    return {
        "box": [box.x, box.y, box.width, box.height],
        "emotion": scores.emotion,
        "confidence": round(scores.confidence, 6),
        "hard_to_say": scores.unsure,
        "probabilities": {name: round(p, 6) for name, p in scores.as_dict().items()},
        "valence": round(mood.valence, 6),
        "arousal": round(mood.arousal, 6),
    }


def _as_text(path: Path, reading: ImageReading) -> str:
    count = len(reading.faces)
    none = "no face that can be read" if reading.notes else "no face found"
    found = {0: none, 1: "one face"}.get(count, f"{count} faces, the largest first")
    lines = [f"{path}: {found}"]
    for number, face in enumerate(reading.faces, start=1):
        lines.append("")
        lines.append(f"  {_headline(face, number if count > 1 else 0)}")
        if count <= MAX_FACES_WITH_BARS:
            lines.extend(f"    {_bar(*pair)}" for pair in face.scores.ranked)
    lines.extend(f"  Note: {note}" for note in reading.notes)
    return "\n".join(lines)


def _headline(reading: FaceReading, number: int) -> str:
    from recommender.mood import describe

    (first, p), (second, _), *_rest = reading.scores.ranked
    named = f"hard to say: {first} or {second}" if reading.scores.unsure else f"{first}, {p:.0%}"
    box = reading.face.box
    place = f"{box.width} × {box.height} pixels at {box.x}, {box.y}"
    return f"{f'{number}. ' if number else ''}{named}  ({describe(_mood(reading))}; {place})"


def _bar(name: str, probability: float) -> str:
    full, part = divmod(round(probability * BAR_CHARACTERS * 8), 8)
    bar = "█" * full + ("▏▎▍▌▋▊▉"[part - 1] if part else "")
    return f"{name:<9}{probability:>5.0%}  {bar}".rstrip()


if __name__ == "__main__":
    sys.exit(main())
