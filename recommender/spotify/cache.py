"""A small cache of answers, bounded in number and age."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Final, Generic, TypeVar

KEEP_SECONDS: Final = 24 * 3600.0
"""Seconds for which an answer is kept."""

Kept = TypeVar("Kept")


class DayCache(Generic[Kept]):
    """Keeps answers for a day; the least recently used goes first. Safe to share between threads.

    Args:
        most: how many answers at most.
        seconds: how long each is kept.
        clock: monotonic, in seconds.
    """

    def __init__(
        self,
        most: int = 512,
        *,
        seconds: float = KEEP_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._most = most
        self._seconds = seconds
        self._clock = clock
        self._kept: OrderedDict[Hashable, tuple[float, Kept]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> Kept | None:
        """Return the answer to a key, or ``None`` where there is none or it is too old."""
        with self._lock:
            until, answer = self._kept.get(key, (0.0, None))
            if answer is None or until <= self._clock():
                self._kept.pop(key, None)
                return None
            self._kept.move_to_end(key)
            return answer

    def put(self, key: Hashable, answer: Kept) -> None:
        """Keep an answer."""
        with self._lock:
            self._kept[key] = (self._clock() + self._seconds, answer)
            self._kept.move_to_end(key)
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)

    def __len__(self) -> int:
        with self._lock:
            return len(self._kept)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._kept.clear()
