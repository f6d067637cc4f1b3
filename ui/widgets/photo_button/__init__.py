"""The button that opens the visitor's picture chooser, wherever a picture can be handed in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from ui.widgets.frontend import component

_button = component("photo_button")


def photo_button(
    label: str,
    *,
    key: str,
    uploader: str,
    suffixes: Sequence[str],
    megabytes: int,
    clip_suffixes: Sequence[str],
    clip_megabytes: int,
    turn: int,
    look: Literal["primary", "secondary", "tertiary"] = "secondary",
    zone: bool = False,
) -> None:
    """Draw the button. One tap opens the chooser: browsers allow that in the tap itself only.

    Args:
        label: what it says.
        key: one per page.
        uploader: the key of the container that holds Streamlit's uploader, which is hidden.
        suffixes: endings of the files that can be read, lower case and without a dot.
        megabytes: size of the largest photo that can be read.
        clip_suffixes: endings of clips that can be read.
        clip_megabytes: size of the largest clip that can be read.
        turn: how many files there have been, so that a button that waits for one goes on.
        look: which of Streamlit's buttons it looks like.
        zone: whether to draw a place around it where a file can be dropped.
    """
    _button(
        key=key,
        width="stretch" if zone else "content",
        data={
            "label": label,
            "hint": f"or drop one here, up to {megabytes} MB" if zone else "",
            "look": look,
            "zone": zone,
            "uploader": uploader,
            "suffixes": list(suffixes),
            "megabytes": megabytes,
            "clipSuffixes": list(clip_suffixes),
            "clipMegabytes": clip_megabytes,
            "turn": turn,
            "texts": {
                "sending": "Sending your photo…",
                "kind": "That file isn’t a photo we can read. JPEG, PNG, WebP and HEIC all work.",
                "size": f"That photo is larger than {megabytes} MB. Please choose a smaller one.",
                "clipSize": f"That clip is larger than {clip_megabytes} MB. Please choose another.",
                "failed": "Your photo didn’t get through. Please try again.",
            },
        },
    )
