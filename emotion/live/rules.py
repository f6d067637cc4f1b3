"""The rules by which a live camera is read, as one table for code outside of Python.

The live page's script reads faces in the visitor's own browser (``ui/widgets/device_camera``). It
decides as `emotion.live` does because it takes every threshold and time constant from here: each
is written once, where Python uses it.
"""

from __future__ import annotations

from typing import Any

from emotion import annotation, boxes, crop
from emotion.detectors import blazeface, blazeface_networks
from emotion.labels import EMOTIONS, HEADS, HeadName
from emotion.live import (
    detector,
    overlay,
    scheduler,
    smoothing,
    stream,
    template_tracking,
    tracker,
)


def live_rules(*, head: HeadName = "people") -> dict[str, Any]:
    """Return what a browser needs to know to read a camera like `FaceStream`: names → JSON values.

    Names are those of the constants, in groups named after the modules that define them.

    Args:
        head: which of the network's outputs is read.
    """
    rules: dict[str, Any] = {
        _name(module): constants(module)
        for module in (
            annotation,
            blazeface,
            boxes,
            crop,
            detector,
            overlay,
            scheduler,
            smoothing,
            stream,
            template_tracking,
            tracker,
        )
    }
    rules["blazeface_networks"] = {
        "STRIDES": blazeface_networks.STRIDES,
        "MERGE_MIN_IOU": blazeface_networks.MERGE_MIN_IOU,
    }
    return rules | {"emotions": EMOTIONS, "output": HEADS[::-1].index(head)}


def constants(module: Any) -> dict[str, Any]:
    """Return the names and values of the numbers, and tuples of numbers, that a module defines."""
    return {
        name: value
        for name, value in vars(module).items()
        if name.isupper()
        and not name.startswith("_")
        and (isinstance(value, int | float) or _numbers(value))
    }


def _name(module: Any) -> str:
    return str(module.__name__).rpartition(".")[2]


def _numbers(value: object) -> bool:
    return isinstance(value, tuple) and all(isinstance(number, int | float) for number in value)
