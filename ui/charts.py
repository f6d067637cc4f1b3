"""What all charts share: ink, the seven colours, font sizes and the final size and frame.

Charts are ink on paper: ``currentColor`` follows the theme from day to night.
"""

from __future__ import annotations

from typing import Final

import altair as alt

from emotion.labels import EMOTIONS

INK: Final = "currentColor"
LABEL_PX: Final = 15
AXIS_PX: Final = 13

EMOTION_COLOURS: Final = alt.Scale(domain=list(EMOTIONS))
"""Without a range: the theme has the seven colours, in this order."""

Chart = alt.Chart | alt.LayerChart | alt.FacetChart


def finished(chart: Chart, *, height: int, bottom_px: int | None = None) -> Chart:
    """Return a chart at its final size, as wide as its place on the page and without a frame.

    Args:
        chart: what is drawn.
        height: in pixels.
        bottom_px: padding below the chart, with none on the other sides; by default the theme's.
    """
    sized: Chart = chart.properties(height=height, width="container")
    if bottom_px is not None:
        sized = sized.properties(padding={"left": 0, "top": 0, "right": 0, "bottom": bottom_px})
    framed: Chart = sized.configure_view(strokeWidth=0)
    return framed
