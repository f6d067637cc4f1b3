"""Reads many files on several cores. The result does not depend on how many there are."""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import os
import signal
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from multiprocessing.sharedctypes import RawArray
from typing import Any, Final

from emotion.clips.reader import Outcome, Reader, Settings, Task

PHOTOS_PER_UNIT: Final = 16
"""Photos are handed to a process in batches: reading one takes little longer than handing it
over."""
POLL_SECONDS: Final = 0.25
"""How often progress is reported."""
DIED: Final = "the process that read it died; perhaps the machine ran out of memory"

Unit = tuple[Task, ...]
"""What a process is given at once: a clip, or some photos."""
OnProgress = Callable[[float], None]
"""Called with the number of bytes read so far; a clip that is being read counts in part."""


def units_of(tasks: Sequence[Task]) -> list[Unit]:
    """Return tasks as units: each clip alone, and photos in batches."""
    units: list[Unit] = []
    batch: list[Task] = []
    for task in tasks:
        if task.source.kind == "clip":
            units.append((task,))
            continue
        batch.append(task)
        if len(batch) == PHOTOS_PER_UNIT:
            units.append(tuple(batch))
            batch = []
    if batch:
        units.append(tuple(batch))
    return units


def weight(unit: Unit) -> int:
    """Return how many bytes a unit has, an estimate of how long it takes to read."""
    return sum(max(1, task.source.size) for task in unit)


def read_here(
    units: Sequence[Unit], settings: Settings, *, on_progress: OnProgress
) -> Generator[list[Outcome], None, None]:
    """Read units in this process, and yield the outcomes of each.

    Raises:
        WeightsError: the network's file is missing or broken.
    """
    reader = Reader(settings, threads=0)
    before = 0.0
    for unit in units:
        outcomes = []
        for task in unit:
            begun, size = before, max(1, task.source.size)

            def report(part: float, begun: float = begun, size: int = size) -> None:
                on_progress(begun + part * size)

            outcomes.append(reader.read(task, on_progress=report))
            before += size
            on_progress(before)
        yield outcomes


def read_in_pool(
    units: Sequence[Unit], settings: Settings, *, workers: int, on_progress: OnProgress
) -> Generator[list[Outcome], None, None]:
    """Read units with ``workers`` processes, and yield the outcomes of each once it is done.

    If a process dies, what was being read is read once more, a file at a time. A file whose process
    dies again is reported as unreadable.

    Raises:
        WeightsError: the network's file is missing or broken.
    """
    suspects: list[int] = []
    parts = RawArray("d", len(units))
    todo = list(range(len(units)))
    while todo:
        done, broken = yield from _until_broken(units, todo, settings, workers, parts, on_progress)
        suspects += broken
        todo = [number for number in todo if number not in done and number not in broken]
    for number in suspects:
        for task in units[number]:
            single = [(task,)]
            _, broken = yield from _until_broken(
                single, [0], settings, 1, RawArray("d", 1), lambda progress: None
            )
            if broken:
                yield [Outcome(task.source, task.source.kind, problem=DIED)]
        parts[number] = 1.0
        on_progress(_progress(units, parts))


def _until_broken(
    units: Sequence[Unit],
    todo: Sequence[int],
    settings: Settings,
    workers: int,
    parts: Any,
    on_progress: OnProgress,
) -> Generator[list[Outcome], None, tuple[set[int], list[int]]]:
    """Yield the outcomes of the units in ``todo`` until all are done, or a process dies.

    Returns:
        The numbers of those that are done, and of those that were being read when it died.
    """
    waiting = list(reversed(todo))
    running: dict[Future[list[Outcome]], int] = {}
    done: set[int] = set()
    context = multiprocessing.get_context("spawn")
    before = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(
        min(workers, len(todo)), context, initializer=_begin, initargs=(settings, parts)
    )
    try:
        while waiting or running:
            with _interrupts_blocked():
                # One more than there are processes, so that none waits for its next unit.
                while waiting and len(running) <= workers:
                    number = waiting.pop()
                    running[pool.submit(_read, number, units[number])] = number
            finished, _ = wait(running, timeout=POLL_SECONDS, return_when=FIRST_COMPLETED)
            for future in finished:
                outcomes = future.result()
                number = running.pop(future)
                done.add(number)
                parts[number] = 1.0
                yield outcomes
            on_progress(_progress(units, parts))
        pool.shutdown()
    except BrokenProcessPool:
        return done, list(running.values())
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        _end(set(multiprocessing.active_children()) - before)
    return done, []


def _progress(units: Sequence[Unit], parts: Any) -> float:
    return sum((weight(u) * float(part) for u, part in zip(units, parts, strict=True)), 0.0)


def _end(processes: set[BaseProcess]) -> None:
    for process in processes:
        process.terminate()
    for process in processes:
        process.join()


@contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """Start processes with Ctrl-C blocked: this one ends them, without tracebacks."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


# What follows runs in the processes of the pool.

_reader: Reader | None = None
_parts: Any = None


def _begin(settings: Settings, parts: Any) -> None:
    global _reader, _parts
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _reader, _parts = Reader(settings), parts
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """Exit when the parent process is gone: the result is no longer needed."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        multiprocessing.connection.wait([parent.sentinel])
        os._exit(1)


def _read(number: int, unit: Unit) -> list[Outcome]:
    assert _reader is not None, "`_begin` was not called in this process"
    total, before = weight(unit), 0
    outcomes = []
    for task in unit:
        size, begun = max(1, task.source.size), before

        def report(part: float, begun: int = begun, size: int = size) -> None:
            _parts[number] = (begun + part * size) / total

        outcomes.append(_reader.read(task, on_progress=report))
        before += size
        report(1.0)
    return outcomes
