"""Reads many files on a Dask cluster. Needs the extra ``cluster``.

Each unit is one Dask task: if a worker dies, its tasks are run again elsewhere, and a unit's result
is used once, however often it ran.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from concurrent.futures import CancelledError
from functools import cache
from typing import Any, Final

from emotion.classifier import WeightsError
from emotion.clips.pool import DIED, OnProgress, Unit, weight
from emotion.clips.reader import Outcome, Reader, Settings

CONNECT_SECONDS: Final = 15
NOT_INSTALLED: Final = "a cluster needs the distributed package: pip install 'affectune[cluster]'"


class ClusterError(Exception):
    """A cluster that cannot be used. Its text is the sentence for the user."""


def read_on_cluster(
    units: Sequence[Unit], settings: Settings, *, address: str, on_progress: OnProgress
) -> Generator[list[Outcome], None, None]:
    """Read units on a cluster's workers, and yield the outcomes of each once it is done.

    The workers need this package, and must reach the files by the same paths or addresses.

    Args:
        units: what to read.
        settings: how files are read.
        address: of the scheduler: ``tcp://host:port``.
        on_progress: called with the number of bytes read so far.

    Raises:
        ClusterError: the cluster cannot be reached or is lost, or ``distributed`` is missing.
        WeightsError: the network's file is missing or broken on a worker.
    """
    try:
        from distributed import Client, as_completed
        from distributed.comm import CommClosedError
        from distributed.scheduler import KilledWorker
    except ImportError as error:
        raise ClusterError(NOT_INSTALLED) from error
    try:
        client = Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        raise ClusterError(f"no Dask scheduler answers at {address}: {error}") from error
    progress = 0.0
    with client:
        try:
            # Not pure: a file may have changed under the same name.
            futures = {client.submit(_read, unit, settings, pure=False): unit for unit in units}
            for future in as_completed(list(futures), loop=client.loop):
                unit = futures.pop(future)
                try:
                    yield future.result()
                except KilledWorker:
                    yield [Outcome(t.source, t.source.kind, problem=DIED) for t in unit]
                except (WeightsError, CommClosedError, CancelledError, OSError):
                    raise
                except Exception as error:
                    raise ClusterError(
                        f"the cluster's workers cannot read files: {type(error).__name__}: {error}"
                    ) from error
                future.release()
                progress += weight(unit)
                on_progress(progress)
        except (CommClosedError, CancelledError, OSError) as error:
            raise ClusterError(f"lost the connection to the Dask scheduler at {address}") from error


def _read(unit: Unit, settings: Settings) -> list[Outcome]:
    reader = _reader(settings)
    return [reader.read(task) for task in unit]


@cache
def _reader(settings: Settings) -> Any:
    return Reader(settings)
