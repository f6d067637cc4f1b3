"""What a camera that the visitor's browser reads shows just now: its name, and how soon it settles.

The browser draws it, without the server: `ui/widgets/device_camera` tells the page's other parts
what it reads. The words all come from here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ui.widgets.frontend import component

_reading = component("live_reading")


def live_reading(
    *,
    key: str,
    titles: Mapping[str, tuple[str, str]],
    first: str,
    lost: str,
    settling: Sequence[tuple[str, str]],
    stable_after: float,
    keep: str | None = None,
) -> None:
    """Draw the heading and the progress.

    Args:
        key: one per page.
        titles: emotion → the heading for one face, and for several.
        first: the heading until the browser has drawn its own.
        lost: said while no face is in sight.
        settling: said when the mood settles in one second, in two, …: plain words and bold ones.
        stable_after: the seconds after which it has settled.
        keep: said instead while it is read without an end; None where it is to settle.
    """
    _reading(
        key=key,
        data={
            "titles": {emotion: list(both) for emotion, both in titles.items()},
            "first": first,
            "lost": lost,
            "settling": [list(words) for words in settling],
            "stableAfter": stable_after,
            "keep": keep,
        },
    )
