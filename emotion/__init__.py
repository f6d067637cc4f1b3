"""Reads emotions from the faces in an image.

Everything public is named here and imported on first use, so that ``import emotion`` takes next to
no time and loads neither Streamlit nor TensorFlow.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from emotion.labels import EMOTIONS
from emotion.types import (
    Box,
    EmotionScores,
    Face,
    FaceReading,
    ImageReading,
    Landmarks,
    PictureReading,
)

if TYPE_CHECKING:
    from emotion.annotation import annotate, square_around
    from emotion.classifier import EmotionClassifier
    from emotion.clips.frames import ClipError
    from emotion.clips.reading import ClipFace, Instant, read_clip
    from emotion.detectors.base import FaceDetector
    from emotion.detectors.factory import build_detector
    from emotion.image import ImageError, decode_image
    from emotion.live.stream import FaceStream
    from emotion.live.tracker import LiveReading
    from emotion.personal import Recentring
    from emotion.recognizer import EmotionRecognizer

__all__ = [
    "EMOTIONS",
    "Box",
    "ClipError",
    "ClipFace",
    "EmotionClassifier",
    "EmotionRecognizer",
    "EmotionScores",
    "Face",
    "FaceDetector",
    "FaceReading",
    "FaceStream",
    "ImageError",
    "ImageReading",
    "Instant",
    "Landmarks",
    "LiveReading",
    "PictureReading",
    "Recentring",
    "annotate",
    "build_detector",
    "decode_image",
    "read_clip",
    "square_around",
]

_MODULES = {
    "ClipError": "emotion.clips.frames",
    "ClipFace": "emotion.clips.reading",
    "EmotionClassifier": "emotion.classifier",
    "EmotionRecognizer": "emotion.recognizer",
    "FaceDetector": "emotion.detectors.base",
    "FaceStream": "emotion.live.stream",
    "ImageError": "emotion.image",
    "Instant": "emotion.clips.reading",
    "LiveReading": "emotion.live.tracker",
    "Recentring": "emotion.personal",
    "annotate": "emotion.annotation",
    "build_detector": "emotion.detectors.factory",
    "decode_image": "emotion.image",
    "read_clip": "emotion.clips.reading",
    "square_around": "emotion.annotation",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'emotion' has no attribute {name!r}")
    value = getattr(importlib.import_module(_MODULES[name]), name)
    globals()[name] = value
    return value
