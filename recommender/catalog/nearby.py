"""The search for the tracks nearest to places on the mood plane.

A catalogue is searched block by block, the block that could hold the nearest track first, until no
block that is left could hold a nearer one (Hjaltason and Samet 1999, "Distance browsing in spatial
databases"). The result is the same as that of comparing every track.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from threading import Lock
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from recommender.catalog.tables import BLOCK_TRACKS

Columns = Mapping[str, NDArray[Any]]
Numbers = NDArray[np.int64]

POPULARITY_BONUS: Final = 0.10
"""How much further away, in units of the plane, the best known track may lie than the least known
one and still come first: without it a large catalogue would answer with obscurities only."""

MAX_CACHED_BLOCKS: Final = 1200
"""Blocks that stay in memory, 40 kB each."""

_FIRST_BLOCKS: Final = 4
"""Blocks that a search looks at in its first round; each round doubles the number."""

_READ_BLOCKS: Final = 96
"""Blocks that are read at once, if the cache can hold all of them."""


@dataclass(frozen=True, slots=True)
class TrackFilter:
    """Which tracks pass, in the codes that the table ``tracks`` has for families and languages.

    Attributes:
        families: bits, one of which a track must have; ``None`` for any track.
        without_families: bits of which it must have none.
        decades: one of which it must be of; empty for any.
        languages: codes, one of which it must have; empty for any.
        explicit: whether one that is marked explicit passes.
        banned: numbers of tracks that do not pass, ascending.
    """

    families: int | None = None
    without_families: int = 0
    decades: tuple[int, ...] = ()
    languages: tuple[int, ...] = ()
    explicit: bool = True
    banned: tuple[int, ...] = ()

    @property
    def selective(self) -> bool:
        """Whether it may leave out most of a catalogue."""
        return self.families is not None or bool(
            self.without_families or self.decades or self.languages or not self.explicit
        )

    def passes(self, columns: Columns) -> NDArray[np.bool_] | None:
        """Return which of some tracks pass, (tracks,), or ``None`` where all do.

        Args:
            columns: of the table ``tracks``, each of shape (tracks,), ``rowid`` ascending.
        """
        tests = []
        if self.families is not None:
            tests.append((columns["families"] & np.uint64(self.families)) != 0)
        if self.without_families:
            tests.append((columns["families"] & np.uint64(self.without_families)) == 0)
        if self.decades:
            tests.append(np.isin(columns["decade"], self.decades))
        if self.languages:
            tests.append(np.isin(columns["language"], self.languages))
        if not self.explicit:
            tests.append(columns["explicit"] == 0)
        if self.banned:
            tests.append(~in_sorted(columns["rowid"], np.array(self.banned)))
        return np.logical_and.reduce(tests) if tests else None


class Blocks:
    """The blocks of one catalogue, read as they are needed. Safe to share between threads.

    Args:
        boxes: the columns of the table ``blocks``, each (blocks,).
        read: returns the tracks of the blocks with some numbers, in any order: ``rowid`` and
            the columns that `TrackFilter` and `score` look at.

    Raises:
        ValueError: a box is not finite: no search would come to an end.
    """

    def __init__(self, boxes: Columns, read: Callable[[Sequence[int]], Columns]) -> None:
        self._low = np.stack([boxes["low_valence_rank"], boxes["low_energy_rank"]]).astype(float)
        self._high = np.stack([boxes["high_valence_rank"], boxes["high_energy_rank"]]).astype(float)
        self._bonus = POPULARITY_BONUS / 100 * boxes["popularity"].astype(float)
        self._families = boxes["families"]
        if not all(np.isfinite(each).all() for each in (self._low, self._high, self._bonus)):
            raise ValueError("Incorrect value for 'boxes' argument: finite numbers are needed")
        self._read = read
        self._open: OrderedDict[int, Columns] = OrderedDict()
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._bonus)

    def nearest(
        self,
        places: Sequence[tuple[float, float]],
        track_filter: TrackFilter,
        limit: int,
        *,
        max_blocks: int | None = None,
    ) -> Numbers | None:
        """Return the numbers of the tracks nearest to each of some places, ascending, each once.

        Args:
            places: (valence, arousal), both -1 to 1.
            track_filter: what passes.
            limit: how many tracks for each place.
            max_blocks: how many blocks may be searched; any number by default.

        Returns:
            The numbers, or ``None`` where `max_blocks` are not enough.
        """
        useful = np.arange(len(self))
        if track_filter.families is not None:
            useful = np.flatnonzero(self._families & np.uint64(track_filter.families))
        searches = [_Search(place, limit, *self._queue(place, useful)) for place in places]
        looked_at: set[int] = set()
        passing: dict[int, NDArray[np.bool_] | None] = {}
        while wanted := [(search, search.next()) for search in searches if not search.done]:
            new = {number for _, numbers in wanted for number in numbers} - looked_at
            looked_at |= new
            if max_blocks is not None and len(looked_at) > max_blocks:
                return None
            blocks = self._load(sorted({n for _, numbers in wanted for n in numbers}))
            for number in sorted(new):
                passing[number] = track_filter.passes(blocks[number])
            for search, numbers in wanted:
                for number in numbers:
                    search.scan(blocks[number], passing[number])
        return np.unique(np.concatenate([search.numbers for search in searches]))

    def _queue(
        self, place: tuple[float, float], useful: NDArray[np.int64]
    ) -> tuple[list[int], list[float]]:
        """Return the blocks, the most promising first, and the best score possible in each."""
        point = np.array(place)[:, None]
        outside = np.maximum(np.maximum(self._low - point, point - self._high), 0.0)[:, useful]
        best = np.sqrt(outside[0] ** 2 + outside[1] ** 2) - self._bonus[useful]
        order = np.argsort(best, kind="stable")
        return useful[order].tolist(), best[order].tolist()

    def _to_prefetch(self, missing: Sequence[int]) -> list[int]:
        """Return further blocks to read in the same query, the best known first: most of its cost
        is fixed. If the cache cannot hold all blocks, only the missing ones are read."""
        if len(self) > MAX_CACHED_BLOCKS:
            return []
        with self._lock:
            known = self._open.keys() | set(missing)
        unknown = (number for number in range(len(self)) if number not in known)
        return list(islice(unknown, max(0, _READ_BLOCKS - len(missing))))

    def _load(self, numbers: Sequence[int]) -> dict[int, Columns]:
        blocks: dict[int, Columns] = {}
        with self._lock:
            for number in numbers:
                if number in self._open:
                    self._open.move_to_end(number)
                    blocks[number] = self._open[number]
        missing = [number for number in numbers if number not in blocks]
        if missing:
            fresh = _split_by_block(self._read(missing + self._to_prefetch(missing)))
            blocks |= fresh
            with self._lock:
                self._open.update(fresh)
                while len(self._open) > MAX_CACHED_BLOCKS:
                    self._open.popitem(last=False)
        return blocks


class _Search:
    """What was found so far around one place."""

    def __init__(
        self, place: tuple[float, float], limit: int, queue: list[int], best: list[float]
    ) -> None:
        self._place, self._limit = place, limit
        self._queue, self._best = queue, best
        self._at, self._stride = 0, _FIRST_BLOCKS
        self._scores = np.zeros(0)
        self.numbers: Numbers = np.zeros(0, dtype=np.int64)

    @property
    def _worst(self) -> float:
        return float(self._scores.max()) if len(self._scores) >= self._limit else float("inf")

    @property
    def done(self) -> bool:
        """Whether nothing nearer can be left."""
        return self._at >= len(self._queue) or self._best[self._at] > self._worst

    def next(self) -> list[int]:
        """Return the blocks to look at next."""
        worst, start = self._worst, self._at
        while (
            self._at < min(start + self._stride, len(self._queue)) and self._best[self._at] <= worst
        ):
            self._at += 1
        self._stride *= 2
        return self._queue[start : self._at]

    def scan(self, columns: Columns, passing: NDArray[np.bool_] | None) -> None:
        """Add some tracks, and keep the nearest of all."""
        scores = score(columns, self._place)
        good = scores <= self._worst
        if passing is not None:
            good &= passing
        rows = good.nonzero()[0]
        if len(rows):
            self._scores, self.numbers = nearest(
                np.concatenate([self._scores, scores[rows]]),
                np.concatenate([self.numbers, columns["rowid"][rows]]),
                self._limit,
            )


def score(columns: Columns, place: tuple[float, float]) -> NDArray[np.float64]:
    """Return the distance of tracks from a place, less a bonus for popularity: (tracks,).

    Args:
        columns: ``valence_rank``, ``energy_rank`` and ``popularity`` in 64 bits.
        place: valence and arousal.
    """
    across, along = columns["valence_rank"] - place[0], columns["energy_rank"] - place[1]
    found: NDArray[np.float64] = np.sqrt(across * across + along * along)
    found -= POPULARITY_BONUS / 100 * columns["popularity"]
    return found


def nearest(
    scores: NDArray[np.float64], numbers: Numbers, limit: int
) -> tuple[NDArray[np.float64], Numbers]:
    """Return the `limit` lowest scores and the numbers of their tracks; ties go to low numbers."""
    if len(scores) <= limit:
        return scores, numbers
    worst = np.partition(scores, limit - 1)[limit - 1]
    better, equal = np.flatnonzero(scores < worst), np.flatnonzero(scores == worst)
    equal = equal[np.argsort(numbers[equal])][: limit - len(better)]
    kept = np.concatenate([better, equal])
    return scores[kept], numbers[kept]


def in_sorted(numbers: Numbers, ascending: Numbers) -> NDArray[np.bool_]:
    """Return which of some ascending numbers are among other ascending ones: (numbers,)."""
    found = np.zeros(len(numbers), dtype=bool)
    if len(numbers):
        low, high = np.searchsorted(ascending, [numbers[0], numbers[-1] + 1])
        if low < high:
            found = np.isin(numbers, ascending[low:high])
    return found


def ready(columns: Columns) -> dict[str, NDArray[Any]]:
    """Return columns as `score` and `TrackFilter.passes` need them, in the order of ``rowid``."""
    order = np.argsort(np.ma.getdata(columns["rowid"]), kind="stable")
    sorted_columns = {name: np.ma.getdata(column)[order] for name, column in columns.items()}
    for name in ("valence_rank", "energy_rank", "popularity"):
        sorted_columns[name] = sorted_columns[name].astype(np.float64)
    return sorted_columns


def _split_by_block(columns: Columns) -> dict[int, Columns]:
    """Split the tracks of several blocks by block."""
    columns = ready(columns)
    blocks, starts = np.unique(columns["rowid"] // BLOCK_TRACKS, return_index=True)
    parts = {name: np.split(column, starts[1:]) for name, column in columns.items()}
    # Copies, so that a cached block does not keep the whole result of a query alive.
    return {
        block: {name: parts[name][place].copy() for name in parts}
        for place, block in enumerate(blocks.tolist())
    }
