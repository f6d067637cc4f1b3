"""The long recipe, for a GPU: large teachers, then the small network distilled from them.

``KERAS_BACKEND=jax python -m model recipe --data packed/fer2013.zip --votes packed/votes.csv
--minutes 9`` does what fits into nine minutes, exits with code 3 if that was not all, and resumes
when it is started again. `model.data.pack` makes the data small enough for an upload; the result
is ``model/runs/student/best.keras``, which ``python -m model export --run student`` ships.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from model import options
from model.training import train as training
from model.training.runs import epochs_done


class OutOfTimeError(TimeoutError):
    """The minutes given are over and the recipe is not finished."""


@dataclass(frozen=True, slots=True)
class Step:
    """One run of the recipe; what is not named here is `model.training.train`'s default."""

    run: str
    epochs: int
    seed: int
    widths: tuple[int, ...] = (64, 128, 256, 512)
    depths: tuple[int, ...] = (1, 2, 4, 4)
    batch_size: int = 256
    learning_rate: float = 0.1
    weight_decay: float = 4e-3
    label_smoothing: float = 0.1
    mixup: float = 0.2
    teacher_weight: float = 0.7


TEACHERS = tuple(Step(run=f"teacher{seed}", epochs=120, seed=seed) for seed in range(3))
STUDENT = Step(
    run="student",
    epochs=250,
    seed=9,
    widths=(32, 64, 128, 256),
    weight_decay=2e-3,
    label_smoothing=0.0,
)
STEPS = (*TEACHERS, STUDENT)
SHARED = ("data", "votes", "limit", "precision", "verbose")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    add = parser.add_argument
    options.add_data(parser)
    options.add_votes(parser, "an auxiliary target; left out by default")
    add("--minutes", type=float, metavar="N", help="do what fits into N minutes")
    add("--epochs", type=int, metavar="N", help="N epochs in every run: to try things out")
    add("--limit", type=int, help="use this many images of each split: to try things out")
    add("--precision", choices=("float32", "mixed_bfloat16"), default="mixed_bfloat16")
    add("--verbose", type=int, default=2)


def run(arguments: argparse.Namespace) -> Path:
    """Train what is not trained yet, and return the last run's folder.

    Raises:
        OutOfTimeError: the minutes given are over; the same command resumes.
    """
    end = None if arguments.minutes is None else time.monotonic() + 60 * arguments.minutes
    parser = argparse.ArgumentParser()
    training.add_arguments(parser)
    defaults = vars(parser.parse_args([]))
    teachers: list[Path] = []
    for step in STEPS:
        given = asdict(step)
        if arguments.epochs:
            given["epochs"] = arguments.epochs
        folder = training.RUNS / step.run
        if epochs_done(folder) < given["epochs"]:
            left = None if end is None else (end - time.monotonic()) / 60
            if left is not None and left <= 0 and step is not STEPS[0]:
                raise OutOfTimeError(_unfinished(step))
            shared = {name: getattr(arguments, name) for name in SHARED}
            chosen = {**defaults, **shared, **given, "minutes": left}
            if step is STEPS[-1]:
                chosen |= {"teacher": teachers, "teacher_views": 4}
            training.train(argparse.Namespace(**chosen))
            if epochs_done(folder) < given["epochs"]:
                raise OutOfTimeError(_unfinished(step))
        teachers.append(folder / "best.keras")
    return training.RUNS / STEPS[-1].run


def _unfinished(step: Step) -> str:
    return f"Out of time: {step.run} is not finished; the same command resumes from there"
