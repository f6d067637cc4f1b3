"""MTCNN: slow and thorough, with five landmarks a face."""

from __future__ import annotations

from typing import Final, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from emotion.boxes import clip_box, suppress_overlaps
from emotion.detectors.base import OnStage
from emotion.detectors.mtcnn_networks import describe, load_weights, propose, refine
from emotion.image.resize import downscale
from emotion.types import Face, Landmarks

MTCNN_SIDE_PX: Final = 640
"""Images are downscaled to at most this many pixels a side: the time grows with its square."""
PYRAMID_SCALE: Final = 0.709
PNET_WINDOW_PX: Final = 12
"""P-Net sees 12x12 windows, in a pyramid whose steps halve the area (Zhang et al. 2016)."""
PNET_THRESHOLD: Final = 0.6
RNET_THRESHOLD: Final = 0.7
ONET_THRESHOLD: Final = 0.9
"""Least probability of a face after each network: the paper's, except that the last (0.8 in the
package) is raised because a false positive costs more here than a missed face."""
MAX_PNET_PROPOSALS: Final = 400
"""The best proposals are refined, which bounds the time on images full of texture."""

Boxes = NDArray[np.float32]
Pixel = TypeVar("Pixel", np.uint8, np.float32)


class MtcnnDetector:
    """Finds faces with MTCNN. Safe to call from several threads at once.

    Args:
        min_face: the side of the smallest face to detect, in pixels of the downscaled
            image (at most 640 a side).
        accept_above: the least probability of a face, 0-1.
    """

    def __init__(self, *, min_face: int = 24, accept_above: float = ONET_THRESHOLD) -> None:
        self.min_face = min_face
        self.accept_above = accept_above

    def warm_up(self) -> None:
        """Load the weights now.

        Raises:
            MtcnnUnavailable: the `mtcnn` package is not installed.
        """
        load_weights("pnet"), load_weights("rnet"), load_weights("onet")

    def detect(self, image: NDArray[np.uint8], *, on_stage: OnStage | None = None) -> list[Face]:
        """Return the faces in RGB uint8 ``(H, W, 3)`` with landmarks, the largest first.

        Raises:
            MtcnnUnavailable: the `mtcnn` package is not installed.
        """
        if on_stage:
            on_stage("detect")
        return suppress_overlaps(face for face, _ in self.detect_with_scores(image))

    def detect_with_scores(self, image: NDArray[np.uint8]) -> list[tuple[Face, float]]:
        """Return the faces with their probabilities, the most probable first.

        Raises:
            MtcnnUnavailable: the `mtcnn` package is not installed.
        """
        height, width = image.shape[:2]
        small, scale = downscale(image, MTCNN_SIDE_PX)
        boxes, scores, points = self._cascade(_normalize(small))
        return [
            (
                Face(
                    box=clip_box(*(box / scale), width=width, height=height),
                    landmarks=_landmarks(five / scale),
                ),
                float(score),
            )
            for box, score, five in zip(boxes, scores, points, strict=True)
        ]

    def _cascade(self, pixels: NDArray[np.float32]) -> tuple[Boxes, Boxes, Boxes]:
        """Return boxes ``(N, 4)`` as corners, scores ``(N,)`` and landmarks ``(N, 5, 2)``."""
        boxes, scores = _propose_all(pixels, self.min_face)
        if len(boxes):
            offsets, scores = refine(_patches(pixels, boxes, 24))
            keep = scores > RNET_THRESHOLD
            boxes, scores = _move(boxes, offsets)[keep], scores[keep]
            keep_order = _nms(boxes, scores, 0.7)
            boxes, scores = _squared(boxes[keep_order]), scores[keep_order]
        if not len(boxes):
            return np.empty((0, 4), np.float32), scores[:0], np.empty((0, 5, 2), np.float32)
        offsets, points, scores = describe(_patches(pixels, boxes, 48))
        sides = _sides(boxes)
        landmarks = (
            points.reshape(-1, 2, 5).transpose(0, 2, 1) * sides[:, None] + boxes[:, None, :2]
        )
        keep = scores > self.accept_above
        boxes, scores, landmarks = _move(boxes, offsets)[keep], scores[keep], landmarks[keep]
        keep_order = _nms(boxes, scores, 0.7, of_smaller=True)
        return boxes[keep_order], scores[keep_order], landmarks[keep_order]


def _propose_all(pixels: NDArray[np.float32], min_face: int) -> tuple[Boxes, Boxes]:
    """Run P-Net over the pyramid and return the best proposals as squares, with scores."""
    height, width = pixels.shape[:2]
    found: list[tuple[Boxes, Boxes]] = []
    scale = PNET_WINDOW_PX / min_face
    while min(height, width) * scale >= PNET_WINDOW_PX:
        level = _resize(pixels, int(np.ceil(width * scale)), int(np.ceil(height * scale)))
        offsets, scores = propose(level)
        rows, columns = np.nonzero(scores > PNET_THRESHOLD)
        corners = np.stack([columns, rows], axis=1).astype(np.float32) * 2
        boxes = np.concatenate([corners, corners + PNET_WINDOW_PX], axis=1)
        boxes += offsets[rows, columns] * PNET_WINDOW_PX
        boxes = (boxes / scale).astype(np.float32)
        scores = scores[rows, columns]
        keep = _nms(boxes, scores, 0.5)[:MAX_PNET_PROPOSALS]
        found.append((boxes[keep], scores[keep]))
        scale *= PYRAMID_SCALE
    if not found:
        return np.empty((0, 4), np.float32), np.empty(0, np.float32)
    boxes = np.concatenate([boxes for boxes, _ in found])
    scores = np.concatenate([scores for _, scores in found])
    keep = _nms(boxes, scores, 0.7)[:MAX_PNET_PROPOSALS]
    return _squared(boxes[keep]), scores[keep]


def _normalize(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return 0-255 as about [-1, 1], the range in which the networks were trained."""
    return (image.astype(np.float32) - np.float32(127.5)) / np.float32(128)


def _nms(
    boxes: Boxes, scores: Boxes, threshold: float, *, of_smaller: bool = False
) -> NDArray[np.intp]:
    """Return the indices, best first, that non-maximum suppression keeps.

    Args:
        boxes: ``(N, 4)`` as corners.
        scores: ``(N,)``.
        threshold: greatest intersection over union with a better box.
        of_smaller: whether to take the intersection over the smaller box instead.
    """
    order = np.argsort(-scores, kind="stable")
    areas = np.prod(_sides(boxes), axis=1)
    kept: list[int] = []
    while len(order):
        best, rest = order[0], order[1:]
        kept.append(int(best))
        low = np.maximum(boxes[best, :2], boxes[rest, :2])
        high = np.minimum(boxes[best, 2:], boxes[rest, 2:])
        common = np.prod(np.maximum(high - low, 0), axis=1)
        whole = (
            np.minimum(areas[best], areas[rest])
            if of_smaller
            else areas[best] + areas[rest] - common
        )
        order = rest[common <= threshold * whole]
    return np.asarray(kept, dtype=np.intp)


def _sides(boxes: Boxes) -> Boxes:
    return boxes[:, 2:] - boxes[:, :2]


def _move(boxes: Boxes, offsets: Boxes) -> Boxes:
    """Shift corners by offsets given as fractions of the box."""
    return boxes + offsets * np.tile(_sides(boxes), 2)


def _squared(boxes: Boxes) -> Boxes:
    """Return boxes enlarged to squares around their centres."""
    centre = (boxes[:, :2] + boxes[:, 2:]) / 2
    half = _sides(boxes).max(axis=1, keepdims=True) / 2
    return np.concatenate([centre - half, centre + half], axis=1)


def _patches(pixels: NDArray[np.float32], boxes: Boxes, side: int) -> NDArray[np.float32]:
    """Crop boxes, each resized to ``side``; mid-grey (0) beyond the image's edge."""
    patches = np.zeros((len(boxes), side, side, 3), np.float32)
    height, width = pixels.shape[:2]
    for patch, (x, y, right, bottom) in zip(patches, np.rint(boxes).astype(int), strict=True):
        inside = pixels[max(y, 0) : min(bottom, height), max(x, 0) : min(right, width)]
        if not inside.size:
            continue
        crop = np.zeros((bottom - y, right - x, 3), np.float32)
        top, left = max(-y, 0), max(-x, 0)
        crop[top : top + inside.shape[0], left : left + inside.shape[1]] = inside
        patch[:] = _resize(crop, side, side)
    return patches


def _resize(pixels: NDArray[Pixel], width: int, height: int) -> NDArray[Pixel]:
    """Resize with averaging where it shrinks, so that thin lines do not flicker in and out."""
    interpolation = cv2.INTER_AREA if width < pixels.shape[1] else cv2.INTER_LINEAR
    return cv2.resize(pixels, (width, height), interpolation=interpolation).astype(
        pixels.dtype, copy=False
    )


def _landmarks(points: NDArray[np.float32]) -> Landmarks:
    return Landmarks(*((float(x), float(y)) for x, y in points))
