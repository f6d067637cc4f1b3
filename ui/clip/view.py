"""What a clip showed: the mood over time, without any of its pictures."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any, Final

import altair as alt
import streamlit as st

from emotion.clips.summary import ENDING_SECONDS, ClipSummary
from emotion.labels import EMOTIONS
from ui import wording
from ui.charts import AXIS_PX, EMOTION_COLOURS, INK, LABEL_PX, Chart, finished

HEIGHT_PX: Final = 280
GAP_SECONDS: Final = 1.0
"""After this long without a face the chart has a gap."""


def clip_rows(clip: ClipSummary) -> list[dict[str, Any]]:
    """Return the rows of `clip_chart`: one per emotion and instant, numbered by unbroken part."""
    part = 0
    rows = []
    for before, time, mood in zip((None, *clip.times), clip.times, clip.moods, strict=False):
        part += before is not None and time - before > GAP_SECONDS
        for place, (emotion, probability) in enumerate(mood.as_dict().items()):
            rows.append(
                {
                    "time": round(time, 2),
                    "part": part,
                    "emotion": emotion,
                    "place": place,
                    "word": wording.FEELINGS[emotion].word,
                    "probability": round(probability, 4),
                }
            )
    return rows


def clip_chart(rows: Sequence[Mapping[str, Any]]) -> Chart:
    """Draw the emotions, stacked, over the seconds of a clip."""
    base = alt.Chart(alt.InlineData(values=list(rows))).encode(
        x=alt.X(
            "time:Q",
            title="seconds",
            axis=alt.Axis(
                grid=False, labelFontSize=AXIS_PX, titleFontSize=AXIS_PX, labelColor=INK,
                titleColor=INK, tickCount=8,
            ),
        ),
        y=alt.Y(
            "probability:Q",
            stack="zero",
            title=None,
            scale=alt.Scale(domain=[0, 1]),
            axis=alt.Axis(format="%", tickCount=3, labelFontSize=AXIS_PX, labelColor=INK),
        ),
        order=alt.Order("place:Q"),
        tooltip=[
            alt.Tooltip("time:Q", title="Second", format=".1f"),
            alt.Tooltip("word:N", title="Mood"),
            alt.Tooltip("probability:Q", title="How much", format=".0%"),
        ],
    )  # fmt: skip
    words = {emotion: wording.FEELINGS[emotion].word for emotion in EMOTIONS}
    legend = alt.Legend(
        title=None,
        orient="bottom",
        labelFontSize=LABEL_PX,
        labelColor=INK,
        symbolType="square",
        labelExpr=f"{words}[datum.value]",
    )
    # One layer per part, so that no area spans a time without a face.
    parts = [
        base.transform_filter(f"datum.part === {part}")
        .mark_area(interpolate="monotone", line=False)
        .encode(color=alt.Color("emotion:N", scale=EMOTION_COLOURS, legend=legend))
        for part in sorted({row["part"] for row in rows})
    ]
    return finished(alt.layer(*parts), height=HEIGHT_PX)


def clip_in_words(clip: ClipSummary) -> str:
    """Name the moods in turn: "First happy, then surprised, and neutral at the end."."""
    led = [wording.FEELINGS[mood.emotion].word for mood in clip.moods]
    runs = [(word, len(list(group))) for word, group in itertools.groupby(led)]
    # What lasted only a moment is left out.
    lasting = [word for word, count in runs if count >= max(3, len(led) // 20)] or [led[-1]]
    words = [word for word, _ in itertools.groupby(lasting)]
    if len(words) == 1:
        return f"{wording.capitalize_first(words[0])} all the way through."
    if len(words) > 4:
        return f"First {words[0]}, then a bit of everything, and {words[-1]} at the end."
    middle = "".join(f", then {word}" for word in words[1:-1])
    return f"First {words[0]}{middle}, and {words[-1]} at the end."


def clip_mood(clip: ClipSummary) -> None:
    """Draw the mood over time, and say which part of it the music follows."""
    st.header("Your mood over time", anchor=False)
    said = clip_in_words(clip)
    everyone = f" Everyone together: {clip.people} people." if clip.people > 1 else ""
    st.markdown(said + everyone)
    st.altair_chart(clip_chart(clip_rows(clip)), alt=f"Moods over the seconds of your clip. {said}")
    st.caption(
        f"The music follows how your clip ended: the last {ENDING_SECONDS:.0f} seconds with a face."
    )
