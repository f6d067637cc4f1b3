"""The charts of the model page: in ink, with labels right beside the data."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

import altair as alt

from emotion.labels import EMOTIONS
from ui import wording
from ui.charts import AXIS_PX, INK, LABEL_PX, Chart, finished
from ui.model.figures import (
    HUMAN_ACCURACY,
    HUMAN_ACCURACY_MARGIN,
    Baseline,
    Baselines,
    Corruption,
    Figure,
    confusion_rate,
    margin,
    named,
)

GRID_OPACITY: Final = 0.09
MAX_SHOWN_ACCURACY: Final = 0.8
"""End of the accuracy axes that compare networks: no result is higher."""

Rows = Sequence[Mapping[str, Any]]
Align = Literal["left", "center", "right"]


def standouts(rows: Sequence[Baseline], *, plot: tuple[int, int] = (290, 420)) -> Mapping[str, str]:
    """Return which rows to name on `baseline_chart` and on which side: the Pareto front first.

    A name that would cover another name or dot, or leave the chart, appears only in the table.

    Args:
        rows: all rows of the chart.
        plot: its width and height in pixels, by default a phone's.
    """
    first, last = _span(rows)
    dots = {
        row.name: (
            plot[0] * math.log(row.milliseconds / first) / math.log(last / first),
            plot[1] * row.accuracy / MAX_SHOWN_ACCURACY,
        )
        for row in rows
    }
    beaten = {
        row.name
        for row in rows
        for other in rows
        if other.accuracy > row.accuracy and other.milliseconds < row.milliseconds
    }
    taken = {name: (x - 6, x + 6, y - 6, y + 6) for name, (x, y) in dots.items()}
    chosen: dict[str, str] = {}
    for row in sorted(rows, key=lambda row: (row.name in beaten, -row.accuracy)):
        x, y = dots[row.name]
        wide = LABEL_PX / 2 * len(row.name)
        for side, (align, right, down) in NAMED_ON.items():
            start = x + right - wide * ALIGNED[align]
            box = (start, start + wide, y - down - LABEL_PX / 2, y - down + LABEL_PX / 2)
            free = all(not _overlap(box, o) for name, o in taken.items() if name != row.name)
            if free and box[0] >= 0 and box[1] <= plot[0]:
                taken[f"the name of {row.name}"] = box
                chosen[row.name] = side
                break
    return chosen


NAMED_ON: Final[Mapping[str, tuple[Align, int, int]]] = {
    "right": ("left", 11, 0),
    "left": ("right", -11, 0),
    "above": ("center", 0, -17),
    "below": ("center", 0, 17),
}
"""Where a dot's name may stand: its alignment, and its offset from the dot in pixels."""
ALIGNED: Final[Mapping[Align, float]] = {"left": 0.0, "center": 0.5, "right": 1.0}


def _overlap(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    """Return whether two boxes (left, right, bottom, top) overlap."""
    return one[0] < other[1] and other[0] < one[1] and one[2] < other[3] and other[2] < one[3]


def _span(rows: Sequence[Baseline]) -> tuple[float, float]:
    """Return the ends of the milliseconds axis."""
    times = [row.milliseconds for row in rows]
    return min(times) / 2, max(times) * 2


def accuracy_rows(figure: Figure) -> list[dict[str, Any]]:
    """Return the rows of `accuracy_chart`: name, fraction, and the interval around it."""
    rows = [
        ("By chance", 1 / len(EMOTIONS), 0.0, ""),
        ("Most frequent class", figure.most_frequent, 0.0, ""),
        ("People", HUMAN_ACCURACY, HUMAN_ACCURACY_MARGIN, "Goodfellow et al. 2013"),
        ("Affectune", figure.accuracy, margin(figure.accuracy, figure.images), "all test photos"),
        (
            "… without repeats",
            figure.clean_accuracy,
            margin(figure.clean_accuracy, figure.clean_images),
            "without those that are also in the training set",
        ),
    ]
    if figure.ferplus and "agreed_accuracy" in figure.ferplus:
        fraction, images = figure.ferplus["agreed_accuracy"], int(figure.ferplus["agreed_images"])
        note = f"{images:,} photos of {figure.images:,}"
        rows.append(("… where people agree", fraction, margin(fraction, images), note))
    return [
        {
            "who": who,
            "fraction": fraction,
            "low": fraction - within,
            "high": fraction + within,
            "text": f"{fraction * 100:.0f}{f' ± {within * 100:.0f}' if within else ''} %",
            "note": note,
            "ours": place >= 3,
        }
        for place, (who, fraction, within, note) in enumerate(rows)
    ]


def accuracy_chart(figure: Figure) -> Chart:
    """Draw how often the answer is right, compared with chance and people."""
    rows = accuracy_rows(figure)
    base = _base(rows).encode(
        y=alt.Y("who:N", sort=None, axis=_names(155)),
        tooltip=[
            alt.Tooltip("who:N", title="Who"),
            alt.Tooltip("fraction:Q", title="Right", format=".1%"),
            alt.Tooltip("note:N", title="Measured"),
        ],
    )
    x = alt.X("fraction:Q", scale=alt.Scale(domain=[0, 1]), axis=_fraction_axis("right answers"))
    whole = alt.Scale(domain=[0, 1])
    whiskers = base.mark_rule(stroke=INK, strokeWidth=2, opacity=0.55).encode(
        x=alt.X("low:Q", scale=whole, axis=_fraction_axis("right answers")), x2="high:Q"
    )
    dots = base.mark_point(filled=True, size=120, opacity=1, color=INK, fill=INK).encode(
        x=x,
        shape=alt.Shape(
            "ours:N",
            scale=alt.Scale(domain=[False, True], range=["diamond", "circle"]),
            legend=None,
        ),
    )
    texts = base.mark_text(
        align="left", dx=12, dy=0, fontSize=LABEL_PX, fill=INK, fontWeight="bold"
    ).encode(x=alt.X("high:Q", scale=whole), text="text:N")
    return finished(alt.layer(whiskers, dots, texts), height=len(rows) * 38)


def recall_rows(figure: Figure) -> list[dict[str, Any]]:
    """Return the rows of `recall_chart`, the emotion with the highest recall first."""
    ranked = sorted(EMOTIONS, key=lambda emotion: -figure.recall[emotion])
    return [
        {
            "emotion": named(emotion),
            "recall": figure.recall[emotion],
            "precision": figure.precision[emotion],
            "images": figure.counts[emotion],
            "text": f"{figure.recall[emotion] * 100:.0f}",
        }
        for emotion in ranked
    ]


def recall_chart(figure: Figure) -> Chart:
    """Draw how many faces of each emotion are found."""
    rows = recall_rows(figure)
    base = _base(rows).encode(
        y=alt.Y("emotion:N", sort=None, axis=_names(104)),
        x=alt.X("recall:Q", scale=alt.Scale(domain=[0, 1]), axis=_fraction_axis("found")),
        tooltip=[
            alt.Tooltip("emotion:N", title="Emotion"),
            alt.Tooltip("recall:Q", title="Found", format=".0%"),
            alt.Tooltip("precision:Q", title="Right when named", format=".0%"),
            alt.Tooltip("images:Q", title="Photos", format=","),
        ],
    )
    bars = base.mark_bar(fill=INK, opacity=0.78, height=18, cornerRadiusEnd=5)
    texts = base.mark_text(
        align="left", dx=8, fontSize=LABEL_PX, fill=INK, fontWeight="bold"
    ).encode(text="text:N")
    return finished(alt.layer(bars, texts), height=len(rows) * 36)


def confusion_chart(figure: Figure) -> Chart:
    """Draw what each emotion is mistaken for, of 100 faces."""
    rows = [
        {
            "true": named(true),
            "predicted": wording.FEELINGS[predicted].glyph,
            "saying": wording.FEELINGS[predicted].word,
            "fraction": confusion_rate(figure, true, predicted),
            "count": figure.confusion[i][j],
            "text": f"{confusion_rate(figure, true, predicted) * 100:.0f}",
            "hit": true == predicted,
        }
        for i, true in enumerate(EMOTIONS)
        for j, predicted in enumerate(EMOTIONS)
    ]
    base = _base(rows).encode(
        x=alt.X(
            "predicted:N",
            sort=None,
            scale=alt.Scale(paddingInner=0.05, paddingOuter=0),
            axis=alt.Axis(
                title=None,
                orient="top",
                labelAngle=0,
                labelFontSize=19,
                labelOverlap=False,
                labelFlush=False,
                ticks=False,
                domain=False,
            ),
        ),
        y=alt.Y(
            "true:N",
            sort=None,
            scale=alt.Scale(paddingInner=0.08, paddingOuter=0),
            axis=_names(104),
        ),
        tooltip=[
            alt.Tooltip("true:N", title="People say"),
            alt.Tooltip("saying:N", title="Affectune says"),
            alt.Tooltip("fraction:Q", title="Fraction", format=".0%"),
            alt.Tooltip("count:Q", title="Photos"),
        ],
    )
    cells = base.mark_rect(cornerRadius=7).encode(
        fill=alt.Fill("fraction:Q", scale=alt.Scale(domain=[0, 1]), legend=None)
    )
    texts = base.mark_text(fontSize=LABEL_PX, fill=INK).encode(text="text:N")
    hits = (
        base.transform_filter("datum.hit")
        .mark_text(fontSize=LABEL_PX, fill=INK, fontWeight="bold")
        .encode(text="text:N")
    )
    misses = texts.transform_filter("!datum.hit")
    return finished(
        alt.layer(cells, misses, hits).resolve_scale(color="independent"),
        height=len(EMOTIONS) * 46,
    )


def reliability_chart(figure: Figure) -> Chart:
    """Draw how often the network is right against how sure it says it is."""
    whole = alt.Scale(domain=[0, 1])
    total = sum(row["images"] for row in figure.reliability)
    line = (
        _base([{"x": 0, "y": 0}, {"x": 1, "y": 1}])
        .mark_line(stroke=INK, strokeDash=[5, 5], opacity=0.55, strokeWidth=2)
        .encode(
            x=alt.X("x:Q", scale=whole, axis=_fraction_axis("how sure it says it is")),
            y=alt.Y("y:Q", scale=whole, axis=_fraction_axis("how often it is right", side="left")),
        )
    )
    rows = [{**row, "of": row["images"] / total} for row in figure.reliability]
    found = _base(rows).encode(
        x=alt.X("confidence:Q", scale=whole),
        y=alt.Y("accuracy:Q", scale=whole),
        tooltip=[
            alt.Tooltip("confidence:Q", title="Says it is sure", format=".0%"),
            alt.Tooltip("accuracy:Q", title="Is right", format=".0%"),
            alt.Tooltip("images:Q", title="Photos", format=","),
        ],
    )
    path = found.mark_line(stroke=INK, strokeWidth=2.5)
    dots = found.mark_point(filled=True, fill=INK, color=INK, opacity=1).encode(
        size=alt.Size("images:Q", scale=alt.Scale(range=[25, 320]), legend=None)
    )
    return finished(alt.layer(line, path, dots), height=330)


def corruption_rows(corruption: Corruption, *, ours: str = "Affectune") -> list[dict[str, Any]]:
    """Return the rows of `corruption_chart`; the last of each line carries its name, at the height
    ``label``, which keeps the two names apart."""
    _, end, other = corruption.points[-1]
    apart = 0.0 if other is None else max(0.0, 0.06 - abs(end - other)) / 2
    above = apart if other is None or end >= other else -apart
    return [
        {
            "severity": point[0],
            "fraction": fraction,
            "who": who,
            "text": who if point is corruption.points[-1] else "",
            "label": fraction + shift,
        }
        for who, of, shift in ((ours, 1, above), ("fer", 2, -above))
        for point in corruption.points
        if (fraction := point[of]) is not None
    ]


def corruption_chart(corruption: Corruption, *, ours: str = "Affectune") -> Chart:
    """Draw accuracy against the severity of a corruption, ours and that of ``fer``."""
    severities = [severity for severity, *_ in corruption.points]
    # From better to worse, whether the numbers rise or fall.
    span = sorted((min(severities), max(severities)), reverse=severities[0] > severities[-1])
    up = alt.Scale(domain=[0, MAX_SHOWN_ACCURACY])
    base = _base(corruption_rows(corruption, ours=ours)).encode(
        x=alt.X(
            "severity:Q",
            scale=alt.Scale(domain=span, nice=False, zero=False),
            axis=alt.Axis(
                title=corruption.scale, values=severities, grid=False, labelOverlap=True, **_AXIS
            ),
        ),
        detail="who:N",
        tooltip=[
            alt.Tooltip("who:N", title="Who"),
            alt.Tooltip("severity:Q", title=corruption.scale),
            alt.Tooltip("fraction:Q", title="Right", format=".1%"),
        ],
    )
    fractions = alt.Y("fraction:Q", scale=up, axis=_fraction_axis("right", side="left"))
    names = [ours, "fer"]
    lines = base.mark_line(stroke=INK, strokeWidth=2.5).encode(
        y=fractions,
        strokeDash=alt.StrokeDash(
            "who:N", scale=alt.Scale(domain=names, range=[[1, 0], [5, 4]]), legend=None
        ),
    )
    dots = base.mark_point(filled=True, fill=INK, color=INK, opacity=1, size=80).encode(
        y=fractions,
        shape=alt.Shape(
            "who:N", scale=alt.Scale(domain=names, range=["circle", "square"]), legend=None
        ),
    )
    texts = base.mark_text(align="left", dx=10, fontSize=LABEL_PX, fill=INK).encode(
        y=alt.Y("label:Q", scale=up), text="text:N"
    )
    return finished(alt.layer(lines, dots, texts), height=300)


def baseline_chart(found: Baselines) -> Chart:
    """Draw accuracy against the time for one image."""
    shown = standouts(found.rows)
    first, last = _span(found.rows)
    rows = [
        {
            "name": row.name,
            "fraction": row.accuracy,
            "milliseconds": row.milliseconds,
            "side": shown.get(row.name, ""),
        }
        for row in found.rows
    ]
    base = _base(rows).encode(
        x=alt.X(
            "milliseconds:Q",
            scale=alt.Scale(type="log", domain=[first, last], nice=False),
            axis=alt.Axis(
                title="milliseconds for one face",
                grid=False,
                values=[step * 10**power for power in range(-4, 6) for step in (1, 2, 5)],
                format="~g",
                **_AXIS,
            ),
        ),
        y=alt.Y(
            "fraction:Q",
            scale=alt.Scale(domain=[0, MAX_SHOWN_ACCURACY]),
            axis=_fraction_axis("right answers", side="left"),
        ),
        tooltip=[
            alt.Tooltip("name:N", title="What"),
            alt.Tooltip("fraction:Q", title="Right", format=".1%"),
            alt.Tooltip("milliseconds:Q", title="Milliseconds", format=".3~g"),
        ],
    )
    dots = base.mark_point(filled=True, fill=INK, color=INK, opacity=1, size=110)
    names = [
        base.transform_filter(f"datum.side === '{side}'")
        .mark_text(align=align, dx=right, dy=down, fontSize=LABEL_PX, fill=INK)
        .encode(text="name:N")
        for side, (align, right, down) in NAMED_ON.items()
    ]
    return finished(alt.layer(dots, *names), height=420)


_AXIS: Final[dict[str, Any]] = {
    "labelFontSize": AXIS_PX,
    "titleFontSize": AXIS_PX,
    "labelColor": INK,
    "titleColor": INK,
    "titleFontWeight": "normal",
    "ticks": False,
    "domain": False,
}


def _base(rows: Rows) -> alt.Chart:
    return alt.Chart(alt.InlineData(values=[dict(row) for row in rows]))


def _names(width: int) -> alt.Axis:
    return alt.Axis(
        title=None,
        labelFontSize=LABEL_PX,
        labelColor=INK,
        labelAlign="left",
        labelPadding=width,
        labelLimit=width,
        labelFlush=False,
        ticks=False,
        domain=False,
        grid=False,
    )


def _fraction_axis(title: str, *, side: Literal["bottom", "left"] = "bottom") -> alt.Axis:
    return alt.Axis(
        title=title,
        orient=side,
        format=".0%",
        tickCount=5,
        gridColor=INK,
        gridOpacity=GRID_OPACITY,
        **_AXIS,
    )
