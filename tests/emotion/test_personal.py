"""Visitors whose face at rest is not read as neutral, and what one second of it mends."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from emotion.labels import EMOTIONS
from emotion.personal import (
    MAX_CORRECTION_OFFSET,
    MAX_OFFSET,
    MIN_NEUTRAL_LEAD,
    MIN_READINGS,
    REST_SECONDS,
    REST_TIMEOUT_SECONDS,
    Recentring,
    RestingFace,
    RestingFaceError,
    typical_log_probabilities,
)

# How an unbiased network would read anybody: one emotion, the others as far off as they are from
# a typical neutral face.
STRENGTH = 5.0
"""Makes a clear expression: surprise is then read with nearly 90 % of an unbiased face."""
TYPICAL = (-2.5, -4.5, -3.0, -3.0, -2.5, -4.0, -0.5)


def softmax(logs: NDArray[np.float64]) -> NDArray[np.float64]:
    weights = np.exp(logs - logs.max(axis=-1, keepdims=True))
    result: NDArray[np.float64] = weights / weights.sum(axis=-1, keepdims=True)
    return result


class Visitor:
    """A face whose rest is shifted in log-probabilities, read with noise."""

    def __init__(self, seed: int = 0, **bias: float) -> None:
        self.bias = np.array([bias.get(name, 0.0) for name in EMOTIONS])
        self.rng = np.random.default_rng(seed)

    def shows(
        self, emotion: str = "neutral", count: int = 12, strength: float = STRENGTH
    ) -> NDArray[np.float64]:
        logs = np.array(TYPICAL) + self.bias
        if emotion != "neutral":
            # An expression takes from the rest and gives to one emotion.
            logs = logs + strength * np.array([name == emotion for name in EMOTIONS])
            logs = logs - 0.5 * strength * np.array([name == "neutral" for name in EMOTIONS])
        return softmax(logs + self.rng.normal(0, 0.15, (count, len(EMOTIONS))))


def named(row: NDArray[np.float64] | tuple[float, ...]) -> str:
    return EMOTIONS[int(np.argmax(row))]


def named_after(recentring: Recentring, rows: NDArray[np.float64]) -> set[str]:
    return {named(recentring.apply(tuple(row))) for row in rows}


BIASED = [
    {"angry": 2.3},
    {"angry": 3.5},
    {"sad": 2.5},
    {"fear": 2.6},
    {"disgust": 4.4},
    {"surprise": 3.8},
    {"angry": 2.2, "sad": 2.0},
    {"sad": 2.0, "neutral": -1.0},
    {"happy": 2.8},
]


@pytest.mark.parametrize("bias", BIASED, ids=str)
def test_biased_resting_face_is_neutral_after_one_second_of_calibration(
    bias: dict[str, float],
) -> None:
    visitor = Visitor(**bias)
    assert named_after(Recentring(), visitor.shows()) != {"neutral"}
    mine = Recentring.from_resting(visitor.shows(), TYPICAL)
    assert named_after(mine, visitor.shows()) == {"neutral"}


def test_resting_face_read_as_55_percent_angry() -> None:
    visitor = Visitor(angry=2.35)
    rest = visitor.shows().mean(axis=0)
    assert rest[EMOTIONS.index("angry")] == pytest.approx(0.55, abs=0.05)
    mine = Recentring.from_resting(visitor.shows(), TYPICAL)
    after = mine.apply(tuple(rest))
    assert named(after) == "neutral"
    # Beyond doubt, and not more neutral than a typical face.
    first, second = sorted(after, reverse=True)[:2]
    assert first - second >= MIN_NEUTRAL_LEAD - 0.02
    assert first < softmax(np.array(TYPICAL))[EMOTIONS.index("neutral")]


@pytest.mark.parametrize("bias", BIASED, ids=str)
@pytest.mark.parametrize("emotion", ["happy", "surprise", "angry", "sad", "fear"])
def test_a_real_expression_is_still_named(bias: dict[str, float], emotion: str) -> None:
    visitor = Visitor(**bias)
    mine = Recentring.from_resting(visitor.shows(), TYPICAL)
    assert named_after(mine, visitor.shows(emotion)) == {emotion}


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_a_visitor_without_bias_is_hardly_changed(emotion: str) -> None:
    visitor = Visitor()
    mine = Recentring.from_resting(visitor.shows(), TYPICAL)
    for row in visitor.shows(emotion):
        assert mine.apply(tuple(row)) == pytest.approx(tuple(row), abs=0.05)


def test_resting_face_more_neutral_than_typical_changes_nothing() -> None:
    rest = Visitor(neutral=2.0).shows()
    assert Recentring.from_resting(rest, TYPICAL) == Recentring()


def test_emotions_absent_at_rest_are_not_raised() -> None:
    # A face of which the network is nearly certain has little of all the others.
    rest = np.tile(softmax(np.log([0.85, *[0.025] * 6])), (10, 1))
    mine = Recentring.from_resting(rest, TYPICAL)
    assert [name for name, o in zip(EMOTIONS, mine.offsets, strict=True) if o > 0] == ["neutral"]


@pytest.mark.parametrize("emotion", EMOTIONS[:-1])
@pytest.mark.parametrize("most", [0.3, 0.6, 0.8, 0.9])
def test_offsets_stay_within_the_limit(emotion: str, most: float) -> None:
    rest = [most if name == emotion else (1 - most) / 6 for name in EMOTIONS]
    mine = Recentring.from_resting([rest] * 20, TYPICAL)
    assert all(abs(offset) <= MAX_OFFSET for offset in mine.offsets)
    assert named(mine.apply(rest)) == "neutral"


@pytest.mark.parametrize("emotion", EMOTIONS[:-1])
def test_expressive_face_is_refused_as_resting_face(emotion: str) -> None:
    # A broad smile, say: to take it for a rest would be to read no smile any more.
    certain = [0.994 if name == emotion else 0.001 for name in EMOTIONS]
    with pytest.raises(RestingFaceError, match="look like a resting face"):
        Recentring.from_resting([certain] * 20, TYPICAL)


@pytest.mark.parametrize("moment", ["happy", "surprise"])
def test_outlier_readings_are_ignored(moment: str) -> None:
    visitor = Visitor(angry=2.35)
    quiet = visitor.shows(count=14)
    spoken = np.concatenate([quiet, visitor.shows(moment, count=4)])
    assert Recentring.from_resting(spoken, TYPICAL).offsets == pytest.approx(
        Recentring.from_resting(quiet, TYPICAL).offsets, abs=0.05
    )


def test_a_face_that_does_not_rest_is_refused() -> None:
    visitor = Visitor()
    moods = [visitor.shows(e, count=4) for e in ("happy", "surprise", "sad", "angry")]
    with pytest.raises(RestingFaceError, match="expression changed"):
        Recentring.from_resting(np.concatenate(moods), TYPICAL)


@pytest.mark.parametrize("count", [0, 1, MIN_READINGS - 1])
def test_too_few_readings_are_refused(count: int) -> None:
    with pytest.raises(RestingFaceError, match="not in view for long enough"):
        Recentring.from_resting(Visitor().shows(count=count), TYPICAL)


@pytest.mark.parametrize(
    "rows",
    [
        np.full((6, 3), 1 / 3),
        np.full(7, 1 / 7),
        np.full((6, 7), 1.0),
        np.full((6, 7), np.nan),
        np.tile([-0.5, 1.5, 0, 0, 0, 0, 0], (6, 1)),
    ],
)
def test_invalid_probabilities_raise_value_error(rows: NDArray[np.float64]) -> None:
    with pytest.raises(ValueError, match="'probabilities' argument"):
        Recentring.from_resting(rows, TYPICAL)


@pytest.mark.parametrize("offsets", [(0.0,) * 6, (float("nan"),) * 7, (float("inf"), *[0.0] * 6)])
def test_offsets_are_seven_numbers(offsets: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="'offsets' argument"):
        Recentring(offsets)


def test_without_offsets_nothing_changes() -> None:
    row = tuple(float(p) for p in Visitor().shows()[0])
    assert Recentring().apply(row) == row
    assert not Recentring()


def test_the_typical_face_that_is_shipped_is_named_neutral() -> None:
    typical = typical_log_probabilities()
    first, second = sorted(softmax(np.array(typical)), reverse=True)[:2]
    assert named(typical) == "neutral"
    # Not a tie: a rest that is moved there is said to be neutral without hesitation.
    assert first - second > 0.15


# --- corrections --------------------------------------------------------------------------------


def test_corrections_move_slowly_and_add_up() -> None:
    visitor = Visitor(angry=2.6)
    rest = tuple(visitor.shows().mean(axis=0))
    mine, neutral = Recentring(), [rest[-1]]
    for _ in range(6):
        mine = mine.corrected(mine.apply(rest), "neutral")
        neutral.append(mine.apply(rest)[-1])
    steps = np.diff(neutral)
    assert all(steps > 0)
    assert max(steps) < 0.15
    assert named(Recentring().corrected(rest, "neutral").apply(rest)) == "angry"
    assert named(mine.apply(rest)) == "neutral"


def test_a_hundred_corrections_are_bounded() -> None:
    mine = Recentring()
    for _ in range(100):
        mine = mine.corrected((0.9, 0.02, 0.02, 0.02, 0.02, 0.01, 0.01), "neutral")
    assert max(map(abs, mine.offsets)) == MAX_CORRECTION_OFFSET
    smile = tuple(Visitor().shows("happy")[0])
    assert named(mine.apply(smile)) == "happy"


def test_confirming_the_reading_changes_offsets_little() -> None:
    sure = (0.01, 0.01, 0.01, 0.94, 0.01, 0.01, 0.01)
    assert max(map(abs, Recentring().corrected(sure, "happy").offsets)) < 0.03


def test_opposite_corrections_cancel() -> None:
    even = (0.4, 0.0, 0.0, 0.0, 0.2, 0.0, 0.4)
    mine = Recentring().corrected(even, "neutral").corrected(even, "angry")
    assert mine.offsets[0] == pytest.approx(mine.offsets[-1])


def test_an_unknown_emotion_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="'emotion' argument: 'bored'"):
        Recentring().corrected((1 / 7,) * 7, "bored")


def test_both_together_stay_within_the_limit() -> None:
    one = Recentring((-MAX_OFFSET, 0, 0, 0, 0, 0, MAX_OFFSET))
    both = one.plus(Recentring((-1, 0, 0.5, 0, 0, 0, 1)))
    assert both.offsets == (-MAX_OFFSET, 0, 0.5, 0, 0, 0, MAX_OFFSET)


# --- a second of it -----------------------------------------------------------------------------


def collected(rows: NDArray[np.float64], rate: float) -> tuple[RestingFace, float]:
    resting = RestingFace(TYPICAL)
    seconds = 0.0
    for number, row in enumerate(rows):
        seconds = number / rate
        resting.add(tuple(row), 50.0 + seconds)
        if resting.state != "collecting":
            break
    return resting, seconds


@pytest.mark.parametrize("rate", [30.0, 10.0, 5.0])
def test_a_second_is_enough_at_any_rate(rate: float) -> None:
    resting, seconds = collected(Visitor(angry=2.35).shows(count=200), rate)
    assert resting.state == "done"
    assert resting.recentring
    assert seconds == pytest.approx(REST_SECONDS, abs=1.01 / rate)


def test_a_slow_machine_takes_as_long_as_five_readings() -> None:
    for rate in (2.0, 0.5):
        resting, seconds = collected(Visitor(angry=2.35).shows(count=20), rate)
        assert resting.state == "done"
        assert seconds == (MIN_READINGS - 1) / rate


def test_empty_view_is_reported_after_a_timeout() -> None:
    resting = RestingFace(TYPICAL)
    resting.add(None, 0.0)
    resting.add(None, REST_TIMEOUT_SECONDS - 0.1)
    assert resting.state == "collecting"
    resting.add(None, REST_TIMEOUT_SECONDS)
    assert resting.state == "failed"
    assert "not in view" in resting.problem
    assert resting.recentring is None


def test_collection_waits_for_a_face_that_left() -> None:
    rows = Visitor(angry=2.35).shows(count=40)
    resting = RestingFace(TYPICAL)
    for number in range(15):
        resting.add(tuple(rows[number]), number / 30)
    resting.add(None, REST_SECONDS + 0.5)
    assert resting.state == "collecting"
    resting.add(tuple(rows[20]), REST_SECONDS + 1.0)
    assert resting.state == "done"


def test_readings_after_completion_are_ignored() -> None:
    resting, _ = collected(Visitor(angry=2.35).shows(count=40), 30.0)
    before = resting.recentring
    resting.add(tuple(Visitor().shows("happy")[0]), 60.0)
    assert resting.recentring == before
