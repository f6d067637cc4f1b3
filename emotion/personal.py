"""Each face has its own rest: what is read is re-centred on the visitor's own resting face.

Some people look angry or sad at rest, to people and to networks. What such a face has beyond a
typical neutral one, in log-probabilities, is taken off everything that is read of it afterwards.
A visitor who corrects a reading says a little of the same. Pure arithmetic on seven numbers: it
holds no pixels and nothing that lasts.
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

TYPICAL: Final = Path(__file__).parent / "data" / "resting.json"
"""How a typical neutral face is read; ``python -m model resting`` measures and writes it."""
FLOOR: Final = 0.02
"""Probabilities below this count as this: a face does not show what is that improbable, and the
logarithm of next to nothing is mostly noise."""
LIMIT: Final = 2.0
"""No offset is larger, on the log-probabilities: no emotion loses or gains more than a factor
of 7.4, whatever was shown as a resting face."""
STRENGTHS: Final = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
REST_LEAD: Final = 0.25
"""Of what lies between a rest and a typical face, the smallest fraction is taken that makes
``neutral`` lead at rest by this much probability."""
CORRECTION_STEP: Final = 0.25
CORRECTION_LIMIT: Final = 1.0
"""How far one correction moves an offset at most, and how far all of them together."""
OUTLIER: Final = 0.35
"""A reading is left out if more of its probability lies elsewhere than in the median reading."""
MIN_READINGS: Final = 5
MIN_AGREEMENT: Final = 0.6
"""At least this fraction of the readings has to lie near the median."""
REST_SECONDS: Final = 1.0
PATIENCE_SECONDS: Final = 5.0
"""A second of the face is enough, or as long as `MIN_READINGS` take on a slow machine. After this
many seconds without a reading it is said that the face was not there."""

_NEUTRAL: Final = EMOTIONS.index("neutral")
_NONE: Final = (0.0,) * len(EMOTIONS)


class RestingFaceError(ValueError):
    """The readings do not show a resting face. Its text is the sentence for the visitor."""


@dataclass(frozen=True, slots=True)
class Recentring:
    """Seven offsets on the log-probabilities of one visitor; without any, nothing changes.

    Attributes:
        offsets: what is added to each log-probability, in the order of `EMOTIONS`, each within
            ±`LIMIT`.

    Raises:
        ValueError: other than seven finite offsets.
    """

    offsets: tuple[float, ...] = _NONE

    def __post_init__(self) -> None:
        if len(self.offsets) != len(EMOTIONS) or not np.all(np.isfinite(self.offsets)):
            raise ValueError(
                f"Incorrect value for 'offsets' argument: {self.offsets!r}: "
                f"{len(EMOTIONS)} finite numbers are needed"
            )
        object.__setattr__(self, "offsets", _clipped(self.offsets, LIMIT))

    @classmethod
    def from_resting(
        cls, probabilities: ArrayLike, typical: Sequence[float] | None = None
    ) -> Recentring:
        """Return what makes a visitor's face at rest read like a typical neutral face.

        An emotion that the resting face shows beyond a typical one is lowered, and ``neutral`` is
        raised by what it lacks. What it shows less than a typical one stays as it is: to raise
        that would turn the noise of small probabilities into emotions. It is moved no further
        towards the typical face than `REST_LEAD` asks.

        Args:
            probabilities: ``(N, 7)``, each row 0-1 and together 1: about a second of readings of
                the face at rest, as the network gives them. Readings far from the median (a
                blink, a word) are left out.
            typical: seven log-probabilities of a typical neutral face; `typical_log_probabilities`
                by default.

        Raises:
            RestingFaceError: fewer than `MIN_READINGS` readings, too few that agree, or a face so
                far from a neutral one that offsets within `LIMIT` do not make it neutral.
            ValueError: another shape, or values that are no probabilities.
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
        near = rows[distances <= OUTLIER]
        if len(near) < max(MIN_READINGS, MIN_AGREEMENT * len(rows)):
            raise RestingFaceError(
                "Your face did not stay as it was. Keep it at rest for a second and try again."
            )
        beyond = mean_log_probabilities(near) - np.maximum(reference, np.log(FLOOR))
        offsets = -np.maximum(beyond, 0.0)
        offsets[_NEUTRAL] = max(-beyond[_NEUTRAL], 0.0)
        # No further than it takes to be neutral beyond doubt: every step takes something from
        # the real anger of an angry rest.
        for strength in STRENGTHS:
            mine = cls(tuple(float(offset) for offset in strength * offsets))
            moved = np.mean([mine.apply(tuple(row)) for row in near], axis=0)
            lead = moved[_NEUTRAL] - np.delete(moved, _NEUTRAL).max()
            if lead >= REST_LEAD:
                return mine
        if lead <= 0:
            raise RestingFaceError(
                "This looks far from a face at rest. Relax your face and try again."
            )
        return mine

    def corrected(self, probabilities: Sequence[float], emotion: str) -> Recentring:
        """Return the re-centring after a visitor has said what a reading should have been.

        A step of `CORRECTION_STEP` along the gradient of the log-likelihood, which is an update
        of the log-prior: the further off the reading was, the more it moves, and a reading that
        was right moves nothing. Several corrections add up, to `CORRECTION_LIMIT` at most.

        Args:
            probabilities: the seven, as they were shown to the visitor.
            emotion: one of `EMOTIONS`.

        Raises:
            ValueError: no such emotion, or no probabilities.
        """
        if emotion not in EMOTIONS:
            raise ValueError(
                f"Incorrect value for 'emotion' argument: {emotion!r}: one of {', '.join(EMOTIONS)}"
            )
        (shown,) = _checked([tuple(probabilities)])
        meant = np.array([name == emotion for name in EMOTIONS], dtype=np.float64)
        moved = np.asarray(self.offsets) + CORRECTION_STEP * (meant - shown)
        return Recentring(_clipped(moved, CORRECTION_LIMIT))

    def plus(self, other: Recentring) -> Recentring:
        """Return both together, within `LIMIT`."""
        return Recentring(tuple(a + b for a, b in zip(self.offsets, other.offsets, strict=True)))

    def apply(self, probabilities: Sequence[float]) -> tuple[float, ...]:
        """Return seven probabilities as they are for this visitor, together 1.

        Args:
            probabilities: seven, each 0-1, together 1.
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
    """Collects about a second of one face at rest, reading by reading.

    Attributes:
        typical: log-probabilities of a typical neutral face; the measured ones by default.
        state: whether it is still collecting, done, or has failed.
        recentring: what came of it, once it is done.
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
        """Take a reading of the face, or nothing where it cannot be read just now.

        Args:
            probabilities: seven, as the network gives them.
            seconds: when, on any clock that does not run backwards.
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
        if seconds - self._last >= PATIENCE_SECONDS:
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
    """Return the mean ``(7,)`` of log-probabilities ``(N, 7)``, none of them below `FLOOR`."""
    rows = np.asarray(probabilities, dtype=np.float64)
    mean: NDArray[np.float64] = np.log(np.maximum(rows, FLOOR)).mean(axis=0)
    return mean


def typical_log_probabilities() -> tuple[float, ...]:
    """Return the seven log-probabilities of a typical neutral face, in the order of `EMOTIONS`."""
    return _typical(TYPICAL)


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
            "Incorrect value for 'probabilities' argument: every row has to be 0-1 and together 1"
        )
    return rows
