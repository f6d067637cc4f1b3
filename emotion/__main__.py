"""The command line: ``python -m emotion PATH…``.

It uses both libraries: the recommender turns emotions into the valence and arousal of the output.
Nothing else in the package imports the recommender.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import os
import re
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

from emotion.detectors.factory import DETECTORS
from emotion.labels import HEADS
from emotion.output import OutputError, annotation_targets, on_one_line
from emotion.types import EmotionScores

if TYPE_CHECKING:
    from emotion.clips.reader import Outcome, Settings, Task
    from emotion.clips.rows import Row
    from emotion.clips.run import Result
    from emotion.clips.sources import Found, Source
    from emotion.clips.store import Store

EXIT_ERROR: Final = 2
EXIT_INTERRUPTED: Final = 130
BAR_CHARACTERS: Final = 30
MAX_FACES_WITH_BARS: Final = 3
"""Up to this many faces in a file get their seven bars; more get a line each."""
QUIET_SECONDS: Final = 1.0
"""The progress bar appears only after this long."""


class _Parser(argparse.ArgumentParser):
    """Reports an error in one line; the usage is for --help."""

    def error(self, message: str) -> NoReturn:
        command = self.prog.removeprefix("python -m ")
        self.exit(EXIT_ERROR, f"{command}: {message}\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Read photos and clips, and return the exit status.

    That is 0; 2 if a file cannot be read or an option is refused; 130 after Ctrl-C or SIGTERM.
    """
    options = _parser().parse_args(arguments)
    for stream in (sys.stdout, sys.stderr):
        # The bars are not ASCII, and file names may not be either.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")
    try:
        with _terminated_like_interrupted():
            return _run(options)
    except KeyboardInterrupt:
        kept = options.csv or options.parquet
        _report(f"interrupted{'; the same command continues from what was read' if kept else ''}")
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # `| head` has closed the pipe. Python would report that again while it shuts down.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


@contextmanager
def _terminated_like_interrupted() -> Iterator[None]:
    """Make SIGTERM, with which batch systems end jobs that take too long, act like Ctrl-C."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(number: int, frame: object) -> NoReturn:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the table is written meanwhile
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before if before is not None else signal.SIG_DFL)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m emotion", description="Reads emotions from the faces in photos and clips."
    )
    parser.add_argument(
        "paths",
        nargs="+",
        metavar="PATH",
        help="a photo, a clip, a folder of them, or an address that fsspec opens (s3://…)",
    )
    parser.add_argument(
        "--json", action="store_true", help="print a JSON array, with an object for each file"
    )
    table = parser.add_mutually_exclusive_group()
    table.add_argument(
        "--csv",
        type=_target,
        metavar="OUT.csv",
        help="write a table with a row for each face and instant. Run again, the same command "
        "continues where it stopped, and adds new files",
    )
    table.add_argument("--parquet", type=_target, metavar="OUT.parquet", help="the same as Parquet")
    parser.add_argument(
        "--plot",
        type=_target,
        metavar="OUT.png",
        help="plot the mood of each face in clips over time",
    )
    parser.add_argument(
        "--fps",
        type=_fps,
        default=5.0,
        metavar="N",
        help="how many instants of a clip to read per second (default: 5)",
    )
    parser.add_argument(
        "--workers",
        type=_workers,
        default=os.cpu_count() or 1,
        metavar="N",
        help="how many processes to read with (default: one per core)",
    )
    parser.add_argument(
        "--scheduler",
        type=_scheduler,
        metavar="tcp://HOST:PORT",
        help="let the workers of a Dask scheduler read instead (needs the extra 'cluster')",
    )
    parser.add_argument(
        "--annotate",
        type=_target,
        metavar="OUT.png",
        help="save the photo with its faces outlined. For several photos, OUT is a folder, or each "
        "photo's name is added to it (OUT-happy.png). Input files are never overwritten",
    )
    parser.add_argument(
        "--force",
        action="store_true",
        help="start tables from scratch, and let --csv, --parquet, --plot and --annotate "
        "overwrite existing files",
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


def _fps(text: str) -> float:
    from emotion.clips.frames import check_fps

    try:
        return check_fps(float(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"{text!r}: must be a number above 0, at most 240"
        ) from error


def _workers(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r}: must be a whole number of at least 1")
    return int(text)


def _target(text: str) -> Path:
    from emotion.clips.sources import is_address

    if is_address(text):
        raise argparse.ArgumentTypeError(
            f"{text!r}: must be a file on this machine, not an address"
        )
    return Path(text)


def _scheduler(text: str) -> str:
    if not re.fullmatch(r"(tcp|tls)://[^/\s]+:\d+", text):
        raise argparse.ArgumentTypeError(f"{text!r}: must be an address like tcp://10.0.0.5:8786")
    return text


def _check_targets(options: argparse.Namespace) -> None:
    """Refuse outputs that would overwrite one another, or whose suffix is the other format's.

    Raises:
        OutputError: with a sentence for the user.
    """
    named = {
        option: path
        for option, path in (
            ("--csv", options.csv),
            ("--parquet", options.parquet),
            ("--plot", options.plot),
            ("--annotate", options.annotate),
        )
        if path is not None and not path.is_dir()
    }
    for (one, first), (other, second) in itertools.combinations(named.items(), 2):
        if os.path.realpath(first) == os.path.realpath(second):
            raise OutputError(f"{second} is given for both {one} and {other}: choose two names")
    for option, suffix, fitting in (("csv", ".parquet", "--parquet"), ("parquet", ".csv", "--csv")):
        path = getattr(options, option)
        if path is not None and path.suffix.lower() == suffix:
            raise OutputError(f"{path} does not fit --{option}: use {fitting}, or another name")


def _run(options: argparse.Namespace) -> int:
    from emotion.classifier import WeightsError
    from emotion.clips.cluster import ClusterError
    from emotion.clips.reader import Settings
    from emotion.clips.sources import find_sources
    from emotion.clips.store import StoreError
    from recommender.mood import mood_of

    try:
        _check_targets(options)
    except OutputError as error:
        return _report_error(str(error))
    found = find_sources(options.paths)
    status = 0
    for path, reason in found.problems:
        status = _report_error(f"{on_one_line(path)}: {reason}")
    found = _without_outputs(found, options)
    if found.skipped:
        files = "1 file was" if found.skipped == 1 else f"{found.skipped:,} files were"
        _report(
            f"{files} skipped in folders: hidden, annotated by an earlier run, or neither photos "
            "nor clips"
        )
    if not found.sources:
        if not found.problems:
            status = _report_error("no photos or clips were found")
        if options.json:
            print("[]")
        return status
    settings = Settings(mood_of, fps=options.fps, detector=options.detector, head=options.head)
    try:
        with ExitStack() as stack:
            return max(status, _read_and_write(options, found, settings, stack))
    except (OutputError, StoreError, ClusterError, WeightsError) as error:
        return _report_error(str(error))


def _without_outputs(found: Found, options: argparse.Namespace) -> Found:
    """Leave out what an earlier run wrote into a folder that is read now."""
    from dataclasses import replace

    written = {
        str(path.absolute()) for path in (options.plot, options.csv, options.parquet) if path
    }
    named = {str(Path(path).absolute()) for path in options.paths}
    kept = tuple(s for s in found.sources if s.location not in written or s.location in named)
    return replace(found, sources=kept)


def _read_and_write(
    options: argparse.Namespace, found: Found, settings: Settings, stack: ExitStack
) -> int:
    from emotion.clips import plot
    from emotion.clips.run import Engine
    from emotion.clips.store import Store
    from emotion.clips.tables import open_store, write_table

    inputs = [Path(source.location) for source in found.sources if not source.remote]
    tasks = _tasks(options, found.sources, inputs)
    if options.plot:
        plot.check_plot_target(options.plot, inputs=inputs, overwrite=options.force)
    table = options.csv or options.parquet
    text = _settings_as_text(settings)
    store = stack.enter_context(
        open_store(table, text, inputs=inputs, overwrite=options.force)
        if table
        else Store(None, text)
    )
    result = _read_with_progress(
        store, tasks, settings, Engine(workers=options.workers, scheduler=options.scheduler)
    )
    status = EXIT_ERROR if result.failed else 0
    named = {source.key for source in found.sources}
    if table:
        write_table(store, table, "csv" if options.csv else "parquet")
    if options.plot:
        lines, left_out = plot.timelines(lambda: store.outcomes(named))
        if lines:
            plot.save_plot(lines, left_out, options.plot, inputs=inputs, overwrite=options.force)
        else:
            status = _report_error(f"{options.plot} is not drawn: no face was read in a clip")
    if options.json:
        _print_json(store.outcomes(named))
    elif table:
        print(_summary(table, store, result))
    elif not options.plot:
        for number, outcome in enumerate(store.outcomes(named)):
            print("\n" * (number > 0) + _as_text(outcome))
    sys.stdout.flush()
    if result.interrupted:
        what = f"{table} has what was read; the same command continues from there" if table else ""
        _report(f"interrupted. {what}".rstrip())
        return EXIT_INTERRUPTED
    return status


def _tasks(
    options: argparse.Namespace, sources: Sequence[Source], inputs: Sequence[Path]
) -> list[Task]:
    from emotion.clips.reader import Outline, Task

    if options.annotate is None:
        return [Task(source) for source in sources]
    for source in sources:
        if source.kind == "clip" or source.remote:
            raise OutputError(
                f"{source.name} is not outlined: --annotate is for photos on this machine. Leave "
                "it out, or read it by itself"
            )
    # Targets are named after what the user typed, so by the sources' names, not their locations.
    photos = [Path(source.name) for source in sources]
    everything = [*map(Path, options.paths), *inputs]
    targets = annotation_targets(
        options.annotate,
        photos,
        inputs=everything if len(options.paths) > 1 or len(photos) > 1 else photos,
    )
    guarded = tuple(path.absolute() for path in everything)
    return [
        Task(source, Outline(target.absolute(), guarded, options.force) if target else None)
        for source, target in zip(sources, targets, strict=True)
    ]


def _read_with_progress(
    store: Store, tasks: Sequence[Task], settings: Settings, engine: Any
) -> Result:
    from tqdm import tqdm

    from emotion.clips.run import read_into

    with tqdm(
        total=100.0,
        desc="Reading",
        bar_format="{l_bar}{bar}| {elapsed}, {remaining} left",
        file=sys.stderr,
        disable=None,  # on a terminal only
        delay=QUIET_SECONDS,
        leave=False,
    ) as bar:

        def report(fraction: float) -> None:
            bar.update(max(0.0, 100 * fraction - bar.n))

        def problem(outcome: Outcome) -> None:
            bar.clear()
            if outcome.problem:
                _report(f"{on_one_line(outcome.source.name)}: {outcome.problem}")
            if outcome.not_outlined:
                _report(outcome.not_outlined)

        return read_into(store, tasks, settings, engine, on_progress=report, on_problem=problem)


def _settings_as_text(settings: Settings) -> str:
    from emotion.classifier import WEIGHTS

    try:
        network = hashlib.sha256(WEIGHTS.read_bytes()).hexdigest()[:8]
    except OSError:
        network = "none"
    return (
        f"--fps {settings.fps:g} --detector {settings.detector} --head {settings.head}, "
        f"network {network}"
    )


def _report(line: str) -> None:
    print(f"emotion: {on_one_line(' '.join(line.split()))}", file=sys.stderr)


def _report_error(line: str) -> int:
    _report(line)
    return EXIT_ERROR


def _summary(table: Path, store: Store, result: Result) -> str:
    totals = store.totals
    files = " and ".join(
        _counted(count, word)
        for count, word in ((totals.photos, "photo"), (totals.clips, "clip"))
        if count
    )
    known = f", {result.known:,} of them read before" if result.known else ""
    return f"{table}: {_counted(totals.rows, 'row')} of {files or 'no files'}{known}"


def _counted(count: int, word: str) -> str:
    return f"{count:,} {word}{'' if count == 1 else 's'}"


def _print_json(outcomes: Iterator[Outcome]) -> None:
    """Print a JSON array one object at a time: there may be many."""
    begin = "["
    for outcome in outcomes:
        text = json.dumps(_as_json(outcome), indent=2, ensure_ascii=False)
        print(begin, *(f"  {line}" for line in text.split("\n")), sep="\n", end="")
        begin = ","
    print("[]" if begin == "[" else "\n]")


def _as_json(outcome: Outcome) -> dict[str, Any]:
    from emotion.clips.rows import rows_of

    name, notes = outcome.source.name, list(outcome.notes)
    if outcome.kind == "photo":
        faces = [_face_as_json(row) for row in rows_of(outcome.rows)]
        return {"file": name, "faces": faces, "notes": notes}
    instants: list[dict[str, Any]] = []
    for row in rows_of(outcome.rows):
        if not instants or instants[-1]["time"] != row.time:
            instants.append({"time": row.time, "faces": []})
        instants[-1]["faces"].append({"face": row.face, **_face_as_json(row)})
    return {"file": name, "instants": instants, "notes": notes}


def _face_as_json(row: Row) -> dict[str, Any]:
    box, scores = row.box, row.scores
    return {
        "box": [box.x, box.y, box.width, box.height],
        "emotion": scores.emotion,
        "confidence": scores.confidence,
        "hard_to_say": scores.unsure,
        "probabilities": scores.as_dict(),
        "valence": row.valence,
        "arousal": row.arousal,
    }


def _as_text(outcome: Outcome) -> str:
    return _photo_as_text(outcome) if outcome.kind == "photo" else _clip_as_text(outcome)


def _photo_as_text(outcome: Outcome) -> str:
    from emotion.clips.rows import rows_of

    count = outcome.count
    none = "no face that can be read" if outcome.notes else "no face found"
    found = {0: none, 1: "one face"}.get(count, f"{count} faces, the largest first")
    lines = [f"{on_one_line(outcome.source.name)}: {found}"]
    for row in rows_of(outcome.rows):
        box = row.box
        place = f"{box.width} × {box.height} pixels at {box.x}, {box.y}"
        lines.append("")
        number = f"{row.face}. " if count > 1 else ""
        lines.append(f"  {number}{_headline(row.scores, row.valence, row.arousal, place)}")
        if count <= MAX_FACES_WITH_BARS:
            lines.extend(f"    {_bar(*pair)}" for pair in row.scores.ranked)
    lines.extend(f"  Note: {note}" for note in outcome.notes)
    return "\n".join(lines)


def _clip_as_text(outcome: Outcome) -> str:
    """Say what each face showed on average, and when it was seen."""
    from emotion.clips.rows import rows_of

    sums: dict[int, list[float]] = {}
    seen: dict[int, tuple[float, float, int]] = {}
    for row in rows_of(outcome.rows):
        values = (*row.scores.probabilities, row.valence, row.arousal)
        before = sums.get(row.face, [0.0] * len(values))
        sums[row.face] = [a + b for a, b in zip(before, values, strict=True)]
        begin, _, count = seen.get(row.face, (row.time, row.time, 0))
        seen[row.face] = begin, row.time, count + 1
    found = {0: "no face found", 1: "one face"}.get(len(seen), f"{len(seen)} faces")
    lines = [
        f"{on_one_line(outcome.source.name)}: {found} in {_counted(outcome.instants, 'instant')}"
    ]
    for face, (begin, end, count) in seen.items():
        *probabilities, valence, arousal = (value / count for value in sums[face])
        scores = EmotionScores(tuple(probabilities))
        when = f"{_clock(begin)} to {_clock(end)}, {_counted(count, 'instant')}"
        number = f"{face}. " if len(seen) > 1 else ""
        lines += ["", f"  {number}On average {_headline(scores, valence, arousal, when)}"]
        if len(seen) <= MAX_FACES_WITH_BARS:
            lines.extend(f"    {_bar(*pair)}" for pair in scores.ranked)
    lines.extend(f"  Note: {note}" for note in outcome.notes)
    return "\n".join(lines)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(seconds, 60)
    return f"{int(minutes)}:{rest:04.1f}"


def _headline(scores: EmotionScores, valence: float, arousal: float, where: str) -> str:
    from recommender.mood import describe
    from recommender.types import Mood

    (first, p), (second, _), *_rest = scores.ranked
    named = f"hard to say: {first} or {second}" if scores.unsure else f"{first}, {p:.0%}"
    return f"{named}  ({describe(Mood(valence, arousal))}; {where})"


def _bar(name: str, probability: float) -> str:
    full, part = divmod(round(probability * BAR_CHARACTERS * 8), 8)
    bar = "█" * full + ("▏▎▍▌▋▊▉"[part - 1] if part else "")
    return f"{name:<9}{probability:>5.0%}  {bar}".rstrip()


if __name__ == "__main__":
    sys.exit(main())
