"""A whole run: reads the files that were not read yet, with the chosen engine."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass

from emotion.clips.cluster import read_on_cluster
from emotion.clips.pool import Unit, read_here, read_in_pool, units_of, weight
from emotion.clips.reader import Outcome, Settings, Task
from emotion.clips.store import Store

OnProgress = Callable[[float], None]
"""Called with the fraction of the run that is done, 0-1."""
OnProblem = Callable[[Outcome], None]
"""Called with each file that could not be read, or whose outlined copy was not saved."""


@dataclass(frozen=True, slots=True)
class Engine:
    """What reads the files.

    Attributes:
        workers: how many processes of this machine, at least 1.
        scheduler: address of a Dask scheduler, whose workers read instead.
    """

    workers: int = 1
    scheduler: str | None = None


@dataclass(slots=True)
class Result:
    """How a run went, filled in while it goes on.

    Attributes:
        read: files that were read.
        known: files that had been read before.
        failed: files that could not be read or outlined.
        interrupted: whether it was stopped before all files were read.
    """

    read: int = 0
    known: int = 0
    failed: int = 0
    interrupted: bool = False


def read_into(
    store: Store,
    tasks: Sequence[Task],
    settings: Settings,
    engine: Engine,
    *,
    on_progress: OnProgress,
    on_problem: OnProblem,
) -> Result:
    """Read the files that a store does not have yet. If interrupted, it keeps what was read.

    Raises:
        WeightsError: the network's file is missing or broken.
        ClusterError: the cluster cannot be reached, or is lost.
        StoreError: what was read cannot be stored.
    """
    done = store.done(task.source for task in tasks)
    # An outlined copy is saved while a photo is read, and not kept in the store.
    todo = [task for task in tasks if task.source.key not in done or task.outline]
    result = Result(known=len(tasks) - len(todo))
    units = units_of(todo)
    total = sum(map(weight, units)) or 1

    def report(read: float) -> None:
        on_progress(read / total)

    outcomes = _outcomes(units, settings, engine, report)
    try:
        for batch in outcomes:
            good = [outcome for outcome in batch if not outcome.problem]
            store.add(good)
            result.read += len(good)
            for outcome in batch:
                if outcome.problem or outcome.not_outlined:
                    result.failed += 1
                    on_problem(outcome)
    except KeyboardInterrupt:
        result.interrupted = True
    finally:
        outcomes.close()
        store.arrange([task.source for task in tasks])
    return result


def _outcomes(
    units: Sequence[Unit], settings: Settings, engine: Engine, report: Callable[[float], None]
) -> Generator[list[Outcome], None, None]:
    if engine.scheduler:
        return read_on_cluster(units, settings, address=engine.scheduler, on_progress=report)
    if min(engine.workers, len(units)) > 1:
        return read_in_pool(units, settings, workers=engine.workers, on_progress=report)
    return read_here(units, settings, on_progress=report)
