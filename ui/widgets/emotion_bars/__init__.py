"""Seven bars: how much of each emotion a face shows."""

from __future__ import annotations

from emotion.types import EmotionScores
from ui import wording
from ui.widgets.frontend import component

_bars = component("emotion_bars")


def emotion_bars(
    scores: EmotionScores, *, key: str, by_size: bool = True, on_device: bool = False
) -> None:
    """Draw the bars.

    A chart library would do as well, but is a megabyte for the visitor's browser to load between
    the photo and the answer; and a list of words needs no alternative text.

    Args:
        scores: what to draw.
        key: unique on the page.
        by_size: whether the longest comes first. For video, rows that keep their places are calmer.
        on_device: whether the browser keeps the bars up to date with the camera that it reads.
    """
    leading = wording.mentioned(scores)
    rows = scores.ranked if by_size else tuple(scores.as_dict().items())
    _bars(
        key=key,
        data={
            "label": "What the face shows",
            "onDevice": on_device,
            "unmentionedBelow": wording.UNMENTIONED_BELOW,
            "rows": [
                {
                    **wording.FEELINGS[emotion]._asdict(),
                    "probability": probability,
                    "leading": emotion in leading,
                }
                for emotion, probability in rows
            ],
        },
    )
