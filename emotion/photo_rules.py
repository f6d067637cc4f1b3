"""The rules by which a photo is read, beyond those of the live camera, as one table.

The selfie page's script reads photos in the visitor's own browser (``ui/widgets/device_photo``) by
the same thresholds as `EmotionRecognizer`: each is written once, where Python uses it.
"""

from __future__ import annotations

from typing import Any

from emotion import recognizer
from emotion.detectors import auto, panorama
from emotion.image import decoding
from emotion.labels import HeadName
from emotion.live.rules import constants, live_rules


def photo_rules(*, head: HeadName = "people") -> dict[str, Any]:
    """Return what a browser needs to know to read photos and cameras: names → JSON values.

    The groups of `live_rules`, and more for photos alone.

    Args:
        head: which of the network's outputs is read.
    """
    return live_rules(head=head) | {
        "auto": constants(auto),
        "decoding": constants(decoding),
        "panorama": constants(panorama),
        "recognizer": constants(recognizer),
    }
