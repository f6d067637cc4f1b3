"""The charts of the diary page, in ink and the theme's seven colours, with glyphs and words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

import altair as alt

from emotion.labels import EMOTIONS
from recommender.diary.summary import BY_HAND, Day, Journey
from ui import wording
from ui.charts import AXIS_PX, EMOTION_COLOURS, INK, LABEL_PX, Chart, finished
from ui.diary.story import INTENT_DONE, glyph, name

GLYPH_PX: Final = 20
DAY_HEIGHT_PX, ROW_HEIGHT_PX, AXIS_HEIGHT_PX = 54, 34, 32
"""Heights of a day, of a row and of the axis above them."""
BOTTOM_PX: Final = 4
WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")

Rows = Sequence[Mapping[str, Any]]


def calendar_rows(days: Sequence[Day]) -> list[dict[str, Any]]:
    """Return the rows of `calendar_chart`, one per day."""
    return [
        {
            "weekday": WEEKDAYS[day.day.weekday()],
            "week": day.week,
            "day": day.day.day,
            "date": f"{WEEKDAYS[day.day.weekday()]} {day.day.day} {day.day:%B}",
            "emotion": day.leading if day.leading != BY_HAND else None,
            "glyph": glyph(day.leading) if day.leading else "",
            "felt": ", ".join(name(felt) for felt in day.feelings) or "no entry",
            "any": day.leading is not None,
        }
        for day in days
    ]


def calendar_chart(days: Sequence[Day], *, faint: bool = False) -> Chart:
    """Draw a month: a cell per day, with the glyph and colour of what was felt most.

    Args:
        days: all days of the month.
        faint: whether to draw it faintly, as an example.
    """
    rows = calendar_rows(days)
    weeks = max(day.week for day in days) + 1
    base = alt.Chart(alt.InlineData(values=rows)).encode(
        x=alt.X(
            "weekday:O",
            sort=list(WEEKDAYS),
            scale=alt.Scale(domain=list(WEEKDAYS), paddingInner=0.07, paddingOuter=0),
            axis=_axis(
                orient="top", labelAngle=0, labelFontSize=AXIS_PX, grid=False, labelPadding=8
            ),
        ),
        y=alt.Y(
            "week:O",
            scale=alt.Scale(domain=list(range(weeks)), paddingInner=0.07, paddingOuter=0),
            axis=None,
        ),
        tooltip=[
            alt.Tooltip("date:N", title="Day"),
            alt.Tooltip("felt:N", title="Mood"),
        ],
    )
    # Layers that may be empty are hidden from screen readers: an empty group has no name. The
    # chart's alternative text says it all.
    cells = base.mark_rect(cornerRadius=9, fill=INK, opacity=0.06)
    felt = (
        base.transform_filter("datum.emotion != null")
        .mark_rect(cornerRadius=9, opacity=0.25 if faint else 0.42, aria=False)
        .encode(color=alt.Color("emotion:N", scale=EMOTION_COLOURS, legend=None))
    )
    numbers = base.mark_text(dy=-15, fontSize=12, fill=INK, opacity=0.8).encode(text="day:O")
    glyphs = (
        base.transform_filter("datum.any")
        .mark_text(dy=8, fontSize=GLYPH_PX, fill=INK, opacity=0.6 if faint else 1, aria=False)
        .encode(text="glyph:N")
    )
    return finished(
        alt.layer(cells, felt, numbers, glyphs).resolve_scale(color="independent"),
        height=AXIS_HEIGHT_PX + weeks * DAY_HEIGHT_PX,
        bottom_px=BOTTOM_PX,
    )


def genre_rows(genres: Mapping[str, Counter[str]]) -> list[dict[str, Any]]:
    """Return the rows of `genre_chart`, one per genre and emotion."""
    return [
        {
            "genre": genre,
            "emotion": emotion,
            "sign": wording.FEELINGS[emotion].glyph,
            "feeling": wording.FEELINGS[emotion].word,
            "tracks": counts[emotion],
        }
        for genre, counts in genres.items()
        for emotion in EMOTIONS
        if counts[emotion]
    ]


def genre_chart(genres: Mapping[str, Counter[str]]) -> Chart:
    """Draw how many tracks of each genre came with each emotion, as the size of a dot."""
    seen = {emotion for counts in genres.values() for emotion in counts}
    signs = [wording.FEELINGS[emotion].glyph for emotion in EMOTIONS if emotion in seen]
    base = alt.Chart(alt.InlineData(values=genre_rows(genres))).encode(
        x=alt.X(
            "sign:O",
            sort=signs,
            scale=alt.Scale(domain=signs),
            axis=_axis(
                orient="top", labelAngle=0, labelFontSize=GLYPH_PX, grid=False, labelPadding=6
            ),
        ),
        y=_names("genre:N"),
        tooltip=[
            alt.Tooltip("genre:N", title="Genre"),
            alt.Tooltip("feeling:N", title="Mood"),
            alt.Tooltip("tracks:Q", title="Tracks"),
        ],
    )
    most = max(row["tracks"] for row in genre_rows(genres))
    dots = base.mark_circle(opacity=0.9).encode(
        size=alt.Size("tracks:Q", scale=alt.Scale(domain=[0, most], range=[0, 620]), legend=None),
        color=alt.Color("emotion:N", scale=EMOTION_COLOURS, legend=None),
    )
    return finished(dots, height=AXIS_HEIGHT_PX + len(genres) * ROW_HEIGHT_PX, bottom_px=BOTTOM_PX)


def journey_rows(journeys: Sequence[Journey], dates: Sequence[str]) -> list[dict[str, Any]]:
    """Return the rows of `journey_chart`."""
    return [
        {
            "row": place,
            "date": date,
            "start": journey.start.valence,
            "end": journey.end.valence,
            "before": glyph(journey.entry.emotion or BY_HAND),
            "after": glyph(journey.entry.ended or BY_HAND),
            "did": INTENT_DONE[journey.entry.intent],
            "felt": f"{name(journey.entry.emotion or BY_HAND)}, then "
            f"{name(journey.entry.ended or BY_HAND)}",
            "same": abs(journey.end.valence - journey.start.valence) < 0.05,
        }
        for place, (journey, date) in enumerate(zip(journeys, dates, strict=True))
    ]


def journey_chart(journeys: Sequence[Journey], dates: Sequence[str]) -> Chart:
    """Draw where each journey began and ended, from unpleasant to pleasant.

    Args:
        journeys: the latest first.
        dates: when they were, in words.
    """
    base = alt.Chart(alt.InlineData(values=journey_rows(journeys, dates))).encode(
        y=_names("date:N"),
        tooltip=[
            alt.Tooltip("date:N", title="When"),
            alt.Tooltip("felt:N", title="Felt"),
            alt.Tooltip("did:N", title="The music"),
        ],
    )
    scale = alt.Scale(domain=[-1, 1], nice=False)
    axis = _axis(
        orient="top",
        values=[-0.8, 0, 0.8],
        labelExpr="datum.value < 0 ? 'unpleasant' : datum.value > 0 ? 'pleasant' : ''",
        labelFontSize=AXIS_PX,
        grid=True,
        gridColor=INK,
        gridDash=[2, 4],
        gridOpacity=0.15,
    )
    lines = base.mark_rule(stroke=INK, strokeWidth=2, opacity=0.45).encode(
        x=alt.X("start:Q", scale=scale, axis=axis), x2="end:Q"
    )
    # A journey that ends where it began shows only its end.
    before = (
        base.transform_filter("!datum.same")
        .mark_text(fontSize=GLYPH_PX - 4, fill=INK, opacity=0.65, aria=False)
        .encode(x=alt.X("start:Q", scale=scale, axis=axis), text="before:N")
    )
    after = base.mark_text(fontSize=GLYPH_PX + 2, fill=INK).encode(
        x=alt.X("end:Q", scale=scale, axis=axis), text="after:N"
    )
    return finished(
        alt.layer(lines, before, after),
        height=AXIS_HEIGHT_PX + len(journeys) * ROW_HEIGHT_PX,
        bottom_px=BOTTOM_PX,
    )


def _axis(**look: Any) -> alt.Axis:
    """Return an axis with only labels, in ink."""
    return alt.Axis(title=None, labelColor=INK, labelFlush=False, domain=False, ticks=False, **look)


def _names(field: str) -> alt.Y:
    """Return the axis of a chart's rows: their names, and a faint line for each."""
    return alt.Y(
        field,
        sort=None,
        axis=_axis(
            labelFontSize=LABEL_PX,
            labelLimit=130,
            minExtent=96,
            grid=True,
            gridColor=INK,
            gridOpacity=0.12,
            labelPadding=8,
        ),
    )
