"""The mood over time as a picture."""

from __future__ import annotations

import numpy as np
import pytest

from emotion.clips import plot
from emotion.clips.plot import COLOURS, Timeline, draw_timelines, timelines
from emotion.clips.reader import Outcome
from emotion.clips.reading import ClipFace
from emotion.clips.rows import RowWriter
from emotion.clips.sources import Kind, Source
from emotion.labels import EMOTIONS
from emotion.types import Box, EmotionScores, Face, FaceReading
from recommender.mood import mood_of

SAD = EmotionScores(tuple(float(name == "sad") for name in EMOTIONS))


def line(times: list[float], emotion: str = "happy", file: str = "a.mp4") -> Timeline:
    rows = np.zeros((len(times), len(EMOTIONS)))
    rows[:, EMOTIONS.index(emotion)] = 1
    return Timeline(file, 1, np.array(times), rows, np.full(len(times), 0.8))


def columns_of(picture: np.ndarray, emotion: str) -> np.ndarray:
    """Where an emotion is drawn below the legend, as a mask over the picture's columns."""
    near = np.abs(picture[plot.LEGEND_PX :].astype(int) - COLOURS[emotion]).sum(axis=-1) < 12
    return np.asarray(near.sum(axis=0) > plot.EMOTIONS_PX // 2)


def test_absent_face_leaves_a_gap_in_the_plot() -> None:
    times = [*np.arange(0, 4, 0.2), *np.arange(6, 10, 0.2)]
    drawn = columns_of(np.asarray(draw_timelines([line(times)])), "happy")
    left, right = plot.MARGIN_PX + plot.AXIS_PX, plot.WIDTH_PX - plot.MARGIN_PX
    changes = np.flatnonzero(np.diff(drawn.astype(int)))
    assert len(changes) == 4  # two parts
    scale = (right - left) / times[-1]
    assert changes == pytest.approx([left + t * scale for t in (0, 3.8, 6, times[-1])], abs=3)


def test_face_read_once_is_drawn_as_a_point() -> None:
    drawn = columns_of(np.asarray(draw_timelines([line([0.4])])), "happy")
    assert 1 <= drawn.sum() <= 2 * plot.MIN_SEEN_PX


def test_line_break_in_a_name_stays_on_its_line() -> None:
    broken, written = (
        np.asarray(draw_timelines([line([0.0, 1.0], file=name)]))
        for name in ("a\n\nb.mp4", r"a\n\nb.mp4")
    )
    assert (broken == written).all()


def test_the_faces_of_a_clip_share_their_scale() -> None:
    picture = draw_timelines([line([0.0, 10.0]), line([0.0, 0.5, 1.0, 1.5], "sad")])
    drawn = columns_of(np.asarray(picture), "sad")
    assert drawn.sum() < plot.WIDTH_PX / 5


def clip(name: str, faces: dict[int, int], kind: Kind = "clip") -> Outcome:
    """A clip with faces at this many instants."""
    writer = RowWriter(name, mood_of)
    for number, instants in faces.items():
        for instant in range(instants):
            face = ClipFace(number, FaceReading(Face(Box(0, 0, 9, 9)), SAD))
            writer.add(instant / 5, [face])
    return Outcome(Source(name, name, kind, 1, ""), kind, rows=writer.finish())


def test_the_faces_that_were_seen_the_longest_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plot, "MAX_PANELS", 2)
    outcomes = [clip("a", {1: 3, 2: 9}), clip("photo", {1: 99}, "photo"), clip("b", {1: 5, 2: 1})]
    lines, left_out = timelines(lambda: outcomes)
    assert [(line.file, line.face, len(line.times)) for line in lines] == [("a", 2, 9), ("b", 1, 5)]
    assert left_out == 2
    assert lines[0].probabilities[:, EMOTIONS.index("sad")] == pytest.approx(1)
    assert draw_timelines(lines, left_out).height > draw_timelines(lines).height


@pytest.mark.parametrize(
    ("end", "first", "last"),
    [(1.0, "0.0", "1.0"), (9.0, "0:00", "0:09"), (90.0, "0:00", "1:30"), (7200, "0:00", "2:00:00")],
)
def test_the_times_are_round(end: float, first: str, last: str) -> None:
    written = [text for _, text in plot._ticks(end)]
    assert 4 <= len(written) <= 12
    assert (written[0], written[-1]) == (first, last)
