"""The button that opens the visitor's file chooser, wherever a picture can be uploaded."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from ui import browser_values
from ui.server import device_assets
from ui.widgets.frontend import component

_button = component("photo_button", shared=("button",))


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
    base: str | None,
    unreadable: str,
    on_read: Callable[[Mapping[str, Any]], None],
    on_able: Callable[[bool], None] | None = None,
    look: Literal["primary", "secondary", "tertiary"] = "secondary",
    zone: bool = False,
) -> None:
    """Draw the button. One tap opens the chooser; browsers allow that only during the tap itself.

    Args:
        label: the button's text.
        key: unique on the page.
        uploader: the key of the container that holds Streamlit's uploader, which is hidden.
        suffixes: of photos that can be read, in lower case and without a dot.
        megabytes: size of the largest photo that can be read.
        clip_suffixes: of clips that can be read, likewise.
        clip_megabytes: size of the largest clip that can be read.
        turn: how many files were handled; a new value ends the waiting for one.
        base: the path of the files with which the browser reads photos; ``None`` for the server to
            read them.
        unreadable: what to say about a file that is not a picture.
        on_read: called with what the browser has read in a photo, which it keeps.
        on_able: called with whether the browser can do that, as far as is known.
        look: which of Streamlit's buttons it looks like.
        zone: whether to draw a drop zone around it.
    """

    def take_reading() -> None:
        told = browser_values.sent(key, "read", browser_values.mapping)
        if told is not None:
            on_read(told)

    def take_able() -> None:
        able = browser_values.sent(key, "able", bool)
        if able is not None and on_able is not None:
            on_able(able)

    _button(
        key=key,
        on_read_change=take_reading,
        on_able_change=take_able,
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
            "module": base and base + device_assets.PHOTOS,
            "askAble": on_able is not None,
            "texts": {
                "reading": "Reading your photo…",
                "sending": "Sending your photo…",
                "unreadable": unreadable,
                "offer": "This device can’t read that photo. The server may be able to: it reads "
                "pictures in memory and forgets them.",
                "send": "Send it to the server",
                "kind": "That file isn’t a photo we can read. JPEG, PNG, WebP and HEIC all work.",
                "size": f"That photo is larger than {megabytes} MB. Please choose a smaller one.",
                "clipSize": f"That clip is larger than {clip_megabytes} MB. Please choose another.",
                "failed": "Your photo didn’t get through. Please try again.",
            },
        },
    )
