"""Many processes, and many machines: who dies loses nothing and doubles nothing."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from emotion.clips.cluster import ClusterError
from emotion.clips.pool import DIED
from emotion.clips.reader import Outcome, Settings, Task
from emotion.clips.rows import rows_of
from emotion.clips.run import Engine, Result, read_into
from emotion.clips.sources import find_sources
from emotion.clips.store import Store
from recommender.mood import mood_of
from tests.emotion.clips.making import Image, dies_always, dies_once, write_clip

ROOT = Path(__file__).parents[3]


@pytest.fixture
def tasks(tmp_path: Path, small: Image) -> list[Task]:
    paths = [write_clip(tmp_path / f"take {number}.mp4", [small] * 4) for number in range(4)]
    return [Task(source) for source in find_sources(list(map(str, paths))).sources]


def read(
    tasks: list[Task], settings: Settings, engine: Engine
) -> tuple[Result, dict[str, int], list[Outcome], list[float]]:
    problems: list[Outcome] = []
    progress: list[float] = []
    with Store(None, "") as store:
        result = read_into(
            store, tasks, settings, engine, on_progress=progress.append, on_problem=problems.append
        )
        rows = {Path(o.source.name).name: len(list(rows_of(o.rows))) for o in store.outcomes()}
    return result, rows, problems, progress


ALL = {f"take {number}.mp4": 2 for number in range(4)}


def test_a_process_that_dies_loses_nothing_and_doubles_nothing(
    tasks: list[Task], flag: Path
) -> None:
    settings = Settings(dies_once, detector="haar")
    result, rows, problems, progress = read(tasks, settings, Engine(workers=2))
    assert flag.exists()
    assert rows == ALL
    assert problems == []
    assert (result.read, result.failed) == (4, 0)
    assert progress[-1] == pytest.approx(1)


def test_a_file_that_kills_every_process_is_named(tasks: list[Task], flag: Path) -> None:
    flag.touch()
    settings = Settings(dies_always, detector="haar")
    result, rows, problems, _ = read(tasks[:2], settings, Engine(workers=2))
    assert rows == {}
    assert [problem.problem for problem in problems] == [DIED, DIED]
    assert result.failed == 2


@contextlib.contextmanager
def dask(folder: Path, *, workers: int) -> Iterator[str]:
    """Run a scheduler and workers as processes of their own, and yield the scheduler's address."""
    where = folder / "scheduler.json"
    everywhere = ["--interface", "lo", "--no-dashboard", "--scheduler-file", str(where)]
    lone = [
        "--nthreads",
        "1",
        "--no-nanny",
        "--local-directory",
        str(folder),
        "--death-timeout",
        "60",
    ]
    commands = [["scheduler", "--port", "0", *everywhere]]
    commands += [["worker", *lone, *everywhere]] * workers
    running = []
    try:
        for arguments in commands:
            running.append(
                subprocess.Popen(
                    [sys.executable, "-m", "dask", *arguments],
                    cwd=ROOT,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                )
            )
        from distributed import Client

        for _ in range(600):
            if where.exists() and where.stat().st_size:
                break
            time.sleep(0.1)
        with Client(scheduler_file=str(where), timeout=60, set_as_default=False) as client:
            client.wait_for_workers(workers, timeout=60)
            address = str(client.scheduler.address)
        yield address
    finally:
        for process in reversed(running):
            process.kill()
            process.wait()


def test_a_dask_worker_that_dies_loses_nothing_and_doubles_nothing(
    tasks: list[Task], flag: Path, tmp_path: Path
) -> None:
    pytest.importorskip("distributed", reason="the extra 'cluster' is not installed")
    # At addresses, as on many machines: `file://` is opened by fsspec like any other.
    paths = [Path(task.source.location).as_uri().replace("%20", " ") for task in tasks]
    remote = [Task(source) for source in find_sources(paths).sources]
    assert all(task.source.remote for task in remote)
    settings = Settings(dies_once, detector="haar")
    with dask(tmp_path, workers=2) as address:
        result, rows, problems, progress = read(remote, settings, Engine(scheduler=address))
        assert flag.exists()
        assert rows == ALL
        assert problems == []
        assert (result.read, result.failed) == (4, 0)
        assert progress[-1] == pytest.approx(1)


def test_unreachable_scheduler_is_reported(
    tasks: list[Task], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("distributed", reason="the extra 'cluster' is not installed")
    monkeypatch.setattr("emotion.clips.cluster.CONNECT_SECONDS", 0.5)
    with pytest.raises(ClusterError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:1"):
        read(tasks, Settings(mood_of), Engine(scheduler="tcp://127.0.0.1:1"))


def test_missing_dask_message_says_what_to_install(
    tasks: list[Task], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ClusterError, match=r"affectune\[cluster\]"):
        read(tasks, Settings(mood_of), Engine(scheduler="tcp://127.0.0.1:1"))
