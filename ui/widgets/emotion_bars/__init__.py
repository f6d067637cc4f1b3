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

    A chart library would do as well, but it is a megabyte that the visitor's browser has to
    fetch and start between the photo and the answer; and a list of words needs no alt text.

    Args:
        scores: what to draw.
        key: one per set of bars on the page.
        by_size: the longest first. For a moving picture rows that keep their places are calmer.
        on_device: whether they go on with what the visitor's browser reads of its camera.
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
