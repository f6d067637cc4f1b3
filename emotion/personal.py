"""Re-centring: readings are shifted so that a visitor's own resting face reads as neutral.

Some people look angry or sad at rest, to people and to networks. What such a face shows beyond a
typical neutral one, in log-probabilities, is subtracted from everything that is read of it
afterwards. A visitor who corrects a reading shifts the next ones a little as well. Pure arithmetic
on seven numbers: it keeps no pixels and stores nothing.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from emotion.labels import EMOTIONS

TYPICAL_FILE: Final = Path(__file__).parent / "data" / "resting.json"
"""How a typical neutral face is read; ``python -m model resting`` measures and writes it."""
MIN_PROBABILITY: Final = 0.02
"""Lower probabilities are raised to this: a face does not show an emotion that improbable, and the
logarithm of almost zero is mostly noise."""
MAX_OFFSET: Final = 2.0
"""Greatest offset of a log-probability: no emotion loses or gains more than a factor of 7.4,
for any resting face."""
OFFSET_FRACTIONS: Final = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
MIN_NEUTRAL_LEAD: Final = 0.25
"""Of the difference between a resting and a typical face, the smallest of `OFFSET_FRACTIONS` is
taken that makes ``neutral`` lead at rest by this much probability."""
CORRECTION_STEP: Final = 0.25
MAX_CORRECTION_OFFSET: Final = 1.0
"""How far one correction moves an offset at most, and how far all of them together do."""
MAX_DISTANCE_TO_MEDIAN: Final = 0.35
"""A reading is left out if its total variation distance from the median reading is greater."""
MIN_READINGS: Final = 5
MIN_AGREEING_FRACTION: Final = 0.6
"""At least this fraction of the readings has to lie near the median reading."""
REST_SECONDS: Final = 1.0
REST_TIMEOUT_SECONDS: Final = 5.0
"""A second of the face is enough, or as long as `MIN_READINGS` take on a slow machine. After
`REST_TIMEOUT_SECONDS` without a reading the collection fails: no face was in view."""

_NEUTRAL: Final = EMOTIONS.index("neutral")
_NONE: Final = (0.0,) * len(EMOTIONS)


class RestingFaceError(ValueError):
    """The readings do not show a resting face. Its text is the sentence for the visitor."""


@dataclass(frozen=True, slots=True)
class Recentring:
    """Offsets on one visitor's seven log-probabilities. By default they change nothing.

    Attributes:
        offsets: what is added to each log-probability, in the order of `EMOTIONS`, each within
            ±`MAX_OFFSET`.

    Raises:
        ValueError: not seven finite offsets.
    """

    offsets: tuple[float, ...] = _NONE

    def __post_init__(self) -> None:
        if len(self.offsets) != len(EMOTIONS) or not np.all(np.isfinite(self.offsets)):
            raise ValueError(
                f"Incorrect value for 'offsets' argument: {self.offsets!r}: "
                f"{len(EMOTIONS)} finite numbers are needed"
            )
        object.__setattr__(self, "offsets", _clipped(self.offsets, MAX_OFFSET))

    @classmethod
    def from_resting(
        cls, probabilities: ArrayLike, typical: Sequence[float] | None = None
    ) -> Recentring:
        """Return the re-centring that makes a resting face read like a typical neutral one.

        An emotion that the resting face shows more than a typical one is lowered, and ``neutral``
        is raised by what it lacks. An emotion that it shows less stays as it is: to raise it would
        turn the noise of small probabilities into emotions. The face is moved no further towards
        the typical one than `MIN_NEUTRAL_LEAD` requires.

        Args:
            probabilities: ``(N, 7)``, each row summing to 1: about a second of readings of
                the face at rest, as the network gives them. Readings far from the median (a
                blink, a word) are left out.
            typical: seven log-probabilities of a typical neutral face; `typical_log_probabilities`
                by default.

        Raises:
            RestingFaceError: fewer than `MIN_READINGS` readings, too few that agree, or a face so
                far from a neutral one that offsets within `MAX_OFFSET` do not make it neutral.
            ValueError: wrong shape, or values that are not probabilities.
        """
        rows = _checked(probabilities)
        reference = typical_log_probabilities() if typical is None else tuple(typical)
        if len(reference) != len(EMOTIONS) or not np.all(np.isfinite(reference)):
            raise ValueError(
                f"Incorrect value for 'typical' argument: {reference!r}: "
                f"{len(EMOTIONS)} log-probabilities are needed"
            )
        if len(rows) < MIN_READINGS:
            raise RestingFaceError(
                "Your face was not in view for long enough. Look into the camera and try again."
            )
        distances = np.abs(rows - np.median(rows, axis=0)).sum(axis=1) / 2
        near = rows[distances <= MAX_DISTANCE_TO_MEDIAN]
        if len(near) < max(MIN_READINGS, MIN_AGREEING_FRACTION * len(rows)):
            raise RestingFaceError(
                "Your expression changed. Keep your face relaxed for a second and try again."
            )
        beyond = mean_log_probabilities(near) - np.maximum(reference, np.log(MIN_PROBABILITY))
        offsets = -np.maximum(beyond, 0.0)
        offsets[_NEUTRAL] = max(-beyond[_NEUTRAL], 0.0)
        # No further than it takes to be clearly neutral: every step also takes something from
        # real anger.
        for fraction in OFFSET_FRACTIONS:
            mine = cls(tuple(float(offset) for offset in fraction * offsets))
            moved = np.mean([mine.apply(tuple(row)) for row in near], axis=0)
            lead = moved[_NEUTRAL] - np.delete(moved, _NEUTRAL).max()
            if lead >= MIN_NEUTRAL_LEAD:
                return mine
        if lead <= 0:
            raise RestingFaceError("That doesn’t look like a resting face. Relax and try again.")
        return mine

    def corrected(self, probabilities: Sequence[float], emotion: str) -> Recentring:
        """Return the re-centring after a visitor has said what a reading should have been.

        A step of `CORRECTION_STEP` along the gradient of the log-likelihood, which is an update
        of the log-prior: the further off the reading was, the more it moves, and a reading that
        was right moves nothing. Several corrections add up, to `MAX_CORRECTION_OFFSET` at most.

        Args:
            probabilities: the seven, as they were shown to the visitor.
            emotion: one of `EMOTIONS`.

        Raises:
            ValueError: unknown emotion, or values that are not probabilities.
        """
        if emotion not in EMOTIONS:
            raise ValueError(
                f"Incorrect value for 'emotion' argument: {emotion!r}: one of {', '.join(EMOTIONS)}"
            )
        (shown,) = _checked([tuple(probabilities)])
        meant = np.array([name == emotion for name in EMOTIONS], dtype=np.float64)
        moved = np.asarray(self.offsets) + CORRECTION_STEP * (meant - shown)
        return Recentring(_clipped(moved, MAX_CORRECTION_OFFSET))

    def plus(self, other: Recentring) -> Recentring:
        """Return the sum of both, within ±`MAX_OFFSET`."""
        return Recentring(tuple(a + b for a, b in zip(self.offsets, other.offsets, strict=True)))

    def apply(self, probabilities: Sequence[float]) -> tuple[float, ...]:
        """Return a visitor's seven probabilities re-centred, summing to 1.

        Args:
            probabilities: seven, each 0-1, that sum to 1.
        """
        if not self:
            return tuple(float(p) for p in probabilities)
        weighted = np.asarray(probabilities, dtype=np.float64) * np.exp(self.offsets)
        return tuple(float(p) for p in weighted / weighted.sum())

    def __bool__(self) -> bool:
        return any(self.offsets)


RestState = Literal["collecting", "done", "failed"]


@dataclass(slots=True)
class RestingFace:
    """Collects about a second of one resting face, reading by reading.

    Attributes:
        typical: log-probabilities of a typical neutral face; the measured ones by default.
        state: whether it is still collecting, done, or has failed.
        recentring: the result, once it is done.
        problem: why it failed, in a sentence for the visitor.
    """

    typical: Sequence[float] | None = None
    state: RestState = "collecting"
    recentring: Recentring | None = None
    problem: str = ""
    _rows: list[tuple[float, ...]] = field(default_factory=list)
    _last: float | None = None
    _first: float | None = None

    def add(self, probabilities: Sequence[float] | None, seconds: float) -> None:
        """Add a reading of the face, or None while it cannot be read.

        Args:
            probabilities: seven, as the network gives them.
            seconds: time of the reading on any monotonic clock.
        """
        if self.state != "collecting":
            return
        if self._last is None or probabilities is not None:
            self._last = seconds
        if probabilities is not None:
            if self._first is None:
                self._first = seconds
            self._rows.append(tuple(float(p) for p in probabilities))
            if seconds - self._first >= REST_SECONDS and len(self._rows) >= MIN_READINGS:
                self._finish()
                return
        if seconds - self._last >= REST_TIMEOUT_SECONDS:
            self._rows.clear()
            self._finish()

    def _finish(self) -> None:
        try:
            self.recentring = Recentring.from_resting(
                np.reshape(self._rows, (-1, len(EMOTIONS))), self.typical
            )
            self.state = "done"
        except RestingFaceError as error:
            self.problem, self.state = str(error), "failed"
        self._rows.clear()


def mean_log_probabilities(probabilities: ArrayLike) -> NDArray[np.float64]:
    """Return the mean log-probabilities ``(7,)`` of probabilities ``(N, 7)``.

    Probabilities below `MIN_PROBABILITY` count as that.
    """
    rows = np.asarray(probabilities, dtype=np.float64)
    mean: NDArray[np.float64] = np.log(np.maximum(rows, MIN_PROBABILITY)).mean(axis=0)
    return mean


def typical_log_probabilities() -> tuple[float, ...]:
    """Return the seven log-probabilities of a typical neutral face, in the order of `EMOTIONS`."""
    return _typical(TYPICAL_FILE)


@functools.cache
def _typical(path: Path) -> tuple[float, ...]:
    known: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return tuple(float(known["log_probabilities"][emotion]) for emotion in EMOTIONS)


def _clipped(offsets: ArrayLike, limit: float) -> tuple[float, ...]:
    return tuple(float(value) for value in np.clip(offsets, -limit, limit))


def _checked(probabilities: ArrayLike) -> NDArray[np.float64]:
    rows = np.asarray(probabilities, dtype=np.float64)
    if rows.ndim != 2 or rows.shape[1] != len(EMOTIONS):
        raise ValueError(
            f"Incorrect value for 'probabilities' argument: shape {rows.shape!r}: "
            f"(N, {len(EMOTIONS)}) is needed"
        )
    if (
        not np.all(np.isfinite(rows))
        or np.any(rows < 0)
        or np.any(abs(rows.sum(axis=1) - 1) > 0.02)
    ):
        raise ValueError(
            "Incorrect value for 'probabilities' argument: values must be 0-1 and rows sum to 1"
        )
    return rows
