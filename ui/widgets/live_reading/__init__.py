"""The current emotion of a camera that the visitor's browser reads, and how soon it settles.

The browser draws it, without the server: `ui/widgets/device_camera` passes its readings to the
page's other parts. All texts come from here.
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
        key: unique on the page.
        titles: emotion → the heading for one face, and for several.
        first: the heading until the browser draws its own.
        lost: shown while no face is in sight.
        settling: shown when the mood settles in one second, in two, …: plain and bold part.
        stable_after: the seconds after which it has settled.
        keep: shown instead while reading goes on indefinitely; ``None`` to let the mood settle.
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
